"""The measure of a visible seam: nothing for none, and the more the plainer the seam."""

from __future__ import annotations

import numpy as np
import pytest
from benchmarks.seam_measure import seam_of
from scipy import ndimage

PER_DEGREE = 12.0
OVERLAP = np.zeros((256, 600), bool)
OVERLAP[:, 220:380] = True


@pytest.fixture(scope="module")
def truth() -> np.ndarray:
    rng = np.random.default_rng(1)
    blobs = ndimage.gaussian_filter(rng.normal(0, 1, OVERLAP.shape), 4)
    return np.rint(np.clip(120 + 400 * blobs, 20, 230)).astype(np.uint8)


def filmed(truth: np.ndarray, shift: float = 0.0, step: float = 0.0, width: int = 1) -> np.ndarray:
    """The scene under a gain with noise; right of its middle moved down and brighter."""
    rng = np.random.default_rng(2)
    right = ndimage.shift(truth.astype(float), (shift, 0), order=1, mode="nearest") + step
    share = np.clip((np.arange(600) - 300) / width + 0.5, 0, 1)
    made = truth * (1 - share) + right * share
    return np.rint(np.clip(0.95 * made + 4 + rng.normal(0, 1.5, made.shape), 0, 255)).astype(np.uint8)


def test_no_seam_is_nothing(truth):
    found = seam_of(filmed(truth), [truth], OVERLAP, PER_DEGREE)
    assert abs(found.edges) < 0.02
    assert abs(found.step) < 0.3


def test_a_step_in_brightness_shows_as_one(truth):
    found = [seam_of(filmed(truth, step=step), [truth], OVERLAP, PER_DEGREE) for step in (0.0, 2.0, 6.0)]
    assert found[0].step < found[1].step < found[2].step
    assert found[2].step == pytest.approx(0.95 * 6.0 * 0.68, abs=1.0), (
        "the Gaussian keeps 68 % within a degree"
    )


def test_a_gentle_step_shows_less(truth):
    sharp, gentle = (
        seam_of(filmed(truth, step=6.0, width=width), [truth], OVERLAP, PER_DEGREE) for width in (1, 140)
    )
    assert gentle.step < 0.5 * sharp.step
    assert gentle.edges < sharp.edges


def test_a_double_picture_shows_as_edges_and_a_clean_cut_less(truth):
    """Right of the seam all of it is lower: a fade over the whole overlap, and a cut in its middle."""
    for shift in (2.0, 4.0):
        lower = np.rint(ndimage.shift(truth.astype(float), (shift, 0), order=1, mode="nearest"))
        truths = [truth, lower.astype(np.uint8)]
        fade, cut = (
            seam_of(filmed(truth, shift=shift, width=width), truths, OVERLAP, PER_DEGREE)
            for width in (160, 1)
        )
        assert fade.edges > 0.08 * shift
        assert 0 < cut.edges < 0.6 * fade.edges


def test_one_gain_and_offset_of_all_of_it_are_no_seam(truth):
    made = np.rint(0.8 * truth + 20).astype(np.uint8)
    found = seam_of(made, [truth], OVERLAP, PER_DEGREE)
    assert abs(found.edges) < 0.02
    assert abs(found.step) < 0.2


def test_without_an_overlap_there_is_no_seam_to_measure(truth):
    with pytest.raises(ValueError, match="needs an overlap"):
        seam_of(truth, [truth], np.zeros_like(OVERLAP), PER_DEGREE)
