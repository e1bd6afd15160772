"""The panorama that fits a rig: as large as it can be without black."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from touchline.errors import RigError
from touchline.geometry.angles import Floats, angles_to_rays
from touchline.geometry.projection import PITCH_REACH_DEG, Panorama, Projection
from touchline.geometry.rig import Rig

_STEEPEST = math.radians(80)  # no panorama of a pitch reaches further up or down
_REACH = math.radians(PITCH_REACH_DEG)


def coverage(rig: Rig, yaw: ArrayLike, pitch: ArrayLike) -> NDArray[np.bool_]:
    """Where at least one camera of the rig sees the direction (yaw, pitch), in radians."""
    rays = angles_to_rays(yaw, pitch)
    seen = np.zeros(rays.shape[:-1], dtype=np.bool_)
    for camera in rig.cameras:
        seen |= camera.project(rays)[1]
    return seen


def fit_panorama(
    rig: Rig,
    projection: Projection = "equirectangular",
    size: tuple[int, int] | None = None,
    normal_deg: float = 0.0,
) -> Panorama:
    """The largest panorama without black: the biggest rectangle of the projection that the cameras cover.

    Args:
        rig: the cameras.
        projection: see :data:`Projection`.
        size: width and height in pixels; by default as fine as the cameras are around their centres, the
            width a multiple of 16 and the height of 4.
        normal_deg: yaw of the direction at right angles to the touchlines, for the pitch projection.

    Raises:
        RigError: if the cameras cover no rectangle worth the name (less than 5 by 5 degrees).
    """
    step = math.radians(0.25)
    normal = math.radians(normal_deg) if projection == "pitch" else 0.0
    # Of any size and limits: it knows the projection.
    shape = Panorama(projection, 2, 2, normal - 1, normal + 1, -1.0, 1.0, normal)
    if projection == "pitch":
        yaw = normal + np.arange(-_REACH, _REACH + step / 2, step)
        wide = shape.columns_of(np.append(yaw - step / 2, yaw[-1] + step / 2))
    else:
        yaw = np.arange(-math.pi + step / 2, math.pi, step)
        wide = np.arange(len(yaw) + 1.0)
    pitch = np.arange(-_STEEPEST, _STEEPEST, step)
    covered = _eroded(coverage(rig, yaw[None, :], shape.pitch_along(yaw[None, :], pitch[:, None])))
    rows, columns = _largest_rectangle(covered, shape.rows_of(pitch), wide)
    if columns[1] - columns[0] < 20 or rows[1] - rows[0] < 20:
        raise RigError(_nothing(projection, normal_deg))
    limits = _grown(rig, shape, (yaw[columns[0]], yaw[columns[1]], pitch[rows[0]], pitch[rows[1]]))
    if size is None:
        per_radian = float(np.mean([camera.fx for camera in rig.cameras]))
        across, down = np.diff(shape.columns_of(limits[:2])), np.diff(shape.rows_of(limits[2:]))
        size = (
            max(16, round(float(across[0]) * per_radian / 16) * 16),
            max(4, round(float(down[0]) * per_radian / 4) * 4),
        )
    return Panorama(projection, *size, *limits, normal)


def _nothing(projection: Projection, normal_deg: float) -> str:
    if projection == "pitch" and normal_deg:
        return (
            f"the cameras of this rig cover no panorama about yaw {normal_deg:g}: give the yaw at which the touchlines "
            "are crossed at right angles, or calibrate the rig again"
        )
    return "the cameras of this rig cover no panorama together; calibrate it again"


def _eroded(covered: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Where all eight neighbours are covered too: two edges may cross in a notch between two samples."""
    inner = np.zeros_like(covered)
    rows, columns = covered.shape
    inner[1:-1, 1:-1] = np.logical_and.reduce(
        [covered[r : rows - 2 + r, c : columns - 2 + c] for r in range(3) for c in range(3)]
    )
    return inner


def _grown(
    rig: Rig, shape: Panorama, limits: tuple[float, float, float, float]
) -> tuple[float, float, float, float]:
    """Moves each limit outwards in steps finer than the first search, as far as its side stays covered."""
    step = math.radians(1 / 16)
    sides = [float(limit) for limit in limits]
    reach = _REACH if shape.projection == "pitch" else math.pi
    growing = [0, 1, 2, 3]
    while growing:
        for side in list(growing):
            trial = sides.copy()
            trial[side] += step if side % 2 else -step
            yaw = np.arange(trial[0], trial[1] + step / 2, step / 2)
            pitch = np.arange(trial[2], trial[3] + step / 2, step / 2)
            line = (trial[side], pitch) if side < 2 else (yaw, trial[side])
            far = abs(trial[side] - shape.normal) if side < 2 else abs(trial[side])
            if (
                far < (reach if side < 2 else _STEEPEST)
                and coverage(rig, line[0], shape.pitch_along(*line)).all()
            ):
                sides = trial
            else:
                growing.remove(side)
    return sides[0], sides[1], sides[2], sides[3]


def _largest_rectangle(
    covered: NDArray[np.bool_], tall: Floats, wide: Floats
) -> tuple[tuple[int, int], tuple[int, int]]:
    """First and last row and column of the biggest all-true rectangle.

    Rows weigh by their height ``tall``, shape (rows,), columns by the distance between their edges ``wide``, shape
    (columns + 1,). The classic sweep: below each row the columns form a histogram of covered heights, and the largest
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
                area = float(wide[column] - wide[first]) * float(tall[row] - tall[top])
                if area > best:
                    best, found = area, ((top, row), (first, column - 1))
            if begin >= 0 and (not stack or stack[-1][1] > begin):
                stack.append((first, begin))
    return found
