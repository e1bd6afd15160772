"""Where what arrives at the element belongs: from PTS and segments to running times that only grow."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic_ns
from typing import Any

from touchline.errors import TouchlineError
from touchline.gst.library import NONE, Gst

_NO_PTS = "frames without a PTS: each gets the time of its arrival"


class Places:
    """Times of what arrives, in ns of running time, each later than the one before.

    Args:
        now: running time, ns; None while the pipeline does not play.
        say: called with one line for people, again and again.

    Attributes:
        last: the latest place that was taken; -1 before the first.
    """

    def __init__(self, now: Callable[[], int | None], say: Callable[[str], None]) -> None:
        self.last = -1
        self._now = now
        self._say = say
        self._segment: Any = None
        self._shift: int | None = None

    @property
    def known(self) -> bool:
        """True once a segment in time has come."""
        return self._segment is not None

    def learn(self, segment: Any) -> None:
        """From now on running times go by this one; one that is not in time says nothing."""
        in_time = segment.format == Gst.Format.TIME
        self._segment = segment if in_time else None
        # At the usual speed running time is PTS plus a constant: no need to ask for each frame.
        usual = in_time and segment.rate == 1.0 and segment.stop == NONE
        self._shift = segment.base - segment.start - segment.offset if usual else None

    def forget(self) -> None:
        """The stream begins anew: with a segment of its own."""
        self._segment = None

    def of(self, buffer: Any, arrived: int) -> tuple[int, int]:
        """A buffer's place, and the PTS that it leaves with.

        Args:
            buffer: with or without a PTS.
            arrived: when it came, ns of the monotonic clock.

        Raises:
            TouchlineError: if there is no segment in time.
        """
        if self._segment is None:
            raise TouchlineError("touchlinedelay needs a stream in time: put a parser or a decoder before it")
        pts = buffer.pts
        if pts == NONE:
            waited = monotonic_ns() - arrived
            now = max(self.last + 1, (self._now() or 0) - waited)
            self._say(_NO_PTS)
            pts = self._segment.position_from_running_time(Gst.Format.TIME, now)
        return max(self.last + 1, self.running(pts)), pts

    def running(self, pts: int) -> int:
        """Running time of a PTS; 0 where it has none, outside of the segment."""
        if self._shift is not None:
            return int(max(0, pts + self._shift))
        time = self._segment.to_running_time(Gst.Format.TIME, pts)
        return 0 if time == NONE else int(time)
