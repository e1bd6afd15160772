"""Players from frame to frame: who of those seen now is who was seen before.

Kalman filters on the pitch, in metres, with detections given to tracks by the Hungarian method in the two rounds of
ByteTrack (Zhang et al. 2022): first those that the detector is sure of, then the others, which only carry tracks on.
Boxes that overlap from frame to frame, on which the kept libraries stand, are too much to ask of players a few pixels
wide at five frames a second; and frames here come when they come, so that noise has to grow with time.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from touchline.analysis.sight import PlayersSeen
from touchline.analysis.tracking_settings import TrackSettings

Floats = NDArray[np.float64]

_FIRST_SPEED = 3.0  # m/s: how fast somebody may be who has just been found
_NEVER = 1e6
_EASE = 0.3  # how much of a newly seen size is believed


class TracksNow(NamedTuple):
    """All tracks after a frame, one row each, in the order of their numbers.

    Attributes:
        number: never used twice.
        seen: whether a detection of this frame belongs to it.
        believed: whether it has been seen often enough.
        places, velocity: metres and m/s, shape (n, 2).
        detection: the row of the detection, -1 if unseen.
        rise: pitch of the body's middle above that of the feet, degrees.
        halves: half the body's width and height, degrees, shape (n, 2).
    """

    number: NDArray[np.int64]
    seen: NDArray[np.bool_]
    believed: NDArray[np.bool_]
    places: Floats
    velocity: Floats
    detection: NDArray[np.int64]
    rise: Floats
    halves: Floats


class PlayerTracks:
    """The tracks that live now. Their number is bounded by that of the detections of the last ``coast_s``.

    Args:
        settings: see :class:`TrackSettings`.
    """

    def __init__(self, settings: TrackSettings) -> None:
        self._settings = settings
        self._next = 1
        self._time_s = 0.0
        self._state: Floats = np.zeros((0, 4))  # x, y, vx, vy
        self._cov: Floats = np.zeros((0, 4, 4))
        self._number: NDArray[np.int64] = np.zeros(0, np.int64)
        self._hits: NDArray[np.int64] = np.zeros(0, np.int64)
        self._born_s, self._seen_s = np.zeros(0), np.zeros(0)
        self._believed: NDArray[np.bool_] = np.zeros(0, np.bool_)
        self._halves: Floats = np.zeros((0, 2))

    def follow(self, seen: PlayersSeen, time_s: float) -> TracksNow:
        """Takes in the next frame, of ``time_s`` seconds, later than the one before."""
        self._predict(max(0.0, time_s - self._time_s))
        self._time_s = time_s
        held = self._assign(seen)
        self._update(seen, held)
        self._live(held)
        held = np.concatenate([held[self._kept], self._begin(seen, held)])
        rise = self._halves[:, 1]
        return TracksNow(
            self._number.copy(), held >= 0, self._believed.copy(), self._state[:, :2].copy(),
            self._state[:, 2:].copy(), held, rise.copy(), self._halves.copy(),
        )  # fmt: skip

    def _predict(self, dt: float) -> None:
        """Everybody runs on, more slowly the longer nobody sees it: an Ornstein-Uhlenbeck process of velocity."""
        if not len(self._state):
            return
        ease = self._settings.player_ease_s
        keep = float(np.exp(-dt / ease))
        way = ease * (1 - keep)
        step = np.array([[1, 0, way, 0], [0, 1, 0, way], [0, 0, keep, 0], [0, 0, 0, keep]], dtype=np.float64)
        push = self._settings.player_push**2
        noise = np.kron([[dt**3 / 3, dt**2 / 2], [dt**2 / 2, dt]], np.eye(2)) * push
        self._state = self._state @ step.T
        self._cov = step @ self._cov @ step.T + noise

    def _assign(self, seen: PlayersSeen) -> NDArray[np.int64]:
        """The detection of each track, -1 for none."""
        held = np.full(len(self._number), -1, np.int64)
        if not len(held) or not len(seen.places):
            return held
        gap = seen.places[None] - self._state[:, None, :2]
        spread = self._cov[:, None, :2, :2] + seen.noise[None]
        det = spread[..., 0, 0] * spread[..., 1, 1] - spread[..., 0, 1] ** 2
        off = (
            spread[..., 1, 1] * gap[..., 0] ** 2
            - 2 * spread[..., 0, 1] * gap[..., 0] * gap[..., 1]
            + spread[..., 0, 0] * gap[..., 1] ** 2
        ) / det
        # A track that has been lost for long reaches far: the spread's price keeps it from taking what is another's.
        cost = np.where(off <= self._settings.player_gate**2, off + np.log(det), _NEVER)
        cost -= min(0.0, float(cost.min()))
        sure = seen.confidence >= self._settings.player_sure
        for tracks, detections in (
            (self._believed, sure), (self._believed, ~sure), (~self._believed, np.ones_like(sure)),
        ):  # fmt: skip
            taken = np.zeros(len(sure), np.bool_)
            taken[held[held >= 0]] = True
            rows, columns = np.flatnonzero(tracks & (held < 0)), np.flatnonzero(detections & ~taken)
            part = cost[np.ix_(rows, columns)]
            for row, column in zip(*linear_sum_assignment(part), strict=True):
                if part[row, column] < _NEVER / 2:
                    held[rows[row]] = columns[column]
        return held

    def _update(self, seen: PlayersSeen, held: NDArray[np.int64]) -> None:
        mine = np.flatnonzero(held >= 0)
        if not len(mine):
            return
        which = held[mine]
        cov = self._cov[mine]
        gain = cov[:, :, :2] @ np.linalg.inv(cov[:, :2, :2] + seen.noise[which])
        gap = seen.places[which] - self._state[mine, :2]
        self._state[mine] += (gain @ gap[..., None])[..., 0]
        cov = cov - gain @ cov[:, :2, :]
        self._cov[mine] = (cov + cov.transpose(0, 2, 1)) / 2
        self._hits[mine] += 1
        self._seen_s[mine] = self._time_s
        self._halves[mine] += _EASE * (seen.halves[which] - self._halves[mine])

    def _live(self, held: NDArray[np.int64]) -> None:
        """Who is believed, and who dies."""
        rules = self._settings
        old = self._time_s - self._born_s >= rules.confirm_s - 1e-6
        self._believed |= (held >= 0) & (self._hits >= rules.confirm_hits) & old
        patience = np.where(self._believed, rules.coast_s, rules.tentative_s)
        self._kept = self._time_s - self._seen_s <= patience + 1e-6
        self._select(self._kept)

    def _select(self, kept: NDArray[np.bool_]) -> None:
        for name in ("_state", "_cov", "_number", "_hits", "_born_s", "_seen_s", "_believed", "_halves"):
            setattr(self, name, getattr(self, name)[kept])

    def _begin(self, seen: PlayersSeen, held: NDArray[np.int64]) -> NDArray[np.int64]:
        """Tracks of those that belong to nobody; the rows of their detections."""
        free = seen.confidence >= self._settings.player_sure
        free[held[held >= 0]] = False
        new = np.flatnonzero(free)
        count = len(new)
        cov = np.zeros((count, 4, 4))
        cov[:, :2, :2] = seen.noise[new]
        cov[:, 2:, 2:] = np.eye(2) * _FIRST_SPEED**2
        state = np.concatenate([seen.places[new], np.zeros((count, 2))], axis=1)
        now = np.full(count, self._time_s)
        self._state, self._cov = np.concatenate([self._state, state]), np.concatenate([self._cov, cov])
        self._number = np.concatenate([self._number, np.arange(self._next, self._next + count)])
        self._next += count
        self._hits = np.concatenate([self._hits, np.ones(count, np.int64)])
        self._born_s, self._seen_s = np.concatenate([self._born_s, now]), np.concatenate([self._seen_s, now])
        self._believed = np.concatenate([self._believed, np.zeros(count, np.bool_)])
        self._halves = np.concatenate([self._halves, seen.halves[new]])
        return new
