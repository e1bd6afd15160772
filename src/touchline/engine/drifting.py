"""Watches, beside the stitch, whether the cameras still stand as the rig says, and turns the rig after them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from touchline.counters import Durations
from touchline.geometry import Rig
from touchline.panorama.drift import PERIOD_S, DriftMonitor
from touchline.panorama.drift_stats import DriftStats

Luma = NDArray[np.uint8]
_LAG_S = PERIOD_S / 2  # from a look to the first frame that is shown by what it found


class Replanned(Protocol):
    """A stitcher whose rig can change between two frames."""

    def plan(self, rig: Rig) -> Any:
        """Whatever it needs to know of another rig of the same cameras; from any thread."""

    def use(self, planned: Any) -> None:
        """Stitches by that from now on; from the thread that stitches."""


class DriftWorker:
    """Takes the luma of a pair every two seconds of PTS and looks at it in a thread of its own; holds up no frame.

    The first look is at two seconds; one that takes too long takes the place of the next.

    What a look at t has found is shown from the first frame at or after t + 1 s, or, at live pace, as soon after that
    as it is known; so a run at fast pace shows what a live one does.

    Args:
        monitor: who looks.
        stitcher: of the pictures; None where nothing is stitched, so that nothing can be corrected.
        luma: a copy of a picture's luma; None for one that only stands in for a lost camera's.
        waits: frames may wait, as at fast pace.
        on_failed: called with the exception if the monitor raises; the run goes on without it.

    Attributes:
        durations: of the looks.
    """

    def __init__(
        self,
        monitor: DriftMonitor,
        stitcher: Replanned | None,
        luma: Callable[[Any], Luma | None],
        *,
        waits: bool,
        on_failed: Callable[[Exception], None],
    ) -> None:
        self.durations = Durations()
        self._monitor = monitor
        self._stitcher = stitcher
        self._luma = luma
        self._waits = waits
        self._on_failed = on_failed
        self._due_s = PERIOD_S  # while a run begins there is enough to do
        self._looked_s = 0.0
        self._pair: tuple[Luma, Luma, float] | None = None  # to be looked at; None: the thread is free
        self._planned: Any = None
        self._stopped = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="drift", daemon=True)

    @property
    def stats(self) -> DriftStats:
        """What is known now."""
        return self._monitor.stats

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Stops; frames wait for it no more. May be called again."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()
        if self._thread.is_alive():
            self._thread.join()

    def before(self, pictures: Sequence[Any], pts_s: float) -> None:
        """Called by whoever stitches, before each pair of pictures of time ``pts_s`` (seconds)."""
        if pts_s >= self._looked_s + _LAG_S:
            self._take_over()
        if pts_s >= self._due_s:
            self._offer(pictures, pts_s)

    def _take_over(self) -> None:
        """Has the stitcher use what the last look has found, if it is done."""
        with self._changed:
            if self._waits:
                self._changed.wait_for(lambda: self._pair is None or self._stopped)
            if self._pair is not None or self._planned is None:
                return
            planned, self._planned = self._planned, None
        if self._stitcher is not None:
            self._stitcher.use(planned)

    def _offer(self, pictures: Sequence[Any], pts_s: float) -> None:
        with self._changed:
            if self._pair is not None or self._planned is not None or self._stopped:
                return
        left, right = (self._luma(picture) for picture in (pictures[0], pictures[-1]))
        if left is None or right is None:
            return
        self._due_s = (pts_s // PERIOD_S + 1) * PERIOD_S
        self._looked_s = pts_s
        with self._changed:
            self._pair = (left, right, pts_s)
            self._changed.notify_all()

    def _run(self) -> None:
        try:
            while True:
                with self._changed:
                    self._changed.wait_for(lambda: self._pair is not None or self._stopped)
                    # At fast pace what has been taken is looked at: the books are the same in every run.
                    if self._pair is None or (self._stopped and not self._waits):
                        return
                    pair = self._pair
                planned = self._look(*pair)
                with self._changed:
                    self._planned = planned
                    self._pair = None
                    self._changed.notify_all()
        except Exception as error:  # noqa: BLE001 - the run goes on without it, and says so
            self._on_failed(error)
        finally:
            with self._changed:
                self._stopped = True
                self._changed.notify_all()

    def _look(self, left: Luma, right: Luma, pts_s: float) -> Any:
        with self.durations.measure():
            rig = self._monitor.look(left, right, pts_s)
            return None if rig is None or self._stitcher is None else self._stitcher.plan(rig)
