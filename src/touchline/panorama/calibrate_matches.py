"""Points that both cameras see: SIFT features spread over the pictures, matched both ways, of what stands still."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from touchline.panorama.calibrate_still import Image, grey, halvings

Floats = NDArray[np.float64]

_FEATURES = 4500
_CELLS = 24  # along the longer side; each cell of a picture gives at most so many features:
_PER_CELL = 40
_RATIO = 0.8  # Lowe (2004), section 7.1
_SAME = 3.0  # matches of two frames closer than this many pixels at both ends are one
_ENOUGH = 150  # matches of what stands still; with fewer, what moves counts too
_HELD_OUT_CELL = 16.0  # pixels: neighbours are held out together


@dataclass(frozen=True)
class Matches:
    """Pixel positions x, y of the same things in both pictures, shape (n, 2) each."""

    left: Floats
    right: Floats

    def __len__(self) -> int:
        return len(self.left)

    def where(self, mask: NDArray[Any]) -> Matches:
        """Those that a mask or a list of numbers picks."""
        return Matches(self.left[mask], self.right[mask])

    @classmethod
    def none(cls) -> Matches:
        return cls(np.empty((0, 2)), np.empty((0, 2)))

    @classmethod
    def pooled(cls, found: Sequence[Matches]) -> Matches:
        """All of several sets; what is the same within a few pixels in several of them counts once."""
        if not found:
            return cls.none()
        both = np.hstack([np.concatenate([getattr(m, side) for m in found]) for side in ("left", "right")])
        cells: dict[tuple[int, ...], list[int]] = {}
        for number, cell in enumerate(map(tuple, np.floor(both / _SAME).astype(int).tolist())):
            cells.setdefault(cell, []).append(number)
        # Means are exact: what stands still has one place.
        means = np.array([both[members].mean(axis=0) for members in cells.values()]).reshape(-1, 4)
        return cls(means[:, :2], means[:, 2:])


@dataclass(frozen=True)
class Features:
    """What a picture shows at its corners and blobs.

    Attributes:
        places: pixel coordinates x, y, shape (n, 2).
        descriptors: RootSIFT (Arandjelovic and Zisserman 2012), float32, shape (n, 128).
    """

    places: Floats
    descriptors: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.places)


def features(image: Image) -> Features:
    """SIFT features (Lowe 2004) of a grey or BGR picture, the strongest of each part of it.

    The strongest of all would sit in the trees and the stand; a seam crosses the grass too.
    """
    picture, scale = halvings(grey(image))
    # Without the precise upscaling OpenCV's places are a quarter of a pixel off.
    sift = cv2.SIFT.create(0, contrastThreshold=0.006, enable_precise_upscale=True)
    keys = sift.detect(picture, None)
    if not keys:
        return Features(np.empty((0, 2)), np.empty((0, 128), np.float32))
    places = np.array([key.pt for key in keys], dtype=np.float64)
    kept = strongest_of_cells(places, np.array([key.response for key in keys]), picture.shape[:2])
    keys, descriptors = sift.compute(picture, [keys[k] for k in kept])
    places = (np.array([key.pt for key in keys], dtype=np.float64).reshape(-1, 2) + 0.5) * scale - 0.5
    total = np.maximum(descriptors.sum(axis=1, keepdims=True), 1e-6)
    return Features(places, np.sqrt(descriptors / total))


def strongest_of_cells(places: Floats, strength: Floats, shape: tuple[int, ...]) -> NDArray[np.intp]:
    """Numbers of at most 40 places in each cell of a picture, and of at most 4500 in all, strongest first."""
    size = max(shape) / _CELLS
    cells = np.floor(places / size).astype(int)
    order = np.argsort(-strength, kind="stable")
    seen: dict[tuple[int, int], int] = {}
    kept = []
    for number in order:
        cell = (int(cells[number, 0]), int(cells[number, 1]))
        seen[cell] = seen.get(cell, 0) + 1
        if seen[cell] <= _PER_CELL:
            kept.append(int(number))
    return np.array(kept[:_FEATURES], dtype=np.intp)


def match_features(left: Features, right: Features) -> Matches:
    """Nearest neighbours in both directions, clearly nearer than the second (Lowe's ratio)."""
    if min(len(left), len(right)) < 2:
        return Matches.none()
    alike = left.descriptors @ right.descriptors.T  # unit vectors: the nearest has the largest product
    there, back = _clear_best(alike), _clear_best(alike.T)
    here = np.nonzero(there >= 0)[0]
    here = here[back[there[here]] == here]
    return Matches(left.places[here], right.places[there[here]])


def match_pair(left: Image, right: Image) -> Matches:
    """Matches of one pair of pictures; see :func:`match_features`."""
    return match_features(features(left), features(right))


def match_near(left: Features, right: Features, expected: Floats, reach: float) -> Matches:
    """Matches where a rig says that they are: the most alike within ``reach`` pixels, found so both ways.

    On grass and in stands everything looks like something far away; near where it should be it is unique.

    Args:
        left, right: features of both pictures.
        expected: where the rig puts each of the left features in the right picture, shape (n, 2); nan: nowhere.
        reach: pixels.
    """
    here = np.nonzero(np.isfinite(expected).all(axis=1))[0]
    if not len(here) or len(right) < 2:
        return Matches.none()
    close = cKDTree(expected[here]).sparse_distance_matrix(
        cKDTree(right.places), reach, output_type="ndarray"
    )
    one, two = here[close["i"]], close["j"]
    apart = np.linalg.norm(left.descriptors[one] - right.descriptors[two], axis=1)
    kept = apart < 0.6  # unrelated descriptors are about 1.0 apart
    one, two, apart = one[kept], two[kept], apart[kept]
    best_there, best_back = _first_of(one, apart), _first_of(two, apart)
    picks = np.intersect1d(best_there, best_back)
    return Matches(left.places[one[picks]], right.places[two[picks]])


def _first_of(owner: NDArray[np.intp], cost: Floats) -> NDArray[np.intp]:
    """The number of the cheapest entry of each owner."""
    order = np.lexsort((cost, owner))
    first = np.unique(owner[order], return_index=True)[1]
    return np.asarray(order[first])


def _clear_best(alike: NDArray[np.float32]) -> NDArray[np.intp]:
    """For each row the column of the largest product if it is clearly larger than the second; -1 if not."""
    rows = np.arange(len(alike))
    best = np.argmax(alike, axis=1)
    first = alike[rows, best]
    rest = alike.copy()
    rest[rows, best] = -np.inf
    second = rest.max(axis=1)
    # Squared distances are 2 - 2 x product.
    clear = 1 - first < _RATIO * _RATIO * (1 - second)
    return np.where(clear, best, -1)


def find_matches(
    stills: tuple[Image, Image], pairs: Sequence[tuple[Image, Image]], seen: tuple[Features, Features]
) -> tuple[Matches, bool]:
    """Matches of what stands still; where that is too little, of what moves too.

    Args:
        stills: what stands still in the left and in the right picture.
        pairs: the pictures themselves, of the same moments.
        seen: features of the stills.

    Returns:
        The matches, and whether some of them may be of things that move.
    """
    still = match_features(*seen)
    if len(still) >= _ENOUGH or len(pairs) < 2:
        return still, False
    return Matches.pooled([still, *(match_pair(*pair) for pair in pairs)]), True


def held_out(matches: Matches, one_in: int = 5) -> NDArray[np.bool_]:
    """A mask of about one match in five to check a rig with, chosen by place, so that neighbours go together."""
    cells = np.floor(matches.left / _HELD_OUT_CELL).astype(np.int64)
    mixed = (cells[:, 0] * 73856093) ^ (cells[:, 1] * 19349663)
    return np.asarray((mixed // 7) % one_in == 0)


def spread_over(places: Floats, count: int, cell: float) -> NDArray[np.intp]:
    """Numbers of at most ``count`` places, taken in turn from cells of ``cell`` pixels, so that none outvotes."""
    if len(places) <= count:
        return np.arange(len(places))
    cells = np.floor(places / cell).astype(np.int64)
    _, owner = np.unique(cells, axis=0, return_inverse=True)
    owner = owner.ravel()
    order = np.argsort(owner, kind="stable")
    starts = np.r_[0, np.nonzero(np.diff(owner[order]))[0] + 1]
    rank = np.arange(len(places)) - np.repeat(starts, np.diff(np.r_[starts, len(places)]))
    return np.sort(order[np.argsort(rank, kind="stable")[:count]])
