"""The path through the costs against every path that there is."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from touchline.panorama.seam_path import FORBIDDEN, cheapest_path, cost_along, drifted

COSTS = arrays.arrays(
    np.float64,
    st.tuples(st.integers(1, 5), st.integers(1, 5)),
    elements=st.integers(0, 20).map(float),
)


@settings(deadline=None, max_examples=60)
@given(COSTS, st.integers(1, 2), st.sampled_from([0.0, 1.0, 3.5]))
def test_no_path_is_cheaper(cost, reach, slant):
    rows, columns = cost.shape
    found = cheapest_path(cost, reach, slant)
    assert np.all(np.abs(np.diff(found)) <= reach)
    prices = [
        cost_along(cost, np.array(path), slant)
        for path in itertools.product(range(columns), repeat=rows)
        if all(abs(a - b) <= reach for a, b in itertools.pairwise(path))
    ]
    assert cost_along(cost, found, slant) == pytest.approx(min(prices))


def test_it_goes_round_what_is_dear_and_through_the_gap():
    cost = np.ones((9, 30))
    cost[3, :] = 50.0
    cost[3, 22] = 0.0
    cost[6, 10:] = FORBIDDEN
    path = cheapest_path(cost, 6, 0.1)
    assert path[3] == 22
    assert path[6] < 10


def test_a_slant_has_its_price():
    cost = np.zeros((2, 11))
    cost[0, 1:] = cost[1, :10] = 5.0
    assert list(cheapest_path(cost, 10, 0.1)) == [0, 10]
    assert list(cheapest_path(cost, 10, 1.0)) in ([0, 0], [10, 10])


@settings(deadline=None)
@given(
    arrays.arrays(np.float64, 12, elements=st.floats(0, 100)),
    arrays.arrays(np.float64, 12, elements=st.floats(0, 100)),
    st.floats(0, 30),
)
def test_drifting_keeps_to_its_speed_goes_the_right_way_and_bends_no_more(path, target, most):
    made = drifted(path, target, most)
    assert np.all(np.abs(made - path) <= most + 1e-9)
    assert np.all(np.abs(target - made) <= np.abs(target - path) + 1e-9)
    bend = max(np.abs(np.diff(path)).max(), np.abs(np.diff(target)).max())
    assert np.abs(np.diff(made)).max() <= bend + 1e-9
