"""Where the ball of each path should be in the next frame, at whom, and whether it would be seen there."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from touchline.analysis.ball_layers import Bodies, Layer
from touchline.analysis.clutter import Clutter
from touchline.analysis.sight import Sight
from touchline.analysis.tracking_settings import TrackSettings

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

HIGH_M: Final = 70.0  # a ball seen further off than that may be a high one that is nearer
_BELOW: Final = 0.5  # of half a body's height below its middle the ball is mostly held
_FADED: Final = 0.15  # share of the chance to see it that is left after long


class Ahead(NamedTuple):
    """What is expected of each path now: see :class:`Layer`. ``near``: how likely it comes to each body; ``seen``: how
    likely it would be seen; ``lying``: how often something is seen to lie there."""

    at: Floats
    speed: Floats
    spread: Floats
    metre: Floats
    held: NDArray[np.bool_]
    near: Floats
    unseen: Floats
    seen: Floats
    lying: Floats


class Foresight:
    """Foresees the paths of the ball.

    Args:
        sight: what is looked at.
        settings: see :class:`TrackSettings`.
        clutter: what is known to lie where.
    """

    def __init__(self, sight: Sight, settings: TrackSettings, clutter: Clutter) -> None:
        self._sight, self._settings, self._clutter = sight, settings, clutter

    def of(self, last: Layer, bodies: Bodies, dt: float) -> Ahead:
        """Where each path's ball should be now."""
        rules = self._settings
        at = last.at + last.speed * dt
        at[0] = 0.0  # lost: never used
        metre = np.degrees(1 / np.minimum(self._sight.ranges(at[:, 0], at[:, 1]), HIGH_M))
        push = (rules.ball_push * metre) ** 2
        place, speed, both = last.spread.T
        spread = np.stack(
            [
                place + 2 * both * dt + speed * dt * dt + push * dt**3 / 3,
                speed + push * dt,
                both + speed * dt + push * dt * dt / 2,
            ],
            axis=-1,
        )
        gone = last.speed.copy()
        where = _rows_of(last.body, bodies.number)
        held = where >= 0
        if held.any():
            own = where[held]
            at[held] = grip(bodies)[own]
            gone[held] = bodies.speed[own]
            metre[held] = bodies.metre[own]
            spread[held] = np.stack(
                [(0.7 * rules.reach_m * metre[held]) ** 2, (2.0 * metre[held]) ** 2, np.zeros(len(own))],
                axis=-1,
            )
        near = self._near(at, spread[:, 0], metre, bodies)
        unseen = last.time_s + dt - last.seen_s
        at_body = held | (near.max(axis=1, initial=0.0) > 0.15)
        seen = np.where(at_body, rules.ball_seen_at_player, rules.ball_seen)
        fade = np.exp(-np.maximum(unseen - dt, 0.0) / rules.ball_fade_s)
        seen = seen * (_FADED + (1 - _FADED) * fade)
        return Ahead(at, gone, spread, metre, held, near, unseen, seen, self._clutter.still_at(at))

    def _near(self, at: Floats, place: Floats, metre: Floats, bodies: Bodies) -> Floats:
        """How likely each path's ball comes to each body, shape (paths, bodies)."""
        gap = np.abs(at[:, None] - bodies.at[None])
        gap[..., 0] *= np.cos(np.radians(at[:, 1]))[:, None]
        gap[..., 1] = np.maximum(gap[..., 1] - bodies.halves[None, :, 1], 0.0)
        reach = (self._settings.reach_m * bodies.metre[None]) ** 2
        wide = reach + place[:, None]
        return np.asarray(0.6 * reach / wide * np.exp(-0.5 * (gap**2).sum(axis=-1) / wide))


def grip(bodies: Bodies) -> Floats:
    """Where bodies hold the ball or have it at their feet."""
    return np.asarray(bodies.at - np.stack([np.zeros(len(bodies.at)), _BELOW * bodies.halves[:, 1]], axis=-1))


def _rows_of(wanted: Ints, numbers: Ints) -> Ints:
    """The row of each number in ``numbers``, which rise; -1 for none."""
    if not len(numbers):
        return np.full(len(wanted), -1)
    rows = np.minimum(np.searchsorted(numbers, wanted), len(numbers) - 1)
    return np.where(numbers[rows] == wanted, rows, -1)
