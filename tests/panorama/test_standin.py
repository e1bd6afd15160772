"""What is shown in place of a lost camera: its last picture with a quarter of its light, behind the same seam."""

from __future__ import annotations

import numpy as np
import pytest
from test_gain import PANORAMA, RIG, scene

from touchline.gst.nv12 import Nv12
from touchline.panorama.gain import Difference, Gain
from touchline.panorama.standin import StandIn, black, dimmed
from touchline.panorama.stitch import CpuStitcher
from touchline.panorama.warp import plan_stitch
from touchline.panorama.workers import Workers


def test_a_dimmed_picture_has_a_quarter_of_its_light_and_colour() -> None:
    rng = np.random.default_rng(1)
    padded = rng.integers(0, 256, (90, 140), dtype=np.uint8)
    picture = Nv12(padded[:60, :100], rng.integers(0, 256, (30, 50, 2), dtype=np.uint8))
    made = dimmed(picture)
    assert np.abs(made.y - (16 + (picture.y.astype(float) - 16) / 4)).max() <= 0.5
    assert np.abs(made.uv - (128 + (picture.uv.astype(float) - 128) / 4)).max() <= 0.5
    assert isinstance(made, StandIn)
    before = made.y.copy()
    padded[:] = 0
    assert (made.y == before).all(), "it is a copy"


def test_black_is_black() -> None:
    picture = black(64, 36)
    assert (picture.width, picture.height) == (64, 36)
    assert (picture.y == 16).all()
    assert (picture.uv == 128).all()


@pytest.mark.parametrize("lost", [0, 1])
def test_a_lost_cameras_half_is_dark_and_the_other_one_stays_as_it_is(lost: int) -> None:
    """The correction of exposure too: it was made anew from the dark picture, and the live half went dark with it."""
    pictures = [scene(RIG.left, 1 / 1.1, seed=1), scene(RIG.right, 1.1, seed=2)]
    whole, half = (Nv12.empty(PANORAMA.width, PANORAMA.height) for _ in range(2))
    with Workers(2) as workers:
        gain = Gain(RIG, PANORAMA)
        stitcher = CpuStitcher(RIG, PANORAMA, workers, correction=gain)
        stitcher.stitch(*pictures, whole, 0.0)
        seen = gain.difference
        assert seen != Difference()
        shown = list(pictures)
        shown[lost] = dimmed(pictures[lost])
        for second in range(1, 20):
            stitcher.stitch(shown[0], shown[1], half, float(second))
        assert gain.difference == seen
        brighter = [pictures[0], scene(RIG.right, 1.3, seed=2)]
        stitcher.stitch(*brighter, whole_again := Nv12.empty(PANORAMA.width, PANORAMA.height), 20.0)
        assert gain.difference.log_gain > seen.log_gain + 0.1, "followed again, at once after so long"
    shares = plan_stitch(RIG, PANORAMA, 3.0).shares
    right = np.kron((shares[:-1, :-1] + shares[1:, 1:]) / 2, np.ones((16, 16)))[
        : PANORAMA.height, : PANORAMA.width
    ]
    share = right if lost else 1 - right
    only_live, only_lost = share == 0, share == 1
    assert only_live.mean() > 0.3
    assert only_lost.mean() > 0.3
    assert (half.y[only_live] == whole.y[only_live]).all()
    expected = 16 + (whole.y[only_lost].astype(float) - 16) / 4
    assert np.abs(half.y[only_lost] - expected).max() <= 2
    assert whole_again.y.mean() > half.y.mean()
