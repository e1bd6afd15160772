"""Points that both cameras see: SIFT features, matched both ways, pooled over time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Image = NDArray[np.uint8]

_LONGEST_SIDE = 2000  # larger pictures are halved for the search: features that fine are noise
_FEATURES = 4500
_RATIO = 0.8  # Lowe (2004), section 7.1
_SAME = 3.0  # matches of two frames closer than this many pixels at both ends are one


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


def find_matches(pairs: Sequence[tuple[Image, Image]]) -> Matches:
    """Matches of all pairs together; what stands still and is found in each of them counts once.

    Args:
        pairs: pictures of the left and the right camera taken at the same time; grey or BGR, uint8.
    """
    found = [match_pair(left, right) for left, right in pairs]
    left, right = (np.concatenate([getattr(m, side) for m in found]) for side in ("left", "right"))
    return _merged(Matches(left, right)) if len(found) > 1 else Matches(left, right)


def match_pair(left: Image, right: Image) -> Matches:
    """Matches of one pair: nearest neighbours in both directions, clearly nearer than the second (Lowe's ratio)."""
    places, descriptors = zip(*(_features(image) for image in (left, right)), strict=True)
    if min(len(p) for p in places) < 2:
        return Matches(np.empty((0, 2)), np.empty((0, 2)))
    distances = cv2.BFMatcher(cv2.NORM_L2)
    there = _clear_best(distances.knnMatch(descriptors[0], descriptors[1], k=2))
    back = _clear_best(distances.knnMatch(descriptors[1], descriptors[0], k=2))
    both = [(a, b) for a, b in there.items() if back.get(b) == a]
    picks = np.array(both, dtype=np.intp).reshape(-1, 2)
    return Matches(places[0][picks[:, 0]], places[1][picks[:, 1]])


def _clear_best(found: Any) -> dict[int, int]:
    return {
        best.queryIdx: best.trainIdx
        for best, second in (f for f in found if len(f) == 2)
        if best.distance < _RATIO * second.distance
    }


def _features(image: Image) -> tuple[Floats, NDArray[np.float32]]:
    """Positions in full-size pixels, and RootSIFT descriptors (Arandjelovic and Zisserman 2012)."""
    grey = image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
    scale = 1
    while max(grey.shape) > _LONGEST_SIDE * scale:
        scale *= 2
    if scale > 1:
        grey = cv2.resize(grey, None, fx=1 / scale, fy=1 / scale, interpolation=cv2.INTER_AREA)
    keys, descriptors = cv2.SIFT.create(_FEATURES, contrastThreshold=0.015).detectAndCompute(grey, None)
    if descriptors is None:
        return np.empty((0, 2)), np.empty((0, 128), np.float32)
    places = (np.array([key.pt for key in keys], dtype=np.float64) + 0.5) * scale - 0.5
    total = np.maximum(descriptors.sum(axis=1, keepdims=True), 1e-6)
    return places, np.sqrt(descriptors / total)


def _merged(matches: Matches) -> Matches:
    """Means of matches that are the same within a few pixels: exact, as what stands still has one place."""
    cells: dict[tuple[int, ...], list[int]] = {}
    both = np.hstack([matches.left, matches.right])
    for number, cell in enumerate(map(tuple, np.floor(both / _SAME).astype(int).tolist())):
        cells.setdefault(cell, []).append(number)
    means = np.array([both[members].mean(axis=0) for members in cells.values()]).reshape(-1, 4)
    return Matches(means[:, :2], means[:, 2:])
