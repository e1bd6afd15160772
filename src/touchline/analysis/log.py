"""The movement that has been seen, by the time at which it was captured."""

from __future__ import annotations

from touchline.analysis.motion import Motion
from touchline.analysis.timed_log import TimedLog


class MotionLog(TimedLog):
    """Motions in the order of their pts."""

    def __init__(self) -> None:
        super().__init__()
        self._motions: list[Motion] = []

    def append(self, motion: Motion) -> None:
        """Appends a motion.

        Raises:
            ValueError: if its pts is not after the newest, or the log is closed.
        """
        with self._changed:
            self._check(motion.pts_ns, "a motion")
            self._motions.append(motion)
            self._added(motion.pts_ns)

    def between(self, first_ns: int, last_ns: int) -> list[Motion]:
        """The motions with ``first_ns <= pts <= last_ns``, in order."""
        with self._changed:
            return self._motions[self._rows(first_ns, last_ns)]

    def forget_before(self, pts_ns: int) -> None:
        """Drops the motions with a pts below ``pts_ns``."""
        with self._changed:
            gone = self._older(pts_ns)
            del self._pts[gone], self._motions[gone]
