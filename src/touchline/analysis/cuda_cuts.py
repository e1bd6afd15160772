"""What the kernel that cuts tiles is told. Needs no GPU."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from touchline.analysis.tiles import BatchFormat, Tile, fetches_of, rgb_factors

FILE = "cuda_tiles.cu"
BLOCK = (32, 4)  # threads
ROWS = 2  # of a tile that a thread makes

CUT = np.dtype(
    [
        ("x", "<f4"),
        ("y", "<f4"),
        ("step_x", "<f4"),
        ("step_y", "<f4"),
        ("fetches", "<i4"),
        ("plain", "<i4"),
        ("unused", "<i4", 2),
    ]
)


class Colours(ctypes.Structure):
    """``Colours`` of cuda_tiles.cu: from levels to normalised numbers."""

    _fields_ = (
        ("luma", ctypes.c_float),
        ("black", ctypes.c_float),
        ("red_from_v", ctypes.c_float),
        ("green_from_u", ctypes.c_float),
        ("green_from_v", ctypes.c_float),
        ("blue_from_u", ctypes.c_float),
        ("scale", ctypes.c_float * 3),
        ("offset", ctypes.c_float * 3),
    )

    @classmethod
    def of(cls, batch: BatchFormat) -> Colours:
        """For a batch's colorimetry and normalisation."""
        scale = [1 / std for std in batch.std]
        offset = [-mean / std for mean, std in zip(batch.mean, batch.std, strict=True)]
        return cls(
            *rgb_factors(batch.colorimetry), (ctypes.c_float * 3)(*scale), (ctypes.c_float * 3)(*offset)
        )


class Batch(ctypes.Structure):
    """``Batch`` of cuda_tiles.cu: where the numbers go, and a tile's size."""

    _fields_ = (("numbers", ctypes.c_uint64), ("width", ctypes.c_int32), ("height", ctypes.c_int32))


def group_of(batch: BatchFormat) -> int:
    """How many samples of a row a thread makes: 16 bytes of each colour."""
    return 16 // np.dtype(batch.number).itemsize


def cuts_of(panorama_size: tuple[int, int], tiles: Sequence[Tile], batch: BatchFormat) -> NDArray[np.void]:
    """The kernel's table, shape (tiles,) of :data:`CUT`.

    A tile is plain where its samples are the panorama's own and can be read by the word.
    """
    cuts = np.zeros(len(tiles), CUT)
    for cut, tile in zip(cuts, tiles, strict=True):
        inside = (
            min(tile.x, tile.y) >= 0
            and tile.x + tile.width <= panorama_size[0]
            and tile.y + tile.height <= panorama_size[1]
        )
        own = (tile.width, tile.height) == (batch.width, batch.height)
        whole = (
            tile.x % 4 == 0
            and tile.y % 2 == 0
            and batch.width % group_of(batch) == 0
            and batch.height % 2 == 0
        )
        cut["x"], cut["y"] = tile.x, tile.y
        cut["step_x"], cut["step_y"] = tile.width / batch.width, tile.height / batch.height
        cut["fetches"] = fetches_of(tile, batch)
        cut["plain"] = inside and own and whole
    return cuts


def grid_of(count: int, batch: BatchFormat) -> tuple[int, int, int]:
    """Blocks that make a batch of so many tiles."""
    return -(-batch.width // (BLOCK[0] * group_of(batch))), -(-batch.height // (BLOCK[1] * ROWS)), count
