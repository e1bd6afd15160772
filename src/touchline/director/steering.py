"""The tripod head: turns one axis of the camera towards a target as a calm operator would."""

from __future__ import annotations

import math
from dataclasses import dataclass

_LONGEST_STEP_S = 0.02  # integration steps; far below the response time


@dataclass(frozen=True)
class Feel:
    """How an axis moves. Angles in degrees.

    Attributes:
        response_s: how soon it follows.
        rest: it stays where it is while the target is, and stays, about this near.
        speed: at most, per second.
        acceleration: at most, per second squared.
        jerk: at most, per second cubed.
    """

    response_s: float
    rest: float
    speed: float
    acceleration: float
    jerk: float


class Axis:
    """A critically damped follower of a target's place and speed: no lag on an even pan, no overshoot at its end.

    Args:
        position: where it stands at first, in degrees.
        feel: how it moves.
    """

    def __init__(self, position: float, feel: Feel) -> None:
        self.position = position
        self.speed = 0.0
        self._push = 0.0
        self._feel = feel

    def follow(self, target: float, target_speed: float, elapsed_s: float, top_speed: float) -> None:
        """Moves on by ``elapsed_s``.

        Args:
            target: degrees.
            target_speed: degrees per second.
            elapsed_s: since the last call.
            top_speed: degrees per second, at most this time.
        """
        feel = self._feel
        top = min(feel.speed, top_speed)
        steps = max(1, math.ceil(elapsed_s / _LONGEST_STEP_S))
        dt, stiff = elapsed_s / steps, 1 / feel.response_s
        for i in range(steps):
            # Where the target was when this step began.
            off = target - target_speed * dt * (steps - i) - self.position
            ahead = off + target_speed * 2 * feel.response_s
            wake = smoothstep(max(abs(off), abs(ahead)) / feel.rest - 0.5)
            wanted = wake * _within(target_speed, top)
            push = stiff * stiff * wake * off + 2 * stiff * (wanted - self.speed)
            push = max(-self._most(top + self.speed), min(self._most(top - self.speed), push))
            push = self._push + _within(push - self._push, feel.jerk * dt)
            self._push = _within(push, feel.acceleration)
            self.speed = _within(self.speed + self._push * dt, feel.speed)
            self.position += self.speed * dt

    def _most(self, room: float) -> float:
        """The hardest push that can still be taken back, at the jerk allowed, within ``room`` of the top speed."""
        return math.sqrt(2 * self._feel.jerk * room) if room >= 0 else room / self._feel.response_s


def _within(x: float, bound: float) -> float:
    return max(-bound, min(bound, x))


def smoothstep(x: float) -> float:
    """0 below 0, 1 above 1, smooth in between."""
    x = max(0.0, min(1.0, x))
    return x * x * (3 - 2 * x)
