"""The pictures: the same for the same seed, true to the geometry, and showing what the truth says."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest

from touchline.geometry import View, fit_panorama, rays_to_angles
from touchline.gst.nv12 import Nv12
from touchline.synth import Box, SyntheticMatch, default_rig
from touchline.synth.figures import palette
from touchline.synth.pitch import EYE, HALF_LENGTH, HALF_WIDTH, rig_to_world, world_to_rig

SIZE = (640, 360)


def drawn(match: SyntheticMatch, index: int) -> tuple[Nv12, Nv12]:
    pictures = Nv12.empty(*match.size), Nv12.empty(*match.size)
    match.draw(index, *pictures)
    return pictures


def same(one: Nv12, other: Nv12) -> bool:
    return np.array_equal(one.y, other.y) and np.array_equal(one.uv, other.uv)


@pytest.fixture(scope="module")
def match() -> SyntheticMatch:
    return SyntheticMatch(4, SIZE)


@pytest.fixture(scope="module")
def clean() -> SyntheticMatch:
    return SyntheticMatch(4, SIZE, noise=False)


def test_the_same_seed_gives_the_same_pixels_in_any_order(match: SyntheticMatch) -> None:
    again = SyntheticMatch(4, SIZE)
    order = (40, 0, 41)
    late = {index: drawn(again, index) for index in reversed(order)}
    for index in order:
        for one, other in zip(drawn(match, index), late[index], strict=True):
            assert same(one, other)


def test_another_seed_or_frame_gives_other_pixels(match: SyntheticMatch) -> None:
    here = drawn(match, 30)
    assert not same(here[0], drawn(match, 31)[0])
    assert not same(here[0], drawn(SyntheticMatch(5, SIZE), 30)[0])


def test_padded_pictures_are_drawn_alike(match: SyntheticMatch) -> None:
    """A buffer of GStreamer may have longer rows than the picture."""
    stride = 704
    memory = bytearray(stride * 360 * 3 // 2)
    padded = Nv12.over(memory, 640, 360, (stride, stride), (0, stride * 360))
    other = Nv12.empty(*SIZE)
    match.draw(12, padded, other)
    assert same(padded, drawn(match, 12)[0])
    assert not any(memory[640:704])


def test_a_picture_of_another_size_is_refused(match: SyntheticMatch) -> None:
    with pytest.raises(ValueError, match="640x360 is needed"):
        match.draw(0, Nv12.empty(320, 180), Nv12.empty(320, 180))


@pytest.mark.parametrize(("seed", "size", "fps"), [(-1, SIZE, 30), (1, (641, 360), 30), (1, SIZE, 0)])
def test_bad_arguments_are_refused(seed: int, size: tuple[int, int], fps: int) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        SyntheticMatch(seed, size, Fraction(fps))


def test_an_unknown_lens_and_a_frame_before_the_first_are_refused(match: SyntheticMatch) -> None:
    with pytest.raises(ValueError, match="unknown lens"):
        default_rig(1, lens="pinhole")
    with pytest.raises(ValueError, match="no frame -1"):
        drawn(match, -1)


def test_the_frame_rate_does_not_change_the_match() -> None:
    """Frame 30 at 30 fps, 50 at 50 fps and 25 at 25 fps are all one second in."""
    states = [SyntheticMatch(4, (64, 36), Fraction(fps)).truth(fps) for fps in (25, 30, 50)]
    for state in states[1:]:
        assert state.time == 1.0
        assert state.persons == states[0].persons
        assert state.ball == states[0].ball
    assert SyntheticMatch(4, (64, 36), Fraction(60000, 1001)).truth(60).time == pytest.approx(1.001)


@pytest.mark.parametrize("lens", ["brown", "fisheye"])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_rig_is_as_described(lens: str, seed: int) -> None:
    rig = default_rig(seed, (1280, 720), lens)
    for camera in rig.cameras:
        assert camera.horizontal_fov_deg == pytest.approx(100, abs=1.5)
        top, bottom = camera.unproject([[camera.cx, -0.5], [camera.cx, 719.5]])
        assert 53 < math.degrees(math.acos(float(top @ bottom))) < 62
    left, right = rig.cameras
    assert right.yaw_deg - left.yaw_deg == pytest.approx(85, abs=2)
    assert left.distortion != right.distortion
    panorama = fit_panorama(rig)
    assert panorama.yaw_max - panorama.yaw_min > math.radians(160)
    assert panorama.pitch_max - panorama.pitch_min > math.radians(40)


def test_the_whole_pitch_is_in_the_panorama() -> None:
    for seed in range(5):
        panorama = fit_panorama(default_rig(seed))
        corners = [(x, y, 0.0) for x in (-HALF_LENGTH, 0, HALF_LENGTH) for y in (-HALF_WIDTH, HALF_WIDTH)]
        x, y = panorama.angles_to_pixels(*rays_to_angles(world_to_rig(corners)))
        assert x.min() > 0
        assert x.max() < panorama.width
        assert y.min() > 0
        # The near touchline may graze the lower edge at the half-way line.
        assert y.max() < panorama.height * 1.02


def test_world_and_rig_are_each_others_inverse() -> None:
    points = np.random.default_rng(0).normal(0, 20, (50, 3))
    assert np.allclose(rig_to_world(world_to_rig(points)) + np.array(EYE), points)


def test_a_camera_shows_what_the_panorama_shows_in_the_same_direction(clean: SyntheticMatch) -> None:
    """Apart from the camera's gain: an independent way through the geometry, figures included."""
    index = 150
    panorama = fit_panorama(clean.rig)
    truth = clean.panorama(index, panorama).y.astype(np.float64)
    rng = np.random.default_rng(3)
    for camera, picture in zip(clean.rig.cameras, drawn(clean, index), strict=True):
        pixels = np.stack([rng.uniform(20, 620, 6000), rng.uniform(20, 340, 6000)], axis=-1).round()
        x, y = panorama.angles_to_pixels(*rays_to_angles(camera.unproject(pixels)))
        inside = (x > 1) & (x < panorama.width - 2) & (y > 1) & (y < panorama.height - 2)
        assert inside.sum() > 3000
        x, y, pixels = x[inside], y[inside], pixels[inside].astype(int)
        i, j = x.astype(int), y.astype(int)
        p, q = x - i, y - j
        there = (truth[j, i] * (1 - p) + truth[j, i + 1] * p) * (1 - q) + (
            truth[j + 1, i] * (1 - p) + truth[j + 1, i + 1] * p
        ) * q
        here = picture.y[pixels[:, 1], pixels[:, 0]].astype(np.float64)
        gain = np.median((here - 16) / np.maximum(there - 16, 1))
        assert 0.88 < gain < 1.12
        assert np.median(np.abs(here - 16 - gain * (there - 16))) < 3
        assert np.corrcoef(here, there)[0, 1] > 0.96


