"""When the frames of a live camera came, against what they say: finds clocks that jump. Knows nothing of GStreamer."""

from __future__ import annotations

_OFF_NS = 1_000_000_000  # further than this from the usual, a time is not believed
_SURE_NS = 1_000_000_000  # how long frames have to be equally late until it is their clock
_STEADY_NS = 250_000_000  # what is equally late, and not catching up
_SETTLING_NS = 2_000_000_000  # the usual is found in this time
_FOLLOW = 256  # frames in which the usual follows a slow change


class Arrival:
    """Keeps a camera's times on the timeline.

    The *lag* of a frame is the time between its PTS and its arrival. It is always about the same, unless frames were
    held up on their way (then they are late for a while, and right), or the camera's clock jumped (then they stay
    wrong). A frame can't come from the future: a lag that is shorter by more than a second is a jump, at once. A lag
    that is longer by more than a second is one when it has been the same for a second. After a jump times are moved
    so that the lag is the usual one.
    """

    def __init__(self) -> None:
        self.jumps = 0
        self._shift = 0
        self._usual: int | None = None
        self._settled_at = 0
        self._late_from = 0
        self._late_by: int | None = None

    def restart(self) -> None:
        """The camera was opened again: its times are right once more, and it is as late as ever."""
        self._shift = 0
        self._late_by = None

    def place(self, pts: int, now: int) -> int:
        """Where a frame belongs that says ``pts`` and came at ``now``, all in running time, ns."""
        pts += self._shift
        lag = now - pts
        if self._usual is None:
            self._usual, self._settled_at = lag, now + _SETTLING_NS
        if now < self._settled_at:
            self._usual = min(self._usual, lag)
        off = lag - self._usual
        if abs(off) <= _OFF_NS:
            self._late_by = None
            self._usual += off // _FOLLOW
            return pts
        if off > 0 and not self._surely_late(off, now):
            return pts
        self.jumps += 1
        self._shift += off
        self._late_by = None
        return pts + off

    def _surely_late(self, off: int, now: int) -> bool:
        if self._late_by is None or abs(off - self._late_by) > _STEADY_NS:
            self._late_by, self._late_from = off, now
        return now - self._late_from >= _SURE_NS
