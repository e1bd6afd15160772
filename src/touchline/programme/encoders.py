"""The H.264 encoder: the best one that works here, set so that every player and every ingest takes its stream."""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from touchline.errors import ConfigurationError, TouchlineError
from touchline.gst.caps import VideoCaps
from touchline.gst.domains import Domain
from touchline.gst.elements import available, has_property, make, set_property
from touchline.gst.library import Gst
from touchline.gst.pipelines import Pipeline, system_clock
from touchline.gst.probes import PassageProbe
from touchline.programme.transfers import upload_elements

_FALLBACK_FPS = Fraction(30)  # where the caps do not say
# x264's own memory, in frames of the size that it encodes, as set below on two cores: 68 at 1280x720, 59 at 1904x1720.
_SOFTWARE_FRAMES = 68
_LOOKAHEAD = 10  # frames; more would look better by little and hold more frames
_TRIAL_S = 20.0
# High first; baseline is the most that some encoders have. All are 4:2:0 with 8 bits.
_PROFILES = ";".join(f"video/x-h264,profile={name}" for name in ("high", "main", "constrained-baseline"))


@dataclass(frozen=True)
class EncoderSettings:
    """What may be chosen of the encoder.

    Args:
        factory: GStreamer's name of an encoder; by default the best that works here.
        bitrate_kbps: by default from size and rate, see :func:`default_bitrate_kbps`.
        keyframe_s: longest time between key frames, in seconds; ingests want at most 2 to 4.
        speed_preset: x264's, from ``ultrafast`` to ``veryslow``; by default what the processor has room for beside all
            else: ``superfast`` with one or two cores, ``veryfast`` with more.
        steady: the rate keeps to the bitrate within a second, as a stream needs it (VBV). x264 with several threads
            then decides by their timing; without it the same frames give the same stream, bit by bit.

    Raises:
        ConfigurationError: for numbers that make no sense.
    """

    factory: str | None = None
    bitrate_kbps: int | None = None
    keyframe_s: float = 1.0
    speed_preset: str | None = None
    steady: bool = False

    def __post_init__(self) -> None:
        if self.bitrate_kbps is not None and not 50 <= self.bitrate_kbps <= 200_000:
            raise ConfigurationError(f"the bitrate must be 50 to 200000 kbit/s, not {self.bitrate_kbps}")
        if not 0.1 <= self.keyframe_s <= 10:
            raise ConfigurationError(f"key frames must be 0.1 to 10 s apart, not {self.keyframe_s}")


@dataclass(frozen=True)
class EncoderChoice:
    """The encoder that was chosen.

    Args:
        factory: GStreamer's name of it.
        description: for people.
        in_flight: the most input frames that it holds at once, measured.
        on_device: it takes the frames where they lie, outside plain memory.
    """

    factory: str
    description: str
    in_flight: int
    on_device: bool = False

    def __str__(self) -> str:
        return self.description

    def own_bytes(self, frame_bytes: int) -> int:
        """About how much memory the encoder takes for itself; one that is hardware takes none of ours."""
        return _SOFTWARE_FRAMES * frame_bytes if self.factory in ("x264enc", "openh264enc") else 0


@dataclass(frozen=True)
class _Rate:
    """What an encoder is told, in the units that encoders differ in."""

    kbps: int
    gop: int
    preset: str
    steady: bool

    @property
    def bps(self) -> int:
        return self.kbps * 1000


@dataclass(frozen=True)
class _Candidate:
    """An encoder that we know: its properties, and what has to stand before it for NV12 in plain memory."""

    factory: str
    title: str
    properties: Callable[[_Rate], dict[str, Any]]
    before: tuple[str, ...] = ()
    before_caps: str = ""
    features: tuple[str, ...] = ()  # what else than plain memory it takes frames from


def _nvidia(rate: _Rate) -> dict[str, Any]:
    return {
        "bitrate": rate.kbps,
        "max-bitrate": rate.kbps,
        "vbv-buffer-size": rate.kbps,
        "gop-size": rate.gop,
        "bframes": 0,
        "b-frames": 0,
        "rc-lookahead": 0,
        "rc-mode": "cbr",
        "rate-control": "cbr",
        "preset": "low-latency-hq",
        "zerolatency": True,
        "zero-reorder-delay": True,
    }


