"""The time between two recordings from their sound: generalised cross-correlation with the phase transform.

Knapp and Carter 1976, "The generalized correlation method for estimation of time delay": only the phases of the cross
spectrum count, so that a tone, or a microphone's colour, says no more than any other frequency. The peak is found to a
fraction of a sample by a parabola.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.fft import irfft, next_fast_len, rfft, rfftfreq

from touchline.errors import OffsetError
from touchline.panorama.offset import Estimate
from touchline.panorama.offset_pictures import REACH_S

Floats = NDArray[np.float64]

_BAND_HZ = (100.0, 8000.0)  # below is wind and mains, above is what encoders leave out
_SHORTEST_S = 1.0
_RIVALS_FROM_S = 0.005  # echoes nearer than this are the same peak
_MOST_RIVAL = 0.7
_LEAST_SIGNAL = 8.0  # height of the peak in standard deviations of the rest
_PIECE_S, _PIECES = 2.0, 6  # the sound is cut into such pieces, or so many, to see how well they agree
_NEAR_S = 0.02
_FINEST_S, _UNCHECKED_S = 1e-4, 1e-3


@dataclass(frozen=True)
class Sound:
    """What one microphone heard.

    Args:
        start_s: time of the first sample, on the same timeline as the pictures of that recording.
        samples: mono, shape (n,).
        rate: samples per second.
    """

    start_s: float
    samples: Floats
    rate: int


@dataclass(frozen=True)
class _Peak:
    lag: float
    height: float
    signal: float
    rival: float


def offset_from_sound(left: Sound, right: Sound, *, reach_s: float = REACH_S) -> Estimate:
    """How much later the right recording was started, from the sound of both.

    Args:
        left, right: of one rate, a second at least; ten to twenty are good.
        reach_s: offsets up to this are looked for, both ways.

    Raises:
        ValueError: for different rates.
        OffsetError: for silence, for sound that repeats itself, or if the two have nothing in common within reach.
    """
    if left.rate != right.rate:
        raise ValueError(f"sounds of {left.rate} and {right.rate} samples per second can't be compared")
    rate = left.rate
    if min(len(left.samples), len(right.samples)) < _SHORTEST_S * rate:
        raise OffsetError(f"less than {_SHORTEST_S:g} s of sound of both cameras")
    if min(float(np.std(left.samples)), float(np.std(right.samples))) < 1e-9:
        raise OffsetError("there is silence in the sound of a camera")
    apart = (left.start_s - right.start_s) * rate
    reach = reach_s * rate
    peak = _correlate(
        left.samples, right.samples, rate, (math.ceil(-reach - apart), math.floor(reach - apart))
    )
    if peak.signal < _LEAST_SIGNAL or peak.rival > _MOST_RIVAL:
        raise OffsetError(
            f"the sound of the two cameras does not say for sure within {reach_s:g} s (peak of {peak.signal:.1f} "
            f"standard deviations, the next one has {100 * peak.rival:.0f} % of it)"
        )
    sigma = _agreement(left.samples, right.samples, rate, peak.lag)
    return Estimate((peak.lag + apart) / rate, sigma, peak.height, peak.rival)


def _correlate(left: Floats, right: Floats, rate: int, lags: tuple[int, int]) -> _Peak:
    """The highest peak of the correlation of ``left[n + lag]`` with ``right[n]`` from one lag to another."""
    low = max(lags[0], 1 - len(right))
    high = min(lags[1], len(left) - 1)
    if high - low < 2:
        raise OffsetError("the sounds of the two cameras share no time")
    length = next_fast_len(len(left) + len(right), real=True)
    cross = rfft(left - left.mean(), length) * np.conj(rfft(right - right.mean(), length))
    frequency = rfftfreq(length, 1 / rate)
    band = (frequency >= _BAND_HZ[0]) & (frequency <= min(_BAND_HZ[1], 0.45 * rate))
    size = np.abs(cross)
    # A floor far below what is usual: the phase of nothing is noise.
    weight = np.where(band, 1.0 / (size + 1e-3 * float(np.median(size[band])) + 1e-30), 0.0)
    line = irfft(cross * weight, length) * (length / 2 / np.count_nonzero(band))
    found = np.abs(line[np.arange(low, high + 1) % length])  # a microphone may be wired the other way round
    best = int(np.argmax(found))
    height = float(found[best])
    others = np.abs(np.arange(len(found)) - best) > _RIVALS_FROM_S * rate
    rest = found[others] if others.any() else found
    spread = float(np.sqrt(np.mean(np.square(rest)))) + 1e-12
    return _Peak(
        low + best + _vertex(found, best), height, height / spread, float(rest.max()) / max(height, 1e-12)
    )


def _vertex(found: Floats, best: int) -> float:
    """How far beside sample ``best`` the parabola through it and its neighbours peaks, -0.5 .. 0.5."""
    if not 0 < best < len(found) - 1:
        return 0.0
    before, top, after = (float(value) for value in found[best - 1 : best + 2])
    bend = before - 2 * top + after
    return 0.0 if bend >= 0 else float(np.clip((before - after) / (2 * bend), -0.5, 0.5))


def _agreement(left: Floats, right: Floats, rate: int, lag: float) -> float:
    """Standard deviation, seconds, by what pieces of the sound say by themselves; a guess if too few say anything."""
    whole = round(lag)
    begin, end = max(0, -whole), min(len(right), len(left) - whole)
    piece, near = min(round(_PIECE_S * rate), (end - begin) // _PIECES), round(_NEAR_S * rate)
    said = []
    for first in range(begin, end - piece + 1, max(1, piece)):
        one, two = left[first + whole : first + whole + piece], right[first : first + piece]
        if min(float(np.std(one)), float(np.std(two))) < 1e-9:
            continue
        peak = _correlate(one, two, rate, (-near, near))
        if peak.signal > _LEAST_SIGNAL / 2:
            said.append(peak.lag + whole)
    if len(said) < 3:
        return _UNCHECKED_S
    return max(_FINEST_S, float(np.std(said)) / rate / math.sqrt(len(said)))
