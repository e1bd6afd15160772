"""What a detector is shown of the held frames: panoramas of a size that it can look at several times a second."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from touchline.geometry import Panorama, Rig
from touchline.gst.caps import PlaneLayout
from touchline.gst.mapping import read_nv12
from touchline.gst.nv12 import Nv12
from touchline.panorama.pair import LightLog, PairLayout
from touchline.panorama.reduce import reduce_luma
from touchline.panorama.warp import node_positions
from touchline.panorama.workers import Workers
from touchline.render.pair_resample import PairResampler

# Wider panoramas are reduced by whole numbers: at this width two cameras see a ball at the far touchline as two
# pixels or three, and a background model of every pixel takes a fifth of a core at eight looks a second.
MOST_WIDTH = 2200


class Overlook(Protocol):
    """Shows held frames to a detector, one at a time, to one thread.

    Attributes:
        panorama: the geometry of what it shows.
        read_only: whether its pictures are the held frames themselves.
    """

    panorama: Panorama
    read_only: bool

    def look(self, buffer: Any) -> AbstractContextManager[Nv12]:
        """The panorama of a held frame, to be read until the context ends."""


def overlook_factor(panorama: Panorama, most_width: int = MOST_WIDTH) -> int:
    """How many of a panorama's pixels, along each axis, make one of those that a detector sees."""
    return max(1, -(-panorama.width // most_width))


def seen_panorama(panorama: Panorama, factor: int) -> Panorama:
    """The geometry of a panorama that was reduced; what fills no whole pair of cells is left out."""
    width, height = (size // (2 * factor) * 2 for size in (panorama.width, panorama.height))
    return panorama.cropped(width * factor, height * factor).scaled(width, height)


class PlainOverlook:
    """Frames in plain memory: as they are, or reduced.

    Args:
        layout: of the held frames.
        panorama: their geometry.
        factor: see :func:`overlook_factor`.
    """

    def __init__(self, layout: PlaneLayout, panorama: Panorama, factor: int) -> None:
        self.panorama = seen_panorama(panorama, factor)
        self._layout = layout
        self._factor = factor
        self.read_only = factor == 1
        self._small = None if factor == 1 else Nv12.empty(self.panorama.width, self.panorama.height)

    @contextmanager
    def look(self, buffer: Any) -> Iterator[Nv12]:
        """See :class:`Overlook`."""
        with read_nv12(buffer, self._layout) as picture:
            if self._small is None:
                yield picture
                return
            reduce_picture(picture, self._factor, self._small)
        yield self._small


class PairOverlook:
    """Pairs in plain memory: what their panorama would show, in one interpolation.

    Args:
        layout: of the held frames.
        rig: the cameras.
        panorama: the geometry of what would be stitched of them.
        factor: see :func:`overlook_factor`.
        lights: what differs in each held pair.
        workers: the threads that do it.
    """

    def __init__(
        self,
        layout: PlaneLayout,
        rig: Rig,
        panorama: Panorama,
        factor: int,
        lights: LightLog,
        workers: Workers,
    ) -> None:
        self.panorama = seen_panorama(panorama, factor)
        self.read_only = False
        self._layout, self._pair, self._lights = layout, PairLayout.of(rig), lights
        width, height = self.panorama.width, self.panorama.height
        self._small = Nv12.empty(width, height)
        self._resampler = PairResampler(rig, width, height, workers)
        across = (self.panorama.yaw_max - self.panorama.yaw_min) / width
        self._resampler.aim(
            self.panorama.rays(*node_positions(width, height)), self._resampler.per_radian * across
        )

    @contextmanager
    def look(self, buffer: Any) -> Iterator[Nv12]:
        """See :class:`Overlook`."""
        with read_nv12(buffer, self._layout) as pair:
            tones = self._resampler.tones(self._lights.at(buffer.pts))
            self._resampler.render(*self._pair.split(pair), tones, self._small)
        yield self._small


def reduce_picture(picture: Nv12, factor: int, out: Nv12) -> None:
    """Writes means of ``factor`` x ``factor`` samples of luma and of chroma.

    Raises:
        ValueError: if ``out`` has not the size of :func:`seen_panorama`.
    """
    wanted = tuple(size // (2 * factor) * 2 for size in (picture.width, picture.height))
    if (out.width, out.height) != wanted:
        raise ValueError(f"the reduced picture must be {wanted[0]}x{wanted[1]}, not {out.width}x{out.height}")
    reduce_luma(picture.y[: out.height * factor, : out.width * factor], factor, out.y)
    chroma: NDArray[np.uint8] = picture.uv[: out.height // 2 * factor, : out.width // 2 * factor]
    cv2.resize(chroma, (out.width // 2, out.height // 2), dst=out.uv, interpolation=cv2.INTER_AREA)