def _jetson(rate: _Rate) -> dict[str, Any]:
    return {
        "bitrate": rate.bps,
        "peak-bitrate": rate.bps,
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
        "keyframe-period": rate.gop,
        "gop-size": rate.gop,
        "b-frames": 0,
        "max-bframes": 0,
        "rate-control": "cbr",
        "cpb-size": rate.kbps,
        "low-latency": True,
    }


def _v4l2(rate: _Rate) -> dict[str, Any]:
    controls = f"video_bitrate={rate.bps},video_gop_size={rate.gop},h264_i_frame_period={rate.gop}"
    return {"extra-controls": f"controls,{controls},video_b_frames=0,repeat_sequence_header=1"}


def _x264(rate: _Rate) -> dict[str, Any]:
    return {
        "speed-preset": rate.preset,
        "bitrate": rate.kbps,
        "vbv-buf-capacity": 1000 if rate.steady else 0,
        "key-int-max": rate.gop,
        "bframes": 0,
        "rc-lookahead": _LOOKAHEAD,
        "sync-lookahead": 0,
    }


def _openh264(rate: _Rate) -> dict[str, Any]:
    return {
        "bitrate": rate.bps,
        "max-bitrate": rate.bps * 3 // 2,
        "gop-size": rate.gop,
        "rate-control": "bitrate",
        "complexity": "medium",
        "enable-frame-skip": False,
        "scene-change-detection": False,
    }


_CUDA = ("memory:CUDAMemory",)
# By preference: hardware before software.
_CANDIDATES = (
    _Candidate("nvh264enc", "NVENC", _nvidia, features=_CUDA),
    _Candidate("nvcudah264enc", "NVENC", _nvidia, features=_CUDA),
    _Candidate("nvautogpuh264enc", "NVENC", _nvidia, features=_CUDA),
    _Candidate(
        "nvv4l2h264enc", "NVENC of a Jetson", _jetson, ("nvvidconv",), "video/x-raw(memory:NVMM),format=NV12"
    ),
    _Candidate("vah264enc", "VA-API", _va),
    _Candidate("vah264lpenc", "VA-API, low power", _va),
    _Candidate("qsvh264enc", "Intel Quick Sync", _va),
    _Candidate("vaapih264enc", "VA-API", _va),
    _Candidate("v4l2h264enc", "V4L2", _v4l2),
    _Candidate("x264enc", "x264, on the CPU", _x264),
    _Candidate(
        "openh264enc", "OpenH264, on the CPU", _openh264, ("videoconvert",), "video/x-raw,format=I420"
    ),
)
KNOWN_ENCODERS = tuple(candidate.factory for candidate in _CANDIDATES)


def default_bitrate_kbps(width: int, height: int, fps: Fraction) -> int:
    """A bitrate for sport: 5 Mbit/s at 720p30, 8 at 1080p30, 1.5 times that at 60 frames a second.

    Grows with the number of pixels to the power of 0.58 and with the rate to the power of 0.58, through those two
    points. Rounded to 100, at least 300 kbit/s.
    """
    pixels = width * height / (1280 * 720)
    rate = float(fps or _FALLBACK_FPS) / 30
    return max(300, 100 * round(50 * math.pow(pixels * rate, 0.58)))


def choose_encoder(caps: VideoCaps, settings: EncoderSettings, domain: Domain | None = None) -> EncoderChoice:
    """The first encoder, in order of preference, that exists here and really encodes such frames.

    Args:
        caps: of the frames.
        settings: what is wanted.
        domain: whose memory the frames lie in; plain memory by default. Encoders that take them there come first; for
            any other one they have to be downloaded.

    Raises:
        ConfigurationError: if the one that was asked for does not work, or if none does.
    """
    refusals = []
    for candidate, on_device in _ways(settings, domain):
        if not available(candidate.factory):
            continue
        try:
            in_flight = _try_out(candidate, caps, settings, domain if on_device else None)
        except TouchlineError as error:
            refusals.append(str(error))
            continue
        rate = _rate(caps, settings)
        speed = candidate.properties(rate).get("speed-preset")
        title = f"{candidate.title}, {speed}" if speed else candidate.title
        return EncoderChoice(
            candidate.factory,
            f"{candidate.factory} ({title}), {rate.kbps} kbit/s, key frame every {rate.gop} frames",
            in_flight,
            on_device,
        )
    if settings.factory:
        reason = refusals[0] if refusals else "GStreamer has no such element"
        raise ConfigurationError(f"the encoder {settings.factory} can't be used: {reason}")
    tried = f" ({'; '.join(refusals)})" if refusals else ""
    raise ConfigurationError(
        f"no H.264 encoder works here{tried}; install the package gstreamer1.0-plugins-ugly, which has x264enc"
    )


