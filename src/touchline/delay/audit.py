"""The audit: finds producers whose memory can't be held by reference, before a wrong picture is shown.

Two faults. Memory that arrives again while it is still held was written over under us: elements that use a few output
surfaces in turn, whatever the reference count, do that. A producer whose pool is empty waits for us to give back what
we wait to fill: nothing comes any more.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any

from touchline.delay.store import FrameStore
from touchline.gst.depth import pool_depth
from touchline.gst.library import SECOND, Gst

_IN_FLIGHT = 4  # buffers of a pool that may be in queues, decoders and our own hands while it is empty
_GAP = Gst.BufferFlags.GAP
_SUSPICION = 4  # an empty pool that can't be seen needs this many times the patience


class Fault(Enum):
    """What is wrong with a producer."""

    REUSED = "reused"  # its memory came round while it was still held
    STARVED = "starved"  # its pool is empty, and it waits
    SUSPECTED = "suspected"  # it has stopped while the window was filling; its pool can't be seen


@dataclass(frozen=True)
class Verdict:
    """What the audit found.

    Attributes:
        fault: which kind.
        name: of the source, for people.
        held: frames of it that were held then.
        depth: buffers that it has; for a suspicion as many as were held.
        window: frames that are to be held.
        frame_ns: duration of a frame, for the advice; 0 if unknown.
        key: of the memory that came round; 0 for the other faults.
    """

    fault: Fault
    name: str
    held: int
    depth: int
    window: int
    frame_ns: int = 0
    key: int = 0

    @property
    def line(self) -> str:
        """What is wrong, where, and what to do, in one line."""
        needed = self.window + _IN_FLIGHT
        found = {
            Fault.REUSED: f"{self.name}: its memory came round after {self.depth} frames while {self.window} are to "
            f"be held, and was written over although we held it",
            Fault.STARVED: f"{self.name}: it has stopped, for its pool of {self.depth} buffers is empty: {self.held} "
            f"of them are held, and {self.window} are to be",
            Fault.SUSPECTED: f"{self.name}: nothing has come since {self.held} frames are held, of {self.window}; "
            "perhaps its pool is empty",
        }[self.fault]
        return f"{found}; use --hold copy, or nvvideoconvert output-buffers={needed}{self._shorter()}"

    def _shorter(self) -> str:
        """A delay that so few buffers would do for, rounded down; nothing if there is none worth naming."""
        spare = self.depth - _IN_FLIGHT
        tenths = spare * self.frame_ns * 10 // SECOND
        return f", or a delay of at most {tenths / 10:g} s" if tenths > 0 else ""


class Audit:
    """Watches one producer. :meth:`arrived` is for the thread that frames come in, :meth:`check` for any other.

    Args:
        store: where its frames are held.
        window_frames: how many frames are to be held.
        name: of the source, in messages.
        frame_ns: duration of a frame; 0 if unknown.
        patience_s: how long nothing has to come from a producer whose pool is seen to be empty (four frames, if that
            pool is smaller than the window); four times that if its pool can't be seen. At least four frames.
        playing: whether the source is meant to deliver now; asked before anything is called a stall.
        clock: seconds, for tests.

    Attributes:
        repeated: frames that the producer itself called repetitions (as videorate does, with the GAP flag): their
            memory comes again by right.
    """

    def __init__(
        self,
        store: FrameStore,
        window_frames: int,
        name: str = "source",
        *,
        frame_ns: int = 0,
        patience_s: float = 0.5,
        playing: Callable[[], bool] = lambda: True,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name = name
        self.repeated = 0
        self._store = store
        self._window = window_frames
        self._frame_ns = frame_ns
        self._four_frames_s = 4 * frame_ns / SECOND
        self._patience_s = max(patience_s, self._four_frames_s)
        self._playing = playing
        self._clock = clock
        self._lock = threading.Lock()
        self.reset()

    def reset(self) -> None:
        """The stream begins anew, as after a flush, or is held in another way."""
        with self._lock:
            self._pool: Any = None
            self._depth: int | None = None
            self._last: float | None = None
            self._busy = False
            self._said = False
            self._was_full = False
            self._ended = False

    def arrived(self, buffer: Any, key: int) -> Verdict | None:
        """A frame has come, its memory of identity ``key`` (0: unknown). A verdict if that is still held."""
        with self._lock:
            self._busy, self._said = True, False
            pool = buffer.pool
            if pool is not self._pool:
                self._pool, self._depth = pool, pool_depth(buffer)
        if not key or not self._store.holds_key(key):
            return None
        if buffer.has_flags(_GAP):
            self.repeated += 1
            return None
        held = self._store.held()
        first = max((place for place, frame in enumerate(held) if frame.key == key), default=len(held))
        if first == len(held):  # let go of between the two questions
            return None
        return self._verdict(Fault.REUSED, len(held), len({frame.key for frame in held[first:]}), key)

    def settled(self) -> None:
        """The frame that had arrived has been dealt with: the producer can go on."""
        with self._lock:
            self._busy = False
            self._last = self._clock()
            self._was_full = self._was_full or len(self._store) >= self._window

    def ended(self) -> None:
        """Nothing more will come, by right."""
        with self._lock:
            self._ended = True
            self._pool = None

    def check(self) -> Verdict | None:
        """Whether the producer has stalled; says so once for each stall. To be asked now and then."""
        with self._lock:
            if self._last is None or self._busy or self._said or self._ended:
                return None
            quiet = self._clock() - self._last
            pool, depth = self._pool, self._depth
        verdict = (self._starved(pool, depth, quiet) if depth else None) or self._suspected(depth, quiet)
        if verdict is None or not self._playing():
            return None
        self._said = True
        return verdict

    def _starved(self, pool: Any, depth: int, quiet: float) -> Verdict | None:
        # A pool that is too small for the window anyway needs no long proof, and may go on by itself before it.
        patience = self._four_frames_s if depth < self._window and self._four_frames_s else self._patience_s
        if quiet < patience:
            return None
        held = sum(frame.buffer.pool is pool for frame in self._store.held())
        empty = depth - min(_IN_FLIGHT, depth // 2) <= held < self._window
        return self._verdict(Fault.STARVED, held, depth) if empty else None

    def _suspected(self, depth: int | None, quiet: float) -> Verdict | None:
        held = len(self._store)
        # A pool that has filled the window once is deep enough: then it is the camera that has stopped.
        if quiet < _SUSPICION * self._patience_s or self._was_full or not 0 < held < self._window:
            return None
        return self._verdict(Fault.SUSPECTED, held, depth or held)

    def _verdict(self, fault: Fault, held: int, depth: int, key: int = 0) -> Verdict:
        return Verdict(fault, self.name, held, depth, self._window, self._frame_ns, key)
