"""The capture's worker over a real pool and store: each moment is stored once, or counted with its reason."""

from __future__ import annotations

import threading
import time
import weakref
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import pytest

from touchline.capture import Moment, PlainPicture
from touchline.delay import FrameStore, Reader
from touchline.engine.stitching import StitchWorker
from touchline.gst.caps import VideoCaps
from touchline.gst.library import SECOND
from touchline.gst.mapping import read_nv12
from touchline.gst.nv12 import Nv12
from touchline.gst.pools import FramePool
from touchline.panorama.standin import StandIn

CAPS = VideoCaps(64, 32, Fraction(30))


def moment(number: int, pts: int, duration: int = 7) -> Moment:
    """Two pictures; the left one says the number, the right one a hundred more."""
    left, right = Nv12.empty(32, 32), Nv12.empty(32, 32)
    left.fill(number, 128, 128)
    right.fill(number + 100, 128, 128)
    return Moment(pts, duration, (PlainPicture(left), PlainPicture(right)))


class ListedFeed:
    """The moments of a list; as much of a feed as a worker sees."""

    def __init__(self, moments: Sequence[Moment]) -> None:
        self._moments = list(moments)

    def next(self, timeout_s: float) -> Moment | None:
        return self._moments.pop(0) if self._moments else None

    @property
    def finished(self) -> bool:
        return not self._moments


def side_by_side(pictures: Sequence[Nv12], out: Nv12, _pts_s: float) -> None:
    for half, picture in enumerate(pictures):
        out.y[:, 32 * half : 32 * half + 32] = picture.y
    out.uv[:] = 128


class Line:
    """A feed, a worker, a pool and a store."""

    def __init__(
        self,
        moments: Sequence[Moment],
        *,
        frames: int = 20,
        waits: bool = False,
        compose: Any = side_by_side,
        **more: Any,
    ) -> None:
        self.pool = FramePool(CAPS, frames)
        self.pool.start()
        self.store = FrameStore(frames, self.pool.frame_bytes)
        self.reader: Reader = self.store.reader("test")
        self.failed: list[Exception] = []
        self.worker = StitchWorker(
            ListedFeed(moments),
            compose,
            self.pool,
            self.store,
            waits=waits,
            on_failed=self.failed.append,
            **more,
        )

    def run_to_end(self) -> None:
        self.worker.start()
        wait_for(lambda: self.store.ended)
        self.worker.stop()

    def take(self) -> tuple[int, int, int]:
        """The number that the next frame shows, its PTS and its duration."""
        frame = self.reader.take()
        assert frame is not None
        assert (frame.buffer.pts, frame.buffer.duration) == (frame.pts, frame.duration)
        with read_nv12(frame.buffer, self.pool.layout) as picture:
            left, right = int(picture.y[5, 5]), int(picture.y[5, 60])
            assert (picture.y[:, :32] == left).all()
            assert (picture.y[:, 32:] == left + 100).all()
            assert right == left + 100
        return left, frame.pts, frame.duration

    def take_all(self) -> list[tuple[int, int, int]]:
        found = []
        while not self.reader.at_end:
            assert self.reader.wait(20) is not None
            found.append(self.take())
        return found


@pytest.fixture
def line():
    made: list[Line] = []

    def make(*arguments: Any, **settings: Any) -> Line:
        made.append(Line(*arguments, **settings))
        return made[-1]

    yield make
    for one in made:
        one.pool.flush()
        one.worker.stop()
        one.store.close()
        one.failed.clear()
        assert one.pool.stats().free == one.pool.frames, "every frame is back"
        one.pool.stop()


def wait_for(done: Any) -> None:
    deadline = time.monotonic() + 20
    while not done():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.002)


def test_a_worker_for_whom_pictures_wait_says_that_it_is_hurried(line) -> None:
    """Six moments in a row that were there at once; one that had to be waited for, and it is not any more."""
    told: list[bool] = []

    def compose(pictures: Sequence[Nv12], out: Nv12, pts_s: float) -> None:
        told.append(made.worker.hurried)
        side_by_side(pictures, out, pts_s)

    made = line([moment(n, n * 10) for n in range(9)], compose=compose)
    feed, rests = made.worker._feed, iter([True])
    ready = feed.next

    def next_(timeout_s: float) -> Moment | None:
        if len(feed._moments) == 2 and timeout_s == 0 and next(rests, False):
            return None
        return ready(timeout_s)

    feed.next = next_
    made.run_to_end()
    assert told == [False] * 5 + [True] * 2 + [False] * 2


