"""The store: a time-indexed row of references to frames.

A frame is appended once and from then on never written, mapped for writing or copied. Readers get *shares*. One
place lets go of frames, :meth:`FrameStore._let_go_of`, whether every reader that holds has passed them by more than
the history that is kept, or somebody throws the window away.
"""

from __future__ import annotations

import threading
from bisect import bisect_left, bisect_right
from dataclasses import replace
from typing import Any

from touchline.delay.frame import Frame
from touchline.errors import TouchlineError
from touchline.gst.shares import share


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
        self._frames: list[Frame] = []
        self._times: list[int] = []  # of the frames, for bisection
        self._keys: dict[int, int] = {}  # how many frames are held in each memory
        self._appended = 0
        self._last_pts = -1  # the latest that ever came
        self._gone_pts = -1  # the latest that was let go
        self._readers: list[Reader] = []
        self._ended = False
        self._closed = False
        # Taken by itself where nobody waits: the condition's own way to it is written in Python.
        self._lock = threading.RLock()
        self._changed = threading.Condition(self._lock)

    def __len__(self) -> int:
        return len(self._frames)

    @property
    def held_bytes(self) -> int:
        """Bytes of the frames that are held now."""
        return len(self._frames) * self.frame_bytes

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
        with self._lock:
            return self._times[-1] if self._times else None

    @property
    def oldest_pts(self) -> int | None:
        """PTS of the oldest frame, ns."""
        with self._lock:
            return self._times[0] if self._times else None

    def append(self, buffer: Any, pts: int, duration: int = 0, *, key: int = 0, caps: Any = None) -> None:
        """Holds one more frame. From now on nobody may write it.

        Args:
            buffer: the frame; the caller lets go of it.
            pts: its time, ns. A frame that comes late is put where it belongs.
            duration: ns; 0 if unknown.
            key: which memory the pixels are in; 0 if nobody will ask.
            caps: of the frame, where they may change from frame to frame.

        Raises:
            TouchlineError: if it has come too late (:meth:`accepts`), the store is full, or has ended or closed.
        """
        with self._lock:
            if self._ended or self._closed:
                raise TouchlineError("a frame came after the end")
            if not self._accepts(pts):
                raise TouchlineError(f"a frame of {pts} ns came after one of {self._last_pts} ns")
            if len(self._frames) == self.capacity:
                raise TouchlineError(f"the store is full: {self.capacity} frames")
            place = bisect_left(self._times, pts)
            self._frames.insert(place, Frame(buffer, pts, duration, self._appended, caps, key))
            self._times.insert(place, pts)
            self._count_key(key, 1)
            for reader in self._readers:
                reader.came(pts)
            self._appended += 1
            self._last_pts = max(self._last_pts, pts)
            self.peak_frames = max(self.peak_frames, len(self._frames))
            self._let_go()
            self._changed.notify_all()

    def accepts(self, pts: int) -> bool:
        """True if a frame of this PTS would still be shown by somebody who holds, and is not there yet."""
        with self._lock:
            return self._accepts(pts)

    def holds_key(self, key: int) -> bool:
        """True if memory of this identity is held now."""
        return key in self._keys

    def held(self) -> list[Frame]:
        """What is held now, oldest first. The buffers themselves, not shares: to look at, not to give away."""
        with self._lock:
            return list(self._frames)

    def replace(self, pts: int, buffer: Any, *, key: int = 0) -> bool:
        """Puts other memory with the same picture under a held frame. False if it is no longer held."""
        with self._lock:
            place = bisect_left(self._times, pts)
            if place == len(self._times) or self._times[place] != pts:
                return False
            old = self._frames[place]
            self._frames[place] = replace(old, buffer=buffer, key=key)
            self._count_key(old.key, -1)
            self._count_key(key, 1)
            return True

    def remove(self, pts: int) -> bool:
        """Takes one frame out, because its pixels are no longer what they were. False if it is not held."""
        with self._lock:
            place = bisect_left(self._times, pts)
            if place == len(self._times) or self._times[place] != pts:
                return False
            self._let_go_of(place, 1)
            return True

    def forget(self) -> None:
        """Throws the history away: everything that every holding reader has passed."""
        with self._lock:
            passed = min((reader.position for reader in self._readers if reader.holds), default=0)
            self._let_go_of(0, bisect_left(self._times, passed))

    def clear(self) -> int:
        """Throws away everything that is held now, whoever waits for it. Returns how many frames that were."""
        with self._lock:
            count = len(self._frames)
            self._let_go_of(0, count)
            for reader in self._readers:
                reader.position = max(reader.position, self._last_pts + 1)
            self._changed.notify_all()
            return count

    def restart(self) -> None:
        """Throws everything away and begins anew, at whatever PTS comes next, as after a flush."""
        with self._lock:
            self._let_go_of(0, len(self._frames))
            self._last_pts = self._gone_pts = -1
            self._ended = self._closed
            for reader in self._readers:
                reader.position = 0
            self._changed.notify_all()

    def end(self) -> None:
        """No more frames will come; what is held will still be shown."""
        with self._lock:
            self._ended = True
            self._changed.notify_all()

    def close(self) -> None:
        """Lets go of every frame and wakes everybody who waits. May be called again."""
        with self._lock:
            self._closed = self._ended = True
            self._let_go_of(0, len(self._frames))
            self._changed.notify_all()

    def reader(self, name: str, *, holds: bool = True) -> Reader:
        """A place in the stream that moves from frame to frame, at first behind what is here already.

        Args:
            name: for people.
            holds: frames wait for it; without, it misses what has gone when it comes too late.
        """
        with self._lock:
            reader = Reader(self, name, holds, self._last_pts + 1)
            self._readers.append(reader)
            return reader

    @property
    def readers(self) -> list[Reader]:
        """Everybody who reads now."""
        with self._lock:
            return list(self._readers)

    def at(self, pts: int) -> Frame | None:
        """The frame that is shown at a time: the last one whose PTS is not later. O(log n)."""
        with self._lock:
            place = bisect_right(self._times, pts) - 1
            return self._shared(place) if place >= 0 else None

    def between(self, first_pts: int, last_pts: int) -> list[Frame]:
        """Shares of every held frame from ``first_pts`` to ``last_pts``, ns, both included."""
        with self._lock:
            places = range(bisect_left(self._times, first_pts), bisect_right(self._times, last_pts))
            return [self._shared(place) for place in places]

    def count_from(self, pts: int) -> int:
        """How many frames are held from ``pts`` (ns) on, and of the history before it."""
        with self._lock:
            return len(self._times) - bisect_left(self._times, pts - self.history_ns)

    def wait_beyond(self, pts: int, timeout_s: float, full: int | None = None, since: int = 0) -> bool:
        """Waits until a frame of ``pts`` or later is there, the end is, or ``full`` frames are held from ``since`` on.

        Frames that are held only for somebody who is further behind don't count.

        Returns:
            False when time is over.
        """

        def there() -> bool:
            newest = self._times[-1] if self._times else -1
            return self._ended or newest >= pts or (full is not None and self.count_from(since) >= full)

        with self._lock:
            return self._changed.wait_for(there, timeout_s)

    def _accepts(self, pts: int) -> bool:
        if pts > self._last_pts:
            return True
        place = bisect_left(self._times, pts)
        there = place < len(self._times) and self._times[place] == pts
        # Whoever has passed it misses it, and counts it.
        passed = min((reader.position for reader in self._readers if reader.holds), default=0)
        return not there and pts > self._gone_pts and pts >= passed

    def _shared(self, place: int) -> Frame:
        frame = self._frames[place]
        return Frame(share(frame.buffer), frame.pts, frame.duration, frame.sequence, frame.caps, frame.key)

    def _let_go(self) -> None:
        """Lets go of what every holding reader has passed, when the history is over too."""
        passed = min((reader.position for reader in self._readers if reader.holds), default=None)
        count = bisect_left(self._times, passed) if passed is not None else 0
        if not count:
            return
        shown = self._times[count - 1]
        old = min(count, bisect_right(self._times, shown - self.history_ns))
        if old:
            self._let_go_of(0, old)

    def _let_go_of(self, place: int, count: int) -> None:
        """Lets go of frames, whatever the reason is. The only place that does."""
        for frame in self._frames[place : place + count]:
            self._count_key(frame.key, -1)
            self._gone_pts = max(self._gone_pts, frame.pts)
            for reader in self._readers:
                reader.missed += not reader.holds and reader.position <= frame.pts and not self._closed
        del self._frames[place : place + count]
        del self._times[place : place + count]

    def _count_key(self, key: int, change: int) -> None:
        if not key:
            return
        count = self._keys.get(key, 0) + change
        if count:
            self._keys[key] = count
        else:
            del self._keys[key]


