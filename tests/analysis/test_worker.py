"""The analysis beside the programme: which frames it looks at, what it leaves behind, and that nobody waits for it."""

from __future__ import annotations

import math
import random
import threading
import time
from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest
from numpy.typing import NDArray

from touchline.analysis.log import MotionLog
from touchline.analysis.motion import Motion, MotionDetector
from touchline.analysis.worker import AnalysisWorker
from touchline.delay import FrameStore
from touchline.geometry import Panorama
from touchline.gst.caps import VideoCaps
from touchline.gst.library import MILLISECOND
from touchline.gst.mapping import write_nv12
from touchline.gst.pools import FramePool

CAPS = VideoCaps(64, 48, Fraction(30))
PANORAMA = Panorama("equirectangular", 64, 48, -1.0, 1.0, -0.5, 0.3)


class Numbers(MotionDetector):
    """Notes the number that each picture shows; where the movement is said to be is that number."""

    def __init__(self, meanwhile: Callable[[int], None] = lambda _: None) -> None:
        super().__init__(PANORAMA)
        self.seen: list[tuple[int, int]] = []
        self._meanwhile = meanwhile

    def observe(self, luma: NDArray[np.uint8], pts_ns: int) -> Motion:
        assert luma.shape == (48, 64)
        number = int(luma[0, 0])
        self._meanwhile(number)
        assert (luma == number).all(), "the picture was written while it was looked at"
        self.seen.append((number, pts_ns))
        return Motion(pts_ns, float(number), 0.0, 0.0, 0.1)


class Hall:
    """A pool and a store with an audience that holds every frame until it takes it."""

    def __init__(self, frames: int) -> None:
        self.pool = FramePool(CAPS, frames)
        self.pool.start()
        self.store = FrameStore(frames, self.pool.frame_bytes)
        self.audience = self.store.reader("audience")
        self.log = MotionLog()
        self.failed: list[Exception] = []
        self.worker: AnalysisWorker | None = None

    def analyse(
        self, detector: MotionDetector, period_s: float = 0.1, *, holds: bool = False
    ) -> AnalysisWorker:
        self.worker = AnalysisWorker(
            self.store,
            self.pool.layout,
            detector,
            self.log,
            period_s=period_s,
            holds=holds,
            on_failed=self.failed.append,
        )
        return self.worker

    def capture(self, number: int, pts: int) -> None:
        buffer = self.pool.acquire()
        assert buffer is not None, "no frame is free: somebody holds them back"
        with write_nv12(buffer, self.pool.layout) as picture:
            picture.fill(number, 128, 128)
        buffer.pts = pts
        self.store.append(buffer, pts)

    def close(self) -> None:
        if self.worker:
            self.worker.stop()
        self.store.close()
        self.failed.clear()
        assert self.pool.stats().free == self.pool.frames, "every frame is back"
        self.pool.stop()


@pytest.fixture
def hall():
    made: list[Hall] = []

    def make(frames: int) -> Hall:
        made.append(Hall(frames))
        return made[-1]

    yield make
    for one in made:
        one.close()


def wait_for(done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not done():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.002)


def regular(fps: Fraction, count: int) -> list[int]:
    return [round(i * 1000 * MILLISECOND / fps) for i in range(count)]


def irregular(count: int) -> list[int]:
    """Jitter, bursts and gaps of several periods; the first frame is late."""
    rng = random.Random(5)
    steps = [rng.choice([1, 3, 20, 33, 40, 99, 100, 101, 350]) for _ in range(count)]
    return [(45 + sum(steps[:i])) * MILLISECOND for i in range(count)]


TIMES = {
    "25": regular(Fraction(25), 60),
    "59.94": regular(Fraction(60000, 1001), 100),
    "5": regular(Fraction(5), 12),
    "irregular": irregular(100),
}


