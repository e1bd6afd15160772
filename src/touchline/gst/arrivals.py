"""What arrives on a pad, handed to Python in batches: one waking of a thread for several buffers."""

from __future__ import annotations

import threading
import time
import weakref
from collections import deque
from collections.abc import Callable
from typing import Any

from touchline.gst.arrival_ring import ArrivalRing
from touchline.gst.library import Gst

_OK = Gst.FlowReturn.OK
_IDLE_S = 0.2  # how often our thread looks around while there are no batches
_SERVED_S = 1.0  # the same, while others catch up

Take = Callable[[Any, int, int, bool], bool]


class Arrivals:
    """Takes what arrives on a sink pad.

    At first each buffer is handed over at once, in the thread that brings it. With :meth:`batch` they wait in a ring,
    and the thread that brings them goes on without Python's lock. A thread of ours hands over what has come every
    ``interval_s``, or sooner when the ring is two thirds full. Whoever has to know all that came until now, as the
    pad's event function and everything that shows figures, calls :meth:`catch_up` first.

    Args:
        pad: a sink pad that is not active.
        take: called with each buffer, in order, by one thread at a time: the buffer; the monotonic time of its arrival,
            ns; how many more wait behind it; and whether it may wait for room. False if there is none now and it may
            not: it is offered again. It raises nothing, and lets go of what is not wanted.
        name: of the thread.
        idle: called in our thread after each look.
    """

    def __init__(
        self, pad: Any, take: Take, name: str = "arrivals", idle: Callable[[], None] | None = None
    ) -> None:
        me = weakref.ref(self)  # the ring is referred to from C; nothing may keep it and us alive in a circle
        self._ring = ArrivalRing(pad, lambda buffer: _direct(me(), buffer))
        self._take = take
        self._name = name
        self._idle = idle
        self._flow = _OK
        self._direct = 0
        self._served = False  # by others, since our thread looked last
        self._waiting: deque[tuple[Any, int]] = deque()
        self._taking = threading.RLock()
        self._interval_s = 0.0
        self._stopped = threading.Event()
        self._stopped.set()
        self._thread: threading.Thread | None = None

    @property
    def flow(self) -> Any:
        """What whoever brings a buffer is told, from the next one on; a Gst.FlowReturn."""
        return self._flow

    @flow.setter
    def flow(self, flow: Any) -> None:
        self._flow = flow
        self._ring.set_flow(flow)

    @property
    def received(self) -> int:
        """How many buffers have come."""
        return self._direct + self._ring.put

    @property
    def waiting(self) -> int:
        """How many buffers have come and were not taken."""
        return self._ring.waiting

    @property
    def interval_s(self) -> float:
        """How long a buffer waits at most to be taken, in seconds; 0: not at all."""
        return self._interval_s

    def start(self) -> None:
        """Starts our thread; there are no batches without it."""
        if self._thread is None:
            self._stopped = threading.Event()
            self._thread = threading.Thread(
                target=self._run, args=(self._stopped,), name=self._name, daemon=True
            )
            self._thread.start()

    def batch(self, interval_s: float, limit: int = 1) -> None:
        """From the next buffer on.

        Args:
            interval_s: how long a buffer may wait to be taken, in seconds; 0: each is taken at once, in its own thread.
            limit: how many may wait; whoever brings one more waits too. 256 at most.
        """
        self._interval_s = interval_s
        if not interval_s:
            self._ring.close()
        elif not self._stopped.is_set():
            self._ring.open(limit)
            self._ring.call()

    def catch_up(self, *, wait: bool = True) -> None:
        """Takes all that has come, before anything else is done.

        Args:
            wait: for room, and for another thread that takes; otherwise what can't be taken now is left.
        """
        if not self._ring.waiting:
            return
        if self._taking.acquire(blocking=wait):
            try:
                self._take_all(wait)
            finally:
                self._taking.release()

    def serve(self) -> None:
        """Takes what has come, as far as there is room; for a thread that wakes now and then anyway.

        Our own need not wake then: as long as this takes something it looks once a second.
        """
        if self._ring.waiting:
            self._served = True
            self.catch_up(wait=False)

    def discard(self) -> int:
        """Lets go of all that waits. Returns how many buffers that were."""
        with self._taking:
            self._waiting.extend(self._ring.read())
            count = len(self._waiting)
            self._waiting.clear()
            self._ring.release(count)
            return count

    def stop(self) -> int:
        """Ends batches and lets go of all that waits. Returns how many buffers that were. May be called again.

        :attr:`flow` should tell first that nothing is wanted any more, and nothing keep a buffer that waits for room.
        """
        self._stopped.set()
        self.batch(0)
        self._ring.call()
        thread, self._thread = self._thread, None
        if thread is not None and thread is not threading.current_thread():
            thread.join()
        return self.discard()

    def _run(self, stopped: threading.Event) -> None:
        while not stopped.is_set():
            # While somebody else takes what comes, we only see to it that nothing is left behind.
            self._served, served = False, self._served
            interval_s = self._interval_s
            called = self._ring.wait(_SERVED_S if served and interval_s else interval_s or _IDLE_S)
            if stopped.is_set():
                return
            if called or not self._served:
                self.catch_up()
            if self._idle is not None:
                self._idle()

    def _take_all(self, wait: bool) -> None:
        waiting, ring = self._waiting, self._ring
        while True:
            waiting.extend(ring.read())
            if not waiting:
                return
            taken = 0
            while waiting:
                buffer, arrived = waiting[0]
                if not self._take(buffer, arrived, len(waiting) - 1, False):
                    break
                del buffer
                waiting.popleft()
                taken += 1
            ring.release(taken)
            if waiting and not (wait and self._take_next()):
                return

    def _take_next(self) -> bool:
        """Waits with the next one until there is room for it."""
        (buffer, arrived) = self._waiting[0]
        self._take(buffer, arrived, len(self._waiting) - 1, True)
        self._waiting.popleft()
        self._ring.release(1)
        return True

    def _hand_over(self, buffer: Any) -> Any:
        """A buffer that does not go through the ring; in the thread that brings it."""
        with self._taking:
            self.catch_up()
            if self._flow == _OK:
                self._direct += 1
                self._take(buffer, time.monotonic_ns(), 0, True)
            return self._flow


def _direct(arrivals: Arrivals | None, buffer: Any) -> Any:
    return Gst.FlowReturn.FLUSHING if arrivals is None else arrivals._hand_over(buffer)
