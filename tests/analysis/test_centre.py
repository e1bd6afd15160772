"""The middle of scattered points is where most of them are."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from touchline.analysis.centre import densest, quantiles


def points(*pairs: tuple[float, float]) -> np.ndarray[Any, Any]:
    return np.array(pairs, dtype=np.float64)


def test_the_mode_ignores_a_far_heavy_point() -> None:
    crowd = points((0, 0), (2, 0), (-2, 0), (0, 1), (60, 0))
    mode = densest(crowd, np.array([1.0, 1, 1, 1, 2.5]), 7.0)
    assert mode == pytest.approx([0, 0.25], abs=0.05)


def test_weights_decide_between_two_places() -> None:
    two = points((-30, -5), (30, -9))
    assert densest(two, np.array([1.0, 1.1]), 7.0) == pytest.approx([30, -9], abs=1e-3)
    assert densest(two, np.array([1.1, 1.0]), 7.0) == pytest.approx([-30, -5], abs=1e-3)


@given(
    st.lists(st.tuples(st.floats(-90, 90), st.floats(-40, 10), st.floats(1e-3, 10)), min_size=1, max_size=30)
)
def test_the_mode_lies_among_the_points(triples: list[tuple[float, float, float]]) -> None:
    table = np.array(triples)
    mode = densest(table[:, :2], table[:, 2], 7.0)
    assert np.all(mode >= table[:, :2].min(axis=0) - 1e-9)
    assert np.all(mode <= table[:, :2].max(axis=0) + 1e-9)


def test_quantiles_follow_the_weights() -> None:
    values = np.arange(101.0)
    assert quantiles(values, np.ones(101), (0.15, 0.5, 0.85)) == pytest.approx([14.65, 50, 85.35])
    heavy = np.where(values < 50, 1e-9, 1.0)
    assert quantiles(values, heavy, (0.5,))[0] == pytest.approx(75, abs=0.5)
    assert quantiles(np.array([7.0]), np.array([3.0]), (0.15, 0.85)) == pytest.approx([7, 7])
