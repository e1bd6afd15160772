"""Lens presets."""

from __future__ import annotations

import math

import numpy as np
import pytest

from touchline.errors import ConfigurationError
from touchline.panorama.calibrate_lens import Lens
from touchline.panorama.lenses import AUTO, PRESETS, lens_preset


@pytest.mark.parametrize("preset", PRESETS[1:], ids=lambda preset: preset.name)
def test_the_likely_lens_sees_the_typical_field(preset):
    means, sigmas = preset.likely(preset.model)
    lens = Lens.of_numbers(preset.model, means, (1920, 1080))
    edges = lens.rays(np.array([[-0.5, 539.5], [1919.5, 539.5]]))
    assert math.degrees(math.acos(float(edges[0] @ edges[1]))) == pytest.approx(preset.fov_deg, abs=0.1)
    assert np.isfinite(sigmas).all()
    assert 0.03 < sigmas[0] < 0.25, "a few per cent"


def test_auto_knows_no_focal_length():
    assert AUTO.focal is None
    assert AUTO.models == ("brown", "fisheye")
    for model in AUTO.models:
        means, sigmas = AUTO.likely(model)
        assert not np.isfinite(sigmas[0])
        assert (sigmas[1:] > 0).all()
        assert not means.any()


def test_names():
    assert lens_preset("phone").name == "phone"
    assert len({preset.name for preset in PRESETS}) == len(PRESETS)
    with pytest.raises(ConfigurationError, match=r"--lens gopro: .*action-wide"):
        lens_preset("gopro")
