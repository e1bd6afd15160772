"""A delay line: what takes a stream in, holds it and gives it out again, in one object.

The drop-in buffer manager and the element ``touchlinedelay`` are both built on it; they differ in where frames come
from and where they go to.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from typing import Any

import psutil

from touchline.delay.audit import Audit, Verdict
from touchline.delay.cues import Cue
from touchline.delay.frame import Frame
from touchline.delay.intake import Intake
from touchline.delay.line_holds import HOLDS, Holding, make_holding
from touchline.delay.plan import MemoryPlan
from touchline.delay.player import Player
from touchline.delay.states import State
from touchline.delay.timeguard import Placed, TimeGuard
from touchline.delay.timeline import Timeline
from touchline.gst.caps import frame_rate
from touchline.gst.library import NONE, SECOND, Gst, GstVideo

__all__ = ["HOLDS", "MARK", "DelayLine", "available_memory", "plan_of"]

MARK: Any = object()  # what a place without a frame has in the place of its caps
_IN_FLIGHT = 3  # taken out of the window and still ours: shown, about to be shown, being handed on
_ASSUMED_FPS = 60.0  # of pictures whose caps do not say
_ASSUMED_CHUNKS = 100.0  # of anything else per second, where its buffers have no duration
_MARKS = 256  # places without a frame
_EXACT = 4  # ns: as a frame's duration it makes the player keep every place to the nanosecond


def available_memory() -> int:
    """Bytes that this machine can still give without swapping."""
    return int(psutil.virtual_memory().available)


def plan_of(caps: Any, first: Any, delay_s: float, lead_s: float, at_least_fps: float = 0.0) -> MemoryPlan:
    """What holding a stream will take.

    Args:
        caps: of the stream; a Gst.Caps.
        first: its first buffer.
        delay_s: the longest delay, s.
        lead_s: how long before its due time a frame is handed on, s.
        at_least_fps: frames or chunks per second that are planned for, whatever caps and buffer say.

    Returns:
        For video the rate is that of the caps (60 frames per second if they have none) and a frame's bytes are those
        of its pixels, also where the buffer itself holds only a description of them. For anything else rate and bytes
        are those of the first buffer, and width and height are 0.
    """
    fields = caps.get_structure(0)
    info = GstVideo.VideoInfo.new_from_caps(caps) if fields.get_name() == "video/x-raw" else None
    if info is not None:
        fps = max(float(frame_rate(caps)) or _ASSUMED_FPS, at_least_fps)
        size, format = max(info.size, first.get_size()), info.finfo.name
    else:
        known = first.duration not in (0, NONE)
        fps = max(SECOND / first.duration if known else _ASSUMED_CHUNKS, at_least_fps)
        size, format = first.get_size(), fields.get_name()
    return MemoryPlan(
        info.width if info else 0,
        info.height if info else 0,
        fps,
        delay_s,
        format=format,
        in_flight=_IN_FLIGHT + math.ceil(lead_s * fps),
        frame_bytes=max(1, size),
    )


class DelayLine:
    """One stream, held and given out one delay after its time.

    :meth:`take`, :meth:`mark` and :meth:`end` are for the thread that frames come in; the rest for any.

    Args:
        plan: what is held at the most.
        caps: of the frames; a Gst.Caps.
        timeline: when a frame is due.
        show: called in the player's thread with each frame when it is to be handed on, ``timeline.lead_ns`` before it
            is due. For a place that was made by :meth:`mark` the frame's ``caps`` are :data:`MARK`.
        delay_ns: how late.
        longest_ns: the longest delay that the window was planned for; 0: ``delay_ns``.
        hold: one of :data:`HOLDS`.
        limit_bytes: the most that the window may take when caps change; 0: no limit.
        first: the first frame: copies are made where its maker can make them.
        guard: puts the frames on one growing timeline; None: the times that they are taken with are one.
        exact: frames that are overdue are shown all the same, and those for which there is no room wait; otherwise
            they are left out and counted.
        name: of the stream, in messages.
        on_trouble: called once with what the line must end with, in the thread that found it.
        on_notice: called with each verdict of the audit that was dealt with, or is no more than a suspicion.
        on_done: called in the player's thread when the last frame after :meth:`end` has been shown.
        playing: whether the producer is meant to deliver now.
        watch: look for a producer that stalls in a thread of our own; otherwise somebody calls :meth:`check`.
        look: called in the player's thread before it looks for the next frame; may :meth:`take`.

    Raises:
        TouchlineError: if the stream can't be held in this way.
    """

    def __init__(
        self,
        plan: MemoryPlan,
        caps: Any,
        timeline: Timeline,
        show: Callable[[Frame], None],
        *,
        delay_ns: int,
        longest_ns: int = 0,
        hold: str = "reference",
        limit_bytes: int = 0,
        guard: TimeGuard | None = None,
        first: Any = None,
        exact: bool = False,
        name: str = "delay",
        on_trouble: Callable[[Exception], None],
        on_notice: Callable[[Verdict], None] | None = None,
        on_done: Callable[[], None] | None = None,
        playing: Callable[[], bool] = lambda: True,
        watch: bool = True,
        look: Callable[[], None] | None = None,
    ) -> None:
        self.plan = plan
        self._watch = watch
        self._marked = self._passed = 0  # each written by one thread
        self._show = show
        video = plan.width > 0
        self._holding: Holding = make_holding(
            hold if video else "reference", plan, caps, first, _MARKS, on_trouble
        )
        frame_ns = round(SECOND / plan.fps)
        store = self._holding.inlet
        self._audit = Audit(store, plan.window_frames, name, frame_ns=frame_ns, playing=playing)
        self._intake = Intake(
            store,
            self._holding.keeper,
            guard or _AsStamped(),
            self._holding.domain,
            audit=self._audit if video else None,
            on_trouble=on_trouble,
            on_notice=on_notice,
            window_frames=plan.frames,
            limit_bytes=limit_bytes,
            name=name,
            wait=exact,
        )
        self.player = Player(
            self._holding.outlet,
            timeline,
            self._give,
            delay_ns=delay_ns,
            frame_ns=_EXACT,
            longest_ns=max(longest_ns, delay_ns),
            name=name,
            patience_s=math.inf if exact else 0.5,
            on_failed=on_trouble,
            look=look,
            on_change=lambda _, state: on_done() if state is State.DONE and on_done else None,
        )
        self._started = False
        self._stopped = 0
        self._starting = threading.Lock()

    @property
    def marks(self) -> int:
        """Places without a frame that wait."""
        return self._marked - self._passed

    @property
    def can_mark(self) -> bool:
        """Whether places without a frame can be made at all: not among encoded frames."""
        return self._holding.marks

    @property
    def held_frames(self) -> int:
        """Frames in the window now."""
        return sum(len(store) for store in self._holding.stores) - self.marks

    @property
    def held_bytes(self) -> int:
        """Bytes of the frames in the window now."""
        return self._holding.held_bytes(self.held_frames)

    @property
    def peak_frames(self) -> int:
        """The most frames that the window ever had, places without a frame included."""
        return self._holding.inlet.peak_frames

    @property
    def copies(self) -> int:
        """Frames that were copied."""
        return self._holding.keeper.copies

    @property
    def delay_ns(self) -> int:
        """The delay now."""
        return self.player.delay_ns

    @property
    def span_ns(self) -> int:
        """From the oldest to the newest frame that is held."""
        oldest, newest = self._holding.outlet.oldest_pts, self._holding.inlet.newest_pts
        return 0 if oldest is None or newest is None else max(0, newest - oldest)

    @property
    def dropped(self) -> dict[str, int]:
        """Frames that were taken or refused and never shown, by reason."""
        counts = self._intake.dropped.as_dict()
        for reason, count in (*self.player.dropped.as_dict().items(), ("stopped", self._stopped)):
            if count:
                counts[reason] = counts.get(reason, 0) + count
        return counts

    def has_room(self, time: int, behind: int = 0) -> bool:
        """Whether a frame of this time can be taken now, if so many more that are there already wait behind it.

        Pictures are counted. Chunks of sound may have any length, so what counts is the time from the oldest on.
        """
        store = self._holding.inlet
        if self.plan.width:
            return len(store) - self.marks + behind < self._holding.inlet_frames
        oldest = store.oldest_pts
        return oldest is None or time - oldest <= self.player.longest_ns + SECOND // 4

    def play(self) -> None:
        """Begins to give frames out, when they are due. May be called again."""
        with self._starting:
            if not self._started:
                self._started = True
                self._holding.start()
                if self._watch:
                    self._intake.start()
                self.player.start()

    def take(self, buffer: Any, time: int | None, caps: Any = None, arrival: int | None = None) -> bool:
        """Takes a frame, if there is room for it. False if it was left out; :attr:`dropped` says why.

        Args:
            buffer: the frame; the caller lets go of it.
            time: its running time, ns, later than all before unless there is a guard; None if it is not known.
            caps: of the frame; a Gst.Caps.
            arrival: running time now, ns, for the guard.
        """
        return self._intake.take(buffer, time, buffer.duration, arrival, caps)

    def mark(self, time: int) -> bool:
        """Makes a place without a frame: ``show`` is called when it is due. False if there is no room for it now.

        Whoever is shown something has to say how many such places were :meth:`passed` by that.

        Args:
            time: running time, ns, later than all before.
        """
        if not self.can_mark or self.marks >= _MARKS:
            return False
        self._marked += 1
        self._holding.inlet.append(Gst.Buffer.new(), time, caps=MARK)
        return True

    def passed(self, marks: int) -> None:
        """So many places without a frame lie behind us, shown or jumped over. For the player's thread."""
        self._passed += marks

    def change_delay(self, delay_ns: int) -> None:
        """Shows frames later or earlier from the next one on. Raises PlanError if the window has no room for it."""
        if delay_ns != self.delay_ns:
            self.player.change_delay(delay_ns, by="jump")

    def clear(self) -> int:
        """Throws away what is held now. Returns how many frames that were."""
        return sum(store.clear() for store in self._holding.stores)

    def check(self) -> None:
        """Looks once whether the producer has stalled."""
        self._intake.check()

    def rest(self) -> None:
        """Nothing comes for now, by right: nobody need look for a producer that stalls."""
        self._audit.ended()

    def interrupt(self) -> None:
        """A frame that waits for room waits no longer, as when a flush begins. From any thread."""
        self._intake.interrupt()

    def end(self) -> None:
        """Nothing more will come; what is held is still given out, on time."""
        self._intake.end()

    def stop(self) -> None:
        """Stops at once and lets go of everything. May be called again."""
        self._intake.stop()
        if self.player.state is not State.DONE:
            self._stopped += self.held_frames
        self._holding.wake()
        self.player.stop()
        self._holding.stop()

    def _give(self, cue: Cue) -> None:
        if cue.frame is not None:
            self._show(cue.frame)


class _AsStamped(TimeGuard):
    """Leaves every frame where it is: whoever calls has made one growing timeline already."""

    def place(self, pts: int | None, arrival: int | None = None) -> Placed | None:
        return None if pts is None else Placed(pts)


def check_plan(plan: MemoryPlan, limit_bytes: int, free_bytes: int) -> None:
    """Refuses a plan that does not fit a limit (0: none) or what is free. Raises PlanError, in one line."""
    if limit_bytes:
        plan.check(limit_bytes, "are allowed (memory-limit)")
    plan.check(free_bytes)
