"""How large a person or a ball is in the panorama, from where it stands: the level ground below a mast."""

from __future__ import annotations

import math
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from touchline.geometry import FieldOutline, Panorama

Floats = NDArray[np.float64]

PERSON_M: Final = 1.8
SHOULDERS_M: Final = 0.6  # with the arms as they swing
BALL_M: Final = 0.22
MAST_M: Final = 7.0  # where nobody says how high the cameras are
FURTHEST_M: Final = 130.0  # whatever is seen above the horizon counts as that far away
_NEAR = 15.0  # metres: balls that fly nearer to the cameras than that are not waited for
_STEP = 16  # pixels between the columns of a table
_HEIGHTS_M = (1.5, 60.0)  # of masts and stands


class Ground:
    """The ground below a mast, in the pixels of a panorama.

    The rig is level (pitch 0 is the horizon), so a pixel below the horizon shows the ground at
    ``height / tan(-pitch)`` metres from the mast's foot.

    Args:
        panorama: what is seen.
        height_m: of the cameras above the ground.

    Raises:
        ValueError: for a height that is not 1.5 .. 60 m.
    """

    def __init__(self, panorama: Panorama, height_m: float = MAST_M) -> None:
        if not _HEIGHTS_M[0] <= height_m <= _HEIGHTS_M[1]:
            raise ValueError(
                f"cameras stand {_HEIGHTS_M[0]:g} to {_HEIGHTS_M[1]:g} m above the ground, not {height_m:g}"
            )
        self.panorama = panorama
        self.height_m = height_m

    def distance(self, x: ArrayLike, y: ArrayLike) -> Floats:
        """Metres from the mast's foot to the ground at pixels x, y (broadcast); at most :data:`FURTHEST_M`."""
        _, pitch = self._angles(x, y)
        down = np.tan(np.clip(-pitch, math.atan(self.height_m / FURTHEST_M), math.radians(89)))
        return np.asarray(self.height_m / down)

    def person(self, x: ArrayLike, feet: ArrayLike) -> tuple[Floats, Floats]:
        """Width and height in pixels of somebody whose feet are at x, ``feet`` (broadcast)."""
        place = self._place(x, feet)
        return self._tables[0][place], self._tables[1][place]

    def ball(self, x: ArrayLike, y: ArrayLike) -> Floats:
        """Diameter in pixels of a ball that lies on the ground at pixels x, y (broadcast).

        One in the air is nearer than the ground that is seen behind it, so it is larger than that.
        """
        return self._tables[2][self._place(x, y)]

    def largest(self, top: float, bottom: float) -> tuple[float, float, float]:
        """Width and height of a person, and the ball's diameter, largest among feet in these rows: in pixels."""
        x = np.linspace(0, self.panorama.width - 1, 17)
        y = np.linspace(top, bottom, 33)[:, None]
        wide, tall = self.person(x, y)
        return float(wide.max()), float(tall.max()), float(self.ball(x, y).max())

    @property
    def smallest_ball(self) -> float:
        """Diameter in pixels of one as far away as can be seen: about what is expected above the horizon."""
        return float(self._tables[2].min())

    @property
    def high_ball(self) -> float:
        """Diameter in pixels of one that flies as high as the cameras, near enough to be a pass on this field."""
        return float(self._across(np.zeros(1))[0] * BALL_M / max(_NEAR, 2.5 * self.height_m))

    def _place(self, x: ArrayLike, y: ArrayLike) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Where the tables have a pixel; what is outside counts as the edge, below as one picture further."""
        rows, columns = self._tables[0].shape
        row = np.clip(np.rint(np.asarray(y, np.float64)), 0, rows - 1).astype(np.intp)
        column = np.clip(np.rint(np.asarray(x, np.float64) / _STEP), 0, columns - 1).astype(np.intp)
        return row, column

    @cached_property
    def _tables(self) -> tuple[Floats, Floats, Floats]:
        """Width and height of persons and diameter of balls for each row and each :data:`_STEP` th column."""
        x = np.arange(0, self.panorama.width + _STEP, _STEP)
        y = np.arange(2 * self.panorama.height)[:, None]
        away = self.distance(x, y)
        yaw, _ = self._angles(x, y)
        foot = np.arctan2(-self.height_m, away)
        head = np.arctan2(PERSON_M - self.height_m, away)
        _, low = self.panorama.angles_to_pixels(yaw, foot)
        _, high = self.panorama.angles_to_pixels(yaw, head)
        across = self._across(yaw)
        wide, tall = np.maximum(across * SHOULDERS_M / away, 1.0), np.maximum(low - high, 1.0)
        # Columns go with the distance on the ground, rows with that along the line of sight.
        return wide, tall, np.asarray(across * BALL_M / np.sqrt(away * np.hypot(away, self.height_m)))

    def _angles(self, x: ArrayLike, y: ArrayLike) -> tuple[Floats, Floats]:
        yaw, pitch = np.broadcast_arrays(*self.panorama.pixels_to_angles(x, y))
        return yaw, pitch

    def _across(self, yaw: Floats) -> Floats:
        """Pixels for a radian across, at the horizon."""
        nudge = 1e-4
        x, _ = self.panorama.angles_to_pixels(np.stack([yaw - nudge, yaw + nudge]), np.zeros_like(yaw))
        return np.asarray((x[1] - x[0]) / (2 * nudge))


def height_from(field: FieldOutline, length_m: float) -> float | None:
    """How high the cameras stand if the field's longest side is ``length_m`` long; None if that can't be told.

    On the ground of a mast one metre high all lengths are the true ones divided by its height.
    """
    rays = field.rays
    if (rays[:, 1] < math.sin(math.radians(1))).any():  # Y is down: a corner at the horizon is nowhere
        return None
    corners = rays[:, [0, 2]] / rays[:, 1:2]
    apart = np.linalg.norm(corners[:, None] - corners[None], axis=-1)
    beside = np.linalg.norm(corners - np.roll(corners, -1, axis=0), axis=-1)
    # A field with more than its four corners is measured across: its sides are in pieces.
    side = beside.max() if len(corners) == 4 else apart.max()
    height = length_m / float(side)
    return height if _HEIGHTS_M[0] <= height <= _HEIGHTS_M[1] else None


class HeightEstimate:
    """Learns how high the cameras stand from how tall people look who are 1.8 m tall.

    At a given place of the picture a person's height in pixels goes with one over the cameras' height. Most of what
    moves on a pitch is persons, so the commonest ratio between what is seen and what is expected says it.

    Args:
        height_m: what is believed at first.
    """

    _BINS: Final = 96
    _REACH: Final = math.log(6.0)
    _ENOUGH: Final = 60.0
    _MOST: Final = 3000.0

    def __init__(self, height_m: float) -> None:
        self._first = self.height_m = height_m
        self._votes = np.zeros(self._BINS)

    def observe(self, tall: Floats, expected: Floats, used_m: float) -> None:
        """Takes in heights of what may be persons, and what they should be if the cameras stand ``used_m`` high."""
        if not len(tall):
            return
        off = np.log(expected / np.maximum(tall, 1.0)) + math.log(used_m / self._first)
        place = (off / self._REACH + 1) / 2 * self._BINS
        inside = (place >= 0) & (place < self._BINS)
        np.add.at(self._votes, place[inside].astype(np.int64), 1.0)
        total = self._votes.sum()
        if total > self._MOST:
            self._votes *= self._MOST / total
        if total < self._ENOUGH:
            return
        smooth = np.convolve(self._votes, np.exp(-0.5 * (np.arange(-6, 7) / 2.5) ** 2), "same")
        best = int(np.argmax(smooth))
        near = np.arange(max(0, best - 3), min(self._BINS, best + 4))
        middle = float(smooth[near] @ (near + 0.5) / smooth[near].sum())
        learnt = self._first * math.exp((middle / self._BINS * 2 - 1) * self._REACH)
        self.height_m = float(np.clip(learnt, *_HEIGHTS_M))
