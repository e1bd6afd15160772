"""The inner loop of a view that is coarser than its panorama: means of several fetches for each sample."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from touchline.panorama.fetches import Picture, chroma_rows, luma_row, terms
from touchline.panorama.kernels import (
    BLOCK,
    TERMS,
    copy_part,
    place_of,
    scratch_of,
    store_chroma,
)
from touchline.panorama.lanes import spread, store_bytes

MOST = 16  # fetches along one axis at most


@njit(nogil=True, cache=True)
def shift(p: NDArray[np.int32], across: float, down: float, shifted: NDArray[np.int32]) -> None:
    """The polynomials ``p`` as seen from (``across``, ``down``) luma samples away."""
    for axis in range(2):
        q, out = p[6 * axis : 6 * axis + 6], shifted[6 * axis : 6 * axis + 6]
        a = q[0] + q[1] * across + q[2] * down + q[3] * across * down
        out[0] = round(a + q[4] * across * across + q[5] * down * down)
        out[1] = round(q[1] + q[3] * down + 2 * q[4] * across)
        out[2] = round(q[2] + q[3] * across + 2 * q[5] * down)
        out[3], out[4], out[5] = q[3], q[4], q[5]


@njit(nogil=True, cache=True)
def average_rows(
    first: int,
    last: int,
    inside: NDArray[np.uint8],
    source: Picture,
    blocks: NDArray[np.int32],
    count: int,
    out: Picture,
) -> None:
    """Makes block rows ``first`` .. ``last - 1``, each sample the mean of ``count`` x ``count`` bilinear fetches.

    The fetches are spread evenly over the area that the sample stands for.

    Args:
        inside: blocks of which no fetch needs clamping, shape (rows, columns).
        source: the panorama; see :mod:`touchline.panorama.kernels`.
        blocks: polynomials, shape (rows, columns, 12).
        count: 1 .. 16.
        out: the picture to be written.
    """
    total = count * count
    luma = np.empty((1, total, TERMS), dtype=np.int32)
    chroma = np.empty((1, total, TERMS), dtype=np.int32)
    scale = (1 << 18) // total
    half = spread(1 << 21)
    scratch = np.empty((BLOCK + BLOCK // 2, BLOCK), dtype=np.uint8)
    apart = scratch_of(scratch)
    for row in range(first, last):
        for column in range(inside.shape[1]):
            for one in range(total):
                across, down = (one % count + 0.5) / count - 0.5, (one // count + 0.5) / count - 0.5
                shift(blocks[row, column], across, down, luma[0, one])
                shift(blocks[row, column], 2 * across, 2 * down, chroma[0, one])
            place, columns, rows = place_of(out, row, column)
            whole = columns == BLOCK and rows == BLOCK
            target = place if whole else apart
            safe = inside[row, column] != 0
            for line in range(BLOCK):
                sum_y = spread(0)
                for one in range(total):
                    sum_y = sum_y + luma_row(source, terms(luma, 0, one), line, safe)
                # Four bits below the level are kept, so that the product stays below 2^31.
                store_bytes(target[0] + line * target[1], ((sum_y >> 4) * scale + half) >> 22)
            for line in range(0, BLOCK // 2, 2):
                sum_u, sum_v = spread(0), spread(0)
                for one in range(total):
                    u, v = chroma_rows(source, terms(chroma, 0, one), line, safe)
                    sum_u = sum_u + u
                    sum_v = sum_v + v
                store_chroma(target, line, ((sum_u >> 4) * scale) >> 14, ((sum_v >> 4) * scale) >> 14)
            if not whole:
                copy_part(scratch, place, columns, rows)
