"""The inner loop of a view that is coarser than the cameras' pictures: means of several fetches, out of two pictures.

What :mod:`touchline.render.kernels` does with a panorama, with the mixing and the correction of
:mod:`touchline.panorama.kernels`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
from numba import njit
from numpy.typing import NDArray

from touchline.panorama.fetches import Picture, chroma_rows, luma_row, terms
from touchline.panorama.kernels import (
    BLOCK,
    LEFT,
    LEFT_INSIDE,
    RIGHT,
    RIGHT_INSIDE,
    TERMS,
    Target,
    Weights,
    brightness,
    copy_part,
    mix_chroma,
    mix_luma,
    place_of,
    scratch_of,
    store_chroma,
)
from touchline.panorama.lanes import spread, store_bytes
from touchline.panorama.tone_kernels import (
    Shade,
    Tone,
    Tones,
    chroma_gain,
    shade_of,
    tone_of,
    toned_chroma,
    toned_luma,
)
from touchline.render.kernels import shift

F = TypeVar("F", bound=Callable[..., Any])
_compiled: Callable[[F], F] = njit(nogil=True, cache=True)
_inlined: Callable[[F], F] = njit(nogil=True, cache=True, forceinline=True)

Blocks = NDArray[np.int32]  # one block's polynomials, seen from each fetch, shape (1, fetches, 12)


@_inlined
def _mean_luma(source: Picture, fetches: Blocks, row: int, inside: bool, scale: int) -> Any:
    """The mean of all fetches for a luma row, 8 bits below the level."""
    total = spread(0)
    for one in range(fetches.shape[1]):
        total = total + luma_row(source, terms(fetches, 0, one), row, inside)
    # Four bits below the level are kept, so that the product stays below 2^31.
    return ((total >> 4) * scale) >> 14


@_inlined
def _mean_chroma(source: Picture, fetches: Blocks, row: int, inside: bool, scale: int) -> tuple[Any, Any]:
    """The mean of all fetches for two chroma rows, 8 bits below the level."""
    sum_u, sum_v = spread(0), spread(0)
    for one in range(fetches.shape[1]):
        u, v = chroma_rows(source, terms(fetches, 0, one), row, inside)
        sum_u = sum_u + u
        sum_v = sum_v + v
    return ((sum_u >> 4) * scale) >> 14, ((sum_v >> 4) * scale) >> 14


@_compiled
def _one_mean(
    source: Picture,
    luma: Blocks,
    chroma: Blocks,
    inside: bool,
    scale: int,
    tone: Tone,
    shade: Shade,
    colour: bool,
    out: Target,
) -> None:
    """A block that shows one picture."""
    toned = tone[4]
    for row in range(BLOCK):
        level = _mean_luma(source, luma, row, inside, scale)
        if toned:
            level = toned_luma(level, tone, shade, row)
        store_bytes(out[0] + row * out[1], (level + 128) >> 8)
    if not colour:
        return
    for row in range(0, BLOCK // 2, 2):
        u, v = _mean_chroma(source, chroma, row, inside, scale)
        if toned:
            bright = brightness(out, row)
            gain = chroma_gain(bright, tone, shade, row)
            u, v = toned_chroma(u, bright, gain, tone[2]), toned_chroma(v, bright, gain, tone[3])
        store_chroma(out, row, u, v)


@_compiled
def _two_means(
    left: Picture,
    right: Picture,
    luma: tuple[Blocks, Blocks],
    chroma: tuple[Blocks, Blocks],
    inside: tuple[bool, bool],
    scale: int,
    w: Weights,
    tones: tuple[Tone, Tone],
    shades: tuple[Shade, Shade],
    colour: bool,
    out: Target,
) -> None:
    """A block in the overlap: both pictures, mixed by the weights ``w``."""
    for row in range(BLOCK):
        one = _mean_luma(left, luma[0], row, inside[0], scale)
        two = _mean_luma(right, luma[1], row, inside[1], scale)
        mix_luma(one, two, w, row, tones, shades, out)
    if not colour:
        return
    for row in range(0, BLOCK // 2, 2):
        one = _mean_chroma(left, chroma[0], row, inside[0], scale)
        two = _mean_chroma(right, chroma[1], row, inside[1], scale)
        mix_chroma(one, two, w, row, tones, shades, out)


@_compiled
def _spread_fetches(p: NDArray[np.int32], count: int, luma: Blocks, chroma: Blocks) -> None:
    """The polynomials ``p`` of a block as seen from each of ``count`` x ``count`` fetches."""
    for one in range(count * count):
        across, down = (one % count + 0.5) / count - 0.5, (one // count + 0.5) / count - 0.5
        shift(p, across, down, luma[0, one])
        shift(p, 2 * across, 2 * down, chroma[0, one])


@_compiled
def average_pair_rows(
    first: int,
    last: int,
    kinds: NDArray[np.uint8],
    left: Picture,
    right: Picture,
    left_blocks: NDArray[np.int32],
    right_blocks: NDArray[np.int32],
    weights: NDArray[np.int32],
    tones: Tones,
    count: int,
    colour: bool,
    out: Picture,
) -> None:
    """Makes block rows ``first`` .. ``last - 1``, each sample the mean of ``count`` x ``count`` bilinear fetches.

    The fetches are spread evenly over the area that the sample stands for.

    Args:
        kinds, left, right, left_blocks, right_blocks, weights, tones, out: as of
            :func:`touchline.panorama.kernels.warp_rows`.
        count: 1 .. 16.
        colour: without, only luma is written.
    """
    total = count * count
    scale = (1 << 18) // total
    luma = np.empty((1, total, TERMS), dtype=np.int32), np.empty((1, total, TERMS), dtype=np.int32)
    chroma = np.empty((1, total, TERMS), dtype=np.int32), np.empty((1, total, TERMS), dtype=np.int32)
    scratch = np.empty((BLOCK + BLOCK // 2, BLOCK), dtype=np.uint8)
    apart = scratch_of(scratch)
    shaded = tones.shades.shape[1] > 0
    one, two = tone_of(tones, 0, shaded), tone_of(tones, 1, shaded)
    for row in range(first, last):
        for column in range(kinds.shape[1]):
            kind = kinds[row, column]
            place, columns, rows = place_of(out, row, column)
            whole = columns == BLOCK and rows == BLOCK
            target = place if whole else apart
            lit = (
                shade_of(tones.shades, 0, row, column, shaded),
                shade_of(tones.shades, 1, row, column, shaded),
            )
            inside = (kind & LEFT_INSIDE != 0, kind & RIGHT_INSIDE != 0)
            if kind & LEFT:
                _spread_fetches(left_blocks[row, column], count, luma[0], chroma[0])
            if kind & RIGHT:
                _spread_fetches(right_blocks[row, column], count, luma[1], chroma[1])
            if kind & LEFT and kind & RIGHT:
                w = weights[row, column]
                mix = (w[0], w[1], w[2], w[3])
                _two_means(left, right, luma, chroma, inside, scale, mix, (one, two), lit, colour, target)
            elif kind & RIGHT:
                _one_mean(right, luma[1], chroma[1], inside[1], scale, two, lit[1], colour, target)
            else:
                _one_mean(left, luma[0], chroma[0], inside[0], scale, one, lit[0], colour, target)
            if not whole:
                copy_part(scratch, place, columns, rows)
