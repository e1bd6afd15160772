"""The play as it is known with hindsight: where the ball and the players are at each moment looked at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

Place = tuple[float, float]  # metres on the ground, from the middle of the field; x along the touchlines


@dataclass(frozen=True, slots=True)
class BallAt:
    """The ball.

    Attributes:
        yaw_deg, pitch_deg: its direction from the mast, in the rig's frame.
        sureness: 0 .. 1, how likely this is the ball in play and that it is here.
        seen: whether a detection is behind it; False where a gap was filled.
        place: on the ground below the direction, if the ground is known.
    """

    yaw_deg: float
    pitch_deg: float
    sureness: float
    seen: bool
    place: Place | None = None


@dataclass(frozen=True, slots=True)
class PlayerAt:
    """A player (or referee): the number of the track, the direction of the body's middle, the place of the feet."""

    track: int
    yaw_deg: float
    pitch_deg: float
    seen: bool
    place: Place | None = None


@dataclass(frozen=True, slots=True)
class Moment:
    """Where everybody is at ``pts_ns``; ``ball`` is None while nobody knows."""

    pts_ns: int
    ball: BallAt | None
    players: tuple[PlayerAt, ...]


class Play(Protocol):
    """What the tracks say, read by any number of directors."""

    def between(self, first_ns: int, last_ns: int) -> Sequence[Moment]:
        """The moments that were analysed with ``first_ns <= pts <= last_ns``, in order.

        They are decided with the hindsight of everything up to ``last_ns``, and with nothing later, so that a
        director who asks for the same again gets the same, whatever else has come in since.
        """
        ...

    def wait_for(self, pts_ns: int, timeout_s: float | None = None) -> bool:
        """Waits until everything up to ``pts_ns`` is known; False if ``timeout_s`` has passed first."""
        ...

    def forget_before(self, pts_ns: int) -> None:
        """Nobody will ask for moments before ``pts_ns`` any more."""
        ...
