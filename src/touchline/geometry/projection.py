"""Panorama projections: which direction each pixel of the panorama shows.

``equirectangular``: columns are even in yaw, rows even in pitch. ``cylindrical``: columns are even in yaw,
rows even in the tangent of pitch, so that upright things stay straight and level lines bend the same way.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from touchline.errors import RigError
from touchline.geometry.angles import Floats, angles_to_rays
from touchline.geometry.rig import Rig

Projection = Literal["equirectangular", "cylindrical"]
_STEEPEST = math.radians(80)  # no panorama of a pitch reaches further up or down


@dataclass(frozen=True)
class Panorama:
    """A panorama picture: a projection, a size, and the part of the sphere that it covers.

    Angles in radians. The edges of the picture, not the centres of its outer pixels, lie at the limits.

    Raises:
        ValueError: for an unknown projection, a size that NV12 can't have (odd or not positive), limits that
            are not in order, or a cylindrical panorama that reaches a pole.
    """

    projection: Projection
    width: int
    height: int
    yaw_min: float
    yaw_max: float
    pitch_min: float
    pitch_max: float

    def __post_init__(self) -> None:
        if self.projection not in ("equirectangular", "cylindrical"):
            raise ValueError(f"unknown projection {self.projection!r}")
        if self.width <= 0 or self.height <= 0 or self.width % 2 or self.height % 2:
            raise ValueError(f"a panorama needs an even size above zero, not {self.width}x{self.height}")
        if not (self.yaw_min < self.yaw_max <= self.yaw_min + 2 * math.pi):
            raise ValueError("a panorama's yaw limits must be in order and span at most a full turn")
        pole = math.pi / 2 if self.projection == "equirectangular" else math.radians(85)
        if not (-pole <= self.pitch_min < self.pitch_max <= pole):
            raise ValueError("a panorama's pitch limits must be in order and short of the poles")

    def rows_of(self, pitch: ArrayLike) -> Floats:
        """The vertical coordinate before scaling: pitch itself or its tangent."""
        pitch = np.asarray(pitch, dtype=np.float64)
        return np.asarray(pitch if self.projection == "equirectangular" else np.tan(pitch))

    def pixels_to_angles(self, x: ArrayLike, y: ArrayLike) -> tuple[Floats, Floats]:
        """Yaw and pitch of pixel coordinates; outside the picture the same formula goes on."""
        x, y = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
        yaw = self.yaw_min + (x + 0.5) * ((self.yaw_max - self.yaw_min) / self.width)
        top, bottom = self.rows_of(self.pitch_max), self.rows_of(self.pitch_min)
        row = top + (y + 0.5) * ((bottom - top) / self.height)
        return yaw, np.asarray(row if self.projection == "equirectangular" else np.arctan(row))

    def angles_to_pixels(self, yaw: ArrayLike, pitch: ArrayLike) -> tuple[Floats, Floats]:
        """Pixel coordinates of directions; they may lie outside the picture."""
        x = (np.asarray(yaw, dtype=np.float64) - self.yaw_min) * (self.width / (self.yaw_max - self.yaw_min))
        top, bottom = self.rows_of(self.pitch_max), self.rows_of(self.pitch_min)
        y = (self.rows_of(pitch) - top) * (self.height / (bottom - top))
        return x - 0.5, y - 0.5

    def rays(self, x: ArrayLike, y: ArrayLike) -> Floats:
        """Unit vectors in the rig's frame, shape (..., 3), of pixel coordinates (broadcast together)."""
        yaw, pitch = self.pixels_to_angles(x, y)
        return angles_to_rays(yaw, pitch)

    def scaled(self, width: int, height: int) -> Panorama:
        """The same part of the sphere as a picture of another size."""
        return Panorama(
            self.projection, width, height, self.yaw_min, self.yaw_max, self.pitch_min, self.pitch_max
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON, angles in degrees."""
        return {
            "projection": self.projection,
            "width": self.width,
            "height": self.height,
            "yaw_deg": [math.degrees(self.yaw_min), math.degrees(self.yaw_max)],
            "pitch_deg": [math.degrees(self.pitch_min), math.degrees(self.pitch_max)],
        }


def coverage(rig: Rig, yaw: ArrayLike, pitch: ArrayLike) -> NDArray[np.bool_]:
    """Where at least one camera of the rig sees the direction (yaw, pitch), in radians."""
    rays = angles_to_rays(yaw, pitch)
    seen = np.zeros(rays.shape[:-1], dtype=np.bool_)
    for camera in rig.cameras:
        seen |= camera.project(rays)[1]
    return seen


def fit_panorama(
    rig: Rig, projection: Projection = "equirectangular", size: tuple[int, int] | None = None
) -> Panorama:
    """The largest panorama without black: the biggest rectangle of the projection that the cameras cover.

    Args:
        rig: the cameras.
        projection: see :data:`Projection`.
        size: width and height in pixels; by default as fine as the cameras are around their centres, the
            width a multiple of 16 and the height of 4.

    Raises:
        RigError: if the cameras cover no rectangle worth the name (less than 5 by 5 degrees).
    """
    step = math.radians(0.25)
    yaw = np.arange(-math.pi + step / 2, math.pi, step)
    pitch = np.arange(-_STEEPEST, _STEEPEST, step)
    covered = _eroded(coverage(rig, yaw[None, :], pitch[:, None]))
    tall = pitch if projection == "equirectangular" else np.tan(pitch)
    rows, columns = _largest_rectangle(covered, tall)
    if columns[1] - columns[0] < 20 or rows[1] - rows[0] < 20:
        raise RigError("the cameras of this rig cover no panorama together; calibrate it again")
    limits = _grown(rig, (yaw[columns[0]], yaw[columns[1]], pitch[rows[0]], pitch[rows[1]]))
    if size is None:
        per_radian = float(np.mean([camera.fx for camera in rig.cameras]))
        low, high = limits[2:] if projection == "equirectangular" else np.tan(limits[2:])
        size = (
            max(16, round((limits[1] - limits[0]) * per_radian / 16) * 16),
            max(4, round(float(high - low) * per_radian / 4) * 4),
        )
    return Panorama(projection, *size, *limits)


def _eroded(covered: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Where all eight neighbours are covered too: two edges may cross in a notch between two samples."""
    inner = np.zeros_like(covered)
    rows, columns = covered.shape
    inner[1:-1, 1:-1] = np.logical_and.reduce(
        [covered[r : rows - 2 + r, c : columns - 2 + c] for r in range(3) for c in range(3)]
    )
    return inner


def _grown(rig: Rig, limits: tuple[float, float, float, float]) -> tuple[float, float, float, float]:
    """Moves each limit outwards in steps finer than the first search, as far as its side stays covered."""
    step = math.radians(1 / 16)
    sides = [float(limit) for limit in limits]
    growing = [0, 1, 2, 3]
    while growing:
        for side in list(growing):
            trial = sides.copy()
            trial[side] += step if side % 2 else -step
            yaw = np.arange(trial[0], trial[1] + step / 2, step / 2)
            pitch = np.arange(trial[2], trial[3] + step / 2, step / 2)
            line = (trial[side], pitch) if side < 2 else (yaw, trial[side])
            if abs(trial[side]) < (math.pi if side < 2 else _STEEPEST) and coverage(rig, *line).all():
                sides = trial
            else:
                growing.remove(side)
    return sides[0], sides[1], sides[2], sides[3]


def _largest_rectangle(covered: NDArray[np.bool_], tall: Floats) -> tuple[tuple[int, int], tuple[int, int]]:
    """First and last row and column of the biggest all-true rectangle; rows weigh by their height ``tall``.

    The classic sweep: below each row the columns form a histogram of covered heights, and the largest
    rectangle under a histogram is found with a stack in linear time.
    """
    rows, columns = covered.shape
    start = np.full(columns, -1)  # the row at which the covered run of a column began
    best, found = 0.0, ((0, 0), (0, 0))
    for row in range(rows):
        start = np.where(covered[row], np.where(start < 0, row, start), -1)
        stack: list[tuple[int, int]] = []  # (first column, first row), first rows falling towards the top
        for column in range(columns + 1):
            begin = int(start[column]) if column < columns else -1
            first = column
            # A later first row is a lower bar; -1 is no bar at all.
            while stack and (begin < 0 or stack[-1][1] < begin):
                first, top = stack.pop()
                area = (column - first) * float(tall[row] - tall[top])
                if area > best:
                    best, found = area, ((top, row), (first, column - 1))
            if begin >= 0 and (not stack or stack[-1][1] > begin):
                stack.append((first, begin))
    return found
