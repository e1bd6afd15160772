"""Runs a detector beside the programme: as often as it can, never in its way, and again after it has failed."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, Protocol

from touchline.analysis.detections import Detection, Detections, Detector
from touchline.counters import Durations
from touchline.delay.frame import Frame
from touchline.delay.store import FrameStore
from touchline.gst.caps import PlaneLayout
from touchline.gst.library import SECOND
from touchline.gst.mapping import read_nv12
from touchline.gst.nv12 import Nv12

_WAIT_S = 0.1
_BACK_OFF_S = (1.0, 30.0)  # before the first new attempt, doubled for each further one; at most
_SILENT_S = 3.0  # that a detector may take for a frame before those who wait are told of nothing found
_SELDOM_S = (0.2, 0.8)  # between two looks while the programme is hurried: at first, then doubled; at most
_LAST_S = 2.0  # that the last frame is waited for
_RECOVERED = 20  # frames in a row after which a failure is forgotten


class DetectionLog(Protocol):
    """Where results go: in the order of their pts, from one thread."""

    def append(self, detections: Detections) -> object: ...

    def close(self) -> object:
        """No more will come."""


class DetectionWorker:
    """Looks at one frame in every period, or at the newest where it can't keep up, and notes what is in it.

    Live, a frame that has waited is passed over for the newest one: there never is a queue; and while the programme
    is hurried there are five looks a second and, if it stays so, fewer, which a director can do with. Where frames wait
    (``holds``) each is looked at that is the first at or after a multiple of the period, so that a run at fast pace
    finds the same whatever the machine.

    A detector that raises is closed, and opened again after a time that doubles from 1 to 30 s. Until then what is
    noted is that nothing was found, so that nobody waits for ever; live, also while a detector takes more than 3 s for
    a frame. The programme goes on meanwhile.

    Args:
        store: where frames come from.
        layout: of those frames.
        open_detector: makes the detector; called in the worker's thread, and again after a failure. What it raises at
            the first call is a failure too: whoever wants a bad model refused opens it before, and gives it here.
        log: where results go; closed at the end.
        period_s: between two frames that are looked at, at least.
        holds: frames wait for the detector, as they may at fast pace; live they must not.
        hurried: whether the programme has too little processor; asked after each look, live.
        on_failed: called once for each failure after a time without any, with the exception, in the worker's thread.
        read: gives the picture of a frame's buffer for as long as a ``with`` lasts, where it can't be mapped.

    Attributes:
        durations: of the detector, by frame.
        observed, failed, restarts: frames looked at, and not to the end; detectors opened after the first.
        clipped: boxes that were left out because they lie outside the panorama.
        late: results that came after something newer had been noted.
    """

    def __init__(
        self,
        store: FrameStore,
        layout: PlaneLayout,
        open_detector: Callable[[], Detector],
        log: DetectionLog,
        *,
        period_s: float = 0.1,
        holds: bool = False,
        hurried: Callable[[], bool] = lambda: False,
        on_failed: Callable[[Exception], None] = lambda _error: None,
        read: Callable[[Any], AbstractContextManager[Nv12]] | None = None,
    ) -> None:
        self.durations = Durations()
        self.observed = self.failed = self.restarts = self.clipped = self.late = 0
        self._store, self._layout, self._log = store, layout, log
        self._open, self._hurried, self._on_failed = open_detector, hurried, on_failed
        self._period_ns, self._holds = round(period_s * SECOND), holds
        self._read = read or (lambda buffer: read_nv12(buffer, layout))
        self._reader = store.reader("detector", holds=holds)
        self._detector: Detector | None = None
        self._opened = 0
        self._row = self._good = 0  # failures in a row, and frames since the last one
        self._rest_until = 0  # ns of the frames' time: no detector is opened before
        self._busy_since: float | None = None
        self._noted = -1
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="detector", daemon=True)
        self._watch = threading.Thread(target=self._keep_on, name="detector-watch", daemon=True)

    @property
    def missed(self) -> int:
        """Frames that were gone before they could be looked at."""
        return self._reader.missed

    def start(self) -> None:
        self._thread.start()
        if not self._holds:
            self._watch.start()

    def stop(self) -> None:
        """Stops, closes the detector and the log. May be called again.

        The frame that is looked at now is waited for a little; then the detector is closed under it.
        """
        self._stop.set()
        for thread in (self._watch, self._thread):
            if thread.is_alive():
                thread.join(_LAST_S)
        if self._thread.is_alive():
            self._close_detector()
            self._thread.join(_LAST_S)
        self._end()

    def _run(self) -> None:
        due, seldom_s = 0, 0.0
        try:
            while not self._stop.is_set() and not self._reader.at_end:
                newest = self._store.newest_pts
                if not self._holds and newest is not None:
                    due = max(due, newest)  # never a queue
                frame = self._reader.take(not_before=due)
                if frame is None:
                    self._store.wait_beyond(due, _WAIT_S)
                    if self._store.ended and (self._store.newest_pts or 0) < due:
                        return
                    continue
                due = (frame.pts // self._period_ns + 1) * self._period_ns
                self._note(self._observe(frame))
                seldom_s = self._seldom_s(seldom_s)
                due = max(due, frame.pts + round(seldom_s * SECOND))
        except Exception as error:  # noqa: BLE001 - the programme goes on, and says so
            self.failed += 1
            self._on_failed(error)
        finally:
            self._end()

    def _seldom_s(self, before_s: float) -> float:
        """How long the next look waits for the sake of the programme, after one that waited for ``before_s``."""
        if self._holds or not self._hurried():
            return 0.0
        return min(_SELDOM_S[1], max(_SELDOM_S[0], 2 * before_s))

    def _note(self, made: Detections) -> None:
        with self._lock:
            if made.pts_ns > self._noted:
                self._noted = made.pts_ns
                self._log.append(made)
            else:
                self.late += 1

    def _keep_on(self) -> None:
        """Tells those who wait that there is nothing to wait for."""
        while not self._stop.wait(_WAIT_S) and self._thread.is_alive():
            since, newest = self._busy_since, self._store.newest_pts
            silent = since is not None and time.monotonic() - since > _SILENT_S
            if silent and newest is not None and newest >= self._noted + self._period_ns:
                self._note(Detections(newest))

    def _observe(self, frame: Frame) -> Detections:
        """What is in a frame; nothing, if the detector fails or rests."""
        nothing = Detections(frame.pts)
        if self._detector is None and frame.pts < self._rest_until:
            return nothing
        self._busy_since = time.monotonic()
        try:
            detector = self._detector or self._opened_again()
            with self.durations.measure(), self._read(frame.buffer) as picture:
                found = detector.detect(picture, frame.pts)
                size = picture.width, picture.height
            made = Detections(frame.pts, tuple(one for one in found.found if _inside(one, size)))
        except Exception as error:  # noqa: BLE001 - see on_failed
            if not self._stop.is_set():
                self._fail(error, frame.pts)
            return nothing
        finally:
            self._busy_since = None
        self.observed += 1
        self.clipped += len(found.found) - len(made.found)
        self._good += 1
        if self._good >= _RECOVERED:
            self._row = 0
        return made

    def _opened_again(self) -> Detector:
        self._opened += 1
        self.restarts += self._opened > 1
        self._detector = self._open()
        return self._detector

    def _fail(self, error: Exception, pts: int) -> None:
        self.failed += 1
        self._close_detector()
        first, most = _BACK_OFF_S
        rest_s = min(most, first * 2 ** min(self._row, 10))
        self._rest_until = pts + round(rest_s * SECOND)
        self._row, self._good = self._row + 1, 0
        if self._row == 1:
            self._on_failed(error)

    def _close_detector(self) -> None:
        detector, self._detector = self._detector, None
        if detector is not None:
            try:
                detector.close()
            except Exception as error:  # noqa: BLE001 - it failed before; what is left of it is its own
                self._on_failed(error)

    def _end(self) -> None:
        self._close_detector()
        with self._lock:
            self._noted = sys.maxsize  # the log takes no more
            self._log.close()
        self._reader.close()  # no frame waits for a detector that has ended


def _inside(one: Detection, size: tuple[int, int]) -> bool:
    """Whether a box shows anything of the panorama."""
    return one.right > 0 and one.bottom > 0 and one.left < size[0] and one.top < size[1]
