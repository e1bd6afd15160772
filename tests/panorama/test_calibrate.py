"""The rig from footage: the synthetic match, whose true rig is known, real footage, and what is refused."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from alignment import misalignment
from touchline.errors import CalibrationError
from touchline.geometry import Camera, Distortion, Rig, fit_panorama, rotation_from_angles
from touchline.gst.nv12 import Nv12
from touchline.panorama.calibrate import calibrate, level, overlap_deg
from touchline.panorama.calibrate_lens import Lens
from touchline.panorama.calibrate_matches import (
    Matches,
    features,
    held_out,
    match_near,
    match_pair,
    spread_over,
)
from touchline.panorama.calibrate_solve import solve
from touchline.panorama.compare import likeness
from touchline.panorama.lenses import AUTO
from touchline.panorama.preview import preview
from touchline.synth.match import SyntheticMatch

COURT = Path(__file__).parents[3] / "shared" / "data" / "court"


def bgr(picture: Nv12) -> np.ndarray:
    return cv2.cvtColorTwoPlane(picture.y, picture.uv, cv2.COLOR_YUV2BGR_NV12)


def filmed(match: SyntheticMatch, indices: tuple[int, ...]) -> list[tuple[np.ndarray, np.ndarray]]:
    pairs = []
    for index in indices:
        left, right = Nv12.empty(*match.size), Nv12.empty(*match.size)
        match.draw(index, left, right)
        pairs.append((bgr(left), bgr(right)))
    return pairs


@pytest.fixture(scope="module")
def match() -> SyntheticMatch:
    return SyntheticMatch(4)


@pytest.fixture(scope="module")
def pairs(match):
    return filmed(match, (0, 90))


@pytest.fixture(scope="module")
def result(pairs):
    return calibrate(pairs)


def test_synthetic_match(result, match):
    error = misalignment(result.rig, match.rig)
    assert np.median(error) < 0.2
    assert np.percentile(error, 95) < 0.5
    known = result.certain
    for k, (found, true) in enumerate(zip(result.rig.cameras, match.rig.cameras, strict=True)):
        assert found.horizontal_fov_deg == pytest.approx(true.horizontal_fov_deg, rel=0.005)
        assert found.pitch_deg == pytest.approx(true.pitch_deg, abs=0.1)
        assert found.roll_deg == pytest.approx(true.roll_deg, abs=0.1)
        assert abs(found.horizontal_fov_deg - true.horizontal_fov_deg) < 4 * known.fov_deg[k]
        assert abs(found.pitch_deg - true.pitch_deg) < 4 * known.pitch_deg[k]
    between = [rig.right.rotation @ rig.left.rotation.T for rig in (result.rig, match.rig)]
    assert np.degrees(np.linalg.norm(cv2.Rodrigues(between[0] @ between[1].T)[0])) < 0.1
    assert result.rig.left.yaw_deg == pytest.approx(-result.rig.right.yaw_deg, abs=0.01)
    assert result.inliers > 150
    assert result.lines > 40
    assert result.median_px < 0.5
    assert result.checked > 20
    assert result.checked_px < 0.5
    assert result.overlap_deg == pytest.approx(overlap_deg(match.rig), abs=0.3)
    assert result.likeness > 0.9
    assert result.rig.error_px == pytest.approx(result.median_px, abs=1e-3)
    assert result.advice() == []
    assert all("±" in value for name, value in result.facts() if "camera" in name)


@pytest.mark.slow
def test_the_same_footage_gives_the_same_rig(result, pairs):
    again = calibrate(pairs, models=("brown",))  # what the first search chose: it need not try the others
    assert again.rig.to_dict() == result.rig.to_dict()


def test_rig_file_keeps_everything(result, tmp_path):
    result.rig.save(tmp_path / "rig.json")
    assert Rig.load(tmp_path / "rig.json") == result.rig


@pytest.mark.slow
@pytest.mark.parametrize("lens", ["fisheye", "decentred"])
def test_other_lenses(lens):
    match = SyntheticMatch(6, lens=lens)
    found = calibrate(filmed(match, (0, 60)), models=("fisheye",) if lens == "fisheye" else ("brown",))
    error = misalignment(found.rig, match.rig)
    assert np.median(error) < 0.3
    assert np.percentile(error, 95) < 1.0
    for one, true in zip(found.rig.cameras, match.rig.cameras, strict=True):
        assert one.horizontal_fov_deg == pytest.approx(true.horizontal_fov_deg, rel=0.005)
        assert one.pitch_deg == pytest.approx(true.pitch_deg, abs=0.15)


def test_preview_shows_panorama_and_overlap(result, pairs):
    picture = preview(result.rig, *pairs[0], result.points, "two cameras", result.traced)
    assert picture.shape[1] == 1920
    assert picture.dtype == np.uint8
    assert picture[60:400].std() > 30, "the panorama is missing"
    dots = (np.abs(picture.astype(int) - (80, 255, 120)).max(axis=-1) < 10).sum()
    assert dots > result.inliers, "the matched points are missing"
    lines = (np.abs(picture.astype(int) - (90, 200, 255)).max(axis=-1) < 10).sum()
    assert lines > len(result.traced[0]), "the lines are missing"


def test_swapped_pictures(pairs):
    with pytest.raises(CalibrationError, match="swapped") as caught:
        calibrate([(right, left) for left, right in pairs[:1]], models=("brown",))
    assert caught.value.matches > 100


def test_the_same_picture_twice(pairs):
    with pytest.raises(CalibrationError, match="same way"):
        calibrate([(pairs[0][0], pairs[0][0])], models=("brown",))


def test_no_overlap(pairs):
    """The outer halves show the same kind of things (boards, stands, grass), but nothing twice."""
    left, right = pairs[0]
    with pytest.raises(CalibrationError, match=r"matching points|look alike") as caught:
        calibrate(
            [(np.ascontiguousarray(left[:, :640]), np.ascontiguousarray(right[:, 640:]))], models=("brown",)
        )
    assert 0 <= caught.value.matches < 100


def test_nothing_to_see():
    black = np.zeros((720, 1280, 3), np.uint8)
    with pytest.raises(CalibrationError, match="only 0 matching points"):
        calibrate([(black, black)])
    with pytest.raises(CalibrationError, match="empty"):
        calibrate([])


def test_blurred_pictures(pairs):
    blurred = [tuple(cv2.GaussianBlur(image, (0, 0), 14) for image in pair) for pair in pairs]
    with pytest.raises(CalibrationError, match=r"pictures are blurred; focus"):
        calibrate(blurred)


def test_a_camera_that_is_carried_about(pairs):
    left, right = pairs[0]
    moved = [(np.roll(left, 40 * k, axis=1), right) for k in range(4)]
    with pytest.raises(CalibrationError, match=r"the left camera does not stand still: .*fix both cameras"):
        calibrate(moved)


@pytest.mark.slow
def test_matches_in_one_corner(pairs):
    """What both see is hidden but for a patch at the top; the rest of the seam would be a guess."""
    hidden = [tuple(image.copy() for image in pair) for pair in pairs]
    for left, right in hidden:
        left[190:, 850:] = 90
        right[190:, :450] = 90
    with pytest.raises(
        CalibrationError, match=r"lie in one place.*turn the cameras|too uncertain|only \d+ matching"
    ):
        calibrate(hidden, models=("brown",))


def test_pictures_of_several_sizes(pairs):
    left, right = pairs[0]
    with pytest.raises(CalibrationError, match="one size"):
        calibrate([(left, right), (left[:700], right)])


def test_solver_finds_lenses_among_outliers():
    """Points of known cameras with noise, and as many that fit nothing."""
    rng = np.random.default_rng(1)
    lenses = (
        Lens("brown", 900.0, 643.0, 357.0, -0.2, 0.03),
        Lens("brown", 906.0, 637.0, 362.0, -0.205, 0.032),
    )
    between = rotation_from_angles(np.radians(58), np.radians(1), np.radians(-2))
    left = np.column_stack([rng.uniform(900, 1279, 3000), rng.uniform(0, 719, 3000)])
    right = lenses[1].pixels(lenses[0].rays(left) @ between.T)
    seen = (right[:, 0] > 0) & (right[:, 0] < 1279) & (right[:, 1] > 0) & (right[:, 1] < 719)
    left, right = left[seen][:250], right[seen][:250]
    assert len(left) == 250
    left, right = (p + rng.normal(0, 0.4, p.shape) for p in (left, right))
    wrong = rng.uniform((0, 0), (1279, 719), (2, 250, 2))
    matches = Matches(np.vstack([left, wrong[0]]), np.vstack([right, wrong[1]]))
    found = solve(matches, ((1280, 720), (1280, 720)), "brown", AUTO)
    assert found.inliers[:250].mean() > 0.97
    assert found.inliers[250:].mean() < 0.03
    assert found.left.focal == pytest.approx(900, rel=0.05)
    there = found.right.pixels(found.left.rays(left) @ found.rotation.T)
    assert np.median(np.linalg.norm(there - right, axis=1)) < 1.0


@pytest.mark.parametrize("model", ["brown", "fisheye"])
def test_solver_and_rig_mean_the_same_lens(model):
    lens = Lens(model, 700.0, 650.0, 350.0, -0.1 if model == "brown" else 0.02, 0.01)
    pixels = np.random.default_rng(0).uniform((0, 0), (1280, 720), (200, 2))
    rays = lens.rays(pixels)
    camera = lens.camera((1280, 720))
    assert np.allclose(camera.unproject(pixels), rays, atol=1e-6)
    assert np.allclose(lens.pixels(rays), pixels, atol=1e-3)
    assert np.allclose(camera.project(rays)[0], pixels, atol=1e-3)


def test_levelling_undoes_a_tilted_start():
    """A level rig, turned about as a whole, comes back."""
    straight = Rig(
        (
            Camera.from_fov(1280, 720, 90, Distortion(), yaw_deg=-35, pitch_deg=-12),
            Camera.from_fov(1280, 720, 90, Distortion(), yaw_deg=35, pitch_deg=-12),
        )
    )
    turn = rotation_from_angles(0.3, 0.2, -0.25)
    turned = Rig(tuple(camera.rotated(camera.rotation @ turn) for camera in straight.cameras))
    for found, true in zip(level(turned).cameras, straight.cameras, strict=True):
        assert found.yaw_deg == pytest.approx(true.yaw_deg, abs=0.3)
        assert found.pitch_deg == pytest.approx(true.pitch_deg, abs=0.5)
        assert found.roll_deg == pytest.approx(0, abs=0.3)


def test_matches_are_where_the_truth_is(pairs, match):
    """SIFT on one pair: most matches are true ones, and those that are looked for near the truth all the more."""
    one = match_pair(*pairs[0])
    assert np.mean(astray(match, one) < 0.005) > 0.5
    seen = features(pairs[0][0]), features(pairs[0][1])
    expected, visible = match.rig.right.project(match.rig.left.unproject(seen[0].places))
    expected[~visible] = np.nan
    near = match_near(*seen, expected, 8.0)
    assert len(near) > 0.8 * np.count_nonzero(astray(match, one) < 0.005)
    assert np.mean(astray(match, near) < 0.005) > 0.7
    assert len(match_near(*seen, np.full_like(expected, np.nan), 8.0)) == 0


def astray(match: SyntheticMatch, found: Matches) -> np.ndarray:
    apart = match.rig.left.unproject(found.left) - match.rig.right.unproject(found.right)
    return np.linalg.norm(apart, axis=1)


def test_what_is_seen_again_counts_once():
    rng = np.random.default_rng(0)
    places = 10.5 + 9 * rng.permutation(400)[:60, None] * np.ones((1, 2))
    again = [Matches(places + rng.normal(0, 0.1, (60, 2)), places + 40) for _ in range(4)]
    pooled = Matches.pooled(again)
    assert len(pooled) == 60
    assert np.abs(np.sort(pooled.left, axis=0) - np.sort(places, axis=0)).max() < 0.25


def test_features_and_points_are_spread(pairs):
    """Not all in the trees: each part of a picture gives some."""
    places = features(pairs[0][0]).places
    cells = np.unique(np.floor(places / 160).astype(int), axis=0)
    assert len(cells) > 0.8 * 8 * 5
    picked = spread_over(
        np.vstack([np.random.default_rng(0).uniform(0, 30, (500, 2)), [[900.0, 500.0]]]), 50, 20.0
    )
    assert len(picked) == 50
    assert 500 in picked, "the lonely one is taken"


def test_what_is_held_out_is_held_out_by_place():
    places = np.random.default_rng(0).uniform(0, 1280, (4000, 2))
    mask = held_out(Matches(places, places))
    assert 0.12 < mask.mean() < 0.3
    near = held_out(Matches(np.floor(places / 16) * 16 + 3, places))
    assert np.array_equal(mask, near)


def test_likeness_tells_right_from_wrong(pairs, match):
    assert likeness(match.rig, *pairs[0]) > 0.9
    wrong = Rig((match.rig.left, match.rig.right.rotated(rotation_from_angles(0.8, -0.22, 0.0))))
    assert likeness(wrong, *pairs[0]) < 0.2


@pytest.mark.slow
@pytest.mark.skipif(not COURT.exists(), reason="the court footage is not here")
def test_real_court():
    """Overhead cameras, portrait, cut out of larger pictures, nothing known about the lenses: lines run on across the
    seam, by points that the calibration did not use."""
    sides = []
    for side in ("left", "right"):
        video = cv2.VideoCapture(str(COURT / f"{side}.mp4"))
        frames = [video.read()[1] for _ in range(121)]
        sides.append([frames[k] for k in range(0, 121, 20)])
    result = calibrate(list(zip(*sides, strict=True)), models=("brown",))
    assert result.inliers >= 250
    assert result.checked >= 60
    assert result.checked > 0.6 * result.aside
    assert result.checked_px <= 1.0
    assert all(camera.distortion.radial(0.3) < 0.3 for camera in result.rig.cameras), (
        "these lenses bend inwards"
    )
    panorama = fit_panorama(result.rig)
    assert panorama.width > 1.4 * 1154
