"""The cheapest path through an overlap, by dynamic programming, and the way towards it.

After Davis, "Mosaics of scenes with moving objects" (CVPR 1998), Efros and Freeman, "Image quilting" (SIGGRAPH 2001),
and Avidan and Shamir, "Seam carving" (SIGGRAPH 2007).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float64]
F = TypeVar("F", bound=Callable[..., Any])
_compiled: Callable[[F], F] = njit(nogil=True, cache=True)

FORBIDDEN = 1e12  # the cost of a place where the path may not be


@_compiled
def cheapest_path(cost: Floats, reach: int, slant: float) -> NDArray[np.int64]:
    """The column in each row, of the path from the first row to the last one with the least sum of costs.

    Args:
        cost: of each place, shape (rows, columns); :data:`FORBIDDEN` where the path may not be, unless there is no
            other way.
        reach: columns by which the path may move from one row to the next, at least 1.
        slant: what each column of such a move costs.

    Returns:
        Columns, shape (rows,). Of paths that cost the same, the one with the least columns from the last row on.
    """
    rows, columns = cost.shape
    total = cost[0].copy()
    came = np.zeros((rows, columns), np.int64)
    for row in range(1, rows):
        fresh = np.empty(columns)
        for column in range(columns):
            best, origin = np.inf, 0
            for other in range(max(0, column - reach), min(columns, column + reach + 1)):
                price = total[other] + slant * abs(other - column)
                if price < best:
                    best, origin = price, other
            fresh[column] = best + cost[row, column]
            came[row, column] = origin
        total = fresh
    path = np.empty(rows, np.int64)
    path[rows - 1] = np.argmin(total)
    for row in range(rows - 1, 0, -1):
        path[row - 1] = came[row, path[row]]
    return path


def cost_along(cost: Floats, path: NDArray[np.int64], slant: float) -> float:
    """What a path, shape (rows,), costs, as :func:`cheapest_path` reckons."""
    moves = np.abs(np.diff(path)).sum()
    return float(cost[np.arange(len(path)), path].sum() + slant * moves)


def drifted(path: Floats, target: Floats, most: float) -> Floats:
    """``path`` after each of its places has moved towards ``target`` by at most ``most``.

    If neither bends more than so much from row to row, what is made of them does not either.
    """
    return np.asarray(path + np.clip(target - path, -most, most))
