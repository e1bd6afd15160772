"""How far a fixed camera has turned: what stands still in its picture, found again.

Corners (Shi and Tomasi 1994), spread over the picture, are kept as small patches of the first picture. Later each is
sought near its place by normalised cross-correlation, which a change of light does not disturb. One rotation takes the
directions of those that stand still from there to here: two of them define it, the one that most agree on wins (RANSAC,
Fischler and Bolles 1981), and all of those make it precise (Kabsch 1976). Players, flags and shadows do not agree.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from touchline.geometry import Camera

Floats = NDArray[np.float64]
Luma = NDArray[np.uint8]

HALF = 10  # pixels from a patch's middle to its edge
SEARCH = 12  # how far around its place a patch is sought
_ALIKE = 0.75  # correlation below which it was not found
_CELLS = (10, 6)  # of the picture, across and down
_IN_A_CELL = 3
_PLAIN = 4.0  # levels: patches of a smaller deviation say nothing
_DRAWS = 200  # pairs tried
LEAST = 20  # landmarks that must agree
_LEAST_SHARE = 0.3  # of those that were found
_NEAR_PX = 0.7  # that agree within so much
_COARSE = 4  # the picture is so many times smaller where a knock is sought


@dataclass(frozen=True)
class Turn:
    """A rotation that most of what was found agrees on.

    Attributes:
        rotation: takes directions as they were to what they are now, both as the unturned camera sees them, in the
            rig's frame; shape (3, 3).
        found, agree: how many landmarks were found, and how many of them agree.
        moved_px: median distance in pixels between where those that agree were and are.
    """

    rotation: Floats
    found: int
    agree: int
    moved_px: float


class Landmarks:
    """What stands still in the picture of one camera.

    Args:
        camera: as it stood at the start.
    """

    def __init__(self, camera: Camera) -> None:
        self.camera = camera
        self._rotation: Floats = np.eye(3)  # of the last look
        self._first: Floats = np.eye(3)  # of the pictures that the patches come from
        self._places: Floats = np.empty((0, 2))
        self._patches: list[Luma] = []
        self._small: NDArray[np.float32] | None = None

    def __len__(self) -> int:
        return len(self._patches)

    def learn(self, luma: Luma) -> None:
        """Takes patches out of a picture of the camera as it stands now, as far as the last look knows."""
        self._first = self._rotation
        self._places, self._patches = patches_of(luma)
        self._small = _reduced(luma)

    def look(self, luma: Luma) -> Turn | None:
        """How the camera has turned since the start; None if too little is found again, or too little agrees.

        A turn too far for the search around the old places is sought in the whole picture, by phase correlation
        (Kuglin and Hines 1975).

        Args:
            luma: shape (height, width) of the camera's picture.
        """
        if not self._patches or self._small is None:
            return None
        since = self._rotation @ self._first.T
        turn = self._measure(luma, self._project(self.camera.unproject(self._places) @ since.T))
        if turn is None:
            (across, down), _ = cv2.phaseCorrelate(self._small, _reduced(luma), _window(self._small.shape))
            turn = self._measure(luma, self._places + np.array([across, down]) * _COARSE)
        if turn is not None:
            self._rotation = turn.rotation
        return turn

    def _measure(self, luma: Luma, expected: Floats) -> Turn | None:
        """The turn by what is found near the expected places, shape (n, 2)."""
        found, at = seek(luma, self._patches, expected)
        before, after = self._places[found], at[found]
        rays = self.camera.unproject(before), self.camera.unproject(after)
        fitted = common_rotation(*rays, _NEAR_PX / self.camera.fx)
        if fitted is None:
            return None
        rotation, agree = fitted
        since_start = rotation @ self._first
        # Against the start, not against the pictures that the patches come from.
        then = self._project(rays[0][agree] @ self._first)
        moved = np.linalg.norm(after[agree] - then, axis=1)
        return Turn(since_start, len(before), int(agree.sum()), float(np.median(moved)))

    def _project(self, rays: Floats) -> Floats:
        return self.camera.project(rays)[0]


def patches_of(luma: Luma) -> tuple[Floats, list[Luma]]:
    """Corners of a picture, spread over it, and what is around them.

    Returns:
        Places x, y in whole pixels, shape (n, 2), and patches, shape (2 HALF + 1, 2 HALF + 1) each.
    """
    rows, columns = (
        np.linspace(0, size, cells + 1).astype(int)
        for size, cells in zip(luma.shape, _CELLS[::-1], strict=True)
    )
    places: list[tuple[int, int]] = []
    for top, bottom in itertools.pairwise(rows):
        for left, right in itertools.pairwise(columns):
            cell = np.ascontiguousarray(luma[top:bottom, left:right])
            corners = cv2.goodFeaturesToTrack(cell, _IN_A_CELL, 0.05, HALF)
            for x, y in np.empty((0, 2)) if corners is None else corners.reshape(-1, 2):
                places.append((int(left + round(float(x))), int(top + round(float(y)))))
    kept = []
    patches = []
    for x, y in places:
        if not (HALF <= x < luma.shape[1] - HALF and HALF <= y < luma.shape[0] - HALF):
            continue
        patch = luma[y - HALF : y + HALF + 1, x - HALF : x + HALF + 1]
        if float(patch.std()) >= _PLAIN:
            kept.append((x, y))
            patches.append(patch.copy())
    return np.array(kept, dtype=np.float64).reshape(-1, 2), patches


def seek(luma: Luma, patches: list[Luma], expected: Floats) -> tuple[NDArray[np.bool_], Floats]:
    """Looks for patches near where they are expected, shape (n, 2).

    Returns:
        Which were found, shape (n,), and where, to a fraction of a pixel, shape (n, 2).
    """
    found = np.zeros(len(patches), dtype=np.bool_)
    at = np.zeros((len(patches), 2))
    reach = HALF + SEARCH
    for number, (patch, place) in enumerate(zip(patches, expected, strict=True)):
        if not (
            reach <= place[0] < luma.shape[1] - reach - 1 and reach <= place[1] < luma.shape[0] - reach - 1
        ):
            continue
        x, y = round(float(place[0])), round(float(place[1]))
        window = luma[y - reach : y + reach + 1, x - reach : x + reach + 1]
        scores = cv2.matchTemplate(window, patch, cv2.TM_CCOEFF_NORMED)
        _, best, _, (column, row) = cv2.minMaxLoc(scores)
        if best < _ALIKE or not (0 < column < 2 * SEARCH and 0 < row < 2 * SEARCH):
            continue
        found[number] = True
        at[number] = (
            x - SEARCH + column + _peak(scores[row, column - 1 : column + 2]),
            y - SEARCH + row + _peak(scores[row - 1 : row + 2, column]),
        )
    return found, at


def common_rotation(before: Floats, after: Floats, limit: float) -> tuple[Floats, NDArray[np.bool_]] | None:
    """The rotation, shape (3, 3), that takes most unit vectors ``before`` to those ``after``, shape (n, 3) each.

    Args:
        limit: radians within which one agrees.

    Returns:
        The rotation and which agree, shape (n,); None if they are fewer than 20 or 30 %. The same vectors give the
        same rotation.
    """
    if len(before) < LEAST:
        return None
    rng = np.random.default_rng(1981)
    draws = rng.integers(0, len(before), (_DRAWS, 2))
    draws = draws[draws[:, 0] != draws[:, 1]]
    frames = []
    for rays in (before, after):
        one, two = rays[draws[:, 0]], rays[draws[:, 1]]
        normal = np.cross(one, two)
        normal /= np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-12)
        frames.append(np.stack([one, normal, np.cross(one, normal)], axis=2))
    tried = frames[1] @ frames[0].transpose(0, 2, 1)
    off = np.linalg.norm(np.einsum("mij,nj->mni", tried, before) - after, axis=2)
    rotation = tried[int(np.argmin(np.minimum(off / (2 * limit), 1.0).sum(axis=1)))]
    agree = np.zeros(len(before), dtype=np.bool_)
    for reach in (2 * limit, limit, limit):
        agree = np.linalg.norm(before @ rotation.T - after, axis=1) < reach
        if agree.sum() < max(LEAST, _LEAST_SHARE * len(before)):
            return None
        rotation = _kabsch(before[agree], after[agree])
    return rotation, agree


def between(one: Floats, other: Floats, share: float) -> Floats:
    """The rotation that lies ``share`` (0 .. 1) of the way from one to another."""
    step = Rotation.from_matrix(other @ one.T).as_rotvec() * share
    return np.asarray(Rotation.from_rotvec(step).as_matrix() @ one)


def angle_of(rotation: Floats) -> float:
    """How far a rotation turns, radians."""
    return float(Rotation.from_matrix(rotation).magnitude())


def _kabsch(before: Floats, after: Floats) -> Floats:
    left, _, right = np.linalg.svd(after.T @ before)
    sign = np.sign(np.linalg.det(left @ right))
    return np.asarray(left @ np.diag([1.0, 1.0, sign]) @ right)


def _peak(three: NDArray[np.float32]) -> float:
    """Where the parabola through three values has its top, from the middle one."""
    before, middle, after = (float(v) for v in three)
    bend = before - 2 * middle + after
    return 0.5 * (before - after) / bend if bend < -1e-9 else 0.0


def _reduced(luma: Luma) -> NDArray[np.float32]:
    small = cv2.resize(luma, None, fx=1 / _COARSE, fy=1 / _COARSE, interpolation=cv2.INTER_AREA)
    # Its details: the light of the whole picture says nothing of where it is.
    level = small.astype(np.float32)
    return np.asarray(level - cv2.GaussianBlur(level, (0, 0), 8.0), dtype=np.float32)


def _window(shape: tuple[int, ...]) -> NDArray[np.float32]:
    return np.asarray(cv2.createHanningWindow((shape[1], shape[0]), cv2.CV_32F), dtype=np.float32)