def test_every_moment_is_stored_with_its_time(line) -> None:
    times = [0, 33, 66, 100, 170]
    one = line([moment(i, pts, 30 + i) for i, pts in enumerate(times)])
    one.run_to_end()
    assert one.take_all() == [(i, pts, 30 + i) for i, pts in enumerate(times)]
    assert (one.worker.paired, one.worker.stitched, one.worker.dropped.total) == (5, 5, 0)
    assert one.worker.durations.count == 5
    assert one.failed == []


def test_the_time_is_told_in_seconds(line) -> None:
    told: list[float] = []

    def compose(pictures: Sequence[Nv12], out: Nv12, pts_s: float) -> None:
        told.append(pts_s)
        side_by_side(pictures, out, pts_s)

    one = line([moment(0, 0), moment(1, 40_000_000), moment(2, 3_600_000_000_000)], compose=compose)
    one.run_to_end()
    assert told == [0.0, 0.04, 3600.0]


def test_an_empty_pool_costs_a_live_run_the_frame_and_is_counted(line) -> None:
    one = line([moment(i, i * 10) for i in range(10)], frames=3)
    one.run_to_end()
    assert one.worker.dropped.as_dict() == {"pool_empty": 7}
    assert (one.worker.paired, one.worker.stitched) == (10, 3)
    assert [number for number, _, _ in one.take_all()] == [0, 1, 2]


def test_at_fast_pace_an_empty_pool_holds_the_cameras_back(line) -> None:
    one = line([moment(i, i * 10) for i in range(10)], frames=3, waits=True)
    one.worker.start()
    wait_for(lambda: one.worker.paired == 4)
    assert one.worker.stitched == len(one.store) == 3
    assert [number for number, _, _ in one.take_all()] == list(range(10))
    assert one.worker.dropped.total == 0


def test_what_comes_late_is_put_where_it_belongs_and_what_comes_twice_is_counted(line) -> None:
    times = [0, 33, 20, 33, 34, 0, 66]
    one = line([moment(i, pts) for i, pts in enumerate(times)])
    one.run_to_end()
    assert [(number, pts) for number, pts, _ in one.take_all()] == [
        (0, 0),
        (2, 20),
        (1, 33),
        (4, 34),
        (6, 66),
    ]
    assert one.worker.dropped.as_dict() == {"out_of_order": 2}
    assert one.worker.paired == one.worker.stitched + one.worker.dropped.total == 7


def test_what_comes_after_its_place_was_shown_is_left_out_and_counted(line) -> None:
    made = threading.Event()
    passed = threading.Event()

    def compose(pictures: Sequence[Nv12], out: Nv12, pts_s: float) -> None:
        side_by_side(pictures, out, pts_s)
        if pictures[0].y[0, 0] == 2:
            made.set()
            assert passed.wait(20)

    one = line([moment(0, 0), moment(1, 33), moment(2, 20), moment(3, 20), moment(4, 66)], compose=compose)
    one.worker.start()
    assert made.wait(20)
    assert [one.take()[0] for _ in range(2)] == [0, 1], "while it was made, its place went by"
    passed.set()
    wait_for(lambda: one.store.ended)
    assert [number for number, _, _ in one.take_all()] == [4]
    assert one.failed == []
    assert one.worker.dropped.as_dict() == {"out_of_order": 2}
    assert one.worker.paired == one.worker.stitched + one.worker.dropped.total == 5


def without(side: int, whole: Moment) -> Moment:
    """A moment while one camera is lost."""
    pictures = list(whole.pictures)
    pictures[side] = None
    return Moment(whole.pts, whole.duration, tuple(pictures))


