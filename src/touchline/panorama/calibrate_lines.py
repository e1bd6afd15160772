"""Straight things in a picture, point by point to a fraction of a pixel: painted lines and edges.

A line segment detector (von Gioi et al. 2010) says where to look. Across each segment the picture's profile is
read at many stations: a painted line is a ridge, whose middle lies half-way between its two slopes however wide
and blurred it is (the slopes themselves are pushed apart by the blur; Steger 1998); anything else is an edge,
which lies where the slope is steepest. Nothing is assumed about the lens: a segment may bend.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from touchline.panorama.calibrate_still import Image, grey, halvings

Floats = NDArray[np.float64]
Counts = NDArray[np.intp]

_SHORTEST = 0.03  # of the longer side
_MOST = 700  # segments looked at, longest first
_STATION, _FEWEST_STATIONS, _MOST_STATIONS = 4.0, 8, 80  # pixels apart along a segment
_REACH, _STEP = 8.0, 0.25  # of a profile to either side, pixels
_NEAR = 2.0  # the slope must be this near to the segment
_WIDEST = 4.5  # a ridge's slopes are no further apart, pixels
_CLEAR, _ASIDE = 2.5, 0.25  # from so far on there may be slopes beside an edge, of this share of its own
_BLUR = 0.9
_FAINTEST = 1.2  # grey levels per pixel
_ROUGH = 0.3  # pixels by which the stations of a straight thing stray
_BIN = 24.0  # stations are averaged along so many pixels
_PIXELS_PER_CHUNK = 20000


@dataclass(frozen=True)
class Segments:
    """Pieces of straight things in one picture.

    Attributes:
        points: pixel positions along them, shape (n, 2).
        owner: the segment of each point, ascending from 0, shape (n,).
        lengths: of the segments, pixels, shape (m,).
        painted: true for ridges, false for edges, shape (m,).
    """

    points: Floats
    owner: Counts
    lengths: Floats
    painted: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.lengths)

    @classmethod
    def none(cls) -> Segments:
        return cls(np.empty((0, 2)), np.empty(0, np.intp), np.empty(0), np.empty(0, np.bool_))


def find_segments(image: Image) -> Segments:
    """The straight things in a grey or BGR picture, longest first."""
    picture, scale = halvings(grey(image))
    ends = _detected(picture)
    if not len(ends):
        return Segments.none()
    stations = _stations(ends)
    offsets, ridges = _across(picture, *stations[:2])
    occupied = np.full((picture.shape[0] // 2 + 2, picture.shape[1] // 2 + 2), np.nan, np.float32)
    points: list[Floats] = []
    owner: list[Counts] = []
    lengths: list[float] = []
    painted: list[bool] = []
    for number in range(len(ends)):
        mine = stations[2] == number
        traced = _traced(stations[0][mine], stations[1][mine], offsets[mine], ridges[mine], occupied)
        if traced is None:
            continue
        places, ridge = traced
        points.append((places + 0.5) * scale - 0.5)
        owner.append(np.full(len(places), len(lengths)))
        lengths.append(float(np.linalg.norm(places[-1] - places[0])) * scale)
        painted.append(ridge)
    if not points:
        return Segments.none()
    return Segments(np.vstack(points), np.concatenate(owner), np.array(lengths), np.array(painted))


def _detected(picture: Image) -> Floats:
    """Ends x1, y1, x2, y2 of segments, longest first, shape (n, 4)."""
    lines = cv2.createLineSegmentDetector(cv2.LSD_REFINE_STD).detect(picture)[0]
    if lines is None:
        return np.empty((0, 4))
    ends = np.asarray(lines, dtype=np.float64).reshape(-1, 4)
    length = np.hypot(ends[:, 2] - ends[:, 0], ends[:, 3] - ends[:, 1])
    order = np.argsort(-length, kind="stable")[:_MOST]
    return np.asarray(ends[order[length[order] >= _SHORTEST * max(picture.shape)]])


def _stations(ends: Floats) -> tuple[Floats, Floats, Counts]:
    """Places along segments, the unit vectors across them (shape (n, 2) each), and their segments (n,)."""
    places, across, owner = [], [], []
    for number, (x1, y1, x2, y2) in enumerate(ends):
        length = float(np.hypot(x2 - x1, y2 - y1))
        count = int(np.clip(length / _STATION, _FEWEST_STATIONS, _MOST_STATIONS))
        along = np.linspace(0.02, 0.98, count)[:, None]
        places.append(np.array([x1, y1]) * (1 - along) + np.array([x2, y2]) * along)
        across.append(np.tile([-(y2 - y1) / length, (x2 - x1) / length], (count, 1)))
        owner.append(np.full(count, number))
    return np.vstack(places), np.vstack(across), np.concatenate(owner)


def _across(picture: Image, places: Floats, across: Floats) -> tuple[Floats, NDArray[np.bool_]]:
    """How far across its segment each station's line lies (nan: none there), and whether it is a ridge."""
    blurred = cv2.GaussianBlur(picture.astype(np.float32), (0, 0), _BLUR)
    steps = np.arange(-_REACH, _REACH + _STEP / 2, _STEP)
    found = []
    for start in range(0, len(places), _PIXELS_PER_CHUNK):
        chunk = slice(start, start + _PIXELS_PER_CHUNK)
        at = (places[chunk, None, :] + steps[None, :, None] * across[chunk, None, :]).astype(np.float32)
        profile = cv2.remap(
            blurred, at[..., 0].copy(), at[..., 1].copy(), cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
        )
        inside = (at >= 0).all(axis=(1, 2)) & (at[..., 0] <= picture.shape[1] - 1).all(axis=1)
        inside &= (at[..., 1] <= picture.shape[0] - 1).all(axis=1)
        found.append(_read(np.asarray(profile, dtype=np.float64), inside))
    return np.concatenate([f[0] for f in found]), np.concatenate([f[1] for f in found])


