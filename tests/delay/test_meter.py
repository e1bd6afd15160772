"""The meter: what it makes of passages whose truth is known."""

from __future__ import annotations

import numpy as np

from touchline.delay.meter import DelayMeter
from touchline.gst.library import MILLISECOND, SECOND


def test_errors_freezes_and_repeats() -> None:
    frame = 40 * MILLISECOND
    base = 10 * SECOND
    pts = np.array([0, 1, 2, 3, 3, 5, 4], dtype=np.int64) * frame
    late = np.array([0, 1, 1, 61, 61, 2, 80], dtype=np.int64) * MILLISECOND
    rows = np.stack([pts, base + pts + late], axis=1)
    rows[4, 1] += frame  # the repeated frame is shown a frame later
    meter = DelayMeter(base, frame, 7.0)
    for part in (rows[:3], rows[3:3], rows[3:]):  # in whatever portions they come
        meter.note(part)
    assert meter.shown == 7
    assert meter.repeated == 1
    assert meter.out_of_order == 1
    assert meter.freezes == 1
    assert meter.longest_freeze_s == 0.1  # 40 ms and 60 ms more
    assert meter.errors.count == 7
    assert meter.errors.max_s == 0.101
    assert abs(meter.shown_after_s - 7.08) < 1e-9
    assert meter.first_pts == 0
