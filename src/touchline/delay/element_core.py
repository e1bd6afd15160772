"""The inside of the element ``touchlinedelay``: a sink pad, a delay line, a source pad.

What arrives on the sink pad is put into one row: buffers, and the serialized events between them. The line says when
each leaves; then it is pushed on the source pad, whose offset is the delay. A clocksync behind it paces in C.

Nothing here refers to the element or the sink pad, and the source pad's callbacks refer to nothing here: Python's
garbage collector can't see a callback on a pad, so a circle through one would never be let go of.
"""

from __future__ import annotations

import ctypes
import math
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

from touchline.delay.element_times import Places
from touchline.delay.frame import Frame
from touchline.delay.halting import HaltingTimeline
from touchline.delay.line import MARK, DelayLine, available_memory, check_plan, plan_of
from touchline.errors import TouchlineError
from touchline.gst.arrivals import Arrivals
from touchline.gst.library import MILLISECOND, NONE, SECOND, Gst, native

_QUERY_TYPE_BYTE = 64  # in GstQuery, behind its GstMiniObject: see gst/depth.py
_ROOM_S = 0.05  # how often a full window is looked at, if nobody says that there is room
_CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int, *[ctypes.c_void_p] * 3)
# PyGObject looks these up by name each time.
_OK, _FLUSHING, _ERROR = Gst.FlowReturn.OK, Gst.FlowReturn.FLUSHING, Gst.FlowReturn.ERROR
_MOST_SAID = 20
_LEAST_LEAD_NS = 150 * MILLISECOND
_LONGEST_BATCH_S = 0.25
_SHORTEST_BATCH_S = 0.04  # below this a batch would be one frame


@dataclass(frozen=True)
class Wanted:
    """What the element's properties say: times in ns, ``memory_limit`` in bytes (0: none)."""

    delay_ns: int
    longest_ns: int
    hold: str
    memory_limit: int


