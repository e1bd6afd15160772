"""Codecs for frames that wait as a bitstream: the best pair of encoder and decoder that works here.

Whatever the codec, it must not reorder: every frame depends on earlier ones only, and comes out of the decoder
without a later one. The rate is held by the encoder (VBV), so that the bytes of a window are known beforehand.

x264 and OpenH264 have been run; the hardware codecs of the table (NVENC, a Jetson's, VA-API, V4L2) have not: they are
chosen only after a trial at the size in question, which sends a picture through both halves and looks at it.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from touchline.errors import ConfigurationError
from touchline.gst.caps import VideoCaps, packed_bytes
from touchline.gst.domains import Domain
from touchline.gst.elements import available, has_property, make, set_property
from touchline.gst.library import Gst

FALLBACK_FPS = 30  # where the caps do not say
_BUFFER_S = 0.5  # of the rate: what the encoder may run ahead of it for a while
_LEAST_BYTES = 1000  # a frame's headers alone take some, however small it is
_CORES = min(4, os.cpu_count() or 1)  # more slices than that cost bits and gain little
_STREAMS = {
    "h264": "video/x-h264,stream-format=byte-stream,alignment=au",
    "h265": "video/x-h265,stream-format=byte-stream,alignment=au",
}


@dataclass(frozen=True)
class EncodingSettings:
    """What may be chosen of frames that wait as a bitstream.

    Args:
        factory: GStreamer's name of an encoder of :data:`KNOWN_ENCODERS`; by default the best that works here.
        ratio: bytes of an NV12 frame over those of an encoded one, 4 to 500.
        key_every: frames from one key frame to the next, 1 to 600: a dump or a replay begins at one.
        threads: of a codec on the CPU; 0: as many as there are cores, at most four.

    Raises:
        ConfigurationError: for numbers that make no sense.
    """

    factory: str | None = None
    ratio: float = 50.0
    key_every: int = 15
    threads: int = 0

    def __post_init__(self) -> None:
        if not (math.isfinite(self.ratio) and 4 <= self.ratio <= 500):
            raise ConfigurationError(f"encoded frames can be 1/4 to 1/500 of raw ones, not 1/{self.ratio:g}")
        if not 1 <= self.key_every <= 600:
            raise ConfigurationError(f"key frames must be 1 to 600 frames apart, not {self.key_every}")
        if not 0 <= self.threads <= 64:
            raise ConfigurationError(f"a codec can have 0 to 64 threads, not {self.threads}")


@dataclass(frozen=True)
class Codec:
    """A pair of encoder and decoder, for one kind of frames.

    Args:
        encoder, decoder: GStreamer's names of them.
        stream: ``h264`` or ``h265``.
        caps: the frames.
        settings: what was chosen.
        holds: the most frames that either half may keep before the first comes out.
        domain: whose memory the frames lie in; None: plain memory.
    """

    encoder: str
    decoder: str
    stream: str
    caps: VideoCaps
    settings: EncodingSettings
    holds: int
    domain: Domain | None = None

    def __str__(self) -> str:
        every = self.settings.key_every
        return (
            f"{self.encoder} and {self.decoder}, 1/{self.settings.ratio:g} of NV12, key frame every {every}"
        )

    @property
    def raw_caps(self) -> Any:
        """Gst.Caps of the frames; they always say a rate, for the encoder reckons its bits by it."""
        caps = _with_rate(self.caps).to_gst()
        if self.domain is not None and self.domain.feature is not None:
            caps.set_features_simple(Gst.CapsFeatures.from_string(self.domain.feature))
        return caps

    @property
    def stream_caps(self) -> Any:
        """Gst.Caps of the bitstream: whole access units, parameter sets before every key frame."""
        return Gst.Caps.from_string(_STREAMS[self.stream])

    def encoder_elements(self) -> list[Any]:
        """From NV12 where the frames lie to :attr:`stream_caps`. Raises MissingElementError."""
        row = next(row for row in _ENCODERS if row.factory == self.encoder)
        encoder = _configured(row.factory, row.properties(_Rate.of(self.caps, self.settings)), "encoder")
        parser = make(f"{self.stream}parse", config_interval=-1)
        return [*_chain(row.before), encoder, parser, make("capsfilter", caps=self.stream_caps)]

    def decoder_elements(self) -> list[Any]:
        """From :attr:`stream_caps` to NV12 or I420 where the frames lie. Raises MissingElementError."""
        row = _DECODERS[self.decoder]
        decoder = _configured(self.decoder, row.properties(self.settings.threads or _CORES), "decoder")
        there = self.domain is not None and self.domain.feature is not None
        after = (f"video/x-raw({self.domain.feature}),format=NV12",) if there and self.domain else row.after
        return [make(f"{self.stream}parse"), decoder, *_chain(after)]


def encoded_frame_bytes(caps: VideoCaps, settings: EncodingSettings) -> int:
    """Bytes of one encoded frame in the mean over a window, as the memory plan reckons them."""
    return max(_LEAST_BYTES, math.ceil(packed_bytes("NV12", caps.width, caps.height) / settings.ratio))


def encoded_burst_bytes(caps: VideoCaps, settings: EncodingSettings) -> int:
    """Bytes that a window of any length may take beyond its mean: the encoder's rate buffer, once."""
    frames = math.ceil(float(_with_rate(caps).fps) * _BUFFER_S)
    return frames * encoded_frame_bytes(caps, settings)


