"""The robust local line: no lag, few parameters, not impressed by outliers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from touchline.director.smoothing import local_line

BOTH_SIDES = np.arange(-24, 25) / 10


def kernel(away: np.ndarray[Any, Any], sigma: float = 0.8) -> np.ndarray[Any, Any]:
    return np.asarray(np.exp(-(away**2) / (2 * sigma**2)))


@given(value=st.floats(-90, 90), slope=st.floats(-30, 30))
def test_an_even_course_has_no_lag(value: float, slope: float) -> None:
    fitted, speed = local_line(BOTH_SIDES, value + slope * BOTH_SIDES, kernel(BOTH_SIDES), 2.0)
    assert fitted == pytest.approx(value, abs=1e-6)
    assert speed == pytest.approx(slope, rel=0.05, abs=1e-6)  # the ridge holds it back a little


def test_the_past_alone_lags_a_little() -> None:
    past = BOTH_SIDES[BOTH_SIDES <= 0]
    fitted, _ = local_line(past, 10 * past, kernel(past), 2.0)
    assert -2.5 < fitted < -0.1


def test_noise_is_averaged_away() -> None:
    rng = np.random.default_rng(1)
    off = [
        local_line(BOTH_SIDES, 5 * BOTH_SIDES + rng.normal(0, 3, 49), kernel(BOTH_SIDES), 2.0)[0]
        for _ in range(200)
    ]
    assert np.std(off) < 1.0
    assert abs(np.mean(off)) < 0.25


def test_a_third_of_outliers_is_ignored() -> None:
    """For a moment, again and again, the warming-up substitutes move most."""
    rng = np.random.default_rng(2)
    values = 20 + 5 * BOTH_SIDES + rng.normal(0, 1, 49)
    values[rng.permutation(49)[:16]] = -60
    fitted, _ = local_line(BOTH_SIDES, values, kernel(BOTH_SIDES), 2.0)
    assert fitted == pytest.approx(20, abs=1.0)


@given(
    st.lists(st.tuples(st.floats(-3, 3), st.floats(-180, 180), st.floats(1e-6, 1)), min_size=1, max_size=60)
)
def test_any_samples_give_numbers(samples: list[tuple[float, float, float]]) -> None:
    table = np.array(samples)
    assert np.all(np.isfinite(local_line(table[:, 0], table[:, 1], table[:, 2], 2.0)))
