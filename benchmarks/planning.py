"""How long the director's planner takes for a solve, and what other solvers take for the same problems.

Clarabel and OSQP are tried where they are installed (``pip install clarabel osqp``); Touchline needs neither.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table
from scipy import sparse

from touchline.analysis.play import BallAt, Moment, PlayerAt
from touchline.director.planned import framing_of
from touchline.director.planner import Planner, Solver, shape_of
from touchline.director.problem import KNOT_S, PathProblem
from touchline.director.style import Style
from touchline.geometry import ViewLimits, fit_panorama, rays_to_angles
from touchline.synth import SyntheticMatch
from touchline.synth.pitch import world_to_rig

Floats = NDArray[np.float64]
SEED, SECONDS, RATE = 1000, 40, 6
HORIZONS_S = (1.0, 7.0, 10.0)
TAIL_S = 0.8


def moments_of(match: SyntheticMatch, seconds: int) -> list[Moment]:
    """The truth, as a perfect detector would see it six times a second."""
    made = []
    for index in range(seconds * RATE):
        state = match.play.at(index / RATE)
        points = np.concatenate([np.c_[state.persons, np.full(len(state.persons), 0.95)], state.ball[None]])
        *players, ball = np.degrees(np.stack(rays_to_angles(world_to_rig(points)), axis=-1)).tolist()
        made.append(
            Moment(
                index * 10**9 // RATE,
                BallAt(*ball, sureness=1.0, seen=True),
                tuple(PlayerAt(track, *place, seen=True) for track, place in enumerate(players)),
            )
        )
    return made


def timed(call: Callable[[], Any], spent: list[float]) -> Any:
    """Does it, and notes the processor's time, ms: what other programs take is not counted."""
    begun = time.thread_time()
    made = call()
    spent.append((time.thread_time() - begun) * 1000)
    return made


def film(horizon_s: float, style: Style) -> tuple[list[float], list[float], list[tuple[Any, Floats]]]:
    """Milliseconds of framing and of planning for each knot of a match, and the problems: wishes and beginnings."""
    match = SyntheticMatch(SEED)
    limits = ViewLimits(fit_panorama(match.rig), 16 / 9)
    moments = moments_of(match, SECONDS)
    framing = framing_of(limits, style, None)
    planner = Planner(round((horizon_s + TAIL_S) / KNOT_S), style, shape_of(limits, style))
    at = np.array([moment.pts_ns for moment in moments]) / 1e9
    framed: list[float] = []
    planned: list[float] = []
    problems, path = [], None
    for knot in range(round((SECONDS - horizon_s) / KNOT_S)):
        now = knot * KNOT_S
        first, last = np.searchsorted(at, [now - 1.2, now + horizon_s])
        known = moments[first : last + 1]
        wishes = timed(lambda: framing.wishes(known, now + KNOT_S * planner.framed), framed)  # noqa: B023
        if path is None:
            path = planner.begin(wishes)
            continue
        problems.append((wishes, path[1:4]))
        path = timed(lambda: planner.go_on(wishes, path), planned)  # noqa: B023
    return framed, planned, problems


def with_clarabel(problem: PathProblem) -> Callable[[Any, Floats], None]:
    """Its settings at their best for this: one thread, no presolve, no refinement."""
    import clarabel

    settings = clarabel.DefaultSettings()
    settings.verbose = settings.presolve_enable = settings.iterative_refinement_enable = False
    settings.max_threads = 1
    settings.tol_feas = settings.tol_gap_abs = settings.tol_gap_rel = 1e-4
    two_sided, bounded, limited = (np.isfinite(one) for one in (problem.low, problem.least, problem.most))
    each, both = sparse.eye_array(problem.rows.shape[1], format="csr"), problem.rows.tocsr()
    solver: list[Any] = []

    def solve(wishes: Any, begin: Floats) -> None:
        cost, high = problem.cost(wishes), problem.high(wishes)
        capped = np.isfinite(high)
        sides = [problem.given(begin), high[capped], -problem.low[two_sided]]
        right = np.concatenate([*sides, -problem.least[bounded], problem.most[limited]])
        if solver:
            solver[0].update(q=cost, b=right)
        else:
            rows = [problem.equations, both[capped], -both[two_sided], -each[bounded], each[limited]]
            matrix = sparse.csc_matrix(sparse.vstack(rows))
            flat = sparse.csc_matrix((matrix.shape[1],) * 2)
            equations = problem.equations.shape[0]
            cones = [clarabel.ZeroConeT(equations), clarabel.NonnegativeConeT(matrix.shape[0] - equations)]
            solver.append(clarabel.DefaultSolver(flat, cost, matrix, right, cones, settings))
        solver[0].solve()

    return solve


