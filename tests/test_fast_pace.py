"""The rates of a run at fast pace are those of its parts, however long its window and its end are."""

from __future__ import annotations

import numpy as np
import pytest
from benchmarks.fast_pace import LEAST_FRAMES, FastRun, Sample, _told
from numpy.typing import NDArray

from touchline.gst.library import SECOND

FPS, DELAY_S = 30, 7
START = 5 * SECOND  # on the clock


def passages(frames: int, filling: float, both: float, draining: float) -> NDArray[np.int64]:
    """PTS and time of each frame of a run whose parts go at these rates, in frames per second."""
    window = FPS * DELAY_S
    steps = np.full(frames, 1 / both)
    steps[max(1, frames - window) :] = 1 / draining
    steps[0] = (window + 1) / filling
    times = START + np.rint(np.cumsum(steps) * SECOND).astype(np.int64)
    return np.stack([np.arange(frames) * SECOND // FPS, times], axis=1)


def told(rows: NDArray[np.int64], samples: list[Sample], names: dict[int, str]) -> FastRun:
    return _told(rows, START, DELAY_S * SECOND, samples, names, {})


def test_each_part_has_its_own_rate() -> None:
    found = told(passages(600, 150.0, 80.0, 300.0), [], {})
    assert found.frames == 600 - FPS * DELAY_S
    assert found.filling == pytest.approx(150)
    assert found.both == pytest.approx(80)
    assert found.draining == pytest.approx(300, rel=0.01)


def test_a_film_hardly_longer_than_the_window_tells_no_rate() -> None:
    """All its frames over all its time would: 80 frames a second, where each part does 150."""
    rows = passages(240, 150.0, 150.0, 150.0)
    assert 240 / ((rows[-1, 1] - START) / SECOND) == pytest.approx(80, abs=5)
    found = told(rows, [], {})
    assert found.frames == 30 < LEAST_FRAMES
    assert found.both is None
    assert found.filling == pytest.approx(150)


def test_who_was_busy_is_told_of_the_time_in_which_all_worked() -> None:
    rows = passages(600, 100.0, 100.0, 100.0)
    first, last = int(rows[0, 1]), int(rows[389, 1])
    span_s = (last - first) / SECOND
    samples = [
        Sample(START, {}, {}),
        Sample(first, {1: 50.0, 2: 1.0}, {"stitch": 10.0}),
        Sample(last, {1: 50.0 + 0.5 * span_s, 2: 1.0, 3: 0.25 * span_s}, {"stitch": 10.0 + 0.8 * span_s}),
        Sample(last + SECOND, {1: 900.0, 2: 900.0, 3: 900.0}, {"stitch": 900.0}),
    ]
    found = told(rows, samples, {1: "stitch", 2: "main", 3: "stitch"})
    assert found.busy == {"stitch": pytest.approx(0.8)}
    assert found.threads == {"stitch": pytest.approx(0.75), "main": 0.0}
