"""Slow while a value wavers, fast when it has stepped, and never past it."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from touchline.panorama.pace import SLOW_S, STEP, Pace

FPS = 25


def followed(values, pace=None, start=0):
    """What a value becomes that follows, from a value of ``values[0]`` on."""
    pace = pace or Pace()
    made = []
    now = 0.0
    for number, value in enumerate(values):
        now += pace.share(value - now, (start + number) / FPS) * (value - now)
        made.append(now)
    return np.array(made)


def test_a_step_is_followed_within_a_second_without_passing_it():
    values = np.concatenate([np.zeros(50), np.full(50, 0.18)])
    made = followed(values)
    assert abs(made[50 + FPS] - 0.18) < 0.003
    assert made.max() <= 0.18
    assert np.all(np.diff(made) >= 0)
    assert np.abs(np.diff(made)).max() < 0.18 * 0.3, "no jump"


def test_small_changes_are_followed_slowly():
    values = np.concatenate([np.zeros(10), np.full(100, STEP * 0.8)])
    made = followed(values)
    assert made[10 + 49] == pytest.approx(STEP * 0.8 * (1 - math.exp(-50 / FPS / SLOW_S)), rel=1e-6)


def test_noise_is_not_followed():
    rng = np.random.default_rng(1)
    made = followed(np.concatenate([[0.0], rng.normal(0, 0.01, 2000)]))
    assert np.abs(np.diff(made)).max() < 0.001
    assert made.std() < 0.002


def test_one_or_two_odd_frames_are_no_step():
    """A flash: the next frames say as before."""
    values = np.zeros(60)
    values[20:22] = 0.5
    assert followed(values).max() < 0.05


@given(st.lists(st.floats(-1, 1), min_size=2, max_size=60))
def test_it_stays_within_what_it_was_told(values):
    made = followed(values)
    assert made.min() >= min(values) - 1e-9
    assert made.max() <= max(values) + 1e-9


def test_time_that_stands_or_runs_backwards_changes_nothing():
    pace = Pace()
    assert pace.share(0.0, 3.0) == 1.0
    assert pace.share(1.0, 3.0) == 0.0
    assert pace.share(1.0, 2.0) == 0.0