def with_osqp(problem: PathProblem) -> Callable[[Any, Floats], None]:
    """Warm-started from the solve before."""
    import osqp

    count = problem.rows.shape[1]
    matrix = sparse.csc_matrix(sparse.vstack([problem.equations, problem.rows, sparse.eye_array(count)]))
    solver = osqp.OSQP()
    ready: list[bool] = []

    def solve(wishes: Any, begin: Floats) -> None:
        low = np.concatenate([problem.given(begin), problem.low, problem.least])
        high = np.concatenate([problem.given(begin), problem.high(wishes), problem.most])
        if ready:
            solver.update(q=problem.cost(wishes), l=low, u=high)
        else:
            solver.setup(
                P=sparse.csc_matrix((count, count)),
                q=problem.cost(wishes),
                A=matrix,
                l=low,
                u=high,
                verbose=False,
                eps_abs=1e-3,
                eps_rel=1e-3,
                adaptive_rho_interval=50,
            )
            ready.append(True)
        solver.solve()

    return solve


def compare(horizon_s: float, style: Style, problems: list[tuple[Any, Floats]]) -> dict[str, list[float]]:
    """Milliseconds of each solver for the same problems in the same order."""
    limits = ViewLimits(fit_panorama(SyntheticMatch(SEED).rig), 16 / 9)

    def problem() -> PathProblem:
        knots = round((horizon_s + TAIL_S) / KNOT_S)
        return PathProblem(knots, style, shape_of(limits, style), goes_on=True, close=round(2.0 / KNOT_S))

    makers: dict[str, Callable[[PathProblem], Callable[[Any, Floats], Any]]] = {
        "PIQP": lambda made: Solver(made).solve,
        "Clarabel": with_clarabel,
        "OSQP": with_osqp,
    }
    found: dict[str, list[float]] = {}
    for name, make in makers.items():
        try:
            solve = make(problem())
        except ImportError:
            continue
        spent: list[float] = []
        for wishes, begin in problems[: 40 if name == "OSQP" else None]:
            timed(lambda: solve(wishes, begin), spent)  # noqa: B023
        found[name] = spent[1:]
    return found


def main() -> None:
    """Prints the tables."""
    style = Style()
    table = Table(title="A plan, five times a second of the programme: ms of one core")
    for column in ("known ahead", "framing p50", "p99", "planning p50", "p99"):
        table.add_column(column, justify="right")
    for horizon_s in HORIZONS_S:
        framed, planned, problems = film(horizon_s, style)
        shares = [f"{np.percentile(part, share):.2f}" for part in (framed, planned[1:]) for share in (50, 99)]
        table.add_row(f"{horizon_s:g} s", *shares)
        if horizon_s == 7.0:
            compared = compare(horizon_s, style, problems)
    Console().print(table)
    solvers = Table(title="The same problems, 7 s ahead: ms a solve")
    for column in ("solver", "p50", "max"):
        solvers.add_column(column, justify="right")
    for name, spent in compared.items():
        solvers.add_row(name, f"{statistics.median(spent):.2f}", f"{max(spent):.2f}")
    Console().print(solvers)


if __name__ == "__main__":
    main()
