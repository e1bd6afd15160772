"""The inner loops of the background model of whole panoramas. See :mod:`touchline.analysis.foreground`.

A pixel's mean and deviation share a word, and a strip's light is a number: with more arrays in a loop the compiler
can't tell any more that they do not overlap, and makes no vectors of it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

BACKGROUND, SHADOW, DIFFERENT, BRIGHT = 0, 1, 2, 3

_BLACK = np.float32(16)
_GREY = np.float32(128)
_LEVEL = np.float32(1 / 256)  # of the models, which are 8.8 fixed point
_ONE = np.float32(256)
_HALF = np.float32(0.5)
_NONE = np.float32(0)
_MOST = np.float32(65535)
_FADED = np.float32(5)  # levels of chroma that a shadow may be off
_UMBRA = np.float32(0.3)  # of the light: no shadow is darker
_TINTED = np.float32(8)  # levels of chroma that noise and compression may be off
_SELDOM = np.float32(2.5)
_ABSOLUTE = np.float32(1.25)  # from a mean of absolute differences to a deviation, for a normal distribution


@njit(nogil=True, cache=True, fastmath=True)
def compare(
    y: Any,
    uv: Any,
    model: Any,
    tint: Any,
    edges: Any,
    gains: Any,
    settle: Any,
    absorb: Any,
    first: Any,
    last: Any,
    top: int,
    kinds: Any,
    counts: Any,
    floor: Any,
    sigmas: Any,
) -> None:
    """What each pixel is, and the model brought up to date; of the rows that the models have.

    Args:
        y, uv: the picture, uint8.
        model: of luma, uint32, shape (rows, width): mean in the upper half, deviation in the lower, 8.8 fixed point.
        tint: mean of chroma, uint16, 8.8, shape (rows / 2, width / 2, 2).
        edges: int64, shape (strips + 1,): chroma columns that the strips begin at, and the end.
        gains: float32, shape (strips,): of the picture's light over the model's.
        settle, absorb: float32, shape (strips,): shares of the new that the model takes in where it fits, and where
            it does not.
        first, last: int64, shape (rows / 2,): chroma columns that are looked at, of each pair of rows.
        top: the picture's row that is the model's first; even.
        kinds: uint8, shape (rows, width), written.
        counts: int32, shape (rows, strips), written: how many pixels of a row in a strip are different.
        floor, sigmas: float32; luma is different by the larger of ``floor`` levels and that many deviations.
    """
    off = np.empty(y.shape[1], np.float32)
    for pair in range(len(first)):
        for strip in range(len(gains)):
            begin, end = max(first[pair], edges[strip]), min(last[pair], edges[strip + 1])
            if begin >= end:
                continue
            rates = gains[strip], settle[strip], absorb[strip]
            _see_colours(uv[top // 2 + pair, begin:end], tint[pair, begin:end], rates, off)
            for row in range(2 * pair, 2 * pair + 2):
                wide = slice(2 * begin, 2 * end)
                counts[row, strip] = _see_luma(
                    y[top + row, wide], model[row, wide], off, rates, kinds[row, wide], floor, sigmas
                )


@njit(nogil=True, cache=True, fastmath=True)
def _see_colours(uv: Any, tint: Any, rates: Any, off: Any) -> None:
    """How far off the colours are, for each luma sample of a line; negative where they may be those of a shadow."""
    gain, settle, absorb = rates
    light = np.float32(1) / gain
    for c in range(len(uv)):
        own_u, own_v = np.float32(tint[c, 0]) * _LEVEL - _GREY, np.float32(tint[c, 1]) * _LEVEL - _GREY
        mu, mv = own_u * gain, own_v * gain
        u, v = np.float32(uv[c, 0]) - _GREY, np.float32(uv[c, 1]) - _GREY
        strange = max(abs(u - mu) + abs(v - mv) - _TINTED, _NONE)
        # In a shadow colours fade with the light, or by less where the sky still shines.
        fade_u = abs(u - np.float32(0.75) * mu) - np.float32(0.25) * abs(mu)
        fade_v = abs(v - np.float32(0.75) * mv) - np.float32(0.25) * abs(mv)
        fades = max(fade_u, _NONE) + max(fade_v, _NONE) < _FADED
        signed = -strange - np.float32(0.001) if fades else strange
        off[2 * c] = signed
        off[2 * c + 1] = signed
        rate = absorb if strange > _NONE else settle
        now_u = own_u + rate * (u * light - own_u) + _GREY
        now_v = own_v + rate * (v * light - own_v) + _GREY
        tint[c, 0] = np.uint16(np.int32(min(max(now_u * _ONE + _HALF, _NONE), _MOST)))
        tint[c, 1] = np.uint16(np.int32(min(max(now_v * _ONE + _HALF, _NONE), _MOST)))


@njit(nogil=True, cache=True, fastmath=True)
def _see_luma(y: Any, model: Any, strange: Any, rates: Any, kinds: Any, floor: Any, sigmas: Any) -> Any:
    """See :func:`compare`. Returns how many are different, shadows left out."""
    count = np.int32(0)
    gain, settle, absorb = rates
    light = np.float32(1) / gain
    for x in range(len(y)):
        word = np.int64(model[x])
        mean, spread = np.int32(word >> 16), np.int32(word & 0xFFFF)
        lit = (np.float32(mean) * _LEVEL - _BLACK) * gain
        d = np.float32(spread) * _LEVEL
        seen = np.float32(y[x]) - _BLACK
        off = seen - lit
        size = abs(off)
        level = max(floor, sigmas * d)
        # Chroma alone tells a shirt from grass of the same brightness.
        different = size + abs(strange[x]) > level
        shadow = (off < _NONE) & (seen > _UMBRA * lit) & (strange[x] < _NONE)
        kind = SHADOW if shadow else DIFFERENT
        kind = BRIGHT if off > level + level else kind
        kind = kind if different else BACKGROUND
        kinds[x] = np.uint8(kind)
        count += np.int32(1 if kind >= DIFFERENT else 0)
        rate = absorb if different else settle
        now = (lit + rate * off) * light + _BLACK  # back to the model's own light
        # A little too far off may be noise that comes seldom: a codec's key frames, a mast that sways.
        wider = d + settle * (_ABSOLUTE * size - d) if size < _SELDOM * level else d
        mean = np.int32(min(max(now * _ONE + _HALF, _NONE), _MOST))
        spread = np.int32(min(wider * _ONE + _HALF, _MOST))
        model[x] = np.uint32((mean << 16) | spread)
    return count


@njit(nogil=True, cache=True)
def relit(model: Any, edges: Any, gains: Any) -> Any:
    """The means of a model in another light, uint16, 8.8 fixed point; arguments as of :func:`compare`."""
    made = np.empty(model.shape, np.uint16)
    black = _BLACK * _ONE
    for row in range(model.shape[0]):
        for strip in range(len(gains)):
            for x in range(2 * edges[strip], 2 * edges[strip + 1]):
                mean = np.float32(np.int64(model[row, x]) >> 16)
                made[row, x] = np.uint16(
                    np.int32(min(max((mean - black) * gains[strip] + black, _NONE), _MOST))
                )
    return made
