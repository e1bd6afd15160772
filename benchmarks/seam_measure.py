"""How much of a seam can be seen: two numbers, against what each camera alone shows of the scene.

The truth is the scene's own panorama; with a rig that is wrong, a second one, the scene as the right camera shows it in
the wrong place: neither has a seam. The panorama's error against each is its luma less the truth's under the one smooth
curve (a cubic) that brings them nearest to each other. Two things make a seam visible:

*edges*: lines that neither camera shows, or that both do: cuts and double pictures. The mean size of the gradient of
the error (smoothed by a Gaussian of 1.5 samples, so that noise and resampling count little), at each sample the smaller
one of both truths', in levels per sample, in the overlap less that beside it, where there is no seam and the same
noise, the same lenses and the same resampling.

*step*: a change of level. The error under a Gaussian of half a degree; its largest change within one degree across the
overlap, in levels, the mean over all rows, less the same beside the overlap; of two truths' the smaller one's.

Both are about 0 for a panorama without a seam. Both may be a little less: a mean of two pictures has less noise.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

SMOOTH = 1.5


class Seam(NamedTuple):
    """What can be seen of a seam: see the module."""

    edges: float
    step: float


def seam_of(
    made: NDArray[np.uint8], truths: Sequence[NDArray[np.uint8]], overlap: Mask, per_degree: float
) -> Seam:
    """Measures the seam in a panorama.

    Args:
        made: luma of the panorama, shape (height, width).
        truths: the scene's own, and, if the rig is wrong, as the right camera shows it; of the same shape.
        overlap: where both cameras see, of the same shape; in each row one run, or nothing.
        per_degree: samples for a degree of yaw.

    Raises:
        ValueError: if there is no overlap, or no room beside it.
    """
    beside = _beside(overlap)
    if not overlap.any() or not beside.any():
        raise ValueError("a seam needs an overlap, and room beside it to be compared with")
    errors = [_error(made, truth) for truth in truths]
    slopes = np.min([np.hypot(*np.gradient(ndimage.gaussian_filter(e, SMOOTH))) for e in errors], axis=0)
    blurred = np.stack([ndimage.gaussian_filter(e, per_degree / 2) for e in errors])
    smooth = np.take_along_axis(blurred, np.abs(blurred).argmin(0)[None], axis=0)[0]
    steps = _steps(smooth, overlap, per_degree) - _steps(smooth, beside, per_degree)
    return Seam(float(slopes[overlap].mean() - slopes[beside].mean()), float(steps))


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


def _error(made: NDArray[np.uint8], truth: NDArray[np.uint8]) -> Floats:
    """A panorama less its truth under the curve that fits best."""
    levels = truth.astype(np.float64)
    curve = np.polynomial.Polynomial.fit(levels.ravel()[::7], made.astype(np.float64).ravel()[::7], 3)
    return np.asarray(made - curve(levels), dtype=np.float64)


def _steps(smooth: Floats, where: Mask, per_degree: float) -> float:
    """The largest change within a degree, the mean of all rows that have one."""
    degree = max(1, round(per_degree))
    change = np.abs(smooth[:, degree:] - smooth[:, :-degree])
    change = np.where(where[:, degree:] & where[:, :-degree], change, np.nan)
    rows = change[~np.isnan(change).all(1)]
    return float(np.nanmax(rows, axis=1).mean()) if len(rows) else 0.0
