"""Places on the ground, against the synthetic match's own world."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from touchline.geometry import FieldOutline, rays_to_angles, rotation_from_angles
from touchline.geometry.ground import Ground
from touchline.synth.pitch import EYE, HALF_LENGTH, HALF_WIDTH, world_to_rig

CORNERS = ((-1, -1), (1, -1), (1, 1), (-1, 1))
PLACES = np.array([(x, y) for x in (-52.5, -20, 0, 33, 52.5) for y in (-34, -5, 0, 34)], dtype=np.float64)


def outline(turned: np.ndarray | None = None, order: list[int] | None = None) -> FieldOutline:
    """The synthetic field's, as a rig sees it that is turned by a rotation."""
    corners = np.array([(x * HALF_LENGTH, y * HALF_WIDTH, 0.0) for x, y in CORNERS])
    rays = world_to_rig(corners) @ (np.eye(3) if turned is None else turned).T
    yaw, pitch = (np.degrees(a) for a in rays_to_angles(rays))
    points = list(zip(yaw.tolist(), pitch.tolist(), strict=True))
    return FieldOutline(tuple(points[k] for k in order or range(4)))


def world_rays(places: np.ndarray, up: float = 0.0) -> np.ndarray:
    rays = world_to_rig(np.column_stack([places, np.full(len(places), up)]))
    return np.asarray(rays / np.linalg.norm(rays, axis=1, keepdims=True))


@pytest.mark.parametrize("order", [[0, 1, 2, 3], [2, 3, 0, 1], [3, 2, 1, 0], [1, 0, 3, 2]])
def test_four_corners_and_a_size_give_every_place(order: list[int]) -> None:
    ground = Ground.of_outline(outline(order=order), length_m=105, width_m=68)
    assert ground.places(world_rays(PLACES)) == pytest.approx(PLACES, abs=1e-6)
    assert ground.eye == pytest.approx(np.array(EYE), abs=1e-6)


def test_four_corners_and_a_size_need_no_level_rig() -> None:
    tilt = rotation_from_angles(0.1, 0.04, 0.03)
    ground = Ground.of_outline(outline(tilt), length_m=105, width_m=68)
    assert ground.places(world_rays(PLACES) @ tilt.T) == pytest.approx(PLACES, abs=1e-6)
    assert ground.rays(PLACES, 1.8) == pytest.approx(world_rays(PLACES, 1.8) @ tilt.T, abs=1e-9)


@pytest.mark.parametrize("yaw", [0.0, 0.2, -0.3])
def test_the_height_does_where_the_rig_is_level(yaw: float) -> None:
    turned = rotation_from_angles(yaw, 0, 0)
    ground = Ground.of_outline(outline(turned), height_m=EYE[2])
    assert ground.places(world_rays(PLACES) @ turned.T) == pytest.approx(PLACES, abs=1e-6)


def test_an_outline_of_many_corners_is_a_rectangle_too() -> None:
    """A side that is bent by a corner too many, and one that is cut off by the panorama's edge."""
    points = list(outline().points)
    rays = world_rays(np.array([(0.0, -34.0), (52.5, 30.0), (49.0, 34.0)]))
    between, *cut = (
        (float(y), float(p)) for y, p in zip(*(np.degrees(a) for a in rays_to_angles(rays)), strict=True)
    )
    field = FieldOutline((points[0], between, points[1], *cut, points[3]))
    ground = Ground.of_outline(field, length_m=105, width_m=68)
    assert ground.places(world_rays(PLACES)) == pytest.approx(PLACES, abs=1e-6)
    assert ground.eye[2] == pytest.approx(10)


def test_a_mast_behind_a_goal_sees_touchlines_that_lead_away() -> None:
    quarter = np.array([[0, 1], [-1, 0]])  # the world as seen by who stands 20 m behind a goal
    corners = np.array([(x * HALF_LENGTH, y * HALF_WIDTH) for x, y in CORNERS]) @ quarter.T
    level = Ground.below_mast(10, (0.0, -72.5))
    yaw, pitch = (np.degrees(a) for a in rays_to_angles(level.rays(corners)))
    ground = Ground.of_outline(
        FieldOutline(tuple(zip(yaw.tolist(), pitch.tolist(), strict=True))), length_m=105, width_m=68
    )
    assert np.abs(ground.eye) == pytest.approx([72.5, 0, 10], abs=1e-6)


@given(
    st.floats(0.6, 80), st.floats(-100, 100), st.floats(-90, -1), st.floats(-180, 180), st.floats(-60, 60),
    st.floats(0, 60),
)  # fmt: skip
def test_there_and_back(height: float, x: float, y: float, ahead: float, at_x: float, at_y: float) -> None:
    ground = Ground.below_mast(height, (x, y), ahead)
    assert ground.eye == pytest.approx([x, y, height], abs=1e-6)
    yaw, pitch = ground.direction_of((at_x, at_y))
    back = ground.place_of(yaw, pitch)
    if -pitch > 0.06:
        assert back == pytest.approx((at_x, at_y), rel=1e-6, abs=1e-6)
    # What is above a place is seen in the same upright plane, higher up.
    above = ground.direction_of((at_x, at_y), height / 2)
    assert above[0] == pytest.approx(yaw, abs=1e-6)
    assert above[1] > pitch


def test_nothing_is_above_the_horizon() -> None:
    ground = Ground.below_mast(8)
    assert ground.place_of(10, 0) is None
    assert ground.place_of(10, 40) is None
    places = ground.places(np.array([[0, 0.5, math.sqrt(0.75)], [0, -0.5, math.sqrt(0.75)]]))
    assert np.isfinite(places[0]).all()
    assert np.isnan(places[1]).all()


@pytest.mark.parametrize(
    ("sizes", "word"),
    [
        ({"length_m": 105}, "both"),
        ({}, "height"),
        ({"height_m": -1}, "above zero"),
        ({"height_m": 500}, "0.5 to 200"),
    ],
)
def test_what_makes_no_ground_is_refused(sizes: dict[str, float], word: str) -> None:
    with pytest.raises(ValueError, match=word):
        Ground.of_outline(outline(), **sizes)


def test_a_corner_at_the_horizon_is_refused() -> None:
    with pytest.raises(ValueError, match="horizon"):
        Ground.of_outline(FieldOutline(((-40, -20), (40, -20), (30, 0.1))), height_m=10)


def test_a_matrix_that_is_no_ground_is_refused() -> None:
    with pytest.raises(ValueError, match="inverted"):
        Ground(np.ones((3, 3)))
    with pytest.raises(ValueError, match="finite"):
        Ground(np.full((3, 3), np.nan))
    with pytest.raises(ValueError, match="above the ground"):
        Ground(Ground.below_mast(8).matrix * np.array([[1], [1], [-1]]))
