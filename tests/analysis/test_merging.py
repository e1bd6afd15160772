"""Random boxes cut by random tilings come back whole, and once."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from touchline.analysis.detections import Detection
from touchline.analysis.merging import in_angles, merge, suppressed
from touchline.analysis.tiles import Tile, cover
from touchline.geometry import Panorama

SIZE = (640, 240)


def seen_in(tiles: tuple[Tile, ...], boxes: np.ndarray, least: float) -> tuple[np.ndarray, np.ndarray]:
    """What a perfect detector finds in each tile: the parts of the boxes that it shows, slivers left out."""
    rows, places = [], []
    for place, tile in enumerate(tiles):
        low = np.maximum(boxes[:, :2], (tile.x, tile.y))
        high = np.minimum(boxes[:, 2:4], (tile.x + tile.width, tile.y + tile.height))
        for k in np.nonzero((high - low > least).all(axis=1))[0]:
            rows.append([*low[k], *high[k], boxes[k, 4] - 0.001 * place, boxes[k, 5]])
            places.append(place)
    return np.array(rows).reshape(-1, 6), np.array(places, np.intp)


SHARES = st.floats(0, 1)
CELLS = st.tuples(st.integers(0, 15), st.integers(0, 5), SHARES, SHARES, SHARES, SHARES, st.integers(0, 1))


@st.composite
def scenes(draw):
    """Boxes of two classes that keep apart, one in each cell of a grid at most; and a tiling."""
    cell = draw(st.sampled_from([40, 60, 80]))
    found = []
    for column, row, x, y, wide, tall, kind in draw(
        st.lists(CELLS, max_size=12, unique_by=(lambda one: one[:2],))
    ):
        left, top = 4 + x * (cell / 2 - 4), 4 + y * (cell / 2 - 4)
        right, bottom = left + 4 + wide * (cell - 8 - left), top + 4 + tall * (cell - 8 - top)
        corner = np.array([column * cell, row * cell] * 2)
        box = corner + np.array([left, top, right, bottom])
        if box[2] < SIZE[0] and box[3] < SIZE[1]:
            found.append([*box, 0.3 + 0.04 * len(found), kind])
    tile = draw(st.tuples(st.integers(60, 400), st.integers(60, 300)))
    overlap = draw(st.integers(8, min(tile) // 3))
    return np.array(found).reshape(-1, 6), cover(SIZE, tile, overlap)


@settings(max_examples=150, deadline=None)
@given(scenes())
def test_boxes_that_tiles_have_cut_come_back_whole_and_once(scene) -> None:
    boxes, tiles = scene
    parts, tile_of = seen_in(tiles, boxes, least=0.5)
    made = merge(parts, tile_of, tiles, SIZE)
    assert len(made) == len(boxes)
    for box in boxes:
        best = made[np.argmin(np.abs(made[:, :4] - box[:4]).max(axis=1))]
        assert np.abs(best[:4] - box[:4]).max() < 0.51, "a sliver that was left out is less than half a pixel"
        assert best[5] == box[5]


@settings(max_examples=60, deadline=None)
@given(scenes(), st.integers(0, 2**31))
def test_a_detector_that_is_a_pixel_off_everywhere_says_each_thing_once(scene, seed: int) -> None:
    boxes, tiles = scene
    boxes = boxes[((boxes[:, 2:4] - boxes[:, :2]) > 14).all(axis=1)]
    parts, tile_of = seen_in(tiles, boxes, least=7)
    off = np.random.default_rng(seed).uniform(-1, 1, (len(parts), 4))
    parts[:, :4] += off
    made = merge(parts, tile_of, tiles, SIZE)
    assert len(made) == len(boxes)


def test_classes_are_not_mixed() -> None:
    tiles = (Tile(0, 0, 100, 100), Tile(60, 0, 100, 100))
    parts = np.array([[70, 10, 90, 50, 0.9, 0], [70, 10, 90, 50, 0.8, 1]], np.float64)
    assert len(merge(parts, np.array([0, 1]), tiles, (160, 100))) == 2


def test_a_player_larger_than_the_overlap_is_put_together() -> None:
    """An earlier attempt by others dropped what lay at a seam."""
    tiles = cover((300, 100), (110, 100), 20)
    boxes = np.array([[5, 10, 290, 90, 0.8, 0]], np.float64)
    parts, tile_of = seen_in(tiles, boxes, 1)
    assert len(parts) == len(tiles) > 2
    made = merge(parts, tile_of, tiles, (300, 100))
    assert made[:, :4].round(6).tolist() == [[5, 10, 290, 90]]


def test_the_panoramas_own_edge_cuts_nothing() -> None:
    """Who stands half outside the panorama ends at its edge, and is not mixed with the next tile's cut."""
    tiles = (Tile(0, 0, 100, 100), Tile(80, 0, 100, 100))
    parts = np.array([[0, 10, 30, 60, 0.9, 0]], np.float64)
    assert merge(parts, np.array([0]), tiles, (180, 100))[0, :4].tolist() == [0, 10, 30, 60]


def test_suppression_keeps_the_best_of_each_class() -> None:
    boxes = np.array(
        [[0, 0, 10, 10, 0.5, 0], [1, 0, 11, 10, 0.9, 0], [0, 0, 10, 10, 0.4, 1], [30, 0, 40, 10, 0.2, 0]],
        np.float64,
    )
    assert suppressed(boxes)[:, 4].tolist() == [0.9, 0.4, 0.2]
    assert len(merge(np.zeros((0, 6)), np.zeros(0, np.intp), (), SIZE)) == 0


@pytest.mark.parametrize("projection", ["equirectangular", "cylindrical", "pitch"])
def test_a_box_in_angles_is_where_its_pixels_look(projection) -> None:
    panorama = Panorama(
        projection, 1280, 320, math.radians(-70), math.radians(70), math.radians(-32), math.radians(8)
    )
    found = Detection(300, 100, 340, 180, "player", 1.0)
    left, top, right, bottom = in_angles(found, panorama)
    x, y = panorama.angles_to_pixels(math.radians((left + right) / 2), math.radians(top))
    assert float(y) == pytest.approx(99.5, abs=0.2)
    assert float(x) == pytest.approx(319.5, abs=0.2)
    assert float(panorama.angles_to_pixels(math.radians(right), 0.0)[0]) == pytest.approx(339.5)
    assert bottom < top
    assert left < right