def test_with_one_camera_lost_the_frames_go_on_with_its_last_picture(line) -> None:
    """As it was for a second, then with a quarter of its light; and live again as soon as it is back."""
    moments = [moment(50 + i, i * SECOND // 4) for i in range(12)]
    lost = [without(1, one) if 2 <= i < 10 else one for i, one in enumerate(moments)]
    kinds: list[bool] = []

    def compose(pictures: Sequence[Nv12], out: Nv12, pts_s: float) -> None:
        assert not isinstance(pictures[0], StandIn)
        kinds.append(isinstance(pictures[1], StandIn))
        side_by_side(pictures, out, pts_s)

    one = line(lost, compose=compose)
    one.run_to_end()
    halves = []
    while (frame := one.reader.take()) is not None:
        with read_nv12(frame.buffer, one.pool.layout) as picture:
            assert (picture.y[:, :32] == picture.y[0, 0]).all()
            assert (picture.y[:, 32:] == picture.y[0, 32]).all()
            halves.append((int(picture.y[0, 0]), int(picture.y[0, 32])))
        del frame
    dark = round(16 + (151 - 16) / 4)
    right = [150, 151, *[151] * 3, *[dark] * 5, 160, 161]
    assert halves == [(50 + i, shown) for i, shown in enumerate(right)]
    assert kinds == [2 <= i < 10 for i in range(12)]
    assert one.failed == []


def test_a_camera_that_never_sent_a_picture_is_black(line) -> None:
    one = line([without(0, moment(i, i * SECOND)) for i in range(3)], sizes=((32, 32), (32, 32)))
    one.run_to_end()
    for i in range(3):
        frame = one.reader.take()
        assert frame is not None
        with read_nv12(frame.buffer, one.pool.layout) as picture:
            assert (picture.y[:, :32] == 16).all()
            assert (picture.y[:, 32:] == 100 + i).all()
        del frame


def test_a_lost_cameras_memory_is_let_go_of(line) -> None:
    """The decoder may need it, and a device is not closed before it has everything back."""
    moments = [moment(i, i * SECOND // 2) for i in range(6)]
    ours = [weakref.ref(one.pictures[1].planes.y.base) for one in moments]
    alive: list[list[int]] = []

    def compose(pictures: Sequence[Nv12], out: Nv12, pts_s: float) -> None:
        side_by_side(pictures, out, pts_s)
        alive.append([i for i, ref in enumerate(ours) if ref() is not None])

    listed = [without(1, one) if i >= 2 else one for i, one in enumerate(moments)]
    del moments
    one = line(listed, compose=compose)
    del listed
    one.run_to_end()
    assert one.failed == []
    assert alive[2] == [1], "shown once more"
    assert alive[3:] == [[], [], []], "there is a dimmed copy of it"


def test_a_pictures_memory_goes_back_when_it_is_stitched_not_when_the_next_one_comes(line) -> None:
    """A decoder on a GPU has few surfaces; the worker kept the last moment while it waited for another one."""

    class Waiting(ListedFeed):
        """After its moments nothing comes, and it does not end."""

        waits = threading.Event()
        held = True

        def next(self, timeout_s: float) -> Moment | None:
            if not self._moments and not self.waits.is_set():
                self.held = ours() is not None
                self.waits.set()
            return super().next(timeout_s)

        @property
        def finished(self) -> bool:
            return self.ended

        ended = False

    def compose(pictures: Sequence[Nv12], out: Nv12, _pts_s: float) -> None:
        out.fill(int(pictures[0].y[0, 0]), 128, 128)

    single = Moment(0, 7, moment(5, 0).pictures[:1])
    ours = weakref.ref(single.pictures[0].planes.y.base)
    one = line([], compose=compose)
    one.worker._feed = feed = Waiting([single])
    del single
    one.worker.start()
    assert feed.waits.wait(20)
    assert one.worker.stitched == 1
    assert not feed.held
    feed.ended = True
    one.worker.stop()


def test_a_failure_ends_the_store_and_is_told_once(line) -> None:
    def compose(pictures: Sequence[Nv12], out: Nv12, pts_s: float) -> None:
        if pictures[0].y[0, 0] == 3:
            raise ValueError("no panorama of this")
        side_by_side(pictures, out, pts_s)

    one = line([moment(i, i * 10) for i in range(10)], compose=compose)
    one.run_to_end()
    assert [str(error) for error in one.failed] == ["no panorama of this"]
    assert [number for number, _, _ in one.take_all()] == [0, 1, 2], "what was good is still shown, no more"
    assert one.worker.stitched == 3


def test_a_picture_that_can_not_be_read_is_a_failure_too(line) -> None:
    class Broken:
        def read(self) -> Any:
            raise OSError("the decoder is gone")

    one = line([moment(0, 0), Moment(10, 7, (Broken(), Broken())), moment(2, 20)])
    one.run_to_end()
    assert [type(error) for error in one.failed] == [OSError]
    assert one.take_all() == [(0, 0, 7)]


def test_stopping_wakes_a_worker_that_waits_for_a_frame(line) -> None:
    one = line([moment(i, i * 10) for i in range(10)], frames=2, waits=True)
    one.worker.start()
    wait_for(lambda: one.worker.paired == 3)
    one.pool.flush()
    stopping = threading.Thread(target=one.worker.stop)
    stopping.start()
    stopping.join(20)
    assert not stopping.is_alive()
    one.worker.stop()
    assert one.store.ended
    assert one.worker.stitched == 2
    assert list(one.worker.dropped.as_dict()) == ["stopped"], "the frame that was waiting is counted"
    assert one.worker.paired == one.worker.stitched + one.worker.dropped.total
