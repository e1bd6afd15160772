"""The drift's worker: never in a frame's way, at the same frame in every run, and its end is no one else's."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pytest

from touchline.engine.drifting import DriftWorker
from touchline.geometry import Camera, Rig
from touchline.panorama.drift_stats import DriftStats

RIG = Rig((Camera.from_fov(64, 48, 60, yaw_deg=-20), Camera.from_fov(64, 48, 60, yaw_deg=20)))


class Monitor:
    """Says that the rig has changed at each look from the second on; may be held up, or fail."""

    def __init__(self) -> None:
        self.stats = DriftStats()
        self.seen: list[float] = []
        self.go = threading.Event()
        self.go.set()
        self.fault: Exception | None = None

    def look(self, left: Any, right: Any, pts_s: float) -> Rig | None:
        self.go.wait(10)
        if self.fault:
            raise self.fault
        self.seen.append(pts_s)
        return RIG if len(self.seen) > 1 else None


class Stitcher:
    """Notes from which frame on which plan is used."""

    def __init__(self) -> None:
        self.now = 0.0
        self.planned = 0
        self.used: list[tuple[float, int]] = []

    def plan(self, rig: Rig) -> int:
        assert rig is RIG
        self.planned += 1
        return self.planned

    def use(self, planned: int) -> None:
        self.used.append((self.now, planned))


class Line:
    def __init__(self, *, waits: bool) -> None:
        self.monitor, self.stitcher = Monitor(), Stitcher()
        self.failed: list[Exception] = []
        self.worker = DriftWorker(
            self.monitor,  # type: ignore[arg-type]
            self.stitcher,
            lambda picture: picture,
            waits=waits,
            on_failed=self.failed.append,
        )
        self.worker.start()

    def run(self, first_s: float, last_s: float, pictures: Any = None) -> None:
        luma = np.zeros((48, 64), np.uint8)
        for number in range(round(first_s * 10), round(last_s * 10)):
            self.stitcher.now = number / 10
            self.worker.before((luma, luma) if pictures is None else pictures, number / 10)


def test_at_fast_pace_a_plan_is_used_from_the_same_frame_in_every_run() -> None:
    runs = []
    for _ in range(3):
        line = Line(waits=True)
        line.run(0.0, 9.0)
        line.worker.stop()
        runs.append((line.monitor.seen, line.stitcher.used))
    assert runs[0] == runs[1] == runs[2]
    assert runs[0][0] == [2.0, 4.0, 6.0, 8.0]
    assert runs[0][1] == [(5.0, 1), (7.0, 2)]


def test_a_slow_look_holds_up_no_frame() -> None:
    line = Line(waits=False)
    line.monitor.go.clear()
    line.run(0.0, 7.0)  # would hang otherwise
    assert line.monitor.seen == []
    line.monitor.go.set()
    deadline = threading.Event()
    for _ in range(200):
        if line.monitor.seen:
            break
        deadline.wait(0.02)
    assert line.monitor.seen == [2.0], "those that it had no time for are left out"
    line.worker.stop()
    assert line.failed == []


def test_a_lost_camera_is_not_looked_at() -> None:
    line = Line(waits=True)
    line.run(0.0, 5.0, pictures=(None, np.zeros((48, 64), np.uint8)))
    line.run(5.0, 6.0)
    line.worker.stop()
    assert line.monitor.seen == [5.0]


def test_a_monitor_that_fails_ends_alone() -> None:
    line = Line(waits=True)
    line.monitor.fault = ValueError("a fault")
    line.run(0.0, 9.0)
    line.worker.stop()
    assert [str(error) for error in line.failed] == ["a fault"]
    assert line.stitcher.used == []


@pytest.mark.parametrize("waits", [False, True])
def test_it_may_be_stopped_more_than_once(waits: bool) -> None:
    line = Line(waits=waits)
    line.worker.stop()
    line.worker.stop()
    line.run(0.0, 5.0)
    assert line.monitor.seen == []
