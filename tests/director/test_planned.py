"""The planned director: with the hindsight that he has, always the same film, and never a jump."""

from __future__ import annotations

import math

import numpy as np
import pytest

from director.plays import (
    FPS,
    LIMITS,
    RATE,
    SECOND,
    KnownPlay,
    angles,
    course,
    field,
    in_frame,
    match_truth,
    moment,
    times,
)
from touchline.analysis.play import Moment
from touchline.director import Director, PlannedDirector, Style, cost, optimum
from touchline.geometry import Panorama, View, ViewLimits
from touchline.geometry.projection import Projection

STYLE = Style()
SEEDS = (1001, 1008)
SECONDS = 30


def film(director: Director, seconds: float) -> list[View]:
    return [director.view(pts) for pts in times(seconds)]


def jerk(views: list[View]) -> float:
    """Of the pan, degrees per second cubed, on average."""
    return float(np.abs(np.diff(angles(views)[:, 0], n=3)).mean()) * FPS**3


def test_he_leads_where_one_without_hindsight_lags() -> None:
    """A break at 6 s: who knows is under way when it begins."""
    play = course(lambda t: -25.0 if t < 6 else min(25.0, -25 + 20 * (t - 6)), 14)
    ahead = angles(film(PlannedDirector(play, LIMITS, horizon_s=5), 9))[:, 0]
    causal = angles(film(PlannedDirector(play, LIMITS, horizon_s=0), 9))[:, 0]
    at = 6 * FPS
    assert ahead[at] > -22
    assert causal[at] < ahead[at] - 2
    assert np.diff(ahead).max() * FPS < np.diff(causal).max() * FPS - 3  # and never in such a hurry


def test_before_a_set_piece_he_has_settled() -> None:
    """The ball comes to the corner at 5 s and is kicked at 10 s: the camera stands before it lies there, or soon."""
    play = course(lambda t: -10 - 6 * min(t, 5.0) + 5 * max(0.0, t - 10), 18)
    views = angles(film(PlannedDirector(play, LIMITS, horizon_s=6), 10))
    speed = np.abs(np.diff(views[:, 0])) * FPS
    assert speed[: 3 * FPS].max() > 2
    assert speed[round(5.5 * FPS) : 8 * FPS].max() < 0.2


def test_what_has_been_shown_is_not_contradicted() -> None:
    """A play that turns out otherwise than hindsight had it so far: the path bends, and does not jump."""
    straight = course(lambda t: 5 * t - 20, 20)
    turned = course(lambda t: 5 * t - 20 if t < 6 else 10 - 14 * (t - 6), 20)

    class Changing(KnownPlay):
        def between(self, first_ns: int, last_ns: int) -> list[Moment]:
            return (turned if last_ns > 8 * SECOND else straight).between(first_ns, last_ns)

    views = angles(film(PlannedDirector(Changing([]), LIMITS, horizon_s=3), 12))
    speed = np.diff(views, axis=0) * FPS
    assert (np.abs(speed).max(axis=0) <= np.array(STYLE.speeds) * 1.001).all()
    assert (np.abs(np.diff(speed, axis=0)).max(axis=0) * FPS <= np.array(STYLE.pushes) * 1.01).all()


def test_a_lost_ball_widens_the_picture_without_a_jump() -> None:
    players = [(14.0 + off, -9.0) for off in (-6, -2, 3, 7)]
    moments = [
        moment(t, (10.0, -10.0) if t < 4 or t > 12 else None, players) for t in np.arange(0, 18, 1 / RATE)
    ]
    views = angles(film(PlannedDirector(KnownPlay(moments), LIMITS, horizon_s=3), 14))
    assert views[8 * FPS, 2] > views[2 * FPS, 2] + 5
    assert np.abs(np.diff(views[:, 0])).max() * FPS < 3
    assert np.abs(np.diff(views[:, 2])).max() * FPS < STYLE.zoom_speed


def test_with_nothing_known_he_shows_the_middle_widely() -> None:
    views = set(film(PlannedDirector(KnownPlay([]), LIMITS, horizon_s=3, field=field()), 1))
    first = next(iter(views))
    assert LIMITS.contains(first)
    assert first.fov_deg == pytest.approx(STYLE.widest_deg, abs=0.5)
    assert first.yaw_deg == pytest.approx(0, abs=5.5)
    assert np.ptp(angles(list(views)), axis=0).max() < 0.01


