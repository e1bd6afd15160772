"""How well the two pictures fit where both cameras see the same: the reprojection error, as time goes by."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from touchline.geometry import Panorama, Rig, angles_to_rays, rays_to_angles
from touchline.panorama.landmarks import HALF, SEARCH, common_rotation, patches_of, seek
from touchline.panorama.warp import edge_distance

Floats = NDArray[np.float64]
Luma = NDArray[np.uint8]

_NEAR_PX = 1.0  # matches that agree on one rotation within so much
_STEP_DEG = 0.5  # of the grid by which the overlap is sought
_LEAST_SIDE = 4 * HALF  # pixels that both see, across and down
_ROOM = HALF + SEARCH + 2  # pixels around, so that what lies at the rim can be sought too
_RIM = HALF // 2  # pixels from a picture's edge within which nothing is compared


@dataclass(frozen=True)
class Fit:
    """How two pictures fit.

    Attributes:
        rotation: takes directions as the left camera tells them to those that the right one tells, in the rig's
            frame, shape (3, 3): the identity for a rig that is right.
        error_px: median reprojection error of the matches that agree.
        agree: how many those are.
    """

    rotation: Floats
    error_px: float
    agree: int


class Overlap:
    """Compares the pictures of two cameras in the part of the sphere that both see.

    Args:
        rig: the cameras as they are taken to stand.
    """

    def __init__(self, rig: Rig) -> None:
        self.panorama = _seen_by_both(rig)
        self._maps: list[tuple[NDArray[np.float32], NDArray[np.float32]]] = []
        self._sizes = [(camera.height, camera.width) for camera in (rig.left, rig.right)]
        self._outside: NDArray[np.bool_] = np.empty((0, 0), dtype=np.bool_)
        if self.panorama is None:
            return
        x, y = np.arange(self.panorama.width)[None, :], np.arange(self.panorama.height)[:, None]
        rays = self.panorama.rays(x, y)
        for camera in (rig.left, rig.right):
            pixels = np.clip(camera.project(rays)[0], -10, 32000).astype(np.float32)
            self._maps.append((np.ascontiguousarray(pixels[..., 0]), np.ascontiguousarray(pixels[..., 1])))
        self._outside = np.minimum(edge_distance(rig.left, rays), edge_distance(rig.right, rays)) < _RIM

    @property
    def rays(self) -> Floats:
        """Directions all over the overlap, shape (n, 3); none without one."""
        if self.panorama is None:
            return np.empty((0, 3))
        x, y = np.arange(0, self.panorama.width, 12), np.arange(0, self.panorama.height, 12)
        return self.panorama.rays(x[None, :], y[:, None])[~self._outside[::12, ::12]]

    def compare(self, left: Luma, right: Luma, expected: Floats | None = None) -> Fit | None:
        """How a pair fits; None where too little is seen by both, or looks alike.

        Args:
            left, right: luma of the rig's sizes.
            expected: a rotation as :attr:`Fit.rotation`, shape (3, 3), that is tried if nothing fits near the identity.
        """
        if self.panorama is None:
            return None
        one, two = (
            cv2.remap(luma, *maps, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
            for luma, maps in zip((left, right), self._maps, strict=True)
        )
        places, patches = patches_of(one)
        kept = np.nonzero(~self._outside[tuple(places.astype(int).T[::-1])])[0]
        places, patches = places[kept], [patches[number] for number in kept]
        fit = self._fit(two, places, patches, places)
        if fit is None and expected is not None:
            turned = self.panorama.rays(*places.T) @ expected.T
            fit = self._fit(
                two, places, patches, np.column_stack(self.panorama.angles_to_pixels(*rays_to_angles(turned)))
            )
        return fit

    def _fit(self, two: Luma, places: Floats, patches: list[Luma], expected: Floats) -> Fit | None:
        """By patches from ``places``, shape (n, 2), that are sought near where they are expected."""
        assert self.panorama is not None
        found, at = seek(two, patches, expected)
        before, after = (self.panorama.rays(*points[found].T) for points in (places, at))
        per_radian = self.panorama.width / (self.panorama.yaw_max - self.panorama.yaw_min)
        fitted = common_rotation(before, after, _NEAR_PX / per_radian)
        if fitted is None:
            return None
        rotation, agree = fitted
        apart = np.linalg.norm(after[agree] - before[agree], axis=1) * per_radian
        return Fit(rotation, float(np.median(apart)), int(agree.sum()))


def _seen_by_both(rig: Rig) -> Panorama | None:
    """The box around what both cameras see, as fine as the left one is; None if that is hardly anything."""
    step = math.radians(_STEP_DEG)
    yaw, pitch = np.arange(-math.pi, math.pi, step), np.arange(-1.4, 1.4, step)
    rays = angles_to_rays(yaw[None, :], pitch[:, None])
    both = np.minimum(edge_distance(rig.left, rays), edge_distance(rig.right, rays)) > 2
    if not both.any():
        return None
    columns, rows = np.nonzero(both.any(axis=0))[0], np.nonzero(both.any(axis=1))[0]
    limits = [float(a) for a in (yaw[columns[0]], yaw[columns[-1]], pitch[rows[0]], pitch[rows[-1]])]
    room = _ROOM / rig.left.fx
    if min(limits[1] - limits[0], limits[3] - limits[2]) * rig.left.fx < _LEAST_SIDE:
        return None
    limits = [limit + room * side for limit, side in zip(limits, (-1, 1, -1, 1), strict=True)]
    width, height = (round((high - low) * rig.left.fx / 2) * 2 for low, high in (limits[:2], limits[2:]))
    return Panorama("equirectangular", width, height, *limits)
