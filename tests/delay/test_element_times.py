"""Places of what arrives: running times by the segment, each later than the one before."""

from __future__ import annotations

import itertools
from time import monotonic_ns
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from touchline.delay.element_times import Places
from touchline.errors import TouchlineError
from touchline.gst.library import NONE, SECOND, Gst

TIMES = st.integers(0, 3600 * SECOND)


def segment(start: int = 0, base: int = 0, offset: int = 0, rate: float = 1.0, stop: int = NONE):
    made = Gst.Segment()
    made.init(Gst.Format.TIME)
    made.start = made.position = made.time = start
    made.base, made.offset, made.rate, made.stop = base, offset, rate, stop
    return made


def places(now: int | None = 0) -> tuple[Places, list[str]]:
    said: list[str] = []
    return Places(lambda: now, said.append), said


@given(start=TIMES, base=TIMES, rate=st.sampled_from([1.0, 0.5, 2.0]), after=TIMES)
def test_running_times_are_those_of_gstreamer(start, base, rate, after):
    made, _ = places()
    learnt = segment(start, base, rate=rate)
    made.learn(learnt)
    assert made.running(start + after) == learnt.to_running_time(Gst.Format.TIME, start + after)


@given(st.lists(TIMES | st.just(NONE), max_size=40))
def test_each_place_is_later_than_the_one_before(stamps):
    made, said = places(now=5 * SECOND)
    made.learn(segment())
    taken = []
    for pts in stamps:
        place, leaves = made.of(SimpleNamespace(pts=pts), monotonic_ns())
        assert leaves != NONE
        made.last = place
        taken.append(place)
    assert all(one < two for one, two in itertools.pairwise(taken))
    assert len(said) == stamps.count(NONE)


def test_a_frame_without_a_pts_gets_the_time_at_which_it_came_not_at_which_it_is_looked_at():
    made, _ = places(now=10 * SECOND)
    made.learn(segment(start=2 * SECOND))
    place, pts = made.of(SimpleNamespace(pts=NONE), monotonic_ns() - SECOND)
    assert place == pytest.approx(9 * SECOND, abs=SECOND // 10)
    assert pts == place + 2 * SECOND


def test_no_segment_in_time():
    made, _ = places()
    in_bytes = Gst.Segment()
    in_bytes.init(Gst.Format.BYTES)
    for learn in (lambda: None, lambda: made.learn(in_bytes), lambda: (made.learn(segment()), made.forget())):
        learn()
        assert not made.known
        with pytest.raises(TouchlineError, match="a stream in time"):
            made.of(SimpleNamespace(pts=0), 0)
