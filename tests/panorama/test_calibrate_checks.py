"""What is refused as too uncertain, and what is told to do about it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from pitch_lines import SIZES, seen_points, true_stand

from touchline.errors import CalibrationError
from touchline.panorama.calibrate_adjust import Strokes, adjust
from touchline.panorama.calibrate_certainty import Certainty, certainty
from touchline.panorama.calibrate_checks import check_certain
from touchline.panorama.lenses import AUTO

GOOD = Certainty((0.1, 0.1), 0.05, (0.01, 0.01), (0.01, 0.01), 0.05, 0.1)


def test_a_good_rig_passes():
    check_certain(GOOD, (100.0, 100.0), 1.0, 300)


def test_pictures_that_may_miss_each_other():
    with pytest.raises(
        CalibrationError, match=r"too uncertain: .*by 3\.5 pixels.*overlap more.*--lens"
    ) as caught:
        check_certain(replace(GOOD, overlap_p95_px=3.5), (100.0, 100.0), 1.0, 40)
    assert caught.value.matches == 40
    check_certain(
        replace(GOOD, overlap_p95_px=3.5), (100.0, 100.0), 3.0, 40
    )  # of pictures three times as large


@pytest.mark.parametrize(("side", "sigmas"), [("left", (9.0, 1.0)), ("right", (1.0, 9.0))])
def test_a_field_of_view_that_is_a_guess(side, sigmas):
    with pytest.raises(
        CalibrationError, match=rf"too uncertain: the {side} camera's field of view is 100 ± 9 deg"
    ):
        check_certain(replace(GOOD, fov_deg=sigmas), (100.0, 100.0), 1.0, 40)


def test_a_handful_of_points_without_lines_is_too_uncertain():
    """The whole way from points to the refusal: eight points in the overlap leave the lenses open."""
    rng = np.random.default_rng(2)
    true = true_stand()
    few = adjust(true, seen_points(true, 8, 1.5, rng), Strokes.none(), SIZES, AUTO)
    with pytest.raises(CalibrationError, match="too uncertain"):
        check_certain(certainty(few, SIZES), (100.0, 100.0), 1.0, 8)
    many = adjust(true, seen_points(true, 200, 0.2, rng), Strokes.none(), SIZES, AUTO)
    check_certain(certainty(many, SIZES), (100.0, 100.0), 1.0, 200)
