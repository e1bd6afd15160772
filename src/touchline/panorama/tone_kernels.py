"""What becomes of levels between the fetch and the store: curves, shades and tints, in tables that a plan fills."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numba import njit
from numpy.typing import NDArray

from touchline.panorama.lanes import (
    fetch,
    floor_shift,
    iota,
    iota_halves,
    larger,
    smaller,
    spread,
    spread_halves,
)

F = TypeVar("F", bound=Callable[..., Any])
_inlined: Callable[[F], F] = njit(nogil=True, cache=True, forceinline=True)

UNITY = 4096  # a gain of one
SHADE_UNITY = 1 << 20  # a shade of one
LEVELS = 1024  # of luma in quarters, with room behind the last one

# Addresses of its tables, tints, is it there, has it shades; then a curve's terms and what they are good for: `short`.
Tone = tuple[int, int, int, int, bool, bool, int, int, int, int, int, int, int, int]
Shade = tuple[int, int, int]
# Shades multiply luma about this many 1/256 of a level below zero: there BT.709's power law would have its zero, and a
# factor of light is a factor of the signal.
_PIVOT = 1454  # 256 * (0.099 * 219 - 16)


class Tones(NamedTuple):
    """What becomes of the levels of two pictures, the left one's first. Nothing: :func:`plain_tones`.

    Attributes:
        luma: what each level, in quarters, becomes, 8 bits below the level, 0 .. 65280; uint16, shape (2, 1024).
        chroma: what colour differences are multiplied by (4096 is one) beside each level that luma has become;
            int32, shape (2, 256).
        tints: what U and V gain for each level above black that luma has become (4096 is one), and 1 if anything is
            to be done at all, or 0; int32, shape (2, 3).
        shades: what brightens each block against its lens's falloff, s + si i + sr r in 1/2^20, 0.5 .. 1.99; int32,
            shape (2, rows, columns, 3), or (2, 0, 0, 3) for none.
        short: what can be done without tables, which takes less time: c0, c1, c2 of a curve c0 + c1 l + c2 l^2 (1/256
            of a level, 1/4096, and 1/4096 of l / 256 squared); t0, t1 of the straight piece t0 + t1 l near black;
            a gain for colour differences; whether the curve is as good as the table: 1 if it is the smaller one of
            both pieces, -1 if the larger one, else 0; whether the gain is; int32, shape (2, 8).
    """

    luma: NDArray[np.uint16]
    chroma: NDArray[np.int32]
    tints: NDArray[np.int32]
    shades: NDArray[np.int32]
    short: NDArray[np.int32]


def plain_tones() -> Tones:
    """Levels as they are."""
    return Tones(
        np.zeros((2, LEVELS), np.uint16),
        np.zeros((2, 256), np.int32),
        np.zeros((2, 3), np.int32),
        np.zeros((2, 0, 0, 3), np.int32),
        np.zeros((2, 8), np.int32),
    )


@_inlined
def toned_luma(level: Any, tone: Tone, shade: Shade, row: int) -> Any:
    """Luma through its curve, then under its shade."""
    if tone[12] != 0:
        made = floor_shift(level * tone[7] + ((level * level) >> 16) * tone[8], 12) + tone[6]
        straight = floor_shift(level * tone[10], 12) + tone[9]
        made = smaller(made, straight) if tone[12] > 0 else larger(made, straight)
        made = smaller(larger(made, spread(0)), spread(65280))
    else:
        made = fetch(tone[0], ((level + 32) >> 6) << 1) & 0xFFFF
    if tone[5]:
        factor = (spread(shade[0] + shade[2] * row) + iota() * shade[1]) >> 8
        made = floor_shift((made + _PIVOT) * factor, 12) - _PIVOT
        made = smaller(larger(made, spread(0)), spread(65280))
    return made


@_inlined
def chroma_gain(brightness: Any, tone: Tone, shade: Shade, row: int) -> Any:
    """What multiplies the colour differences of chroma rows ``row`` and ``row + 1``."""
    gain = spread(tone[11]) if tone[13] else fetch(tone[1], ((brightness + 4224) >> 8) << 2)
    if tone[5]:
        down = 2 * row * shade[2]
        start = spread_halves(shade[0] + down, shade[0] + down + 2 * shade[2])
        gain = (gain * ((start + iota_halves() * (2 * shade[1])) >> 8)) >> 12
    return gain


@_inlined
def toned_chroma(level: Any, brightness: Any, gain: Any, tint: int) -> Any:
    """A colour difference under a gain about grey and a share of the brightness above black."""
    made = floor_shift((level - spread(32768)) * gain + brightness * tint, 12) + spread(32768)
    return smaller(larger(made, spread(0)), spread(65280))


@_inlined
def tone_of(tones: Tones, side: int, shaded: bool) -> Tone:
    luma, chroma, tints, short = tones.luma, tones.chroma, tones.tints, tones.short
    return (
        luma.ctypes.data + side * 2 * LEVELS,
        chroma.ctypes.data + side * 4 * 256,
        tints[side, 0],
        tints[side, 1],
        tints[side, 2] != 0,
        shaded,
        short[side, 0],
        short[side, 1],
        short[side, 2],
        short[side, 3],
        short[side, 4],
        short[side, 5],
        short[side, 6],
        short[side, 7],
    )


@_inlined
def shade_of(shades: NDArray[np.int32], side: int, row: int, column: int, shaded: bool) -> Shade:
    if shaded:
        s = shades[side, row, column]
        return s[0], s[1], s[2]
    return np.int32(SHADE_UNITY), np.int32(0), np.int32(0)