def _read(profile: Floats, inside: NDArray[np.bool_]) -> tuple[Floats, NDArray[np.bool_]]:
    """Positions in profiles, shape (n, k), relative to their middles."""
    slope = np.gradient(profile, _STEP, axis=1)
    n, k = len(profile), len(profile[0])
    rows, middle = np.arange(n), k // 2
    near = round(_NEAR / _STEP)
    first = middle - near + np.argmax(np.abs(slope[:, middle - near : middle + near + 1]), axis=1)
    steep = slope[rows, first]
    rising = np.sign(steep)
    # The bright side is where the values rise to; a ridge falls again there.
    columns = np.arange(k)[None, :]
    gap = (columns - first[:, None]) * rising[:, None] * _STEP
    other = np.where((gap > 0.5) & (gap <= _WIDEST), -slope * rising[:, None], -np.inf)
    second = np.argmax(other, axis=1)
    ridge = other[rows, second] > 0.45 * np.abs(steep)
    # Another slope close by pushes this one aside, and more so the further away it all is: an edge must be alone,
    # and fall off alike on both sides, as blur makes it.
    alone = np.where((np.abs(gap) > _CLEAR) & (np.abs(gap) <= 2 * _CLEAR), np.abs(slope), 0.0).max(axis=1)
    spoilt = ~ridge & ((alone > _ASIDE * np.abs(steep)) | (_lopsided(slope, first) > _ASIDE))
    one = _peak(slope * rising[:, None], first)
    two = _peak(-slope * rising[:, None], second)
    position = np.where(ridge, (one + two) / 2, one)
    good = inside & (np.abs(steep) > _FAINTEST) & ~spoilt
    return np.where(good, (position - middle) * _STEP, np.nan), ridge


def _lopsided(slope: Floats, index: Counts) -> Floats:
    """How differently a slope falls off on both sides of its steepest place, as a share of it."""
    rows = np.arange(len(slope))
    worst = np.zeros(len(slope))
    for away in (1.0, 1.75, 2.5):
        step = round(away / _STEP)
        one, two = (slope[rows, np.clip(index + k, 0, slope.shape[1] - 1)] for k in (-step, step))
        worst = np.maximum(worst, np.abs(one - two))
    return np.asarray(worst / np.maximum(np.abs(slope[rows, index]), 1e-9))


def _peak(values: Floats, index: Counts) -> Floats:
    """The place of a maximum between samples, by the parabola through it and its neighbours."""
    index = np.clip(index, 1, values.shape[1] - 2)
    rows = np.arange(len(values))
    a, b, c = (values[rows, index + d] for d in (-1, 0, 1))
    bend = a - 2 * b + c
    return np.asarray(index + np.where(bend < -1e-9, np.clip((a - c) / (2 * bend - 1e-12), -1, 1), 0.0))


def _traced(
    places: Floats, across: Floats, offsets: Floats, ridges: NDArray[np.bool_], occupied: NDArray[np.float32]
) -> tuple[Floats, bool] | None:
    """The averaged points of one segment, and whether it is painted; None if it is not clean, or known already.

    ``occupied`` holds the angles of the segments that were taken before at every second pixel; this one is added.
    """
    known = np.isfinite(offsets)
    if np.count_nonzero(known) < max(5, 0.5 * len(offsets)):
        return None
    painted = bool(ridges[known].mean() > 0.5)
    kept = known & (ridges == painted)
    along = np.linspace(-1.0, 1.0, len(offsets))
    for limit in (1.5, 0.6):
        if np.count_nonzero(kept) < max(5, 0.5 * len(offsets)):
            return None
        bow = np.polyfit(along[kept], offsets[kept], 2)
        kept = known & (ridges == painted) & (np.abs(offsets - np.polyval(bow, along)) < limit)
    if np.count_nonzero(kept) < max(5, 0.5 * len(offsets)):
        return None
    bow = np.polyfit(along[kept], offsets[kept], 2)
    if float(np.std(offsets[kept] - np.polyval(bow, along[kept]))) > _ROUGH:
        return None
    exact = places[kept] + offsets[kept, None] * across[kept]
    angle = float(np.arctan2(across[0, 1], across[0, 0])) % np.pi
    cells = tuple(np.clip(np.rint(exact[:, ::-1] / 2).astype(int), 1, np.array(occupied.shape) - 2).T)
    there = occupied[cells]
    turn = np.abs((there - angle + np.pi / 2) % np.pi - np.pi / 2)
    if np.count_nonzero(turn < 0.15) > 0.4 * len(exact):
        return None
    for row in (-1, 0, 1):
        for column in (-1, 0, 1):
            occupied[cells[0] + row, cells[1] + column] = angle
    length = float(np.linalg.norm(places[-1] - places[0]))
    bins = int(np.clip(round(length / _BIN), 3, 24))
    number = np.minimum(((along[kept] + 1) / 2 * bins).astype(int), bins - 1)
    counts = np.bincount(number, minlength=bins)
    full = counts > 0
    sums = [np.bincount(number, exact[:, axis], minlength=bins) for axis in (0, 1)]
    return np.column_stack([total[full] / counts[full] for total in sums]), painted
