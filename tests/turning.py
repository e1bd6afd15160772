"""The synthetic match filmed by cameras that do not stay where they were."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import lru_cache

import cv2
import numpy as np

from touchline.geometry import Camera, rotation_from_angles
from touchline.gst.nv12 import Nv12
from touchline.synth import SyntheticMatch

SIZE = (960, 540)
FPS = 30


@lru_cache(maxsize=1)
def the_match() -> SyntheticMatch:
    return SyntheticMatch(5, SIZE)


def turned(camera: Camera, yaw_px: float = 0.0, pitch_px: float = 0.0, roll_deg: float = 0.0) -> Camera:
    """The camera turned about its own axes: by so many pixels of its picture's middle, and by degrees of roll."""
    own = rotation_from_angles(yaw_px / camera.fx, pitch_px / camera.fy, math.radians(roll_deg))
    return camera.rotated(own @ camera.rotation)


@dataclass
class Cameras:
    """Films the match with cameras that are turned as asked; what they see beside their true picture is its edge.

    Attributes:
        match: what is filmed.
    """

    match: SyntheticMatch = field(default_factory=the_match)
    _maps: dict[object, tuple[np.ndarray, np.ndarray]] = field(default_factory=dict)

    def luma(
        self, seconds: float, left: Camera | None = None, right: Camera | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Luma of both cameras, shape (height, width) each."""
        planes = Nv12.empty(*SIZE), Nv12.empty(*SIZE)
        self.match.draw(round(seconds * FPS), *planes)
        true = self.match.rig.left, self.match.rig.right
        return tuple(  # type: ignore[return-value]
            one.y.copy() if now is None else self._seen(one.y, before, now)
            for one, before, now in zip(planes, true, (left, right), strict=True)
        )

    def _seen(self, luma: np.ndarray, before: Camera, now: Camera) -> np.ndarray:
        key = (before, now)
        if key not in self._maps:
            self._maps = {key: _places(before, now)}
        return cv2.remap(luma, *self._maps[key], cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)


def _places(before: Camera, now: Camera) -> tuple[np.ndarray, np.ndarray]:
    """Where in the picture of a camera the same things are that it would see if it stood otherwise."""
    y, x = np.mgrid[0 : now.height, 0 : now.width].astype(float)
    places = before.project(now.unproject(np.stack([x, y], axis=-1)))[0].astype(np.float32)
    return places[..., 0].copy(), places[..., 1].copy()


def seen_by(picture: Nv12, before: Camera, now: Camera) -> Nv12:
    """The picture of a camera as it would be if it stood otherwise."""
    x, y = _places(before, now)
    edge = {"interpolation": cv2.INTER_CUBIC, "borderMode": cv2.BORDER_REPLICATE}
    halved = ((places[::2, ::2] + places[1::2, 1::2]) / 2 for places in (x, y))
    small = [(places - 0.5) / 2 for places in halved]
    return Nv12(cv2.remap(picture.y, x, y, **edge), cv2.remap(picture.uv, *small, **edge))


def misalignment_px(shown: tuple[Camera, Camera], real: tuple[Camera, Camera], rays: np.ndarray) -> float:
    """How far apart, in pixels, the two pictures of the same things are laid: the median over directions.

    Args:
        shown: the cameras of the rig that is shown.
        real: as they stand.
        rays: directions in the real world that both see, shape (n, 3).
    """
    laid = []
    for told, true in zip(shown, real, strict=True):
        laid.append(told.unproject(true.project(rays)[0]))
    return float(np.median(np.linalg.norm(laid[0] - laid[1], axis=1))) * shown[0].fx
