"""The field is found where it is, to within a stated error; and where there is none, that is said."""

from __future__ import annotations

import math
from functools import lru_cache

import cv2
import numpy as np
import pytest

from touchline.errors import FieldError, RigError
from touchline.geometry import FieldOutline, Rig, angles_to_rays, fit_panorama, rays_to_angles
from touchline.gst.nv12 import Nv12
from touchline.panorama.field_finder import bounding, find_field, looked_at
from touchline.panorama.field_lines import GroundLine, ground_lines, line_pixels
from touchline.panorama.field_picture import draw_field
from touchline.synth import SyntheticMatch
from touchline.synth.pitch import GRASS_X, GRASS_Y, HALF_LENGTH, HALF_WIDTH, world_to_rig

Pair = tuple[np.ndarray, np.ndarray]


def true_field(x: float = HALF_LENGTH, y: float = HALF_WIDTH) -> FieldOutline:
    corners = [(across * x, along * y, 0.0) for across, along in ((-1, -1), (-1, 1), (1, 1), (1, -1))]
    yaw, pitch = rays_to_angles(world_to_rig(np.array(corners)))
    return FieldOutline(tuple(zip(np.degrees(yaw).tolist(), np.degrees(pitch).tolist(), strict=True)))


@lru_cache(maxsize=1)
def stills(seed: int) -> tuple[Rig, tuple[Pair, ...]]:
    match = SyntheticMatch(seed)
    made = []
    for index in range(0, 7 * 45, 45):
        left, right = Nv12.empty(*match.size), Nv12.empty(*match.size)
        match.draw(index, left, right)
        made.append(
            tuple(cv2.cvtColorTwoPlane(one.y, one.uv, cv2.COLOR_YUV2BGR_NV12) for one in (left, right))
        )
    return match.rig, tuple(made)


def overlap_over_union(
    rig: Rig, points: tuple[tuple[float, float], ...], true_outline: FieldOutline
) -> float:
    panorama = fit_panorama(rig)
    found, true = FieldOutline(points).mask(panorama), true_outline.mask(panorama)
    return float((found & true).sum() / (found | true).sum())


def test_the_field_of_the_synthetic_match() -> None:
    rig, pairs = stills(6)
    points = find_field(rig, pairs)
    assert overlap_over_union(rig, points, true_field()) >= 0.95
    assert len(points) <= 24


@pytest.mark.slow
def test_the_same_pictures_give_the_same_field() -> None:
    rig, pairs = stills(6)
    assert find_field(rig, pairs) == find_field(rig, pairs)


@pytest.mark.slow
def test_without_lines_the_field_is_the_grass() -> None:
    """The lines painted over: the outline is that of the grass, some metres further out."""
    rig, pairs = stills(6)
    painted = []
    for pair in pairs:
        images = []
        for image in pair:
            green = image.copy()
            kernel = np.ones((9, 9), np.uint8)
            green[:] = np.where(
                _is_green(cv2.morphologyEx(image, cv2.MORPH_OPEN, kernel))[..., None],
                cv2.morphologyEx(image, cv2.MORPH_OPEN, kernel),
                image,
            )
            images.append(green)
        painted.append(tuple(images))
    points = find_field(rig, painted)
    assert overlap_over_union(rig, points, true_field(GRASS_X, GRASS_Y)) > 0.93
    assert overlap_over_union(rig, points, true_field()) < 0.9


def _is_green(image: np.ndarray) -> np.ndarray:
    blue, green, red = (image[..., k].astype(int) for k in range(3))
    return (green > red + 10) & (green > blue + 15)


@pytest.mark.slow
def test_no_field_is_refused() -> None:
    rig, pairs = stills(6)
    grey = [tuple(np.full_like(image, 120) for image in pairs[0])] * 5
    with pytest.raises(FieldError, match=r"no field found .*: draw it"):
        find_field(rig, grey)
    squares = np.random.default_rng(5).integers(0, 255, (45, 80, 3), dtype=np.uint8)
    confetti = [
        tuple(cv2.resize(squares, image.shape[1::-1], interpolation=cv2.INTER_NEAREST) for image in pairs[0])
    ] * 5
    with pytest.raises(FieldError, match="no field found"):
        find_field(rig, confetti)
    with pytest.raises(FieldError, match="no pictures"):
        find_field(rig, [])


