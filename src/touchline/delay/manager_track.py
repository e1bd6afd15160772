"""One stream of a buffer manager: from an appsink, through a delay line, into an appsrc."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from touchline.delay.frame import Frame
from touchline.delay.line import DelayLine, available_memory, check_plan, plan_of
from touchline.delay.timeguard import TimeGuard
from touchline.delay.timeline import LiveTimeline
from touchline.errors import TouchlineError
from touchline.gst.library import NONE, SECOND, Gst


@dataclass(frozen=True)
class SharedTime:
    """The time of both pipelines.

    Attributes:
        clock: of both.
        base_time: its time (ns) at the capture's running time zero, when the capture began.
        lead_ns: how long before its due time a frame is handed on.
    """

    clock: Any
    base_time: int
    lead_ns: int

    @property
    def now(self) -> int:
        """The capture's running time, ns, as if it had never paused."""
        return int(self.clock.get_time()) - self.base_time


class Track:
    """One stream.

    Args:
        name: "video" or "audio".
        rate: buffers per second that are planned for, at the least.
        delay_ns: how late they leave.
        on_trouble: called with one line, in the thread that found it, when the delay can't be kept up.

    Attributes:
        appsrc: where they go to; it is not kept alive from here, for it belongs to its pipeline.
        running: frames are given out; otherwise, or without an appsrc, they are let go of when they are due.
        line: what holds them; None before the first one.
        caps: of the last one; None before it.
        received, sent: how many came, and were taken by the appsrc.
        refused: how many the appsrc did not take.
        cleared: how many were thrown away on purpose.
        unstamped: how many had no PTS and got the time of their arrival.
        last_pts: of the last one that was sent, ns; None before it.
    """

    def __init__(self, name: str, rate: float, delay_ns: int, on_trouble: Callable[[str], None]) -> None:
        self.name = name
        self._appsrc: Callable[[], Any] = lambda: None
        self.running = False
        self.line: DelayLine | None = None
        self.caps: Any = None
        self.received = self.sent = self.refused = self.cleared = self.unstamped = 0
        self.last_pts: int | None = None
        self._rate = rate
        self._delay_ns = delay_ns
        self._on_trouble = on_trouble
        self._told: Any = None  # the caps that the appsrc has
        self._lock = threading.Lock()
        self._stopped = False
        self._gone: dict[str, int] = {}

    @property
    def appsrc(self) -> Any:
        return self._appsrc()

    def feed(self, appsrc: Any) -> None:
        """Where frames go to from now on."""
        self._appsrc = appsrc.weak_ref()
        self.prepare()

    def prepare(self) -> None:
        """Tells the appsrc what comes, if that is known, and that it is fed by time."""
        appsrc, self._told = self.appsrc, None
        if appsrc is None:
            return
        appsrc.set_property("format", Gst.Format.TIME)
        for name, value in (("is-live", True), ("do-timestamp", False), ("block", False)):
            appsrc.set_property(name, value)
        if self.caps is not None:
            self._tell(appsrc, self.caps)

    def take(self, sample: Any, time: SharedTime, paused_ns: int) -> None:
        """Holds a sample.

        Args:
            sample: from the appsink.
            time: of the pipelines.
            paused_ns: how long the capture has paused since it began.

        Raises:
            TouchlineError: if the first one shows that the plan does not fit.
        """
        self.received += 1
        buffer, caps = sample.get_buffer(), sample.get_caps()
        running = (
            NONE if buffer.pts == NONE else sample.get_segment().to_running_time(Gst.Format.TIME, buffer.pts)
        )
        place = None if running == NONE else running + paused_ns
        self.unstamped += place is None
        with self._lock:
            if self._stopped:
                self._lose("stopped", 1)
                return
            line = self.line or self._open(buffer, caps, time)
        if not line.has_room(place or 0):
            self._lose("window_full", 1)
            self._on_trouble(
                f"{self.name}: the window is full with {line.held_frames} buffers, planned for {line.plan.fps:g} a "
                "second, and more come; plan for more (framerate, audio_chunks_per_sec)"
            )
            return
        line.take(buffer, place, caps, time.now)

    def start(self) -> None:
        """Gives out what is due from now on."""
        self._stopped = False
        self.running = True

    def clear(self) -> None:
        """Throws away what is held."""
        line = self.line
        if line is not None:
            self.cleared += line.clear()

    def stop(self) -> None:
        """Lets go of everything, and takes no more until :meth:`start`."""
        self.running = False
        with self._lock:
            self._stopped = True
            line, self.line = self.line, None
        if line is not None:
            line.stop()
            for reason, count in line.dropped.items():
                self._lose(reason, count)

    @property
    def dropped(self) -> dict[str, int]:
        """Buffers that came and were not sent, by reason."""
        line = self.line
        counts = dict(self._gone)
        more = {**(line.dropped if line else {})}
        for reason, count in (*more.items(), ("refused", self.refused), ("cleared", self.cleared)):
            if count:
                counts[reason] = counts.get(reason, 0) + count
        return counts

    def _open(self, first: Any, caps: Any, time: SharedTime) -> DelayLine:
        plan = plan_of(caps, first, self._delay_ns / SECOND, time.lead_ns / SECOND, self._rate)
        check_plan(plan, 0, available_memory())
        self.line = DelayLine(
            plan,
            caps,
            LiveTimeline(time.clock, time.base_time, time.lead_ns),
            self._show,
            delay_ns=self._delay_ns,
            guard=TimeGuard(),
            first=first,
            name=self.name,
            on_trouble=lambda error: self._on_trouble(_line_of(error)),
        )
        self.caps = caps
        self.prepare()
        self.line.play()
        return self.line

    def _show(self, frame: Frame) -> None:
        """Hands on what is due; in the player's thread."""
        appsrc = self.appsrc
        if not self.running or appsrc is None:
            self._lose("not_started", 1)
            return
        self.last_pts = frame.pts
        if frame.caps is not None:
            self._tell(appsrc, frame.caps)
        if appsrc.emit("push-buffer", frame.buffer) == Gst.FlowReturn.OK:
            self.sent += 1
        else:
            self.refused += 1

    def _tell(self, appsrc: Any, caps: Any) -> None:
        # In order: an appsrc keeps its caps in the same queue as its buffers.
        if self._told is not caps and (self._told is None or not caps.is_equal(self._told)):
            # Not set_caps: who had the element before GstApp was loaded has a wrapper without that method.
            appsrc.set_property("caps", caps)
            self.caps = caps
        self._told = caps

    def _lose(self, reason: str, count: int) -> None:
        self._gone[reason] = self._gone.get(reason, 0) + count


def _line_of(error: Exception) -> str:
    return str(error) if isinstance(error, TouchlineError) else f"{type(error).__name__}: {error}"
