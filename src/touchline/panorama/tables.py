"""A rig from full-size warp tables: for each pixel of a panorama where it comes from in both pictures.

Six files of raw float32 in one folder, row by row, of the panorama's size: ``lut_left_x``, ``lut_left_y``,
``lut_right_x``, ``lut_right_y`` (pixels of the pictures; (0, 0) is the middle of the first one) and ``weight_left``,
``weight_right`` (0 .. 1). Where a camera shows nothing a table may hold anything: NaN, or a place outside the picture.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from touchline.errors import RigError
from touchline.geometry import Rig
from touchline.panorama.imported import Imported, Residual, check_panorama, check_residuals
from touchline.panorama.tables_fit import Fit, Points, fit_tables

Table = NDArray[np.float32]

NAMES = ("lut_left_x", "lut_left_y", "lut_right_x", "lut_right_y", "weight_left", "weight_right")
_ENDINGS = ("", ".bin", ".raw", ".f32", ".dat")
_LARGEST = 32768
_LEAST_SHARE = 0.02  # of the panorama, that each camera has to show
_SHARES = 2.0  # no picture is so small
_STRIDE_POINTS = 200_000  # points that are judged, at most


@dataclass(frozen=True)
class Tables:
    """The tables of a panorama.

    Attributes:
        size: width and height of the panorama.
        pictures: width and height of the left and of the right picture.
        places: of the left and of the right camera: x and y, shape (2, height, width).
        weights: of the left and of the right picture, shape (height, width).
    """

    size: tuple[int, int]
    pictures: tuple[tuple[int, int], tuple[int, int]]
    places: tuple[Table, Table]
    weights: tuple[Table, Table]

    def points(self, side: int) -> Points:
        """Where the left (0) or the right (1) camera shows something: pixels of the panorama and of the picture."""
        width, height = self.pictures[side]
        step = max(1, int(np.sqrt(self.size[0] * self.size[1] / _STRIDE_POINTS)))
        rows, columns = np.mgrid[step // 2 : self.size[1] : step, step // 2 : self.size[0] : step]
        x, y = (self.places[side][axis][rows, columns] for axis in (0, 1))
        with np.errstate(invalid="ignore"):
            inside = (x >= -0.5) & (y >= -0.5) & (x <= width - 0.5) & (y <= height - 0.5)
            shown = inside & (self.weights[side][rows, columns] > 0)
        panorama = np.stack([columns[shown], rows[shown]], axis=-1).astype(np.float64)
        return Points(panorama, np.stack([x[shown], y[shown]], axis=-1).astype(np.float64), (width, height))


def read_tables(
    folder: str | Path, size: tuple[int, int], left: tuple[int, int], right: tuple[int, int]
) -> Tables:
    """Reads the six files.

    Args:
        folder: where they are; their names may end in .bin, .raw, .f32 or .dat.
        size: width and height of the panorama.
        left, right: width and height of the cameras' pictures.

    Raises:
        RigError: if a file is missing or has another length than the size asks for, or weights are none.
    """
    for name, sides in (("panorama", size), ("left picture", left), ("right picture", right)):
        if not all(2 <= side <= _LARGEST for side in sides):
            raise RigError(f"a {name} of {sides[0]}x{sides[1]} can't be")
    found = [_read(Path(folder), name, size) for name in NAMES]
    for name, weights in zip(NAMES[4:], found[4:], strict=True):
        finite = weights[np.isfinite(weights)]
        if not finite.size or finite.min() < -1e-3 or finite.max() > 1 + 1e-3 or finite.max() <= 0:
            raise RigError(f"{folder}: {name} holds no weights: they are numbers from 0 to 1, in float32")
    return Tables(size, (left, right), (np.stack(found[:2]), np.stack(found[2:4])), (found[4], found[5]))


def _read(folder: Path, name: str, size: tuple[int, int]) -> Table:
    paths = [path for ending in _ENDINGS if (path := folder / f"{name}{ending}").is_file()]
    if len(paths) != 1:
        problem = "no file" if not paths else "more than one file"
        raise RigError(f"{folder} has {problem} {name} (.bin, .raw, .f32, .dat or without an ending)")
    wanted = size[0] * size[1] * 4
    try:
        length = paths[0].stat().st_size
        if length != wanted:
            raise RigError(
                f"{paths[0]} has {length} bytes, and a table of {size[0]}x{size[1]} in float32 has {wanted}; is the "
                "panorama of another size?"
            )
        return np.fromfile(paths[0], dtype="<f4").reshape(size[1], size[0])
    except OSError as error:
        raise RigError(f"{paths[0]} can't be read: {error.strerror}") from error


def rig_from_tables(tables: Tables, where: str = "the tables") -> Imported:
    """Finds the panorama's angles and both cameras' lenses and rotations, so that they make these very tables.

    The panorama may be equirectangular or cylindrical. What it calls straight ahead, the middle of its width, stays so.

    Raises:
        RigError: if the tables show too little of a picture, or no panorama of two cameras of ours is near enough.
    """
    points = [tables.points(side) for side in (0, 1)]
    total = _judged(tables)
    for name, one in zip(("left", "right"), points, strict=True):
        if len(one.picture) < _LEAST_SHARE * total:
            raise RigError(
                f"{where}: the tables show {len(one.picture)} of {total} places in the {name} picture; are they made "
                "for pictures of that size?"
            )
        if one.picture.max() <= _SHARES:
            raise RigError(
                f"{where}: the places in the {name} picture are shares of it; they must be its pixels"
            )
    fit = fit_tables(points[0], points[1], tables.size)
    residuals = tuple(_residual(fit, side, one) for side, one in enumerate(points))
    check_residuals(
        residuals,
        [f"{where}, {name} picture" for name in ("left", "right")],
        "were the tables made from a panorama that is equirectangular or cylindrical, of cameras at one place, and are "
        "the sizes right?",
    )
    rig = Rig(fit.cameras, notes={"source": "warp tables", "panorama": fit.panorama.to_dict()})
    if rig.right.yaw_deg <= rig.left.yaw_deg:
        raise RigError(f"{where}: the left picture is right of the right one; give them the other way round")
    check_panorama(rig, where)
    return Imported(rig, residuals, fit.panorama)


def _judged(tables: Tables) -> int:
    step = max(1, int(np.sqrt(tables.size[0] * tables.size[1] / _STRIDE_POINTS)))
    return (-(-tables.size[0] // step)) * (-(-tables.size[1] // step))


def _residual(fit: Fit, side: int, points: Points) -> Residual:
    camera = fit.cameras[side]
    rays = fit.panorama.rays(points.panorama[:, 0], points.panorama[:, 1])
    pixels, _ = camera.project(rays)
    off = np.linalg.norm(pixels - points.picture, axis=-1)
    return Residual(float(np.percentile(off, 95)), float(off.max()))
