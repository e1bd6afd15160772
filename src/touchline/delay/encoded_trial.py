"""Which codec works here: each is tried at the size in question, and the picture that comes back is looked at."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from touchline.delay.encoded_codecs import Codec, EncodingSettings, codecs_to_try
from touchline.delay.encoded_pipeline import CodecPipeline, Coded, copy_picture, tight
from touchline.errors import ConfigurationError, TouchlineError
from touchline.gst.caps import VideoCaps
from touchline.gst.domains import Domain
from touchline.gst.elements import make
from touchline.gst.nv12 import Nv12
from touchline.gst.pools import FramePool
from touchline.gst.shares import share

_TRIAL_S = 20.0
_FRAMES = 3  # beyond those that a codec may keep
_WORST = 5.0  # mean error in levels; a wrong range or a swapped plane gives much more
_PULL_S = 0.1


def choose_codec(
    caps: VideoCaps, settings: EncodingSettings | None = None, domain: Domain | None = None
) -> Codec:
    """The first codec, hardware before software, that brings such frames back with the right picture.

    Args:
        caps: of the frames.
        settings: what is wanted; by default :class:`EncodingSettings` as they are.
        domain: whose memory the frames lie in; None: plain memory. They never leave it.

    Raises:
        ConfigurationError: if the one that was asked for does not work, or if none does.
    """
    settings = settings or EncodingSettings()
    refusals = []
    for codec in codecs_to_try(caps, settings, domain):
        try:
            _try_out(codec)
        except TouchlineError as error:
            refusals.append(f"{codec.encoder} with {codec.decoder}: {error}")
            continue
        return codec
    if domain is not None and domain.feature is not None:
        reason = "; ".join(refusals) or "GStreamer has no encoder for it here, or no decoder"
        raise ConfigurationError(
            f"frames can't wait encoded in {domain.name} memory ({reason}); "
            "choose --hold reference, or --memory system"
        )
    tried = "; ".join(refusals) or "GStreamer has none that we know, or no decoder for it"
    wanted = f"the encoder {settings.factory} does not work" if settings.factory else "no codec works"
    raise ConfigurationError(
        f"{wanted} here for holding frames of {caps.width}x{caps.height} ({tried}); install the packages "
        "gstreamer1.0-plugins-ugly and gstreamer1.0-libav, or choose --hold reference"
    )


def _try_out(codec: Codec) -> None:
    """Sends some frames through both halves. Raises TouchlineError if they do not come back as they were."""
    count = codec.holds + _FRAMES
    pool = FramePool(codec.caps, 1, "trial of a codec", codec.domain)
    pool.start()
    raw = pool.acquire()
    wanted = Nv12.empty(codec.caps.width, codec.caps.height)
    _draw(wanted)
    pool.domain.write(raw, wanted, pool.gst_caps)
    frame_ns = codec.caps.frame_ns or 1_000_000
    encoder = CodecPipeline(
        codec.encoder, codec.raw_caps, codec.encoder_elements(), codec.holds, codec.domain
    )
    buffers = [(share(raw), number * frame_ns) for number in range(count)]
    coded = _pass(encoder, buffers)
    elements = codec.decoder_elements()
    if pool.domain.name == "cuda":
        elements.append(make("cudadownload"))
    decoder = CodecPipeline(codec.decoder, codec.stream_caps, elements, codec.holds, codec.domain)
    decoded = _pass(decoder, [(tight(each), each.pts) for each in coded])
    found = Nv12.empty(wanted.width, wanted.height)
    copy_picture(decoded[-1], found)
    for name, one, other in (("luma", found.y, wanted.y), ("chroma", found.uv, wanted.uv)):
        error = float(np.abs(one.astype(np.int16) - other).mean())
        if error > _WORST:
            raise TouchlineError(f"its {name} is {error:.0f} levels off")


def _pass(pipeline: CodecPipeline, buffers: list[tuple[Any, int]]) -> list[Coded]:
    """What comes out for what goes in. Raises TouchlineError if that is not as much."""
    until = time.monotonic() + _TRIAL_S
    done: list[Coded] = []
    try:
        pipeline.start()
        while len(done) < len(buffers):
            pushed = len(done) + pipeline.inside
            if pipeline.has_room and pushed < len(buffers):
                pipeline.push(*buffers[pushed], 0)
                continue
            if pipeline.open and pushed == len(buffers):
                pipeline.end()
            coded = pipeline.pull(_PULL_S)
            if coded is not None:
                done.append(coded)
            elif pipeline.finished or time.monotonic() > until:
                raise TouchlineError(f"only {len(done)} of {len(buffers)} frames came out of {pipeline.name}")
    finally:
        pipeline.stop()
    return done


def _draw(picture: Nv12) -> None:
    """Slopes of luma and of both chromas, each another way."""
    height, width = picture.y.shape
    picture.y[:] = np.linspace(40, 200, width)
    picture.uv[..., 0] = np.linspace(90, 170, height // 2)[:, None]
    picture.uv[..., 1] = np.linspace(180, 80, width // 2)