def due(times: list[int], period_ns: int) -> list[int]:
    """The first frame at or after each multiple of the period, by the definition."""
    found = []
    for k in range(times[-1] // period_ns + 1):
        first = next(i for i, pts in enumerate(times) if pts >= k * period_ns)
        if first not in found:
            found.append(first)
    return found


@pytest.mark.parametrize("when", ["all there", "as they come"])
@pytest.mark.parametrize("name", TIMES)
@pytest.mark.parametrize("period_s", [0.1, 0.04])
def test_the_first_frame_of_every_period_is_observed(hall, name: str, period_s: float, when: str) -> None:
    """The same frames, whether the worker is ahead of the cameras or behind them."""
    times = TIMES[name]
    one, detector = hall(len(times)), Numbers()
    worker = one.analyse(detector, period_s)
    if when == "as they come":
        worker.start()
    for number, pts in enumerate(times):
        one.capture(number, pts)
        if number % 7 == 0:
            time.sleep(0.001)
    one.store.end()
    if when == "all there":
        worker.start()
    assert one.log.wait_for(2**62, 20), "the log is closed at the end, so that nobody waits for it"
    expected = due(times, round(period_s * 1000) * MILLISECOND)
    assert detector.seen == [(number, times[number]) for number in expected]
    assert [(m.yaw_deg, m.pts_ns) for m in one.log.between(0, 2**62)] == detector.seen
    assert one.log.closed
    assert worker.observed == worker.durations.count == len(expected)
    assert worker.missed == 0
    assert one.failed == []


def test_the_real_detector_sees_where_it_moves(hall) -> None:
    """A light square that wanders to the right over a still picture."""
    one = hall(60)
    worker = one.analyse(MotionDetector(PANORAMA))
    for number in range(60):
        buffer = one.pool.acquire()
        with write_nv12(buffer, one.pool.layout) as picture:
            picture.fill(80, 128, 128)
            picture.y[20:26, number // 2 + 10 : number // 2 + 16] = 200
        one.store.append(buffer, number * 100 * MILLISECOND)
    one.store.end()
    worker.start()
    assert one.log.wait_for(2**62, 20)
    late = one.log.between(3000 * MILLISECOND, 2**62)
    assert len(late) == 30
    for motion in late:
        number = motion.pts_ns // (100 * MILLISECOND)
        yaw, _ = PANORAMA.pixels_to_angles(number // 2 + 12.5, 22.5)
        assert motion.yaw_deg == pytest.approx(math.degrees(float(yaw)), abs=8)
    assert late[-1].yaw_deg - late[0].yaw_deg > 15


def test_the_programme_does_not_wait_for_the_analysis(hall) -> None:
    """The worker sits over the first frame while twenty more go through a pool of four."""
    entered, go_on = threading.Event(), threading.Event()

    def sit(number: int) -> None:
        if number == 0:
            entered.set()
            assert go_on.wait(20)

    one, detector = hall(4), Numbers(sit)
    worker = one.analyse(detector)
    worker.start()
    one.capture(0, 0)
    assert entered.wait(20)
    taken = []
    for number in range(1, 21):
        one.capture(number, number * 100 * MILLISECOND)
        frame = one.audience.take()
        assert frame is not None
        taken.append(frame.sequence)
        del frame
    assert taken == list(range(20)), "every frame but the newest has been shown"
    assert one.pool.stats().free == 2, "the analysis holds one, the store the newest"
    assert worker.observed == 0
    go_on.set()
    one.store.end()
    assert one.log.wait_for(2**62, 20)
    assert [number for number, _ in detector.seen] == [0, 20]
    assert worker.missed == 19, "what had gone is counted"


def test_at_fast_pace_frames_wait_for_the_analysis(hall) -> None:
    """The audience has gone through all of them; what the analysis has not seen is still there."""
    entered, go_on = threading.Event(), threading.Event()

    def sit(number: int) -> None:
        if number == 0:
            entered.set()
            assert go_on.wait(20)

    one, detector = hall(6), Numbers(sit)
    worker = one.analyse(detector, holds=True)
    worker.start()
    one.capture(0, 0)
    assert entered.wait(20)
    for number in range(1, 6):
        one.capture(number, number * 100 * MILLISECOND)
    while one.audience.take():
        pass
    assert len(one.store) == 5, "all but the one that the analysis has taken"
    assert one.pool.stats().free == 0
    go_on.set()
    one.store.end()
    assert one.log.wait_for(2**62, 20)
    assert [number for number, _ in detector.seen] == list(range(6))
    assert worker.missed == 0


@pytest.mark.parametrize("number", [0, 6])
def test_a_detector_that_fails_is_told_and_leaves_the_programme_alone(hall, number: int) -> None:
    def fail(shown: int) -> None:
        if shown == number:
            raise ZeroDivisionError(f"at {shown}")

    one = hall(12)
    worker = one.analyse(Numbers(fail))
    worker.start()
    for i in range(10):
        one.capture(i, i * 50 * MILLISECOND)
    assert one.log.wait_for(2**62, 20), "the log is closed, so that nobody waits for what will not come"
    assert [str(error) for error in one.failed] == [f"at {number}"]
    assert [motion.yaw_deg for motion in one.log.between(0, 2**62)] == list(range(0, number, 2))
    for i in range(10, 30):
        shown = one.audience.take()
        assert shown is not None
        assert shown.sequence == i - 10
        del shown
        one.capture(i, i * 50 * MILLISECOND)
    assert worker.observed == number // 2


@pytest.mark.parametrize("fails", [True, False])
def test_no_frame_waits_for_an_analysis_that_is_over(hall, fails: bool) -> None:
    """At fast pace it held every frame for ever, and the run with them, when it had failed or come to its end."""

    def fail(_: int) -> None:
        if fails:
            raise ZeroDivisionError

    one = hall(12)
    worker = one.analyse(Numbers(fail), holds=True)
    worker.start()
    for i in range(10):
        one.capture(i, i * 50 * MILLISECOND)
    one.store.end()
    assert one.log.wait_for(2**62, 20)
    wait_for(lambda: [reader.name for reader in one.store.readers] == ["audience"])


def test_stopping_closes_the_log_and_may_be_done_twice(hall) -> None:
    one = hall(4)
    worker = one.analyse(Numbers())
    worker.start()
    one.capture(0, 0)
    wait_for(lambda: worker.observed == 1)
    worker.stop()
    worker.stop()
    assert one.log.closed
    one.capture(1, 10**9)
    assert worker.observed == 1


def test_a_worker_that_was_never_started_closes_the_log_too(hall) -> None:
    one = hall(2)
    one.analyse(Numbers()).stop()
    assert one.log.closed
