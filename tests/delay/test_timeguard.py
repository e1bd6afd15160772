"""Timestamps that jitter, come late, repeat or jump, put onto one timeline."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from touchline.delay.timeguard import Placed, TimeGuard
from touchline.gst.library import MILLISECOND, SECOND

FRAME = SECOND // 25


def placed(guard: TimeGuard, times: list[tuple[int, int | None]]) -> list[int | None]:
    places = [guard.place(pts, arrival) for pts, arrival in times]
    return [None if place is None else place.pts for place in places]


def live(pts: list[int], way: int = 20 * MILLISECOND) -> list[tuple[int, int | None]]:
    """Frames that arrive one by one, a frame apart, whatever their PTS."""
    return [(time, number * FRAME + way) for number, time in enumerate(pts)]


def steady(count: int, start: int = 0) -> list[int]:
    return [start + number * FRAME for number in range(count)]


@pytest.mark.parametrize("paced", [True, False])
def test_what_is_well_is_left_alone(paced: bool) -> None:
    guard = TimeGuard()
    pts = steady(500)
    assert placed(guard, live(pts) if paced else [(time, None) for time in pts]) == pts
    assert guard.offset == 0
    assert guard.noted.as_dict() == guard.dropped.as_dict() == {}


def test_jitter_below_the_tolerance_passes_unchanged() -> None:
    guard = TimeGuard()
    pts = [time + (-1) ** number * 7 * MILLISECOND for number, time in enumerate(steady(100, SECOND))]
    times = [(time, time + (number * 37 % 90) * 10 * MILLISECOND) for number, time in enumerate(pts)]
    arrived = 0
    for number, (time, arrival) in enumerate(times):
        arrived = max(arrived, arrival)
        times[number] = (time, arrived)
    assert placed(guard, times) == pts
    assert guard.noted["pts_jump"] == 0


@pytest.mark.parametrize("paced", [True, False])
def test_out_of_order_frames_are_put_where_they_belong_and_repeats_are_not(paced: bool) -> None:
    guard = TimeGuard()
    pts = steady(8)
    order = [0, 1, 4, 2, 3, 4, 5, 7, 6, 6]
    times = live([pts[number] for number in order]) if paced else [(pts[number], None) for number in order]
    found = placed(guard, times)
    assert [place for place in found if place is not None] == [pts[n] for n in (0, 1, 4, 2, 3, 5, 7, 6)]
    assert guard.dropped.as_dict() == {"repeated": 2}
    assert guard.noted.as_dict() == {"reordered": 3}


def test_a_file_that_jumps_back_goes_on_one_frame_after_the_last() -> None:
    """As a looped file does; its second round lies behind the first, frame by frame."""
    guard = TimeGuard()
    found = placed(guard, [(time, None) for time in steady(50) * 3])
    assert found == steady(150)
    assert guard.noted.as_dict() == {"pts_jump": 2}


def test_a_file_that_jumps_forward_has_no_hole_of_an_hour_but_keeps_a_believable_gap() -> None:
    guard = TimeGuard()
    pts = steady(20) + steady(20, 9 * SECOND) + steady(20, 3600 * SECOND)
    found = placed(guard, [(time, None) for time in pts])
    assert found == steady(20) + steady(40, 9 * SECOND)
    assert guard.noted.as_dict() == {"pts_jump": 1}


def test_a_jump_behind_a_gap_continues_at_the_rate_and_not_after_another_gap() -> None:
    guard = TimeGuard()
    pts = [*steady(10), *steady(1, 5 * SECOND), *steady(10, 3600 * SECOND)]
    assert placed(guard, [(time, None) for time in pts]) == [*steady(10), *steady(11, 5 * SECOND)]


def test_a_slow_file_that_jumps_back_settles_too() -> None:
    """At one frame a second the next frame is further away than the reorder window."""
    guard = TimeGuard()
    pts = [number * SECOND for number in range(10)]
    found = placed(guard, [(time, None) for time in pts * 2])
    assert found == [number * SECOND for number in range(20)]
    assert guard.noted.as_dict() == {"pts_jump": 1}


@pytest.mark.parametrize("wrong", [0, 3600 * SECOND])
@pytest.mark.parametrize("paced", [True, False])
def test_one_wrong_timestamp_moves_nobody_else(paced: bool, wrong: int) -> None:
    guard = TimeGuard()
    pts = steady(100, SECOND)
    pts[50] = wrong
    times = [
        (time, SECOND + number * FRAME + 5) if paced else (time, None) for number, time in enumerate(pts)
    ]
    found = placed(guard, times)
    assert found == steady(100, SECOND), "the wrong one lies where it came, which is its own place here"
    assert guard.offset == 0
    assert guard.noted.as_dict() == {"pts_outlier": 1}


def test_wrong_timestamps_every_other_frame_move_nobody_else() -> None:
    """Two timelines that take turns: the offset must not swing back and forth."""
    guard = TimeGuard()
    pts = [time if number % 2 == 0 else 3600 * SECOND + time for number, time in enumerate(steady(100))]
    assert placed(guard, live(pts, 5)) == steady(100)
    assert guard.offset == 0
    assert guard.noted["pts_jump"] == 0
    assert guard.noted["pts_outlier"] == 49, "the last one is not decided yet"


@pytest.mark.parametrize("jump", [-3, 5, 3600])
def test_a_live_jump_lies_where_it_arrived(jump: int) -> None:
    guard = TimeGuard()
    pts = steady(100, 10 * SECOND) + [time + jump * SECOND for time in steady(100, 10 * SECOND + 100 * FRAME)]
    times = [(time, 10 * SECOND + number * FRAME + 5) for number, time in enumerate(pts)]
    assert placed(guard, times) == steady(200, 10 * SECOND)
    assert guard.offset == -jump * SECOND
    assert guard.noted.as_dict() == {"pts_jump": 1}


def test_a_stream_with_an_epoch_of_its_own_is_taken_from_its_first_frame() -> None:
    guard = TimeGuard()
    assert placed(guard, live(steady(10, 10**6 * SECOND), 7)) == [time + 7 for time in steady(10)]


def test_frames_that_a_network_kept_back_are_not_a_jump() -> None:
    """After a stall of 3 s they come all at once; shifting them would leave them in the future of what follows."""
    guard = TimeGuard()
    pts = steady(300)
    times = [(time, 4 * SECOND if SECOND <= time < 4 * SECOND else time + 5) for time in pts]
    assert placed(guard, times) == pts
    assert guard.offset == 0
    assert set(guard.noted.as_dict()) == {"late"}


def test_a_source_whose_timestamps_stood_still_comes_back_to_the_clock() -> None:
    """Its PTS went on where they had stopped; from then on every frame is 4 s late, and stays so."""
    guard = TimeGuard()
    times = live(steady(100), 5) + [(time, time + 4 * SECOND + 5) for time in steady(100, 100 * FRAME)]
    found = placed(guard, times)
    assert found[:150] == steady(150), "as long as it may be the network they keep their PTS"
    assert found[-20:] == [time + 4 * SECOND for time in steady(20, 180 * FRAME)]
    assert guard.noted["pts_jump"] == 1


def test_a_crowd_without_sense_is_not_pushed_into_the_future() -> None:
    """Placed frame behind frame, those that come faster than the rate would run away from the clock."""
    guard = TimeGuard(SECOND // 2)
    found = placed(guard, [(None, SECOND)] * 8)
    assert found == [SECOND, SECOND * 3 // 2, 2 * SECOND, *[None] * 5]
    assert guard.dropped.as_dict() == {"no_room": 5}


def test_frames_without_a_timestamp_lie_where_they_came() -> None:
    guard = TimeGuard(FRAME)
    assert placed(guard, [(None, None)] * 4) == steady(4)
    guard.reset()
    assert placed(guard, [(None, 5), (None, 99), (7, 120)]) == [5, 99, 7]
    assert guard.noted.as_dict() == {"pts_missing": 6, "reordered": 1}


def test_after_a_flush_anything_may_come() -> None:
    guard = TimeGuard()
    placed(guard, [(time, None) for time in steady(10, 7200 * SECOND)])
    guard.reset()
    assert guard.newest is None
    assert guard.place(3 * FRAME) == Placed(3 * FRAME, 0)
    assert guard.noted.as_dict() == {}


@given(st.lists(st.integers(1, 10 * SECOND), min_size=1, max_size=80), st.integers(0, 10**15))
def test_growing_times_are_never_touched(steps: list[int], start: int) -> None:
    guard, pts = TimeGuard(), [start]
    for step in steps:
        pts.append(pts[-1] + step)
    assert placed(guard, [(time, None) for time in pts]) == pts
    assert guard.noted.as_dict() == guard.dropped.as_dict() == {}


TIMES = st.one_of(
    st.none(), st.integers(0, 3 * SECOND), st.integers(0, 60 * SECOND), st.integers(0, 2**63), st.just(FRAME)
)


@settings(max_examples=300)
@given(st.lists(TIMES, max_size=80), st.integers(0, SECOND))
def test_a_file_of_any_times_has_every_place_once(pts: list[int | None], frame: int) -> None:
    guard = TimeGuard(frame)
    found, newest = placed(guard, [(time, None) for time in pts]), None
    given_ = [place for place in found if place is not None]
    assert len(set(given_)) == len(given_)
    assert guard.dropped.total == found.count(None)
    for place in given_:
        if newest is not None:
            assert -SECOND // 2 <= place - newest <= 10 * SECOND
        newest = max(place, newest or 0)
        assert place >= 0


@settings(max_examples=300)
@given(
    st.lists(st.tuples(TIMES, st.integers(0, 2 * SECOND)), max_size=80),
    st.booleans(),
    st.sampled_from([0, FRAME, SECOND // 2]),
)
def test_live_frames_of_any_times_stay_near_their_arrival(
    frames: list[tuple[int | None, int]], close: bool, frame: int
) -> None:
    guard, times, now = TimeGuard(frame), [], 0
    for pts, step in frames:
        now += step // 100 if close else step
        times.append((pts, now))
    found = placed(guard, times)
    given_ = [place for place in found if place is not None]
    assert len(set(given_)) == len(given_)
    assert guard.dropped.total == found.count(None)
    for place, (_, arrival) in zip(found, times, strict=True):
        assert place is None or arrival - 11 * SECOND <= place <= arrival + SECOND
        assert place is None or place >= 0


@settings(max_examples=200)
@given(
    st.integers(0, 50 * SECOND),
    st.integers(0, 50 * SECOND),
    st.booleans(),
    st.integers(0, 3).map(lambda at: 20 + at),
)
def test_behind_any_jump_the_steps_are_those_of_the_source(
    first: int, second: int, paced: bool, at: int
) -> None:
    guard = TimeGuard()
    pts = steady(at, first) + steady(80, second)
    times = live(pts) if paced else [(time, None) for time in pts]
    found = [place for place in placed(guard, times) if place is not None]
    assert len(found) >= 80
    tail = found[-20:]
    assert [b - a for a, b in itertools.pairwise(tail)] == [FRAME] * 19
