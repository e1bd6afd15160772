"""What the GPU finds of the cameras' difference: what the processor finds."""

from __future__ import annotations

import numpy as np
import pytest
from cuda_on_host import host_difference
from nv12_reference import noise

from touchline.geometry import Camera, Rig, fit_panorama
from touchline.gst.nv12 import Nv12
from touchline.panorama.gain import Difference, Gain, difference_of
from touchline.panorama.plane_kernels import sample_points
from touchline.panorama.warp import picture_of

RIG = Rig(
    (
        Camera.from_fov(320, 180, 80, yaw_deg=-30, pitch_deg=-5),
        Camera.from_fov(336, 188, 80, yaw_deg=30, pitch_deg=-5),
    )
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Where the kernel is compiled, once."""
    return tmp_path_factory.mktemp("kernel")


def _on_processor(left: Nv12, right: Nv12, points: tuple[np.ndarray, np.ndarray]) -> Difference | None:
    samples = np.zeros((len(points[0]), 6), np.int32)
    sample_points(picture_of(left), picture_of(right), *points, samples)
    return difference_of(samples)


def _pair(seed: int, brighter: int, redder: int) -> tuple[Nv12, Nv12]:
    """Two pictures of noise, of which the right one is brighter and redder; and some that agree with nobody."""
    left, right = (noise(camera.width, camera.height, seed + n) for n, camera in enumerate(RIG.cameras))
    random = np.random.default_rng(seed)
    for picture, more, red in ((left, 0, 0), (right, brighter, redder)):
        picture.y[:] = 90 + random.integers(0, 5, picture.y.shape) + more
        picture.uv[:] = 120 + random.integers(0, 4, picture.uv.shape)
        picture.uv[..., 1] += np.uint8(red)
        picture.y[60:80, 100:140] = 200  # a player
    return left, right


@pytest.mark.parametrize(("brighter", "redder"), [(0, 0), (12, 3), (40, 0), (-20, 6)])
@pytest.mark.parametrize("count", [1500, 101])
def test_the_difference_is_that_of_the_processor(folder, brighter, redder, count):
    points = tuple(some[:count] for some in Gain(RIG, fit_panorama(RIG)).points)
    left, right = _pair(count, brighter, redder)
    wanted, made = _on_processor(left, right, points), host_difference(folder, left, right, points)
    assert wanted is not None
    assert made is not None
    assert made.log_gain == pytest.approx(wanted.log_gain, abs=1e-9)
    assert (made.tint_u, made.tint_v) == pytest.approx((wanted.tint_u, wanted.tint_v), abs=1e-9)
    assert np.sign(made.log_gain) == np.sign(brighter) or abs(made.log_gain) < 0.01


def test_noise_tells_the_same_on_both(folder):
    points = Gain(RIG, fit_panorama(RIG)).points
    for seed in range(3):
        left, right = (
            noise(camera.width, camera.height, 9 * seed + n) for n, camera in enumerate(RIG.cameras)
        )
        wanted, made = _on_processor(left, right, points), host_difference(folder, left, right, points)
        assert wanted is not None
        assert made is not None
        assert np.allclose(vars_of(made), vars_of(wanted), atol=1e-9)


@pytest.mark.parametrize("level", [16, 30, 235])
def test_pictures_that_are_too_dark_or_too_bright_tell_nothing(folder, level):
    points = Gain(RIG, fit_panorama(RIG)).points
    left, right = (Nv12.empty(camera.width, camera.height) for camera in RIG.cameras)
    for picture in (left, right):
        picture.fill(level, 128, 128)
    assert _on_processor(left, right, points) is None
    assert host_difference(folder, left, right, points) is None


def test_a_hundred_points_must_tell_something(folder):
    points = tuple(some[:99] for some in Gain(RIG, fit_panorama(RIG)).points)
    left, right = _pair(5, 10, 0)
    assert _on_processor(left, right, points) is None
    assert host_difference(folder, left, right, points) is None


def vars_of(difference: Difference) -> tuple[float, float, float]:
    return difference.log_gain, difference.tint_u, difference.tint_v