def encoded_window_bytes(caps: VideoCaps, settings: EncodingSettings, frames: int) -> int:
    """Bytes that so many encoded frames take at the most; an :class:`EncodingWorker` never holds more."""
    return frames * encoded_frame_bytes(caps, settings) + encoded_burst_bytes(caps, settings)


def codecs_to_try(caps: VideoCaps, settings: EncodingSettings, domain: Domain | None = None) -> list[Codec]:
    """Every pair of the table that GStreamer has here, hardware first.

    Args:
        caps: of the frames.
        settings: what is wanted.
        domain: whose memory they lie in, and are to come back to; None: plain memory. Of another one those pairs are
            left out of which either half would need them elsewhere.

    Raises:
        ConfigurationError: for an encoder that is not in the table.
    """
    if settings.factory is not None and settings.factory not in KNOWN_ENCODERS:
        raise ConfigurationError(
            f"unknown encoder {settings.factory!r} for holding; known are {', '.join(KNOWN_ENCODERS)}"
        )
    feature = domain.feature if domain is not None else None
    return [
        Codec(row.factory, decoder, row.stream, caps, settings, row.holds, domain)
        for row in _ENCODERS
        if settings.factory in (None, row.factory) and available(row.factory)
        if feature is None or feature == row.feature
        for decoder in row.decoders
        if available(decoder) and (feature is None or feature == _DECODERS[decoder].feature)
    ]


@dataclass(frozen=True)
class _Rate:
    """What an encoder is told, in the units that encoders differ in."""

    kbps: int
    buffer_ms: int
    gop: int
    threads: int

    @classmethod
    def of(cls, caps: VideoCaps, settings: EncodingSettings) -> _Rate:
        # Rounded down: what the plan has is never exceeded.
        kbps = int(encoded_frame_bytes(caps, settings) * 8 * float(_with_rate(caps).fps) / 1000)
        return cls(kbps, int(_BUFFER_S * 1000), settings.key_every, settings.threads or _CORES)

    @property
    def bps(self) -> int:
        return self.kbps * 1000

    @property
    def buffer_kbit(self) -> int:
        return self.kbps * self.buffer_ms // 1000


@dataclass(frozen=True)
class _Encoder:
    """One row: an encoder, its properties, its decoders by preference, and what has to stand before it."""

    factory: str
    stream: str
    properties: Callable[[_Rate], dict[str, Any]]
    decoders: tuple[str, ...]
    before: tuple[str, ...] = ()
    holds: int = 6
    feature: str = ""  # of the memory that it takes frames from, beside plain memory


@dataclass(frozen=True)
class _Decoder:
    """A decoder's properties, and what makes plain memory of what it gives."""

    properties: Callable[[int], dict[str, Any]]
    after: tuple[str, ...] = ()
    feature: str = ""  # of the memory that it leaves frames in, if it may


def _x264(rate: _Rate) -> dict[str, Any]:
    # Measured: slower presets gain nothing at this rate and their deblocking doubles the decoder's work.
    return {
        "speed-preset": "ultrafast",
        "tune": "zerolatency",
        "bitrate": rate.kbps,
        "vbv-buf-capacity": rate.buffer_ms,
        "key-int-max": rate.gop,
        "bframes": 0,
        "threads": rate.threads,
        "byte-stream": True,
    }


def _openh264(rate: _Rate) -> dict[str, Any]:
    return {
        "bitrate": rate.bps,
        "max-bitrate": rate.bps,
        "gop-size": rate.gop,
        "rate-control": "bitrate",
        "complexity": "low",
        "multi-thread": rate.threads,
        "enable-frame-skip": False,
        "scene-change-detection": False,
    }


def _nvidia(rate: _Rate) -> dict[str, Any]:
    return {
        "bitrate": rate.kbps,
        "max-bitrate": rate.kbps,
        "vbv-buffer-size": rate.buffer_kbit,
        "gop-size": rate.gop,
        "bframes": 0,
        "b-frames": 0,
        "rc-lookahead": 0,
        "rc-mode": "cbr",
        "rate-control": "cbr",
        "preset": "low-latency-hp",
        "zerolatency": True,
        "zero-reorder-delay": True,
    }