class Core:
    """Takes from one pad, gives to another, later.

    Args:
        sink: gets its chain, event and query functions from here.
        source: where everything leaves; it must be linked to something that paces.
        wanted: asked before the first frame is held.
        lead_ns: how long before its due time a frame leaves the source pad at most; three quarters of a shorter delay.
        on_error: called with what the element must fail with.
        on_warning: called with one line for people.
        on_depth: called with the number of the producer's frames that will be held, before it is asked for that.
    """

    def __init__(
        self,
        sink: Any,
        source: Any,
        wanted: Callable[[], Wanted],
        lead_ns: int,
        on_error: Callable[[Exception], None],
        on_warning: Callable[[str], None],
        on_depth: Callable[[int], None],
    ) -> None:
        self.timeline = HaltingTimeline(lead_ns)
        self.sent = 0
        self._longest_lead_ns = lead_ns
        self._source = source
        self._wanted = wanted
        self._on_error = on_error
        self._on_warning = on_warning
        self._on_depth = on_depth
        self._line: DelayLine | None = None
        self._row: deque[tuple[int, Any, bool]] = (
            deque()
        )  # time, event or PTS, whether a place was made for it
        self._batches = False
        self._caps: Any = None
        self._places = Places(lambda: self.timeline.now, self._say_once)
        self._offset = 0
        self._said: set[str] = set()
        self._room = threading.Event()
        self._opening = threading.Lock()
        for pad in (sink, source):
            _calls().gst_pad_set_query_function_full(hash(pad), _QUERY_FUNCTION, None, None)
        self._arrivals = Arrivals(sink, self._chain, "touchlinedelay-in", self._look)
        self._flow = _FLUSHING
        sink.set_event_function_full(self._event, None)

    @property
    def line(self) -> DelayLine | None:
        """What holds the frames; None before the first of them."""
        return self._line

    @property
    def received(self) -> int:
        """Frames that have come."""
        return self._arrivals.received

    @property
    def _flow(self) -> Any:
        return self._arrivals.flow

    @_flow.setter
    def _flow(self, flow: Any) -> None:
        self._arrivals.flow = flow

    def catch_up(self) -> None:
        """Before somebody looks at figures: takes what has come, as far as there is room."""
        self._arrivals.catch_up(wait=False)

    def start(self) -> None:
        """Frames may come."""
        self._row.clear()
        self._flow = _OK

    def stop(self, flow: Any = _FLUSHING) -> None:
        """Lets go of everything, and of whoever waits for room. May be called again, from any thread."""
        with self._opening:
            self._flow = _FLUSHING
            line, self._line = self._line, None
        self._room.set()
        if line is not None:
            line.stop()
        self._arrivals.stop()
        self._flow = flow
        self._row.clear()
        self._places.last = -1
        self._set_offset(0)

    def change_delay(self, delay_ns: int) -> None:
        """From the next frame on. Raises PlanError if the window has no room for it."""
        if (line := self._line) is not None:
            self.catch_up()
            line.change_delay(delay_ns)
            self._go_by(line, delay_ns)

    def _chain(self, buffer: Any, arrived: int, behind: int, wait: bool) -> bool:
        try:
            return self._take(buffer, arrived, behind, wait)
        except Exception as error:  # noqa: BLE001 - nothing may be thrown into GStreamer
            self._fail(error)
            return True

    def _look(self) -> None:
        if (line := self._line) is not None:
            line.check()

    def _event(self, _pad: Any, _parent: Any, event: Any) -> bool:
        try:
            return self._pass(event)
        except Exception as error:  # noqa: BLE001 - nothing may be thrown into GStreamer
            self._fail(error)
            return False

    def _take(self, buffer: Any, arrived: int, behind: int, wait: bool) -> bool:
        """False if there is no room for it, and nobody may wait for some."""
        with self._opening:
            if self._flow != _OK:
                return True
            time, pts = self._places.of(buffer, arrived)
            line = self._line or self._open(buffer, pts)
        while not line.has_room(time, behind):
            if not wait:
                return False
            self._room.clear()
            if self._flow != _OK:
                return True
            self._room.wait(_ROOM_S)
        self._places.last = time
        self._row.append((time, pts, False))
        line.take(buffer, time, self._caps)
        return True

    def _pass(self, event: Any) -> bool:
        """Serialized events get into the row; the others, and those before the first frame, pass at once."""
        kind = event.type
        if kind == Gst.EventType.FLUSH_START:
            self._flow = _FLUSHING
            self._room.set()
            if (line := self._line) is not None:
                line.interrupt()
            return bool(self._source.push_event(event))
        if kind == Gst.EventType.FLUSH_STOP:
            self.stop(_OK)
            self._places.forget()
            return bool(self._source.push_event(event))
        serialized = Gst.EventType.get_flags(kind) & Gst.EventTypeFlags.SERIALIZED
        if serialized:
            self._arrivals.catch_up()
        places = self._places
        time = places.last + 1
        if kind == Gst.EventType.CAPS:
            self._caps = event.parse_caps()
            self._ask_for_depth()
        elif kind == Gst.EventType.SEGMENT:
            places.learn(event.parse_segment())
        elif kind == Gst.EventType.GAP and places.known:
            time = max(time, places.running(event.parse_gap()[0]))
        line = self._line
        if line is not None and serialized:
            return self._put(line, time, event)
        return bool(self._source.push_event(event))

    def _put(self, line: DelayLine, time: int, event: Any) -> bool:
        self._row.append((time, event, True))
        while not line.mark(time):
            if not line.can_mark:  # then it leaves with the next frame, or at the end
                break
            if self._flow != _OK:
                return False
            self._room.wait(_ROOM_S)
        self._places.last = max(self._places.last, time)
        if event.type == Gst.EventType.EOS:
            # Another stream may follow, so a line that can carry the event itself goes on.
            line.rest() if line.can_mark else line.end()
        return True

    def _open(self, first: Any, pts: int) -> DelayLine:
        if self._caps is None:
            raise TouchlineError("touchlinedelay needs caps before the first frame")
        wanted = self._wanted()
        plan = self._plan(first, wanted)
        self.timeline.lead_ns = self._lead_ns(wanted.delay_ns)
        check_plan(plan, wanted.memory_limit, available_memory())
        line = DelayLine(
            plan,
            self._caps,
            self.timeline,
            self._show,
            delay_ns=wanted.delay_ns,
            longest_ns=wanted.longest_ns,
            hold=wanted.hold,
            limit_bytes=wanted.memory_limit,
            first=first,
            exact=True,
            name="touchlinedelay",
            on_trouble=self._fail,
            on_notice=lambda verdict: self._say_once(verdict.line),
            on_done=self._drained,
            playing=lambda: self.timeline.now is not None,
            watch=False,
            look=self._arrivals.serve,
        )
        self._line = line
        self._batches = wanted.hold == "reference"
        # So that sinks behind us need not wait for the first frame before the whole pipeline can play. Nothing is
        # offset yet, so this gap is over at once.
        self._source.push_event(Gst.Event.new_gap(pts, 0))
        line.play()
        self._arrivals.start()
        self._go_by(line, wanted.delay_ns)
        return line

    def _go_by(self, line: DelayLine, delay_ns: int) -> None:
        """How early frames are handed on, and how long they may wait to be taken, with this delay.

        Whoever wants copies wants the producer to have its buffers back at once.
        """
        lead_ns = self.timeline.lead_ns = self._lead_ns(delay_ns)
        batch_s = min(_LONGEST_BATCH_S, (delay_ns - lead_ns) / SECOND / 2)
        if batch_s < _SHORTEST_BATCH_S or not self._batches:
            batch_s = 0.0
        # The player takes what has come too, each time when it prepares frames.
        longest_s = max(batch_s, self.timeline.slack_ns / SECOND)
        room = min(math.ceil(3 * longest_s * line.plan.fps) + 4, line.plan.frames // 2)
        self._arrivals.batch(batch_s, room)

    def _lead_ns(self, delay_ns: int) -> int:
        return min(self._longest_lead_ns, max(_LEAST_LEAD_NS, delay_ns * 3 // 4))

    def _plan(self, first: Any, wanted: Wanted) -> Any:
        lead_s = self._lead_ns(wanted.longest_ns) / SECOND
        return plan_of(self._caps, first, wanted.longest_ns / SECOND, lead_s)

    def _show(self, frame: Frame) -> None:
        """Pushes what is due, events first; in the player's thread."""
        pts = self._pass_row(frame.pts, None)
        if not self._room.is_set():  # somebody waits for it
            self._room.set()
        line = self._line
        if frame.caps is MARK or line is None:
            return
        self._set_offset(line.delay_ns)
        buffer = frame.buffer
        if pts is not None:
            buffer.pts = pts
        flow = self._source.push(buffer)
        self.sent += flow == _OK
        if flow not in (_OK, _FLUSHING) and self._line is line:
            # Whoever comes next with a frame is told.
            self._flow = flow

    def _drained(self) -> None:
        """The last frame has left: so do the events behind it."""
        self._pass_row(NONE, None)

    def _pass_row(self, time: int, pts: int | None) -> int | None:
        """Pushes every event up to a time. Returns the PTS of the frame of that time; ``pts`` if it is not known."""
        row, marks = self._row, 0
        while row and row[0][0] <= time:
            place, item, is_event = row.popleft()
            if is_event:
                marks += 1
                self._source.push_event(item)
            elif place == time:
                pts = item
        if marks and (line := self._line) is not None and line.can_mark:
            line.passed(marks)
        return pts

    def _set_offset(self, delay_ns: int) -> None:
        """All running times behind the source pad are later by the delay: so no sink takes a frame for late."""
        if delay_ns != self._offset:
            self._offset = delay_ns
            self._source.set_offset(delay_ns)

    def _ask_for_depth(self) -> None:
        """The producer's allocation query is to be answered with the frames of its that will be held."""
        wanted = self._wanted()
        if self._caps.get_structure(0).get_name() == "video/x-raw" and wanted.hold in ("reference", "auto"):
            self._on_depth(self._plan(Gst.Buffer.new(), wanted).frames)

    def _say_once(self, line: str) -> None:
        if line not in self._said and len(self._said) < _MOST_SAID:
            self._said.add(line)
            self._on_warning(line)

    def _fail(self, error: Exception) -> Any:
        self._flow = _ERROR
        self._room.set()
        self._on_error(error)
        return _ERROR


def _on_query(pad: int, parent: int, query: int) -> int:
    """Caps are those of the other side; a drain is answered at once: what waits here is meant to wait.

    On C pointers, because PyGObject's wrapper of a query holds a reference, which makes it unwritable.
    """
    kind = ctypes.c_int.from_address(query + _QUERY_TYPE_BYTE).value
    calls = _calls()
    if kind == int(Gst.QueryType.CAPS):
        return int(calls.gst_pad_proxy_query_caps(pad, query))
    if kind == int(Gst.QueryType.ACCEPT_CAPS):
        return int(calls.gst_pad_proxy_query_accept_caps(pad, query))
    if kind == int(Gst.QueryType.DRAIN):
        return 1
    return int(calls.gst_pad_query_default(pad, parent, query))


_QUERY_FUNCTION = _CALLBACK(_on_query)


@cache
def _calls() -> ctypes.CDLL:
    library = native()
    pointer = ctypes.c_void_p
    library.gst_pad_set_query_function_full.argtypes = [pointer, _CALLBACK, pointer, pointer]
    library.gst_pad_set_query_function_full.restype = None
    library.gst_pad_proxy_query_caps.argtypes = [pointer] * 2
    library.gst_pad_proxy_query_accept_caps.argtypes = [pointer] * 2
    library.gst_pad_query_default.argtypes = [pointer] * 3
    return library
