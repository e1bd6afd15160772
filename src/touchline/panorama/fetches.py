"""Bilinear fetches along the rows of a block, at source positions that a polynomial gives.

Bilinear weights have 8 bits, sums have 8 bits below the level until the last step, which rounds.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from touchline.panorama.lanes import (
    fetch,
    first_two,
    iota,
    iota_halves,
    larger,
    mix_pairs,
    prefetch_read,
    smaller,
    spread,
    spread_halves,
)

_AHEAD = 64  # bytes: a block's 50 rows are more than the processor follows by itself, so it is told what comes next
_HALF_WEIGHT = 128  # half a bilinear weight's last bit: positions are rounded to weights, not cut

Picture = tuple[int, int, int, int, int, int]
Axis = tuple[int, int, int, int, int, int]
Terms = tuple[Axis, Axis]
Steps = tuple[Any, Any, Any]  # positions along a row, what they gain by the next one, and what that gains


@njit(nogil=True, cache=True, forceinline=True)
def terms(blocks: NDArray[np.int32], row: int, column: int) -> Terms:
    """A block's polynomials as plain numbers: arrays handed to the innermost functions would be counted each time."""
    p = blocks[row, column]
    return (p[0], p[1], p[2], p[3], p[4], p[5]), (p[6], p[7], p[8], p[9], p[10], p[11])


@njit(nogil=True, cache=True, forceinline=True)
def _luma_lane(p: Axis, row: int) -> Any:
    """Source positions along one luma row of a block."""
    a, bx, by, bxy, hxx, hyy = p
    i = iota()
    return spread(a + _HALF_WEIGHT + (by + hyy * row) * row) + i * (bx + bxy * row) + i * i * hxx


@njit(nogil=True, cache=True, forceinline=True)
def _chroma_lane(p: Axis, row: int) -> Any:
    """Source positions, in chroma samples, along chroma rows ``row`` and ``row + 1`` of a block.

    The luma polynomial at i = 2 j + 1/2, r = 2 k + 1/2, halved after taking off the half sample between a chroma
    sample and its first luma sample, and sorted by powers of j and k.
    """
    a, bx, by, bxy, hxx, hyy = p
    corner = ((4 * a + 2 * bx + 2 * by + bxy + hxx + hyy - 131072) >> 3) + _HALF_WEIGHT
    across, down, both, bend = bx + (bxy >> 1) + hxx, by + (bxy >> 1) + hyy, 2 * bxy, 2 * hyy
    j, low, high = iota_halves(), row, row + 1
    start = spread_halves(corner + (down + bend * low) * low, corner + (down + bend * high) * high)
    return start + spread_halves(across + both * low, across + both * high) * j + j * j * (2 * hxx)


@njit(nogil=True, cache=True, forceinline=True)
def luma_steps(p: Axis) -> Steps:
    """Source positions along a block's first luma row, and how to come to the next with two sums."""
    first = _luma_lane(p, 0)
    return first, _luma_lane(p, 1) - first, spread(2 * p[5])


@njit(nogil=True, cache=True, forceinline=True)
def chroma_steps(p: Axis) -> Steps:
    """Source positions along a block's first two chroma rows, and how to come to the next two with two sums."""
    first = _chroma_lane(p, 0)
    return first, _chroma_lane(p, 2) - first, spread(16 * p[5])


@njit(nogil=True, cache=True, forceinline=True)
def next_row(steps: Steps) -> Steps:
    """The positions of the next luma row, or of the next two chroma rows."""
    return steps[0] + steps[1], steps[1] + steps[2], steps[2]


@njit(nogil=True, cache=True, forceinline=True)
def _ask_ahead(address: int, stride: int, p: Terms, row: int, halved: int) -> None:
    """Has the processor load what the next blocks will read beside luma row ``row``; ``halved``: 1 for chroma."""
    x, y = (p[0][0] + p[0][2] * row) >> (16 + halved), (p[1][0] + p[1][2] * row) >> (16 + halved)
    prefetch_read(address + y * stride + (x << halved) + _AHEAD)


@njit(nogil=True, cache=True, forceinline=True)
def _clamped(position: Any, size: int) -> tuple[Any, Any]:
    """The sample before a position and the weight (0 .. 256) of the one after it, inside 0 .. size - 1."""
    position = smaller(larger(position, spread(0)), spread((size - 1) << 16))
    before = smaller(position >> 16, spread(size - 2))
    return before, (position - (before << 16)) >> 8


@njit(nogil=True, cache=True, forceinline=True)
def luma_at(source: Picture, p: Terms, x: Any, y: Any, row: int, inside: bool) -> Any:
    """Luma row ``row`` of a block from positions x and y, 8 bits below the level."""
    address, stride, width, height = source[0], source[1], source[4], source[5]
    if inside:
        offset = (y >> 16) * stride + (x >> 16)
        _ask_ahead(address, stride, p, row, 0)
        top, bottom = fetch(address, offset), fetch(address + stride, offset)
        return mix_pairs(first_two(top), first_two(bottom), (x >> 8) & 255, (y >> 8) & 255)
    column, wx = _clamped(x, width)
    line, wy = _clamped(y, height)
    begin = smaller(column, spread(width - 4))  # four bytes are read: near the edge, fewer to the right
    offset, shift = line * stride + begin, (column - begin) << 3
    top, bottom = fetch(address, offset) >> shift, fetch(address + stride, offset) >> shift
    return mix_pairs(first_two(top), first_two(bottom), wx, wy)


@njit(nogil=True, cache=True, forceinline=True)
def chroma_at(source: Picture, p: Terms, x: Any, y: Any, row: int, inside: bool) -> tuple[Any, Any]:
    """Chroma rows ``row`` and ``row + 1`` of a block from positions x and y, 8 bits below the level: U and V."""
    address, stride, width, height = source[2], source[3], source[4] >> 1, source[5] >> 1
    if inside:
        column, wx = x >> 16, (x >> 8) & 255
        line, wy = y >> 16, (y >> 8) & 255
    else:
        column, wx = _clamped(x, width)
        line, wy = _clamped(y, height)
    offset = line * stride + (column << 1)
    _ask_ahead(address, stride, p, 2 * row, 1)
    _ask_ahead(address, stride, p, 2 * row + 2, 1)
    top, bottom = fetch(address, offset), fetch(address + stride, offset)
    u = mix_pairs(top & 0xFF00FF, bottom & 0xFF00FF, wx, wy)
    return u, mix_pairs((top >> 8) & 0xFF00FF, (bottom >> 8) & 0xFF00FF, wx, wy)


@njit(nogil=True, cache=True, forceinline=True)
def luma_row(source: Picture, p: Terms, row: int, inside: bool) -> Any:
    """One luma row of a block by itself, 8 bits below the level."""
    return luma_at(source, p, _luma_lane(p[0], row), _luma_lane(p[1], row), row, inside)


@njit(nogil=True, cache=True, forceinline=True)
def chroma_rows(source: Picture, p: Terms, row: int, inside: bool) -> tuple[Any, Any]:
    """Both colour differences of chroma rows ``row`` and ``row + 1`` of a block, 8 bits below the level."""
    u, v = chroma_at(source, p, _chroma_lane(p[0], row), _chroma_lane(p[1], row), row, inside)
    return u, v
