"""The cost of a film, and the least that it can be."""

from __future__ import annotations

import numpy as np
import pytest

from director.plays import LIMITS, course
from touchline.director import Style, cost, optimum
from touchline.director.planner import shape_of
from touchline.geometry import View

STYLE = Style()
AT = np.arange(0, 8, 1 / 30)
PLAY = course(lambda t: 10.0 * np.sin(t), 8).moments


def test_a_camera_that_stands_pays_for_its_framing_alone() -> None:
    """A ball at rest 40 degrees off, nobody else: the numbers can be added up by hand."""
    alone = course(lambda t: 0.0, 8, spread=0.0).moments
    view = View(-40.0, -10.0, 50.0)
    upright = shape_of(LIMITS, STYLE).upright
    across = 40 * 0.975
    paid = STYLE.keep_ball * (across - (1 - STYLE.margin) * 25) + STYLE.keep_play * (
        across - STYLE.middle * 25
    )
    size = STYLE.keep_size * (50 - STYLE.closest_deg)
    assert upright == pytest.approx(0.57, abs=0.03)
    assert cost([view] * len(AT), AT, alone, LIMITS, STYLE) == pytest.approx(paid + size, rel=0.03)


def test_moving_costs_its_way_its_changes_and_its_jolts() -> None:
    alone = course(lambda t: 0.0, 8, spread=0.0).moments
    steady = [View(float(yaw), -10.0, 26.0) for yaw in np.linspace(-3, 3, len(AT))]
    jolting = [
        View(float(yaw), -10.0, 26.0) for yaw in np.linspace(-3, 3, len(AT)) + 0.1 * (np.arange(len(AT)) % 2)
    ]
    standing = cost([View(0.0, -10.0, 26.0)] * len(AT), AT, alone, LIMITS, STYLE)
    one, other = (cost(views, AT, alone, LIMITS, STYLE) for views in (steady, jolting))
    assert one - standing == pytest.approx(
        2.5 * STYLE.way_cost * 6 / 8, rel=0.05
    )  # a ball at rest: 2.5 times as dear
    assert other > 100 * one


def test_no_other_film_is_cheaper_than_the_optimum() -> None:
    best = optimum(PLAY, LIMITS, AT, STYLE)
    least = cost(best, AT, PLAY, LIMITS, STYLE)
    path = np.array([(v.yaw_deg, v.pitch_deg, v.fov_deg) for v in best])
    rng = np.random.default_rng(5)
    for _ in range(20):
        bump = np.exp(-0.5 * ((AT[:, None] - rng.uniform(0, 8)) / rng.uniform(0.4, 2)) ** 2) * rng.normal(
            0, 2, 3
        )
        other = [LIMITS.clamp(View(*(float(a) for a in place))) for place in path + bump]
        assert cost(other, AT, PLAY, LIMITS, STYLE) > 0.995 * least
    assert all(LIMITS.contains(view) for view in best)


def test_what_makes_no_film_is_refused() -> None:
    views = [View(0.0, -10.0, 30.0)] * 10
    with pytest.raises(ValueError, match="four or more"):
        cost(views[:3], AT[:3], PLAY, LIMITS)
    with pytest.raises(ValueError, match="four or more"):
        cost(views, AT[:9], PLAY, LIMITS)
    with pytest.raises(ValueError, match="even intervals"):
        cost(views, [*AT[:9], 3.0], PLAY, LIMITS)
    with pytest.raises(ValueError, match="ascending"):
        optimum(PLAY, LIMITS, [1.0, 1.0])
