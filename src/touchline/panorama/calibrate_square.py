"""Which way is down, and which way the field lies, from straight things: most of a ground's are at right angles.

Touchlines, goal lines, the edges of boards, stands and roofs run along two horizontal directions, posts and pillars
upright. Three lines, two of them parallel, define such a frame; the one that most of the others agree with is the
world's (the 3-line RANSAC of Bazin and Pollefeys 2012, for two cameras at once). That gives down, and vanishing
points at right angles fix focal lengths (Caprile and Torre 1990).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from touchline.panorama.calibrate_lens import Floats, Lens
from touchline.panorama.calibrate_lines import Segments

ALONG, ACROSS, UPRIGHT, NONE = (
    0,
    1,
    2,
    -1,
)  # directions of lines: the more sideways horizontal one, the other, down

_DRAWS = 1500
_JUDGES = 260  # the longest segments vote
_MOST_WEIGHT = 0.25  # of the longer side: what a segment longer than this counts as
_MOST_ROLL_DEG, _STEEPEST_DEG, _HIGHEST_DEG = 15.0, 80.0, 15.0  # cameras on a mast look level or down
_LEAST_SHARE = 0.35  # of the length of all segments that must agree
_LEAST_LENGTH = 1.5  # in longer sides, of those that agree with a horizontal direction
_TOO_NEAR = 0.06  # sine: a segment that points at a vanishing point from so near says nothing


@dataclass(frozen=True)
class Bundle:
    """Segments of both cameras as seen from the rig.

    Attributes:
        rays: of all points, unit vectors in the rig's frame, shape (n, 3); the left camera's first.
        owner: the segment of each, ascending, shape (n,).
        scale: pixels per unit of distance from the plane of its segment, shape (n,).
        first: number of the first point of each segment, and of the end of the last, shape (m + 1,).
        weights: of the segments, pixels, shape (m,).
    """

    rays: Floats
    owner: NDArray[np.intp]
    scale: Floats
    first: NDArray[np.intp]
    weights: Floats

    @property
    def middles(self) -> Floats:
        """A direction in each segment, shape (m, 3)."""
        sums = np.add.reduceat(self.rays, self.first[:-1], axis=0)
        return np.asarray(sums / np.linalg.norm(sums, axis=1, keepdims=True))

    def misses(self, axes: Floats, picked: NDArray[np.intp] | None = None) -> Floats:
        """How far, in pixels, the ends of segments lie beside lines along each axis through their middles.

        Args:
            axes: unit vectors, shape (k, 3).
            picked: numbers of segments; by default all.

        Returns:
            Shape (k, m); infinite for a segment next to the vanishing point of the axis.
        """
        chosen = np.arange(len(self.weights)) if picked is None else picked
        middles = self.middles[chosen]
        normals = np.cross(middles[None], axes[:, None])
        sine = np.linalg.norm(normals, axis=2)
        normals /= np.maximum(sine, 1e-9)[..., None]
        worst = np.zeros(sine.shape)
        for ends in (self.first[:-1][chosen], self.first[1:][chosen] - 1):
            beside = np.abs(np.einsum("kmi,mi->km", normals, self.rays[ends])) * self.scale[ends]
            worst = np.maximum(worst, beside)
        return np.where(sine < _TOO_NEAR, np.inf, worst)


def bundle(
    segments: tuple[Segments, Segments], lenses: tuple[Lens, Lens], turns: tuple[Floats, Floats]
) -> Bundle:
    """The segments of two cameras, whose rotations from the rig's frame are ``turns``."""
    rays, owner, weights, scales = [], [], [], []
    count = 0
    for found, lens, turn in zip(segments, lenses, turns, strict=True):
        mine = lens.rays(found.points)
        rays.append(mine @ turn)
        owner.append(found.owner + count)
        scales.append(
            pixels_per_plane(lens, found.points, plane_normals(mine, found.owner, len(found))[found.owner])
        )
        weights.append(found.lengths)
        count += len(found)
    owners = np.concatenate(owner)
    first = np.searchsorted(owners, np.arange(count + 1))
    return Bundle(np.vstack(rays), owners, np.concatenate(scales), first, np.concatenate(weights))


def plane_normals(rays: Floats, owner: NDArray[np.intp], count: int) -> Floats:
    """Unit normals, shape (count, 3), of the planes through the viewpoint in which the rays of each owner lie best."""
    products = (rays[:, :, None] * rays[:, None, :]).reshape(-1, 9)
    sums = np.stack([np.bincount(owner, products[:, k], minlength=count) for k in range(9)], axis=1)
    return np.asarray(np.linalg.eigh(sums.reshape(count, 3, 3))[1][:, :, 0])


