"""The planner's peers: each does what its name says, and none sees further than it is allowed to."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from touchline.analysis.known_play import KnownPlay
from touchline.analysis.play import BallAt, Moment
from touchline.director.baselines import Exponential, Hand, Kalman, Preview, SteadyDirector
from touchline.geometry import Panorama, ViewLimits

LIMITS = ViewLimits(
    Panorama("equirectangular", 1800, 480, *(math.radians(a) for a in (-85, 85, -34, 14))), 16 / 9
)
HANDS = [Exponential, Kalman, Preview]
STEP = 1 / 30


def led(hand: Hand, wanted: np.ndarray, ahead: int = 0) -> np.ndarray:
    """Where a hand goes that wants these pans, and knows so many steps of them ahead. Shape (n,)."""
    padded = np.r_[wanted, np.full(ahead, wanted[-1])]
    rows = [np.column_stack([padded[k : k + ahead + 1]] * 3) for k in range(len(wanted))]
    return np.array([hand.begin(rows[0])[0], *(hand.go_on(row, STEP)[0] for row in rows[1:])])


@pytest.mark.parametrize("kind", HANDS)
def test_they_arrive_where_they_should(kind: type[Hand]) -> None:
    gone = led(kind(), np.r_[0.0, np.full(600, 20.0)], ahead=15 if kind is Preview else 0)
    assert gone[0] == pytest.approx(0, abs=1e-9)
    assert gone[-1] == pytest.approx(20, abs=0.1)
    assert gone.max() < 30


def test_the_exponential_one_has_gone_63_percent_after_its_time() -> None:
    gone = led(Exponential((0.5, 0.5, 0.5)), np.r_[0.0, np.full(60, 1.0)])
    assert gone[15] == pytest.approx(1 - math.exp(-1), abs=1e-9)
    assert gone[30] == pytest.approx(1 - math.exp(-2), abs=1e-9)


def test_the_kalman_filter_learns_an_even_speed() -> None:
    """An exponential filter lags behind an even pan for ever; one that knows of speed does not."""
    wanted = np.arange(900) * 0.2
    assert abs(led(Kalman(), wanted)[-1] - wanted[-1]) < 0.2
    assert abs(led(Exponential(), wanted)[-1] - wanted[-1]) > 5


def test_the_preview_starts_before_the_play_does() -> None:
    wanted = np.r_[np.zeros(30), np.full(60, 20.0)]
    assert led(Preview(), wanted, ahead=15)[29] > 0.5
    assert led(Exponential(), wanted)[29] == 0


def test_the_preview_is_the_least_squares_solution() -> None:
    """Whoever minimises the sum over a window directly finds the same next view."""
    weights = (0.3, 0.02, 0.003)
    past, wanted = np.array([1.0, 1.5, 1.7]), np.array([2.0, 3.0, 5.0, 5.0])
    hand = Preview(weights, weights)
    hand._past = np.column_stack([past] * 3)
    found = hand.go_on(np.column_stack([wanted] * 3), STEP)[0]
    rows, goal = [np.eye(7)[3:]], [wanted]
    for order, weight in enumerate(weights, 1):
        rows.append(math.sqrt(weight) * np.diff(np.eye(7), n=order, axis=0)[3 - order :] / STEP**order)
        goal.append(np.zeros(len(rows[-1])))
    matrix = np.concatenate(rows)
    best = np.linalg.lstsq(matrix[:, 3:], np.concatenate(goal) - matrix[:, :3] @ past, rcond=None)[0]
    assert found == pytest.approx(best[0], rel=1e-5)


def play_of(yaw: np.ndarray) -> KnownPlay:
    """A ball alone, ten times a second."""
    return KnownPlay(Moment(k * 10**8, BallAt(float(at), -10.0, 1.0, True), ()) for k, at in enumerate(yaw))


@pytest.mark.parametrize(("kind", "ahead_s"), [(Exponential, 0.0), (Kalman, 0.0), (Preview, 0.5)])
def test_nobody_looks_further_ahead_than_allowed(kind: type[Hand], ahead_s: float) -> None:
    """Two plays that part at 3 s are filmed alike until then, less what is known ahead."""
    one = np.zeros(60)
    other = one.copy()
    other[30:] = 30.0
    films = []
    for yaw in (one, other):
        director = SteadyDirector(kind(), play_of(yaw), LIMITS, ahead_s=ahead_s)
        films.append(np.array([director.view(round(k * 1e9 / 30)).yaw_deg for k in range(150)]))
    parting = int((3.0 - ahead_s) * 30)
    assert (films[0][:parting] == films[1][:parting]).all()
    assert abs(films[0][-1] - films[1][-1]) > 5


def test_asked_again_they_show_the_same_and_stay_inside_the_panorama() -> None:
    director = SteadyDirector(Exponential(), play_of(np.linspace(0, 84, 60)), LIMITS)
    for k in range(170):
        view = director.view(round(k * 1e9 / 30))
        assert director.view(round(k * 1e9 / 30)) == view
        assert LIMITS.contains(view)


def test_after_a_gap_the_camera_is_there() -> None:
    director = SteadyDirector(Exponential(), play_of(np.r_[np.zeros(20), np.full(40, 30.0)]), LIMITS)
    director.view(0)
    gone = director.view(4 * 10**9)
    fresh = SteadyDirector(Exponential(), play_of(np.r_[np.zeros(20), np.full(40, 30.0)]), LIMITS).view(
        4 * 10**9
    )
    assert replace(gone) == fresh
