"""What a camera did to the light, as curves for its levels, and what undoes it.

A camera multiplies light by an exposure, its lens and its black level add some, and the transfer function of BT.709
makes a signal of it: ``signal = transfer(gain * light + offset)``. The difference between two cameras is therefore two
numbers in light, and neither is a factor in the signal; what undoes it is a curve, kept as a table.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import ArrayLike, NDArray

from touchline.panorama.tone_kernels import LEVELS, UNITY, Tones

Floats = NDArray[np.float64]

BLACK, RANGE = 16.0, 219.0
POWER = 0.45
_LIFT, _KNEE, _TOE = (
    0.09929682680944,
    0.018053968510807,
    4.5,
)  # BT.2020's digits, with which the two pieces meet
_MOST_LOG_GAIN = math.log(1.9) / POWER  # of light; the tables' factors stay below two
_MOST_OFFSET = 0.05
_MOST_TINT = 0.3
MOST_FALLOFF = 0.8
_LEVELS_OF_TABLE = np.arange(LEVELS) / 4.0
_WHOLE_LEVELS = np.arange(256.0)
# What is shorter than a table may be off it by so many levels, and by this share of a gain. That is asked from black to
# white; a parabola is sought above the straight piece near black.
_NEAR, _FLAT = 0.3, 0.012
_SEEN, _BEND, _BEND_WHOLE = slice(64, 944), slice(140, 944), slice(36, 236)
_POWERS = np.stack([np.ones(LEVELS), _LEVELS_OF_TABLE, _LEVELS_OF_TABLE**2], axis=-1)
_PARABOLA = np.linalg.pinv(_POWERS[_BEND])
_UNITS = np.array([256.0, UNITY, 256.0 * UNITY])  # of a parabola's terms in the kernel


def to_light(signal: ArrayLike) -> Floats:
    """Light, 1 at white, of a signal, 0 at black and 1 at white: the inverse of BT.709's transfer function."""
    signal = np.asarray(signal, dtype=np.float64)
    power = ((np.maximum(signal, _KNEE * _TOE) + _LIFT) / (1 + _LIFT)) ** (1 / POWER)
    return np.where(signal < _KNEE * _TOE, signal / _TOE, power)


def to_signal(light: ArrayLike) -> Floats:
    """The inverse of :func:`to_light`."""
    light = np.asarray(light, dtype=np.float64)
    power = (1 + _LIFT) * np.maximum(light, _KNEE) ** POWER - _LIFT
    return np.where(light < _KNEE, _TOE * light, power)


@dataclass(frozen=True)
class Light:
    """What the right camera makes of light, in terms of the left one, and what both lenses do to it.

    Attributes:
        log_gain: natural logarithm of right / left, in light.
        offset: what the right camera adds to light (1 is white), where both are exposed half-way between the two.
        tint_u, tint_v: what the right camera adds to U and V for each level of luma above black.
        falloff_left, falloff_right: k of a lens that leaves exp(-k r^2) of the light, r of the picture's half diagonal
            away from its centre: an even polynomial in r, near to cos^4 of the angle for k = 2 tan^2 of the half
            diagonal's.
    """

    log_gain: float = 0.0
    offset: float = 0.0
    tint_u: float = 0.0
    tint_v: float = 0.0
    falloff_left: float = 0.0
    falloff_right: float = 0.0

    def towards(self, other: Light, share: float, falloff_share: float) -> Light:
        """The point ``share`` (0 .. 1) of the way to ``other``; of the lenses, ``falloff_share``."""
        made = {}
        for field in fields(self):
            part = falloff_share if field.name.startswith("falloff") else share
            own = getattr(self, field.name)
            made[field.name] = own + part * (getattr(other, field.name) - own)
        return Light(**made)

    def log_ratio(self, light: float) -> float:
        """Natural logarithm of right / left at an amount of light, 0 .. 1, without the lenses."""
        return math.log(max(1e-6, math.exp(self.log_gain) * light + self.offset) / light)

    def halves(self) -> tuple[tuple[float, float], tuple[float, float]]:
        """Factor and summand, in light, that bring the left and the right camera to half-way between the two."""
        half = math.exp(max(-_MOST_LOG_GAIN, min(_MOST_LOG_GAIN, self.log_gain)) / 2)
        offset = max(-_MOST_OFFSET, min(_MOST_OFFSET, self.offset)) / 2
        return (half, offset), (1 / half, -offset)

    def tints(self) -> tuple[tuple[float, float], tuple[float, float]]:
        """What U and V of the left and of the right picture gain for each level above black."""
        u, v = (max(-_MOST_TINT, min(_MOST_TINT, tint)) / 2 for tint in (self.tint_u, self.tint_v))
        return (u, v), (-u, -v)

    def tones(self, shades: NDArray[np.int32]) -> Tones:
        """The correction for the kernel; ``shades`` as in :class:`~touchline.panorama.tone_kernels.Tones`."""
        curves = [_curve(*half) for half in self.halves()]
        tints = np.ones((2, 3), np.int32)
        tints[:, :2] = np.rint(np.array(self.tints()) * UNITY)
        luma, chroma = (np.stack(tables) for tables in zip(*curves, strict=True))
        short = [_shortened(half, *curve) for half, curve in zip(self.halves(), curves, strict=True)]
        return Tones(luma, chroma, tints, shades, np.array(short, np.int32))