def test_moments_full_of_nonsense_cost_no_frame() -> None:
    moments = course(lambda t: 3 * t - 20, 12).moments
    broken = [
        moment(m.pts_ns / SECOND, (math.nan, math.inf), [(math.nan, 0.0)]) if 20 < n < 30 else m
        for n, m in enumerate(moments)
    ]
    director = PlannedDirector(KnownPlay(broken), LIMITS, horizon_s=2)
    views = film(director, 10)
    assert director.unsolved == 0
    assert all(LIMITS.contains(view) for view in views)
    assert np.abs(np.diff(angles(views)[:, 0])).max() * FPS < STYLE.pan_speed
    assert views[-1].yaw_deg > views[0].yaw_deg + 10  # and he goes on when it is over


@pytest.mark.parametrize("rate", [25, 60])
def test_the_same_path_at_any_frame_rate(rate: int) -> None:
    """And whatever is known already of what comes later."""
    play = match_truth(SEEDS[0], SECONDS)
    whole = PlannedDirector(KnownPlay(play.moments), play.limits, horizon_s=4, field=field())
    other = PlannedDirector(KnownPlay(play.moments[: 11 * RATE]), play.limits, horizon_s=4, field=field())
    at = dict(zip(times(5), film(whole, 5), strict=True))
    shared = 0
    for index in range(5 * rate):
        pts = round(index * SECOND / rate)
        view = other.view(pts)
        if pts in at:
            assert view == at[pts] == other.view(pts)
            shared += 1
    assert shared >= 5 * math.gcd(rate, FPS)


def test_after_a_gap_he_is_there() -> None:
    play = course(lambda t: 4 * t - 40, 22)
    director = PlannedDirector(play, LIMITS, horizon_s=2)
    film(director, 3)
    assert director.view(15 * SECOND).yaw_deg == pytest.approx(24, abs=8)
    assert director.view(2 * SECOND).yaw_deg == pytest.approx(-28, abs=8)


@pytest.mark.parametrize("horizon", [-1.0, 61.0])
def test_a_horizon_has_limits(horizon: float) -> None:
    with pytest.raises(ValueError, match="0 to 60 s"):
        PlannedDirector(KnownPlay([]), LIMITS, horizon_s=horizon)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_match_is_filmed_well_and_almost_as_well_as_can_be(seed: int) -> None:
    """On the truth, six times a second: what the detectors add in faults is measured elsewhere."""
    play = match_truth(seed, SECONDS)
    director = PlannedDirector(KnownPlay(play.moments), play.limits, horizon_s=6.2, field=field())
    views = film(director, SECONDS)
    assert director.unsolved == 0
    assert all(play.limits.contains(view) for view in views)
    assert in_frame(views, play.ball)[play.in_play].mean() > 0.99
    assert np.mean([view.fov_deg for view in views]) < 45
    at = np.array(times(SECONDS)) / SECOND
    judged = play.moments, play.limits, STYLE, field()
    bound = cost(optimum(play.moments, play.limits, at, STYLE, field()), at, *judged)
    assert bound < cost(views, at, *judged) < 1.15 * bound
    smoothed = causal(play.ball, views[0].fov_deg)
    assert jerk(views) < 0.25 * jerk(smoothed)
    assert cost(smoothed, at, *judged) > 2 * bound


def causal(ball: np.ndarray, fov_deg: float, time_s: float = 0.8) -> list[View]:
    """A smoother without look-ahead."""
    here, made = ball[0].copy(), []
    for place in ball:
        here += (1 - math.exp(-1 / FPS / time_s)) * (place - here)
        made.append(View(float(here[0]), float(here[1]), fov_deg))
    return made


@pytest.mark.parametrize("aspect", [16 / 9, 9 / 16])
@pytest.mark.parametrize("projection", ["cylindrical", "pitch"])
def test_other_shapes_and_panoramas_are_filmed_as_well(projection: Projection, aspect: float) -> None:
    """A picture for telephones is as high as the panorama and has hardly any zoom; it follows the play all the same."""
    limits = ViewLimits(
        Panorama(projection, 1800, 480, *(math.radians(a) for a in (-70, 75, -32, 9))), aspect
    )
    director = PlannedDirector(course(lambda t: 8 * t - 30, 12), limits, horizon_s=3)
    views = film(director, 7)
    assert director.unsolved == 0
    assert all(limits.contains(view) for view in views)
    ball = np.array([(8 * pts / SECOND - 30, -10.0) for pts in times(7)])
    across = np.abs(angles(views)[:, 0] - ball[:, 0])
    assert (across < angles(views)[:, 2] / 2).all()
