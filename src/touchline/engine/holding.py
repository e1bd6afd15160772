"""Where a production's frames wait: as they are, or as a bitstream. The timing of what leaves is the same."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from touchline.delay import FrameStore, MemoryPlan
from touchline.delay.audit import Audit
from touchline.delay.encoded import DecodingWorker, EncodingWorker
from touchline.delay.encoded_codecs import Codec
from touchline.delay.intake import Intake
from touchline.delay.keepers import CarefulKeeper, Keeper, ReferenceKeeper
from touchline.delay.plan import GB
from touchline.delay.timeguard import TimeGuard
from touchline.engine.backend import Backend
from touchline.engine.channel import Channel
from touchline.errors import PlanError
from touchline.gst.caps import PlaneLayout, VideoCaps
from touchline.gst.library import SECOND
from touchline.gst.pools import FramePool

# How long raw frames stay for the analysis when the window itself is a bitstream.
_LOOK_BACK_S = 0.3
_RAW_FRAMES = 6  # being stitched and on their way into the encoder
_AHEAD_FRAMES = 4  # decoded and not yet asked for
# A camera that was away for long comes back on the timeline, whose jumps the capture has put right already.
_LONGEST_GAP_NS = 24 * 3600 * SECOND

OnFailed = Callable[[Exception], None]


class Window:
    """Frames held as they are: one store for everybody.

    Args:
        caps: of the held frames.
        plan: how many.
        backend: where they lie.

    Attributes:
        raw: what is filled, and what the analysis reads.
        held: where the window is; the same store.
        pool: where frames come from.
        layout: of the frames.
    """

    def __init__(self, caps: VideoCaps, plan: MemoryPlan, backend: Backend) -> None:
        self._place = "" if backend.domain.feature is None else f" in {backend.place}"
        self.pool = FramePool(caps, plan.frames, "panorama pool", backend.domain)
        self.layout: PlaneLayout = self.pool.layout
        self.raw = FrameStore(plan.frames, self.pool.frame_bytes, round(plan.history_s * SECOND))
        self.held = self.raw

    @property
    def how(self) -> str:
        """For people."""
        return f"NV12, held by reference{self._place}"

    @property
    def pools(self) -> list[FramePool]:
        """Every pool of held frames."""
        return [self.pool]

    @property
    def held_bytes(self) -> int:
        """Bytes of what waits now."""
        return self.held.held_bytes

    @property
    def peak_bytes(self) -> int:
        """The most bytes that ever waited."""
        return self.held.peak_frames * self.held.frame_bytes

    def store_of(self, channel: Channel) -> FrameStore:
        """What a channel plays."""
        return self.held

    def allocate(self, progress: Callable[[int, int], None] | None = None) -> None:
        """Allocates the frames. Raises TouchlineError if memory runs out."""
        self.pool.start(progress)

    def start(self) -> None:
        """Frames come from now on."""

    def dump(self) -> None:
        """What waits will not be shown."""

    def flush(self) -> None:
        """Wakes whoever waits for a frame; for stopping."""
        self.pool.flush()

    def close(self) -> None:
        """Lets go of every frame."""
        self.held.close()

    def release(self) -> None:
        """Gives the memory back."""
        self.pool.stop()


class LoanedWindow(Window):
    """Frames held in the memory that they came in, which is not ours: those of a panorama that others stitched.

    The audit watches whether that memory can be held. If it can't, and ``careful``, copies are held from then on.

    Args:
        caps: of the frames.
        plan: how many.
        backend: where they lie.
        name: of the source, in messages.
        careful: change over to copies instead of ending.
        limit: bytes that may be planned with altogether, copies included; None: what is free.
        waits: frames wait for room instead of being left out.
        on_failed: called with what the run must end with.
        on_note: called with what a person should know.
    """

    def __init__(
        self,
        caps: VideoCaps,
        plan: MemoryPlan,
        backend: Backend,
        name: str,
        *,
        careful: bool,
        limit: int | None = None,
        waits: bool,
        on_failed: OnFailed,
        on_note: Callable[[str], None],
    ) -> None:
        super().__init__(caps, plan, backend)
        self._careful = careful
        self._backend = backend
        # The only frame of our own, unless copies are needed: kernels are warmed up on it.
        self.pool = FramePool(caps, 1, "warm-up", backend.domain)
        self.raw.frame_bytes = plan.frame_bytes  # those of the decoder
        self._copies: FramePool | None = None
        self._plan = plan
        self._limit = limit
        self._caps = caps
        self.keeper: Keeper = ReferenceKeeper()
        if careful:
            self.keeper = CarefulKeeper(self._make_copies, same=backend.same_picture(self.layout))
        self.intake = Intake(
            self.raw,
            self.keeper,
            TimeGuard(longest_gap_ns=_LONGEST_GAP_NS),
            backend.domain,
            audit=Audit(self.raw, plan.window_frames, name, frame_ns=caps.frame_ns),
            on_trouble=on_failed,
            on_notice=lambda verdict: on_note(verdict.line),
            window_frames=plan.window_frames,
            name=name,
            wait=waits,
        )

    @property
    def how(self) -> str:
        return "NV12, held by reference in the decoder's memory" + (", or copied" if self._careful else "")

    @property
    def pools(self) -> list[FramePool]:
        return [self._copies] if self._copies else []

    def start(self) -> None:
        self.intake.start()

    def flush(self) -> None:
        self.intake.stop()
        if self._copies:
            self._copies.flush()

    def release(self) -> None:
        super().release()
        if self._copies:
            self._copies.stop()

    def _make_copies(self) -> FramePool:
        """The pool, when it is needed: references and copies are held side by side while we change over."""
        pool = FramePool(self._caps, self._plan.frames, "copies", self._backend.domain)
        needed, free = pool.frames * pool.frame_bytes, self._backend.left_bytes()
        if self._limit is not None:
            free = min(free, self._limit - self._plan.total_bytes)
        if needed > free:
            raise PlanError(
                f"copies of {pool.frames} frames take {needed / GB:.2f} GB beside the {self._plan.pool_bytes / GB:.2f} "
                f"GB that are held by reference, and {max(0, free) / GB:.2f} GB are free; choose a shorter --delay, "
                "or --hold copy from the start"
            )
        pool.start()
        self._copies = pool
        return pool


class EncodedWindow(Window):
    """Frames held as a bitstream: encoded once, decoded ahead of its time for each channel.

    Args:
        caps: of the frames.
        plan: how many of the bitstream.
        backend: where the frames lie before and behind it.
        codec: what encodes and decodes them.
        channels: who plays.
        on_failed: called if a codec fails.
    """

    def __init__(
        self,
        caps: VideoCaps,
        plan: MemoryPlan,
        backend: Backend,
        codec: Codec,
        channels: Sequence[Channel],
        on_failed: OnFailed,
    ) -> None:
        domain = backend.domain
        self.pool = FramePool(caps, raw_frames(caps, codec), "panorama pool", domain)
        self.layout = self.pool.layout
        self.raw = FrameStore(self.pool.frames, self.pool.frame_bytes, round(_LOOK_BACK_S * SECOND))
        self.held = FrameStore(plan.frames, plan.frame_bytes, round(plan.history_s * SECOND))
        self._codec = codec
        self._encoding = EncodingWorker(self.raw, self.held, codec, on_failed=on_failed)
        self._decoded: dict[str, FrameStore] = {}
        self._decoding: list[DecodingWorker] = []
        self._pools: list[FramePool] = []
        for channel in channels:
            pool = FramePool(caps, decoded_frames(channel), f"{channel.name} decoded pool", domain)
            store = FrameStore(pool.frames, pool.frame_bytes)
            worker = DecodingWorker(
                self.held, store, pool, codec, name=f"{channel.name} decoding", on_failed=on_failed
            )
            self._pools.append(pool)
            self._decoded[channel.name] = store
            self._decoding.append(worker)

    @property
    def how(self) -> str:
        return f"held encoded: {self._codec}"

    @property
    def pools(self) -> list[FramePool]:
        return [self.pool, *self._pools]

    @property
    def workers(self) -> list[EncodingWorker | DecodingWorker]:
        """What encodes and decodes."""
        return [self._encoding, *self._decoding]

    @property
    def held_bytes(self) -> int:
        return self._encoding.held_bytes

    @property
    def peak_bytes(self) -> int:
        return self._encoding.peak_bytes

    def store_of(self, channel: Channel) -> FrameStore:
        return self._decoded[channel.name]

    def allocate(self, progress: Callable[[int, int], None] | None = None) -> None:
        self.pool.start(progress)
        for pool in self._pools:
            pool.start()

    def start(self) -> None:
        for worker in self.workers:
            worker.start()

    def dump(self) -> None:
        for worker in self._decoding:
            worker.skip()
        self._encoding.key_frame_now()

    def flush(self) -> None:
        for pool in self.pools:
            pool.flush()

    def close(self) -> None:
        for worker in self.workers:
            worker.stop()
        for store in (self.raw, self.held, *self._decoded.values()):
            store.close()

    def release(self) -> None:
        for pool in self.pools:
            pool.stop()


def raw_frames(caps: VideoCaps, codec: Codec) -> int:
    """Frames as they are, beside a window that is a bitstream."""
    return _RAW_FRAMES + codec.holds + math.ceil(_LOOK_BACK_S * float(caps.fps or 30))


def decoded_frames(channel: Channel) -> int:
    """Decoded frames that a channel needs at once."""
    return channel.in_flight + _AHEAD_FRAMES
