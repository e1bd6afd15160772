"""A feed of pictures that are drawn as they are needed: the synthetic match."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from touchline.capture.frames import Moment, Picture, SourceInfo
from touchline.counters import Tally
from touchline.gst.library import MILLISECOND, SECOND

_DEPTH = 8  # pictures that may wait
_START_IN = 50 * MILLISECOND  # after the start, when every thread is up


class DrawnFeed:
    """Moments that are drawn as they are needed: the synthetic match.

    Args:
        infos: what the cameras deliver.
        draw: draws frame i into new pictures and returns them, from left to right.
        frames: how many there are; None: without end.
        paced: a frame comes at its own time, and if we are too late for it it is lost, as with a camera.
    """

    def __init__(
        self,
        infos: list[SourceInfo],
        draw: Callable[[int], tuple[Picture, ...]],
        *,
        frames: int | None,
        paced: bool,
    ) -> None:
        self.captured = [0] * len(infos)
        self.dropped = Tally()
        self._infos = infos
        self._draw = draw
        self._frames = frames
        self._paced = paced
        self._rate = infos[0].fps
        self._clock: Any = None
        self._base_time = 0
        self._failure: str | None = None
        self._ended = threading.Event()
        self._queue: list[Moment] = []
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="synthetic match", daemon=True)

    @property
    def failure(self) -> str | None:
        return self._failure

    @property
    def finished(self) -> bool:
        with self._changed:
            return self._ended.is_set() and not self._queue

    def open(self, clock: Any) -> list[SourceInfo]:
        self._clock = clock
        return self._infos

    def start(self, clock: Any) -> int:
        self._base_time = clock.get_time() + _START_IN
        self._thread.start()
        return self._base_time

    def next(self, timeout_s: float) -> Moment | None:
        with self._changed:
            self._changed.wait_for(lambda: self._queue or self._ended.is_set(), timeout_s)
            if not self._queue:
                return None
            self._changed.notify_all()
            return self._queue.pop(0)

    def end(self) -> None:
        with self._changed:
            self._ended.set()
            self._changed.notify_all()

    def stop(self) -> None:
        self.end()
        with self._changed:
            if self._queue:
                self.dropped.add("synthetic_stopped", len(self._queue))
            self._queue.clear()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        index = 0
        try:
            while not self._ended.is_set() and (self._frames is None or index < self._frames):
                if self._too_late(index):
                    self.captured = [count + 1 for count in self.captured]
                    self.dropped.add("synthetic_late")
                else:
                    self._deliver(index)
                index += 1
        except Exception as error:  # noqa: BLE001 - it ends this thread, and the production must know why
            self._failure = f"the synthetic match: {type(error).__name__}: {error}"
        self.end()

    def _too_late(self, index: int) -> bool:
        """A camera does not wait for a machine that is too slow for it."""
        behind = self._clock.get_time() - self._base_time - round(SECOND * index / self._rate)
        return bool(self._paced and behind > _DEPTH // 2 * SECOND / self._rate)

    def _deliver(self, index: int) -> None:
        pts, after = (round(SECOND * i / self._rate) for i in (index, index + 1))
        pictures = self._draw(index)
        if self._paced:
            left = self._base_time + pts - self._clock.get_time()
            if left > 0:
                self._ended.wait(left / SECOND)
        with self._changed:
            if not self._paced:
                self._changed.wait_for(lambda: len(self._queue) < _DEPTH // 2 or self._ended.is_set())
            if self._ended.is_set():
                return
            self.captured = [count + 1 for count in self.captured]
            if len(self._queue) >= _DEPTH:
                self._queue.pop(0)
                self.dropped.add("synthetic_overflow")
            self._queue.append(Moment(pts, after - pts, pictures))
            self._changed.notify_all()
