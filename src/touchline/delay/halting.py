"""The timeline of an element inside somebody else's pipeline, which may pause, go on, and choose its clock late."""

from __future__ import annotations

import threading
from typing import Any

from touchline.delay.timeline import SLACK
from touchline.gst.library import MILLISECOND, SECOND

_POLL_S = 0.02  # how often to look whether time goes by again
_STEP_S = 0.6  # how often to look whether it has been moved
_ENOUGH_NS = 250 * MILLISECOND  # before its due time a frame has to be prepared, however long the lead is


class HaltingTimeline:
    """Running time that goes by only while the pipeline plays.

    Args:
        lead_ns: how long before its due time a frame is prepared.
    """

    def __init__(self, lead_ns: int) -> None:
        self._lead_ns = lead_ns
        self._time: tuple[Any, int] | None = None  # the clock, and its time at running time zero

    @property
    def lead_ns(self) -> int:
        return self._lead_ns

    @lead_ns.setter
    def lead_ns(self, lead_ns: int) -> None:
        self._lead_ns = lead_ns

    @property
    def slack_ns(self) -> int:
        """How much later than the lead says a frame may be prepared: that much is prepared at once."""
        return max(round(SLACK * self._lead_ns), self._lead_ns - _ENOUGH_NS)

    @property
    def now(self) -> int | None:
        """The running time; None while time does not go by."""
        time = self._time
        return None if time is None else int(time[0].get_time()) - time[1]

    def run(self, clock: Any, base_time: int) -> None:
        """Time goes by from now on: ``base_time`` (ns) is the clock's time at running time zero."""
        self._time = (clock, base_time)

    def halt(self) -> None:
        """Time stands still: nothing comes due."""
        self._time = None

    def wait_to_prepare(self, running: int, nudge: threading.Event, pts: int = 0) -> bool:
        now, ready = self.now, running - self._lead_ns
        if now is None or now < ready:
            ready += self.slack_ns
        elif not nudge.is_set():
            return True
        while not nudge.is_set():
            now = self.now
            left_s = _POLL_S if now is None else (ready - now) / SECOND
            if left_s <= 0:
                return True
            # In steps: the pipeline may pause, and go on with another base time, while we wait.
            nudge.wait(min(left_s, _STEP_S))
        return False

    def overdue_s(self, running: int) -> float:
        now = self.now
        return -1.0 if now is None else (now - running) / SECOND
