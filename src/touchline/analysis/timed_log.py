"""What has been seen, by the time at which it was captured: written by one thread and read by any number."""

from __future__ import annotations

import threading
from bisect import bisect_left, bisect_right
from types import TracebackType
from typing import TypeVar

Self = TypeVar("Self", bound="TimedLog")


class TimedLog:
    """The times of what has been seen, in order, and whoever waits for more. What is seen is kept by who inherits.

    The log grows until :meth:`forget_before` is told how far back the slowest reader still looks.
    """

    def __init__(self) -> None:
        self._pts: list[int] = []
        self._newest: int | None = None
        self._closed = False
        self._changed = threading.Condition()

    def __enter__(self: Self) -> Self:
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
        """The pts (ns) of what was added last, also if it has been forgotten since; None before any."""
        with self._changed:
            return self._newest

    @property
    def closed(self) -> bool:
        with self._changed:
            return self._closed

    def wait_for(self, pts_ns: int, timeout_s: float | None = None) -> bool:
        """Waits until everything up to ``pts_ns`` is known: it has been analysed, or the log has been closed.

        Returns:
            False if ``timeout_s`` has passed first.
        """
        with self._changed:
            return self._changed.wait_for(
                lambda: self._closed or (self._newest is not None and self._newest >= pts_ns), timeout_s
            )

    def close(self) -> None:
        """No more will be added: whoever waits goes on. What is there can still be read."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _check(self, pts_ns: int, what: str) -> None:
        """Raises ValueError if ``what`` can't be added: it is not after the newest, or the log is closed."""
        if self._closed:
            raise ValueError("this log is closed: nothing can be added to it")
        if self._newest is not None and pts_ns <= self._newest:
            raise ValueError(f"{what} of {pts_ns} ns can't follow what is of {self._newest} ns")

    def _added(self, pts_ns: int) -> None:
        """Something of that time was kept."""
        self._pts.append(pts_ns)
        self._newest = pts_ns
        self._changed.notify_all()

    def _rows(self, first_ns: int, last_ns: int) -> slice:
        """Of what lies between two times, both counted in."""
        return slice(bisect_left(self._pts, first_ns), bisect_right(self._pts, last_ns))

    def _older(self, pts_ns: int) -> slice:
        """Of what is older than that."""
        return slice(bisect_left(self._pts, pts_ns))
