"""Measures the delay where it counts: at the far end of the clocksync that lets the frames out."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from touchline.counters import Durations
from touchline.gst.library import SECOND


class DelayMeter:
    """Turns passages (PTS, clock time) into delay errors, freezes and repeats.

    Args:
        base_time: of the programme's pipeline, ns: capture base time plus delay.
        frame_ns: duration of a frame; a freeze is an interval between shown frames over 1.5 of it. 0: unknown,
            no freeze is noticed.
        delay_s: the delay now, for reading how late the last frame was.
    """

    def __init__(self, base_time: int, frame_ns: int, delay_s: float) -> None:
        self.errors = Durations()
        self.shown = 0
        self.repeated = 0
        self.out_of_order = 0
        self.freezes = 0
        self.longest_freeze_s = 0.0
        self.last_error_s = 0.0
        self.last_pts: int | None = None
        self.first_pts: int | None = None
        self._last_time = 0
        self._base_time = base_time
        self._frame_ns = frame_ns
        self.delay_s = delay_s

    @property
    def shown_after_s(self) -> float:
        """The delay with which the last frame was shown, in seconds."""
        return self.delay_s + self.last_error_s

    def note(self, passages: NDArray[np.int64]) -> None:
        """Counts passages, shape (n, 2): PTS and clock time, ns, in the order in which they happened."""
        if not len(passages):
            return
        pts, times = passages[:, 0], passages[:, 1]
        errors = (times - self._base_time - pts) / SECOND
        self.errors.extend(errors)
        self.last_error_s = float(errors[-1])
        if self.last_pts is not None:
            pts = np.concatenate([[self.last_pts], pts])
            times = np.concatenate([[self._last_time], times])
        else:
            self.first_pts = int(pts[0])
        steps = np.diff(pts)
        self.repeated += int((steps == 0).sum())
        self.out_of_order += int((steps < 0).sum())
        gaps = np.diff(times)
        frozen = gaps[gaps > 1.5 * self._frame_ns] if self._frame_ns else gaps[:0]
        self.freezes += len(frozen)
        if len(frozen):
            self.longest_freeze_s = max(self.longest_freeze_s, float(frozen.max()) / SECOND)
        self.shown += len(passages)
        self.last_pts, self._last_time = int(pts[-1]), int(times[-1])
