"""How much of a seam can be seen: two numbers, against the scene's own panorama.

The panorama's error is its luma less the scene's, after the one gain and offset that bring them nearest to each other
outside of the overlap. Two things make a seam visible:

*edges*: lines that the scene does not have, or lacks. The mean size of the gradient of the error (smoothed by a
Gaussian of 1.5 samples, so that noise and resampling count little), in levels per sample, in the overlap less that
beside it, where there is no seam and the same noise, the same lenses and the same resampling.

*step*: a change of level. For each strip of 32 rows the error's profile across the overlap; the largest change within
one degree, in levels, the mean over the strips, less the same beside the overlap.

Both are about 0 for a panorama without a seam. Both may be a little less: a mean of two pictures has less noise.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

SMOOTH = 1.5
STRIP = 32


class Seam(NamedTuple):
    """What can be seen of a seam: see the module."""

    edges: float
    step: float


def seam_of(made: NDArray[np.uint8], truth: NDArray[np.uint8], overlap: Mask, per_degree: float) -> Seam:
    """Measures the seam in a panorama.

    Args:
        made, truth: luma of the panorama and of the scene's own, shape (height, width).
        overlap: where both cameras see, of the same shape; in each row one run, or nothing.
        per_degree: samples for a degree of yaw.

    Raises:
        ValueError: if there is no overlap, or no room beside it.
    """
    beside = _beside(overlap)
    if not overlap.any() or not beside.any():
        raise ValueError("a seam needs an overlap, and room beside it to be compared with")
    error = _error(made, truth, ~overlap)
    smooth = ndimage.gaussian_filter(error, SMOOTH)
    slopes = np.hypot(*np.gradient(smooth))
    edges = float(slopes[overlap].mean() - slopes[beside].mean())
    steps = _steps(error, overlap, per_degree) - _steps(error, beside, per_degree)
    return Seam(edges, float(steps))


def _beside(overlap: Mask) -> Mask:
    """As wide as the overlap in each row, half of it on either side."""
    made = np.zeros_like(overlap)
    for row, line in enumerate(overlap):
        columns = np.flatnonzero(line)
        if len(columns):
            first, end, half = columns[0], columns[-1] + 1, len(columns) // 2 + 1
            made[row, max(0, first - half) : first] = True
            made[row, end : end + half] = True
    return made


def _error(made: NDArray[np.uint8], truth: NDArray[np.uint8], where: Mask) -> Floats:
    gain, offset = np.polyfit(truth[where].astype(np.float64), made[where].astype(np.float64), 1)
    return np.asarray(made - (gain * truth + offset), dtype=np.float64)


def _steps(error: Floats, where: Mask, per_degree: float) -> float:
    """The largest change of level within a degree, the mean of all strips of rows."""
    half = max(1, round(per_degree / 2))
    found = []
    for begin in range(0, len(error) - STRIP + 1, STRIP):
        inside = where[begin : begin + STRIP].all(0)
        profile = error[begin : begin + STRIP].mean(0)
        mean = ndimage.uniform_filter1d(profile, half)
        change = np.abs(mean[half:] - mean[:-half])
        both = inside[half:] & inside[:-half]
        if both.any():
            found.append(change[both].max())
    return float(np.mean(found)) if found else 0.0
