"""The inner loops of multi-band blending: sums and products over small pieces of picture, in single precision."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
from numba import njit
from numpy.typing import NDArray

from touchline.panorama.kernels import BLOCK, ONE

F = TypeVar("F", bound=Callable[..., Any])
_compiled: Callable[[F], F] = njit(nogil=True, cache=True, fastmath={"contract"})
Single = NDArray[np.float32]
Bytes = NDArray[np.uint8]


@_compiled
def mask_rows(weights: NDArray[np.int32], steepness: float, mask: Single) -> None:
    """The right picture's share at every luma sample, so much steeper about one half than the weights have it.

    Args:
        weights: of blocks, as :func:`touchline.panorama.kernels.warp_rows` takes them, shape (rows, columns, 4).
        steepness: at least 1.
        mask: written, 0 .. 1; shape (height, width), no larger than the blocks.
    """
    for y in range(mask.shape[0]):
        r = y % BLOCK
        for column in range((mask.shape[1] + BLOCK - 1) // BLOCK):
            w = weights[y // BLOCK, column]
            start, slope = (w[0] + w[2] * r) / ONE, (w[1] + w[3] * r) / ONE
            begin = column * BLOCK
            for x in range(begin, min(begin + BLOCK, mask.shape[1])):
                share = (start + slope * (x - begin) - 0.5) * steepness + 0.5
                mask[y, x] = min(1.0, max(0.0, share))


@_compiled
def difference(
    one: Bytes, other: Bytes, begins: NDArray[np.int32], ends: NDArray[np.int32], channels: int, out: Single
) -> None:
    """``other - one``, as far as both are there; beyond, in each row, as it is at the edge.

    What a picture repeats beyond its edge has nothing to do with the other one, and would be seen far from there in
    coarse levels.

    Args:
        one, other: shape (rows, columns * channels).
        begins, ends: the columns from the first to behind the last that are there of both, shape (rows,); none: 0.
        channels: 1, or 2 that take turns.
        out: written, the same shape.
    """
    for y in range(out.shape[0]):
        a, b, made = one[y], other[y], out[y]
        begin, end = begins[y] * channels, ends[y] * channels
        if end <= begin:
            made[:] = np.float32(0.0)
            continue
        for x in range(begin, end):
            made[x] = np.float32(np.int32(b[x]) - np.int32(a[x]))
        for channel in range(channels):
            for x in range(channel, begin, channels):
                made[x] = made[begin + channel]
            for x in range(end + channel, out.shape[1], channels):
                made[x] = made[end - channels + channel]


@_compiled
def add_band(level: Single, blurred: Single, mask: Single, coarser: Single) -> None:
    """Adds to ``coarser`` what ``level`` has beyond ``blurred``, as far as the mask lets it; all of one shape."""
    for y in range(level.shape[0]):
        a, b, m, made = level[y], blurred[y], mask[y], coarser[y]
        for x in range(level.shape[1]):
            made[x] += m[x] * (a[x] - b[x])


@_compiled
def finish(base: Bytes, change: Single, fade: Single, out: Bytes) -> None:
    """Writes ``base + change`` where ``fade`` is 1, and leaves ``out`` alone where it is 0; all (rows, columns)."""
    for y in range(out.shape[0]):
        b, c, f, made = base[y], change[y], fade[y], out[y]
        for x in range(out.shape[1]):
            old = np.float32(made[x])
            level = old + f[x] * (np.float32(b[x]) + c[x] - old)
            made[x] = np.uint8(min(np.float32(255.0), max(np.float32(0.0), level)) + np.float32(0.5))