def test_the_cameras_differ_in_exposure_and_white_balance(clean: SyntheticMatch) -> None:
    view = fit_panorama(clean.rig)
    grass = rays_to_angles(world_to_rig([(0.0, float(y), 0.0) for y in range(-20, 30)]))
    assert view.angles_to_pixels(*grass)[0].min() > 0
    levels = []
    for camera, picture in zip(clean.rig.cameras, drawn(clean, 0), strict=True):
        pixels, seen = camera.project(world_to_rig([(0.5, float(y), 0.0) for y in range(-12, 30)]))
        x, y = pixels[seen].round().astype(int).T
        levels.append((picture.y[y, x].mean(), *picture.uv[y // 2, x // 2].mean(axis=0)))
    assert abs(levels[0][0] - levels[1][0]) > 4
    assert abs(levels[0][1] - levels[1][1]) + abs(levels[0][2] - levels[1][2]) > 1


def test_noise_is_of_two_levels_and_new_in_each_frame(match: SyntheticMatch, clean: SyntheticMatch) -> None:
    grains = []
    for index in (7, 8):
        noisy, plain = drawn(match, index)[0].y, drawn(clean, index)[0].y
        grains.append((noisy.astype(int) - plain)[20:])
        assert grains[-1].std() == pytest.approx(2.0, abs=0.25)
        assert abs(grains[-1].mean()) < 0.1
    assert abs(np.corrcoef(grains[0].ravel(), grains[1].ravel())[0, 1]) < 0.05
    assert abs(np.corrcoef(grains[0][:-1].ravel(), grains[0][1:].ravel())[0, 1]) < 0.05


def inner(box: Box) -> tuple[slice, slice]:
    """The middle third of a box across, the shirt's height down."""
    width, height = box.right - box.left, box.bottom - box.top
    rows = slice(round(box.top + 0.25 * height), round(box.top + 0.42 * height) + 1)
    return rows, slice(round(box.left + width * 0.42), round(box.left + width * 0.58) + 1)


def test_players_wear_their_shirts_where_the_truth_says(clean: SyntheticMatch) -> None:
    """In the chroma of the pixels of each big enough player: home is red, away is blue."""
    found = {"home": 0, "away": 0}
    ink = palette(np.ones(3))
    for index in (0, 60, 150, 240):
        pictures, truth = drawn(clean, index), clean.truth(index)
        for person in truth.persons:
            if person.team == "referee" or person.keeper:
                continue
            for camera, box in enumerate(person.boxes):
                if (
                    box is None
                    or box.bottom - box.top < 14
                    or box.left < 0
                    or box.right > 639
                    or box.bottom > 359
                ):
                    continue
                rows, columns = inner(box)
                patch = pictures[camera].uv[
                    rows.start // 2 : rows.stop // 2 + 1, columns.start // 2 : columns.stop // 2 + 1
                ]
                blue, red = patch[..., 0].max(), patch[..., 1].max()
                want = ink[0 if person.team == "home" else 2]
                # The shirt's own difference colour stands out from the grass (about 105, 120) towards its ink.
                if person.team == "home":
                    found["home"] += bool(red > (want[2] + 122) / 2)
                else:
                    found["away"] += bool(blue > (want[1] + 108) / 2)
    assert found["home"] > 10
    assert found["away"] > 10


def test_every_sighting_of_a_player_is_where_pixels_change() -> None:
    """The box holds the figure: between two times a player's pixels change inside his boxes and nowhere else."""
    match = SyntheticMatch(4, SIZE, noise=False)
    one, other = 0, 45
    pictures = drawn(match, one), drawn(match, other)
    truths = match.truth(one), match.truth(other)
    for camera in range(2):
        changed = np.abs(pictures[0][camera].y.astype(int) - pictures[1][camera].y) > 30
        outside = changed.copy()
        for truth in truths:
            for person in truth.persons:
                box = person.boxes[camera]
                if box is None:
                    continue
                height = box.bottom - box.top
                # Shadows fall to the left and away, at most a body's length.
                rows = slice(max(0, int(box.top) - 2), int(box.bottom) + 3)
                columns = slice(max(0, int(box.left - height) - 2), int(box.right) + 3)
                outside[rows, columns] = False
            ball = truth.ball.boxes[camera]
            if ball is not None:
                outside[
                    int(ball.top) - 2 : int(ball.bottom) + 3, int(ball.left) - 3 : int(ball.right) + 3
                ] = False
        assert changed.sum() > 50
        assert outside.sum() == 0


def test_the_ball_is_white_where_the_truth_says() -> None:
    match = SyntheticMatch(1, (1280, 720), noise=False)
    seen = 0
    for index in range(240, 480, 12):
        truth = match.truth(index)
        if truth.ball.hidden:
            continue
        pictures = drawn(match, index)
        for camera, box in zip(pictures, truth.ball.boxes, strict=True):
            if box is None or box.right - box.left < 2.6 or box.right > 1278 or box.bottom > 718:
                continue
            x, y = round((box.left + box.right) / 2), round((box.top + box.bottom) / 2)
            assert camera.y[y, x] > 165
            assert np.abs(camera.uv[y // 2, x // 2].astype(int) - 128).max() < 30
            seen += 1
    assert seen >= 8


def test_a_hidden_ball_is_known_to_be_hidden(clean: SyntheticMatch) -> None:
    """Where the truth says hidden, the panorama shows no ball's white; both cases occur."""
    flags = [clean.truth(index).ball.hidden for index in range(0, 1500, 3)]
    assert 0.005 < np.mean(flags) < 0.5
    dark = []
    for index in np.flatnonzero(flags)[:12] * 3:
        ball = clean.truth(int(index)).ball
        view = View(ball.yaw_deg, ball.pitch_deg, 4.0)
        picture = clean.view(int(index), view, 64, 64)
        patch = picture.uv[30:34, 30:34] // 2
        dark.append(picture.y[31:33, 31:33].mean() < 190 or np.ptp(patch) > 6)
    assert np.mean(dark) > 0.6


def test_a_view_shows_what_the_panorama_shows(clean: SyntheticMatch) -> None:
    view = View(20.0, -8.0, 30.0)
    picture = clean.view(90, view, 320, 180)
    panorama = fit_panorama(clean.rig, size=(2816, 752))
    truth = clean.panorama(90, panorama)
    x, y = np.meshgrid(np.arange(2, 318, 3), np.arange(2, 178, 3))
    px, py = panorama.angles_to_pixels(*rays_to_angles(view.rays(x, y, 320, 180)))
    there = truth.y[py.round().astype(int), px.round().astype(int)]
    assert np.corrcoef(picture.y[y, x].ravel(), there.ravel())[0, 1] > 0.9


def test_truth_is_plain_data(clean: SyntheticMatch) -> None:
    truth = clean.truth(33)
    data = truth.to_dict()
    assert data["index"] == 33
    assert data["time"] == pytest.approx(1.1)
    assert len(data["persons"]) == 23
    assert [p["number"] for p in data["persons"]].count(1) == 2
    assert data["persons"][22]["team"] == "referee"
    assert data["ball"]["position"] == pytest.approx(list(truth.ball.position), abs=1e-4)
