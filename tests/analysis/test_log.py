"""The log of motions: ranges by time, waiting, forgetting."""

from __future__ import annotations

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from touchline.analysis import Motion, MotionLog


def motion(pts_ns: int) -> Motion:
    return Motion(pts_ns, pts_ns / 10, 0.0, 5.0, 0.01)


def filled(*pts: int) -> MotionLog:
    log = MotionLog()
    for each in pts:
        log.append(motion(each))
    return log


@given(
    pts=st.lists(st.integers(0, 1000), unique=True).map(sorted),
    first=st.integers(-10, 1010),
    last=st.integers(-10, 1010),
)
def test_a_range_holds_both_its_ends(pts: list[int], first: int, last: int) -> None:
    found = filled(*pts).between(first, last)
    assert [m.pts_ns for m in found] == [p for p in pts if first <= p <= last]


def test_motions_come_in_order() -> None:
    log = filled(10)
    for late in (10, 9):
        with pytest.raises(ValueError, match="can't follow"):
            log.append(motion(late))
    log.close()
    with pytest.raises(ValueError, match="closed"):
        log.append(motion(11))
    assert [m.pts_ns for m in log.between(0, 99)] == [10]


def test_forgetting_keeps_the_rest_and_the_newest() -> None:
    log = filled(10, 20, 30)
    log.forget_before(20)
    assert [m.pts_ns for m in log.between(0, 99)] == [20, 30]
    log.forget_before(99)
    assert len(log) == 0
    assert log.newest_pts == 30
    with pytest.raises(ValueError, match="can't follow"):
        log.append(motion(30))


def test_a_log_that_is_pruned_stays_small() -> None:
    log = MotionLog()
    for pts in range(5000):
        log.append(motion(pts))
        log.forget_before(pts - 100)
    assert len(log) == 101


def test_waiting_ends_when_the_time_has_been_analysed() -> None:
    log = filled(10)
    assert log.wait_for(10, timeout_s=0)
    assert not log.wait_for(11, timeout_s=0)
    assert not MotionLog().wait_for(-(10**9), timeout_s=0)
    seen: list[tuple[bool, int | None]] = []
    reader = threading.Thread(target=lambda: seen.append((log.wait_for(30, 20), log.newest_pts)))
    reader.start()
    for pts in (20, 29, 31):
        log.append(motion(pts))
    reader.join(20)
    assert seen == [(True, 31)]


def test_waiting_ends_when_the_log_is_closed() -> None:
    seen: list[bool] = []
    with filled(10) as log:
        reader = threading.Thread(target=lambda: seen.append(log.wait_for(10**12)))
        reader.start()
    reader.join(20)
    assert seen == [True]
    assert log.closed


def test_writing_and_reading_at_once() -> None:
    log = MotionLog()
    wrong: list[str] = []

    def read() -> None:
        while not log.closed:
            pts = [m.pts_ns for m in log.between(0, 10**9)]
            if pts and pts != list(range(pts[0], pts[-1] + 1)):
                wrong.append("a range with a hole in it")

    readers = [threading.Thread(target=read) for _ in range(2)]
    for reader in readers:
        reader.start()
    for pts in range(3000):
        log.append(motion(pts))
        log.forget_before(pts - 50)
    log.close()
    for reader in readers:
        reader.join(20)
    assert not wrong
