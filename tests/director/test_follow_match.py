"""A synthetic match, filmed by the following camera: the ball has to be in the picture, though nobody looks for it."""

from __future__ import annotations

import math
from fractions import Fraction
from functools import lru_cache

import numpy as np
import pytest

from touchline.analysis import MotionDetector, MotionLog
from touchline.director import Director, FixedDirector, FollowDirector
from touchline.geometry import View, ViewLimits, fit_panorama
from touchline.synth import SyntheticMatch

PERIOD_NS = 100_000_000
FRAMES = 300
HARDEST = 2  # of the first twelve
EASIER = (1, 7)  # in which play soon leaves the middle, too
SEEDS = (HARDEST, *(pytest.param(seed, marks=pytest.mark.slow) for seed in EASIER))


@lru_cache(maxsize=3)
def observed(seed: int) -> tuple[SyntheticMatch, ViewLimits, MotionLog]:
    match = SyntheticMatch(seed, fps=Fraction(10))
    panorama = fit_panorama(match.rig, size=(1056, 280))
    detector, log = MotionDetector(panorama), MotionLog()
    for index in range(FRAMES):
        log.append(detector.observe(match.panorama(index, panorama).y, index * PERIOD_NS))
    return match, ViewLimits(panorama, 16 / 9), log


def share_with_ball(match: SyntheticMatch, director: Director) -> float:
    """How often the ball, while it is in play, is in the picture: from the third second to the look-ahead's end."""
    seen = []
    for index in range(30, FRAMES - 30):
        ball = match.truth(index).ball
        view = director.view(index * PERIOD_NS)
        if not ball.in_play:  # it may lie behind the goal, and nobody plays there
            continue
        x, y = view.pixels_of(
            np.array(math.radians(ball.yaw_deg)), np.array(math.radians(ball.pitch_deg)), 1920, 1080
        )
        seen.append(0 <= x < 1920 and 0 <= y < 1080)
    return float(np.mean(seen))


@pytest.mark.parametrize("seed", SEEDS)
def test_the_ball_is_in_the_picture(seed: int) -> None:
    match, limits, log = observed(seed)
    fixed = share_with_ball(match, FixedDirector(View(0, -10, 46), limits))
    assert share_with_ball(match, FollowDirector(log, limits, horizon_s=7)) > fixed + 0.4


@pytest.mark.slow
def test_the_ball_is_in_the_picture_of_most_matches() -> None:
    shares = []
    for seed in (HARDEST, *EASIER):
        match, limits, log = observed(seed)
        shares.append(share_with_ball(match, FollowDirector(log, limits, horizon_s=7)))
    assert np.mean(shares) > 0.85


@pytest.mark.parametrize("seed", SEEDS)
def test_the_camera_moves_calmly_and_stays_inside(seed: int) -> None:
    _, limits, log = observed(seed)
    director = FollowDirector(log, limits, horizon_s=7)
    views = [director.view(pts) for pts in range(0, FRAMES * PERIOD_NS, PERIOD_NS // 3)]
    assert all(limits.contains(view) for view in views)
    speed = np.abs(np.diff([view.yaw_deg for view in views])) * 30
    assert speed.max() < 30
    assert np.median(speed) < 6


def test_the_play_is_seen_without_the_crowd() -> None:
    """Above the pitch is nothing that moves; below the centres of bodies are their feet and shadows, some degrees."""
    match, _, log = observed(HARDEST)
    for motion in log.between(30 * PERIOD_NS, FRAMES * PERIOD_NS):
        persons = match.truth(motion.pts_ns // PERIOD_NS).persons
        assert min(p.pitch_deg for p in persons) - 4 < motion.pitch_deg < max(p.pitch_deg for p in persons)
        assert min(p.yaw_deg for p in persons) < motion.yaw_deg < max(p.yaw_deg for p in persons)
        assert motion.amount > 0
