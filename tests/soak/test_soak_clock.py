"""The stepped clock: time moves on when everybody sleeps, one works at a time, in the order of time and rank."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from touchline.errors import OutputError, TouchlineError
from touchline.gst.library import SECOND
from touchline.soak.clock import RealClock, StepClock

NEVER = threading.Event()


class Worker:
    """A thread that wakes up at given times, and notes when that was."""

    def __init__(self, clock: StepClock, name: str, times: list[int], log: list[tuple[str, int]]) -> None:
        self._clock, self._name, self._times, self._log = clock, name, times, log
        self.thread = threading.Thread(target=self._run, daemon=True)

    def _run(self) -> None:
        for time in self._times:
            if not self._clock.wait_until(time, NEVER):
                return
            self._log.append((self._name, self._clock.get_time()))
        self._clock.leave()


def run(steps: dict[str, list[int]], end: int) -> list[tuple[str, int]]:
    clock, log = StepClock(), []
    base = clock.get_time()
    for name, times in steps.items():
        worker = Worker(clock, name, [base + time for time in times], log)
        clock.admit(worker.thread.start)
    clock.wait_until(base + end, NEVER)
    log.append(("main", clock.get_time()))
    clock.close()
    return [(name, time - base) for name, time in log]


def test_time_goes_to_whatever_is_next() -> None:
    assert run({"a": [3, 10], "b": [1, 10, 11]}, 20) == [
        ("b", 1),
        ("a", 3),
        ("a", 10),
        ("b", 10),
        ("b", 11),
        ("main", 20),
    ]


def test_a_run_is_the_same_every_time() -> None:
    steps = {"a": list(range(0, 300, 3)), "b": list(range(0, 300, 5)), "c": list(range(1, 300, 7))}
    first = run(steps, 400)
    assert all(run(steps, 400) == first for _ in range(5))
    assert [time for _, time in first] == sorted(time for _, time in first)


def test_pipelines_see_the_same_time() -> None:
    clock = StepClock()
    clock.wait_until(clock.get_time() + 5 * SECOND, NEVER)
    assert clock.gst.get_time() == clock.get_time()


def test_a_nudge_is_heard_now_and_not_when_the_time_has_come() -> None:
    clock, nudge, heard = StepClock(), threading.Event(), []
    base = clock.get_time()

    def sleep() -> None:
        heard.append((clock.wait_until(base + 100, nudge), clock.get_time() - base))
        clock.leave()

    clock.admit(threading.Thread(target=sleep, daemon=True).start)
    clock.wait_until(base + 10, NEVER)
    nudge.set()
    clock.wait_until(base + 11, NEVER)
    assert heard == [(False, 10)]


def test_closing_wakes_everybody() -> None:
    clock, log = StepClock(), []
    worker = Worker(clock, "a", [clock.get_time() + 100], log)
    clock.admit(worker.thread.start)
    clock.close()
    worker.thread.join(5)
    assert not worker.thread.is_alive()
    assert log == []


class Frames:
    """A pipeline whose frames are due at given times."""

    def __init__(self, clock: StepClock, dues: list[int], fail: bool = False) -> None:
        self._clock, self.dues, self._fail = clock, dues, fail
        self.left: list[int] = []

    def next_due(self) -> int | None:
        return self.dues[0] if self.dues else None

    def settle(self, now: int, _release: Callable[[], None]) -> None:
        while self.dues and self.dues[0] <= now:
            if self._fail:
                raise OutputError("a frame does not leave")
            self.dues.pop(0)
            self.left.append(self._clock.gst.get_time())


def test_frames_that_are_due_on_the_way_leave_when_they_are_due() -> None:
    """Time went from one thread's waking to the next, and frames between the two left late."""
    clock = StepClock()
    base = clock.get_time()
    frames = Frames(clock, [base + 3, base + 7, base + 10, base + 30])
    clock.pace(frames)
    clock.wait_until(base + 10, NEVER)
    clock.settle()
    assert frames.left == [base + 3, base + 7, base + 10]


def test_a_frame_that_does_not_leave_is_told_to_the_first_thread() -> None:
    clock, log = StepClock(), []
    base = clock.get_time()
    clock.pace(Frames(clock, [base + 5], fail=True))
    clock.admit(Worker(clock, "a", [base + 1, base + 10], log).thread.start)
    with pytest.raises(OutputError, match="does not leave"):
        clock.wait_until(base + 20, NEVER)
    clock.close()


def test_a_thread_that_never_sleeps_here_is_noticed(monkeypatch) -> None:
    monkeypatch.setattr("touchline.soak.clock._ARRIVAL_S", 0.05)
    with pytest.raises(TouchlineError, match="does not wait"):
        StepClock().admit(lambda: None)


def test_the_real_clock_waits_for_a_time_or_a_nudge() -> None:
    clock, nudge = RealClock(), threading.Event()
    until = clock.get_time() + SECOND // 50
    assert clock.wait_until(until, nudge)
    assert clock.get_time() >= until
    nudge.set()
    assert not clock.wait_until(until + 100 * SECOND, nudge)
