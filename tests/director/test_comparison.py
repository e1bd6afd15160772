"""The planner beside its peers on a synthetic match."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
import pytest

from touchline.analysis.known_play import KnownPlay
from touchline.director.comparison import (
    EXPONENTIAL,
    FIXED,
    KALMAN,
    OPTIMUM,
    PREVIEW,
    Match,
    Take,
    compare,
    moments_of,
)
from touchline.director.score_plot import plot_hindsight, plot_paths
from touchline.director.style import Style
from touchline.errors import OutputError
from touchline.geometry import ViewLimits, fit_panorama
from touchline.synth.course import Course
from touchline.synth.pitch import field_outline
from touchline.synth.rig import default_rig

SEED, SECONDS, FPS = 5, 12.0, 15


@lru_cache(maxsize=1)
def taken() -> tuple[Course, list[Take]]:
    course = Course.of_match(SEED, SECONDS, FPS)
    limits = ViewLimits(fit_panorama(default_rig(SEED)), 16 / 9)
    match = Match(course, KnownPlay(moments_of(course)), limits, Style(), field_outline())
    return course, compare(match, (0.0, 7.0), lambda delay: max(0.0, delay - 0.8))


def by_name() -> dict[str, Take]:
    return {take.name: take for take in taken()[1]}


def test_all_have_filmed_the_same_match() -> None:
    course, takes = taken()
    assert [t.name for t in takes] == [
        FIXED, EXPONENTIAL, KALMAN, PREVIEW, "planner, 0 s", "planner, 7 s", OPTIMUM
    ]  # fmt: skip
    assert [t.delay_s for t in takes] == [None, None, None, None, 0.0, 7.0, None]
    for take in takes:
        assert (take.path.times_s == course.times_s).all()
        assert take.score.seconds == pytest.approx(SECONDS)


def test_nobody_is_cheaper_than_the_optimum() -> None:
    """It is the bound of the planner's own cost; 1 % for the knots at which it is found."""
    best = by_name()[OPTIMUM].cost
    assert all(take.cost >= 0.99 * best for take in taken()[1])


def test_hindsight_pays() -> None:
    takes = by_name()
    assert takes["planner, 7 s"].cost < takes["planner, 0 s"].cost
    assert takes["planner, 7 s"].score.jerk < 0.25 * takes[EXPONENTIAL].score.jerk
    assert takes["planner, 7 s"].score.ball_in_frame > 0.97


def test_the_fixed_view_does_not_move() -> None:
    fixed = by_name()[FIXED].score
    assert (fixed.jerk, fixed.at_rest, fixed.reversals_per_min, fixed.zooms_per_min) == (0, 1, 0, 0)


def test_moments_tell_the_truth() -> None:
    course = taken()[0]
    moments = moments_of(course, per_s=10)
    assert len(moments) == pytest.approx(SECONDS * 10, abs=1)
    moment = moments[26]
    assert moment.pts_ns == 2_600_000_000
    assert moment.ball is not None
    assert (moment.ball.yaw_deg, moment.ball.pitch_deg) == pytest.approx(tuple(course.ball_deg[39]))
    assert len(moment.players) == 23
    assert moment.players[3].place == pytest.approx(tuple(course.persons_m[39, 3]))


def test_the_plots_show_the_paths(tmp_path: Path) -> None:
    """In the first one's colour there is a line about where its pan is."""
    course, takes = taken()
    picture = tmp_path / "pan.png"
    plot_paths({"planner": takes[-2].path, "other": takes[1].path}, course, picture, "A match")
    drawn = cv2.imread(str(picture))
    assert drawn.shape == (1000, 1600, 3)
    blue = np.abs(drawn.astype(int) - (203, 107, 11)).sum(axis=2) < 60
    assert np.count_nonzero(blue[:640].any(axis=0)) > 1200
    plot_hindsight({take.name: [take] for take in takes}, tmp_path / "delays.png", "Hindsight")
    assert cv2.imread(str(tmp_path / "delays.png")).shape == (900, 1600, 3)


def test_a_plot_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    course, takes = taken()
    with pytest.raises(OutputError, match="can't be written"):
        plot_paths({"planner": takes[-2].path}, course, tmp_path / "nowhere" / "pan.png", "A match")
