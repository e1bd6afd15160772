"""When a time of the programme has come: on the clock, or, at fast pace, when the capture is far enough ahead."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Any, Protocol

from touchline.delay.store import FrameStore
from touchline.gst.library import SECOND

SLACK = 0.25  # of the lead: how much later than ``lead`` before its time a frame may be prepared


class Timeline(Protocol):
    """Tells a player when to work on what is due at a running time of the capture (ns): PTS plus delay."""

    @property
    def lead_ns(self) -> int:
        """How long before it is due something is prepared."""

    @property
    def now(self) -> int | None:
        """The capture's running time now, ns; None where time is not kept."""

    def wait_to_prepare(self, running: int, nudge: threading.Event, pts: int = 0) -> bool:
        """Waits until a running time is to be prepared, ``lead`` before it or a little less. False if nudged first.

        What is not due so soon is left until :data:`SLACK` of the lead has gone by, and then several frames are
        prepared in a row: each waking of a thread costs more than what it does for a frame.

        Args:
            running: ns.
            nudge: ends the waiting.
            pts: of the frame that is due then, ns: where that is all there will be, it need not wait longer.
        """

    def overdue_s(self, running: int) -> float:
        """By how many seconds a running time has passed; negative if it is still to come."""


@dataclass(frozen=True)
class LiveTimeline:
    """The shared clock.

    Args:
        clock: the clock of all pipelines, or anything with ``get_time`` in ns (and, if time does not go by itself
            on it, ``wait_until(time, nudge)``).
        base_time: the clock's time at running time zero of the *capture*, ns.
        lead_ns: how long before its due time a frame is prepared.
        slack: of the lead: how much later a frame may be prepared, so that several are at one waking. What is left of
            the lead is how long Python may stand still.
    """

    clock: Any
    base_time: int
    lead_ns: int
    slack: float = SLACK

    @property
    def now(self) -> int:
        return int(self.clock.get_time()) - self.base_time

    def wait_to_prepare(self, running: int, nudge: threading.Event, pts: int = 0) -> bool:
        ready = self.base_time + running - self.lead_ns
        if ready > self.clock.get_time():
            ready += round(self.slack * self.lead_ns)
        if (wait_until := getattr(self.clock, "wait_until", None)) is not None:
            return bool(wait_until(ready, nudge))
        while not nudge.is_set():
            left = ready - self.clock.get_time()
            if left <= 0:
                return True
            nudge.wait(left / SECOND)
        return False

    def overdue_s(self, running: int) -> float:
        return float(self.clock.get_time() - self.base_time - running) / SECOND


@dataclass(frozen=True)
class FastTimeline:
    """As fast as the machine can: a time has come when the capture is there, or has ended.

    So the window is as full as it would be live, and everything that looks ahead sees the same. Footage whose frames
    come closer together than its rate says would never fill the delay with the frames that were planned for it: then
    a window that is full has to do.

    Args:
        store: what is played.
        full: frames, from the one that is due on and with the history, at which the window is as full as it can get.
        poll_s: how often to look whether somebody nudged.
    """

    store: FrameStore
    full: int
    poll_s: float = field(default=0.1)

    @property
    def lead_ns(self) -> int:
        return 0

    @property
    def now(self) -> int | None:
        return None

    def wait_to_prepare(self, running: int, nudge: threading.Event, pts: int = 0) -> bool:
        while not nudge.is_set():
            if self.store.wait_beyond(running, self.poll_s, self.full, pts):
                return True
        return False

    def overdue_s(self, running: int) -> float:
        return -1.0
