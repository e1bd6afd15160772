"""Solves for the camera's path, again and again, with the future moved on a little each time.

The solver is PIQP (Schwan, Jiang, Kuhn and Jones, PIQP: A proximal interior-point quadratic programming solver, CDC
2023). Of those tried on these programmes it is the fastest: OSQP needs thousands of steps for norms that are not
smooth, Clarabel about one and a half times as long.
"""

from __future__ import annotations

import math
from functools import cached_property
from typing import Any

import numpy as np
import piqp
from numpy.typing import NDArray
from scipy import sparse

from touchline.director.framing import Wishes
from touchline.director.problem import KNOT_S, PathProblem, Shape
from touchline.director.room import room_planes
from touchline.director.splines import DEGREE
from touchline.director.style import Style
from touchline.geometry import ViewLimits

Floats = NDArray[np.float64]
_CLOSE_S = 2.0  # what is further ahead is looked at half as often
_EXACT = 1e-4  # degrees, and shares of the cost
_LEAST_RANGE = 0.7  # what is as high as the panorama fits at its middle only: it must be able to be narrower


def shape_of(limits: ViewLimits, style: Style) -> Shape:
    """What the planner has to know of a programme and a panorama; fields of view that don't fit are left out."""
    widest = min(style.widest_deg, limits.widest(*middle_of(limits)).fov_deg - 0.5)
    narrowest = min(style.closest_deg, _LEAST_RANGE * widest)
    half = math.radians((narrowest + widest) / 4)
    upright = math.atan(math.tan(half) / limits.aspect) / half
    return Shape(upright, room_planes(limits, narrowest, widest), (narrowest, widest))


def middle_of(limits: ViewLimits) -> tuple[float, float]:
    """Yaw and pitch, degrees, half-way between a panorama's limits."""
    p = limits.panorama
    yaw, pitch = (p.yaw_min + p.yaw_max) / 2, (p.pitch_min + p.pitch_max) / 2
    return math.degrees(yaw), math.degrees(float(p.pitch_along(yaw, pitch)))


class Planner:
    """Finds the path over so many knots from now on.

    Args:
        knots: how many.
        style, shape: of the camera work and the picture.

    Attributes:
        framed: the knots, counted from now, at which it wants to know what is wished.
        unsolved: how often the solver has given up, and the path before was gone on with.
    """

    def __init__(self, knots: int, style: Style, shape: Shape) -> None:
        close = math.ceil(_CLOSE_S / KNOT_S)
        self._knots, self._style, self._shape = knots, style, shape
        self._going_on = Solver(PathProblem(knots, style, shape, goes_on=True, close=close))
        self.framed: NDArray[np.int64] = self._going_on.problem.framed
        self.unsolved = 0

    def begin(self, wishes: Wishes) -> Floats:
        """Control points, shape (knots + 3, 3), of a path that begins where it likes."""
        found = self._beginning.solve(wishes, None)
        if found is not None:
            return found
        self.unsolved += 1
        low, high = self._shape.fov_deg
        return np.tile([*wishes.play[0], min(max(low, wishes.size_deg[0]), high)], (self._knots + DEGREE, 1))

    def go_on(self, wishes: Wishes, path: Floats) -> Floats:
        """Control points of a path that goes on from the second knot of another one."""
        found = self._going_on.solve(wishes, path[1 : 1 + DEGREE])
        if found is not None:
            found[:DEGREE] = path[1 : 1 + DEGREE]
            return found
        # The path before ends at rest inside all limits, so that it can be gone on with by staying there.
        self.unsolved += 1
        return np.concatenate([path[1:], path[-1:]])

    @cached_property
    def _beginning(self) -> Solver:
        close = math.ceil(_CLOSE_S / KNOT_S)
        return Solver(PathProblem(self._knots, self._style, self._shape, goes_on=False, close=close))


class Solver:
    """A problem, set up once and solved for other wishes each time."""

    def __init__(self, problem: PathProblem) -> None:
        self.problem = problem
        self._solver: Any = None

    def solve(self, wishes: Wishes, begin: Floats | None) -> Floats | None:
        """The control points, or None if the solver can't find them."""
        problem = self.problem
        cost, high = problem.cost(wishes), problem.high(wishes)
        given = np.zeros(0) if begin is None else problem.given(begin)
        if not (np.isfinite(cost).all() and np.isfinite(high[problem.wished]).all()):
            return None  # moments full of nonsense must not spoil the solver for those that come
        if self._solver is None:
            self._solver = _set_up(problem, cost, given, high)
        else:
            self._solver.update(c=cost, b=given, h_u=high)
        if self._solver.solve() != piqp.PIQP_SOLVED:
            return None
        path = problem.path(self._solver.result.x)
        return path if np.isfinite(path).all() else None


def _set_up(problem: PathProblem, cost: Floats, given: Floats, high: Floats) -> Any:
    solver = piqp.SparseSolver()
    settings = solver.settings
    settings.kkt_solver = piqp.KKTSolver.sparse_ldlt
    settings.preconditioner_iter = 0  # everything is degrees already
    settings.preconditioner_reuse_on_update = True
    settings.eps_abs = settings.eps_rel = _EXACT
    settings.eps_duality_gap_abs = settings.eps_duality_gap_rel = 3 * _EXACT
    flat = sparse.csc_matrix((len(cost), len(cost)))
    solver.setup(
        flat, cost, problem.equations, given, problem.rows, problem.low, high, problem.least, problem.most
    )
    return solver
