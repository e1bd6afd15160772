"""The spline: smooth, and held by what holds its control points."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.interpolate import BSpline

from touchline.director.splines import AT_KNOT, DEGREE, along

controls = st.lists(st.tuples(*[st.floats(-90, 90)] * 3), min_size=5, max_size=20).map(np.array)


@settings(max_examples=50, deadline=None)
@given(points=controls)
def test_it_is_the_b_spline_of_the_literature(points: np.ndarray) -> None:
    where = np.linspace(0, len(points) - DEGREE, 101)[:-1]
    knots = np.arange(-DEGREE, len(points) + 1)
    np.testing.assert_allclose(along(points, where), BSpline(knots, points, DEGREE)(where), atol=1e-9)
    at_knots = np.array([AT_KNOT @ points[k : k + 3] for k in range(len(points) - DEGREE)])
    np.testing.assert_allclose(along(points, np.arange(len(points) - DEGREE) * 1.0), at_knots, atol=1e-9)


@settings(max_examples=50, deadline=None)
@given(points=controls)
def test_differences_of_the_control_points_bound_speed_and_acceleration(points: np.ndarray) -> None:
    step = 1e-3
    path = along(points, np.arange(0, len(points) - DEGREE, step))
    for order in (1, 2):
        most = np.abs(np.diff(points, n=order, axis=0)).max(axis=0)
        assert (np.abs(np.diff(path, n=order, axis=0)) / step**order <= most + 1e-5).all()
    assert (path <= points.max(axis=0) + 1e-9).all()
    assert (path >= points.min(axis=0) - 1e-9).all()
