"""Cues: what a player shows, and when. The rules alone, without threads, clocks or pictures.

All times are running times of the capture, in ns: a frame is due at its PTS plus the delay, whatever has happened
before. Where nothing is due the programme goes on at the frame rate with the last frame, or a slate.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from touchline.delay.frame import Frame
from touchline.gst.library import MILLISECOND, SECOND

_ASSUMED_FRAME_NS = 40 * MILLISECOND  # where the rate is not known
_TOO_LATE_FRAMES = 2


class Shown(Enum):
    """What kind of picture a cue is."""

    FRAME = "frame"  # the next frame, on time
    HELD = "held"  # the last frame once more
    SLATE = "slate"  # a card


@dataclass(frozen=True)
class Cue:
    """One picture of the programme.

    Attributes:
        kind: of picture.
        frame: a share, whose PTS is ``at``; None for a slate. That of a held frame is flagged DROPPABLE.
        at: programme time, ns. The same as the frame's PTS on the capture's timeline for as long as the delay is what
            it was at the start.
        left_s: for a slate: seconds until a frame is due; None if that is not known yet.
        sound_pts: what is heard with it, ns on the capture's timeline: sound goes on while only the picture is
            missing; None: nothing, before the first frame, after a dump and while paused.
    """

    kind: Shown
    frame: Frame | None
    at: int
    left_s: float | None = None
    sound_pts: int | None = None

    @property
    def pts(self) -> int | None:
        """PTS of the frame on the capture's timeline, ns; None for a slate."""
        return self.frame.pts if self.frame else None


@dataclass(frozen=True)
class Rules:
    """What is shown where no frame is due.

    Args:
        fill: the last frame or a slate at the frame rate; otherwise nothing.
        slate_first: a slate also before the very first frame.
        hold_after_ns: gaps shorter than this are left alone.
        slate_after_ns: after so long without a new frame the last one gives way to the slate.
        cover_ns: how long a slate covers a cut to a shorter delay.
    """

    fill: bool = False
    slate_first: bool = False
    hold_after_ns: int = 250 * MILLISECOND
    slate_after_ns: int = 2 * SECOND
    cover_ns: int = SECOND


class Schedule:
    """Decides what comes next.

    Args:
        delay_ns: of the programme.
        frame_ns: duration of a frame; 0 if unknown.
        rules: for gaps.
        lead_ns: how long before its time a cue is decided, if the delay is twice that at least.

    Attributes:
        last: running time of the last cue; None before the first one.
        last_new: running time of the last cue that was a new frame.
        blank: nothing may be held: before the first frame, after a dump, while a longer delay fills.
        paused: no new frame may be shown.
    """

    def __init__(self, delay_ns: int, frame_ns: int, rules: Rules, lead_ns: int = 0) -> None:
        self.delay_ns = delay_ns
        self.rules = rules
        self.frame_ns = frame_ns or _ASSUMED_FRAME_NS
        self.last: int | None = None
        self.last_new: int | None = None
        self.blank = True
        self.paused = False
        self._lead_ns = lead_ns
        self._first: int | None = None

    def begin(self, running: int) -> None:
        """With ``slate_first`` the programme begins at this running time; otherwise with its first frame."""
        if self.rules.slate_first and self.rules.fill:
            self._first = running

    def due(self, pts: int) -> int:
        """When a frame leaves."""
        return pts + self.delay_ns

    @property
    def lead_ns(self) -> int:
        """How long before its time a cue can be decided: a delay that has become short leaves less time for it."""
        return min(self._lead_ns, self.delay_ns // 2)

    @property
    def tick(self) -> int | None:
        """When the next picture would be due at the frame rate; None before the programme has begun."""
        return self._first if self.last is None else self.last + self.frame_ns

    def target(self, next_pts: int | None) -> int | None:
        """When the next cue is due, as far as can be known; None: nothing is, until a frame comes.

        Args:
            next_pts: of the next frame; None if there is none yet.
        """
        if self._fills(next_pts):
            return self._fill_time(next_pts)
        return None if next_pts is None else self._frame_time(next_pts)

    def pick(self, next_pts: int | None) -> tuple[Shown, int] | None:
        """What is shown next, and its running time; None: nothing, until a frame comes."""
        if self._fills(next_pts):
            time = self._fill_time(next_pts)
            return (Shown.SLATE if self._wants_slate(time) else Shown.HELD), time
        return None if next_pts is None else (Shown.FRAME, self._frame_time(next_pts))

    def too_late(self, pts: int) -> bool:
        """True for a frame whose place has been taken by what was shown instead of it."""
        return self.last is not None and self.due(pts) <= self.last - _TOO_LATE_FRAMES * self.frame_ns

    def note(self, kind: Shown, running: int) -> None:
        """A cue has been given."""
        self.last = running
        if kind is Shown.FRAME:
            self.last_new = running
            self.blank = False

    @property
    def filling(self) -> bool:
        """True if the last cue was no new frame."""
        return self.last != self.last_new

    def _fills(self, next_pts: int | None) -> bool:
        tick = self.tick
        if tick is None:
            return False
        if self.paused:
            return True
        if not self.rules.fill:
            return False
        if next_pts is None:
            return True
        due = self.due(next_pts)
        if due <= tick + self.frame_ns // 2:
            return False
        return self.filling or self.blank or due - tick + self.frame_ns > self.rules.hold_after_ns

    def _fill_time(self, next_pts: int | None) -> int:
        tick = self.tick
        assert tick is not None
        known = self.filling or self.blank or self.paused or next_pts is not None
        if known or self.last is None or self.delay_ns - self.lead_ns >= self.rules.hold_after_ns:
            return tick
        # With hardly any delay the next frame is never here in time: that is no gap yet.
        return self.last + self.rules.hold_after_ns

    def _frame_time(self, pts: int) -> int:
        """Its due time; a little after the last picture if that has taken its place."""
        due = self.due(pts)
        return due if self.last is None else max(due, self.last + self.frame_ns // 4)

    def _wants_slate(self, time: int) -> bool:
        if self.blank or self.last_new is None:
            return True
        return not self.paused and time - self.last_new > self.rules.slate_after_ns
