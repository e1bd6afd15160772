"""The capture's worker for a panorama that others stitched: each frame waits in the memory that it came in."""

from __future__ import annotations

import threading
from collections.abc import Callable

from touchline.capture import Feed
from touchline.capture.frames import BufferPicture
from touchline.counters import Durations, Tally
from touchline.delay.intake import Intake

_WAIT_S = 0.1


class PassWorker:
    """Feeds the store without touching a pixel.

    Args:
        feed: of a single source.
        intake: of the store.
        on_failed: called with the exception if the work can't go on.

    Attributes:
        durations: none: nothing is stitched.
        hurried: never: there is nothing to be done that could take too long.
        dropped: frames that did not get into the store, or were lost there, by reason.
        paired, stitched: frames that came, and that were taken.
    """

    def __init__(self, feed: Feed, intake: Intake, *, on_failed: Callable[[Exception], None]) -> None:
        self.durations = Durations()
        self.hurried = False
        self.paired = 0
        self._feed = feed
        self._intake = intake
        self._on_failed = on_failed
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="intake", daemon=True)

    @property
    def dropped(self) -> Tally:
        return self._intake.dropped

    @property
    def stitched(self) -> int:
        return self._intake.taken

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Stops at once. May be called again."""
        self._stop.set()
        self._intake.stop()
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join()

    def _run(self) -> None:
        try:
            while not self._stop.is_set():
                moment = self._feed.next(_WAIT_S)
                if moment is not None:
                    self.paired += 1
                    (picture,) = moment.pictures
                    if isinstance(picture, BufferPicture):
                        self._intake.take(picture.buffer, moment.pts, moment.duration)
                elif self._feed.finished:
                    break
                del moment
        except Exception as error:  # noqa: BLE001 - it ends this thread; the production must know
            self._on_failed(error)
        finally:
            self._intake.end()
