"""What the analysis has seen, by the time at which it was captured."""

from __future__ import annotations

import threading
from bisect import bisect_left, bisect_right
from types import TracebackType

from touchline.analysis.motion import Motion


class MotionLog:
    """Motions in the order of their pts, written by one thread and read by any number.

    The log grows until :meth:`forget_before` is told how far back the slowest reader still looks.
    """

    def __init__(self) -> None:
        self._pts: list[int] = []
        self._motions: list[Motion] = []
        self._newest: int | None = None
        self._closed = False
        self._changed = threading.Condition()

    def __enter__(self) -> MotionLog:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __len__(self) -> int:
        with self._changed:
            return len(self._pts)

    @property
    def newest_pts(self) -> int | None:
        """The pts (ns) of the last motion that was added, also if it has been forgotten since; None before any."""
        with self._changed:
            return self._newest

    @property
    def closed(self) -> bool:
        with self._changed:
            return self._closed

    def append(self, motion: Motion) -> None:
        """Appends a motion.

        Raises:
            ValueError: if its pts is not after the newest, or the log is closed.
        """
        with self._changed:
            if self._closed:
                raise ValueError("this log is closed: nothing can be added to it")
            if self._newest is not None and motion.pts_ns <= self._newest:
                raise ValueError(f"a motion of {motion.pts_ns} ns can't follow one of {self._newest} ns")
            self._pts.append(motion.pts_ns)
            self._motions.append(motion)
            self._newest = motion.pts_ns
            self._changed.notify_all()

    def between(self, first_ns: int, last_ns: int) -> list[Motion]:
        """The motions with ``first_ns <= pts <= last_ns``, in order."""
        with self._changed:
            return self._motions[bisect_left(self._pts, first_ns) : bisect_right(self._pts, last_ns)]

    def wait_for(self, pts_ns: int, timeout_s: float | None = None) -> bool:
        """Waits until everything up to ``pts_ns`` is known: it has been analysed, or the log has been closed.

        Returns:
            False if ``timeout_s`` has passed first.
        """
        with self._changed:
            return self._changed.wait_for(
                lambda: self._closed or (self._newest is not None and self._newest >= pts_ns), timeout_s
            )

    def forget_before(self, pts_ns: int) -> None:
        """Drops the motions with a pts below ``pts_ns``."""
        with self._changed:
            gone = bisect_left(self._pts, pts_ns)
            del self._pts[:gone], self._motions[:gone]

    def close(self) -> None:
        """No more will be added: whoever waits goes on. What is there can still be read."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
