"""How far a camera has turned, against turns that are known to the digit."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from touchline.panorama.landmarks import (
    LEAST,
    Landmarks,
    angle_of,
    between,
    common_rotation,
    patches_of,
    seek,
)
from turning import Cameras, the_match, turned


@pytest.fixture(scope="module")
def cameras() -> Cameras:
    return Cameras()


@pytest.mark.parametrize(
    "moved",
    [(0.4, 0.0, 0.0), (0.0, -2.3, 0.0), (5.0, 4.0, 0.2), (-3.0, 1.0, -0.5), (45.0, -30.0, 0.0)],
)
def test_a_turn_is_measured_to_a_tenth_of_a_pixel(
    cameras: Cameras, moved: tuple[float, float, float]
) -> None:
    """The last one is beyond the search around each landmark: it is found in the whole picture first."""
    rig = the_match().rig
    landmarks = Landmarks(rig.right)
    landmarks.learn(cameras.luma(0)[1])
    assert len(landmarks) > 100
    real = turned(rig.right, *moved)
    turn = landmarks.look(cameras.luma(4, right=real)[1])
    assert turn is not None
    # The real camera sees as the unturned one would see the world turned by that.
    wanted = rig.right.rotation.T @ real.rotation
    assert angle_of(turn.rotation @ wanted.T) * rig.right.fx < 0.12
    assert turn.agree > 0.5 * turn.found


def test_players_alone_turn_nothing(cameras: Cameras) -> None:
    rig = the_match().rig
    landmarks = Landmarks(rig.left)
    landmarks.learn(cameras.luma(0)[0])
    for seconds in (2, 6, 15, 30):
        turn = landmarks.look(cameras.luma(seconds)[0])
        assert turn is not None
        assert angle_of(turn.rotation) * rig.left.fx < 0.12
        assert turn.moved_px < 0.2


def test_a_change_of_light_turns_nothing(cameras: Cameras) -> None:
    rig = the_match().rig
    landmarks = Landmarks(rig.left)
    before = cameras.luma(0)[0]
    landmarks.learn(before)
    dim = np.clip((cameras.luma(3)[0].astype(float) - 16) * 0.6 + 16, 0, 255).astype(np.uint8)
    turn = landmarks.look(dim)
    assert turn is not None
    assert angle_of(turn.rotation) * rig.left.fx < 0.15


def test_new_patches_go_on_from_the_turn_that_is_known(cameras: Cameras) -> None:
    """A picture whose light has changed is learnt anew: the start is still the start."""
    rig = the_match().rig
    landmarks = Landmarks(rig.right)
    landmarks.learn(cameras.luma(0)[1])
    real = turned(rig.right, 3.0, 2.0)
    seen = cameras.luma(2, right=real)[1]
    assert landmarks.look(seen) is not None
    landmarks.learn(seen)
    further = turned(rig.right, 6.0, 4.0)
    turn = landmarks.look(cameras.luma(4, right=further)[1])
    assert turn is not None
    wanted = rig.right.rotation.T @ further.rotation
    assert angle_of(turn.rotation @ wanted.T) * rig.right.fx < 0.2
    assert turn.moved_px == pytest.approx(math.hypot(6, 4), rel=0.25)


def test_nothing_is_known_of_nothing() -> None:
    landmarks = Landmarks(the_match().rig.left)
    plain = np.full((540, 960), 90, np.uint8)
    assert landmarks.look(plain) is None
    landmarks.learn(plain)
    assert len(landmarks) == 0
    assert landmarks.look(plain) is None


def test_a_picture_of_something_else_is_no_turn(cameras: Cameras) -> None:
    landmarks = Landmarks(the_match().rig.left)
    landmarks.learn(cameras.luma(0)[0])
    noise = np.random.default_rng(2).integers(0, 255, (540, 960), dtype=np.uint8)
    assert landmarks.look(noise) is None


def test_patches_are_found_where_they_are() -> None:
    rng = np.random.default_rng(9)
    picture = rng.integers(0, 255, (300, 400), dtype=np.uint8)
    places, patches = patches_of(picture)
    assert len(patches) > 50
    shifted = np.roll(picture, (3, -5), axis=(0, 1))
    found, at = seek(shifted, patches, places)
    assert found.mean() > 0.8
    assert np.abs(at[found] - places[found] - (-5, 3)).max() < 0.1


def test_a_rotation_that_most_agree_on() -> None:
    rng = np.random.default_rng(6)
    before = rng.normal(size=(100, 3))
    before /= np.linalg.norm(before, axis=1, keepdims=True)
    true = Rotation.from_rotvec([0.01, -0.02, 0.005]).as_matrix()
    after = before @ true.T
    strays = np.arange(0, 100, 2)[:45]
    after[strays] = after[(strays + 7) % 100]
    found = common_rotation(before, after, 0.001)
    assert found is not None
    rotation, agree = found
    assert np.abs(rotation - true).max() < 1e-9
    assert not agree[strays].any()
    assert agree.sum() == 55
    assert common_rotation(before[: LEAST - 1], after[: LEAST - 1], 0.001) is None
    assert common_rotation(before, rng.permutation(before), 0.001) is None


def test_between_goes_the_shortest_way() -> None:
    one = Rotation.from_rotvec([0.0, 0.1, 0.0]).as_matrix()
    other = Rotation.from_rotvec([0.0, 0.3, 0.0]).as_matrix()
    half = between(one, other, 0.5)
    assert np.abs(half - Rotation.from_rotvec([0.0, 0.2, 0.0]).as_matrix()).max() < 1e-12
    assert angle_of(half) == pytest.approx(0.2)