def pixels_per_plane(lens: Lens, points: Floats, normals: Floats) -> Floats:
    """How many pixels a point must move to come one unit of n . ray further from its plane, shape (n,)."""
    slopes = []
    for axis in (0, 1):
        step = np.zeros(2)
        step[axis] = 0.5
        slopes.append(np.sum(normals * (lens.rays(points + step) - lens.rays(points - step)), axis=1))
    return np.asarray(1 / np.maximum(np.hypot(*slopes), 1e-9))


def find_square(lines: Bundle, turns: tuple[Floats, Floats], longer: int, tolerance: float) -> Floats | None:
    """The axes of the world in the rig's frame, if enough straight things agree on them.

    Args:
        lines: of both cameras.
        turns: the cameras' rotations from the rig's frame.
        longer: longer side of the pictures, pixels.
        tolerance: pixels.

    Returns:
        Unit vectors ALONG, ACROSS and UPRIGHT (down), as rows, shape (3, 3); None if there is no such frame.
    """
    weights = np.minimum(lines.weights, _MOST_WEIGHT * longer)
    judges = np.argsort(-weights, kind="stable")[:_JUDGES]
    if len(judges) < 6:
        return None
    frames = _candidates(lines, judges, weights[judges])
    frames = _plausible(frames, turns)
    if not len(frames):
        return None
    votes = np.zeros((len(frames), len(judges)))
    horizontal = np.zeros((len(frames), len(judges)))
    for axis in range(3):
        misses = lines.misses(frames[:, axis], judges)
        vote = np.maximum(0.0, 1 - (misses / tolerance) ** 2) * weights[judges]
        votes = np.maximum(votes, vote)
        if axis != UPRIGHT:
            horizontal = np.maximum(horizontal, vote)
    scores = votes.sum(axis=1)
    best = int(np.argmax(scores))
    if scores[best] < _LEAST_SHARE * weights[judges].sum() or horizontal[best].sum() < _LEAST_LENGTH * longer:
        return None
    return np.asarray(frames[best])


def _candidates(lines: Bundle, judges: NDArray[np.intp], weights: Floats) -> Floats:
    """Frames of three lines each: two that are parallel, one at right angles to them; shape (k, 3, 3)."""
    normals = plane_normals(lines.rays, lines.owner, len(lines.weights))[judges]
    rng = np.random.default_rng(1990)
    drawn = rng.choice(len(judges), (_DRAWS, 3), p=weights / weights.sum())
    one, two, three = (normals[drawn[:, k]] for k in range(3))
    along = np.cross(one, two)
    clear = np.linalg.norm(along, axis=1)
    aside = np.cross(three, along)
    kept = (clear > 0.02) & (np.linalg.norm(aside, axis=1) > 0.3 * clear)
    along, aside = along[kept], aside[kept]
    along /= np.linalg.norm(along, axis=1, keepdims=True)
    aside /= np.linalg.norm(aside, axis=1, keepdims=True)
    return np.stack([along, aside, np.cross(along, aside)], axis=1)


def _plausible(frames: Floats, turns: tuple[Floats, Floats]) -> Floats:
    """The frames with their axes in order, without those in which the cameras would hang askew."""
    found = []
    for axis in range(3):
        for sign in (-1.0, 1.0):
            down = sign * frames[:, axis]
            good = np.ones(len(frames), np.bool_)
            for turn in turns:
                good &= np.abs(down @ turn[0]) < np.sin(np.radians(_MOST_ROLL_DEG))
                ahead = down @ turn[2]
                good &= (ahead < np.sin(np.radians(_STEEPEST_DEG))) & (
                    ahead > -np.sin(np.radians(_HIGHEST_DEG))
                )
                good &= down @ turn[1] > 0
            others = [frames[good, (axis + k) % 3] for k in (1, 2)]
            found.append(_ordered(others[0], others[1], down[good], turns))
    return np.concatenate(found)


def _ordered(one: Floats, two: Floats, down: Floats, turns: tuple[Floats, Floats]) -> Floats:
    """Frames whose first axis points to the right, the second ahead, the third down."""
    right = turns[0][0] + turns[1][0]
    swap = np.abs(one @ right) < np.abs(two @ right)
    along = np.where(swap[:, None], two, one)
    along = along * np.sign(along @ right)[:, None]
    return np.stack([along, np.cross(along, down), down], axis=1)


def directions(lines: Bundle, axes: Floats, tolerance: float) -> NDArray[np.intp]:
    """Along which axis each segment runs: ALONG, ACROSS, UPRIGHT, or NONE if along none or several; shape (m,)."""
    misses = lines.misses(axes)
    order = np.sort(misses, axis=0)
    best = np.argmin(misses, axis=0)
    clear = (order[0] < tolerance) & (order[1] > 2 * order[0] + tolerance)
    return np.where(clear, best, NONE)
