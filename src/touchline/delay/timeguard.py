"""One steadily growing timeline out of timestamps that jitter, come late, repeat or jump.

A frame's place is its PTS plus an offset, which is zero until the timestamps jump. A frame that does not fit the
offset may be the first behind a jump or a single wrong one, and nobody can tell yet: it gets a place of its own, and
with it a second offset. Only when several frames in a row have fitted that one and not the old is it taken for good.
So a jump costs nothing, and one wrong timestamp moves nobody else.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from dataclasses import dataclass

from touchline.counters import Tally
from touchline.gst.library import MILLISECOND, SECOND

_CONFIRM = 3  # frames in a row that make a jump of what may have been one wrong timestamp
_UNKNOWN_STEP = SECOND // 30  # between two frames, as long as no two have come


@dataclass(frozen=True)
class Placed:
    """Where a frame lies: ``pts`` on the one timeline, ns; ``moved``: by how much that differs from its own."""

    pts: int
    moved: int = 0


class TimeGuard:
    """Puts the frames of one stream onto one timeline. For one thread.

    With arrival times (a live source) the clock is the judge: a PTS may lie up to ``tolerance`` in the future, and as
    much later than usual; one that goes on from the last is believed for ``settle`` even when it comes much later, as
    the frames do that a network had kept back. Without (a file) the steps are: one back by more than ``reorder``, or
    forward by more than ``longest_gap``, is a jump, and goes on one frame after the last.

    Args:
        frame_ns: duration of a frame; 0: learnt from the frames.
        tolerance_ns: how far PTS and arrival may disagree before it is no more jitter.
        reorder_ns: how far back a late frame is put where it belongs.
        longest_gap_ns: the longest time without frames, and the longest way of a live frame, that is believed.
        settle_ns: how long live frames may stay late before that is taken for a jump.

    Attributes:
        dropped: frames that have no place, by reason: ``repeated`` (the same PTS again), ``no_room`` (nothing is
            free between the last frame and the clock).
        noted: what was mended, by reason: ``pts_jump`` (a new offset), ``pts_outlier`` (a single wrong PTS),
            ``reordered``, ``late``, ``pts_missing`` (placed where it came).
    """

    def __init__(
        self,
        frame_ns: int = 0,
        *,
        tolerance_ns: int = SECOND,
        reorder_ns: int = 500 * MILLISECOND,
        longest_gap_ns: int = 10 * SECOND,
        settle_ns: int = 2 * SECOND,
    ) -> None:
        if min(tolerance_ns, longest_gap_ns) <= 0 or min(frame_ns, reorder_ns, settle_ns) < 0:
            raise ValueError("a time guard needs a tolerance and a longest gap above zero")
        self.dropped = Tally()
        self.noted = Tally()
        self._frame_ns = frame_ns
        self._tolerance = tolerance_ns
        self._reorder = reorder_ns
        self._longest = longest_gap_ns
        self._settle = settle_ns
        self.reset()

    def reset(self) -> None:
        """Forgets the stream, as after a flush: what comes next may have any PTS. The counts stay."""
        self._offset = 0
        self._other: int | None = None  # the offset that is being tried, or the one before the last jump
        self._votes = 0  # frames in a row that fitted only the other offset
        self._recent: list[int] = []  # places taken, sorted, as far back as one may still be asked for
        self._usual = 0  # the shortest way of a live frame from its PTS to its arrival
        self._late_since: int | None = None
        self._step = self._last_step = self._frame_ns or _UNKNOWN_STEP
        self._began = False

    @property
    def offset(self) -> int:
        """What is added to every PTS now, ns; 0 as long as nothing has jumped."""
        return self._offset

    @property
    def newest(self) -> int | None:
        """The latest place that was given, ns."""
        return self._recent[-1] if self._recent else None

    def place(self, pts: int | None, arrival: int | None = None) -> Placed | None:
        """The place of the next frame.

        Args:
            pts: its timestamp, ns; None if it has none.
            arrival: the running time of the capture now, ns, if the source is live; it never goes back.

        Returns:
            None for a frame that has no place; ``dropped`` says why. No place is given twice, and none is negative.
            Live, it is never later than the arrival plus the tolerance, nor earlier than the arrival minus longest
            gap and tolerance.
        """
        if pts is None:
            self.noted.add("pts_missing")
            return self._give(self._anchor(arrival), None, arrival)
        place = pts + self._offset
        if self._fits(place, arrival) or self._is_late(place, arrival):
            self._call_outliers()
        elif self._other is not None and self._fits(pts + self._other, arrival, strict=arrival is None):
            place = pts + self._other
            self._vote()
        else:
            place = self._anchor(arrival)
            self._call_outliers()
            self._other, self._votes = place - pts, 1
        return self._give(place, pts, arrival)

    def _fits(self, place: int, arrival: int | None, strict: bool = False) -> bool:
        """Whether a place is believable by itself. ``strict``: only as the next frame, or nearly."""
        if place < 0:
            return False
        if arrival is not None:
            usual = self._usual + self._tolerance if self._began else self._longest
            return -self._tolerance <= arrival - place <= usual
        newest = self.newest
        if newest is None:
            return True
        furthest = max(self._reorder, 4 * self._step) if strict else self._longest
        return -self._reorder <= place - newest <= furthest

    def _is_late(self, place: int, arrival: int | None) -> bool:
        """Whether a live frame that goes on from the last has only been kept back on its way."""
        newest = self.newest
        if arrival is None or newest is None or place <= max(-1, newest - self._reorder):
            return False
        if not 0 <= arrival - place <= self._longest:
            return False
        if self._late_since is None:
            self._late_since = arrival
        if arrival - self._late_since > self._settle:
            return False
        self.noted.add("late")
        return True

    def _call_outliers(self) -> None:
        """Whatever fitted no offset just before was wrong by itself."""
        if self._votes:
            self.noted.add("pts_outlier", self._votes)
            self._votes = 0

    def _vote(self) -> None:
        self._votes += 1
        if self._votes < _CONFIRM or self._other is None:
            return
        self._offset, self._other = self._other, self._offset
        self._votes = 0
        self.noted.add("pts_jump")

    def _anchor(self, arrival: int | None) -> int:
        """Where a frame lies whose PTS says nothing: where it came, or one frame after the last."""
        newest = self.newest
        following = 0 if newest is None else newest + self._step
        if arrival is None:
            return following
        place = max(0, arrival - self._usual)
        if newest is not None and place <= newest:
            place = min(following, arrival + self._tolerance)
        return place

    def _give(self, place: int, pts: int | None, arrival: int | None) -> Placed | None:
        newest = self.newest
        if newest is not None and place <= newest:
            if self._recent[bisect_left(self._recent, place)] == place:
                own = pts is not None and place == pts + self._offset
                self.dropped.add("repeated" if own else "no_room")
                return None
            self.noted.add("reordered")
        elif newest is not None and not self._frame_ns:
            # The shorter of the last two steps: one that was a gap says nothing of the rate.
            self._step, self._last_step = min(self._last_step, place - newest), place - newest
        insort(self._recent, place)
        if arrival is not None:
            self._learn_way(max(0, arrival - place))
        # Nothing further back than this fits, live or not: it need not be remembered.
        span = max(self._reorder, self._usual + 2 * self._tolerance)
        del self._recent[: bisect_left(self._recent, self._recent[-1] - span)]
        return Placed(place, 0 if pts is None else place - pts)

    def _learn_way(self, way: int) -> None:
        self._usual = min(self._usual, way) if self._began else way
        self._began = True
        if way <= self._usual + self._tolerance:
            self._late_since = None
