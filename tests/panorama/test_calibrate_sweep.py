"""Long lines along known directions, in pictures drawn from a known ground."""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np
import pytest
from pitch_lines import EYE, SIZE, SIZES, true_stand

from touchline.panorama.calibrate_adjust import Stand
from touchline.panorama.calibrate_lens import Lens
from touchline.panorama.calibrate_lines import find_segments
from touchline.panorama.calibrate_matches import Matches
from touchline.panorama.calibrate_square import ACROSS, ALONG, UPRIGHT
from touchline.panorama.calibrate_strokes import Evidence, detected_strokes, swept_strokes
from touchline.panorama.calibrate_sweep import Lines, _peaks, same_lines, sweep
from touchline.panorama.lenses import AUTO

AWAY, ASIDE = (14.0, 20.0, 30.0, 44.0), (-27.0, -9.0, 3.0, 15.0, 27.0)  # metres: painted lines of the ground
HALF_WIDTH = 0.08
STRIPES, MOWN = 6.0, (8.0, 60.0)  # every second stripe is darker; they run away from so near to so far


@lru_cache
def ground(model: str = "brown") -> tuple[Stand, tuple[np.ndarray, np.ndarray]]:
    """Cameras over a lined ground, and what they see: 3x3 samples a pixel, noise, nothing above the horizon."""
    stand = true_stand(model, heading=0.0)
    pictures = []
    for number, (lens, turn) in enumerate(zip(stand.lenses, stand.turns, strict=True)):
        total = np.zeros(SIZE[::-1])
        for off in np.stack(np.meshgrid((-1, 0, 1), (-1, 0, 1)), -1).reshape(-1, 2) / 3:
            total += seen(lens, turn, off)
        noisy = total / 9 + np.random.default_rng(number).normal(0, 1.0, total.shape)
        pictures.append(np.clip(np.rint(noisy), 0, 255).astype(np.uint8))
    return stand, (pictures[0], pictures[1])


def seen(lens: Lens, turn: np.ndarray, off: np.ndarray) -> np.ndarray:
    pixels = np.stack(np.meshgrid(np.arange(SIZE[0]), np.arange(SIZE[1])), -1).reshape(-1, 2) + off
    rays = lens.rays(pixels) @ turn
    below = rays[:, 1] > 0.05
    reach = EYE / np.where(below, rays[:, 1], 1.0)
    x, z = rays[:, 0] * reach, rays[:, 2] * reach
    mown = below & (z > MOWN[0]) & (z < MOWN[1]) & (np.abs(x) < 90)
    level = np.where(np.floor(x / STRIPES) % 2 == 0, 90.0, 104.0)
    white = np.min([np.abs(z - at) for at in AWAY], axis=0) < HALF_WIDTH
    white |= (np.min([np.abs(x - at) for at in ASIDE], axis=0) < HALF_WIDTH) & (z > AWAY[0]) & (z < AWAY[-1])
    return np.where(mown, np.where(white, 200.0, level), 97.0).reshape(SIZE[::-1])


def off_by(stand: Stand, side: int, found: Lines, axis: int) -> np.ndarray:
    """How far points lie beside the nearest true line of a direction, pixels."""
    rays = stand.lenses[side].rays(found.points) @ stand.turns[side]
    places = rays[:, [0, 2]] * (EYE / rays[:, 1])[:, None]
    own, lines = (1, (*AWAY, *MOWN)) if axis == ALONG else (0, (*ASIDE, *np.arange(-90, 91, STRIPES)))
    nearest = np.array(lines)[np.argmin(np.abs(places[:, own, None] - np.array(lines)), axis=1)]
    places[:, own] = nearest
    true = np.column_stack([places[:, 0], np.full(len(places), EYE), places[:, 1]])
    there = stand.lenses[side].pixels(true @ stand.turns[side].T)
    return np.linalg.norm(there - found.points, axis=1)


