"""Cameras agree with OpenCV, and looking back along a pixel's ray ends at that pixel."""

from __future__ import annotations

import math
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from touchline.geometry import Camera, Distortion, angles_to_rays

SMALL = st.floats(-1e-3, 1e-3)


@st.composite
def lenses(draw: st.DrawFn) -> Distortion:
    if draw(st.booleans()):
        k = (draw(st.floats(-0.35, 0.1)), draw(st.floats(-0.05, 0.15)))
        return Distortion("brown", (*k, draw(SMALL), draw(SMALL), draw(st.floats(-0.02, 0.02))))
    return Distortion("fisheye", tuple(draw(st.floats(-0.03, 0.03)) for _ in range(4)))


@st.composite
def cameras(draw: st.DrawFn) -> Camera:
    lens = draw(lenses())
    width, height = draw(st.sampled_from([(640, 480), (1280, 720), (720, 1280), (1920, 1080)]))
    fov = draw(st.floats(20, 100 if lens.model == "brown" else 190))
    # A lens is plausible if even the corners of its picture lie short of the fold.
    half = math.radians(fov) / 2
    reach = lens.radial(half if lens.model == "fisheye" else math.tan(half))
    assume(half < lens.limit and reach > 0)
    corner = float(reach) * math.hypot(width, height) / width * 1.02
    top = lens.radial(lens.limit if lens.model == "fisheye" else math.tan(lens.limit))
    assume(corner < 0.95 * top)
    centred = Camera.from_fov(width, height, fov, lens)
    return Camera(
        width,
        height,
        centred.fx,
        centred.fy * draw(st.floats(0.98, 1.02)),
        centred.cx + draw(st.floats(-5, 5)),
        centred.cy + draw(st.floats(-5, 5)),
        lens,
        draw(st.floats(-170, 170)),
        draw(st.floats(-60, 60)),
        draw(st.floats(-30, 30)),
    )


def opencv_project(camera: Camera, rays: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    # cv2.Rodrigues loses half the digits of a rotation that is nearly none.
    rotation = Rotation.from_matrix(camera.rotation).as_rotvec()
    coefficients = np.array(camera.distortion.coefficients)
    points = np.ascontiguousarray(rays.reshape(-1, 1, 3))
    if camera.distortion.model == "brown":
        pixels, _ = cv2.projectPoints(points, rotation, np.zeros(3), camera.matrix, coefficients)
    else:
        pixels, _ = cv2.fisheye.projectPoints(points, rotation, np.zeros(3), camera.matrix, coefficients)
    return pixels.reshape(-1, 2)


@settings(max_examples=60, deadline=None)
@given(camera=cameras(), seed=st.integers(0, 2**32 - 1))
def test_project_agrees_with_opencv(camera: Camera, seed: int) -> None:
    rng = np.random.default_rng(seed)
    # Directions all about the optical axis; OpenCV's models stop short of 180 degrees across.
    spread = min(camera.distortion.limit, math.radians(85)) * 0.98
    off, around = rng.uniform(0, spread, 200), rng.uniform(0, 2 * math.pi, 200)
    local = np.stack([np.sin(off) * np.cos(around), np.sin(off) * np.sin(around), np.cos(off)], axis=-1)
    rays = local @ camera.rotation * rng.uniform(0.5, 50, (200, 1))
    ours, seen = camera.project(rays)
    theirs = opencv_project(camera, rays)
    assert ours == pytest.approx(theirs, abs=1e-6, rel=1e-9)
    low, high = np.array([-0.5, -0.5]), np.array([camera.width - 0.5, camera.height - 0.5])
    assert np.array_equal(seen, np.all((theirs >= low) & (theirs <= high), axis=-1))


@settings(max_examples=60, deadline=None)
@given(camera=cameras())
def test_unproject_is_the_inverse_over_the_picture(camera: Camera) -> None:
    x, y = np.meshgrid(np.linspace(0, camera.width - 1, 23), np.linspace(0, camera.height - 1, 17))
    pixels = np.stack([x, y], axis=-1)
    rays = camera.unproject(pixels)
    assert np.linalg.norm(rays, axis=-1) == pytest.approx(np.ones((17, 23)))
    back, seen = camera.project(rays)
    assert seen.all()
    assert np.abs(back - pixels).max() < 1e-6


@pytest.mark.parametrize("model", ["brown", "fisheye"])
def test_nothing_behind_the_camera_is_seen(model: Any) -> None:
    camera = Camera.from_fov(640, 480, 80, Distortion(model), yaw_deg=30.0)
    yaw = np.radians(np.linspace(30 + 91, 30 + 269, 50))
    assert not camera.project(angles_to_rays(yaw, 0.0))[1].any()
    assert not camera.project([0.0, 0.0, 0.0])[1]


def test_a_lens_that_folds_shows_nothing_twice() -> None:
    """A polynomial with k1 < 0 comes back towards the centre: those directions must not be seen."""
    lens = Distortion("brown", (-0.4,))
    camera = Camera(1000, 1000, 300, 300, 499.5, 499.5, lens)
    off = np.linspace(0, math.radians(89.9), 3000)
    pixels, seen = camera.project(angles_to_rays(off, 0.0))
    assert seen[0]
    assert not seen[-1]
    assert np.all(np.diff(pixels[seen, 0]) > 0)
    assert lens.limit == pytest.approx(math.atan(math.sqrt(1 / 1.2)), abs=2e-3)


@pytest.mark.parametrize(
    ("model", "fov"), [("brown", 60), ("brown", 110), ("fisheye", 120), ("fisheye", 220)]
)
def test_from_fov_sees_that_much(model: Any, fov: float) -> None:
    camera = Camera.from_fov(1920, 1080, fov, Distortion(model, (0.01,)), yaw_deg=-40.0, roll_deg=3.0)
    assert camera.horizontal_fov_deg == pytest.approx(fov, abs=1e-6)


def test_from_fov_refuses_what_the_lens_cannot_see() -> None:
    with pytest.raises(ValueError, match="folds at 42"):
        Camera.from_fov(1920, 1080, 100, Distortion("brown", (-0.4,)))
    with pytest.raises(ValueError, match="can't see 0 degrees"):
        Camera.from_fov(1920, 1080, 0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("pinhole",), "unknown lens model 'pinhole'"),
        (("brown", (0.0,) * 6), "5 coefficients, not 6"),
        (("fisheye", (0.0,) * 5), "4 coefficients, not 5"),
        (("brown", (math.nan,)), "finite"),
    ],
)
def test_impossible_lenses_are_refused(arguments: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Distortion(*arguments)


@pytest.mark.parametrize(
    "numbers", [(0, 480, 500, 500, 1, 1), (640, -2, 500, 500, 1, 1), (640, 480, 0, 500, 1, 1)]
)
def test_impossible_cameras_are_refused(numbers: Any) -> None:
    with pytest.raises(ValueError, match="above zero"):
        Camera(*numbers)
    with pytest.raises(ValueError, match="finite"):
        Camera(640, 480, 500, 500, math.inf, 1)


@given(camera=cameras())
def test_a_rotation_matrix_comes_back_as_angles(camera: Camera) -> None:
    turned = Camera.from_fov(640, 480, 60).rotated(camera.rotation)
    assert turned.rotation == pytest.approx(camera.rotation, abs=1e-9)
    assert (turned.yaw_deg, turned.pitch_deg) == pytest.approx((camera.yaw_deg, camera.pitch_deg), abs=1e-6)
