"""The inner loops: NV12 pictures resampled in blocks of 16x16 luma and 8x8 chroma samples.

A block's source position is one polynomial per axis in the luma offsets i, r from the block's corner,
``a + bx i + by r + bxy i r + hxx i^2 + hyy r^2``, in 1/65536 pixels: 48 bytes for 256 + 128 samples, where a remap
table would need 8 bytes for each sample. It stays within a few hundredths of a pixel of the true mapping where a
bilinear grid of that step would be a third of a pixel off. Luma and chroma of a block are made in one pass.

Pictures come as tuples of integers (luma address, luma stride, chroma address, chroma stride, width, height): one
compiled version for every layout of memory. The addresses are read and written unchecked; the ``inside`` bits
of a block promise that no sample of it needs clamping.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from touchline.panorama.fetches import (
    Picture,
    Terms,
    chroma_at,
    chroma_steps,
    luma_at,
    luma_steps,
    next_row,
    terms,
)
from touchline.panorama.lanes import (
    iota,
    iota_halves,
    larger,
    load_words_halves,
    prefetch_write,
    spread,
    spread_halves,
    store_byte,
    store_bytes,
    store_words_halves,
)
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

BLOCK = 16  # luma samples along a block's side
TERMS = 12  # six coefficients for x, six for y
LEFT, RIGHT, LEFT_INSIDE, RIGHT_INSIDE = 1, 2, 4, 8  # bits of a block's kind
SKIP = 16  # the bit of a block that somebody else makes
ONE = 65536.0  # one pixel in a polynomial
_AHEAD = 64  # bytes: a block's 50 rows are more than the processor follows by itself, so it is told what comes next

Target = tuple[int, int, int, int]  # luma address, stride, chroma address, stride
Weights = tuple[int, int, int, int]


@njit(nogil=True, cache=True, forceinline=True)
def _weight(w: Weights, i: Any, row: int) -> Any:
    """The right picture's share, 0 .. 256, at luma columns ``i`` of luma row ``row``."""
    share = spread(w[0] + w[2] * row) + i * (w[1] + w[3] * row)
    return larger(share, spread(0)) >> 8  # the rounding of the terms can take it just below zero


