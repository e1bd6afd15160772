"""The ways to hold a stream: itself, copies, itself until that proves unsafe, or as a bitstream."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from touchline.delay.encoded import DecodingWorker, EncodingWorker
from touchline.delay.encoded_codecs import EncodingSettings
from touchline.delay.encoded_trial import choose_codec
from touchline.delay.keepers import CarefulKeeper, CopyKeeper, Keeper, ReferenceKeeper, same_picture
from touchline.delay.plan import MemoryPlan
from touchline.delay.store import FrameStore
from touchline.errors import ConfigurationError, TouchlineError
from touchline.gst.caps import PlaneLayout, VideoCaps, colorimetry, frame_rate
from touchline.gst.domains import domain_of
from touchline.gst.pools import FramePool

HOLDS = ("reference", "copy", "encoded", "auto")
_CHUNKS = 16  # as many chunks of sound as the first would need
_RAW_FRAMES = 3  # on their way into the encoder
_DECODED_FRAMES = 3  # ahead of the player, beside those that it has handed on


@dataclass
class Holding:
    """Where a line's frames wait.

    Attributes:
        inlet, outlet: what is filled and what is played: one and the same unless frames are encoded.
        keeper: what is held of a frame.
        domain: of the frames' memory.
        inlet_frames: frames that the inlet has room for.
        marks: places without a frame can be made.
        stores: every store on the way.
    """

    inlet: FrameStore
    outlet: FrameStore
    keeper: Keeper
    domain: Any
    inlet_frames: int
    marks: bool = True
    stores: list[FrameStore] = field(default_factory=list)
    workers: list[EncodingWorker | DecodingWorker] = field(default_factory=list)
    pools: list[FramePool] = field(default_factory=list)

    def start(self) -> None:
        """Starts what works between the stores."""
        for worker in self.workers:
            worker.start()

    def wake(self) -> None:
        """Lets go of every frame and of everybody who waits for one."""
        for pool in self.pools:
            pool.flush()
        for store in self.stores:
            store.close()

    def stop(self) -> None:
        """Stops what works between the stores, and gives the memory back."""
        self.wake()
        for worker in self.workers:
            worker.stop()
        for pool in self.pools:
            pool.stop()

    def held_bytes(self, frames: int) -> int:
        """Bytes of so many frames."""
        encoded = sum(worker.held_bytes for worker in self.workers if isinstance(worker, EncodingWorker))
        return encoded if self.workers else frames * self.inlet.frame_bytes


def make_holding(
    hold: str, plan: MemoryPlan, caps: Any, first: Any, spare: int, on_failed: Callable[[Exception], None]
) -> Holding:
    """What holds a stream.

    Args:
        hold: one of :data:`HOLDS`. ``auto``: references, and copies from the moment on when the audit finds that the
            producer's memory can't be held.
        plan: how much.
        caps: of the frames; a Gst.Caps.
        first: one of them, beside which copies can be made; None if there is none yet.
        spare: places without a frame, beside the plan's.
        on_failed: called if a codec fails.

    Raises:
        ConfigurationError: for another word, or frames that can't be encoded.
        TouchlineError: if there is no memory, or nobody but the producer can allocate such frames.
    """
    if hold not in HOLDS:
        raise ConfigurationError(f"frames can't be held as {hold!r}; known are {', '.join(HOLDS)}")
    if hold == "encoded":
        return _encoded(plan, caps, on_failed)
    domain = _domain(caps)
    if first is not None and hold in ("copy", "auto") and hasattr(domain, "beside"):
        domain = domain.beside(first)
    pools: list[FramePool] = []

    def make_pool() -> FramePool:
        pool = FramePool(caps, plan.frames, "copies", domain)
        pool.start()
        pools.append(pool)
        return pool

    keeper: Keeper = ReferenceKeeper()
    if hold == "copy":
        keeper = CopyKeeper(make_pool())
    elif hold == "auto":
        keeper = CarefulKeeper(make_pool, same=_comparison(caps, domain))
    # Chunks of sound may become shorter than the first was: their number is no measure of memory.
    frames = plan.frames if plan.width else _CHUNKS * plan.frames
    store = FrameStore(frames + spare, plan.frame_bytes)
    return Holding(store, store, keeper, domain, plan.frames, stores=[store], pools=pools)


class _Unknown:
    """Memory of a kind that is only passed on."""

    def identity(self, buffer: Any) -> int:
        """Where GStreamer's description of it lies."""
        return hash(buffer.peek_memory(0)) if buffer.n_memory() else 0


def _comparison(caps: Any, domain: Any) -> Callable[[Any, Any], bool] | None:
    """How rescued pictures are told from those that were written over: where they can be looked at."""
    if getattr(domain, "name", "") != "system" or caps.get_structure(0).get_string("format") != "NV12":
        return None
    return same_picture(PlaneLayout.from_caps(caps))


def _domain(caps: Any) -> Any:
    try:
        return domain_of(caps)
    except TouchlineError:
        return _Unknown()


def _encoded(plan: MemoryPlan, caps: Any, on_failed: Callable[[Exception], None]) -> Holding:
    fields = caps.get_structure(0)
    domain = _domain(caps)
    if plan.format != "NV12" or getattr(domain, "name", "") != "system":
        raise ConfigurationError(
            f"only NV12 in plain memory can be held encoded, not {caps.to_string()}; put videoconvert before the delay"
        )
    video = VideoCaps(
        fields.get_int("width")[1], fields.get_int("height")[1], frame_rate(caps), colorimetry(caps)
    )
    codec = choose_codec(video, EncodingSettings())
    pool = FramePool(video, plan.in_flight + plan.reserve + _DECODED_FRAMES, "decoded")
    pool.start()
    raw = FrameStore(_RAW_FRAMES, plan.frame_bytes)
    window, decoded = FrameStore(plan.frames), FrameStore(pool.frames, plan.frame_bytes)
    workers: list[EncodingWorker | DecodingWorker] = [
        EncodingWorker(raw, window, codec, on_failed=on_failed),
        DecodingWorker(window, decoded, pool, codec, on_failed=on_failed),
    ]
    stores = [raw, window, decoded]
    return Holding(raw, decoded, ReferenceKeeper(), domain, _RAW_FRAMES, False, stores, workers, [pool])
