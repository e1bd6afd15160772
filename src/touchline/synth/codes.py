"""A frame number that a machine reads off the picture, to prove which frame is shown.

A field of 14 x 5 cells. The outer ring alternates between light and dark: it gives the reader its threshold and
tells it that there is a code at all. The 12 x 3 cells inside hold 24 bits of number and 12 bits of check (CRC
with the polynomial of CRC-12/UMTS), most significant first. Around it all runs a dark frame of half a cell.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from touchline.geometry import Rig, angles_to_rays, fit_panorama
from touchline.geometry.angles import Floats
from touchline.gst.nv12 import Nv12, Plane

COLUMNS: Final = 14
ROWS: Final = 5
CELLS: Final = COLUMNS * ROWS
NUMBER_BITS: Final = 24
CHECK_BITS: Final = 12
DARK: Final = 24
LIGHT: Final = 226
_POLYNOMIAL: Final = 0x80F
_LEAST_CONTRAST: Final = 18.0
_CELL_DEG: Final = 1.1
_FLAT_PITCH: Final = (1 / 48, 1 / 27)  # a cell of a flat code, as shares of the picture's width and height
_FLAT_CORNER: Final = (1 / 32, 1 / 18)


@dataclass(frozen=True)
class CodePatch:
    """Where a code lies on the sphere: upright in yaw and pitch.

    Args:
        yaw_deg, pitch_deg: its middle.
        width_deg, height_deg: of the field of cells, without the dark frame around it.
    """

    yaw_deg: float
    pitch_deg: float
    width_deg: float = COLUMNS * _CELL_DEG
    height_deg: float = ROWS * _CELL_DEG

    def cell_angles(self) -> tuple[Floats, Floats]:
        """Yaw and pitch, in radians, of the middle of every cell, shape (CELLS,), row by row from the top left."""
        column, row = np.meshgrid(np.arange(COLUMNS), np.arange(ROWS))
        yaw = self.yaw_deg + ((column + 0.5) / COLUMNS - 0.5) * self.width_deg
        pitch = self.pitch_deg - ((row + 0.5) / ROWS - 0.5) * self.height_deg
        return np.radians(yaw).ravel(), np.radians(pitch).ravel()

    def outline(self) -> Floats:
        """Directions in the rig's frame along the outer edge of the dark frame, shape (n, 3)."""
        along = np.linspace(-0.5, 0.5, 15)
        half = np.full_like(along, 0.5)
        across = np.concatenate([along, along, -half, half]) * self.width_deg * (1 + 1 / COLUMNS)
        up = np.concatenate([-half, half, along, along]) * self.height_deg * (1 + 1 / ROWS)
        return angles_to_rays(np.radians(self.yaw_deg + across), np.radians(self.pitch_deg + up))

    def cells_under(self, yaw: ArrayLike, pitch: ArrayLike) -> NDArray[np.int16]:
        """The cell at each direction (radians): 0 .. CELLS - 1, CELLS in the dark frame, -1 outside."""
        across = (np.degrees(yaw) - self.yaw_deg) / self.width_deg * COLUMNS + COLUMNS / 2
        down = (self.pitch_deg - np.degrees(pitch)) / self.height_deg * ROWS + ROWS / 2
        column, row = np.floor(across).astype(np.int64), np.floor(down).astype(np.int64)
        inside = (column >= 0) & (column < COLUMNS) & (row >= 0) & (row < ROWS)
        frame = (across > -0.5) & (across < COLUMNS + 0.5) & (down > -0.5) & (down < ROWS + 0.5)
        cells = np.where(inside, row * COLUMNS + column, np.where(frame, CELLS, -1))
        return cells.astype(np.int16)


def place_patches(rig: Rig) -> tuple[CodePatch, CodePatch]:
    """One code for what the left camera alone sees, one for the right: where the fitted panorama keeps them."""
    panorama = fit_panorama(rig)
    half = (ROWS + 1) / 2 * _CELL_DEG
    pitch = min(6.0, math.degrees(panorama.pitch_max) - half - 1.0)
    return CodePatch(-45.0, pitch), CodePatch(45.0, pitch)


def _check(number: int) -> int:
    """The 12 check bits of a number of 24 bits. They are inverted, so that no plain picture passes as zero."""
    rest = number << CHECK_BITS
    for bit in range(NUMBER_BITS + CHECK_BITS - 1, CHECK_BITS - 1, -1):
        if rest >> bit & 1:
            rest ^= (1 << CHECK_BITS | _POLYNOMIAL) << (bit - CHECK_BITS)
    return rest ^ 0xFFF


def _ring() -> NDArray[np.bool_]:
    """True for the cells of the outer ring, shape (ROWS, COLUMNS)."""
    ring = np.ones((ROWS, COLUMNS), dtype=np.bool_)
    ring[1:-1, 1:-1] = False
    return ring


def _chequer() -> NDArray[np.bool_]:
    """True for the light cells of the ring's pattern, shape (ROWS, COLUMNS)."""
    row, column = np.indices((ROWS, COLUMNS))
    return np.asarray((row + column) % 2 == 0)


