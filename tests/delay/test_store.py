"""The store against a plain model of it: what is held, what is given out, and what is let go."""

from __future__ import annotations

import gc
from fractions import Fraction

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from touchline.delay.store import FrameStore
from touchline.errors import TouchlineError
from touchline.gst.caps import VideoCaps
from touchline.gst.mapping import address, read_nv12, write_nv12
from touchline.gst.pools import FramePool, PoolStats

CAPS = VideoCaps(64, 48, Fraction(30))
FRAMES = 12


@pytest.fixture
def pool():
    pool = FramePool(CAPS, FRAMES)
    pool.start()
    yield pool
    pool.stop()


def put(pool: FramePool, store: FrameStore, number: int, pts: int) -> int:
    """Appends a frame whose picture says ``number``; returns the address of its pixels."""
    buffer = pool.acquire()
    assert buffer is not None
    with write_nv12(buffer, pool.layout) as picture:
        picture.fill(number % 256, number // 256 % 256, 0)
    buffer.pts = pts
    place = address(buffer)
    store.append(buffer, pts, 5)
    return place


def number_in(pool: FramePool, buffer: object) -> int:
    with read_nv12(buffer, pool.layout) as picture:
        assert (picture.y == picture.y[0, 0]).all()
        return int(picture.y[0, 0]) + 256 * int(picture.uv[0, 0, 0])


def test_what_is_shared_is_the_memory_that_was_written(pool: FramePool) -> None:
    store = FrameStore(FRAMES, pool.frame_bytes)
    reader = store.reader("r")
    places = [put(pool, store, n, n * 10) for n in range(5)]
    assert store.held_bytes == 5 * pool.frame_bytes
    for n, place in enumerate(places):
        frame = reader.take()
        assert frame is not None
        assert (frame.pts, frame.duration, frame.sequence, frame.buffer.pts) == (n * 10, 5, n, n * 10)
        assert address(frame.buffer) == place
        assert number_in(pool, frame.buffer) == n
    assert reader.take() is None


def test_a_reference_is_held_until_it_was_taken_and_dropped(pool: FramePool) -> None:
    store = FrameStore(FRAMES)
    reader = store.reader("r")
    put(pool, store, 1, 0)
    gc.collect()
    assert pool.stats() == PoolStats(FRAMES, FRAMES - 1)
    frame = reader.take()
    assert len(store) == 0, "the store let go when the only reader had it"
    assert pool.stats().free == FRAMES - 1, "the share keeps the memory"
    del frame
    assert pool.stats().free == FRAMES


def test_close_lets_go_of_everything(pool: FramePool) -> None:
    store = FrameStore(FRAMES)
    store.reader("r")
    for n in range(FRAMES):
        put(pool, store, n, n)
    assert pool.stats().free == 0
    assert pool.acquire() is None, "exhaustion is an answer, not a wait"
    store.close()
    assert pool.stats().free == FRAMES
    with pytest.raises(TouchlineError, match="after the end"):
        store.append(pool.acquire(), 99)


def test_frames_are_found_by_time(pool: FramePool) -> None:
    store = FrameStore(FRAMES)
    store.reader("r")
    for n in range(10):
        put(pool, store, n, 100 + n * 10)
    assert store.at(99) is None
    for pts, number in ((100, 0), (109, 0), (110, 1), (155, 5), (190, 9), (10_000, 9)):
        frame = store.at(pts)
        assert frame is not None
        assert number_in(pool, frame.buffer) == number


def test_history_stays(pool: FramePool) -> None:
    store = FrameStore(FRAMES, history_ns=30)
    reader = store.reader("r")
    for n in range(10):
        put(pool, store, n, n * 10)
    for _ in range(7):
        reader.take()
    assert store.oldest_pts == 40, "60 was taken last; what is 30 or more older has gone"


def test_a_slow_reader_holds_and_a_loose_one_misses(pool: FramePool) -> None:
    store = FrameStore(FRAMES)
    quick, slow, loose = store.reader("quick"), store.reader("slow"), store.reader("loose", holds=False)
    for n in range(6):
        put(pool, store, n, n)
    for _ in range(6):
        quick.take()
    assert len(store) == 6
    for _ in range(4):
        slow.take()
    assert len(store) == 2
    frame = loose.take()
    assert frame is not None
    assert frame.sequence == 4
    assert loose.missed == 4
    slow.close()
    assert len(store) == 0


def test_a_loose_reader_knows_what_it_missed_at_the_end(pool: FramePool) -> None:
    """With nothing left in the store it thought that it had seen everything."""
    store = FrameStore(FRAMES)
    quick, loose = store.reader("quick"), store.reader("loose", holds=False)
    for n in range(3):
        put(pool, store, n, n)
        quick.take()
    store.end()
    assert loose.take() is None
    assert loose.at_end
    assert loose.missed == 3


def test_wrong_order_and_overfilling_are_errors(pool: FramePool) -> None:
    store = FrameStore(2)
    store.reader("r")
    put(pool, store, 0, 10)
    with pytest.raises(TouchlineError, match="came after"):
        store.append(pool.acquire(), 10)
    put(pool, store, 1, 11)
    with pytest.raises(TouchlineError, match="full: 2"):
        store.append(pool.acquire(), 12)


class StoreModel(RuleBasedStateMachine):
    """Appends, takes and lookups in any order, compared with lists."""

    @initialize(history=st.integers(0, 50), readers=st.integers(1, 3))
    def setup(self, history: int, readers: int) -> None:
        self.pool = FramePool(CAPS, FRAMES)
        self.pool.start()
        self.store = FrameStore(FRAMES, self.pool.frame_bytes, history)
        self.readers = [self.store.reader(str(i)) for i in range(readers)]
        self.taken = [0] * readers
        self.times: list[int] = []

    @precondition(lambda self: len(self.store) < FRAMES)
    @rule(step=st.integers(1, 40))
    def append(self, step: int) -> None:
        pts = (self.times[-1] if self.times else 0) + step
        put(self.pool, self.store, len(self.times), pts)
        self.times.append(pts)

    @rule(which=st.integers(0, 2))
    def take(self, which: int) -> None:
        which %= len(self.readers)
        frame = self.readers[which].take()
        if self.taken[which] == len(self.times):
            assert frame is None
        else:
            assert frame is not None
            assert frame.sequence == self.taken[which]
            assert frame.pts == self.times[frame.sequence]
            assert number_in(self.pool, frame.buffer) == frame.sequence
            self.taken[which] += 1

    @rule(which=st.integers(0, 2), skip=st.integers(0, 60))
    def take_later(self, which: int, skip: int) -> None:
        which %= len(self.readers)
        if self.taken[which] == len(self.times):
            return
        wanted = self.times[self.taken[which]] + skip
        expected = next(
            (i for i in range(self.taken[which], len(self.times)) if self.times[i] >= wanted), None
        )
        frame = self.readers[which].take(not_before=wanted)
        assert (frame.sequence if frame else None) == expected
        if expected is not None:
            self.taken[which] = expected + 1

    @rule(pts=st.integers(0, 2000))
    def look_up(self, pts: int) -> None:
        held = self._held()
        shown = [i for i in held if self.times[i] <= pts]
        frame = self.store.at(pts)
        assert (frame.sequence if frame else None) == (shown[-1] if shown else None)

    def _held(self) -> list[int]:
        passed = min(self.taken)
        newest_shown = self.times[passed - 1] if passed else 0
        return [
            i
            for i in range(len(self.times))
            if i >= passed or newest_shown - self.times[i] < self.store.history_ns
        ]

    @invariant()
    def holds_exactly_what_it_should(self) -> None:
        if not hasattr(self, "store"):
            return
        held = self._held()
        assert len(self.store) == len(held)
        assert self.store.held_bytes == len(held) * self.pool.frame_bytes
        assert self.store.oldest_pts == (self.times[held[0]] if held else None)
        assert self.store.newest_pts == (self.times[held[-1]] if held else None)
        assert self.pool.stats().free == FRAMES - len(held)

    def teardown(self) -> None:
        if hasattr(self, "store"):
            self.store.close()
            assert self.pool.stats().free == FRAMES


StoreModel.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestStoreModel = StoreModel.TestCase
