"""Pairs of pictures from two cameras, for calibration: of each part of the footage's first seconds the best one."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

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
Pair = tuple[Image, Image]

_LOOKS = 4  # moments that are compared for each still
_SMALL = 320  # pixels along the longer side of the pictures that motion is judged by
_PARTS = 4  # along each side, each judged alone
_SHAKEN = 0.004  # of the longer side: a camera that moves more between two looks is being shaken
_FROZEN = 0.05  # mean difference in levels below which a picture is the one before, again


def to_bgr(picture: Picture) -> Image:
    """A picture as BGR, shape (height, width, 3)."""
    with picture.read() as planes:
        return np.asarray(
            cv2.cvtColorTwoPlane(
                np.ascontiguousarray(planes.y), np.ascontiguousarray(planes.uv), cv2.COLOR_YUV2BGR_NV12
            ),
            dtype=np.uint8,
        )


@dataclass(frozen=True)
class Look:
    """How good a pair of pictures is.

    Attributes:
        sharp: product of both pictures' variances of the Laplacian.
        shift: how far the whole of a picture has moved since the look before, as a share of its longer side; the
            worse of both.
        fresh: something has moved since the still before: it shows ground that was hidden then.
    """

    sharp: float
    shift: float = 0.0
    fresh: bool = True

    @property
    def rank(self) -> tuple[bool, bool, float]:
        """For choosing: steady before shaken, fresh before frozen, then the sharpest."""
        return self.shift < _SHAKEN, self.fresh, self.sharp


class Chooser:
    """Looks at pairs of pictures one after the other and keeps the best one of each window of time.

    Args:
        count: how many pairs are wanted.
        window_ns: length of a window.
    """

    def __init__(self, count: int, window_ns: int) -> None:
        self.count = count
        self.stills: list[Pair] = []
        self._window_ns = window_ns
        self._best: tuple[Look, Pair] | None = None
        self._began: int | None = None
        self._due = 0
        self._before: list[NDArray[np.float32]] | None = None
        self._kept: list[NDArray[np.float32]] | None = None

    def wants(self, pts: int) -> bool:
        """True if the pair of that time, ns, should be looked at."""
        return pts >= self._due and len(self.stills) < self.count

    def offer(self, pts: int, pair: Pair) -> None:
        """Looks at a pair."""
        if self._began is not None and pts >= self._began + self._window_ns:
            self.close()
        if self._began is None:
            self._began = pts
        self._due = pts + self._window_ns // _LOOKS
        small = [_small(image) for image in pair]
        look = Look(
            float(np.prod([_sharpness(image) for image in pair])),
            _shift(self._before, small),
            self._kept is None or _difference(self._kept, small) > _FROZEN,
        )
        self._before = small
        if self._best is None or look.rank > self._best[0].rank:
            self._best = look, pair

    def close(self) -> None:
        """Ends the present window."""
        if self._best is not None and len(self.stills) < self.count:
            self.stills.append(self._best[1])
            self._kept = [_small(image) for image in self._best[1]]
        self._best = self._began = None


def take_stills(
    left: SourceUri,
    right: SourceUri,
    *,
    count: int = 8,
    every_s: float = 0.8,
    patience_s: float = 20.0,
    progress: Callable[[int, int], None] | None = None,
) -> list[Pair]:
    """Pairs of BGR pictures of the same moments, one from every ``every_s`` seconds; fewer if the footage is shorter.

    Of each such time the sharpest of a few moments is taken at which no camera shakes and something has moved.

    Raises:
        InputError: if an input can't be opened, or no pair of pictures comes from them.
    """
    feed = CameraFeed((left, right), paced=False)
    chooser = Chooser(count, round(every_s * SECOND))
    try:
        feed.open(system_clock())
        feed.start(system_clock())
        waited = 0.0
        while len(chooser.stills) < count and not feed.finished and waited < patience_s:
            moment = feed.next(0.5)
            waited = 0.0 if moment else waited + 0.5
            pair = _pair(moment) if moment is not None and chooser.wants(moment.pts) else None
            if moment is not None and pair is not None:
                before = len(chooser.stills)
                chooser.offer(moment.pts, pair)
                if progress and len(chooser.stills) > before:
                    progress(len(chooser.stills), count)
        chooser.close()
        if not chooser.stills:
            reason = feed.failure or "no two pictures of the same time came"
            raise InputError(f"{left.shown} and {right.shown}: {reason}")
    finally:
        feed.stop()
    return chooser.stills


def _pair(moment: Moment) -> Pair | None:
    """None while one of two live cameras is lost."""
    left, right = moment.pictures
    return (to_bgr(left), to_bgr(right)) if left and right else None


def _small(image: Image) -> NDArray[np.float32]:
    level = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
    scale = min(1.0, _SMALL / max(level.shape))
    return np.asarray(
        cv2.resize(level, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), dtype=np.float32
    )


def _sharpness(image: Image) -> float:
    level = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
    return float(cv2.Laplacian(level, cv2.CV_32F).var())


def _shift(before: list[NDArray[np.float32]] | None, now: list[NDArray[np.float32]]) -> float:
    """By phase correlation (Kuglin and Hines 1975) of parts, of which most stand still whoever runs through some."""
    if before is None:
        return 0.0
    moved: list[float] = []
    for one, two in zip(before, now, strict=True):
        rows, columns = (n // _PARTS for n in one.shape)
        window = cv2.createHanningWindow((columns, rows), cv2.CV_32F)
        shifts = []
        for row in range(0, rows * _PARTS, rows):
            for column in range(0, columns * _PARTS, columns):
                part = slice(row, row + rows), slice(column, column + columns)
                shifts.append(math.hypot(*cv2.phaseCorrelate(one[part].copy(), two[part].copy(), window)[0]))
        moved.append(float(np.median(shifts)) / max(one.shape))
    return max(moved)


def _difference(before: list[NDArray[np.float32]], now: list[NDArray[np.float32]]) -> float:
    return max(float(np.abs(one - two).mean()) for one, two in zip(before, now, strict=True))
