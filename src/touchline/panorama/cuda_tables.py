"""What the GPU's stitching and sampling kernels read and write besides pictures: tables and arguments.

Nothing here needs a GPU.
"""

from __future__ import annotations

import ctypes
import itertools
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from touchline.errors import CudaError
from touchline.panorama.kernels import BLOCK, LEFT, ONE, RIGHT
from touchline.panorama.tone_kernels import UNITY
from touchline.panorama.warp import StitchPlan, block_count

_BLACK, _GREY = 16 / 255, 128 / 255  # levels are 0 .. 1
_LEFT_ALONE, _RIGHT_ALONE = -1, -2  # kinds of blocks; others are numbered
TILE = 64, 32  # luma samples that a block of threads makes
TILES = np.dtype(
    [("kind", "<i2"), ("x", "<u2"), ("y", "<u4"), ("boxes", "<u2", (2, 4)), ("end", "<u4"), ("unused", "<u4")]
)
PIECE = 16  # bytes that are brought at once
_PIECES, _ROWS = 8, (64, 34)  # as in cuda_stitch.cu: what a tile has room for
_FRACTION = 0x03FF03FF  # the ten bits of two weights
_ROUNDED = 2**-10  # by which a position may be rounded
_INSIDE = 5e-4  # of a sample, by which the last position stays before the last sample


class Planes(ctypes.Structure):
    """``Planes`` of cuda_gain.cu: where a picture's planes are."""

    _fields_ = (
        ("y", ctypes.c_uint64),
        ("uv", ctypes.c_uint64),
        ("y_pitch", ctypes.c_int32),
        ("uv_pitch", ctypes.c_int32),
    )


def check_pieces(planes: Planes) -> None:
    """Raises CudaError for a picture whose rows do not begin at multiples of 16 bytes, in which they are brought."""
    if (planes.y | planes.uv | planes.y_pitch | planes.uv_pitch) % PIECE:
        raise CudaError(
            f"a picture at {planes.y:#x} and {planes.uv:#x}, with rows of {planes.y_pitch} and {planes.uv_pitch} "
            f"bytes, can't be read as textures and in pieces of {PIECE} bytes"
        )


class StitchTables(NamedTuple):
    """A plan as the kernel reads it; an eighth of a byte for each sample of the panorama.

    Attributes:
        tiles: up to 64x32 samples of blocks of one kind (-1 or -2) that read no more of the picture than a
            multiprocessor has room for: x and y of the corner, the column behind the last one, and of luma and of
            chroma the first piece of 16 bytes in a row, the first row, how many pieces and rows are read. Before
            them the others, 16x32 samples of kind 0; :data:`TILES`, shape (n,).
        kinds: -1 for a block that shows the left picture alone, away from its edge; -2 the right one; others count
            from 0; int32, shape (rows, columns).
        first: polynomials of the right picture's positions where the kind is -2, else of the left one's, in 1/65536
            of a sample; int32, shape (rows, columns, 12), terms as in :mod:`touchline.panorama.kernels`.
        second: for the others the right picture's polynomials, in samples, and its share, 0 .. 1; float32,
            shape (n, 16).
    """

    tiles: NDArray[np.void]
    kinds: NDArray[np.int32]
    first: NDArray[np.int32]
    second: NDArray[np.float32]


def stitch_tables(plan: StitchPlan) -> StitchTables:
    """The tables of a plan."""
    shown = plan.kinds & (LEFT | RIGHT)
    left = (shown == LEFT) & (plan.left.inside > 0)
    right = (shown == RIGHT) & (plan.right.inside > 0)
    others = ~(left | right)
    kinds = np.where(left, _LEFT_ALONE, _RIGHT_ALONE).astype(np.int32)
    kinds[others] = np.arange(np.count_nonzero(others))
    first = np.where(right[..., None], plan.right.coefficients, plan.left.coefficients)
    weights = plan.weights[others] / ONE
    weights[shown[others] == LEFT] = 0
    weights[shown[others] == RIGHT] = [1, 0, 0, 0]
    second = np.concatenate([plan.right.coefficients[others] / ONE, weights], axis=-1)
    return StitchTables(_tiles(kinds, first), kinds, first, second.astype(np.float32))


