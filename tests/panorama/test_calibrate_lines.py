"""Straight things in pictures: how exactly they are placed, and which way they run."""

from __future__ import annotations

import warnings

import cv2
import numpy as np
import pytest
from pitch_lines import true_stand

from touchline.panorama.calibrate_lines import Segments, _traced, find_segments
from touchline.panorama.calibrate_square import (
    ACROSS,
    ALONG,
    NONE,
    UPRIGHT,
    bundle,
    directions,
    find_square,
    plane_normals,
)

SHAPE = (360, 640)


def painted(width: float, *, lean: float = 0.12, bow: float = 0.0, contrast: float = 90.0) -> np.ndarray:
    """A bright line of that width, pixels, through the middle, drawn with 8x8 samples per pixel, and blurred."""
    over = 8
    y, x = np.mgrid[0 : SHAPE[0] * over, 0 : SHAPE[1] * over]
    x, y = (x + 0.5) / over - 0.5, (y + 0.5) / over - 0.5
    away = (y - centre_of(x, lean, bow)) / np.hypot(1, lean)
    level = 80.0 + contrast * (np.abs(away) < width / 2)
    small = level.reshape(SHAPE[0], over, SHAPE[1], over).mean(axis=(1, 3))
    noisy = cv2.GaussianBlur(small, (0, 0), 0.6) + np.random.default_rng(1).normal(0, 1.0, SHAPE)
    return np.clip(np.rint(noisy), 0, 255).astype(np.uint8)


def centre_of(x: np.ndarray, lean: float, bow: float) -> np.ndarray:
    return SHAPE[0] / 2 + lean * (x - SHAPE[1] / 2) + bow * ((x - SHAPE[1] / 2) / SHAPE[1]) ** 2


@pytest.mark.parametrize("width", [0.8, 1.5, 3.0])
@pytest.mark.parametrize("bow", [0.0, 12.0])
def test_a_painted_line_is_found_in_its_middle(width, bow):
    """Also where a lens bends it; and once, although it has two slopes."""
    found = find_segments(painted(width, bow=bow, contrast=90 if width > 1 else 140))
    assert len(found) >= 1
    assert found.painted.all()
    off = found.points[:, 1] - centre_of(found.points[:, 0], 0.12, bow)
    assert np.abs(off).max() < 0.25
    assert np.abs(off.mean()) < 0.05
    columns = np.sort(np.floor(found.points[:, 0] / 8))
    assert np.mean(np.diff(columns) == 0) < 0.15, "found twice"


def test_a_wide_stripe_is_two_edges():
    found = find_segments(painted(24.0))
    assert not found.painted.any()
    off = found.points[:, 1] - centre_of(found.points[:, 0], 0.12, 0.0)
    across = np.abs(off) / np.hypot(1, 0.12)
    assert np.abs(across - 12).max() < 0.4
    assert (off > 0).any()
    assert (off < 0).any()


def test_a_segment_whose_stations_do_not_agree_is_left_out():
    """Stations that lie off their common curve were all dropped, and the next curve was drawn through none or two."""
    count = 20
    places = np.column_stack([np.arange(count) * 4.0 + 20, np.full(count, 50.0)])
    across = np.tile([0.0, 1.0], (count, 1))
    occupied = np.full((200, 200), np.nan, np.float32)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for stray in (np.where(np.arange(count) % 2, 1.0, -1.0), np.r_[[0.0, 0.0], np.tile([1.2, -1.2], 9)]):
            assert _traced(places, across, stray, np.ones(count, np.bool_), occupied) is None
        traced = _traced(places, across, np.full(count, 0.5), np.ones(count, np.bool_), occupied)
    assert traced is not None
    assert traced[0][:, 1] == pytest.approx(50.5)


def test_nothing_straight():
    assert len(find_segments(np.full(SHAPE, 90, np.uint8))) == 0
    noise = np.random.default_rng(0).integers(0, 255, SHAPE).astype(np.uint8)
    assert len(find_segments(noise)) < 5


