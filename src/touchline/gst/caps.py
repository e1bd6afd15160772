"""What a frame is: format, size, rate and memory, as caps and as numbers."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from touchline.gst.library import SECOND, Gst, GstVideo

# What goes into one frame, in bytes for a picture of w x h, padded by nothing.
_BYTES = {"NV12": lambda w, h: w * h * 3 // 2, "RGBA": lambda w, h: w * h * 4}
FORMATS = tuple(_BYTES)
_FASTEST = 240  # frames per second; whatever claims more is a time base, not a rate


def packed_bytes(format: str, width: int, height: int) -> int:
    """Bytes of one frame without any padding. Raises ValueError for a format that we do not hold."""
    if format not in _BYTES:
        raise ValueError(f"unknown format {format!r}; known are {', '.join(FORMATS)}")
    return int(_BYTES[format](width, height))


@dataclass(frozen=True)
class VideoCaps:
    """Raw NV12 video.

    Args:
        width, height: in pixels, even.
        fps: frames per second; 0 if the stream does not say.
        colorimetry: GStreamer's name of it.
    """

    width: int
    height: int
    fps: Fraction
    colorimetry: str = "bt709"

    def __post_init__(self) -> None:
        if self.width <= 0 or self.height <= 0 or self.width % 2 or self.height % 2:
            raise ValueError(f"NV12 needs an even size above zero, not {self.width}x{self.height}")
        if self.fps < 0:
            raise ValueError(f"a frame rate can't be negative: {self.fps}")

    def to_gst(self) -> Any:
        """The same as Gst.Caps."""
        return Gst.Caps.from_string(
            f"video/x-raw,format=NV12,width={self.width},height={self.height},"
            f"framerate={self.fps.numerator}/{self.fps.denominator},"
            f"pixel-aspect-ratio=1/1,interlace-mode=progressive,colorimetry={self.colorimetry}"
        )

    @property
    def frame_ns(self) -> int:
        """Duration of a frame in nanoseconds; 0 if the rate is unknown."""
        return round(SECOND / self.fps) if self.fps else 0


@dataclass(frozen=True)
class PlaneLayout:
    """Where the planes of an NV12 frame lie in its memory: row strides and offsets in bytes, and its size."""

    width: int
    height: int
    strides: tuple[int, int]
    offsets: tuple[int, int]
    size: int

    @classmethod
    def from_caps(cls, caps: Any) -> PlaneLayout:
        """The default layout of raw video caps. Raises ValueError for caps that are not NV12."""
        info = GstVideo.VideoInfo.new_from_caps(caps)
        if info is None or info.finfo.format != GstVideo.VideoFormat.NV12:
            raise ValueError(f"not NV12: {caps.to_string() if caps else 'no caps'}")
        return cls(
            info.width,
            info.height,
            (info.stride[0], info.stride[1]),
            (info.offset[0], info.offset[1]),
            info.size,
        )

    def of(self, buffer: Any) -> PlaneLayout:
        """The layout of this very buffer, whose producer may have padded its rows."""
        meta = GstVideo.buffer_get_video_meta(buffer)
        if meta is None:
            return self
        return PlaneLayout(
            meta.width,
            meta.height,
            (meta.stride[0], meta.stride[1]),
            (meta.offset[0], meta.offset[1]),
            buffer.get_size(),
        )


def frame_rate(caps: Any) -> Fraction:
    """Frames per second of video caps, 0 if they do not say, say that it varies, or talk nonsense."""
    found, numerator, denominator = caps.get_structure(0).get_fraction("framerate")
    rate = Fraction(numerator, denominator) if found and numerator > 0 else Fraction(0)
    return rate if 1 <= rate <= _FASTEST else Fraction(0)


def colorimetry(caps: Any) -> str:
    """GStreamer's name of the colorimetry of video caps; bt709 if they do not say."""
    return str(caps.get_structure(0).get_string("colorimetry") or "bt709")
