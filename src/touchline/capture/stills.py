"""A few pairs of pictures from two cameras, for calibration: spread over the first seconds of the footage."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from touchline.capture.feeds import CameraFeed
from touchline.capture.frames import Moment, Picture
from touchline.capture.uris import SourceUri
from touchline.errors import InputError
from touchline.gst.library import SECOND
from touchline.gst.pipelines import system_clock

Image = NDArray[np.uint8]


def to_bgr(picture: Picture) -> Image:
    """A picture as BGR, shape (height, width, 3)."""
    with picture.read() as planes:
        return np.asarray(
            cv2.cvtColorTwoPlane(
                np.ascontiguousarray(planes.y), np.ascontiguousarray(planes.uv), cv2.COLOR_YUV2BGR_NV12
            ),
            dtype=np.uint8,
        )


def take_stills(
    left: SourceUri,
    right: SourceUri,
    *,
    count: int = 6,
    every_s: float = 1.0,
    patience_s: float = 20.0,
    progress: Callable[[int, int], None] | None = None,
) -> list[tuple[Image, Image]]:
    """Pairs of BGR pictures of the same moments, ``every_s`` seconds apart; fewer if the footage is shorter.

    Raises:
        InputError: if an input can't be opened, or no pair of pictures comes from them.
    """
    feed = CameraFeed((left, right), paced=False)
    stills: list[tuple[Image, Image]] = []
    try:
        feed.open(system_clock())
        feed.start(system_clock())
        due, waited = 0, 0.0
        while len(stills) < count and not feed.finished and waited < patience_s:
            moment = feed.next(0.5)
            waited = 0.0 if moment else waited + 0.5
            pair = _pair(moment) if moment is not None and moment.pts >= due else None
            if moment is not None and pair is not None:
                stills.append(pair)
                due = moment.pts + round(every_s * SECOND)
                if progress:
                    progress(len(stills), count)
        if not stills:
            reason = feed.failure or "no two pictures of the same time came"
            raise InputError(f"{left.shown} and {right.shown}: {reason}")
    finally:
        feed.stop()
    return stills


def _pair(moment: Moment) -> tuple[Image, Image] | None:
    """None while one of two live cameras is lost."""
    left, right = moment.pictures
    return (to_bgr(left), to_bgr(right)) if left and right else None
