"""The GPU's small panorama: the same numbers as the processor's, whose kernel it stands in for."""

from __future__ import annotations

import numpy as np
import pytest
from cuda_on_host import host_reduce
from nv12_reference import noise, reduced

from touchline.panorama.reduce import reduce_luma


@pytest.mark.parametrize("factor", [1, 2, 3, 7, 8, 14, 16])
def test_means_are_those_of_the_processor(tmp_path, factor):
    luma = noise(262, 98, factor, 2).y
    wanted = np.empty((98 // factor, 262 // factor), np.uint8)
    reduce_luma(luma, factor, wanted)
    made = host_reduce(tmp_path, luma, factor)
    assert np.array_equal(made, wanted)
    assert np.abs(made - reduced(luma, factor)).max() <= 0.5
