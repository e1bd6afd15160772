"""NVIDIA's hardware encoders, which take NV12 in NVMM memory: ``nvv4l2h264enc`` and ``nvv4l2h265enc``."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

from touchline.deepstream.elements import build, converter, nvmm_caps
from touchline.deepstream.settings import DeepStreamSettings
from touchline.errors import ConfigurationError, TouchlineError
from touchline.gst.caps import VideoCaps
from touchline.gst.elements import make
from touchline.gst.pipelines import Pipeline, system_clock
from touchline.gst.probes import PassageProbe
from touchline.programme.encoders import EncoderChoice, EncoderSettings, default_bitrate_kbps

_FALLBACK_FPS = Fraction(30)
_TRIAL_S = 20.0
_PROFILES = {"h264": "High", "h265": "Main"}


def rate_properties(caps: VideoCaps, settings: EncoderSettings, codec: str) -> dict[str, Any]:
    """What the encoder is told, as ``gst-inspect-1.0 nvv4l2h264enc`` of JetPack lists it; rates in bit/s.

    No B frames, parameter sets at every key frame, and a constant rate: what live players and ingests take.
    """
    fps = float(caps.fps or _FALLBACK_FPS)
    bps = 1000 * (settings.bitrate_kbps or default_bitrate_kbps(caps.width, caps.height, caps.fps))
    gop = max(1, math.floor(fps * settings.keyframe_s + 0.5))
    return {
        "bitrate": bps,
        "control-rate": "constant_bitrate",
        "iframeinterval": gop,
        "idrinterval": gop,
        "num-B-Frames": 0,
        "insert-sps-pps": True,
        "insert-vui": True,
        "maxperf-enable": True,
        "profile": _PROFILES[codec],
    }


def nvmm_encoder(caps: VideoCaps, settings: EncoderSettings, elements: DeepStreamSettings) -> list[Any]:
    """The encoder: takes NV12 in NVMM memory, gives an elementary stream.

    Raises:
        MissingElementError, ConfigurationError: if it is not there, or has not what the configuration sets.
    """
    wanted = elements.encoder
    ours = rate_properties(caps, settings, wanted.codec)
    return [build("encoder", wanted, "encoder", **ours)]


def choose_nvmm_encoder(
    caps: VideoCaps, settings: EncoderSettings, elements: DeepStreamSettings
) -> EncoderChoice:
    """The encoder of the configuration, once it has encoded such frames.

    Raises:
        ConfigurationError: in one line, if it does not.
    """
    factory = elements.encoder.element
    pipeline = Pipeline(f"trial of {factory}", error=ConfigurationError)
    try:
        encoder = nvmm_encoder(caps, settings, elements)
        source = [make("videotestsrc", pattern="black"), make("capsfilter", caps=caps.to_gst())]
        upload = converter(elements.converter, nvmm_caps("NV12"))
        pipeline.add(*source, *upload, *encoder, make("fakesink", sync=False))
        probe = PassageProbe(encoder[0].get_static_pad("sink"), system_clock())
        pipeline.pause(_TRIAL_S)
        in_flight = int(probe.count) + 1
    except TouchlineError as error:
        raise ConfigurationError(f"the encoder {factory} can't be used: {error}") from error
    finally:
        pipeline.stop()
    kbps = rate_properties(caps, settings, elements.encoder.codec)["bitrate"] // 1000
    return EncoderChoice(factory, f"{factory} (NVENC), {kbps} kbit/s", in_flight)
