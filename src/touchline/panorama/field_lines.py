"""White lines on the ground, as great circles: a straight line on the ground is seen along one from anywhere."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

_REACHES = (2, 4, 8)  # pixels to either side of a line's middle at which the ground must be darker
_BRIGHTER = 7.0  # levels
_MOST = 6000  # pixels of lines that are looked at
_DRAWS = 6000  # pairs of them that are tried as lines
_NEAR = math.radians(0.12)
_LEAST = 30  # pixels of a line
_LINES = 60  # at most
_DISTINCT = math.radians(1.0)
_BIN = math.radians(0.5)  # along a line
_CLOSE, _FAR = math.radians(3.0), math.radians(100.0)  # apart of a pair that defines a line


@dataclass(frozen=True)
class GroundLine:
    """A line on the ground.

    Attributes:
        pole: unit vector at right angles to the plane in which it is seen, shape (3,).
        filled: share of its way across the ground on which it is white.
    """

    pole: Floats
    filled: float


def line_pixels(luma: NDArray[np.uint8], ground: Mask) -> Mask:
    """Where thin bright lines are: brighter than what is on both sides, up and down or left and right, and the
    brightest across.

    Args:
        luma: shape (height, width), of a picture without players.
        ground: where to look.
    """
    level = cv2.GaussianBlur(luma.astype(np.float32), (0, 0), 0.7)
    best = np.zeros(luma.shape, dtype=np.bool_)
    for axis in (0, 1):
        ridge = np.full(luma.shape, -1e9, np.float32)
        for reach in _REACHES:
            sides = np.maximum(np.roll(level, reach, axis), np.roll(level, -reach, axis))
            ridge = np.maximum(ridge, level - sides)
        top = (level >= np.roll(level, 1, axis)) & (level > np.roll(level, -1, axis))
        best |= (ridge > _BRIGHTER) & top
    best[[0, -1]] = False
    best[:, [0, -1]] = False
    return best & ground


def ground_lines(rays: Floats, ground: Floats) -> list[GroundLine]:
    """The lines that most pixels of lines lie on.

    Pairs of pixels are drawn, each defines a great circle, and those with the most pixels on them are made precise and
    kept, the best first, none twice. The same rays give the same lines.

    Args:
        rays: unit vectors of pixels of lines, shape (n, 3).
        ground: unit vectors all over the ground, shape (m, 3), evenly spread over the picture.
    """
    if len(rays) < 50:
        return []
    rng = np.random.default_rng(1966)
    if len(rays) > _MOST:
        rays = rays[np.sort(rng.choice(len(rays), _MOST, replace=False))]
    draws = rng.integers(0, len(rays), (_DRAWS, 2))
    one, two = rays[draws[:, 0]], rays[draws[:, 1]]
    apart = np.arccos(np.clip((one * two).sum(axis=1), -1, 1))
    good = (apart > _CLOSE) & (apart < _FAR)
    poles = np.cross(one[good], two[good])
    poles /= np.linalg.norm(poles, axis=1, keepdims=True)
    counts = np.concatenate(
        [(np.abs(part @ rays.T) < _NEAR).sum(axis=1) for part in np.array_split(poles, 8)]
    )
    kept: list[GroundLine] = []
    known = np.empty((0, 3))
    for number in np.argsort(-counts, kind="stable"):
        if counts[number] < _LEAST or len(kept) == _LINES:
            break
        if _among(poles[number], known):
            continue
        pole = _refined(poles[number], rays)
        # What it was drawn as and what it became: neither is looked at again.
        known = np.vstack([known, poles[number]])
        if pole is not None and not _among(pole, known[:-1]):
            known = np.vstack([known, pole])
            kept.append(GroundLine(pole, _filled(pole, rays, ground)))
    return kept


def _among(pole: Floats, known: Floats) -> bool:
    return len(known) > 0 and float(np.abs(known @ pole).max()) > math.cos(_DISTINCT)


def _refined(pole: Floats, rays: Floats) -> Floats | None:
    """The plane through the viewpoint that fits the pixels near it best, in the sense of least squares."""
    for reach in (2 * _NEAR, _NEAR, _NEAR):
        near = rays[np.abs(rays @ pole) < reach]
        if len(near) < 20:
            return None
        pole = np.linalg.svd(near, full_matrices=False)[2][2]
    return np.asarray(pole)


def _filled(pole: Floats, rays: Floats, ground: Floats) -> float:
    """Of the bins along the great circle that lie on the ground, the share that has pixels of the line."""
    aside = np.cross(pole, np.eye(3)[int(np.argmin(np.abs(pole)))])
    aside /= np.linalg.norm(aside)
    ahead = np.cross(pole, aside)

    def bins(of: Floats, reach: float) -> set[int]:
        near = of[np.abs(of @ pole) < reach]
        return set(np.floor(np.arctan2(near @ ahead, near @ aside) / _BIN).astype(int).tolist())

    # The ground's rays are coarser than the line is thin.
    across = bins(ground, math.radians(0.6))
    return len(bins(rays, _NEAR) & across) / max(1, len(across))
