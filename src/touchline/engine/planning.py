"""What a production needs of memory, and what is done if there is not enough of it."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from touchline.capture import waiting_pictures
from touchline.config import RunConfig
from touchline.delay import MemoryPlan
from touchline.delay.encoded_codecs import (
    Codec,
    EncodingSettings,
    encoded_burst_bytes,
    encoded_frame_bytes,
)
from touchline.delay.encoded_trial import choose_codec
from touchline.delay.plan import GB
from touchline.delay.replay import longest_replay_ns
from touchline.engine.backend import HEADROOM_BYTES, Backend
from touchline.engine.channel import Channel
from touchline.engine.holding import decoded_frames, raw_frames
from touchline.engine.scene import Scene
from touchline.engine.viewing import ANALYSIS_SLACK_S as _ANALYSIS_S
from touchline.errors import PlanError
from touchline.gst.caps import VideoCaps
from touchline.gst.library import SECOND
from touchline.gst.pools import FramePool
from touchline.telemetry.memory import available_bytes

_DECODER_FRAMES = 8  # that a decoder and the elements behind it hold of each camera
_DECODED_FRAMES = 64  # of an encoded window, in all programmes, at the most
# With a shorter delay frames would be gone before the analysis comes to them.
_SHORT_DELAY_S = 1.0
# Shorter than this it is no delay to work with; who wants one asks for it.
_LEAST_DELAY_S = 1.0


@dataclass(frozen=True)
class Settled:
    """What will be done: the plan, which fits, and the codec if frames are to wait as a bitstream."""

    plan: MemoryPlan
    codec: Codec | None = None


def plan_of(
    config: RunConfig,
    scene: Scene,
    channels: Sequence[Channel],
    backend: Backend,
    codec: Codec | None = None,
) -> MemoryPlan:
    """The memory plan of a production that holds frames as they are, or as a bitstream of a codec.

    It reckons with the memory that the frames lie in: on a GPU with the GPU's alone.
    """
    caps = scene.caps
    fps = float(caps.fps)
    shown = [channel for channel in channels if not channel.settings.shows_replays]
    follows = any(channel.needs_watch and channel.settings.delay < _SHORT_DELAY_S for channel in shown)
    # A replay holds what it shows while the history goes on.
    replayed = math.ceil(config.history * fps) if len(shown) < len(channels) else 0
    plan = MemoryPlan(
        caps.width,
        caps.height,
        fps,
        max(channel.settings.longest_s for channel in shown),
        history_s=max(config.history, _ANALYSIS_S if follows else 0.0),
        in_flight=3 + replayed + sum(channel.in_flight for channel in channels),
        reserve=max(4, math.ceil(caps.fps / 4)),
        frame_bytes=_frame_bytes(config, scene, backend),
        other=tuple(_others(scene, channels, backend).items()),
        holds="" if scene.pairs is None else str(scene.pairs.layout),
    )
    return plan if codec is None else _encoded(plan, caps, codec, channels)


def kept_frames(config: RunConfig, plan: MemoryPlan) -> int:
    """How many of the last frames may still be shown.

    Those of the plan, those that came while a replay holds others, and those that were decoded and left the window.
    """
    replayed = longest_replay_ns(round(config.history * SECOND)) / SECOND
    return plan.frames + math.ceil(replayed * plan.fps) + _DECODED_FRAMES


def _frame_bytes(config: RunConfig, scene: Scene, backend: Backend) -> int:
    """Of a held frame: a decoder's own, where that is what is held, may take more than ours on a GPU."""
    one = len(scene.infos) == 1  # of two it is a stitched picture that is held
    loaned = one and scene.rig is None and config.hold != "copy" and backend.domain.feature is not None
    return (
        backend.picture_bytes(scene.infos[0])
        if loaned
        else FramePool(scene.caps, 1, domain=backend.domain).frame_bytes
    )


def _others(scene: Scene, channels: Sequence[Channel], backend: Backend) -> dict[str, int]:
    others: dict[str, int] = {}
    for channel in channels:
        for name, size in channel.own_bytes:
            others[name] = others.get(name, 0) + size
    others["decoded pictures"] = sum(
        (waiting_pictures(info) + _DECODER_FRAMES) * backend.picture_bytes(info) for info in scene.infos
    )
    return others


def _encoded(plan: MemoryPlan, caps: VideoCaps, codec: Codec, channels: Sequence[Channel]) -> MemoryPlan:
    """The same window as a bitstream, with the few frames that are frames."""
    settings = codec.settings
    raw = raw_frames(caps, codec) + sum(decoded_frames(channel) for channel in channels)
    return replace(
        plan,
        format=codec.stream.upper(),
        in_flight=codec.holds,
        frame_bytes=encoded_frame_bytes(caps, settings),
        other=(
            *plan.other,
            ("raw frames", raw * plan.frame_bytes),
            ("bursts", encoded_burst_bytes(caps, settings)),
        ),
    )


def settle(
    config: RunConfig,
    scene: Scene,
    channels: Sequence[Channel],
    backend: Backend,
    say: Callable[[str], None],
) -> Settled:
    """The plan that will be followed, which fits.

    Raises:
        PlanError: with the arithmetic, if none fits or what would fit has not been allowed (--on-low-memory).
        ConfigurationError: if frames are to wait as a bitstream and nothing here can encode them.
    """
    _check_host(channels, backend)
    if config.hold == "encoded":
        return _settle_encoded(config, scene, channels, backend)
    plan = plan_of(config, scene, channels, backend)
    try:
        _check(config, plan, backend)
        return Settled(plan)
    except PlanError:
        if config.on_low_memory == "refuse":
            raise
        free = backend.free_bytes()
        limit = min(free, config.memory_limit or free)
        short = f"Memory is short: {plan.total_bytes / GB:.2f} GB are needed, {limit / GB:.2f} GB there"
        if config.on_low_memory == "encode":
            settled = _settle_encoded(config, scene, channels, backend)
            say(f"{short}; frames wait encoded (--on-low-memory encode)")
            return settled
        longest = plan.longest_delay(limit)
        if longest is None or longest < _LEAST_DELAY_S:
            raise
    shorter = math.floor(longest * 10) / 10
    for channel in channels:
        channel.shorten(shorter)
    plan = plan_of(config, scene, channels, backend)
    _check(config, plan, backend)
    say(f"{short}; the delay is {shorter:g} s now (--on-low-memory shorten)")
    return Settled(plan)


def _settle_encoded(
    config: RunConfig, scene: Scene, channels: Sequence[Channel], backend: Backend
) -> Settled:
    codec = choose_codec(scene.caps, EncodingSettings(), backend.domain)
    plan = plan_of(config, scene, channels, backend, codec)
    _check(config, plan, backend)
    return Settled(plan, codec)


def _check(config: RunConfig, plan: MemoryPlan, backend: Backend) -> None:
    free = backend.free_bytes()
    if config.memory_limit is not None and config.memory_limit < free:
        plan.check(config.memory_limit, "are allowed (--memory-limit)")
    plan.check(free, "are free" if backend.domain.feature is None else f"are free in {backend.place}")


def _check_host(channels: Sequence[Channel], backend: Backend) -> None:
    """Where the frames lie on a GPU the encoders on the processor still need plain memory. Raises PlanError."""
    if backend.domain.feature is None:
        return
    needed, free = sum(channel.encoder_bytes for channel in channels), available_bytes() - HEADROOM_BYTES
    if needed > free:
        raise PlanError(
            f"the encoders take {needed / GB:.2f} GB of plain memory beside the GPU's, and {max(0, free) / GB:.2f} GB "
            "are free; choose a smaller --size"
        )
