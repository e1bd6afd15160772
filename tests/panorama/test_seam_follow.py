"""The seam keeps out of the way: of who moves, of who stands, of what only one camera sees; and else it stays."""

from __future__ import annotations

import math

import numpy as np
import pytest
from two_views import PANORAMA, RIG, Person, Sensor, corner_pitches, pair, place_of

from touchline.geometry import Camera, Rig
from touchline.panorama.seam import seam_ground
from touchline.panorama.seam_follow import DRIFT_DEG_PER_S, SeamFollower
from touchline.panorama.tone_kernels import plain_tones

FPS = 10
PER_DEGREE = PANORAMA.width / math.degrees(PANORAMA.yaw_max - PANORAMA.yaw_min)
NOISE = Sensor(noise=1.5)


@pytest.fixture(scope="module")
def ground():
    return seam_ground(RIG, PANORAMA, 3.0)


@pytest.fixture(scope="module")
def nobody():
    return [pair((), NOISE, NOISE, seed) for seed in range(4)]


def follow(ground, frames):
    """The path after each frame."""
    seam = SeamFollower(RIG, PANORAMA, ground)
    paths = []
    for number, (left, right) in enumerate(frames):
        seam.follow(left, right, plain_tones(), number / FPS)
        paths.append(seam.path)
    return np.array(paths)


def beside(person: Person) -> np.ndarray:
    """The rows of corners that a person covers."""
    pitch = corner_pitches()
    return (pitch > person.bottom) & (pitch < person.top)


def test_who_stands_on_the_seam_is_passed_on_one_side_as_a_whole(ground, nobody):
    start = follow(ground, nobody[:1])[-1]
    here = float(np.median(start[beside(Person(0.0))]))
    yaw = math.degrees(PANORAMA.pixels_to_angles(here, 0.0)[0])
    person = Person(yaw)
    with_them = [pair([person], NOISE, NOISE, seed) for seed in range(4)]
    paths = follow(ground, [nobody[i % 4] for i in range(10)] + [with_them[i % 4] for i in range(35)])
    away = (paths[-1] - place_of(yaw))[beside(person)] / PER_DEGREE
    assert np.all(np.sign(away) == np.sign(away[0])), "the seam passes on both sides"
    assert np.abs(away).min() > person.width / 2 + 1.0, "the band of three degrees cuts the person"
    assert np.abs((paths[9] - place_of(yaw))[beside(person)]).min() < PER_DEGREE, (
        "or they were never in the way"
    )


def test_nothing_happens_and_nothing_moves(ground, nobody):
    paths = follow(ground, [nobody[i % 4] for i in range(40)])
    assert np.all(paths[1:] == paths[0])


def test_it_drifts_and_never_jumps(ground, nobody):
    here = follow(ground, nobody[:1])[-1]
    yaw = math.degrees(PANORAMA.pixels_to_angles(float(np.median(here)), 0.0)[0])
    running = [pair([Person(yaw - 6 + 0.5 * i)], NOISE, NOISE, i % 4) for i in range(30)]
    paths = follow(ground, [*nobody, *running])
    steps = np.abs(np.diff(paths, axis=0))
    assert steps.max() <= DRIFT_DEG_PER_S * PER_DEGREE / FPS + 1e-9
    assert steps.max() > 0, "or there was nothing to see"
    assert np.all((paths >= ground.first - 1e-9) & (paths <= ground.last + 1e-9))


def test_what_only_one_camera_sees_is_avoided(ground):
    """Something near the mast: the cameras see it in different places."""
    left = pair([Person(-3.0, -40.0, 20.0), Person(0.5, -40.0, 20.0)])[0]
    right = pair([Person(-1.0, -40.0, 20.0), Person(2.5, -40.0, 20.0)])[1]
    path = follow(ground, [(left, right)])[-1]
    middle = path[len(path) // 3 : 2 * len(path) // 3]  # above and below, the overlap leaves no way round
    for yaw in (-3.0, -1.0, 0.5, 2.5):
        assert np.abs(middle - place_of(yaw)).min() > PER_DEGREE


def test_the_same_frames_give_the_same_seam(ground, nobody):
    frames = [*nobody, *(pair([Person(-4.0 + 0.6 * i)], NOISE, NOISE, i) for i in range(12))]
    assert np.array_equal(follow(ground, frames), follow(ground, frames))


def test_time_that_stands_or_runs_backwards_changes_nothing(ground, nobody):
    seam = SeamFollower(RIG, PANORAMA, ground)
    seam.follow(*nobody[0], plain_tones(), 5.0)
    path = seam.path
    somebody = pair([Person(0.0)])
    assert not seam.follow(*somebody, plain_tones(), 5.0)
    assert not seam.follow(*somebody, plain_tones(), 2.0)
    assert np.array_equal(seam.path, path)


def test_cameras_with_nothing_in_common_keep_their_seam():
    rig = Rig((Camera.from_fov(64, 64, 40, yaw_deg=-30), Camera.from_fov(64, 64, 40, yaw_deg=30)))
    apart = seam_ground(rig, PANORAMA, 3.0)
    seam = SeamFollower(rig, PANORAMA, apart)
    assert not seam.follow(*pair(), plain_tones(), 0.0)
    assert np.array_equal(seam.path, apart.middle)
