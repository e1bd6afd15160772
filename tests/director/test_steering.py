"""The camera's head: calm, but never late."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from touchline.director.steering import Axis, Feel

FEEL = Feel(response_s=0.45, rest=2.0, speed=32.0, acceleration=40.0, jerk=200.0)
FRAME = 1 / 30


def test_an_even_pan_has_no_lag() -> None:
    axis = Axis(0.0, FEEL)
    off = []
    for i in range(1, 240):
        axis.follow(12.0 * i * FRAME, 12.0, FRAME, 99.0)
        off.append(12.0 * i * FRAME - axis.position)
    assert max(abs(each) for each in off[120:]) < 0.05


def test_it_rests_while_the_target_stays_near() -> None:
    axis = Axis(10.0, FEEL)
    for i in range(300):
        axis.follow(10 + 0.9 * np.sin(i / 5), 0.0, FRAME, 99.0)
    assert axis.position == 10.0


def test_it_arrives_without_running_past() -> None:
    axis = Axis(0.0, FEEL)
    path = []
    for _ in range(300):
        axis.follow(25.0, 0.0, FRAME, 99.0)
        path.append(axis.position)
    assert max(path) <= 25.5
    assert path[-1] == pytest.approx(25.0, abs=FEEL.rest)
    assert abs(axis.speed) < 0.05


@given(
    targets=st.lists(st.tuples(st.floats(-90, 90), st.floats(-60, 60)), min_size=5, max_size=40),
    elapsed=st.sampled_from([1 / 60, 1 / 30, 1 / 25, 0.1]),
)
def test_speed_and_acceleration_stay_within_bounds(
    targets: list[tuple[float, float]], elapsed: float
) -> None:
    axis = Axis(0.0, FEEL)
    place, speed = axis.position, axis.speed
    for target, rate in targets:
        axis.follow(target, rate, elapsed, 99.0)
        assert abs(axis.position - place) <= FEEL.speed * elapsed + 1e-9
        assert abs(axis.speed - speed) <= FEEL.acceleration * elapsed + 1e-9
        place, speed = axis.position, axis.speed


def test_a_lower_top_speed_brakes_and_then_holds() -> None:
    axis = Axis(0.0, FEEL)
    for _ in range(60):
        axis.follow(500.0, 0.0, FRAME, 99.0)
    assert axis.speed == pytest.approx(FEEL.speed)
    before = axis.speed
    axis.follow(500.0, 0.0, FRAME, 3.0)
    assert axis.speed >= before - FEEL.acceleration * FRAME - 1e-9
    for _ in range(120):
        axis.follow(500.0, 0.0, FRAME, 3.0)
    assert axis.speed == pytest.approx(3.0, abs=0.1)


def test_the_rate_of_frames_hardly_matters() -> None:
    ends = []
    for elapsed in (1 / 60, 1 / 25, 0.1):
        axis = Axis(0.0, FEEL)
        for i in range(1, round(2 / elapsed) + 1):
            axis.follow(8 * i * elapsed, 8.0, elapsed, 99.0)
        ends.append(axis.position)
    assert ends == pytest.approx([16.0] * 3, abs=0.4)
