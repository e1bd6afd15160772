"""From a rough solution to the best one: lines are looked for anew each time the cameras have become better."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from touchline.panorama.calibrate_adjust import Adjusted, Stand, Strokes, adjust
from touchline.panorama.calibrate_lens import Floats
from touchline.panorama.calibrate_level import level_turns
from touchline.panorama.calibrate_matches import spread_over
from touchline.panorama.calibrate_solve import Solution
from touchline.panorama.calibrate_square import bundle, find_square
from touchline.panorama.calibrate_strokes import LEAST_STROKES, Evidence, detected_strokes, swept_strokes

FITS = 0.0022  # a match fits within this share of the longer side
_SEARCH = 4.0  # pixels in a picture of 1280: how far lines may miss a frame that is looked for
_ROUGH = ((2 * FITS, 4.0), (FITS, 2.5))  # what an adjustment takes, points and lines, one after the other
_FINE = ((FITS, 2.0), (FITS, 1.2), (FITS, 0.8))
_POINTS = 700

FindStrokes = Callable[[Stand, Evidence, float], Strokes]


@dataclass(frozen=True)
class Joint:
    """The best cameras for the evidence.

    Attributes:
        adjusted: the cameras and how certain they are.
        inliers: the matches that fit, shape (n,).
        strokes: the lines that fit; none where no field could be made out.
        points_cost, lines_cost: how badly points and lines fit, 0 .. 1 each.
    """

    adjusted: Adjusted
    inliers: NDArray[np.bool_]
    strokes: Strokes
    points_cost: float
    lines_cost: float

    @property
    def stand(self) -> Stand:
        """The cameras."""
        return self.adjusted.stand

    @property
    def cost(self) -> float:
        """For choosing between lens models; smaller is better."""
        return self.points_cost + self.lines_cost


def first_joint(solution: Solution, evidence: Evidence) -> Joint:
    """Adds the lines to what the points alone have given."""
    turns = level_turns((np.eye(3), solution.rotation))
    stand = Stand((solution.left, solution.right), turns)
    squared = squared_up(stand, evidence)
    return _adjusted(squared or stand, evidence, _ROUGH, detected_strokes if squared else None)


def finer_joint(joint: Joint, evidence: Evidence) -> Joint:
    """Goes on from a joint solution, with better matches maybe, long lines, and tighter limits."""
    stand = joint.stand
    squared = stand if len(joint.strokes) else squared_up(stand, evidence)
    return _adjusted(squared or stand, evidence, _FINE, swept_strokes if squared else None)


def squared_up(stand: Stand, evidence: Evidence) -> Stand | None:
    """The same cameras with their frame levelled and turned by the field's lines; None if there are none."""
    if sum(len(found) for found in evidence.segments) < LEAST_STROKES:
        return None
    lines = bundle(evidence.segments, stand.lenses, stand.turns)
    axes = find_square(lines, stand.turns, evidence.longer, _SEARCH * evidence.unit)
    if axes is None:
        return None
    down = axes[2]
    ahead = stand.turns[0][2] + stand.turns[1][2]
    ahead = ahead - down * (ahead @ down)
    ahead /= np.linalg.norm(ahead)
    frame = np.stack([np.cross(down, ahead), down, ahead])
    away = frame @ axes[1]
    turns = (stand.turns[0] @ frame.T, stand.turns[1] @ frame.T)
    return replace(stand, turns=turns, heading=float(np.arctan2(away[0], away[2])), skew=0.0)


def _adjusted(
    stand: Stand, evidence: Evidence, limits: tuple[tuple[float, float], ...], find: FindStrokes | None
) -> Joint:
    """Adjusts to what fits, limit after limit."""
    strokes = Strokes.none()
    adjusted = None
    for point_limit, line_limit in limits:
        fits = stand.errors(evidence.matches) < point_limit * evidence.longer
        fitting = evidence.matches.where(fits)
        fitting = fitting.where(spread_over(fitting.left, _POINTS, evidence.longer / 80))
        if find is not None:
            strokes = find(stand, evidence, line_limit * evidence.unit)
        adjusted = adjust(stand, fitting, strokes, evidence.sizes, evidence.preset)
        stand = adjusted.stand
    assert adjusted is not None
    errors = stand.errors(evidence.matches)
    costs = _costs(stand, errors, evidence)
    return Joint(adjusted, errors < FITS * evidence.longer, strokes, *costs)


def _costs(stand: Stand, errors: Floats, evidence: Evidence) -> tuple[float, float]:
    """Points and lines that do not fit, and how badly the others do; of points and of lines 0 .. 1 each."""
    points = float(np.minimum(errors / (FITS * evidence.longer), 1.0).mean()) if len(errors) else 1.0
    if not sum(len(found) for found in evidence.segments):
        return points, 0.0
    lines = bundle(evidence.segments, stand.lenses, stand.turns)
    misses = np.minimum(lines.misses(stand.axes).min(axis=0) / (2.0 * evidence.unit), 1.0)
    return points, float(np.average(misses, weights=lines.weights))