def encoder_elements(factory: str, caps: VideoCaps, settings: EncoderSettings) -> list[Any]:
    """The encoder and what it needs around it, to be linked in this order: takes NV12, gives H.264.

    Raises:
        ConfigurationError: for an encoder that we do not know.
        MissingElementError: if this GStreamer lacks an element.
    """
    candidate = next((c for c in _CANDIDATES if c.factory == factory), None)
    if candidate is None:
        raise ConfigurationError(f"unknown encoder {factory!r}; known are {', '.join(KNOWN_ENCODERS)}")
    elements = [make(name) for name in candidate.before]
    if candidate.before_caps:
        elements.append(make("capsfilter", caps=Gst.Caps.from_string(candidate.before_caps)))
    encoder = make(factory, "encoder")
    for name, value in candidate.properties(_rate(caps, settings)).items():
        if has_property(encoder, name):
            set_property(encoder, name, value)
    return [*elements, encoder, make("capsfilter", caps=Gst.Caps.from_string(_PROFILES))]


def _candidates(settings: EncoderSettings) -> list[_Candidate]:
    if settings.factory is None:
        return list(_CANDIDATES)
    chosen = [c for c in _CANDIDATES if c.factory == settings.factory]
    if not chosen:
        raise ConfigurationError(
            f"unknown encoder {settings.factory!r}; known are {', '.join(KNOWN_ENCODERS)}"
        )
    return chosen


def _ways(settings: EncoderSettings, domain: Domain | None) -> list[tuple[_Candidate, bool]]:
    """The encoders to be tried, in this order, and whether each is to take frames of the domain as they are."""
    candidates = _candidates(settings)
    direct = [(c, True) for c in candidates if domain is not None and domain.feature in c.features]
    return direct + [(c, False) for c in candidates]


def _rate(caps: VideoCaps, settings: EncoderSettings) -> _Rate:
    fps = caps.fps or _FALLBACK_FPS
    kbps = settings.bitrate_kbps or default_bitrate_kbps(caps.width, caps.height, fps)
    gop = max(1, math.floor(float(fps) * settings.keyframe_s + 0.5))
    return _Rate(kbps, gop, settings.speed_preset or _preset(len(os.sched_getaffinity(0))), settings.steady)


def _preset(cores: int) -> str:
    # x264 is the largest single cost of a live programme: with two cores the next better one leaves none for the rest.
    return "superfast" if cores <= 2 else "veryfast"


def _try_out(candidate: _Candidate, caps: VideoCaps, settings: EncoderSettings, domain: Domain | None) -> int:
    """Encodes until something comes out and counts what went in: what the encoder held at its fullest.

    The sink keeps the first access unit and lets nothing more through, so an encoder with threads of its own fills
    up as far as it ever will. One more is the frame that it is being handed.
    """
    pipeline = Pipeline(f"trial of {candidate.factory}")
    if domain is not None:
        domain.prepare(pipeline.gst)
    source = make("videotestsrc", pattern="black")
    elements = encoder_elements(candidate.factory, caps, settings)
    if domain is not None:
        elements = [*upload_elements(domain, caps), *elements]
    pipeline.add(source, make("capsfilter", caps=caps.to_gst()), *elements, make("fakesink", sync=False))
    probe = PassageProbe(elements[0].get_static_pad("sink"), system_clock())
    try:
        pipeline.pause(_TRIAL_S)
        return int(probe.count) + 1
    finally:
        pipeline.stop()
