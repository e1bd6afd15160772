"""What a capture delivers: pictures of one moment, one from each camera."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Protocol

from touchline.gst.caps import PlaneLayout
from touchline.gst.domains import Domain, SystemDomain
from touchline.gst.nv12 import Nv12


class Picture(Protocol):
    """A captured picture whose memory may belong to a decoder."""

    def read(self) -> AbstractContextManager[Any]:
        """Its planes, read-only, for as long as the ``with`` lasts: an Nv12, or what stands for it in other memory."""


@dataclass(frozen=True)
class BufferPicture:
    """A picture in a GstBuffer, in the memory of a domain."""

    buffer: Any
    layout: PlaneLayout
    domain: Domain = SystemDomain()  # noqa: RUF009 - has no state

    def read(self) -> AbstractContextManager[Any]:
        return self.domain.reading(self.buffer, self.layout)


@dataclass(frozen=True)
class PlainPicture:
    """A picture in plain arrays."""

    planes: Nv12

    def read(self) -> AbstractContextManager[Nv12]:
        return nullcontext(self.planes)


@dataclass(frozen=True)
class CapturedFrame:
    """One picture of one camera.

    Attributes:
        picture: the pixels.
        pts: running time of the capture, ns.
        duration: ns; 0 if unknown.
    """

    picture: Picture
    pts: int
    duration: int


@dataclass(frozen=True)
class Moment:
    """The pictures of all cameras at one time.

    Attributes:
        pts: of the first camera's picture that is there, ns.
        duration: ns; 0 if unknown.
        pictures: from left to right; None for a camera that is lost. One at least is there.
    """

    pts: int
    duration: int
    pictures: tuple[Picture | None, ...]


@dataclass(frozen=True)
class SourceInfo:
    """What a source delivers.

    Attributes:
        width, height: in pixels.
        fps: frames per second; 0 if the stream does not say.
        live: it does not wait for us.
        duration_s: seconds; 0 if unknown or without end.
        colorimetry: GStreamer's name of it.
        frame_bytes: of memory that one of its pictures takes, padding and all; 0 if unknown.
    """

    width: int
    height: int
    fps: Fraction
    live: bool = False
    duration_s: float = 0.0
    colorimetry: str = "bt709"
    frame_bytes: int = 0