class Reader:
    """Takes frames out of a store in their order. Made by :meth:`FrameStore.reader`; for one thread at a time.

    Attributes:
        position: the next frame is the first whose PTS is not before this, ns.
        missed: frames that were gone, or came late, before this reader had seen them.
    """

    def __init__(self, store: FrameStore, name: str, holds: bool, position: int) -> None:
        self.name = name
        self.holds = holds
        self.position = position
        self.missed = 0
        self._store = store
        self._alarm: threading.Event | None = None

    def wait(self, timeout_s: float) -> int | None:
        """PTS of the next frame, without taking it; None if time is over or the end has come."""
        store = self._store
        with store._lock:
            place = self._next()
            if place is None and timeout_s > 0:
                store._changed.wait_for(lambda: self._next() is not None or store._ended, timeout_s)
                place = self._next()
            return None if place is None else store._times[place]

    def peek(self, alarm: threading.Event) -> int | None:
        """PTS of the next frame; None if it is not here: ``alarm`` is set when it comes, unless asked again first."""
        with self._store._lock:
            place = self._next()
            self._alarm = alarm if place is None else None
            return None if place is None else self._store._times[place]

    def came(self, pts: int) -> None:
        """A frame has been appended. For the store."""
        if pts < self.position:
            self.missed += 1
        elif self._alarm is not None:
            self._alarm.set()

    def take_missed(self) -> int:
        """What it has missed since the last call."""
        with self._store._lock:
            missed, self.missed = self.missed, 0
            return missed

    @property
    def at_end(self) -> bool:
        """True if every frame was taken and no more will come."""
        with self._store._lock:
            return self._store._ended and self._next() is None

    @property
    def waiting(self) -> int:
        """How many frames are here that it has not taken."""
        with self._store._lock:
            place = self._next()
            return 0 if place is None else len(self._store._times) - place

    def take(self, not_before: int | None = None) -> Frame | None:
        """The next frame, as a share; the reader moves on. None if there is none yet.

        Args:
            not_before: skip frames earlier than this PTS (ns).
        """
        store = self._store
        with store._lock:
            place = self._next()
            if place is not None and not_before is not None:
                place = max(place, bisect_left(store._times, not_before))
            if place is None or place >= len(store._times):
                return None
            frame = store._shared(place)
            self._move(frame.pts + 1)
            return frame

    def skip_to(self, pts: int) -> int:
        """The next frame will be the first whose PTS is ``pts`` or later; it may lie back in the history.

        Returns:
            How many frames that are held now are left out by that; negative for those that come again.
        """
        store = self._store
        with store._lock:
            change = bisect_left(store._times, pts) - bisect_left(store._times, self.position)
            self._move(pts)
            return change

    def skip_all(self) -> int:
        """Leaves out everything that is held now. Returns how many frames that were."""
        store = self._store
        with store._lock:
            left = self.waiting
            self._move(max(self.position, store._last_pts + 1))
            return left

    def close(self) -> None:
        """Frames no longer wait for this reader."""
        store = self._store
        with store._lock:
            if self in store._readers:
                store._readers.remove(self)
                store._let_go()

    def _move(self, position: int) -> None:
        self.position = position
        self._store._let_go()

    def _next(self) -> int | None:
        """Where the next frame lies, or None if it is not there yet."""
        times = self._store._times
        place = bisect_left(times, self.position)
        return place if place < len(times) else None
