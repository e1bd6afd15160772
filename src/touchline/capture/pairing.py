"""Pairs the frames of two cameras by their PTS. Knows nothing of GStreamer."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass
from typing import Generic, TypeVar

from touchline.counters import Tally

T = TypeVar("T")
SIDES = ("left", "right")


@dataclass(frozen=True)
class Timed(Generic[T]):
    """Something with a time, ns."""

    pts: int
    item: T


class Pairer(Generic[T]):
    """Two queues that are joined by time.

    Two frames are a pair when they lie within half a frame of the slower camera and neither has a nearer partner.
    What finds none is counted as ``left_unpaired`` or ``right_unpaired``. The pairs depend only on the timestamps,
    not on which frame came when.

    Args:
        frame_ns: duration of a frame of the left and of the right camera; 0 if unknown (25 fps is assumed).
        depth: frames kept waiting on the left and on the right side.
        waits: a full side holds its camera back; otherwise (a live camera can't wait) the oldest frame is dropped
            and counted as ``left_overflow`` or ``right_overflow``.
    """

    def __init__(self, frame_ns: tuple[int, int], depth: tuple[int, int], *, waits: bool) -> None:
        if min(depth) < 2:
            raise ValueError("pairing needs two frames of each side at least")
        known = [ns or 40_000_000 for ns in frame_ns]
        self._tolerance = max(known) // 2
        self._surely = min(known) // 4  # so near that no other frame of the same camera can be nearer
        self._depth = depth
        self._waits = waits
        self._queues: tuple[deque[Timed[T]], deque[Timed[T]]] = (deque(), deque())
        self._ended = [False, False]
        self._closed = False
        self._changed = threading.Condition()
        self.dropped = Tally()

    def put(self, side: int, pts: int, item: T) -> None:
        """Adds a frame of camera 0 (left) or 1 (right). Blocks while the side is full, if it ``waits``."""
        with self._changed:
            queue = self._queues[side]
            if self._waits:
                self._changed.wait_for(
                    lambda: len(queue) < self._depth[side] or self._closed or self._other_over(side)
                )
            elif len(queue) >= self._depth[side]:
                queue.popleft()
                self.dropped.add(f"{SIDES[side]}_overflow")
            if self._closed:
                self.dropped.add(f"{SIDES[side]}_stopped")
                return
            if self._other_over(side):
                # No partner can come any more: do not make the camera wait for one.
                self.dropped.add(f"{SIDES[side]}_unpaired", 1 + len(queue))
                queue.clear()
            else:
                queue.append(Timed(pts, item))
            self._changed.notify_all()

    def end(self, side: int) -> None:
        """No more frames of this camera will come."""
        with self._changed:
            self._ended[side] = True
            self._changed.notify_all()

    def close(self) -> None:
        """Wakes everybody; frames that wait are let go. For stopping early."""
        with self._changed:
            self._closed = True
            for side, queue in enumerate(self._queues):
                if queue:
                    self.dropped.add(f"{SIDES[side]}_stopped", len(queue))
                queue.clear()
            self._changed.notify_all()

    @property
    def finished(self) -> bool:
        """True once no pair will come any more."""
        with self._changed:
            return self._closed or any(self._ended[side] and not self._queues[side] for side in (0, 1))

    def next(self, timeout_s: float) -> tuple[Timed[T], Timed[T]] | None:
        """The next pair, left and right; None if time is over or there will be none (see :attr:`finished`)."""
        with self._changed:
            found: list[tuple[Timed[T], Timed[T]]] = []

            def look() -> bool:
                pair = self._match()
                if pair is not None:
                    found.append(pair)
                return pair is not None or self.finished

            self._changed.wait_for(look, timeout_s)
            if self.finished:
                self._drop_rest()
            self._changed.notify_all()
            return found[0] if found else None

    def _other_over(self, side: int) -> bool:
        return self._ended[1 - side] and not self._queues[1 - side]

    def _match(self) -> tuple[Timed[T], Timed[T]] | None:
        """Drops what has no partner and returns the first pair, if what is here decides it."""
        left, right = self._queues
        while left and right:
            apart = abs(left[0].pts - right[0].pts)
            if apart > self._surely:
                older = 0 if left[0].pts < right[0].pts else 1
                queue, other = self._queues[older], self._queues[1 - older]
                if len(queue) < 2 and not self._ended[older]:
                    return None  # the next frame of the older side may be the nearer one
                nearer = len(queue) > 1 and abs(queue[1].pts - other[0].pts) < apart
                if nearer or apart > self._tolerance:
                    queue.popleft()
                    self.dropped.add(f"{SIDES[older]}_unpaired")
                    self._changed.notify_all()
                    continue
            return left.popleft(), right.popleft()
        return None

    def _drop_rest(self) -> None:
        for side, queue in enumerate(self._queues):
            if queue:
                self.dropped.add(f"{SIDES[side]}_unpaired", len(queue))
                queue.clear()
