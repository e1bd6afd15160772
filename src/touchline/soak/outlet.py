"""The far end of a soak: a real pipeline for each programme, which can be held up, broken and opened again."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from touchline.counters import Tally
from touchline.delay.cues import Cue
from touchline.errors import OutputError
from touchline.gst.elements import make
from touchline.gst.library import Gst
from touchline.gst.pipelines import Pipeline
from touchline.gst.pools import FramePool
from touchline.gst.shares import share
from touchline.soak.clock import SoakClock
from touchline.soak.witness import SLATE, Witness, burn

_PATIENCE_S = 10.0  # real time, for something that must happen at once
_LOOK_S = 0.0002
_BLOCK = Gst.PadProbeType.BLOCK | Gst.PadProbeType.BUFFER


class _Waiting(NamedTuple):
    """A picture that has not left yet: its number, the clock's time when it is due, the PTS of its capture."""

    number: int
    due: int
    pts: int | None


class Outlet:
    """``appsrc -> clocksync -> fakesink``, on the delayed timeline.

    Args:
        name: of the programme.
        pool: whose frames are shown first; a slate looks like one of them.
        clock: of the pipeline.
        base_time: the clock's time at which PTS 0 leaves, ns.
        ahead: frames that may wait here; what comes on top is left out and counted.
        number_of: the number of the frame with a PTS.

    Attributes:
        lost: reasons of the frames that were given to this outlet and did not leave, by number.
        dropped: the same, counted: ``behind``, ``output_failed``, ``output_closed``.
        opened: how often a pipeline was made.
    """

    def __init__(
        self,
        name: str,
        pool: FramePool,
        clock: SoakClock,
        base_time: int,
        ahead: int,
        number_of: Callable[[int], int],
    ) -> None:
        self.name = name
        self.lost: dict[int, str] = {}
        self.dropped = Tally()
        self.opened = 0
        self._clock = clock
        self._base_time = base_time
        self._ahead = ahead
        self._number_of = number_of
        self._caps = pool.caps.to_gst()
        self._slate: Any = Gst.Buffer.new_allocate(None, pool.frame_bytes, None)
        self._slate.memset(0, 128, pool.frame_bytes)
        burn(self._slate, SLATE)
        self._lock = threading.Lock()
        self._waiting: deque[_Waiting] = deque()
        self._stuck: set[int] = set()  # PTS of what a broken pipeline keeps
        self._left = 0  # passages of this pipeline that `_waiting` knows of
        self._dying = False
        self._dead = threading.Event()
        self._block: int | None = None
        self._unread: list[NDArray[np.int64]] = []
        self._open()

    def show(self, cue: Cue) -> None:
        """Takes what a player shows."""
        if cue.frame is None:
            number, buffer, caps = SLATE, share(self._slate), self._caps
            buffer.pts = cue.at
        else:
            number, buffer, caps = self._number_of(cue.frame.pts), cue.frame.buffer, cue.frame.caps
        entry = _Waiting(number, self._base_time + cue.at, cue.pts)
        with self._lock:
            if len(self._waiting) >= self._ahead:
                self._catch_up()
            if self._dead.is_set():
                self._lose(number, "output_closed")
            elif len(self._waiting) >= self._ahead:
                self._lose(number, "behind")
            else:
                self._push(entry, buffer, caps)

    def next_due(self) -> int | None:
        """The clock's time at which the next frame leaves, ns; None if nothing can leave."""
        if self._block is not None or not self._waiting:
            return None
        return self._waiting[0].due

    def settle(self, now: int, release: Callable[[], None]) -> None:
        """Waits until everything that is due has left; ``release`` wakes those whom the clock keeps.

        Raises:
            OutputError: if something does not leave.
        """
        while (due := self.next_due()) is not None and due <= now:
            if self._dying:
                if not self._dead.wait(_PATIENCE_S):
                    raise OutputError(f"{self.name}: the output was to fail and did not")
            else:
                self._wait_for_one(release)
            with self._lock:
                self._catch_up()

    @property
    def dying(self) -> bool:
        """True from a frame that its pipeline fails on until everybody knows: that one is gone, and still counted."""
        return self._dying

    def waiting(self) -> set[int]:
        """PTS of the captured frames that the pipeline holds, ns: each once, however often it is shown."""
        with self._lock:
            self._catch_up()
            return self._stuck | {entry.pts for entry in self._waiting if entry.pts is not None}

    def read(self) -> NDArray[np.int64]:
        """What has left since the last call, as :meth:`Witness.read`."""
        with self._lock:
            self._catch_up()
            rows = [*self._unread, self._witness.read()]
            self._unread = []
        return np.concatenate(rows)

    def block(self) -> None:
        """Nothing leaves until :meth:`unblock`."""
        self._block = self._pad.add_probe(_BLOCK, lambda *_: Gst.PadProbeReturn.OK)

    def unblock(self) -> None:
        if self._block is not None:
            self._pad.remove_probe(self._block)
            self._block = None

    def kill(self) -> None:
        """The pipeline comes apart: GStreamer ends it with an error when the next frame leaves."""
        self._dying = True
        self._pad.unlink(self._pad.get_peer())

    def reopen(self) -> None:
        """Puts a new pipeline in the place of a broken one."""
        self._pipeline.stop()  # without the lock, which the reader of its bus may be waiting for
        with self._lock:
            self._lose_waiting()
            self._unread.append(self._witness.read())
            self._open()

    def finish(self) -> None:
        """Lets out what is left and ends the stream. Raises OutputError if that fails."""
        self._source.emit("end-of-stream")
        if not self._pipeline.wait_eos(_PATIENCE_S):
            raise OutputError(self._pipeline.failed or f"{self.name}: the end of the stream does not come")

    def close(self) -> None:
        """Stops at once and lets go of everything. May be called again."""
        self.unblock()
        self._pipeline.stop()
        self._slate = None

    def _open(self) -> None:
        self._dying, self._left = False, 0
        self._dead = dead = threading.Event()
        self._waiting.clear()
        self._stuck.clear()
        self._pipeline = Pipeline(self.name, error=OutputError, on_error=lambda _: self._died(dead))
        self._pipeline.gst.use_clock(self._clock.gst)
        self._source = make("appsrc", caps=self._caps, format="time", is_live=True, max_bytes=0)
        pace = make("clocksync", "pace")
        sink = make("fakesink", sync=False, async_=False, enable_last_sample=False)
        self._pipeline.add(self._source, pace, sink)
        self._pad = pace.get_static_pad("src")
        self._witness = Witness(sink.get_static_pad("sink"), self._clock.gst)
        self._pipeline.play(self._base_time)
        self.opened += 1

    def _wait_for_one(self, release: Callable[[], None]) -> None:
        until = time.monotonic() + _PATIENCE_S
        while not self._witness.wait_one(_LOOK_S):
            release()  # it had not come to the clock when the others were let go
            if time.monotonic() > until:
                raise OutputError(f"{self.name}: a frame that is due does not leave")

    def _push(self, entry: _Waiting, buffer: Any, caps: Any) -> None:
        if caps is not None and caps is not self._caps:
            self._caps = caps
            self._source.set_caps(caps)
        # First, since it may have left before the next line.
        self._waiting.append(entry)
        self._source.emit("push-buffer", buffer)

    def _died(self, dead: threading.Event) -> None:
        """Called by the reader of the bus."""
        with self._lock:
            self._lose_waiting()
            dead.set()

    def _lose_waiting(self) -> None:
        """What has not left will not leave any more; the pipeline keeps it until it is stopped."""
        self._catch_up()
        for entry in self._waiting:
            self._lose(entry.number, "output_failed")
            if entry.pts is not None:
                self._stuck.add(entry.pts)
        self._waiting.clear()

    def _catch_up(self) -> None:
        """Forgets what has left."""
        for _ in range(min(len(self._waiting), self._witness.count - self._left)):
            self._waiting.popleft()
            self._left += 1

    def _lose(self, number: int, reason: str) -> None:
        self.dropped.add(reason)
        if number != SLATE:
            self.lost.setdefault(number, reason)
