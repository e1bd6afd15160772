"""What a detector is shown of held frames: the panorama itself, or the means of its cells, where it says."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpu import noise
from touchline.engine.overlook import PairOverlook, overlook_factor, reduce_picture, seen_panorama
from touchline.geometry import Panorama, fit_panorama
from touchline.gst.caps import VideoCaps
from touchline.gst.mapping import write_nv12
from touchline.gst.nv12 import Nv12
from touchline.gst.pools import FramePool
from touchline.panorama.pair import LightLog, PairKeeper, PairLayout
from touchline.panorama.stitch import CpuStitcher
from touchline.panorama.workers import Workers
from touchline.synth import SyntheticMatch

SPAN = (-1.2, 1.2, -0.5, 0.2)
PROJECTIONS = ("equirectangular", "cylindrical", "pitch")


@pytest.mark.parametrize(("width", "factor"), [(640, 1), (2200, 1), (2202, 2), (4400, 2), (5700, 3)])
def test_wide_panoramas_are_reduced_by_whole_numbers(width, factor):
    panorama = Panorama("equirectangular", width, 400, *SPAN)
    assert overlook_factor(panorama) == factor
    assert seen_panorama(panorama, factor).width <= 2200


@given(
    st.sampled_from(PROJECTIONS),
    st.integers(4, 60).map(lambda n: 2 * n),
    st.integers(4, 60).map(lambda n: 2 * n),
    st.integers(1, 4),
)
def test_a_cell_lies_where_the_middle_of_its_pixels_is(projection, width, height, factor):
    panorama = Panorama(projection, width, height, *SPAN)
    if min(width, height) < 2 * factor:
        return
    seen = seen_panorama(panorama, factor)
    for x, y in ((0, 0), (seen.width - 1, seen.height - 1), (seen.width // 2, 1)):
        full = (x + 0.5) * factor - 0.5, (y + 0.5) * factor - 0.5
        assert np.allclose(seen.pixels_to_angles(x, y), panorama.pixels_to_angles(*full), atol=1e-9)


@pytest.mark.parametrize("size", [(64, 36), (70, 46), (66, 38)])
@pytest.mark.parametrize("factor", [1, 2, 3])
def test_cells_are_the_means_of_their_samples(size, factor):
    picture = noise(*size, 3)
    seen = seen_panorama(Panorama("equirectangular", *size, *SPAN), factor)
    out = Nv12.empty(seen.width, seen.height)
    reduce_picture(picture, factor, out)
    for plane, made in (
        (picture.y, out.y),
        (picture.uv[..., 0], out.uv[..., 0]),
        (picture.uv[..., 1], out.uv[..., 1]),
    ):
        rows, columns = made.shape
        cells = (
            plane[: rows * factor, : columns * factor].reshape(rows, factor, columns, factor).astype(float)
        )
        assert np.abs(made - cells.mean(axis=(1, 3))).max() <= 0.51


def test_another_size_is_refused():
    with pytest.raises(ValueError, match="must be 32x18"):
        reduce_picture(noise(64, 36, 1), 2, Nv12.empty(30, 18))


@pytest.mark.parametrize("projection", PROJECTIONS)
def test_the_whole_is_a_part_of_itself(projection):
    panorama = Panorama(projection, 64, 36, *SPAN)
    assert panorama.cropped(64, 36) == panorama
    part = panorama.cropped(32, 36)
    assert math.isclose(part.yaw_max, float(panorama.pixels_to_angles(31.5, 0)[0]))
    with pytest.raises(ValueError, match="no part of"):
        panorama.cropped(66, 36)


def test_a_pair_is_shown_as_its_panorama_would_be():
    size, workers, log = (640, 360), Workers(1), LightLog()
    match = SyntheticMatch(5, size)
    rig, panorama = match.rig, fit_panorama(match.rig)
    left, right = Nv12.empty(*size), Nv12.empty(*size)
    match.draw(3, left, right)
    pool = FramePool(VideoCaps(*PairLayout.of(rig).size, Fraction(30)), 1, "pairs")
    pool.start()
    frame = pool.acquire()
    frame.pts = 100_000_000
    with write_nv12(frame, pool.layout) as pair:
        PairKeeper(rig, panorama, log).keep(left, right, pair, 0.1)
    stitched = Nv12.empty(panorama.width, panorama.height)
    CpuStitcher(rig, panorama, workers).stitch(left, right, stitched, 0.1)
    for factor in (1, 2, 3):
        seen = seen_panorama(panorama, factor)
        wanted = Nv12.empty(seen.width, seen.height)
        reduce_picture(stitched, factor, wanted)
        with PairOverlook(pool.layout, rig, panorama, factor, log, workers).look(frame) as made:
            for one, other in ((made.y, wanted.y), (made.uv[..., 0], wanted.uv[..., 0])):
                apart = one.astype(float) - other
                assert abs(apart.mean()) < 0.3
                assert np.sqrt(np.mean(apart**2)) < 2.5
                # Half a pixel off, to either side, and it would be another picture.
                for axis in (0, 1):
                    moved = np.roll(other, 1, axis).astype(float)
                    assert np.mean(apart**2) < 0.5 * np.mean((one - (moved + other) / 2) ** 2)
    pool.stop()
    workers.close()