def test_pictures_of_another_size_are_refused() -> None:
    rig, pairs = stills(6)
    small = [tuple(cv2.resize(image, (640, 360)) for image in pairs[0])]
    with pytest.raises(RigError, match="other cameras"):
        find_field(rig, small)


def test_a_line_on_the_ground_is_a_great_circle() -> None:
    """Two lines among as many pixels that lie anywhere: both are found, and how much of them is white."""
    rng = np.random.default_rng(4)
    x = np.linspace(-50, 50, 800)
    far = world_to_rig(np.stack([x, np.full(800, 30.0), np.zeros(800)], axis=-1))
    y = np.linspace(-20, 20, 400)
    side = world_to_rig(np.stack([np.full(400, 40.0), y, np.zeros(400)], axis=-1))
    stray = angles_to_rays(rng.uniform(-1.2, 1.2, 1000), rng.uniform(-0.5, -0.1, 1000))
    rays = np.concatenate([far, side, stray])
    rays /= np.linalg.norm(rays, axis=1, keepdims=True)
    gx, gy = np.meshgrid(np.linspace(-50, 50, 150), np.linspace(-34, 34, 100))
    ground = world_to_rig(np.stack([gx, gy, 0 * gx], axis=-1)).reshape(-1, 3)
    ground /= np.linalg.norm(ground, axis=1, keepdims=True)
    lines = ground_lines(rays, ground)
    for true, filled in ((far, 0.9), (side, 0.35)):
        pole = np.cross(true[0], true[-1])
        pole /= np.linalg.norm(pole)
        best = max(lines, key=lambda line: abs(float(line.pole @ pole)))
        assert math.degrees(math.acos(min(1.0, abs(float(best.pole @ pole))))) < 0.1
        assert best.filled > filled
    assert [line.pole.tolist() for line in ground_lines(rays, ground)] == [
        line.pole.tolist() for line in lines
    ]


def test_a_line_through_the_middle_bounds_nothing() -> None:
    ground = angles_to_rays(*np.meshgrid(np.linspace(-1, 1, 40), np.linspace(-0.5, -0.1, 20))).reshape(-1, 3)
    halfway = GroundLine(np.array([1.0, 0.0, 0.0]), 1.0)
    edge = angles_to_rays(0.9, 0.0)
    aside = GroundLine(np.array([edge[2], 0.0, -edge[0]]), 0.9)
    broken = GroundLine(aside.pole, 0.4)
    poles = bounding([halfway, aside, broken], ground)
    assert len(poles) == 1
    assert (ground @ poles[0] > 0).mean() > 0.9


def test_thin_and_bright_is_a_line() -> None:
    picture = np.full((100, 200), 90, np.uint8)
    picture[50:52, 20:180] = 200
    picture[10:90, 100] = 180
    picture[70:95, 120:180] = 200  # a bright area
    where = line_pixels(picture, np.ones_like(picture, dtype=bool))
    assert where[50:52, 25:95].any(axis=0).all()
    assert where[15:45, 100].all()
    assert not where[78:88, 130:170].any()
    assert not line_pixels(picture, np.zeros_like(picture, dtype=bool)).any()


def test_the_picture_shows_the_outline() -> None:
    panorama, _ = looked_at(stills(6)[0])
    plain = np.full((panorama.height, panorama.width, 3), 100, np.uint8)
    drawn = draw_field(panorama, plain, true_field())
    x, y = panorama.angles_to_pixels(*rays_to_angles(world_to_rig((0.0, HALF_WIDTH, 0.0))))
    assert drawn[round(float(y)), round(float(x))].tolist() == [40, 210, 255]
    middle = panorama.angles_to_pixels(*rays_to_angles(world_to_rig((10.0, 10.0, 0.0))))
    assert drawn[round(float(middle[1])), round(float(middle[0]))].tolist() == [100, 100, 100]
    assert drawn[2, 2].tolist() == [55, 55, 55]