def test_large_pictures_are_searched_at_half_size():
    small = painted(3.0)
    large = cv2.resize(small, None, fx=4, fy=4, interpolation=cv2.INTER_LINEAR)
    found = find_segments(large)
    off = (found.points[:, 1] + 0.5) / 4 - 0.5 - centre_of((found.points[:, 0] + 0.5) / 4 - 0.5, 0.12, 0.0)
    assert np.abs(off - off.mean()).max() < 0.3


def straight_pieces(stand, rng, count_wild):
    """Short pieces of lines along the world's axes as each camera sees them, and wild ones."""
    turned = stand.axes
    pieces, axes = [], []
    for lens, camera in zip(stand.lenses, stand.turns, strict=True):
        points, owner, lengths = [], [], []
        while len(lengths) < 60 + count_wild:
            place = rng.uniform((60, 60), (1220, 660))
            ray = (lens.rays(place[None]) @ camera)[0]
            axis = int(rng.integers(0, 3)) if len(lengths) < 60 else NONE
            direction = turned[axis] if axis != NONE else rng.normal(0, 1, 3)
            beside = ray + np.linspace(-0.06, 0.06, 7)[:, None] * direction
            pixels = lens.pixels(beside @ camera.T)
            if np.linalg.norm(pixels[-1] - pixels[0]) < 40:
                continue
            points.append(pixels + rng.normal(0, 0.1, pixels.shape))
            owner.append(np.full(7, len(lengths)))
            lengths.append(float(np.linalg.norm(pixels[-1] - pixels[0])))
            axes.append(axis)
        pieces.append(
            Segments(np.vstack(points), np.concatenate(owner), np.array(lengths), np.ones(len(lengths), bool))
        )
    return (pieces[0], pieces[1]), np.array(axes)


def test_the_worlds_axes_are_found_among_wild_lines():
    rng = np.random.default_rng(2)
    stand = true_stand(heading=0.25)
    pieces, axes = straight_pieces(stand, rng, 30)
    lines = bundle(pieces, stand.lenses, stand.turns)
    found = find_square(lines, stand.turns, 1280, 3.0)
    assert found is not None
    for axis in (ALONG, ACROSS, UPRIGHT):
        assert np.degrees(np.arccos(abs(found[axis] @ stand.axes[axis]))) < 1.0
    assert found[UPRIGHT] @ stand.axes[UPRIGHT] > 0
    sorted_into = directions(lines, stand.axes, 1.0)
    known = sorted_into[axes != NONE]
    assert np.mean(known == axes[axes != NONE]) > 0.8
    assert np.mean(known[known != NONE] == axes[axes != NONE][known != NONE]) > 0.98
    assert np.mean(sorted_into[axes == NONE] == NONE) > 0.7


def test_wild_lines_alone_are_no_field():
    rng = np.random.default_rng(3)
    stand = true_stand()
    pieces, axes = straight_pieces(stand, rng, 60)
    kept = []
    for piece, mine in zip(pieces, np.split(axes, 2), strict=True):
        wild = np.nonzero(mine == NONE)[0]
        points = np.isin(piece.owner, wild)
        kept.append(
            Segments(
                piece.points[points],
                np.searchsorted(wild, piece.owner[points]),
                piece.lengths[wild],
                piece.painted[wild],
            )
        )
    lines = bundle((kept[0], kept[1]), stand.lenses, stand.turns)
    assert find_square(lines, stand.turns, 1280, 1.0) is None


def test_plane_normals():
    rng = np.random.default_rng(0)
    normals = rng.normal(0, 1, (5, 3))
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    owner = np.repeat(np.arange(5), 8)
    rays = np.cross(normals[owner], rng.normal(0, 1, (40, 3)))
    found = plane_normals(rays, owner, 5)
    assert np.allclose(np.abs(np.sum(found * normals, axis=1)), 1, atol=1e-9)
