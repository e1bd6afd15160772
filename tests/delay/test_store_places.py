"""The store when frames come late, are thrown away, replaced or come round again; by the numbers in the pictures."""

from __future__ import annotations

import gc
import weakref

import pytest
from stage import STEP, Stage

from footage import number_of
from touchline.errors import TouchlineError
from touchline.gst.mapping import address, read_nv12


@pytest.fixture
def stage():
    s = Stage(frames=20)
    yield s
    s.close()


def numbers(s: Stage, frames) -> list[int]:
    found = []
    for frame in frames:
        with read_nv12(frame.buffer, s.pool.layout) as picture:
            found.append(int(number_of(picture.y)))
    return found


def test_a_late_frame_is_put_where_it_belongs(stage) -> None:
    reader = stage.store.reader("player")
    for number in (0, 1, 4, 3, 2):
        stage.capture(number)
    taken = [reader.take() for _ in range(5)]
    assert numbers(stage, taken) == [0, 1, 2, 3, 4]
    assert [frame.sequence for frame in taken] == [0, 1, 4, 3, 2]
    assert reader.missed == 0


def test_what_comes_too_late_or_twice_is_refused(stage) -> None:
    reader, loose = stage.store.reader("player"), stage.store.reader("analysis", holds=False)
    for number in (0, 1, 3, 5):
        stage.capture(number)
    reader.take(), reader.take(), reader.take()
    assert [stage.store.accepts(n * STEP) for n in range(7)] == [False] * 4 + [True, False, True]
    with pytest.raises(TouchlineError, match="came after one of"):
        stage.capture(2)
    loose.take(5 * STEP)
    stage.capture(4)
    assert loose.missed == 4, "0, 1 and 3 had gone; 4 came when it had looked at 5"
    assert numbers(stage, [reader.take(), reader.take()]) == [4, 5]


def test_clearing_and_forgetting(stage) -> None:
    stage.store.history_ns = 10 * STEP
    reader = stage.store.reader("player")
    for number in range(6):
        stage.capture(number)
    reader.take(), reader.take()
    assert len(stage.store) == 6
    stage.store.forget()
    assert numbers(stage, stage.store.between(0, 9 * STEP)) == [2, 3, 4, 5]
    assert stage.store.clear() == 4
    assert reader.wait(0) is None
    assert not stage.store.accepts(3 * STEP), "what was thrown away does not come again"
    stage.capture(7)
    assert numbers(stage, [reader.take()]) == [7]


def test_after_a_restart_any_time_is_new(stage) -> None:
    reader = stage.store.reader("player")
    for number in range(10, 14):
        stage.capture(number)
    stage.store.end()
    stage.store.restart()
    assert not stage.store.ended
    assert stage.pool.stats().free == 20
    stage.capture(2)
    assert numbers(stage, [reader.take()]) == [2]


def test_other_memory_with_the_same_picture(stage) -> None:
    reader = stage.store.reader("player")
    for number in range(3):
        stage.capture(number)
    original = stage.store.held()[1].buffer
    gone = weakref.ref(original)
    place = address(original)
    copy = original.copy_deep()
    assert stage.store.replace(STEP, copy, key=7)
    assert stage.store.holds_key(7)
    assert not stage.store.replace(STEP // 2, copy, key=8)
    del original
    gc.collect()
    assert gone() is None
    assert stage.pool.stats().free == 18, "its memory went back to where it came from"
    taken = [reader.take() for _ in range(3)]
    assert numbers(stage, taken) == [0, 1, 2]
    assert address(taken[1].buffer) not in (place, address(taken[0].buffer))
    assert not stage.store.holds_key(7), "passed and let go"


def test_the_same_memory_twice_is_held_until_both_are_gone(stage) -> None:
    reader = stage.store.reader("player")
    buffers = [stage.pool.acquire() for _ in range(3)]
    for n, buffer in enumerate(buffers):
        stage.store.append(buffer, n, key=1 + n // 2)
    del buffers, buffer
    assert stage.store.holds_key(1)
    reader.take()
    assert stage.store.holds_key(1)
    reader.take()
    assert not stage.store.holds_key(1)
    assert stage.store.holds_key(2)
    assert stage.store.remove(2)
    assert not stage.store.remove(2)
    assert not stage.store.holds_key(2)


def test_skipping_forward_and_back_into_the_history(stage) -> None:
    stage.store.history_ns = 3 * STEP
    reader = stage.store.reader("player")
    for number in range(10):
        stage.capture(number)
    assert [reader.take().pts // STEP for _ in range(6)] == [0, 1, 2, 3, 4, 5]
    assert reader.skip_to(8 * STEP) == 2
    assert reader.waiting == 2
    assert reader.skip_to(5 * STEP) == -3
    assert numbers(stage, [reader.take()]) == [5]
    assert reader.skip_all() == 4
    assert reader.take() is None
    stage.capture(10)
    assert numbers(stage, [reader.take()]) == [10]


def test_a_late_frame_is_taken_for_whoever_can_still_show_it(stage) -> None:
    """A recording without delay had passed its place, and so the programme that is seconds late lost it too."""
    late, at_once = stage.store.reader("7 s"), stage.store.reader("0 s")
    for number in (0, 1, 3):
        stage.capture(number)
    while at_once.take():
        pass
    stage.capture(2)
    assert numbers(stage, [late.take() for _ in range(4)]) == [0, 1, 2, 3]
    assert at_once.take_missed() == 1


def test_a_window_is_full_for_one_reader_only_by_what_it_still_has_to_show(stage) -> None:
    """At fast pace a programme went on without its look-ahead, since frames were held for a slower neighbour."""
    slow, quick = stage.store.reader("slow"), stage.store.reader("quick")
    for number in range(18):
        stage.capture(number)
    while stage.store.wait_beyond(quick.position + 6 * STEP, 0, 15, quick.position):
        quick.take()
    assert 17 - quick.position // STEP == 6, "six frames are still ahead"
    assert slow.position == 0
