"""What is painted into panoramas lies where its box says, and nothing else changes."""

from __future__ import annotations

import numpy as np
import pytest

from touchline.geometry import fit_panorama
from touchline.synth.rig import default_rig
from touchline.synth.scene import Observer
from training.filming import BALL
from training.pasting import paste_balls, paste_clutter

WHITE = np.array([250.0, 250.0, 245.0])


@pytest.fixture(scope="module")
def observer() -> Observer:
    return Observer.of_panorama(fit_panorama(default_rig(3, (1280, 720))))


def ground(observer: Observer) -> np.ndarray:
    return np.full((observer.height, observer.width, 3), (72, 110, 50), np.uint8)


def test_balls_lie_in_their_boxes(observer: Observer) -> None:
    picture = ground(observer)
    before = picture.copy()
    boxes = paste_balls(picture, observer, WHITE, 12, np.random.default_rng(1))
    assert len(boxes) >= 6
    assert (boxes.kinds == BALL).all()
    brighter = (picture.astype(int) - before).max(axis=2) > 40
    free = brighter.copy()
    for left, top, right, bottom in boxes.edges:
        rows = slice(int(np.floor(top)), int(np.ceil(bottom)))
        columns = slice(int(np.floor(left)), int(np.ceil(right)))
        assert brighter[rows, columns].any()
        free[rows, columns] = False
        assert 1.2 < bottom - top < 14
    assert not free.any()  # shadows are darker, and balls nowhere else


def test_near_balls_are_larger_than_far_ones(observer: Observer) -> None:
    boxes = paste_balls(ground(observer), observer, WHITE, 60, np.random.default_rng(2))
    height = boxes.edges[:, 3] - boxes.edges[:, 1]
    low = boxes.edges[:, 1] > np.quantile(boxes.edges[:, 1], 0.8)
    high = boxes.edges[:, 1] < np.quantile(boxes.edges[:, 1], 0.3)
    assert height[low].mean() > 1.5 * height[high].mean()


def test_clutter_is_painted_and_the_same_for_the_same_seed(observer: Observer) -> None:
    one, other, blank = ground(observer), ground(observer), ground(observer)
    paste_clutter(one, observer, 30, np.random.default_rng(3))
    paste_clutter(other, observer, 30, np.random.default_rng(3))
    assert np.array_equal(one, other)
    changed = (one != blank).any(axis=2)
    assert 100 < changed.sum() < 0.2 * changed.size
