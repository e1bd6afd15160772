"""A path as a uniform cubic B-spline: twice continuously differentiable, and held by what holds its control points.

Piece k of the path, from knot k to knot k + 1, is a mean of control points k .. k + 3 (de Boor, A Practical Guide to
Splines, 2001, ch. IX-XI). Its derivatives are means of the differences of the control points: a bound on these bounds
the path's speed and acceleration everywhere, and where the control points stay inside a convex set, so does the path.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
DEGREE = 3
_BASIS = np.array([[1, -3, 3, -1], [4, 0, -6, 3], [1, 3, 3, -3], [0, 0, 0, 1]]) / 6.0
AT_KNOT = _BASIS[:3, 0]  # what control points k .. k + 2 weigh at knot k


def along(controls: Floats, where: Floats) -> Floats:
    """The path at ``where``, shape (n,), counted in knots, for controls of shape (m, axes), m > 3; shape (n, axes).

    ``where`` lies between 0 and m - 3.
    """
    piece = np.clip(np.floor(where).astype(np.int64), 0, len(controls) - DEGREE - 1)
    part = where - piece
    weights = _BASIS @ np.stack([np.ones_like(part), part, part**2, part**3])
    return np.asarray(sum(weights[i][:, None] * controls[piece + i] for i in range(DEGREE + 1)))
