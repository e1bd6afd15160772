"""Small versions of a luma plane, for analysis that needs no detail."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

Plane = NDArray[np.uint8]


def reduce_luma(plane: Plane, factor: int, out: Plane) -> None:
    """Writes the means of ``factor`` x ``factor`` samples.

    Args:
        plane: luma, shape (height, width), uint8; rows may be padded.
        factor: 1 .. 16.
        out: written, shape (height // factor, width // factor); rows and columns that fill no whole cell are left out.

    Raises:
        ValueError: for another factor, an output of another shape, or samples that are not next to each other.
    """
    if not 1 <= factor <= 16:
        raise ValueError(f"a plane can be reduced by 1 to 16, not by {factor}")
    wanted = (plane.shape[0] // factor, plane.shape[1] // factor)
    if out.shape != wanted:
        raise ValueError(f"the reduced plane must have shape {wanted}, not {out.shape}")
    if plane.strides[1] != 1:
        raise ValueError("the samples of a row must lie next to each other")
    stride = plane.strides[0]
    length = (plane.shape[0] - 1) * stride + plane.shape[1] if plane.size else 0
    flat = np.lib.stride_tricks.as_strided(plane, (length,), (1,), writeable=False)
    _reduce(flat, stride, factor, out)


@njit(nogil=True, cache=True)
def _reduce(flat: NDArray[np.uint8], stride: int, factor: int, out: NDArray[np.uint8]) -> None:
    """``flat``: the plane's bytes, one row every ``stride``. Rows are summed first, which LLVM turns into SIMD."""
    rows, columns = out.shape
    sums = np.empty(columns * factor, dtype=np.uint16)  # 16 rows of 255 fit
    area = factor * factor
    for row in range(rows):
        sums[:] = 0
        for line in range(factor):
            begin = (row * factor + line) * stride
            source = flat[begin : begin + columns * factor]
            for x in range(columns * factor):
                sums[x] += source[x]
        for column in range(columns):
            total = area // 2
            for x in range(column * factor, column * factor + factor):
                total += sums[x]
            out[row, column] = total // area
