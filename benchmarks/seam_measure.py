"""How much of a seam can be seen: two numbers, against what each camera alone shows of the scene.

The truth is the scene's own panorama; with a rig that is wrong, a second one, the scene as the right camera shows it in
the wrong place: neither has a seam. The panorama is looked at in the overlap and, to compare with, in a piece as wide
on its left and on its right together, where there is no seam and the same noise, the same lenses and the same
resampling. In each of the three pieces the error against each truth is its luma less the truth's under the one smooth
curve (a cubic) that brings the two, blurred, nearest to each other there. Two things make a seam visible:

*edges*: lines that neither camera shows, or that both do: cuts and double pictures. The mean size of the gradient of
the error (smoothed by a Gaussian of 1.5 samples, so that noise and resampling count little), at each sample the smaller
one of both truths', in levels per sample, in the overlap less that beside it.

*step*: a change of level. The error under a Gaussian of half a degree; its largest change within one degree, in levels,
the mean over all rows, in the overlap less that beside it; of two truths' the smaller one's.

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

SMOOTH, BLUR = 1.5, 6.0  # samples


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
    left, right = _beside(overlap)
    if not overlap.any() or not left.any() or not right.any():
        raise ValueError("a seam needs an overlap, and room on both sides to be compared with")
    seam, *others = (_seen(made, truths, where, per_degree) for where in (overlap, left, right))
    return Seam(
        seam.edges - float(np.mean([other.edges for other in others])),
        seam.step - float(np.mean([other.step for other in others])),
    )


def _beside(overlap: Mask) -> tuple[Mask, Mask]:
    """Half as wide as the overlap in each row, on its left and on its right."""
    left, right = np.zeros_like(overlap), np.zeros_like(overlap)
    for row, line in enumerate(overlap):
        columns = np.flatnonzero(line)
        if len(columns):
            first, end, half = columns[0], columns[-1] + 1, len(columns) // 2 + 1
            left[row, max(0, first - half) : first] = True
            right[row, end : end + half] = True
    return left, right


def _seen(made: NDArray[np.uint8], truths: Sequence[NDArray[np.uint8]], where: Mask, degree: float) -> Seam:
    """Mean gradient of the error and largest change in a piece of the panorama."""
    errors = [_error(made, truth, where) for truth in truths]
    slopes = np.min([np.hypot(*np.gradient(ndimage.gaussian_filter(e, SMOOTH))) for e in errors], axis=0)
    blurred = np.stack([ndimage.gaussian_filter(e, degree / 2) for e in errors])
    smooth = np.take_along_axis(blurred, np.abs(blurred).argmin(0)[None], axis=0)[0]
    return Seam(float(slopes[where].mean()), _steps(smooth, where, degree))


def _error(made: NDArray[np.uint8], truth: NDArray[np.uint8], where: Mask) -> Floats:
    """A panorama less its truth under the curve that fits best, blurred: what is displaced must not flatten it."""
    levels = truth.astype(np.float64)
    blurred = [ndimage.gaussian_filter(plane, BLUR)[where] for plane in (levels, made.astype(np.float64))]
    curve = np.polynomial.Polynomial.fit(*blurred, 3)
    return np.asarray(made - curve(levels), dtype=np.float64)


def _steps(smooth: Floats, where: Mask, per_degree: float) -> float:
    """The largest change within a degree, the mean of all rows that have one."""
    degree = max(1, round(per_degree))
    change = np.abs(smooth[:, degree:] - smooth[:, :-degree])
    change = np.where(where[:, degree:] & where[:, :-degree], change, np.nan)
    rows = change[~np.isnan(change).all(1)]
    return float(np.nanmax(rows, axis=1).mean()) if len(rows) else 0.0
