"""The capture's worker: joins the pictures of each moment into a frame of our own pool and stores it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import Any

from touchline.capture import Feed, Moment
from touchline.counters import Durations, Tally
from touchline.delay import FrameStore
from touchline.engine.standins import StandIns, Substitutes
from touchline.errors import TouchlineError
from touchline.gst.library import SECOND
from touchline.gst.pools import FramePool

# Pictures from left to right, the panorama's picture, its time in seconds. Done when it returns: what was read may
# change then, and the panorama is complete.
Compose = Callable[[Sequence[Any], Any, float], None]
_WAIT_S = 0.1
_HURRIED = 6  # moments in a row that were there before they were asked for


class StitchWorker:
    """Feeds the store.

    Args:
        feed: where moments come from.
        compose: writes the panorama of a moment. In the place of a lost camera's picture there is a
            :class:`~touchline.panorama.standin.StandIn`, or what stands for one in other memory.
        pool: where frames come from.
        store: where they go.
        waits: a full pool holds the cameras back; otherwise the frame is dropped and counted as ``pool_empty``.
        on_failed: called with the exception if the work can't go on.
        sizes: of each camera's pictures, from left to right, for one that never sent any (:class:`StandIns`).
        substitutes: makes what stands in for lost pictures, in the pool's memory.
    """

    def __init__(
        self,
        feed: Feed,
        compose: Compose,
        pool: FramePool,
        store: FrameStore,
        *,
        waits: bool,
        on_failed: Callable[[Exception], None],
        sizes: Sequence[tuple[int, int]] = (),
        substitutes: Substitutes | None = None,
    ) -> None:
        self.durations = Durations()
        self.dropped = Tally()
        self.paired = 0
        self.stitched = 0
        self._waiting = 0  # moments in a row that had to wait for us
        self._feed = feed
        self._compose = compose
        self._pool = pool
        self._store = store
        self._waits = waits
        self._on_failed = on_failed
        self._stand_ins = StandIns(sizes, substitutes)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="stitch", daemon=True)

    @property
    def hurried(self) -> bool:
        """Pictures have been waiting for a while: joining them takes too long."""
        return self._waiting >= _HURRIED

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Stops at once. May be called again."""
        self._stop.set()
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join()

    def _run(self) -> None:
        try:
            while not self._stop.is_set():
                moment = self._feed.next(0)
                self._waiting = 0 if moment is None else self._waiting + 1
                moment = moment or self._feed.next(_WAIT_S)
                if moment is not None:
                    self.paired += 1
                    self._store_moment(moment)
                elif self._feed.finished:
                    break
                del moment  # its pictures go back to their decoders now, not when the next ones are here
        except Exception as error:  # noqa: BLE001 - it ends this thread; the production must know
            self._on_failed(error)
        finally:
            self._stand_ins.forget()
            self._store.end()

    def _store_moment(self, moment: Moment) -> None:
        """In its place by time. A late one still has one if nobody who holds has passed it."""
        if not self._store.accepts(moment.pts):
            self.dropped.add("out_of_order")
            return
        buffer = self._pool.acquire(wait=self._waits)
        if buffer is None:
            self.dropped.add("stopped" if self._waits else "pool_empty")
            return
        with self.durations.measure(), ExitStack() as stack:
            pictures = [stack.enter_context(picture.read()) for picture in self._stand_ins.complete(moment)]
            out = stack.enter_context(self._pool.domain.writing(buffer, self._pool.layout))
            self._compose(pictures, out, moment.pts / SECOND)
        buffer.pts = moment.pts
        buffer.duration = moment.duration
        try:
            self._store.append(buffer, moment.pts, moment.duration)
        except TouchlineError:
            if self._store.ended or self._store.accepts(moment.pts):
                raise
            self.dropped.add("out_of_order")  # its place went by while it was made
            return
        self.stitched += 1
