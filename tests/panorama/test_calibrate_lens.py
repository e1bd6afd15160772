"""Lenses that are known already in the search for a rig."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from pitch_lines import SIZES, seen_points, seen_strokes, true_stand

from alignment import misalignment
from touchline.errors import RigError
from touchline.geometry import Camera, Distortion
from touchline.gst.nv12 import Nv12
from touchline.panorama.calibrate import calibrate
from touchline.panorama.calibrate_adjust import Stand, adjust, moved
from touchline.panorama.calibrate_certainty import certainty
from touchline.panorama.calibrate_lens import NUMBERS, Lens, MeasuredLens
from touchline.panorama.calibrate_solve import solve
from touchline.panorama.lenses import AUTO
from touchline.synth.match import SyntheticMatch
from touchline.synth.rig import default_rig


def bgr(picture: Nv12) -> np.ndarray:
    return cv2.cvtColorTwoPlane(picture.y, picture.uv, cv2.COLOR_YUV2BGR_NV12)


def filmed(match: SyntheticMatch, indices: tuple[int, ...]) -> list[tuple[np.ndarray, np.ndarray]]:
    pairs = []
    for index in indices:
        left, right = Nv12.empty(*match.size), Nv12.empty(*match.size)
        match.draw(index, left, right)
        pairs.append((bgr(left), bgr(right)))
    return pairs


FISHEYE = Camera(
    1280, 720, 702.0, 705.0, 644.0, 355.0, Distortion("fisheye", (-0.02, 0.004, -0.001, 0.0002)), 20.0
)
BROWN = Camera(
    1280, 720, 690.0, 693.0, 637.0, 362.0, Distortion("brown", (-0.2, 0.04, 8e-4, -1e-3, -3e-3)), 20.0
)


@pytest.mark.parametrize("camera", [FISHEYE, BROWN])
def test_a_measured_lens_is_the_cameras(camera):
    """With all its terms and pixels that are not square, wherever the camera looked."""
    lens = MeasuredLens.of_camera(camera)
    pixels = np.random.default_rng(0).uniform((0, 0), (1279, 719), (300, 2))
    rays = lens.rays(pixels)
    assert np.allclose(camera.unproject(pixels) @ camera.rotation.T, rays, atol=1e-9)
    assert np.allclose(lens.pixels(rays), pixels, atol=1e-4)
    back = lens.camera((1280, 720), camera.rotation)
    assert np.allclose(back.unproject(pixels), camera.unproject(pixels), atol=1e-9)
    half = lens.shrunk(2)
    assert np.allclose(half.rays((pixels + 0.5) / 2 - 0.5), rays, atol=1e-9)
    assert lens.moved(np.ones(NUMBERS), (1280, 720)) == lens


def test_a_measured_lens_grows_on_beyond_what_it_sees():
    """A solver that looks there must get finite places, further out for larger angles."""
    lens = MeasuredLens.of_camera(BROWN)
    angles = np.linspace(0.1, 3.0, 100)
    rays = np.column_stack([np.sin(angles), np.zeros(100), np.cos(angles)])
    assert (np.diff(lens.pixels(rays)[:, 0]) > 0).all()


def known(lens: Lens) -> MeasuredLens:
    return MeasuredLens.of_camera(lens.camera((1280, 720)))


def between_deg(one: np.ndarray, two: np.ndarray) -> float:
    return float(np.degrees(np.arccos(np.clip((np.trace(one @ two.T) - 1) / 2, -1, 1))))


def test_points_find_the_rotation_between_known_lenses():
    """Of two models; their numbers stay, and a few points are enough."""
    rng = np.random.default_rng(4)
    brown, fisheye = true_stand("brown"), true_stand("fisheye")
    true = Stand((brown.lenses[0], fisheye.lenses[1]), brown.turns)
    lenses = known(true.lenses[0]), known(true.lenses[1])
    found = solve(seen_points(true, 60, 0.2, rng), SIZES, "brown", AUTO, lenses)
    assert (found.left, found.right) == lenses
    assert between_deg(found.rotation, true.between) < 0.03
    assert found.inliers.mean() > 0.95


def test_one_known_lens_makes_the_other_certain():
    rng = np.random.default_rng(5)
    true = true_stand()
    found = solve(seen_points(true, 150, 0.2, rng), SIZES, "brown", AUTO, (known(true.lenses[0]), None))
    assert found.left == known(true.lenses[0])
    assert not found.right.fixed
    assert between_deg(found.rotation, true.between) < 0.1
    assert found.right.focal == pytest.approx(true.lenses[1].focal, rel=0.005)


def test_the_adjustment_leaves_a_known_lens_alone():
    """It says that it is certain of it, and more certain of everything else."""
    rng = np.random.default_rng(6)
    true = true_stand()
    told = Stand((known(true.lenses[0]), true.lenses[1]), true.turns, true.heading)
    start = moved(
        told, np.r_[rng.normal(0, 0.005, 6), np.zeros(2), np.zeros(NUMBERS), np.full(NUMBERS, 1e-3)], SIZES
    )
    points, lines = seen_points(true, 100, 0.2, rng), seen_strokes(true, 0.1, rng)
    # Twice: the first one's start is too far off to tell how much noise there is.
    found = adjust(adjust(start, points, lines, SIZES, AUTO).stand, points, lines, SIZES, AUTO)
    assert found.stand.lenses[0] == told.lenses[0]
    assert found.stand.lenses[1].focal == pytest.approx(true.lenses[1].focal, rel=0.003)
    with_it, without = certainty(found, SIZES), certainty(adjust(true, points, lines, SIZES, AUTO), SIZES)
    assert with_it.fov_deg[0] == pytest.approx(0, abs=1e-9)
    assert 0 < with_it.fov_deg[1] < without.fov_deg[1]
    assert with_it.pitch_deg[0] < without.pitch_deg[0]


def test_a_lens_of_other_pictures_is_refused():
    grey = np.random.default_rng(0).integers(0, 255, (480, 640)).astype(np.uint8)
    with pytest.raises(RigError, match="the right camera's lens belongs to other pictures"):
        calibrate([(grey, grey)], lenses=(None, FISHEYE))


@pytest.mark.slow
def test_a_match_with_known_lenses():
    """The true lenses, measured at twice the size: the rest follows to a hundredth of a degree."""
    match = SyntheticMatch(4)
    large = default_rig(4, (2560, 1440))
    result = calibrate(filmed(match, (0, 90)), lenses=(large.left, large.right))
    assert result.measured == (True, True)
    assert np.median(misalignment(result.rig, match.rig)) < 0.1
    for found, true in zip(result.rig.cameras, match.rig.cameras, strict=True):
        assert found.fx == pytest.approx(true.fx, rel=1e-9)
        assert found.distortion == true.distortion
        assert found.pitch_deg == pytest.approx(true.pitch_deg, abs=0.02)
        assert found.roll_deg == pytest.approx(true.roll_deg, abs=0.02)
    assert any("as its lens was measured" in value for _, value in result.facts())
