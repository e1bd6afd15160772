"""Plays for tests: the truth of a synthetic match as a detector six times a second would see it, and made-up ones."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from touchline.analysis.play import BallAt, Moment, PlayerAt
from touchline.geometry import FieldOutline, Panorama, View, ViewLimits, fit_panorama, rays_to_angles
from touchline.synth.pitch import HALF_LENGTH, HALF_WIDTH, world_to_rig
from touchline.synth.play import Play as MatchPlay
from touchline.synth.rig import default_rig

SECOND = 10**9
FPS = 30
RATE = 6  # moments per second
LIMITS = ViewLimits(
    Panorama("equirectangular", 1800, 480, *(math.radians(a) for a in (-85, 85, -34, 14))), 16 / 9
)


class KnownPlay:
    """Moments that are all there from the start."""

    def __init__(self, moments: Sequence[Moment]) -> None:
        self.moments = list(moments)
        self._pts = [moment.pts_ns for moment in moments]

    def between(self, first_ns: int, last_ns: int) -> list[Moment]:
        return self.moments[bisect_left(self._pts, first_ns) : bisect_right(self._pts, last_ns)]

    def wait_for(self, pts_ns: int, timeout_s: float | None = None) -> bool:
        return True

    def forget_before(self, pts_ns: int) -> None:
        """Nothing is forgotten here."""


@dataclass(frozen=True)
class Truth:
    """A match for each of its frames: the ball's yaw and pitch, degrees, (n, 2), and whether it is in play, (n,)."""

    moments: tuple[Moment, ...]
    ball: np.ndarray
    in_play: np.ndarray
    limits: ViewLimits


@lru_cache(maxsize=4)
def match_truth(seed: int, seconds: int) -> Truth:
    """No picture is drawn: what is needed of the truth is in the play and the rig."""
    match = MatchPlay(seed)
    moments, balls, in_play = [], [], []
    for index in range(seconds * FPS):
        state = match.at(index / FPS)
        points = np.concatenate([np.c_[state.persons, np.full(len(state.persons), 0.95)], state.ball[None]])
        angles = np.degrees(np.stack(rays_to_angles(world_to_rig(points)), axis=-1))
        balls.append(angles[-1])
        in_play.append(state.in_play)
        if index % (FPS // RATE) == 0:
            moments.append(moment(index / FPS, tuple(angles[-1]), [tuple(a) for a in angles[:-1]]))
    limits = ViewLimits(fit_panorama(default_rig(seed)), 16 / 9)
    return Truth(tuple(moments), np.array(balls), np.array(in_play), limits)


def moment(
    time_s: float,
    ball: tuple[float, float] | None,
    players: Sequence[tuple[float, float]] = (),
    sureness: float = 1.0,
) -> Moment:
    return Moment(
        round(time_s * SECOND),
        None if ball is None else BallAt(float(ball[0]), float(ball[1]), sureness, True),
        tuple(PlayerAt(n, float(yaw), float(pitch), True) for n, (yaw, pitch) in enumerate(players)),
    )


def course(yaw: Callable[[float], float], seconds: float, spread: float = 8.0) -> KnownPlay:
    """A ball on a course, ten degrees below the horizon, and players around it."""
    around = [(-spread, 1.0), (-spread / 3, -1.0), (spread / 2, 0.5), (spread, -0.5)]
    return KnownPlay(
        [
            moment(t, (yaw(t), -10.0), [(yaw(t) + off, -10.0 + up) for off, up in around])
            for t in np.arange(round(seconds * RATE)) / RATE
        ]
    )


def field() -> FieldOutline:
    """The synthetic match's pitch."""
    corners = [(x * HALF_LENGTH, y * HALF_WIDTH, 0.0) for x, y in ((-1, -1), (1, -1), (1, 1), (-1, 1))]
    yaw, pitch = rays_to_angles(world_to_rig(np.array(corners)))
    return FieldOutline(tuple(zip(np.degrees(yaw).tolist(), np.degrees(pitch).tolist(), strict=True)))


def times(seconds: float) -> list[int]:
    """PTS of the frames."""
    return [round(i * SECOND / FPS) for i in range(round(seconds * FPS))]


def angles(views: Sequence[View]) -> np.ndarray:
    return np.array([(v.yaw_deg, v.pitch_deg, v.fov_deg) for v in views])


def in_frame(views: Sequence[View], ball: np.ndarray) -> np.ndarray:
    """Which views, shape (n,), have the ball, degrees, shape (n, 2)."""
    seen = [
        view.pixels_of(np.radians(yaw), np.radians(pitch), 1920, 1080)
        for view, (yaw, pitch) in zip(views, ball, strict=True)
    ]
    return np.array([0 <= x < 1920 and 0 <= y < 1080 for x, y in seen])