def encode(number: int) -> NDArray[np.bool_]:
    """Which cells are light, shape (CELLS + 1,); the last one stands for the dark frame.

    Raises:
        ValueError: for a negative number. From 2^24 on numbers begin again at zero.
    """
    if number < 0:
        raise ValueError(f"a frame number can't be negative: {number}")
    number &= (1 << NUMBER_BITS) - 1
    word = number << CHECK_BITS | _check(number)
    bits = [word >> k & 1 == 1 for k in range(NUMBER_BITS + CHECK_BITS - 1, -1, -1)]
    field = _chequer()
    field[1:-1, 1:-1] = np.array(bits).reshape(ROWS - 2, COLUMNS - 2)
    return np.append(field.ravel(), False)


def read_code(y_plane: Plane, cell_xy: ArrayLike) -> int | None:
    """Reads a frame number from a picture's luma.

    Args:
        y_plane: shape (height, width).
        cell_xy: pixel coordinates of the middles of all cells, shape (CELLS, 2), row by row.

    Returns:
        The number, or None where there is no code, or it is cut off or not to be made out.
    """
    centres = np.asarray(cell_xy, dtype=np.float64).reshape(ROWS, COLUMNS, 2)
    height, width = y_plane.shape
    if not np.isfinite(centres).all() or centres.min() < 0:
        return None
    if centres[..., 0].max() > width - 1 or centres[..., 1].max() > height - 1:
        return None
    level = _levels(y_plane, centres)
    ring, chequer = _ring(), _chequer()
    light, dark = level[ring & chequer].mean(), level[ring & ~chequer].mean()
    bright = level > (light + dark) / 2
    if light - dark < _LEAST_CONTRAST or (bright != chequer)[ring].any():
        return None
    word = 0
    for bit in bright[1:-1, 1:-1].ravel():
        word = word << 1 | int(bit)
    number = word >> CHECK_BITS
    return number if _check(number) == word & 0xFFF else None


def _levels(y_plane: Plane, centres: Floats) -> Floats:
    """The mean luma of the inner half of every cell, shape (ROWS, COLUMNS)."""
    right, down = np.gradient(centres, axis=1), np.gradient(centres, axis=0)
    offsets = np.linspace(-0.25, 0.25, 5)
    a, b = (g.ravel() for g in np.meshgrid(offsets, offsets))
    points = centres[:, :, None] + right[:, :, None] * a[:, None] + down[:, :, None] * b[:, None]
    x = np.clip(points[..., 0], 0, y_plane.shape[1] - 1.001)
    y = np.clip(points[..., 1], 0, y_plane.shape[0] - 1.001)
    i, j = x.astype(np.int64), y.astype(np.int64)
    p, q = x - i, y - j
    top = y_plane[j, i] * (1 - p) + y_plane[j, i + 1] * p
    bottom = y_plane[j + 1, i] * (1 - p) + y_plane[j + 1, i + 1] * p
    return np.asarray((top * (1 - q) + bottom * q).mean(axis=2))


def flat_cells(width: int, height: int) -> Floats:
    """Pixel coordinates, shape (CELLS, 2), of the cells of a code that :func:`burn_flat` puts into such a picture."""
    column, row = np.meshgrid(np.arange(COLUMNS) + 0.5, np.arange(ROWS) + 0.5)
    x = (_FLAT_CORNER[0] + column * _FLAT_PITCH[0]) * width - 0.5
    y = (_FLAT_CORNER[1] + row * _FLAT_PITCH[1]) * height - 0.5
    return np.stack([x, y], axis=-1).reshape(CELLS, 2)


def burn_flat(picture: Nv12, number: int) -> None:
    """Writes a frame number into the upper left of any picture, from 320x180 on; it grows with the picture."""

    def edges(count: int, axis: int, size: int) -> Sequence[int]:
        # The dark frame of half a cell, then the cells; whole pixels.
        marks = [-0.5, *range(count + 1), count + 0.5]
        return [round((_FLAT_CORNER[axis] + m * _FLAT_PITCH[axis]) * size) for m in marks]

    columns, rows = edges(COLUMNS, 0, picture.width), edges(ROWS, 1, picture.height)
    field = encode(number)[:CELLS].reshape(ROWS, COLUMNS)
    picture.y[rows[0] : rows[-1], columns[0] : columns[-1]] = DARK
    picture.uv[rows[0] // 2 : -(-rows[-1] // 2), columns[0] // 2 : -(-columns[-1] // 2)] = 128
    for r, c in zip(*np.nonzero(field), strict=True):
        picture.y[rows[r + 1] : rows[r + 2], columns[c + 1] : columns[c + 2]] = LIGHT


def read_flat(y_plane: Plane) -> int | None:
    """Reads what :func:`burn_flat` wrote, whatever the picture has been scaled to; None if there is no code."""
    return read_code(y_plane, flat_cells(y_plane.shape[1], y_plane.shape[0]))
