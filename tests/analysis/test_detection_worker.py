"""The detector beside the programme: it sees the newest frame; whatever it does the log goes on and nobody waits."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

import pytest

import networks
from touchline.analysis import detection_worker
from touchline.analysis.detection_worker import DetectionWorker
from touchline.analysis.detections import Detection, Detections
from touchline.analysis.isolated import IsolatedDetector
from touchline.delay import FrameStore
from touchline.gst.caps import VideoCaps
from touchline.gst.library import MILLISECOND
from touchline.gst.mapping import write_nv12
from touchline.gst.nv12 import Nv12
from touchline.gst.pools import FramePool

FRAME = 33 * MILLISECOND


class Log:
    def __init__(self) -> None:
        self.noted: list[Detections] = []
        self.closed = False

    def append(self, detections: Detections) -> None:
        assert not self.closed
        assert not self.noted or detections.pts_ns > self.noted[-1].pts_ns
        self.noted.append(detections)

    def close(self) -> None:
        self.closed = True


class Reads:
    """Finds a ball where the number that the picture shows says."""

    def __init__(self, meanwhile: Callable[[int], None] = lambda _: None) -> None:
        self.seen: list[int] = []
        self.closed = False
        self._meanwhile = meanwhile

    def detect(self, panorama: Nv12, pts_ns: int) -> Detections:
        number = int(panorama.y[0, 0])
        self.seen.append(number)
        self._meanwhile(number)
        assert (panorama.y == number).all(), "the picture was written while it was looked at"
        outside = Detection(-5, -5, -1, -1, "ball", 0.5)
        return Detections(
            pts_ns, (Detection(number, 0, number + 1, 1, "ball", 0.9), outside)[: 1 + (number > 200)]
        )

    def close(self) -> None:
        self.closed = True


class Hall:
    """A pool and a store, and an audience that holds every frame until it takes it."""

    def __init__(self, size: tuple[int, int] = (256, 48), frames: int = 40) -> None:
        self.pool = FramePool(VideoCaps(*size, Fraction(30)), frames)
        self.pool.start()
        self.store = FrameStore(frames, self.pool.frame_bytes)
        self.audience = self.store.reader("audience")
        self.log = Log()
        self.failed: list[Exception] = []
        self.worker: DetectionWorker | None = None

    def look(
        self,
        open_detector: Callable[[], object],
        *,
        holds: bool = False,
        hurried: Callable[[], bool] = lambda: False,
    ) -> DetectionWorker:
        self.worker = DetectionWorker(
            self.store,
            self.pool.layout,
            open_detector,  # type: ignore[arg-type]
            self.log,
            holds=holds,
            hurried=hurried,
            on_failed=self.failed.append,
        )
        self.worker.start()
        return self.worker

    def capture(self, number: int, pts: int) -> None:
        buffer = self.pool.acquire()
        assert buffer is not None, "no frame is free: somebody holds them back"
        with write_nv12(buffer, self.pool.layout) as picture:
            picture.fill(number, 128, 128)
        buffer.pts = pts
        self.store.append(buffer, pts)

    def show(self, late: int = 0) -> None:
        """The audience takes what there is but the last so many frames, as a programme does that is shown late."""
        while self.audience.waiting > late:
            self.audience.take()

    def close(self) -> None:
        if self.worker:
            self.worker.stop()
        self.store.close()
        self.failed.clear()
        assert self.pool.stats().free == self.pool.frames, "every frame is back"
        self.pool.stop()


@pytest.fixture
def hall() -> Iterator[Hall]:
    made = Hall()
    yield made
    made.close()


def wait_for(done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not done():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.005)


def test_where_frames_wait_each_first_one_of_a_period_is_looked_at(hall: Hall) -> None:
    worker = hall.look(Reads, holds=True)
    for number in range(30):
        hall.capture(number, number * FRAME)
    hall.store.end()
    wait_for(lambda: hall.log.closed)
    assert [d.pts_ns // FRAME for d in hall.log.noted] == [0, 4, 7, 10, 13, 16, 19, 22, 25, 28]
    assert [int(d.found[0].left) for d in hall.log.noted] == [0, 4, 7, 10, 13, 16, 19, 22, 25, 28]
    assert (worker.observed, worker.failed, worker.restarts) == (10, 0, 0)
    assert worker.durations.count == 10


def test_live_it_never_works_through_a_queue(hall: Hall) -> None:
    """A slow detector that takes frame after frame falls further and further behind."""
    go, busy = threading.Event(), threading.Event()

    def slow(number: int) -> None:
        if number == 0:
            busy.set()
            go.wait(10)

    detector = Reads(slow)
    hall.look(lambda: detector)
    hall.capture(0, 0)
    assert busy.wait(10)
    for number in range(1, 31):
        hall.capture(number, number * FRAME)
    go.set()
    wait_for(lambda: len(detector.seen) == 2)
    assert detector.seen == [0, 30]


def test_while_the_programme_is_hurried_looks_are_few(hall: Hall) -> None:
    """Ten looks a second took two busy cores from the programme, which lost a frame in three."""
    detector, hurried = Reads(), True
    hall.look(lambda: detector, hurried=lambda: hurried)
    looked = []
    for number in range(60):
        if number == 45:
            hurried = False
        hall.capture(number, number * FRAME)
        hall.show(late=5)
        done = {0, 7, 20, 45, 46, 49, 52, 55, 58}  # 0.2, 0.4 and 0.8 s later; then as ever
        if number in done:
            wait_for(lambda: len(hall.log.noted) == len(looked) + 1)
            looked.append(number)
        else:
            time.sleep(0.005)
    assert detector.seen == looked


def test_where_frames_wait_no_hurry_leaves_any_out(hall: Hall) -> None:
    """At fast pace the looks are the same whatever the machine."""
    worker = hall.look(Reads, holds=True, hurried=lambda: True)
    for number in range(30):
        hall.capture(number, number * FRAME)
    hall.store.end()
    wait_for(lambda: hall.log.closed)
    assert worker.observed == 10


def test_boxes_outside_the_panorama_are_counted_and_left_out(hall: Hall) -> None:
    worker = hall.look(Reads)
    hall.capture(210, 0)
    wait_for(lambda: worker.observed == 1)
    assert len(hall.log.noted[0].found) == 1
    assert worker.clipped == 1


def test_a_detector_that_fails_is_opened_again_and_the_log_goes_on(hall: Hall) -> None:
    """One that died for good left those waiting who waited for its log."""
    made: list[Reads] = []

    def fails(number: int) -> None:
        if number < 20:
            raise RuntimeError("no")

    def build() -> Reads:
        made.append(Reads(fails))
        return made[-1]

    worker = hall.look(build, holds=True)
    for number in range(60):
        hall.capture(number, number * 2 * FRAME)
        hall.show()
        wait_for(
            lambda n=number: hall.log.noted[-1:] != [] and hall.log.noted[-1].pts_ns > (2 * n - 4) * FRAME
        )
    hall.store.end()
    wait_for(lambda: hall.log.closed)
    assert worker.failed == 2, "at 0 s, and at the first new attempt 1 s later"
    assert worker.restarts == 2
    assert [one.closed for one in made] == [True, True, True]
    assert len(hall.failed) == 1, "said once"
    assert hall.log.noted[0].found == ()
    assert hall.log.noted[-1].found
    assert worker.observed > 3
    gaps = [b.pts_ns - a.pts_ns for a, b in zip(hall.log.noted[:-1], hall.log.noted[1:], strict=True)]
    assert max(gaps) <= 200 * MILLISECOND


def test_a_detector_that_cant_be_opened_is_a_failure_and_tried_again(hall: Hall) -> None:
    tries: list[int] = []

    def build() -> Reads:
        tries.append(1)
        if len(tries) == 1:
            raise RuntimeError("not now")
        return Reads()

    worker = hall.look(build, holds=True)
    for number in range(40):
        hall.capture(number, number * 2 * FRAME)
        hall.show()
        wait_for(
            lambda n=number: hall.log.noted[-1:] != [] and hall.log.noted[-1].pts_ns > (2 * n - 4) * FRAME
        )
    assert (worker.failed, worker.restarts) == (1, 1)
    assert hall.log.noted[-1].found


def test_one_that_hangs_keeps_nobody_waiting(hall: Hall, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(detection_worker, "_SILENT_S", 0.2)
    monkeypatch.setattr(detection_worker, "_LAST_S", 0.3)
    hang = threading.Event()
    worker = hall.look(lambda: Reads(lambda _: hang.wait(20) and None))
    for number in range(30):
        hall.capture(number, number * FRAME)
        hall.show(late=20)
        time.sleep(0.03)
    wait_for(lambda: len(hall.log.noted) > 3)
    assert all(d.found == () for d in hall.log.noted)
    hang.set()
    wait_for(lambda: worker.late >= 1)


def test_a_process_that_is_killed_is_replaced(tmp_path: Path) -> None:
    """A hard crash of native code would have been one of the whole programme."""
    path = networks.write(
        tmp_path / "net.onnx", {"o": networks.final((10, 12, 18, 36, 0.9, 0))}, names=networks.NAMES
    )
    panorama = networks.PANORAMA
    hall = Hall((panorama.width, panorama.height))
    made: list[IsolatedDetector] = []

    def build() -> IsolatedDetector:
        made.append(IsolatedDetector(path, panorama))
        return made[-1]

    worker = hall.look(build)
    number, killed = 0, False
    deadline = time.monotonic() + 40
    while worker.restarts < 1 or worker.observed < 6:
        assert time.monotonic() < deadline
        hall.capture(number % 200, number * FRAME)
        hall.show(late=20)
        number += 1
        time.sleep(0.02)
        if worker.observed >= 3 and not killed:
            os.kill(made[0].pid, signal.SIGKILL)
            killed = True
    assert worker.failed == 1
    assert "SIGKILL" in str(hall.failed[0])
    assert any(d.found == () for d in hall.log.noted)
    assert hall.log.noted[-1].found or hall.log.noted[-2].found
    hall.close()
    assert all(one._process.poll() is not None for one in made)
