"""Least squares that leaves out what does not belong, compiled: it is asked for with every frame."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
from numba import njit
from numpy.typing import NDArray

F = TypeVar("F", bound=Callable[..., Any])
_compiled: Callable[[F], F] = njit(nogil=True, cache=True)
Floats = NDArray[np.float64]

_ROUNDS = 8
_STRAY = 3.0  # standard deviations beyond which a point is left out
_TO_DEVIATION = 1.4826  # a normal distribution's standard deviation in medians of the absolute error
_LEAST_ERROR = 0.004  # below which an error is none


@_compiled
def _solved(square: Floats, right: Floats) -> Floats:
    """What ``square``, shape (k, k), symmetric and positive definite, makes ``right`` of; both are used up.

    Elimination without pivots, which such a matrix does not need. NumPy's would take a quarter of a minute to compile.
    """
    size = len(right)
    for i in range(size):
        for j in range(i + 1, size):
            part = square[j, i] / square[i, i]
            for k in range(i, size):
                square[j, k] -= part * square[i, k]
            right[j] -= part * right[i]
    for i in range(size - 1, -1, -1):
        for j in range(i + 1, size):
            right[i] -= square[i, j] * right[j]
        right[i] /= square[i, i]
    return right


@_compiled
def robust_fit(
    terms: Floats, wanted: Floats, weights: Floats, priors: Floats, near: NDArray[np.bool_], enough: int
) -> Floats:
    """Factors of ``terms`` that come nearest to ``wanted``, by weighted least squares, eight times over.

    After each time the points are taken that lie within three standard deviations (estimated from the median).

    Args:
        terms: shape (n, k).
        wanted, weights: shape (n,).
        priors: rows of the system whose right-hand side is nothing, shape (m, k).
        near: the points to begin with, shape (n,); written: those that the last factors were found by.
        enough: points without which it ends with what it has.

    Returns:
        Shape (k,).
    """
    count, size = terms.shape
    found = np.zeros(size)
    off = np.empty(count)
    for _ in range(_ROUNDS):
        square, right = np.zeros((size, size)), np.zeros(size)
        for m in range(len(priors)):
            for i in range(size):
                for j in range(size):
                    square[i, j] += priors[m, i] * priors[m, j]
        for n in range(count):
            if near[n]:
                w = weights[n] * weights[n]
                for i in range(size):
                    right[i] += w * terms[n, i] * wanted[n]
                    for j in range(size):
                        square[i, j] += w * terms[n, i] * terms[n, j]
        found = _solved(square, right)
        for n in range(count):
            told = 0.0
            for i in range(size):
                told += terms[n, i] * found[i]
            off[n] = abs(wanted[n] - told) * weights[n]
        limit = _STRAY * max(_LEAST_ERROR, _TO_DEVIATION * np.median(off))
        if np.sum(off < limit) < enough:
            break
        near[:] = off < limit
    return found
