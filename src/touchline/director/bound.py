"""The planner's own cost of a film, and the least that it can be: the path of somebody who knows the whole match."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from touchline.analysis.play import Moment
from touchline.director.framing import Wishes
from touchline.director.planned import clamped, framing_of
from touchline.director.planner import Solver, shape_of
from touchline.director.problem import AXIS_COST, KNOT_S, SQUEEZE, PathProblem
from touchline.director.splines import along
from touchline.director.style import Style
from touchline.errors import TouchlineError
from touchline.geometry import FieldOutline, View, ViewLimits

Floats = NDArray[np.float64]
_UNEVEN = 0.02  # of the interval between two times


class NoPathError(TouchlineError):
    """No path could be found."""


def optimum(
    moments: Sequence[Moment],
    limits: ViewLimits,
    times_s: Sequence[float] | Floats,
    style: Style | None = None,
    field: FieldOutline | None = None,
) -> list[View]:
    """The views at ``times_s`` of the path that is best over all of them, if all moments are known from the start.

    Args:
        moments: of the whole match.
        limits, style, field: as for :class:`~touchline.director.planned.PlannedDirector`.
        times_s: ascending, at least two.

    Raises:
        ValueError: for fewer than two times or such that don't ascend.
        NoPathError: if the solver gives up.
    """
    times, style = np.asarray(times_s, dtype=np.float64), style or Style()
    if len(times) < 2 or np.diff(times).min() <= 0:
        raise ValueError("an optimum is found over two or more times in ascending order")
    knots = max(2, math.ceil((times[-1] - times[0]) / KNOT_S))
    problem = PathProblem(knots, style, shape_of(limits, style), goes_on=False, close=knots)
    wishes = framing_of(limits, style, field).wishes(moments, times[0] + problem.framed * KNOT_S)
    path = Solver(problem).solve(wishes, None)
    if path is None:
        raise NoPathError(f"no path over {knots * KNOT_S:.0f} s of play could be found")
    return [clamped(place, limits) for place in along(path, (times - times[0]) / KNOT_S)]


def cost(
    views: Sequence[View],
    times_s: Sequence[float] | Floats,
    moments: Sequence[Moment],
    limits: ViewLimits,
    style: Style | None = None,
    field: FieldOutline | None = None,
) -> float:
    """What a film costs each second in the planner's own cost: less is better.

    Args:
        views: at each of ``times_s``.
        times_s: evenly spaced, at least four; the cost of softness needs third differences.
        moments: what there was to see, of the whole film.
        limits, style, field: of the planner whose cost it is.

    Raises:
        ValueError: if there are not as many views as times, too few, or if the times are not even.
    """
    times, style = np.asarray(times_s, dtype=np.float64), style or Style()
    if len(views) != len(times) or len(times) < 4:
        raise ValueError(f"four or more views, and a time for each, not {len(views)} and {len(times)}")
    step = float(times[-1] - times[0]) / (len(times) - 1)
    if step <= 0 or np.abs(np.diff(times) - step).max() > _UNEVEN * step:
        raise ValueError("the cost of a film is that of views at even intervals")
    path = np.array([(view.yaw_deg, view.pitch_deg, view.fov_deg) for view in views])
    wishes = framing_of(limits, style, field).wishes(moments, times)
    framing = _framing_cost(path, wishes, style, shape_of(limits, style).upright)
    return (step * framing + _moving_cost(path, step, wishes.settle, style)) / (step * len(times))


def _framing_cost(path: Floats, wishes: Wishes, style: Style, upright: float) -> float:
    """Summed over the frames; what :class:`PathProblem` bounds by its framing rows."""
    total = style.keep_size * float(np.abs(path[:, 2] - wishes.size_deg).sum())
    half = 0.5 * path[:, 2:] * np.array([1.0, upright])
    for wanted, weight, share in (
        (wishes.ball, style.keep_ball * wishes.keep_ball, 1 - style.margin),
        (wishes.play, style.keep_play * wishes.keep_play, style.middle),
    ):
        off = np.abs(path[:, :2] - wanted) * np.array([SQUEEZE, 1.0]) - share * half
        total += float((weight[:, None] * np.clip(off, 0.0, None)).sum())
    return total


def _moving_cost(path: Floats, step: float, settle: Floats, style: Style) -> float:
    """Over the whole film."""
    way, change, jolt = (np.abs(np.diff(path, n=order, axis=0)) @ AXIS_COST for order in (1, 2, 3))
    lasting = (settle[1:] + settle[:-1]) / 2
    return float(
        style.way_cost * (lasting @ way)
        + style.evenness * change.sum() / step
        + style.softness * jolt.sum() / step**2
    )
