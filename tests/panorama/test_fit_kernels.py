"""The compiled least squares against NumPy's, with and without points that do not belong."""

from __future__ import annotations

import numpy as np
import pytest

from touchline.panorama.fit_kernels import robust_fit


def system(seed: int, noise: float) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Terms, what they make, weights, and the factors that they were made with."""
    rng = np.random.default_rng(seed)
    terms = np.column_stack([np.ones(600), rng.uniform(1, 9, 600), rng.uniform(0, 1, (600, 2))])
    factors = np.array([0.3, -0.02, 0.4, -0.2])
    weights = rng.uniform(0.3, 1.0, 600)
    return terms, terms @ factors + rng.normal(0, noise, 600) / weights, weights, factors


def test_with_all_points_it_is_numpys_ridge():
    terms, wanted, weights, _ = system(1, 0.01)
    priors = np.array([[0.0, 0.5, 0.0, 0.0], [0.0, 0.0, 2.0, -2.0]])
    near = np.ones(600, bool)
    found = robust_fit(terms, wanted, weights, priors, near, 10)
    rows = np.concatenate([terms[near] * weights[near, None], priors])
    right = np.concatenate([wanted[near] * weights[near], np.zeros(2)])
    assert near.sum() > 580, "three deviations hold nearly all"
    assert found == pytest.approx(np.linalg.lstsq(rows, right)[0], abs=3e-3)


def test_points_that_do_not_belong_are_left_out():
    terms, wanted, weights, factors = system(2, 0.003)
    rng = np.random.default_rng(3)
    wrong = rng.choice(600, 90, replace=False)
    wanted[wrong] += rng.uniform(0.2, 0.4, 90)
    near = np.ones(600, bool)
    found = robust_fit(terms, wanted, weights, np.zeros((0, 4)), near, 10)
    assert not near[wrong].any()
    assert found == pytest.approx(factors, abs=0.01)


def test_with_too_few_left_it_ends_with_what_it_has():
    terms, wanted, weights, _ = system(4, 0.01)
    near = np.ones(600, bool)
    found = robust_fit(terms, wanted, weights, np.zeros((0, 4)), near, 601)
    assert near.all()
    assert np.isfinite(found).all()
