"""What is shown in place of a camera that is lost."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from touchline.gst.nv12 import Nv12

_BLACK = 16
_GREY = 128


class StandIn(Nv12):
    """A picture that is shown like any other, but says nothing about its camera: nobody may learn from it."""

    __slots__ = ()


def black(width: int, height: int) -> StandIn:
    """Nothing at all. Raises ValueError for a size that NV12 can't have."""
    picture = StandIn(*Nv12.empty(width, height))
    picture.fill(_BLACK, _GREY, _GREY)
    return picture


def dimmed(picture: Nv12) -> StandIn:
    """A copy with a quarter of its light and of its colour, in arrays of its own."""
    made = StandIn(*Nv12.empty(picture.width, picture.height))
    cv2.LUT(picture.y, _quarter_about(_BLACK), dst=made.y)
    cv2.LUT(picture.uv, _quarter_about(_GREY), dst=made.uv)
    return made


def _quarter_about(level: int) -> NDArray[np.uint8]:
    levels = np.arange(256, dtype=np.float64)
    return np.asarray(np.rint(level + (levels - level) / 4), dtype=np.uint8)
