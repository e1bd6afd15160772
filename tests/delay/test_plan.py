"""The memory plan: its sums, and what it refuses."""

from __future__ import annotations

import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from touchline.delay.plan import MemoryPlan
from touchline.errors import PlanError


def test_seven_seconds_of_full_size_are_what_the_design_says() -> None:
    plan = MemoryPlan(5700, 1900, 30, 7)
    assert plan.window_frames == 210
    assert plan.window_bytes == 3_411_450_000
    assert MemoryPlan(5700, 1900, 30, 7, "RGBA").window_bytes == 9_097_200_000


def test_the_delay_is_a_time_not_a_number_of_frames() -> None:
    """At 26 fps a delay of 210 frames made 7 s into 8 s."""
    assert MemoryPlan(640, 360, 26, 7).window_frames == 182
    assert MemoryPlan(640, 360, 59.94, 7).window_frames == 420
    assert MemoryPlan(640, 360, 30, 0.1).window_frames == 3


def test_a_plan_that_does_not_fit_is_refused_with_a_delay_that_does() -> None:
    plan = MemoryPlan(1920, 640, 30, 7, in_flight=5, reserve=3, other=(("programme", 50_000_000),))
    plan.check(plan.total_bytes)
    with pytest.raises(
        PlanError, match=r"210 frames.*218 frames of 1\.84 MB.*0\.05 GB programme.*0\.30 GB are free"
    ) as e:
        plan.check(300_000_000)
    assert e.value.exit_code == 3
    advised = re.search(r"longest delay that fits is ([\d.]+) s", str(e.value))
    assert advised
    MemoryPlan(
        1920, 640, 30, float(advised[1]), in_flight=5, reserve=3, other=(("programme", 50_000_000),)
    ).check(300_000_000)


def test_when_no_delay_fits_a_smaller_panorama_is_advised() -> None:
    with pytest.raises(PlanError, match="no delay fits"):
        MemoryPlan(5700, 1900, 30, 7).check(10_000_000)


@given(
    st.floats(1, 120),
    st.floats(0, 60),
    st.floats(0, 10),
    st.integers(0, 20),
    st.integers(0, 20),
    st.integers(0, 10**10),
)
def test_the_longest_delay_fits_and_a_frame_more_does_not(
    fps: float, delay: float, history: float, flight: int, reserve: int, free: int
) -> None:
    plan = MemoryPlan(1920, 640, fps, delay, history_s=history, in_flight=flight, reserve=reserve)
    longest = plan.longest_delay(free)
    if longest is None:
        assert (
            MemoryPlan(1920, 640, fps, 0, history_s=history, in_flight=flight, reserve=reserve).total_bytes
            > free
        )
        return

    def needs(seconds: float) -> int:
        return MemoryPlan(
            1920, 640, fps, seconds, history_s=history, in_flight=flight, reserve=reserve
        ).total_bytes

    assert needs(longest) <= free
    assert needs(longest + 2.01 / fps) > free


@pytest.mark.parametrize(
    "wrong", [{"fps": 0}, {"fps": math.nan}, {"delay_s": -1}, {"delay_s": math.inf}, {"reserve": -1}]
)
def test_nonsense_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"must|needs|can't"):
        MemoryPlan(**{"width": 64, "height": 64, "fps": 30, "delay_s": 1, **wrong})  # type: ignore[arg-type]
