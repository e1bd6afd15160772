"""Box means of a luma plane against NumPy."""

from __future__ import annotations

import numpy as np
import pytest

from touchline.panorama.reduce import reduce_luma


@pytest.mark.parametrize("factor", [1, 3, 8, 16])
@pytest.mark.parametrize("pad", [0, 5])
def test_means(factor, pad):
    plane = np.random.default_rng(factor).integers(0, 256, (75, 130 + pad), dtype=np.uint8)[:, :130]
    plane.flags.writeable = False
    rows, columns = 75 // factor, 130 // factor
    out = np.zeros((rows, columns), np.uint8)
    reduce_luma(plane, factor, out)
    cells = plane[: rows * factor, : columns * factor].astype(float).reshape(rows, factor, columns, factor)
    assert np.abs(out - cells.mean((1, 3))).max() <= 0.5


def test_the_brightest_does_not_overflow():
    out = np.zeros((2, 2), np.uint8)
    reduce_luma(np.full((32, 32), 255, np.uint8), 16, out)
    assert (out == 255).all()


def test_misuse_is_refused():
    plane = np.zeros((32, 32), np.uint8)
    with pytest.raises(ValueError, match="1 to 16"):
        reduce_luma(plane, 17, np.zeros((1, 1), np.uint8))
    with pytest.raises(ValueError, match="shape"):
        reduce_luma(plane, 8, np.zeros((4, 5), np.uint8))
    with pytest.raises(ValueError, match="next to each other"):
        reduce_luma(plane[:, ::2], 4, np.zeros((8, 4), np.uint8))