def _tiles(kinds: NDArray[np.int32], first: NDArray[np.int32]) -> NDArray[np.void]:
    """Tiles that show one picture, as wide as they can be, and what they read of it; before them, what is left."""
    lines = _pairs(kinds)
    alone = np.where((lines == lines[:, :1]).all(1) & (lines[:, 0] < 0), lines[:, 0], 0)
    row, column, count = np.array([run for y, line in enumerate(alone) for run in _runs(y, line)]).T
    tiles = np.zeros(len(row), TILES)
    tiles["kind"], tiles["x"], tiles["y"] = alone[row, column], column * BLOCK, row * TILE[1]
    tiles["end"] = (column + count) * BLOCK
    places = row[:, None], column[:, None] + np.minimum(np.arange(TILE[0] // BLOCK), count[:, None] - 1)
    least, most = (_pairs(edge) for edge in _reach(first))
    reach = np.stack([least.min(1)[places].min(1), most.max(1)[places].max(1)], axis=-1)
    tiles["boxes"] = boxes = np.stack([_pieces(reach, 1), _pieces(reach / 2 - 0.25, 2)], axis=-2)
    fits = (boxes[..., 2].max(-1) <= _PIECES) & (boxes[..., 3] <= _ROWS).all(-1) & (tiles["kind"] != 0)
    mixed = np.repeat(tiles[~fits], count[~fits])
    mixed["x"] += BLOCK * np.concatenate([np.arange(n) for n in (0, *count[~fits])]).astype(np.uint16)
    mixed["kind"], mixed["boxes"] = 0, 0
    return np.concatenate([mixed, tiles[fits]])


def _runs(y: int, line: NDArray[np.int32]) -> Iterator[tuple[int, int, int]]:
    """Columns of one kind, in pieces of a tile's width: row, first column, how many."""
    edges = [0, *(np.flatnonzero(np.diff(line)) + 1), len(line)]
    for begin, end in itertools.pairwise(edges):
        for column in range(begin, end, TILE[0] // BLOCK):
            yield y, column, min(TILE[0] // BLOCK, end - column)


def _reach(first: NDArray[np.int32]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The first and the last positions of blocks, in luma samples: shape (rows, columns, 2), x and y."""
    terms = first.reshape(*first.shape[:2], 2, 6) / ONE
    corners = np.array([[1, i, r, i * r, i * i, r * r] for i in (0, BLOCK - 1) for r in (0, BLOCK - 1)])
    at = terms @ corners.T
    # Between its corners a polynomial is no further from what lies straight between them than its squares make it.
    bend = ((BLOCK - 1) / 2) ** 2 * np.abs(terms[..., 4:]).sum(-1) + _ROUNDED
    return at.min(-1) - bend, at.max(-1) + bend


def _pieces(reach: NDArray[np.float64], bytes_each: int) -> NDArray[np.int64]:
    """Boxes of pieces and rows that hold samples and the neighbours behind them."""
    begin = np.floor(reach[..., 0]).astype(np.int64)
    end = np.floor(reach[..., 1]).astype(np.int64) + 2
    first = begin[..., 0] * bytes_each // PIECE
    last = -(-end[..., 0] * bytes_each // PIECE)
    return np.stack([first, begin[..., 1], last - first, end[..., 1] - begin[..., 1]], axis=-1)


def _pairs(values: NDArray[Any]) -> NDArray[Any]:
    """Blocks by row of tiles, shape (tile rows, 2, columns, ...); below the last one, that one again."""
    whole = np.pad(values, [(0, len(values) % 2), *[(0, 0)] * (values.ndim - 1)], mode="edge")
    return whole.reshape(-1, 2, *values.shape[1:])


class Tables(ctypes.Structure):
    """``Tables`` of cuda_stitch.cu: device addresses."""

    _fields_ = tuple((name, ctypes.c_uint64) for name in StitchTables._fields)


class Source(ctypes.Structure):
    """``Source`` of cuda_stitch.cu: a picture and its correction, in single precision and twice in half precision."""

    _fields_ = (
        *((name, ctypes.c_uint64) for name in ("y", "uv", "luma")),
        *((name, ctypes.c_int32) for name in ("y_pitch", "uv_pitch")),
        *((name, ctypes.c_float) for name in ("right", "bottom")),
        *((name, ctypes.c_float) for name in ("gain", "black", "tint_u", "tint_v")),
        *(
            (f"{name}_twice", ctypes.c_uint32)
            for name in ("gain", "black", "tint_u", "tint_v", "grey_u", "grey_v")
        ),
    )

    @classmethod
    def toned(cls, planes: Planes, size: tuple[int, int], luma: int, tone: NDArray[np.int32]) -> Source:
        """A picture under a row of :meth:`touchline.panorama.gain.Difference.tones`.

        Args:
            planes: where it is.
            size: its width and height.
            luma: texture over its luma.
            tone: gain and tints; 4096 is one.
        """
        gain, u, v = (float(value) / UNITY for value in tone)
        width, height = size
        ends = (n - 1 - _INSIDE for n in (width // 2, height // 2))
        black = _BLACK * (1 - gain)
        # The sum of four luma levels is four times the brightness and four times black.
        greys = (_GREY * (1 - gain) - _BLACK * tint for tint in (u, v))
        return cls(
            planes.y,
            planes.uv,
            luma,
            planes.y_pitch,
            planes.uv_pitch,
            *ends,
            *(gain, black, u, v),
            *map(_twice, (gain * 16384 / 255, black, u / 4, v / 4, *greys)),
        )


def _twice(number: float) -> int:
    """A number of half precision, twice in one word."""
    return int(np.array([number, number], np.float16).view(np.uint32)[0])


class Target(ctypes.Structure):
    """``Target`` of cuda_stitch.cu: the panorama to be written."""

    _fields_ = (
        *((name, ctypes.c_uint64) for name in ("y", "uv")),
        *(
            (name, ctypes.c_int32)
            for name in ("y_pitch", "uv_pitch", "width", "height", "columns", "fraction")
        ),
    )

    @classmethod
    def over(cls, planes: Planes, size: tuple[int, int]) -> Target:
        """A panorama of that width and height."""
        columns = block_count(*size)[1]
        return cls(planes.y, planes.uv, planes.y_pitch, planes.uv_pitch, *size, columns, _FRACTION)