@njit(nogil=True, cache=True)
def _one_block(source: Picture, p: Terms, inside: bool, tone: Tone, shade: Shade, out: Target) -> None:
    """A block that shows one picture."""
    toned = tone[4]
    x, y = luma_steps(p[0]), luma_steps(p[1])
    for row in range(BLOCK):
        level = luma_at(source, p, x[0], y[0], row, inside)
        x, y = next_row(x), next_row(y)
        if toned:
            level = toned_luma(level, tone, shade, row)
        prefetch_write(out[0] + row * out[1] + _AHEAD)
        store_bytes(out[0] + row * out[1], (level + 128) >> 8)
    x, y = chroma_steps(p[0]), chroma_steps(p[1])
    for row in range(0, BLOCK // 2, 2):
        u, v = chroma_at(source, p, x[0], y[0], row, inside)
        x, y = next_row(x), next_row(y)
        if toned:
            bright = brightness(out, row)
            gain = chroma_gain(bright, tone, shade, row)
            u, v = toned_chroma(u, bright, gain, tone[2]), toned_chroma(v, bright, gain, tone[3])
        store_chroma(out, row, u, v)


@njit(nogil=True, cache=True)
def _two_blocks(
    left: Picture,
    right: Picture,
    p: Terms,
    q: Terms,
    inside: tuple[bool, bool],
    w: Weights,
    tones: tuple[Tone, Tone],
    shades: tuple[Shade, Shade],
    out: Target,
) -> None:
    """A block in the overlap: both pictures, mixed by the weights ``w``."""
    x, y, u, v = luma_steps(p[0]), luma_steps(p[1]), luma_steps(q[0]), luma_steps(q[1])
    for row in range(BLOCK):
        one = luma_at(left, p, x[0], y[0], row, inside[0])
        two = luma_at(right, q, u[0], v[0], row, inside[1])
        x, y, u, v = next_row(x), next_row(y), next_row(u), next_row(v)
        mix_luma(one, two, w, row, tones, shades, out)
    x, y, u, v = chroma_steps(p[0]), chroma_steps(p[1]), chroma_steps(q[0]), chroma_steps(q[1])
    for row in range(0, BLOCK // 2, 2):
        ones = chroma_at(left, p, x[0], y[0], row, inside[0])
        twos = chroma_at(right, q, u[0], v[0], row, inside[1])
        x, y, u, v = next_row(x), next_row(y), next_row(u), next_row(v)
        mix_chroma(ones, twos, w, row, tones, shades, out)


@njit(nogil=True, cache=True, forceinline=True)
def brightness(out: Target, row: int) -> Any:
    """Luma above black, 8 bits below the level, beside chroma rows ``row`` and ``row + 1``, read from the output."""
    line = out[0] + 2 * row * out[1]
    pairs = load_words_halves(line, line + 2 * out[1])
    return (((pairs & 255) + (pairs >> 8)) << 7) - spread(4096)


@njit(nogil=True, cache=True, forceinline=True)
def store_chroma(out: Target, row: int, u: Any, v: Any) -> None:
    line = out[2] + row * out[3]
    prefetch_write(line + _AHEAD)
    prefetch_write(line + _AHEAD + out[3])
    store_words_halves(line, line + out[3], ((u + 128) >> 8) | (((v + 128) >> 8) << 8))


@njit(nogil=True, cache=True, forceinline=True)
def mix_luma(
    one: Any,
    two: Any,
    w: Weights,
    row: int,
    tones: tuple[Tone, Tone],
    shades: tuple[Shade, Shade],
    out: Target,
) -> None:
    """Writes a luma row of a block out of both pictures', which have 8 bits below the level."""
    if tones[0][4]:
        one = toned_luma(one, tones[0], shades[0], row)
        two = toned_luma(two, tones[1], shades[1], row)
    share = _weight(w, iota(), row)
    level = (one * (spread(256) - share) + two * share) >> 8
    store_bytes(out[0] + row * out[1], (level + 128) >> 8)


@njit(nogil=True, cache=True, forceinline=True)
def mix_chroma(
    one: tuple[Any, Any],
    two: tuple[Any, Any],
    w: Weights,
    row: int,
    tones: tuple[Tone, Tone],
    shades: tuple[Shade, Shade],
    out: Target,
) -> None:
    """Writes chroma rows ``row`` and ``row + 1`` of a block out of both pictures' U and V; its luma must be there."""
    # Lanes 0 to 7 are chroma row `row`, lanes 8 to 15 the next, two luma rows further down.
    middle, first = iota_halves() * 2, spread_halves(1, 0)
    low, high = _weight(w, middle, 2 * row), _weight(w, middle, 2 * row + 2)
    share = low * first + high * (spread(1) - first)
    keep = spread(256) - share
    lu, lv = one
    ru, rv = two
    if tones[0][4]:
        bright = brightness(out, row)
        left, right = tones
        gain = chroma_gain(bright, left, shades[0], row)
        lu, lv = toned_chroma(lu, bright, gain, left[2]), toned_chroma(lv, bright, gain, left[3])
        gain = chroma_gain(bright, right, shades[1], row)
        ru, rv = toned_chroma(ru, bright, gain, right[2]), toned_chroma(rv, bright, gain, right[3])
    store_chroma(out, row, (lu * keep + ru * share) >> 8, (lv * keep + rv * share) >> 8)


@njit(nogil=True, cache=True, forceinline=True)
def place_of(out: Picture, row: int, column: int) -> tuple[Target, int, int]:
    """Where a block of a picture is, and how many columns and rows of it are inside the picture."""
    place = (
        out[0] + row * BLOCK * out[1] + column * BLOCK,
        out[1],
        out[2] + row * (BLOCK // 2) * out[3] + column * BLOCK,
        out[3],
    )
    return place, min(BLOCK, out[4] - column * BLOCK), min(BLOCK, out[5] - row * BLOCK)


@njit(nogil=True, cache=True, forceinline=True)
def scratch_of(scratch: NDArray[np.uint8]) -> Target:
    """A block apart, for what the picture's edge cuts: 24 rows of 16 bytes, luma's first."""
    return scratch.ctypes.data, BLOCK, scratch.ctypes.data + BLOCK * BLOCK, BLOCK


@njit(nogil=True, cache=True)
def copy_part(scratch: NDArray[np.uint8], out: Target, columns: int, rows: int) -> None:
    """The first ``columns`` and ``rows`` of a block that was made apart because the picture's edge cuts it."""
    for row in range(rows):
        for column in range(columns):
            store_byte(out[0] + row * out[1] + column, scratch[row, column])
    for row in range(rows // 2):
        for column in range(columns):
            store_byte(out[2] + row * out[3] + column, scratch[BLOCK + row, column])


@njit(nogil=True, cache=True)
def warp_rows(
    first: int,
    last: int,
    kinds: NDArray[np.uint8],
    left: Picture,
    right: Picture,
    left_blocks: NDArray[np.int32],
    right_blocks: NDArray[np.int32],
    weights: NDArray[np.int32],
    tones: Tones,
    out: Picture,
) -> None:
    """Makes block rows ``first`` .. ``last - 1`` of a picture out of one or two others.

    Args:
        kinds: for each block, which pictures it shows and which of them need no clamping, or that it is left alone,
            shape (rows, columns).
        left, right: the sources; the same one twice where there is one.
        left_blocks, right_blocks: polynomials, shape (rows, columns, 12).
        weights: share of the right picture in blocks that show both: w0 + wi i + wr r + wir i r in 1/65536, shape
            (rows, columns, 4).
        tones: what becomes of both pictures' levels.
        out: the picture to be written.
    """
    scratch = np.empty((BLOCK + BLOCK // 2, BLOCK), dtype=np.uint8)
    apart = scratch_of(scratch)
    shades = tones.shades
    shaded = shades.shape[1] > 0
    one, two = tone_of(tones, 0, shaded), tone_of(tones, 1, shaded)
    for row in range(first, last):
        for column in range(kinds.shape[1]):
            kind = kinds[row, column]
            if kind & SKIP:
                continue
            place, columns, rows = place_of(out, row, column)
            whole = columns == BLOCK and rows == BLOCK
            target = place if whole else apart
            if kind & LEFT and kind & RIGHT:
                p, q = terms(left_blocks, row, column), terms(right_blocks, row, column)
                inside = (kind & LEFT_INSIDE != 0, kind & RIGHT_INSIDE != 0)
                w = weights[row, column]
                both = shade_of(shades, 0, row, column, shaded), shade_of(shades, 1, row, column, shaded)
                _two_blocks(left, right, p, q, inside, (w[0], w[1], w[2], w[3]), (one, two), both, target)
            elif kind & RIGHT:
                p, shade = terms(right_blocks, row, column), shade_of(shades, 1, row, column, shaded)
                _one_block(right, p, kind & RIGHT_INSIDE != 0, two, shade, target)
            else:
                p, shade = terms(left_blocks, row, column), shade_of(shades, 0, row, column, shaded)
                _one_block(left, p, kind & LEFT_INSIDE != 0, one, shade, target)
            if not whole:
                copy_part(scratch, place, columns, rows)
