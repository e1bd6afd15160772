"""The six tests that any delay has to pass, by their names; each by content."""

from __future__ import annotations

import gc
import weakref

import pytest
from stage import STEP, Stage

from footage import number_of
from touchline.delay import LiveTimeline, Player
from touchline.errors import TouchlineError
from touchline.gst.library import SECOND
from touchline.gst.mapping import address, read_nv12
from touchline.gst.pipelines import system_clock


@pytest.fixture
def stage():
    s = Stage(frames=8)
    yield s
    s.close()


def number_in(s: Stage, buffer) -> int:
    with read_nv12(buffer, s.pool.layout) as picture:
        return int(number_of(picture.y))


def test_buffer_reference_held(stage) -> None:
    """A frame that is held is the very memory that was filmed into; nobody gets it meanwhile."""
    stage.store.reader("player")
    stage.capture(1)
    place = address(stage.store.held()[0].buffer)
    gc.collect()
    others = [stage.pool.acquire() for _ in range(7)]
    assert all(buffer is not None for buffer in others)
    assert stage.pool.acquire() is None, "the eighth is held"
    assert place not in {address(buffer) for buffer in others}
    assert number_in(stage, stage.store.at(STEP).buffer) == 1
    assert address(stage.store.at(STEP).buffer) == place


def test_reference_released_back_to_the_pool(stage) -> None:
    """The pool has a frame again when the last share of it is gone, not before, and it is the same memory."""
    reader = stage.store.reader("player")
    stage.capture(1)
    place = address(stage.store.held()[0].buffer)
    first = reader.take()
    second = weakref.ref(first.buffer)
    assert len(stage.store) == 0
    assert stage.pool.stats().free == 7, "a share is still out"
    del first
    gc.collect()
    assert second() is None
    assert stage.pool.stats().free == 8
    assert place in {address(buffer) for buffer in [stage.pool.acquire() for _ in range(8)]}


def test_no_leak_over_1000_cycles(stage) -> None:
    """A thousand frames through eight: as many places as at the start, and every picture right."""
    reader = stage.store.reader("player")
    before = {address(buffer) for buffer in [stage.pool.acquire() for _ in range(8)]}
    gc.collect()
    for number in range(1000):
        stage.capture(number)
        if number >= 5:
            frame = reader.take()
            assert number_in(stage, frame.buffer) == number - 5
            assert address(frame.buffer) in before
            del frame
    stage.store.close()
    gc.collect()
    assert stage.pool.stats().free == 8
    assert {address(buffer) for buffer in [stage.pool.acquire() for _ in range(8)]} == before


def test_frame_found_by_timestamp(stage) -> None:
    """For any time, the last frame whose PTS is not later."""
    stage.store.reader("player")
    for number in (0, 1, 2, 5, 6):
        stage.capture(number)
    for time, number in ((0, 0), (STEP - 1, 0), (STEP, 1), (4 * STEP, 2), (5 * STEP, 5), (100 * STEP, 6)):
        assert number_in(stage, stage.store.at(time).buffer) == number
    assert stage.store.at(-1) is None
    assert [number_in(stage, frame.buffer) for frame in stage.store.between(STEP, 5 * STEP)] == [1, 2, 5]


def test_pool_exhaustion_noticed(stage) -> None:
    """A pool that is empty says so, and never allocates; a store that is full refuses in one line."""
    stage.store.reader("player")
    for number in range(8):
        stage.capture(number)
    assert stage.pool.acquire() is None
    assert (stage.pool.stats().free, stage.pool.stats().frames) == (0, 8)
    full = Stage(frames=8)
    full.store.capacity = 3
    for number in range(3):
        full.capture(number)
    with pytest.raises(TouchlineError, match="the store is full: 3 frames"):
        full.capture(3)
    full.close()


def test_everything_released_on_close(stage) -> None:
    """Closing lets go of all that is held, also of what a player has shown last."""
    timeline = LiveTimeline(system_clock(), system_clock().get_time(), 0)
    player = Player(stage.store, timeline, lambda _: None, delay_ns=60 * SECOND)
    player.start()
    for number in range(6):
        stage.capture(number)
    gone = [weakref.ref(frame.buffer) for frame in stage.store.held()]
    player.stop()
    stage.store.close()
    gc.collect()
    assert [reference() for reference in gone] == [None] * 6
    assert stage.pool.stats().free == 8
    assert player.dropped.as_dict() == {"stopped": 6}
