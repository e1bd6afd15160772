"""Paths over a play: what they cost, what they keep to, and that they go on from what has been shown."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from director.plays import LIMITS
from touchline.director.framing import Wishes
from touchline.director.planner import Planner, shape_of
from touchline.director.problem import KNOT_S, PathProblem
from touchline.director.splines import along
from touchline.director.style import Style
from touchline.geometry import View

STYLE = Style()
KNOTS = 25
SHAPE = shape_of(LIMITS, STYLE)


def wishes(yaw: np.ndarray, size: float = 35.0, pitch: float = -10.0) -> Wishes:
    count = len(yaw)
    place = np.column_stack([yaw, np.full(count, pitch)])
    ones = np.ones(count)
    return Wishes(np.arange(count) * 1.0, place, ones, place, ones, size * ones, ones)


def drawn(path: np.ndarray, pieces: float) -> np.ndarray:
    return along(path, np.arange(0, pieces, 0.05))


def test_what_stays_is_looked_at_without_moving() -> None:
    planner = Planner(KNOTS, STYLE, SHAPE)
    path = planner.begin(wishes(np.full(len(planner.framed), 12.0)))
    shown = drawn(path, KNOTS)
    assert np.ptp(shown, axis=0) == pytest.approx(0, abs=0.02)
    assert shown[0] == pytest.approx([12, -10, 35], abs=5.5)  # anywhere in the middle is right


def test_an_even_run_is_panned_with_evenly() -> None:
    planner = Planner(KNOTS, STYLE, SHAPE)
    path = planner.begin(wishes(-40 + 16 * KNOT_S * planner.framed))
    speed = np.diff(drawn(path, KNOTS)[:, 0]) / (0.05 * KNOT_S)
    assert np.ptp(speed[len(speed) // 2 :]) < 0.2
    assert speed[-1] == pytest.approx(16, abs=4)  # the play may cross the middle on the way
    assert np.diff(speed).min() > -0.02  # until then it only gets faster


def test_a_reversal_shorter_than_a_look_is_ignored_and_a_longer_one_is_not() -> None:
    planner = Planner(60, STYLE, SHAPE)
    at = planner.framed * KNOT_S

    def moved(lasts_s: float) -> float:
        away = np.where((at > 1.0) & (at < 1.0 + lasts_s), 14.0, 0.0)  # beyond the middle, inside the margin
        return float(np.ptp(drawn(planner.begin(wishes(away)), 60)[:, 0]))

    assert moved(STYLE.look_s) < 0.1
    assert moved(6 * STYLE.look_s) > 2


def test_a_ball_that_flies_far_is_given_room_by_the_zoom() -> None:
    """Too quick for a pan there and back: the picture widens."""
    planner = Planner(KNOTS, STYLE, SHAPE)
    at = planner.framed * KNOT_S
    play = wishes(np.zeros(len(at)))
    ball = play.ball.copy()
    ball[:, 0] = 22.0 * (np.abs(at - 2.0) < 0.5) - 22.0 * (np.abs(at - 3.2) < 0.5)
    path = planner.begin(replace(play, ball=ball))
    right, left = along(path, np.array([2.0, 3.2]) / KNOT_S)
    assert right[0] + right[2] / 2 > 22
    assert left[0] - left[2] / 2 < -22
    assert left[2] > 37


@settings(max_examples=8, deadline=None)
@given(
    yaws=st.lists(st.floats(-200, 200), min_size=12, max_size=12),
    pitches=st.lists(st.floats(-60, 40), min_size=12, max_size=12),
    sizes=st.lists(st.floats(5, 120), min_size=12, max_size=12),
)
def test_whatever_is_wished_for_the_limits_hold_and_nothing_jumps(
    yaws: list[float], pitches: list[float], sizes: list[float]
) -> None:
    """Also from one solve to the next, each of which wants something else."""
    planner = Planner(KNOTS, STYLE, SHAPE)
    count = len(planner.framed)
    shown, path = [], None
    for yaw, pitch, size in zip(yaws, pitches, sizes, strict=True):
        wanted = wishes(np.linspace(-yaw, yaw, count), size, pitch)
        path = planner.begin(wanted) if path is None else planner.go_on(wanted, path)
        shown.append(drawn(path, 1.0))
    film, step = np.concatenate(shown), 0.05 * KNOT_S
    assert planner.unsolved == 0
    assert (np.abs(np.diff(film, axis=0)).max(axis=0) / step <= np.array(STYLE.speeds) * 1.001).all()
    assert (np.abs(np.diff(film, n=2, axis=0)).max(axis=0) / step**2 <= np.array(STYLE.pushes) * 1.01).all()
    assert film[:, 2].min() > SHAPE.fov_deg[0] - 0.01
    for place in film[::5]:
        assert LIMITS.contains(View(*(float(a) for a in place)))


def test_where_no_path_is_found_the_one_before_is_gone_on_with() -> None:
    planner = Planner(KNOTS, STYLE, SHAPE)
    good = wishes(-40 + 16 * KNOT_S * planner.framed)
    path = planner.begin(good)
    path = planner.go_on(good, path)
    nonsense = wishes(np.full(len(planner.framed), np.nan))
    before = path
    for _ in range(KNOTS + 5):
        path = planner.go_on(nonsense, path)
    assert planner.unsolved == KNOTS + 5
    assert path[0] == pytest.approx(before[-1])  # it has come to rest at the end of what was planned
    after = planner.go_on(good, path)
    assert planner.unsolved == KNOTS + 5
    assert drawn(after, KNOTS)[-1, 0] > drawn(path, KNOTS)[-1, 0] - 1


def test_a_path_has_a_length() -> None:
    with pytest.raises(ValueError, match="at least one piece"):
        PathProblem(0, STYLE, SHAPE, goes_on=False, close=0)
