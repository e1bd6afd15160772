"""The seam that keeps out of the way: it looks a few times a second, makes up its mind slowly, and drifts."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from touchline.geometry import Panorama, Rig
from touchline.gst.nv12 import Nv12
from touchline.panorama.seam import SeamGround, samples_per_degree
from touchline.panorama.seam_path import FORBIDDEN, cheapest_path, cost_along, drifted
from touchline.panorama.seam_watch import STEP, SeamWatch
from touchline.panorama.tone_kernels import Tones

Floats = NDArray[np.float64]

LOOK_S = 0.2  # between two looks
DRIFT_DEG_PER_S = 3.0
_REACH = 2  # columns by which the path may move from one row of blocks to the next: 45 degrees
_SLANT = 1.0  # levels that each of those columns costs
_STAY = 0.02  # levels for each column away from where the seam is now
_MIDDLE = 0.02  # and away from the middle: the pictures' edges are where lenses are worst
_BETTER = 0.85  # of the present way's cost, below which another way is worth going


class SeamFollower:
    """Moves the seam.

    Where it lies depends on the pairs and times that it was given, in their order, and on nothing else.

    Args:
        rig: two cameras.
        panorama: what is made.
        ground: where the seam may run.

    Attributes:
        path: where it lies now: x at each row of block corners, luma samples of the panorama, shape (rows + 1,).
    """

    def __init__(self, rig: Rig, panorama: Panorama, ground: SeamGround) -> None:
        self.path = ground.middle
        self._ground = ground
        self._watch = SeamWatch(rig, panorama, ground) if ground.free else None
        self._target: NDArray[np.int64] | None = None
        self._aim = ground.middle
        self._speed = DRIFT_DEG_PER_S * samples_per_degree(panorama)
        self._looked = self._moved = -math.inf

    def follow(self, left: Nv12, right: Nv12, tones: Tones, pts_s: float) -> bool:
        """Takes in a pair of pictures of time ``pts_s`` (seconds).

        The first pair sets the seam at once. Time that stands still or runs backwards changes nothing.

        Args:
            left, right: the pictures.
            tones: the correction under which they are shown.
            pts_s: their time in seconds.

        Returns:
            Whether the seam has moved.
        """
        if self._watch is None or pts_s <= self._moved:
            return False
        if pts_s - self._looked >= LOOK_S:
            self._watch.look(left, right, tones, pts_s - self._looked)
            self._decide(self._watch)
            self._looked = pts_s
        first, since = math.isinf(self._moved), pts_s - self._moved
        self._moved = pts_s
        path = self._aim if first else drifted(self.path, self._aim, self._speed * since)
        moved = not np.array_equal(path, self.path)
        self.path = path
        return moved

    def resume(self, other: SeamFollower) -> None:
        """Goes on from where another one's seam lies, that of the same cameras before they were turned a little."""
        self.path = np.clip(other.path, self._ground.first, self._ground.last)
        self._aim = self.path
        self._moved = other._moved

    def _decide(self, watch: SeamWatch) -> None:
        """Looks for the best way, and takes it if it is clearly better than the one that is being taken."""
        costs = watch.costs()
        now = np.abs(watch.places[None, :] - self.path[:, None]) / STEP
        off = np.abs(watch.places[None, :] - self._ground.middle[:, None]) / STEP
        costs += _MIDDLE * off
        if self._target is not None:
            costs += _STAY * now
        found = cheapest_path(costs, _REACH, _SLANT)
        open_costs = np.where(
            costs < FORBIDDEN, costs, 0.0
        )  # where there is no other way, all ways are as bad
        if self._target is not None:
            present = cost_along(open_costs, self._target, _SLANT)
            if cost_along(open_costs, found, _SLANT) >= _BETTER * present:
                return
        self._target = found
        self._aim = self._smoothed(watch.places[found])

    def _smoothed(self, path: Floats) -> Floats:
        """Without the stairs of the columns, and where the seam may be."""
        padded = np.concatenate([path[:1], path, path[-1:]])
        mean = (padded[:-2] + 2 * padded[1:-1] + padded[2:]) / 4
        return np.asarray(np.clip(mean, self._ground.first, self._ground.last))
