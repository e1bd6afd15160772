"""Directions and rotations keep their conventions and come back unchanged."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from touchline.geometry import angles_to_rays, rays_to_angles, rotation_from_angles, rotation_to_angles

turns = st.floats(-math.pi + 1e-6, math.pi - 1e-6)
tilts = st.floats(-1.55, 1.55)


@pytest.mark.parametrize(
    ("yaw", "pitch", "ray"),
    [
        (0, 0, (0, 0, 1)),
        (math.pi / 2, 0, (1, 0, 0)),  # yaw is positive to the right
        (0, math.pi / 2, (0, -1, 0)),  # pitch is positive upwards, and Y points down
        (math.pi, 0, (0, 0, -1)),
    ],
)
def test_axes(yaw: float, pitch: float, ray: tuple[float, float, float]) -> None:
    assert angles_to_rays(yaw, pitch) == pytest.approx(np.array(ray), abs=1e-15)


@given(yaw=turns, pitch=tilts, length=st.floats(1e-3, 1e3))
def test_angles_come_back_from_rays_of_any_length(yaw: float, pitch: float, length: float) -> None:
    ray = angles_to_rays(yaw, pitch)
    assert np.linalg.norm(ray) == pytest.approx(1)
    back = rays_to_angles(ray * length)
    assert (float(back[0]), float(back[1])) == pytest.approx((yaw, pitch), abs=1e-9)


def test_shapes_broadcast() -> None:
    rays = angles_to_rays(np.zeros((1, 5)), np.zeros((3, 1)))
    assert rays.shape == (3, 5, 3)
    assert rays_to_angles(rays)[0].shape == (3, 5)


@given(yaw=turns, pitch=tilts, roll=turns)
def test_rotations_come_back(yaw: float, pitch: float, roll: float) -> None:
    rotation = rotation_from_angles(yaw, pitch, roll)
    assert rotation @ rotation.T == pytest.approx(np.eye(3), abs=1e-12)
    assert np.linalg.det(rotation) == pytest.approx(1)
    assert rotation_from_angles(*rotation_to_angles(rotation)) == pytest.approx(rotation, abs=1e-9)
    assert rotation_to_angles(rotation) == pytest.approx((yaw, pitch, roll), abs=1e-7)


@given(yaw=turns, pitch=tilts, roll=turns)
def test_the_axis_looks_where_the_angles_say(yaw: float, pitch: float, roll: float) -> None:
    axis = rotation_from_angles(yaw, pitch, roll).T @ [0, 0, 1]
    assert axis == pytest.approx(angles_to_rays(yaw, pitch), abs=1e-12)


def test_a_camera_rolled_clockwise_sees_the_right_hand_side_of_a_level_line_rise() -> None:
    to_camera = rotation_from_angles(0, 0, math.radians(10))
    right_hand_side = to_camera @ angles_to_rays(math.radians(20), 0)
    assert right_hand_side[1] < 0
