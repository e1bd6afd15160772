"""Where the middle of a scattered movement is."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def densest(points: Floats, weights: Floats, bandwidth: float) -> Floats:
    """The mode of weighted points: mean shift (Fukunaga and Hostetler 1975) from the densest of them.

    A lone runner, or a few people who walk about far from the play, pull a mean; they can't pull a mode.

    Args:
        points: shape (n, d), n > 0.
        weights: shape (n,), not negative, with a sum above zero.
        bandwidth: standard deviation of the Gaussian kernel, in the unit of the points.

    Returns:
        Shape (d,).
    """
    here = points[int(np.argmax(_kernel(points, points, bandwidth) @ weights))]
    for _ in range(30):
        pull = _kernel(here[None], points, bandwidth)[0] * weights
        there = pull @ points / pull.sum()
        if np.abs(there - here).max() < 1e-3 * bandwidth:
            return np.asarray(there)
        here = there
    return np.asarray(here)


def quantiles(values: Floats, weights: Floats, shares: tuple[float, ...]) -> Floats:
    """Weighted quantiles, interpolated between the middles of the weights. All shape (n,), n > 0."""
    order = np.argsort(values, kind="stable")
    middles = np.cumsum(weights[order]) - weights[order] / 2
    return np.asarray(np.interp(np.array(shares) * weights.sum(), middles, values[order]))


def _kernel(places: Floats, points: Floats, bandwidth: float) -> Floats:
    squares = ((places[:, None, :] - points[None, :, :]) ** 2).sum(axis=-1)
    return np.asarray(np.exp(squares / (-2 * bandwidth * bandwidth)))
