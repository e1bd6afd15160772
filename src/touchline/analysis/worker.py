"""Runs the analysis beside the programme: reads frames from the store when it has time."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from touchline.analysis.log import MotionLog
from touchline.analysis.motion import MotionDetector
from touchline.counters import Durations
from touchline.delay.frame import Frame
from touchline.delay.store import FrameStore
from touchline.gst.caps import PlaneLayout
from touchline.gst.library import SECOND
from touchline.gst.mapping import read_nv12

_WAIT_S = 0.1


class AnalysisWorker:
    """Observes one frame in every period and logs where the play is.

    Which frames are observed depends on their PTS alone (the first one at or after each multiple of the period),
    so that a run at fast pace sees what a live one does. If it falls behind, frames are gone when it comes to
    them: they are counted as missed, and the programme does not notice.

    Args:
        store: where frames come from.
        layout: of those frames.
        detector: finds the movement.
        log: where it is noted; closed at the end.
        period_s: between two observed frames.
        holds: frames wait for the analysis, as they may at fast pace; live they must not.
        on_failed: called with the exception if the detector raises; the programme goes on without it.
        reduce: gives the luma of a held frame, reduced as the detector wants it, where the frame can't be mapped.
    """

    def __init__(
        self,
        store: FrameStore,
        layout: PlaneLayout,
        detector: MotionDetector,
        log: MotionLog,
        *,
        period_s: float = 0.1,
        holds: bool = False,
        on_failed: Callable[[Exception], None] | None = None,
        reduce: Callable[[Any], NDArray[np.uint8]] | None = None,
    ) -> None:
        self.durations = Durations()
        self.observed = 0
        self._layout = layout
        self._detector = detector
        self._log = log
        self._period_ns = round(period_s * SECOND)
        self._on_failed = on_failed
        self._reduce = reduce
        self._store = store
        self._reader = store.reader("analysis", holds=holds)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="analysis", daemon=True)

    @property
    def missed(self) -> int:
        """Frames that were gone before they could be looked at; most of them would have been passed over."""
        return self._reader.missed

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Stops and closes the log, so that nobody waits for it. May be called again."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()
        self._log.close()
        self._reader.close()

    def _run(self) -> None:
        due = 0
        try:
            while not self._stop.is_set() and not self._reader.at_end:
                frame = self._reader.take(not_before=due)
                if frame is None:
                    self._store.wait_beyond(due, _WAIT_S)
                    if self._store.ended and (self._store.newest_pts or 0) < due:
                        return
                    continue
                due = (frame.pts // self._period_ns + 1) * self._period_ns
                self._observe(frame)
        except Exception as error:  # noqa: BLE001 - the programme goes on without analysis, and says so
            if self._on_failed:
                self._on_failed(error)
        finally:
            self._log.close()
            self._reader.close()  # no frame waits for an analysis that has ended or given up

    def _observe(self, frame: Frame) -> None:
        with self.durations.measure():
            if self._reduce is not None:
                motion = self._detector.observe_reduced(self._reduce(frame.buffer), frame.pts)
            else:
                with read_nv12(frame.buffer, self._layout) as picture:
                    motion = self._detector.observe(picture.y, frame.pts)
            self._log.append(motion)
        self.observed += 1
