"""What stands still in a camera's pictures, and whether they are sharp."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from touchline.panorama.calibrate_still import halvings, sharpness, steadiness, still_picture


@pytest.fixture(scope="module")
def scene() -> np.ndarray:
    """Detail at every scale, as in the world."""
    rng = np.random.default_rng(0)
    layers = [
        cv2.resize(rng.normal(0, 1, (400 // s, 640 // s)), (640, 400), interpolation=cv2.INTER_CUBIC) * s**0.9
        for s in (1, 2, 4, 8, 16, 32)
    ]
    total = np.sum(layers, axis=0)
    return np.clip(128 + 30 * total / total.std(), 0, 255).astype(np.uint8)


def with_player(scene: np.ndarray, k: int, noise: float = 4.0) -> np.ndarray:
    picture = scene.copy()
    cv2.rectangle(picture, (40 * k, 150), (40 * k + 50, 250), 250, -1)
    grain = np.random.default_rng(k).normal(0, noise, scene.shape)
    return np.clip(np.rint(picture + grain), 0, 255).astype(np.uint8)


@pytest.mark.parametrize("count", [3, 5, 8])
def test_players_and_noise_vanish(scene, count):
    # Each place is covered in two of the pictures at most.
    still = still_picture([with_player(scene, 2 * k) for k in range(count)])
    inner = (scene > 8) & (scene < 247)
    off = (still.astype(float) - scene)[inner]
    assert np.abs(off).max() < 30
    assert off.std() < 4.0 * {3: 0.8, 5: 0.65, 8: 0.5}[count]


def test_one_picture_is_what_it_is(scene):
    assert still_picture([scene]) is scene
    colours = cv2.cvtColor(scene, cv2.COLOR_GRAY2BGR)
    assert np.abs(still_picture([colours]).astype(int) - scene).max() <= 1


def test_a_fixed_camera_is_steady(scene):
    assert steadiness([with_player(scene, k) for k in range(6)]) > 0.85
    assert steadiness([scene]) == 1.0
    assert steadiness([np.full((400, 640), 90, np.uint8)] * 3) == 1.0, "nothing to judge by"


def test_a_camera_that_is_carried_is_not(scene):
    moved = [np.roll(scene, (13 * k, 29 * k), axis=(0, 1)) for k in range(6)]
    assert steadiness(moved) < 0.2
    assert steadiness([scene, scene[::-1, ::-1].copy()]) < 0.2, "a cut"


def test_sharpness(scene):
    sharp = sharpness(scene)
    assert sharp > 0.2
    assert sharpness(cv2.GaussianBlur(scene, (0, 0), 5)) < 0.1
    assert sharpness(cv2.GaussianBlur(scene, (0, 0), 1)) < sharp
    assert sharpness((scene * 0.5).astype(np.uint8)) == pytest.approx(sharp, rel=0.15), (
        "contrast says nothing"
    )


def test_halvings(scene):
    assert halvings(scene)[1] == 1
    small, scale = halvings(np.zeros((2160, 3840), np.uint8))
    assert scale == 2
    assert small.shape == (1080, 1920)