def colour_gain(light: Floats, factor: float, summand: float) -> Floats:
    """What ``factor * light + summand`` does to colour differences: the slope that it is in the signal, 0.5 .. 1.99."""
    changed = np.maximum(factor * light + summand, 1e-4)
    slope = factor * (np.maximum(light, _KNEE) / np.maximum(changed, _KNEE)) ** (1 - POWER)
    return np.clip(slope, 0.5, 1.99)


def corrected(levels: ArrayLike, factor: float, summand: float) -> Floats:
    """Luma levels, 0 .. 255, under a factor and a summand in light."""
    light = to_light((np.asarray(levels, dtype=np.float64) - BLACK) / RANGE)
    return np.clip(BLACK + RANGE * to_signal(factor * light + summand), 0.0, 255.0)


def _curve(factor: float, summand: float) -> tuple[NDArray[np.uint16], NDArray[np.int32]]:
    """The table for luma and the one for what goes with it in the colour differences."""
    made = corrected(_LEVELS_OF_TABLE, factor, summand)
    light = to_light((_LEVELS_OF_TABLE - BLACK) / RANGE)
    gains = np.interp(_WHOLE_LEVELS, made, colour_gain(light, factor, summand))
    return np.rint(made * 256).astype(np.uint16), np.rint(gains * UNITY).astype(np.int32)


def _shortened(half: tuple[float, float], luma: NDArray[np.uint16], chroma: NDArray[np.int32]) -> list[int]:
    """A row of :attr:`Tones.short`: a parabola, below it the straight piece near black, and a gain, for two tables.

    Args:
        half: factor and summand that the tables were made for.
        luma, chroma: the tables.
    """
    wanted = luma[_BEND] / 256
    terms = np.rint((_PARABOLA @ wanted) * _UNITS).astype(int)
    factor, summand = half
    straight = np.array([BLACK * (1 - factor) + RANGE * _TOE * summand, factor])
    pieces = (_POWERS @ (terms / _UNITS))[_SEEN], (_POWERS[:, :2] @ straight)[_SEEN]
    way = 1 if pieces[0][0] >= pieces[1][0] else -1
    made = np.minimum(*pieces) if way > 0 else np.maximum(*pieces)
    off = np.abs(np.clip(made, 0, 255) - luma[_SEEN] / 256).max()
    gain = round(float(np.median(chroma[_BEND_WHOLE])))
    flat = np.abs(chroma[_BEND_WHOLE] - gain).max() < _FLAT * gain
    short = [*terms, *np.rint(straight * _UNITS[:2]), gain, way if off < _NEAR else 0, flat]
    return [int(number) for number in short]
