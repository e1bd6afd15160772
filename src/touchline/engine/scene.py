"""What a run films: the feed, the panorama that is made of it, and how."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from touchline.capture import (
    CameraFeed,
    DrawnFeed,
    Feed,
    Picture,
    SourceInfo,
    parse_rate,
    parse_size,
    parse_source,
)
from touchline.config import RunConfig
from touchline.engine.backend import Backend, Stitcher
from touchline.engine.drifting import DriftWorker
from touchline.engine.hearing import Hearing, RenderSound
from touchline.engine.pairs import Pairs, RenderChoice, choose_render
from touchline.engine.rigs import Say, rig_for, rig_path_for
from touchline.engine.stitching import Compose
from touchline.errors import ConfigurationError, InputError
from touchline.geometry import Panorama, Rig, fit_panorama
from touchline.gst.caps import VideoCaps
from touchline.gst.library import SECOND
from touchline.gst.nv12 import Nv12
from touchline.panorama.drift import DriftMonitor
from touchline.panorama.offset import later_words
from touchline.panorama.pair import PairLayout
from touchline.synth import SyntheticMatch

_LEAST_PATIENCE_S = 0.2
_ASSUMED_RATE = Fraction(60)  # too many frames in the plan cost memory, too few cost pictures


@dataclass(frozen=True)
class Scene:
    """What a run films.

    Attributes:
        feed: opened, not started.
        infos: what each camera delivers.
        panorama: the geometry of the held frames, or of what would be stitched where they are pairs.
        caps: of the held frames.
        compose: makes a held frame of a moment's pictures.
        rig: the cameras; None for a panorama that came stitched.
        copies: times that a pixel of a held frame is copied on its way to the store.
        rate_known: whether ``caps`` say the frame rate because the cameras do.
        sound: whether each camera has any, from left to right.
        render_sound: makes that of the synthetic match.
        pairs: what the held frames are, and renders them, if they are the cameras' pictures; None: panoramas.
        render: why they are the one or the other; None for a panorama that came stitched.
        drift: watches whether the cameras still stand as the rig says; None if nobody does.
        warm_up: does what ``compose`` does, on nothing, so that the kernels are there when the first frame comes.
    """

    feed: Feed
    infos: list[SourceInfo]
    panorama: Panorama
    caps: VideoCaps
    compose: Compose
    rig: Rig | None
    copies: int
    warm_up: Callable[[], None] = lambda: None
    rate_known: bool = True
    sound: tuple[bool, ...] = ()
    render_sound: RenderSound | None = None
    drift: DriftWorker | None = None
    pairs: Pairs | None = None
    render: RenderChoice | None = None

    @property
    def holds(self) -> str:
        """What a held frame is, in words."""
        return (
            f"panorama {self.caps.width}x{self.caps.height}" if self.pairs is None else str(self.pairs.layout)
        )


def build_scene(config: RunConfig, backend: Backend, clock: Any, say: Say, hearing: Hearing) -> Scene:
    """Opens the inputs and finds the rig. That is sought in plain memory, whatever the backend.

    Raises:
        InputError, RigError, ConfigurationError: if an input, the rig or a setting can't be used.
    """
    if config.synthetic is not None:
        return _synthetic(config, backend, clock, say)
    names = [config.panorama] if config.panorama is not None else [config.left, config.right]
    uris = tuple(parse_source(name) for name in names if name is not None)
    limit = None if config.duration is None else round(config.duration * SECOND)
    # Before the feed takes the cameras, because a camera can't be opened twice.
    rig = None if len(uris) == 1 else rig_for(uris[0], uris[1], config.rig, say)
    if rig is not None and rig.time_offset_s:
        say(f"Time: {later_words(rig.time_offset_s)}; pictures and sound are put together by that")
    feed = CameraFeed(
        uris,
        paced=config.pace == "live",
        limit_ns=limit,
        patience_s=_pair_patience_s(config),
        silent_s=config.give_up_after,
        on_note=say,
        on_sound=hearing.take if hearing.from_cameras else None,
        on_sound_end=hearing.end,
        landing=backend.landing(),
        offset_ns=round(rig.time_offset_s * SECOND) if rig else 0,
    )
    try:
        infos = feed.open(clock)
        if rig is None:
            return replace(_stitched(config, feed, infos, backend, say), sound=tuple(feed.has_sound))
        sizes = [(info.width, info.height) for info in infos]
        rig.check_sizes(*sizes, where=f"the rig {config.rig or rig_path_for(uris[0])}")
        scene = _stitching(config, feed, infos, rig, backend, say)
        return replace(scene, sound=tuple(feed.has_sound))
    except BaseException:
        feed.stop()
        raise


def _synthetic(config: RunConfig, backend: Backend, clock: Any, say: Say) -> Scene:
    size, rate = parse_size(config.synthetic_size), parse_rate(config.synthetic_fps)
    if config.synthetic is None or config.rig is not None:
        raise ConfigurationError("the synthetic match brings its own rig; leave --rig away")
    match = SyntheticMatch(config.synthetic, size, rate, codes=config.codes)

    def draw(index: int) -> tuple[Picture, ...]:
        left, right = Nv12.empty(*size), Nv12.empty(*size)
        match.draw(index, left, right)
        return backend.bring(left), backend.bring(right)

    infos = [SourceInfo(*size, rate)] * 2
    frames = None if config.duration is None else max(1, round(config.duration * rate))
    feed = DrawnFeed(infos, draw, frames=frames, paced=config.pace == "live")
    feed.open(clock)
    draw(0)
    scene = _stitching(config, feed, infos, match.rig, backend, say)
    return replace(scene, render_sound=match.audio)


def _pair_patience_s(config: RunConfig) -> float:
    """How long a live camera may keep the other one waiting: frames must be ready when they are due."""
    earliest = min(p.delay - p.lead_s for p in config.programmes.values() if not p.shows_replays)
    return max(_LEAST_PATIENCE_S, min(1.0, earliest / 2))


def _stitching(
    config: RunConfig, feed: Feed, infos: list[SourceInfo], rig: Rig, backend: Backend, say: Say
) -> Scene:
    size = parse_size(config.panorama_size) if config.panorama_size else None
    panorama = fit_panorama(rig, config.projection, size, normal_deg_of(config, rig))
    held = (panorama.width, panorama.height)
    pairs, stitcher = backend.pairs(rig, panorama), None
    choice = choose_render(config, PairLayout.of(rig), held, able=pairs is not None)
    if pairs is not None and choice.name == "direct":
        held, write, try_out = pairs.layout.size, pairs.keep, pairs.warm_up
    else:
        stitcher = backend.stitcher(rig, panorama)
        pairs, write, try_out = None, stitcher.stitch, stitcher.warm_up

    drift = _drift(config, rig, stitcher, backend, say)

    def compose(pictures: Sequence[Any], out: Any, pts_s: float) -> None:
        if drift is not None:
            drift.before(pictures, pts_s)
        write(pictures[0], pictures[1], out, pts_s)

    def warm_up() -> None:
        with (
            backend.blank(rig.left.width, rig.left.height) as left,
            backend.blank(rig.right.width, rig.right.height) as right,
            backend.blank(*held) as out,
        ):
            try_out(left, right, out)

    # Pairs come as often as the slower camera's frames.
    rates = [info.fps for info in infos]
    rate = min(rates) if all(rates) else assume_rate(say)
    caps = VideoCaps(*held, rate, infos[0].colorimetry)
    copies = 0 if pairs is None else 1
    scene = Scene(feed, infos, panorama, caps, compose, rig, copies, warm_up, rate_known=all(rates))
    return replace(scene, pairs=pairs, render=choice, drift=drift)


def _drift(
    config: RunConfig, rig: Rig, stitcher: Stitcher | None, backend: Backend, say: Say
) -> DriftWorker | None:
    """Who watches the cameras, if that is wanted."""
    # On a GPU it needs what nothing else does: whole pictures that come down to the processor.
    mode = ("off" if backend.name == "cuda" else "report") if config.drift == "auto" else config.drift
    if mode == "off":
        return None

    def failed(error: Exception) -> None:
        say(f"The cameras' drift is watched no more ({type(error).__name__}: {error})")

    monitor = DriftMonitor(rig, mode, say)
    return DriftWorker(monitor, stitcher, backend.luma, waits=config.pace == "fast", on_failed=failed)


def _stitched(config: RunConfig, feed: Feed, infos: list[SourceInfo], backend: Backend, say: Say) -> Scene:
    """A panorama that others stitched. ``compose`` is for ``--hold copy``: then the decoder gets its memory back."""
    info = infos[0]
    if config.panorama_size and parse_size(config.panorama_size) != (info.width, info.height):
        raise ConfigurationError("--panorama-size is for panoramas that are stitched here; leave it away")
    panorama = panorama_of(config, (info.width, info.height))

    def compose(pictures: Sequence[Any], out: Any, _pts_s: float) -> None:
        backend.copy(pictures[0], out)

    caps = VideoCaps(info.width, info.height, info.fps or assume_rate(say), info.colorimetry)
    return Scene(feed, infos, panorama, caps, compose, None, copies=1, rate_known=bool(info.fps))


def normal_deg_of(config: RunConfig, rig: Rig) -> float:
    """Where the pitch projection looks: as asked for, at right angles to the field's touchlines, or straight ahead."""
    if config.projection != "pitch":
        return 0.0
    if config.projection_yaw is not None:
        return config.projection_yaw
    return rig.outline.normal_deg if rig.outline else 0.0


def panorama_of(config: RunConfig, size: tuple[int, int]) -> Panorama:
    """What a panorama of that size, stitched by others, spans: --panorama-fov, with square pixels in its middle.

    Raises:
        InputError: if it can't span so much.
    """
    try:
        return Panorama.centred(config.projection, size, config.panorama_fov)
    except ValueError as error:
        raise InputError(f"{error}; say how wide it is with --panorama-fov") from error


def assume_rate(say: Callable[[str], None]) -> Fraction:
    say(f"The input does not say its frame rate; the memory is planned for {_ASSUMED_RATE} frames per second")
    return _ASSUMED_RATE