def _jetson(rate: _Rate) -> dict[str, Any]:
    return {
        "bitrate": rate.bps,
        "peak-bitrate": rate.bps,
        "vbv-size": rate.buffer_kbit * 1000,
        "iframeinterval": rate.gop,
        "idrinterval": rate.gop,
        "num-B-Frames": 0,
        "control-rate": "constant_bitrate",
        "insert-sps-pps": True,
        "insert-vui": True,
        "maxperf-enable": True,
    }


def _va(rate: _Rate) -> dict[str, Any]:
    return {
        "bitrate": rate.kbps,
        "key-int-max": rate.gop,
        "b-frames": 0,
        "rate-control": "cbr",
        "cpb-size": rate.buffer_kbit,
    }


def _v4l2(rate: _Rate) -> dict[str, Any]:
    controls = f"video_bitrate={rate.bps},video_gop_size={rate.gop},h264_i_frame_period={rate.gop}"
    return {"extra-controls": f"controls,{controls},video_b_frames=0,repeat_sequence_header=1"}


def _libav(threads: int) -> dict[str, Any]:
    # Threads by slices: threads by frames would keep a frame back for each of them.
    return {"thread-type": "slice", "max-threads": threads, "output-corrupt": False, "qos": False}


_PLAIN = "video/x-raw,format=(string){NV12,I420}"
_CUDA = "memory:CUDAMemory"
_TO_JETSON = ("nvvidconv", "video/x-raw(memory:NVMM),format=NV12")
_AVDEC = ("avdec_h264", "openh264dec")
# By preference: hardware before software. H.265 stands for panoramas wider than H.264's hardware takes (4096).
_ENCODERS = (
    _Encoder("nvh264enc", "h264", _nvidia, ("nvh264dec", *_AVDEC), feature=_CUDA),
    _Encoder("nvh265enc", "h265", _nvidia, ("nvh265dec", "avdec_h265"), feature=_CUDA),
    _Encoder("nvv4l2h264enc", "h264", _jetson, ("nvv4l2decoder", *_AVDEC), _TO_JETSON),
    _Encoder("nvv4l2h265enc", "h265", _jetson, ("nvv4l2decoder", "avdec_h265"), _TO_JETSON),
    _Encoder("vah264enc", "h264", _va, ("vah264dec", *_AVDEC)),
    _Encoder("vah265enc", "h265", _va, ("vah265dec", "avdec_h265")),
    _Encoder("v4l2h264enc", "h264", _v4l2, ("v4l2h264dec", *_AVDEC)),
    _Encoder("x264enc", "h264", _x264, _AVDEC, holds=2),
    _Encoder("openh264enc", "h264", _openh264, _AVDEC, ("videoconvert", "video/x-raw,format=I420"), holds=2),
)
_DECODERS = {
    "avdec_h264": _Decoder(_libav),
    "avdec_h265": _Decoder(_libav),
    "openh264dec": _Decoder(lambda _: {}),
    "nvh264dec": _Decoder(lambda _: {"max-display-delay": 0}, (_PLAIN,), _CUDA),
    "nvh265dec": _Decoder(lambda _: {"max-display-delay": 0}, (_PLAIN,), _CUDA),
    "nvv4l2decoder": _Decoder(
        lambda _: {"disable-dpb": True, "enable-max-performance": True}, ("nvvidconv", _PLAIN)
    ),
    "vah264dec": _Decoder(lambda _: {}, (_PLAIN,)),
    "vah265dec": _Decoder(lambda _: {}, (_PLAIN,)),
    "v4l2h264dec": _Decoder(lambda _: {}, (_PLAIN,)),
}
KNOWN_ENCODERS = tuple(row.factory for row in _ENCODERS)


def _with_rate(caps: VideoCaps) -> VideoCaps:
    if caps.fps:
        return caps
    return VideoCaps(caps.width, caps.height, type(caps.fps)(FALLBACK_FPS), caps.colorimetry)


def _chain(steps: tuple[str, ...]) -> list[Any]:
    """Elements by name; what reads like caps becomes a capsfilter."""
    return [
        make("capsfilter", caps=Gst.Caps.from_string(step)) if step.startswith("video/") else make(step)
        for step in steps
    ]


def _configured(factory: str, properties: dict[str, Any], name: str) -> Any:
    """The element with those properties that it has."""
    element = make(factory, name)
    for key, value in properties.items():
        if has_property(element, key):
            set_property(element, key, value)
    return element
