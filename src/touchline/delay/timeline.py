"""When a frame is due: on the clock, or, at fast pace, as soon as what it would have waited for has come."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Any, Protocol

from touchline.delay.store import FrameStore
from touchline.gst.library import SECOND


class Timeline(Protocol):
    """Tells a player when to work on a frame."""

    def wait_to_prepare(self, pts: int, stop: threading.Event) -> bool:
        """Waits until the frame of ``pts`` should be prepared, ``lead`` before it is due. False if stopped."""

    def overdue_s(self, pts: int) -> float:
        """By how many seconds the frame's due time has passed; negative if it is still to come."""


@dataclass(frozen=True)
class LiveTimeline:
    """The delayed timeline on the shared clock.

    Args:
        clock: the clock of all pipelines.
        base_time: the clock's time at running time zero of the *capture*, ns.
        delay_ns: how late frames are shown.
        lead_ns: how long before its due time a frame is prepared; at most the delay.
    """

    clock: Any
    base_time: int
    delay_ns: int
    lead_ns: int

    def due(self, pts: int) -> int:
        """The clock's time, ns, at which a frame leaves."""
        return self.base_time + self.delay_ns + pts

    def wait_to_prepare(self, pts: int, stop: threading.Event) -> bool:
        ready = self.due(pts) - self.lead_ns
        while not stop.is_set():
            left = ready - self.clock.get_time()
            if left <= 0:
                return True
            stop.wait(left / SECOND)
        return False

    def overdue_s(self, pts: int) -> float:
        return float(self.clock.get_time() - self.due(pts)) / SECOND


@dataclass(frozen=True)
class FastTimeline:
    """As fast as the machine can: a frame is due when the capture is ``delay`` ahead of it, or has ended.

    So the window is as full as it would be live, and everything that looks ahead sees the same. Footage whose frames
    come closer together than its rate says would never fill the delay with the frames that were planned for it: then
    a window that is full has to do.

    Args:
        store: what is played.
        delay_ns: of the programme.
        full: frames at which the window is as full as it can get.
        poll_s: how often to look whether we are stopped.
    """

    store: FrameStore
    delay_ns: int
    full: int
    poll_s: float = field(default=0.1)

    def wait_to_prepare(self, pts: int, stop: threading.Event) -> bool:
        while not stop.is_set():
            if self.store.wait_beyond(pts + self.delay_ns, self.poll_s, self.full):
                return True
        return False

    def overdue_s(self, pts: int) -> float:
        return -1.0
