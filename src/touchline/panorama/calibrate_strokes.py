"""The lines that an adjustment uses: found anew for the cameras as they are known now."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from touchline.panorama.calibrate_adjust import Stand, Strokes
from touchline.panorama.calibrate_lens import Floats, Size
from touchline.panorama.calibrate_lines import Segments
from touchline.panorama.calibrate_matches import Matches
from touchline.panorama.calibrate_square import bundle, directions, pixels_per_plane, plane_normals
from touchline.panorama.calibrate_still import Image
from touchline.panorama.calibrate_sweep import sweep
from touchline.panorama.lenses import LensPreset

LEAST_STROKES = 8
_LEAST_SWEPT = 3  # lines of one direction


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
    """Lines in one picture: points, shape (n, 2), and the line of each, shape (n,)."""

    points: Floats
    owner: NDArray[np.intp]

    def __len__(self) -> int:
        return int(self.owner.max()) + 1 if len(self.owner) else 0


def detected_strokes(stand: Stand, evidence: Evidence, tolerance: float) -> Strokes:
    """The segments that run along one of the stand's three directions within ``tolerance`` pixels."""
    return _strokes(stand, [_detected(stand, evidence, axis, tolerance) for axis in range(3)])


def swept_strokes(stand: Stand, evidence: Evidence, tolerance: float) -> Strokes:
    """Lines along the stand's directions, of which each stays on its page within ``tolerance`` pixels; where there are
    hardly any of a direction, as of short posts, the segments that were detected."""
    found = []
    for axis in range(3):
        both = [
            Pieces(*sweep(picture, lens, turn, stand.axes, axis, tolerance))
            for picture, lens, turn in zip(evidence.stills, stand.lenses, stand.turns, strict=True)
        ]
        few = len(both[0]) + len(both[1]) < _LEAST_SWEPT
        found.append(_detected(stand, evidence, axis, tolerance) if few else (both[0], both[1]))
    return _strokes(stand, found)


def _detected(stand: Stand, evidence: Evidence, axis: int, tolerance: float) -> tuple[Pieces, Pieces]:
    lines = bundle(evidence.segments, stand.lenses, stand.turns)
    mine = directions(lines, stand.axes, tolerance) == axis
    left = len(evidence.segments[0])
    one, two = (
        _picked(segments, chosen)
        for segments, chosen in zip(evidence.segments, (mine[:left], mine[left:]), strict=True)
    )
    return one, two


def _picked(segments: Segments, chosen: NDArray[np.bool_]) -> Pieces:
    number = np.cumsum(chosen) - 1
    taken = chosen[segments.owner]
    return Pieces(segments.points[taken], number[segments.owner[taken]])


def _strokes(stand: Stand, found: list[tuple[Pieces, Pieces]]) -> Strokes:
    """All lines of all directions, the left camera's first; none if they are too few."""
    points, groups, axes, scales = [], [], [], []
    count = 0
    for side, lens in enumerate(stand.lenses):
        mine = []
        for axis, both in enumerate(found):
            pieces = both[side]
            mine.append(pieces.points)
            groups.append(pieces.owner + count)
            axes.append(np.full(len(pieces), axis))
            count += len(pieces)
            normals = plane_normals(lens.rays(pieces.points), pieces.owner, len(pieces))
            scales.append(pixels_per_plane(lens, pieces.points, normals[pieces.owner]))
        points.append(np.vstack(mine))
    if count < LEAST_STROKES:
        return Strokes.none()
    return Strokes(
        (points[0], points[1]), np.concatenate(groups), np.concatenate(axes), np.concatenate(scales)
    )
