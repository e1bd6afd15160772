"""Time for a soak: the machine's own, or one that stands still until everybody has done what is due.

The stepped clock is a discrete-event simulation over real threads. One of them runs at a time; whoever goes to sleep
wakes the next one, by time and then by rank, and time moves on only when nobody has anything left to do. So a run
depends on nothing but its settings, nobody polls, and a day passes as fast as its work can be done. Pipelines see the
same time as a GstTestClock, so that a real clocksync paces the frames.
"""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from touchline.errors import MissingElementError, TouchlineError
from touchline.gst.library import SECOND, native
from touchline.gst.pipelines import system_clock

_START = 3600 * SECOND  # not zero, so that whoever mixes up clock and running time is found out
_ARRIVAL_S = 10.0


class Paced(Protocol):
    """A pipeline on the stepped clock: time waits for its frames."""

    def next_due(self) -> int | None:
        """The clock's time at which the next frame leaves, ns; None if there is none."""

    def settle(self, now: int, release: Callable[[], None]) -> None:
        """Waits until every frame that is due has left; ``release`` wakes whom the clock keeps until now."""


class SoakClock(Protocol):
    """What the camera and the pipelines of a soak go by. Times in ns."""

    @property
    def gst(self) -> Any:
        """The GstClock of the pipelines."""

    def get_time(self) -> int:
        """The time now."""

    def wait_until(self, time: int, nudge: threading.Event) -> bool:
        """Waits for a time. False if somebody nudged first."""


class RealClock:
    """The machine's own clock."""

    def __init__(self) -> None:
        self.gst = system_clock()

    def get_time(self) -> int:
        return int(self.gst.get_time())

    def wait_until(self, time: int, nudge: threading.Event) -> bool:
        while not nudge.is_set():
            left = time - self.get_time()
            if left <= 0:
                return True
            nudge.wait(left / SECOND)
        return False


@dataclass
class _Sleeper:
    """A thread on the stepped clock, and what it waits for."""

    rank: int
    time: int = 0
    nudge: threading.Event = field(default_factory=threading.Event)
    baton: threading.Lock = field(default_factory=threading.Lock)


class StepClock:
    """A clock that moves only when every thread on it sleeps. The thread that makes it is the first one on it.

    Attributes:
        failure: why time can't go on; raised in the first thread.

    Raises:
        MissingElementError: if GStreamer's test clock is not installed.
    """

    def __init__(self) -> None:
        self._test = _TestClock()
        self.gst = self._test.gst
        self._address = hash(self.gst)
        self._now = _START
        self._paced: list[Paced] = []
        self._sleepers: dict[int, _Sleeper] = {}
        self._arrived = threading.Semaphore(0)
        self._closed = threading.Event()
        self._owner = threading.get_ident()
        self.failure: TouchlineError | None = None
        self._enter()

    def get_time(self) -> int:
        return self._now

    def pace(self, paced: Paced) -> None:
        """From now on time waits for the frames of this pipeline."""
        self._paced.append(paced)

    def settle(self) -> None:
        """Waits until every frame that is due has left; for the thread that runs, before it looks."""
        for paced in self._paced:
            paced.settle(self._now, self._release)

    def admit(self, start: Any) -> None:
        """Starts a thread with ``start()`` and waits until it sleeps on this clock for the first time."""
        start()
        if not self._arrived.acquire(timeout=_ARRIVAL_S):
            raise TouchlineError("a thread was started that does not wait for the stepped clock")

    def wait_until(self, time: int, nudge: threading.Event) -> bool:
        """Lets the others work until it is this time. False if somebody nudged first."""
        if self._closed.is_set():
            nudge.wait()
            return False
        sleeper = self._sleepers.get(threading.get_ident())
        newcomer = sleeper is None
        if sleeper is None:
            sleeper = self._enter()
        sleeper.time, sleeper.nudge = time, nudge
        if newcomer:  # somebody else has the baton
            self._arrived.release()
            sleeper.baton.acquire()
        elif (following := self._next_up()) is not sleeper:
            following.baton.release()
            sleeper.baton.acquire()
        if self.failure and threading.get_ident() == self._owner:
            raise self.failure
        return not nudge.is_set() and not self._closed.is_set()

    def leave(self) -> None:
        """The calling thread, which runs now, will not come back."""
        if self._sleepers.pop(threading.get_ident(), None) and self._sleepers and not self._closed.is_set():
            self._next_up().baton.release()

    def close(self) -> None:
        """Time stands still from now on; whoever sleeps is woken. For stopping."""
        if self._closed.is_set():
            return
        self._closed.set()
        mine = threading.get_ident()
        for ident, sleeper in list(self._sleepers.items()):
            if ident != mine:
                sleeper.baton.release()

    def _enter(self) -> _Sleeper:
        sleeper = _Sleeper(len(self._sleepers))
        sleeper.baton.acquire()
        self._sleepers[threading.get_ident()] = sleeper
        return sleeper

    def _next_up(self) -> _Sleeper:
        """Who works next; if a pipeline has failed and time can't go on, the first thread, to hear of it."""
        try:
            return self._following()
        except TouchlineError as error:
            self.failure = error
            return self._sleepers[self._owner]

    def _following(self) -> _Sleeper:
        """Who works next; moves the time on to then."""
        now = self._now
        chosen, when = None, 0
        for sleeper in self._sleepers.values():
            time = now if sleeper.nudge.is_set() else max(now, sleeper.time)
            if chosen is None or (time, sleeper.rank) < (when, chosen.rank):
                chosen, when = sleeper, time
        assert chosen is not None
        if when > now:
            self._move_on(when)
        return chosen

    def _move_on(self, to: int) -> None:
        """Frames that are due on the way leave when they are due, not when the next thread wakes up."""
        self.settle()
        while True:
            dues = [due for paced in self._paced if (due := paced.next_due()) is not None and due < to]
            if not dues:
                break
            self._set(min(dues))
            self.settle()
        self._set(to)

    def _set(self, time: int) -> None:
        self._now = max(self._now, time)
        self._test.set_time(self._address, self._now)
        self._release()

    def _release(self) -> None:
        """Wakes every pipeline that waits on the clock for a time that has come."""
        while entry := self._test.process(self._address):
            self._test.unref(entry)


class _TestClock:
    """A GstTestClock and those of its C functions that are called for every frame."""

    def __init__(self) -> None:
        try:
            import gi

            gi.require_version("GstCheck", "1.0")
            from gi.repository import GstCheck

            check = ctypes.CDLL("libgstcheck-1.0.so.0")
            self.set_time, self.process = (
                check.gst_test_clock_set_time,
                check.gst_test_clock_process_next_clock_id,
            )
        except (ImportError, ValueError, OSError, AttributeError) as error:
            raise MissingElementError(
                f"GStreamer's test clock can't be loaded ({error}); install gir1.2-gstreamer-1.0, "
                "or soak in real time (--speed live)"
            ) from error
        self.unref = native().gst_clock_id_unref
        self.set_time.restype, self.set_time.argtypes = None, [ctypes.c_void_p, ctypes.c_uint64]
        self.process.restype, self.process.argtypes = ctypes.c_void_p, [ctypes.c_void_p]
        self.unref.restype, self.unref.argtypes = None, [ctypes.c_void_p]
        self.gst: Any = GstCheck.TestClock()
        self.set_time(hash(self.gst), _START)
