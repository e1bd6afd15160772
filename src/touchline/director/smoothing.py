"""The course of a noisy quantity about a moment, from what is known before and after it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_RIDGE = 0.01  # seconds squared; keeps the slope of a few samples close together small
_ROUNDS = 3


def local_line(away_s: Floats, values: Floats, weights: Floats, least_scale: float) -> tuple[float, float]:
    """Value and slope at a moment: a robust local line (LOESS; Cleveland 1979).

    With samples on both sides it has no lag, neither on a value that stands nor on one that moves evenly; with
    the past alone it is the causal smoother that a director without hindsight has to live with.

    Args:
        away_s: seconds from the moment to each sample, shape (n,), n > 0.
        values: shape (n,).
        weights: of the samples, kernel included, shape (n,), with a sum above zero.
        least_scale: residuals up to about six times this, in the unit of the values, are never outliers.

    Returns:
        The value, and its change per second.
    """
    value, slope = _weighted_median(values, weights), 0.0
    for _ in range(_ROUNDS):
        off = np.abs(values - (value + slope * away_s))
        scale = max(least_scale, _weighted_median(off, weights))
        robust = weights * np.clip(1 - (off / (6 * scale)) ** 2, 0, None) ** 2
        if robust.sum() <= 1e-3 * weights.sum():
            return _line(away_s, values, weights)
        value, slope = _line(away_s, values, robust)
    return value, slope


def _line(away_s: Floats, values: Floats, weights: Floats) -> tuple[float, float]:
    total = weights.sum()
    middle, mean = weights @ away_s / total, weights @ values / total
    across = away_s - middle
    width = weights @ (across * across) / total
    slope = (weights @ (across * (values - mean)) / total) / (width + _RIDGE)
    return float(mean - slope * middle), float(slope)


def _weighted_median(values: Floats, weights: Floats) -> float:
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(weights[order])
    return float(values[order[int(np.searchsorted(reached, reached[-1] / 2))]])
