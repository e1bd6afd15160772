"""What is held of an arriving frame: itself, a copy in a pool of ours, or itself until that proves unsafe."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import Any, Protocol

import numpy as np

from touchline.counters import Tally
from touchline.delay.audit import Fault, Verdict
from touchline.delay.store import FrameStore
from touchline.gst.caps import PlaneLayout
from touchline.gst.mapping import read_nv12


class Pool(Protocol):
    """Frames of ours to copy into."""

    def copy_of(self, buffer: Any) -> Any | None:
        """A deep copy of a frame that refers to nothing of it. None if no frame of the pool is free.

        Raises:
            TouchlineError: if the pixels can't be copied.
        """


class Keeper(Protocol):
    """Decides what is held of a frame."""

    @property
    def copies(self) -> int:
        """How many frames were copied."""

    @property
    def by_reference(self) -> bool:
        """Whether the producer's own memory is held now, in which case frames may be of any size."""

    def keep(self, buffer: Any, key: int) -> Any | None:
        """What is held of a frame, which lies in the memory of identity ``key``. None: the pool is empty."""


class ReferenceKeeper:
    """Holds the buffer as it came."""

    copies = 0
    by_reference = True

    def keep(self, buffer: Any, key: int) -> Any:
        return buffer


class CopyKeeper:
    """Holds one deep copy of each frame; the producer gets its buffer back at once.

    Args:
        pool: where to copy to; it belongs to the caller.
    """

    by_reference = False

    def __init__(self, pool: Pool) -> None:
        self.copies = 0
        self._pool = pool
        self._counting = threading.Lock()

    def keep(self, buffer: Any, key: int) -> Any | None:
        copy = self._pool.copy_of(buffer)
        if copy is not None:
            with self._counting:
                self.copies += 1
        return copy


class CarefulKeeper:
    """Holds references until the audit finds a fault, and then changes over to copies without losing the window.

    Args:
        make_pool: makes the pool for the copies, when it is needed; may raise PlanError.
        same: whether two copies show the same picture. With it, a rescued frame that had been written over before it
            was rescued is found and taken out: a producer that runs ahead of us, behind a queue, does that.
    """

    def __init__(
        self,
        make_pool: Callable[[], Pool],
        *,
        same: Callable[[Any, Any], bool] | None = None,
    ) -> None:
        self._make_pool = make_pool
        self._same = same
        self._copier: CopyKeeper | None = None
        self._changing = threading.Lock()
        self._replacing = threading.Lock()
        self._flushes = 0
        # PTS of rescued frames, by the memory that they were in, until that comes again.
        self._rescued: dict[int, list[int]] = {}

    @property
    def copies(self) -> int:
        return self._copier.copies if self._copier else 0

    @property
    def by_reference(self) -> bool:
        return self._copier is None

    def keep(self, buffer: Any, key: int) -> Any | None:
        return buffer if self._copier is None else self._copier.keep(buffer, key)

    def change_over(self, store: FrameStore, verdict: Verdict, dropped: Tally) -> int:
        """Copies what is held, the oldest first: it is written over, or given back, first. For any thread.

        Args:
            store: what is held.
            verdict: why. Frames in the memory that came round are lost, and taken out at once.
            dropped: counts them (``reused``), and those in danger for which the pool has no room (``pool_empty``).

        Returns:
            How many frames were copied; 0 if it had been done before.

        Raises:
            TouchlineError: if the pool can't be made (PlanError: or may not be; references are held as before), or
                the frames can't be copied.
        """
        if verdict.fault is Fault.REUSED:
            for frame in store.held():
                if frame.key == verdict.key and store.remove(frame.pts):
                    dropped.add("reused")
        with self._changing:
            if self._copier is not None:
                return 0
            copier = CopyKeeper(self._make_pool())
            self._copier = copier
        # Copies have no key. Each frame is dropped from the list as it is copied, so that its memory goes back now.
        with self._replacing:
            waiting, flushes = deque(frame for frame in store.held() if frame.key), self._flushes
        danger = verdict.fault is Fault.REUSED
        copied = 0
        while waiting:
            frame = waiting.popleft()
            copy = copier.keep(frame.buffer, frame.key)
            with self._replacing:
                if flushes != self._flushes:
                    break  # another frame may be held by now under the same PTS
                if copy is None and danger and store.remove(frame.pts):
                    dropped.add("pool_empty")
                elif copy is not None and store.replace(frame.pts, copy):
                    copied += 1
                    if danger and self._same:
                        self._rescued.setdefault(frame.key, []).append(frame.pts)
        return copied

    def look_back(self, store: FrameStore, key: int, copy: Any, dropped: Tally) -> None:
        """Memory has come again that frames were rescued from: were they those frames when we rescued them?

        Args:
            store: what is held.
            key: of the memory.
            copy: of what is in it now.
            dropped: counts the frames that are taken out (``reused``).
        """
        for pts in self._rescued.pop(key, ()):
            rescued = store.at(pts)
            if rescued is None or rescued.pts != pts or self._same is None:
                continue
            if self._same(rescued.buffer, copy) and store.remove(pts):
                dropped.add("reused")

    def forget(self) -> None:
        """The stream is about to begin anew: nothing of what was rescued is held any more."""
        with self._replacing:
            self._flushes += 1
            self._rescued.clear()


def same_picture(layout: PlaneLayout) -> Callable[[Any, Any], bool]:
    """A comparison, pixel by pixel, of two NV12 frames of one pool in system memory; ``layout`` is the pool's."""

    def same(one: Any, other: Any) -> bool:
        with read_nv12(one, layout) as first, read_nv12(other, layout) as second:
            return np.array_equal(first.y, second.y) and np.array_equal(first.uv, second.uv)

    return same
