"""Frame numbers: what is burned in is read back, through cameras, panoramas, views, scaling and noise."""

from __future__ import annotations

import math

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from touchline.geometry import Camera, View, angles_to_rays, fit_panorama
from touchline.gst.nv12 import Nv12
from touchline.synth import (
    CodePatch,
    SyntheticMatch,
    burn_flat,
    default_rig,
    flat_cells,
    read_code,
    read_flat,
)
from touchline.synth.codes import CELLS, COLUMNS, LIGHT, ROWS, encode, place_patches

SIZES = [pytest.param((1280, 720), marks=pytest.mark.slow), (640, 360)]


@pytest.fixture(scope="module", params=SIZES, ids=lambda s: f"{s[0]}x{s[1]}")
def match(request: pytest.FixtureRequest) -> SyntheticMatch:
    return SyntheticMatch(2, request.param, codes=True)


def in_camera(camera: Camera, patch: CodePatch) -> np.ndarray:
    pixels, seen = camera.project(angles_to_rays(*patch.cell_angles()))
    assert seen.all()
    return pixels


@pytest.mark.parametrize("number", [0, 1, 3001])
def test_both_cameras_show_the_number(match: SyntheticMatch, number: int) -> None:
    left, right = Nv12.empty(*match.size), Nv12.empty(*match.size)
    match.draw(number, left, right)
    for picture, camera, patch in zip((left, right), match.rig.cameras, match.code_patches, strict=True):
        assert read_code(picture.y, in_camera(camera, patch)) == number


def test_the_fitted_panorama_keeps_both(match: SyntheticMatch) -> None:
    panorama = fit_panorama(match.rig)
    for view in (panorama, panorama.scaled(panorama.width // 2, panorama.height // 2)):
        if view.width < 900:
            continue
        picture = match.panorama(1234, view)
        for patch in match.code_patches:
            cells = np.stack(view.angles_to_pixels(*patch.cell_angles()), axis=-1)
            assert read_code(picture.y, cells) == 1234


def test_a_virtual_camera_shows_it(match: SyntheticMatch) -> None:
    for patch in match.code_patches:
        view = View(patch.yaw_deg * 0.9, -4.0, 60.0)
        picture = match.view(4321, view, 640, 360)
        cells = view.pixels_of(*patch.cell_angles(), 640, 360)
        assert read_code(picture.y, cells) == 4321


def test_each_camera_has_its_own_patch(match: SyntheticMatch) -> None:
    """The left patch is out of the right camera's sight and the other way round: neither can vouch for the other."""
    for camera, patch in zip(match.rig.cameras[::-1], match.code_patches, strict=True):
        assert not camera.project(patch.outline())[1].any()


def test_patches_keep_clear_of_the_edge_of_the_panorama() -> None:
    for seed in range(3):
        rig = default_rig(seed)
        panorama = fit_panorama(rig)
        for patch in place_patches(rig):
            x, y = panorama.angles_to_pixels(*patch.cell_angles())
            assert x.min() > 20
            assert x.max() < panorama.width - 20
            assert y.min() > 10
            assert y.max() < panorama.height - 10


def test_without_codes_there_is_nothing_to_read() -> None:
    match = SyntheticMatch(2, (640, 360))
    left, right = Nv12.empty(640, 360), Nv12.empty(640, 360)
    match.draw(5, left, right)
    assert read_code(left.y, in_camera(match.rig.left, match.code_patches[0])) is None


@given(
    number=st.integers(0, 2**24 - 1), size=st.sampled_from([(320, 180), (640, 360), (1792, 480), (1280, 720)])
)
@settings(deadline=None, max_examples=60)
def test_any_number_goes_onto_any_plain_picture(number: int, size: tuple[int, int]) -> None:
    picture = Nv12.empty(*size)
    picture.fill(90, 110, 140)
    burn_flat(picture, number)
    assert read_flat(picture.y) == number


def test_numbers_begin_again_and_are_never_negative() -> None:
    picture = Nv12.empty(320, 180)
    burn_flat(picture, 2**24 + 5)
    assert read_flat(picture.y) == 5
    with pytest.raises(ValueError, match="negative"):
        burn_flat(picture, -1)


@pytest.mark.parametrize("scale", [0.5, 0.75, 1.6])
def test_a_flat_code_outlives_scaling_blur_and_noise(scale: float) -> None:
    picture = Nv12.empty(640, 360)
    rng = np.random.default_rng(1)
    picture.y[:] = rng.integers(16, 235, picture.y.shape)
    burn_flat(picture, 70007)
    y = cv2.resize(picture.y, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    y = cv2.GaussianBlur(y, (0, 0), 0.8).astype(np.float64) * 0.8 + 20
    y = np.clip(y + rng.normal(0, 8, y.shape), 0, 255).astype(np.uint8)
    assert read_flat(y) == 70007


def test_only_the_code_is_painted() -> None:
    picture = Nv12.empty(640, 360)
    picture.fill(100, 90, 160)
    burn_flat(picture, 1)
    cells = flat_cells(640, 360)
    assert (picture.y[:, int(cells[:, 0].max()) + 30 :] == 100).all()
    assert (picture.y[int(cells[:, 1].max()) + 30 :] == 100).all()
    assert (picture.uv[60:] == (90, 160)).all()
    assert (picture.y == LIGHT).any()


@given(number=st.integers(0, 2**24 - 1), flips=st.sets(st.integers(0, CELLS - 1), min_size=1, max_size=4))
@settings(deadline=None, max_examples=150)
def test_a_code_with_wrong_cells_is_refused(number: int, flips: set[int]) -> None:
    """Up to four wrong cells never pass for another number: the ring sees them, or the check bits do."""
    field = encode(number)[:CELLS].copy()
    for cell in flips:
        field[cell] = not field[cell]
    y = np.where(field.reshape(ROWS, COLUMNS), 220, 20).astype(np.uint8).repeat(8, axis=0).repeat(8, axis=1)
    column, row = np.meshgrid(np.arange(COLUMNS), np.arange(ROWS))
    cells = np.stack([column * 8 + 3.5, row * 8 + 3.5], axis=-1).reshape(-1, 2)
    assert read_code(y, cells) is None


@given(seed=st.integers(0, 10_000), coarse=st.integers(1, 12))
@settings(deadline=None, max_examples=100)
def test_noise_is_no_number(seed: int, coarse: int) -> None:
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 256, (180 // coarse + 1, 320 // coarse + 1)).astype(np.uint8)
    y = y.repeat(coarse, axis=0)[:180].repeat(coarse, axis=1)[:, :320]
    assert read_flat(y) is None


@pytest.mark.parametrize("level", [16, 128, 235])
def test_a_plain_picture_is_no_number(level: int) -> None:
    assert read_flat(np.full((180, 320), level, dtype=np.uint8)) is None


def test_what_is_cut_off_is_not_read() -> None:
    picture = Nv12.empty(640, 360)
    burn_flat(picture, 9)
    cells = flat_cells(640, 360)
    assert read_code(picture.y, cells) == 9
    assert read_code(picture.y, cells - (40, 0)) is None
    assert read_code(picture.y[:, :150], cells) is None
    gone = cells.copy()
    gone[3] = math.nan
    assert read_code(picture.y, gone) is None
