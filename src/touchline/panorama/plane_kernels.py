"""Inner loops around the warp: fitting its polynomials, comparing two pictures, shrinking one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
from numba import njit
from numpy.typing import NDArray

from touchline.panorama.fetches import Picture
from touchline.panorama.kernels import BLOCK, ONE
from touchline.panorama.lanes import load_word

F = TypeVar("F", bound=Callable[..., Any])
_compiled: Callable[[F], F] = njit(nogil=True, cache=True)


@_compiled
def fit_rows(
    first: int,
    last: int,
    nodes: NDArray[np.float64],
    width: int,
    height: int,
    coefficients: NDArray[np.int32],
    inside: NDArray[np.uint8],
) -> None:
    """Fits the polynomials of block rows ``first`` .. ``last - 1``.

    Args:
        nodes: source positions x, y at every block corner with one more ring around, shape (rows + 3, columns + 3, 2);
            ``nodes[1, 1]`` belongs to the first sample of the first block. nan where there is none.
        width, height: size of the source, in luma samples.
        coefficients: written, shape (rows, columns, 12).
        inside: written, shape (rows, columns): 1 if every bilinear fetch of the block lies inside the source.
    """
    side = float(BLOCK)
    for row in range(first, last):
        for column in range(coefficients.shape[1]):
            ok = True
            for axis in range(2):
                n = nodes[row : row + 4, column : column + 4, axis]
                f00, f10, f01, f11 = n[1, 1], n[1, 2], n[2, 1], n[2, 2]
                # Half the second derivative, from the corners and their outer neighbours.
                hxx = (n[1, 0] - f00 - f10 + n[1, 3] + n[2, 0] - f01 - f11 + n[2, 3]) / (8 * side * side)
                hyy = (n[0, 1] - f00 - f01 + n[3, 1] + n[0, 2] - f10 - f11 + n[3, 2]) / (8 * side * side)
                hxx = hxx if abs(hxx) < 1.0 else 0.0  # also where a neighbour is nan
                hyy = hyy if abs(hyy) < 1.0 else 0.0
                # How far the block's samples, or means around them, may lie beyond the corners' positions.
                bend = (abs(hxx) + abs(hyy)) * side * side / 4 + 0.05
                bend += max(abs(f10 - f00), abs(f11 - f01), abs(f01 - f00), abs(f11 - f10)) / side
                low, high = min(f00, f10, f01, f11) - bend, max(f00, f10, f01, f11) + bend
                # Chroma needs two luma samples more than luma; fetches of luma read four bytes.
                size = width if axis == 0 else height
                ok = ok and low >= 1.0 and high <= size - 5.0
                if not (low > -32000.0 and high < 32000.0):
                    f00, f10, f01, f11, hxx, hyy = -9.0, -9.0, -9.0, -9.0, 0.0, 0.0
                out = coefficients[row, column, 6 * axis : 6 * axis + 6]
                out[0] = round(f00 * ONE)
                out[1] = round(((f10 - f00) / side - side * hxx) * ONE)
                out[2] = round(((f01 - f00) / side - side * hyy) * ONE)
                out[3] = round((f11 - f10 - f01 + f00) / (side * side) * ONE)
                out[4] = round(hxx * ONE)
                out[5] = round(hyy * ONE)
            inside[row, column] = 1 if ok else 0


@_compiled
def sample_points(
    left: Picture,
    right: Picture,
    left_points: NDArray[np.int32],
    right_points: NDArray[np.int32],
    out: NDArray[np.int32],
) -> None:
    """Reads both pictures at pairs of points, for comparing them.

    Args:
        left, right: the pictures.
        left_points, right_points: chroma coordinates x, y of the pairs, inside the pictures, shape (n, 2).
        out: written, shape (n, 6): for the left, then the right picture the sum of the 4 luma samples and
            twice U and twice V.
    """
    for point in range(len(left_points)):
        for side in range(2):
            picture = left if side == 0 else right
            place = left_points[point] if side == 0 else right_points[point]
            x, y = place[0], place[1]
            luma = picture[0] + 2 * y * picture[1] + 2 * x
            chroma = picture[2] + y * picture[3] + 2 * x
            upper, lower = load_word(luma), load_word(luma + picture[1])
            both = load_word(chroma)
            out[point, 3 * side] = (upper & 255) + (upper >> 8) + (lower & 255) + (lower >> 8)
            out[point, 3 * side + 1] = 2 * (both & 255)
            out[point, 3 * side + 2] = 2 * (both >> 8)


@_compiled
def reduce_plane(flat: NDArray[np.uint8], stride: int, factor: int, out: NDArray[np.uint8]) -> None:
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