@pytest.mark.parametrize("axis", [ALONG, ACROSS])
def test_lines_are_swept_to_a_tenth_of_a_pixel(axis):
    """Painted ones and the edges of mown stripes, through a lens that bends them."""
    stand, pictures = ground()
    for side, picture in enumerate(pictures):
        found = sweep(picture, stand.lenses[side], stand.turns[side], stand.axes, axis, 1.5)
        assert len(found) >= 3
        assert len(found.owner) == len(found.points)
        assert found.owner.max() == len(found) - 1
        off = off_by(stand, side, found, axis)
        assert np.median(off) < 0.1
        assert np.mean(off < 0.4) > 0.85, "a chance line or so may be among them"
        assert (found.kind == 0).any(), "painted lines are ridges"
        if axis == ACROSS:
            assert {1, -1} <= set(found.kind.tolist()), "stripes are edges, one way and the other"


def test_nothing_is_swept_where_nothing_is():
    stand = true_stand()
    bare = np.random.default_rng(0).normal(100, 1.5, SIZE[::-1]).astype(np.uint8)
    for axis in (ALONG, ACROSS, UPRIGHT):
        assert len(sweep(bare, stand.lenses[0], stand.turns[0], stand.axes, axis, 1.0)) == 0


def test_ridges_and_edges_of_a_profile():
    """A ridge lies in the middle of its slopes, an edge in its own, and two edges close together are neither."""
    x = np.arange(0, 200.0, 0.5)
    values = np.full(len(x), 100.0)
    values[(x > 39) & (x < 42)] += 60.0
    values[x > 100] += 30.0
    values[x > 150] -= 30.0
    profile = cv2.GaussianBlur(values[None], (0, 0), 2.0)[0]
    index, kind, strength = _peaks(np.gradient(profile, 0.5), np.ones(len(x), np.bool_))
    assert kind.tolist() == [0, 1, -1]
    assert index * 0.5 == pytest.approx([40.5, 100.25, 150.25], abs=0.3)
    assert (strength > 0.8).all()


def lines_at(lean: list[float], kind: list[int]) -> Lines:
    nowhere, nobody = np.empty((0, 2)), np.empty(0, np.intp)
    return Lines(nowhere, nobody, np.array(lean), np.array(kind, dtype=np.intp), np.full(len(lean), 700.0))


def test_one_line_in_two_pictures():
    """The same page and the same kind; where another line is nearly as near nothing is said."""
    left = lines_at([0.1, 0.5, 0.9], [0, 0, 1])
    assert same_lines(left, lines_at([0.1002, 0.9, 0.5], [0, 1, 1]), 4.0) == [(0, 0), (2, 1)]
    assert same_lines(left, lines_at([0.1002, 0.1006], [0, 0]), 4.0) == []
    assert same_lines(left, lines_at([0.1 + 2 * np.pi], [0]), 4.0) == [(0, 0)]
    assert same_lines(left, lines_at([], []), 4.0) == []


def evidence(pictures: tuple[np.ndarray, np.ndarray]) -> Evidence:
    return Evidence(Matches.none(), pictures, tuple(map(find_segments, pictures)), SIZES, AUTO)


def missed(stand: Stand, strokes) -> np.ndarray:
    rays = [
        lens.rays(points) @ turn
        for lens, points, turn in zip(stand.lenses, strokes.points, stand.turns, strict=True)
    ]
    return np.abs(strokes.residuals(np.vstack(rays), stand.axes))


@pytest.mark.parametrize("find", [detected_strokes, swept_strokes])
def test_strokes_of_true_cameras_are_straight(find):
    """All their points lie on their lines' planes to a fraction of a pixel, in both directions of the ground."""
    stand, pictures = ground()
    strokes = find(stand, evidence(pictures), 1.2)
    assert {ALONG, ACROSS} <= set(strokes.axis.tolist())
    assert len(strokes.group) == sum(len(points) for points in strokes.points) == len(strokes.scale)
    off = missed(stand, strokes)
    assert np.median(off) < 0.1
    assert np.percentile(off, 90) < 0.4


def test_a_line_that_both_cameras_see_is_one():
    stand, pictures = ground()
    strokes = swept_strokes(stand, evidence(pictures), 1.2)
    left = set(strokes.group[: len(strokes.points[0])].tolist())
    right = set(strokes.group[len(strokes.points[0]) :].tolist())
    assert len(left & right) >= 2
    assert (strokes.axis[list(left & right)] == ALONG).any(), "the touchlines run through both pictures"


def test_too_few_lines_are_none():
    stand = true_stand()
    bare = np.full(SIZE[::-1], 100, np.uint8)
    assert len(swept_strokes(stand, evidence((bare, bare)), 1.0)) == 0
