"""The store: a time-indexed ring of references to frames.

A frame is appended once and from then on never written, mapped for writing or copied. Readers get *shares*. One
place lets go of frames, :meth:`FrameStore._let_go`, when every reader that holds has passed them by more than the
history that is kept.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Any

from touchline.errors import TouchlineError
from touchline.gst.shares import share


@dataclass(frozen=True)
class Frame:
    """A frame that was taken out of a store.

    Attributes:
        buffer: a share; the memory is held for as long as this lives.
        pts: presentation time on the capture's timeline, ns.
        duration: ns; 0 if unknown.
        sequence: 0 for the first frame that the store ever got.
    """

    buffer: Any
    pts: int
    duration: int
    sequence: int


class FrameStore:
    """Frames in the order of their PTS, held by reference.

    Args:
        capacity: the most frames at a time.
        frame_bytes: of one frame, for the books.
        history_ns: how long frames stay after the last reader has passed them.
    """

    def __init__(self, capacity: int, frame_bytes: int = 0, history_ns: int = 0) -> None:
        if capacity < 1:
            raise ValueError(f"a store needs room for a frame at least, not {capacity}")
        self.capacity = capacity
        self.frame_bytes = frame_bytes
        self.history_ns = history_ns
        self.peak_frames = 0
        self._ring: list[Frame | None] = [None] * capacity
        self._head = 0
        self._count = 0
        self._appended = 0
        self._readers: list[Reader] = []
        self._ended = False
        self._closed = False
        self._changed = threading.Condition()

    def __len__(self) -> int:
        return self._count

    @property
    def held_bytes(self) -> int:
        """Bytes of the frames that are held now."""
        return self._count * self.frame_bytes

    @property
    def appended(self) -> int:
        """How many frames were ever appended."""
        return self._appended

    @property
    def ended(self) -> bool:
        """True once no more frames will come."""
        return self._ended

    @property
    def newest_pts(self) -> int | None:
        """PTS of the newest frame, ns."""
        with self._changed:
            return self._at(self._count - 1).pts if self._count else None

    @property
    def oldest_pts(self) -> int | None:
        """PTS of the oldest frame, ns."""
        with self._changed:
            return self._at(0).pts if self._count else None

    def append(self, buffer: Any, pts: int, duration: int = 0) -> None:
        """Holds one more frame. From now on nobody may write it.

        Args:
            buffer: the frame; the caller lets go of it.
            pts: its time, ns; later than that of every frame before.
            duration: ns; 0 if unknown.

        Raises:
            TouchlineError: if the time is not later, the store is full, or has ended or closed.
        """
        with self._changed:
            if self._ended or self._closed:
                raise TouchlineError("a frame came after the end")
            if self._count and pts <= self._at(self._count - 1).pts:
                raise TouchlineError(
                    f"a frame of {pts} ns came after one of {self._at(self._count - 1).pts} ns"
                )
            if self._count == self.capacity:
                raise TouchlineError(f"the store is full: {self.capacity} frames")
            place = (self._head + self._count) % self.capacity
            self._ring[place] = Frame(buffer, pts, duration, self._appended)
            self._count += 1
            self._appended += 1
            self.peak_frames = max(self.peak_frames, self._count)
            self._let_go()
            self._changed.notify_all()

    def end(self) -> None:
        """No more frames will come; what is held will still be shown."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def close(self) -> None:
        """Lets go of every frame and wakes everybody who waits. May be called again."""
        with self._changed:
            self._closed = self._ended = True
            self._ring = [None] * self.capacity
            self._head = self._count = 0
            self._changed.notify_all()

    def reader(self, name: str, *, holds: bool = True) -> Reader:
        """A place in the stream that moves from frame to frame.

        Args:
            name: for people.
            holds: frames wait for it; without, it misses what has gone when it comes too late.
        """
        with self._changed:
            reader = Reader(self, name, holds)
            self._readers.append(reader)
            return reader

    def at(self, pts: int) -> Frame | None:
        """The frame that is shown at a time: the last one whose PTS is not later. O(log n)."""
        with self._changed:
            place = self._first_after(pts) - 1
            return self._shared(place) if place >= 0 else None

    def wait_beyond(self, pts: int, timeout_s: float, full: int | None = None) -> bool:
        """Waits until a frame of ``pts`` or later is there, the end is, or ``full`` frames are held.

        Returns:
            False when time is over.
        """

        def there() -> bool:
            newest = self._at(self._count - 1).pts if self._count else -1
            return self._ended or newest >= pts or (full is not None and self._count >= full)

        with self._changed:
            return self._changed.wait_for(there, timeout_s)

    def _at(self, place: int) -> Frame:
        frame = self._ring[(self._head + place) % self.capacity]
        if frame is None:
            raise IndexError(place)
        return frame

    def _first_after(self, pts: int) -> int:
        """The place of the first frame whose PTS is later than ``pts``; bisection over the ring."""
        low, high = 0, self._count
        while low < high:
            middle = (low + high) // 2
            if self._at(middle).pts <= pts:
                low = middle + 1
            else:
                high = middle
        return low

    def _shared(self, place: int) -> Frame:
        frame = self._at(place)
        return Frame(share(frame.buffer), frame.pts, frame.duration, frame.sequence)

    def _let_go(self) -> None:
        """Lets go of what every holding reader has passed, and the history too. The only place that does."""
        holding = [reader.position for reader in self._readers if reader.holds]
        if not holding:
            return
        passed = min(holding)
        while self._count:
            oldest = self._at(0)
            if oldest.sequence >= passed:
                return
            shown = self._at(min(self._count, passed - oldest.sequence) - 1)
            if shown.pts - oldest.pts < self.history_ns:
                return
            self._ring[self._head] = None
            self._head = (self._head + 1) % self.capacity
            self._count -= 1


class Reader:
    """Takes frames out of a store in their order. Made by :meth:`FrameStore.reader`; for one thread at a time."""

    def __init__(self, store: FrameStore, name: str, holds: bool) -> None:
        self.name = name
        self.holds = holds
        self.position = store.appended  # sequence of the next frame to take
        self.missed = 0
        self._store = store

    def wait(self, timeout_s: float) -> int | None:
        """PTS of the next frame, without taking it; None if time is over or the end has come."""
        store = self._store
        with store._changed:
            store._changed.wait_for(lambda: self._place() is not None or store._ended, timeout_s)
            place = self._place()
            return None if place is None else store._at(place).pts

    @property
    def at_end(self) -> bool:
        """True if every frame was taken and no more will come."""
        with self._store._changed:
            return self._store._ended and self._place() is None

    def take(self, not_before: int | None = None) -> Frame | None:
        """The next frame, as a share; the reader moves on. None if there is none yet.

        Args:
            not_before: skip frames earlier than this PTS (ns).
        """
        store = self._store
        with store._changed:
            place = self._place()
            if place is not None and not_before is not None:
                place = max(place, store._first_after(not_before - 1))
                place = place if place < store._count else None
            if place is None:
                return None
            frame = store._shared(place)
            self.position = frame.sequence + 1
            store._let_go()
            return frame

    def close(self) -> None:
        """Frames no longer wait for this reader."""
        store = self._store
        with store._changed:
            if self in store._readers:
                store._readers.remove(self)
                store._let_go()

    def _place(self) -> int | None:
        """Where the next frame lies in the ring, or None if it is not there yet."""
        store = self._store
        first = store._at(0).sequence if store._count else store._appended
        if self.position < first and not store._closed:
            self.missed += first - self.position
            self.position = first
        place = self.position - first
        return place if 0 <= place < store._count else None
