"""From a rough solution to the best one: lines are looked for and sorted anew each time the cameras have become better."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from touchline.panorama.calibrate_adjust import Adjusted, Stand, Strokes, adjust, plane_basis
from touchline.panorama.calibrate_lens import Floats, Size
from touchline.panorama.calibrate_level import level_turns
from touchline.panorama.calibrate_lines import Segments
from touchline.panorama.calibrate_matches import Matches, spread_over
from touchline.panorama.calibrate_solve import Solution
from touchline.panorama.calibrate_square import NONE, Bundle, bundle, directions, find_square
from touchline.panorama.lenses import LensPreset

FITS = 0.0022  # a match fits within this share of the longer side
_SEARCH = 4.0  # pixels in a picture of 1280: how far lines may miss a frame that is looked for
_ROUGH_LINES, _FINE_LINES = (4.0, 2.5), (1.6, 1.0, 0.8)  # and the lines that an adjustment takes, one after the other
_ROUGH_POINTS, _FINE_POINTS = (2 * FITS, FITS), (FITS, FITS, FITS)
_POINTS = 700
_MERGE = 0.7  # pixels: pieces that lie this near to one line are of one line
_LEAST_STROKES = 8


@dataclass(frozen=True)
class Evidence:
    """What the pictures show.

    Attributes:
        matches: points that both cameras see, wrong ones among them.
        segments: straight things in the left and in the right picture.
        sizes: width and height of the pictures.
        preset: what is likely of the lenses.
    """

    matches: Matches
    segments: tuple[Segments, Segments]
    sizes: tuple[Size, Size]
    preset: LensPreset

    @property
    def unit(self) -> float:
        """Pixels that would be one in a picture of 1280."""
        return max(*self.sizes[0], *self.sizes[1]) / 1280


@dataclass(frozen=True)
class Joint:
    """The best cameras for the evidence.

    Attributes:
        adjusted: the cameras and how certain they are.
        inliers: the matches that fit, shape (n,).
        strokes: the lines that fit; none where no field could be made out.
        cost: for choosing between lens models; smaller is better.
    """

    adjusted: Adjusted
    inliers: NDArray[np.bool_]
    strokes: Strokes
    cost: float

    @property
    def stand(self) -> Stand:
        """The cameras."""
        return self.adjusted.stand


def first_joint(solution: Solution, evidence: Evidence) -> Joint:
    """Adds the lines to what the points alone have given."""
    identity = np.eye(3)
    turns = level_turns((identity, solution.rotation))
    stand = Stand((solution.left, solution.right), turns)
    squared = squared_up(stand, evidence)
    return _adjusted(squared or stand, evidence, _ROUGH_POINTS, _ROUGH_LINES if squared else None, merge=False)


def finer_joint(joint: Joint, evidence: Evidence) -> Joint:
    """Goes on from a joint solution, with better matches maybe, and tighter limits."""
    stand = joint.stand
    squared = stand if len(joint.strokes) else squared_up(stand, evidence)
    return _adjusted(squared or stand, evidence, _FINE_POINTS, _FINE_LINES if squared else None, merge=True)


def squared_up(stand: Stand, evidence: Evidence) -> Stand | None:
    """The same cameras with their frame levelled and turned by the field's lines; None if there are none."""
    if sum(len(found) for found in evidence.segments) < _LEAST_STROKES:
        return None
    lines = bundle(evidence.segments, stand.lenses, stand.turns)
    longer = max(*evidence.sizes[0], *evidence.sizes[1])
    axes = find_square(lines, stand.turns, longer, _SEARCH * evidence.unit)
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
    stand: Stand,
    evidence: Evidence,
    point_limits: tuple[float, ...],
    line_limits: tuple[float, ...] | None,
    *,
    merge: bool,
) -> Joint:
    """Adjusts to what fits, limit after limit."""
    longer = max(*evidence.sizes[0], *evidence.sizes[1])
    strokes = Strokes.none()
    adjusted = None
    for number, point_limit in enumerate(point_limits):
        fits = np.nonzero(stand.errors(evidence.matches) < point_limit * longer)[0]
        fitting = evidence.matches.where(fits)
        fitting = fitting.where(spread_over(fitting.left, _POINTS, longer / 80))
        if line_limits is not None:
            strokes = find_strokes(stand, evidence, line_limits[number] * evidence.unit, merge=merge)
        adjusted = adjust(stand, fitting, strokes, evidence.sizes, evidence.preset)
        stand = adjusted.stand
    assert adjusted is not None
    errors = stand.errors(evidence.matches)
    return Joint(adjusted, errors < FITS * longer, strokes, _cost(stand, errors, evidence))


def find_strokes(stand: Stand, evidence: Evidence, tolerance: float, *, merge: bool) -> Strokes:
    """The segments that run along one of the stand's three directions within ``tolerance`` pixels, those of one
    line put together if wanted."""
    lines = bundle(evidence.segments, stand.lenses, stand.turns)
    axis = directions(lines, stand.axes, tolerance)
    used = np.nonzero(axis != NONE)[0]
    if len(used) < _LEAST_STROKES:
        return Strokes.none()
    line = _merged(lines, stand.axes, axis, used, _MERGE * evidence.unit) if merge else np.arange(len(axis))
    _, group = np.unique(line[used], return_inverse=True)
    number = np.full(len(axis), -1)
    number[used] = group.ravel()
    taken = number[lines.owner] >= 0
    left = len(evidence.segments[0].points)
    points = (evidence.segments[0].points[taken[:left]], evidence.segments[1].points[taken[left:]])
    axes = np.zeros(int(number.max()) + 1, np.intp)
    axes[number[used]] = axis[used]
    return Strokes(points, number[lines.owner][taken], axes, lines.scale[taken])


def _merged(
    lines: Bundle, axes: Floats, axis: NDArray[np.intp], used: NDArray[np.intp], reach: float
) -> NDArray[np.intp]:
    """For each segment the number of the longest one on the same line: all its points within ``reach`` pixels."""
    one, two = plane_basis(axes)
    owner = np.arange(len(axis))
    for direction in range(3):
        mine = used[axis[used] == direction]
        mine = mine[np.argsort(-lines.weights[mine], kind="stable")]
        heads: list[int] = []
        normals: list[Floats] = []
        for number in mine:
            points = slice(int(lines.first[number]), int(lines.first[number + 1]))
            rays, scale = lines.rays[points], lines.scale[points]
            if heads:
                beside = np.abs(rays @ np.array(normals).T) * scale[:, None]
                worst = beside.max(axis=0)
                nearest = int(np.argmin(worst))
                if worst[nearest] < reach:
                    owner[number] = heads[nearest]
                    continue
            a, b = rays @ one[direction] * scale, rays @ two[direction] * scale
            lean = 0.5 * np.arctan2(2 * (a @ b), a @ a - b @ b) + np.pi / 2
            heads.append(int(number))
            normals.append(one[direction] * np.cos(lean) + two[direction] * np.sin(lean))
    return owner


def _cost(stand: Stand, errors: Floats, evidence: Evidence) -> float:
    """Points and lines that do not fit, and how badly the others do; of points and of lines 0 .. 1 each."""
    longer = max(*evidence.sizes[0], *evidence.sizes[1])
    points = float(np.minimum(errors / (FITS * longer), 1.0).mean()) if len(errors) else 1.0
    if not sum(len(found) for found in evidence.segments):
        return points
    lines = bundle(evidence.segments, stand.lenses, stand.turns)
    misses = np.minimum(lines.misses(stand.axes).min(axis=0) / (2.0 * evidence.unit), 1.0)
    return points + float(np.average(misses, weights=lines.weights))
