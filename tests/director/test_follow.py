"""The following camera: ahead of the play, smooth, inside the panorama, and the same however it is run."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from touchline.analysis import Motion, MotionLog
from touchline.director import FollowDirector
from touchline.geometry import Panorama, View, ViewLimits

SECOND = 10**9
FRAME = SECOND // 30
PERIOD = SECOND // 10
LIMITS = ViewLimits(
    Panorama("equirectangular", 1800, 480, *(math.radians(a) for a in (-80, 80, -32, 9))), 16 / 9
)

Course = Callable[[float], float]


def logged(
    yaw: Course, seconds: float, *, noise: float = 0.0, amount: Course = lambda t: 0.01, spread: float = 20.0
) -> MotionLog:
    rng = np.random.default_rng(7)
    log = MotionLog()
    for i in range(round(seconds * 10)):
        t = i / 10
        log.append(Motion(i * PERIOD, yaw(t) + rng.normal(0, noise), -11.0, spread, amount(t)))
    return log


def filmed(director: FollowDirector, first_s: float, last_s: float) -> list[View]:
    return [director.view(pts) for pts in range(round(first_s * SECOND), round(last_s * SECOND), FRAME)]


def yaws(views: list[View]) -> np.ndarray[Any, Any]:
    return np.array([view.yaw_deg for view in views])


def lag_s(path: np.ndarray[Any, Any], course: Course, first_s: float) -> float:
    """By how much the path has to be shifted to fit the course best."""
    times = first_s + np.arange(len(path)) * FRAME / SECOND
    shifts = np.arange(-1.0, 1.5, 0.01)
    misses = [np.mean((path - np.array([course(t - shift) for t in times])) ** 2) for shift in shifts]
    return float(shifts[int(np.argmin(misses))])


def swing(t: float) -> float:
    return 25 * math.sin(2 * math.pi * t / 8)


def test_the_camera_leads_where_a_causal_one_lags() -> None:
    log = logged(swing, 40, noise=2.0)
    ahead = lag_s(yaws(filmed(FollowDirector(log, LIMITS, horizon_s=7), 5, 33)), swing, 5)
    causal = lag_s(yaws(filmed(FollowDirector(log, LIMITS, horizon_s=0), 5, 33)), swing, 5)
    assert -0.1 <= ahead <= 0.02
    assert causal > 0.2


def test_an_even_pan_is_followed_on_the_spot() -> None:
    log = logged(lambda t: 4 * t - 40, 25, noise=1.0)
    path = yaws(filmed(FollowDirector(log, LIMITS, horizon_s=7), 2, 17))
    off = path - (4 * (2 + np.arange(len(path)) / 30) - 40)
    assert np.abs(off).max() < 1.5
    assert 0 <= off.mean() < 4 * 0.2  # it looks a little ahead


def test_the_camera_starts_before_a_sudden_break() -> None:
    """A counter-attack at 10 s: who knows seven seconds ahead is already turning."""
    log = logged(lambda t: -20.0 if t < 10 else min(20.0, -20 + 20 * (t - 10)), 25)
    path = yaws(filmed(FollowDirector(log, LIMITS, horizon_s=7), 5, 17))
    at_the_break, late = path[(5 * 30)], yaws(filmed(FollowDirector(log, LIMITS, horizon_s=0), 5, 17))
    assert -19.9 < at_the_break < -10
    assert late[(5 * 30)] == pytest.approx(-20, abs=0.1)
    middle = path[(6 * 30)]
    assert middle == pytest.approx(0, abs=3)


def test_pans_are_smooth() -> None:
    """Noise of five degrees and a jump of fifty: neither is seen as a jerk."""
    log = logged(lambda t: -25.0 if t < 12 else 25.0, 30, noise=5.0)
    path = yaws(filmed(FollowDirector(log, LIMITS, horizon_s=7), 3, 25))
    speed = np.diff(path) * 30
    acceleration = np.diff(speed) * 30
    assert np.abs(speed).max() <= 32.01
    assert np.abs(acceleration).max() <= 40.1
    assert np.abs(np.diff(acceleration)).max() * 30 < 400  # degrees per second cubed
    turns = np.sum(np.diff(np.sign(speed[np.abs(speed) > 2])) != 0)
    assert turns <= 2


def test_the_camera_rests_while_the_play_stays() -> None:
    log = logged(lambda t: 10 + 0.5 * math.sin(t), 30, noise=1.0)
    path = yaws(filmed(FollowDirector(log, LIMITS, horizon_s=7), 5, 23))
    assert np.ptp(path[60:]) < 0.3


def test_the_field_of_view_follows_the_spread() -> None:
    def fov(spread: float) -> float:
        director = FollowDirector(
            logged(lambda t: 0.0, 20, spread=spread), LIMITS, horizon_s=7, fov_deg=(28, 55)
        )
        return filmed(director, 3, 12)[-1].fov_deg

    assert fov(0.0) == pytest.approx(28)
    assert 28 < fov(20.0) < fov(30.0) < 55
    assert fov(100.0) == pytest.approx(55)


def test_without_movement_it_widens_and_drifts_home() -> None:
    log = logged(lambda t: 40.0, 60, amount=lambda t: 0.01 if t < 10 else 0.0, spread=5.0)
    director = FollowDirector(log, LIMITS, horizon_s=7)
    views = filmed(director, 5, 53)
    path = yaws(views)
    assert path[0] == pytest.approx(40, abs=1)
    assert path[-1] == pytest.approx(0, abs=2.1)
    after = np.diff(path)[(8 * 30) :] * 30
    assert np.abs(after).max() < 3.5  # a drift, not a pan
    assert views[-1].fov_deg == pytest.approx(55, abs=2.1)
    assert views[0].fov_deg < 35


def test_without_any_motions_it_stays_home() -> None:
    director = FollowDirector(MotionLog(), LIMITS, horizon_s=7)
    assert {director.view(pts) for pts in range(0, SECOND, FRAME)} == {LIMITS.clamp(View(0.0, -11.5, 55.0))}


@settings(max_examples=40, deadline=None)
@given(
    samples=st.lists(
        st.tuples(
            st.integers(1, 3 * PERIOD),
            st.floats(-200, 200),
            st.floats(-90, 90),
            st.floats(0, 200),
            st.sampled_from([0.0, 1e-5, 1e-3, 0.2]),
        ),
        min_size=1,
        max_size=60,
    ),
    limits=st.tuples(st.floats(-150, -20), st.floats(20, 150), st.floats(-60, -15), st.floats(-5, 40)),
    aspect=st.sampled_from([16 / 9, 4 / 3, 9 / 16]),
    horizon=st.sampled_from([0.0, 1.0, 7.0]),
    frame=st.sampled_from([FRAME, SECOND // 10, 2 * SECOND]),
)
def test_the_view_never_leaves_the_panorama(
    samples: list[tuple[int, float, float, float, float]],
    limits: tuple[float, float, float, float],
    aspect: float,
    horizon: float,
    frame: int,
) -> None:
    panorama = Panorama("equirectangular", 1800, 480, *(math.radians(a) for a in limits))
    keeps = ViewLimits(panorama, aspect)
    log, pts = MotionLog(), 0
    for step, *rest in samples:
        pts += step
        log.append(Motion(pts, *rest))
    director = FollowDirector(log, keeps, horizon_s=horizon)
    for shown in range(0, min(pts, 6 * SECOND), frame):
        view = director.view(shown)
        assert keeps.contains(view)
        assert view.fov_deg <= 55 + 1e-9


def test_a_complete_log_and_one_filled_just_in_time_give_the_same_film() -> None:
    complete = logged(swing, 30, noise=3.0, amount=lambda t: 0.01 if t < 15 else 0.0)
    film = filmed(FollowDirector(complete, LIMITS, horizon_s=2), 0, 25)

    growing = MotionLog()
    director = FollowDirector(growing, LIMITS, horizon_s=2)
    coming = iter(complete.between(0, 30 * SECOND))
    live = []
    for pts in range(0, 25 * SECOND, FRAME):
        while not growing.wait_for(pts + director.horizon_ns, timeout_s=0):
            growing.append(next(coming))
        growing.forget_before(pts - director.past_ns)
        live.append(director.view(pts))
    assert live == film
    assert len(growing) < 60


def test_a_view_asked_twice_is_the_same() -> None:
    log = logged(swing, 20)
    once, twice = (FollowDirector(log, LIMITS, horizon_s=7) for _ in range(2))
    for pts in range(3 * SECOND, 6 * SECOND, FRAME):
        assert twice.view(pts) == twice.view(pts) == once.view(pts)


def test_after_a_gap_the_camera_is_there_at_once() -> None:
    log = logged(lambda t: -30.0 if t < 10 else 30.0, 30)
    director = FollowDirector(log, LIMITS, horizon_s=7)
    assert director.view(4 * SECOND).yaw_deg == pytest.approx(-30, abs=0.5)
    assert director.view(16 * SECOND).yaw_deg == pytest.approx(30, abs=0.5)
    assert director.view(5 * SECOND).yaw_deg == pytest.approx(-30, abs=0.5)  # back in time, too


@pytest.mark.parametrize("bad", [{"horizon_s": -1}, {"smoothing_s": 0}, {"fov_deg": (50, 40)}])
def test_senseless_numbers_are_refused(bad: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="no camera follows"):
        FollowDirector(MotionLog(), LIMITS, **({"horizon_s": 7} | bad))
