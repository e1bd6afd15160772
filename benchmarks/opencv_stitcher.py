"""OpenCV's own stitching, step by step as its Stitcher does it, with the rig given: seams and blenders to compare with.

Pictures are remapped into the panorama, equalised in exposure (blocks gain compensator, the Stitcher's default), cut by
a seam that is found at a tenth of a megapixel, and blended. Frames come and go as NV12.
"""

from __future__ import annotations

import math
from typing import Any, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from touchline.geometry import Panorama, Rig
from touchline.gst.nv12 import Nv12
from touchline.panorama.warp import edge_distance

SEAM_PIXELS = 0.1e6
SeamFinder = Literal["graph cut", "dynamic programming"]
Blender = Literal["multi-band", "feather"]


class OpenCvPanorama:
    """Stitches a rig's pictures as OpenCV would.

    Args:
        rig: two cameras.
        panorama: what to make.
        seam: which of its seam finders; both with colours and gradients as cost.
        blender: which of its blenders.
        bands: of the multi-band blender.
        feather: luma samples over which the feather blender fades.
    """

    def __init__(
        self,
        rig: Rig,
        panorama: Panorama,
        seam: SeamFinder,
        blender: Blender,
        bands: int = 5,
        feather: float = 64.0,
    ) -> None:
        self._size = panorama.width, panorama.height
        x, y = np.arange(panorama.width)[None, :], np.arange(panorama.height)[:, None]
        rays = panorama.rays(x, y)
        self._maps, self._masks, self._corners = [], [], []
        for camera in (rig.left, rig.right):
            seen = edge_distance(camera, rays) >= 0
            columns = np.flatnonzero(seen.any(0))
            part = slice(int(columns[0]), int(columns[-1]) + 1)
            places = camera.project(rays[:, part])[0].astype(np.float32)
            maps = cv2.convertMaps(*(np.ascontiguousarray(places[..., k]) for k in (0, 1)), cv2.CV_16SC2)
            self._maps.append(maps)
            self._masks.append(np.where(seen[:, part], 255, 0).astype(np.uint8))
            self._corners.append((part.start, 0))
        self._seam, self._blender = seam, blender
        self._bands, self._feather = bands, feather
        self._cut = self._masks
        self._compensator: Any = cv2.detail.ExposureCompensator_createDefault(
            cv2.detail.EXPOSURE_COMPENSATOR_GAIN_BLOCKS
        )

    def learn(self, left: Nv12, right: Nv12) -> None:
        """Finds exposures and the seam from a pair of pictures."""
        warped = self._warp(left, right)
        self._compensator.feed(self._corners, warped, self._masks)
        scale = min(1.0, math.sqrt(SEAM_PIXELS / (warped[0].shape[0] * warped[0].shape[1])))
        self._equalise(warped)
        small = [
            cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA) for image in warped
        ]
        masks = [cv2.resize(mask, (i.shape[1], i.shape[0]), interpolation=cv2.INTER_NEAREST)
                 for mask, i in zip(self._masks, small, strict=True)]  # fmt: skip
        corners = [(round(cx * scale), 0) for cx, _ in self._corners]
        if self._seam == "graph cut":
            finder: Any = cv2.detail_GraphCutSeamFinder("COST_COLOR_GRAD")
        else:
            finder = cv2.detail_DpSeamFinder("COLOR_GRAD")
        found = finder.find([image.astype(np.float32) for image in small], corners, masks)
        self._cut = []
        for mask, cut in zip(self._masks, found, strict=True):
            thick = cv2.dilate(_array(cut), None)
            whole = cv2.resize(thick, (mask.shape[1], mask.shape[0]), interpolation=cv2.INTER_LINEAR)
            self._cut.append(cv2.bitwise_and(whole, mask))

    def stitch(self, left: Nv12, right: Nv12) -> Nv12:
        """The panorama, under the exposures and the seam that were learnt."""
        warped = self._warp(left, right)
        self._equalise(warped)
        if self._blender == "multi-band":
            blender: Any = cv2.detail_MultiBandBlender(0, self._bands)
        else:
            blender = cv2.detail_FeatherBlender(1.0 / self._feather)
        blender.prepare((0, 0, *self._size))
        for image, mask, corner in zip(warped, self._cut, self._corners, strict=True):
            blender.feed(cv2.UMat(image.astype(np.int16)), mask, corner)
        made, _ = blender.blend(None, None)
        return _nv12(np.clip(_array(made), 0, 255).astype(np.uint8))

    def _warp(self, left: Nv12, right: Nv12) -> list[NDArray[np.uint8]]:
        made = []
        for picture, maps in zip((left, right), self._maps, strict=True):
            bgr = cv2.cvtColorTwoPlane(picture.y, picture.uv, cv2.COLOR_YUV2BGR_NV12)
            made.append(cv2.remap(bgr, *maps, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT))
        return made

    def _equalise(self, warped: list[NDArray[np.uint8]]) -> None:
        for k, image in enumerate(warped):
            warped[k] = _array(self._compensator.apply(k, self._corners[k], image, self._masks[k]))


def _array(image: Any) -> Any:
    return image.get() if isinstance(image, cv2.UMat) else image


def _nv12(bgr: NDArray[np.uint8]) -> Nv12:
    height, width = bgr.shape[:2]
    planes = cv2.cvtColor(bgr, cv2.COLOR_BGR2YUV_I420)
    u, v = planes[height:].reshape(2, height // 2, width // 2)
    return Nv12(planes[:height], np.ascontiguousarray(np.stack([u, v], axis=-1)))
