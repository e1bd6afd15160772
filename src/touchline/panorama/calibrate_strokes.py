"""The lines that an adjustment uses: found anew for the cameras as they are known now."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from touchline.panorama.calibrate_adjust import Stand, Strokes
from touchline.panorama.calibrate_lens import Floats, Size
from touchline.panorama.calibrate_lines import Segments
from touchline.panorama.calibrate_matches import Matches
from touchline.panorama.calibrate_square import NONE, bundle, directions, pixels_per_plane, plane_normals
from touchline.panorama.calibrate_still import Image
from touchline.panorama.calibrate_sweep import same_lines, sweep
from touchline.panorama.lenses import LensPreset

LEAST_STROKES = 8
_LEAST_SWEPT = 3  # lines of one direction
_SAME = 4.0  # times the tolerance: how far the lines of two cameras may be apart to be one


@dataclass(frozen=True)
class Evidence:
    """What the pictures show.

    Attributes:
        matches: points that both cameras see, wrong ones among them.
        stills: what stands still in the left and in the right picture, grey.
        segments: straight things in them.
        sizes: their width and height.
        preset: what is likely of the lenses.
    """

    matches: Matches
    stills: tuple[Image, Image]
    segments: tuple[Segments, Segments]
    sizes: tuple[Size, Size]
    preset: LensPreset

    @property
    def longer(self) -> int:
        """The longer side of the larger picture, pixels."""
        return max(*self.sizes[0], *self.sizes[1])

    @property
    def unit(self) -> float:
        """Pixels that would be one in a picture of 1280."""
        return self.longer / 1280


@dataclass(frozen=True)
class Pieces:
    """Lines in one picture: points, shape (n, 2), the line of each, shape (n,), and the lines' axes, shape (m,)."""

    points: Floats
    owner: NDArray[np.intp]
    axes: NDArray[np.intp]

    @classmethod
    def joined(cls, parts: list[Pieces]) -> Pieces:
        """Several sets as one."""
        counts = np.cumsum([0] + [len(part.axes) for part in parts[:-1]])
        owners = [part.owner + count for part, count in zip(parts, counts, strict=True)]
        return cls(
            np.vstack([part.points for part in parts]),
            np.concatenate(owners),
            np.concatenate([part.axes for part in parts]),
        )


def detected_strokes(stand: Stand, evidence: Evidence, tolerance: float) -> Strokes:
    """The segments that run along one of the stand's three directions within ``tolerance`` pixels."""
    lines = bundle(evidence.segments, stand.lenses, stand.turns)
    axes = directions(lines, stand.axes, tolerance)
    left = len(evidence.segments[0])
    one, two = _picked(evidence.segments[0], axes[:left]), _picked(evidence.segments[1], axes[left:])
    return _strokes(stand, one, two, [])


def swept_strokes(stand: Stand, evidence: Evidence, tolerance: float) -> Strokes:
    """Lines along the stand's directions, of which each stays on its page within ``tolerance`` pixels; where there are
    hardly any of a direction, as of short posts, the segments that were detected.

    A line that both cameras see is one: so lines run on across the seam, also where no points were matched.
    """
    segments = bundle(evidence.segments, stand.lenses, stand.turns)
    detected = directions(segments, stand.axes, tolerance)
    count = len(evidence.segments[0])
    parts: tuple[list[Pieces], list[Pieces]] = ([], [])
    same: list[tuple[int, int]] = []
    for axis in range(3):
        left, right = (
            sweep(picture, lens, turn, stand.axes, axis, tolerance)
            for picture, lens, turn in zip(evidence.stills, stand.lenses, stand.turns, strict=True)
        )
        if len(left) + len(right) < _LEAST_SWEPT:
            mine = np.where(detected == axis, axis, NONE)
            parts[0].append(_picked(evidence.segments[0], mine[:count]))
            parts[1].append(_picked(evidence.segments[1], mine[count:]))
            continue
        before = [sum(len(part.axes) for part in side) for side in parts]
        pairs = same_lines(left, right, _SAME * tolerance)
        same += [(one + before[0], two + before[1]) for one, two in pairs]
        for side, lines in zip(parts, (left, right), strict=True):
            side.append(Pieces(lines.points, lines.owner, np.full(len(lines), axis)))
    return _strokes(stand, Pieces.joined(parts[0]), Pieces.joined(parts[1]), same)


def _picked(segments: Segments, axes: NDArray[np.intp]) -> Pieces:
    """The segments that have an axis."""
    chosen = axes != NONE
    number = np.cumsum(chosen) - 1
    taken = chosen[segments.owner]
    return Pieces(segments.points[taken], number[segments.owner[taken]], axes[chosen])


def _strokes(stand: Stand, left: Pieces, right: Pieces, same: list[tuple[int, int]]) -> Strokes:
    """All lines, the left camera's first; ``same``: which of them are one. None if they are too few."""
    count = len(left.axes) + len(right.axes)
    if count < LEAST_STROKES:
        return Strokes.none()
    number = np.arange(count)
    for one, two in same:
        number[two + len(left.axes)] = one
    kept, number = np.unique(number, return_inverse=True)
    scales = []
    for lens, pieces in zip(stand.lenses, (left, right), strict=True):
        normals = plane_normals(lens.rays(pieces.points), pieces.owner, len(pieces.axes))
        scales.append(pixels_per_plane(lens, pieces.points, normals[pieces.owner]))
    owner = np.concatenate([left.owner, right.owner + len(left.axes)])
    axes = np.concatenate([left.axes, right.axes])
    return Strokes((left.points, right.points), number.ravel()[owner], axes[kept], np.concatenate(scales))
