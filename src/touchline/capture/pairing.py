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


Pair = tuple[Timed[T] | None, Timed[T] | None]


class Pairer(Generic[T]):
    """Two queues that are joined by time.

    Two frames are a pair when they lie within half a frame of the slower camera and neither has a nearer partner.
    What finds none is counted as ``left_unpaired`` or ``right_unpaired``. The pairs depend only on the timestamps,
    not on which frame came when.

    With ``patience_ns`` (live cameras) one side goes on without the other. A frame goes alone when the other side
    has a gap of more than a frame at its time, or is *missing*: it has sent nothing while this side sent frames for
    as long as the patience. From then on nobody waits for it, until it sends a frame again that is not older than
    what went by more than the patience. Each frame without its left or right partner is counted as ``left_missing``
    or ``right_missing``. What comes out is in strict order of time.

    Args:
        frame_ns: duration of a frame of the left and of the right camera; 0 if unknown (25 fps is assumed).
        depth: frames kept waiting on the left and on the right side.
        waits: a full side holds its camera back; otherwise (a live camera can't wait) the oldest frame is dropped
            and counted as ``left_overflow`` or ``right_overflow``.
        holds_back: a full side that does not wait holds its camera back all the same as long as the other side has
            room: then it is the other camera that is behind, and what would be dropped is what that one's next frames
            belong to. For cameras that can wait a little, such as files that are read at the pace of time.
        patience_ns: how long one side waits for the other, by its own timestamps; a frame at least, and no longer
            than the depth allows. None: for ever.
    """

    def __init__(
        self,
        frame_ns: tuple[int, int],
        depth: tuple[int, int],
        *,
        waits: bool,
        holds_back: bool = False,
        patience_ns: int | None = None,
    ) -> None:
        if min(depth) < 2:
            raise ValueError("pairing needs two frames of each side at least")
        self._known = [ns or 40_000_000 for ns in frame_ns]
        self._period = max(self._known)
        self._tolerance = self._period // 2
        self._surely = min(self._known) // 4  # so near that no other frame of the same camera can be nearer
        self._depth = depth
        self._waits = waits
        self._holds_back = holds_back
        self._patience = patience_ns
        if patience_ns is not None:
            longest = min((frames - 2) * ns for frames, ns in zip(depth, self._known, strict=True))
            self._patience = max(self._period, min(patience_ns, longest))
        self._queues: tuple[deque[Timed[T]], deque[Timed[T]]] = (deque(), deque())
        self._ended = [False, False]
        self._missing = [False, False]
        self._seen: list[int | None] = [None, None]  # PTS of the last frame that left each queue
        self._out = -1  # PTS of what came out last
        self._due = 0  # when the next one is due, at the slower camera's rate
        self._closed = False
        self._changed = threading.Condition()
        self.dropped = Tally()

    def put(self, side: int, pts: int, item: T) -> None:
        """Adds a frame of camera 0 (left) or 1 (right). Blocks while the side is full, if it ``waits``."""
        with self._changed:
            queue = self._queues[side]
            if self._waits or self._holds_back:
                self._changed.wait_for(lambda: self._may_go_on(side))
            if not self._waits and self._full(side) and not self._closed:
                self._pop(side)
                self.dropped.add(f"{SIDES[side]}_overflow")
            if self._closed:
                self.dropped.add(f"{SIDES[side]}_stopped")
            elif self._other_over(side):
                # No partner can come any more: do not make the camera wait for one.
                self.dropped.add(f"{SIDES[side]}_unpaired", 1 + len(queue))
                queue.clear()
            elif self._patience is None:
                queue.append(Timed(pts, item))
            else:
                self._put_live(side, Timed(pts, item), self._patience)
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
        """True once nothing will come out any more."""
        with self._changed:
            over = [self._ended[side] and not self._queues[side] for side in (0, 1)]
            alone = any(over[side] and not self._missing[side] for side in (0, 1))
            return self._closed or alone or all(over)

    def next(self, timeout_s: float) -> Pair[T] | None:
        """The next pair, left and right, or one side alone; None if time is over or nothing will come any more.

        See :attr:`finished`.
        """
        with self._changed:
            found: list[Pair[T]] = []

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

    def _may_go_on(self, side: int) -> bool:
        """True if a camera need not be held back (any longer)."""
        both_full = not self._waits and self._full(1 - side)
        return not self._full(side) or both_full or self._closed or self._other_over(side)

    def _full(self, side: int) -> bool:
        return len(self._queues[side]) >= self._depth[side]

    def _other_over(self, side: int) -> bool:
        other = 1 - side
        return self._ended[other] and not self._queues[other] and not self._missing[other]

    def _put_live(self, side: int, frame: Timed[T], patience: int) -> None:
        """In its place by time; too late is what would change what has come out already."""
        queue = self._queues[side]
        place = len(queue)
        while place and queue[place - 1].pts > frame.pts:
            place -= 1
        late = self._missing[side] and frame.pts < self._out - patience
        if late or (place and queue[place - 1].pts == frame.pts):
            self.dropped.add(f"{SIDES[side]}_unpaired")
            return
        self._missing[side] = False
        queue.insert(place, frame)

    def _match(self) -> Pair[T] | None:
        """Drops what has no partner and returns the first pair, if what is here decides it."""
        left, right = self._queues
        if self._patience is not None:
            self._drop_passed()
        while left and right:
            apart = abs(left[0].pts - right[0].pts)
            if apart > self._surely:
                older = 0 if left[0].pts < right[0].pts else 1
                queue, other = self._queues[older], self._queues[1 - older]
                if len(queue) < 2 and not self._ended[older] and not self._lost(older):
                    return None  # the next frame of the older side may be the nearer one
                nearer = len(queue) > 1 and abs(queue[1].pts - other[0].pts) < apart
                if nearer or apart > self._tolerance:
                    if self._in_gap(older) and self._is_due(older):
                        return self._alone(older)
                    self._pop(older)
                    self.dropped.add(f"{SIDES[older]}_unpaired")
                    self._changed.notify_all()
                    continue
            return self._leave(left[0].pts, (self._pop(0), self._pop(1)))
        return self._match_one()

    def _match_one(self) -> Pair[T] | None:
        """One queue is empty: is it missing, and what goes without it?"""
        for side in (0, 1):
            while self._queues[side] and not self._queues[1 - side] and self._lost(1 - side):
                if self._is_due(side):
                    return self._alone(side)
                self._pop(side)
                self.dropped.add(f"{SIDES[side]}_unpaired")
        return None

    def _lost(self, side: int) -> bool:
        """True if nobody waits for this side: it is missing, or found to be so now."""
        other = self._queues[1 - side]
        if self._patience is None or not other or self._ended[side]:
            return self._missing[side]
        waited = other[-1].pts - other[0].pts
        if waited >= self._patience or len(other) >= self._depth[1 - side] - 1:
            self._missing[side] = True
        return self._missing[side]

    def _in_gap(self, side: int) -> bool:
        """True if the other camera lost a frame, or many, where this side's first one is."""
        before, after = self._seen[1 - side], self._queues[1 - side][0].pts
        return self._patience is not None and before is not None and after - before > self._period * 3 // 2

    def _is_due(self, side: int) -> bool:
        """A camera that is faster than the other one goes no faster alone than both together."""
        own = self._known[side]
        return own > self._period * 0.98 or self._queues[side][0].pts >= self._due - own // 2

    def _alone(self, side: int) -> Pair[T]:
        frame = self._pop(side)
        self.dropped.add(f"{SIDES[1 - side]}_missing")
        return self._leave(frame.pts, (None, frame) if side else (frame, None))

    def _leave(self, pts: int, pair: Pair[T]) -> Pair[T]:
        self._out = pts
        self._due = (self._due if abs(pts - self._due) < self._period else pts) + self._period
        return pair

    def _pop(self, side: int) -> Timed[T]:
        frame = self._queues[side].popleft()
        self._seen[side] = frame.pts
        return frame

    def _drop_passed(self) -> None:
        """Frames whose time went by without them."""
        for side, queue in enumerate(self._queues):
            while queue and queue[0].pts <= self._out:
                self._pop(side)
                self.dropped.add(f"{SIDES[side]}_unpaired")

    def _drop_rest(self) -> None:
        for side, queue in enumerate(self._queues):
            if queue:
                self.dropped.add(f"{SIDES[side]}_unpaired", len(queue))
                queue.clear()
