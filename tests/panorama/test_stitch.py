"""The stitched picture, pixel by pixel, against a float64 reference that shares no code with the kernels."""

from __future__ import annotations

import numpy as np
import pytest

from touchline.geometry import Camera, Distortion, Panorama, Rig, fit_panorama
from touchline.gst.nv12 import Nv12
from touchline.panorama.stitch import CpuStitcher
from touchline.panorama.warp import plan_stitch
from touchline.panorama.workers import Workers

LENS = Distortion("brown", (-0.12, 0.01, 0.001, -0.001))


def two_cameras(width: int = 320, height: int = 180, fov: float = 95.0, lens: Distortion = LENS) -> Rig:
    return Rig(
        (
            Camera.from_fov(width, height, fov, lens, yaw_deg=-38, pitch_deg=-9, roll_deg=1.5),
            Camera.from_fov(width + 16, height + 8, fov, lens, yaw_deg=37, pitch_deg=-8, roll_deg=-1),
        )
    )


def texture(width: int, height: int, seed: int, pad: int = 0) -> Nv12:
    """Smooth noise that uses the whole range of levels; rows padded by ``pad`` bytes."""
    rng = np.random.default_rng(seed)
    picture = Nv12.over(
        np.zeros((width + pad) * height * 3 // 2, np.uint8),
        width,
        height,
        (width + pad, width + pad),
        (0, (width + pad) * height),
    )
    for plane, channels in ((picture.y, 1), (picture.uv, 2)):
        rows, columns = plane.shape[:2]
        y, x = np.mgrid[0:rows, 0:columns]
        for channel in range(channels):
            level = np.zeros((rows, columns))
            for _ in range(6):
                fx, fy, phase = rng.uniform(-0.4, 0.4, 2).tolist() + [rng.uniform(0, 6)]
                level += np.sin(fx * x + fy * y + phase)
            level = np.clip(128 + 40 * level, 0, 255)
            plane[...] = np.rint(level).reshape(plane.shape) if channels == 1 else plane
            if channels == 2:
                plane[..., channel] = np.rint(level)
    return picture


def bilinear(plane: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Exact bilinear values of a plane at float positions, the edge repeated outside."""
    height, width = plane.shape
    x, y = np.clip(x, 0, width - 1), np.clip(y, 0, height - 1)
    left, top = np.minimum(x.astype(int), width - 2), np.minimum(y.astype(int), height - 2)
    fx, fy = x - left, y - top
    value = plane.astype(np.float64)
    upper = value[top, left] * (1 - fx) + value[top, left + 1] * fx
    lower = value[top + 1, left] * (1 - fx) + value[top + 1, left + 1] * fx
    return upper * (1 - fy) + lower * fy


def reference(rig: Rig, panorama: Panorama, left: Nv12, right: Nv12, shares: np.ndarray) -> list[np.ndarray]:
    """Y, U and V of the panorama in float64; ``shares``: the right picture's share at the block corners."""
    planes = []
    for which in range(3):
        step, shift = (1, 0.0) if which == 0 else (2, 0.5)
        x = np.arange(0, panorama.width, step) + shift
        y = np.arange(0, panorama.height, step)[:, None] + shift
        rays = panorama.rays(x, y)
        values = []
        for camera, picture in ((rig.left, left), (rig.right, right)):
            places, _ = camera.project(rays)
            plane = picture.y if which == 0 else picture.uv[..., which - 1]
            places = places if which == 0 else (places - 0.5) / 2
            values.append(bilinear(plane, places[..., 0], places[..., 1]))
        share = bilinear(shares, *np.broadcast_arrays((x - shift) / 16, (y - shift) / 16))
        planes.append(values[0] * (1 - share) + values[1] * share)
    return planes


def check(out: Nv12, expected: list[np.ndarray]) -> None:
    for name, plane, wanted in zip("YUV", (out.y, out.uv[..., 0], out.uv[..., 1]), expected, strict=True):
        error = np.abs(plane.astype(np.float64) - wanted)
        assert np.mean(error <= 1.0) >= 0.999, (
            f"{name}: {np.mean(error > 1.0):.4%} are off by more than a level"
        )
        assert error.max() <= 2, f"{name}: {error.max():.2f} levels at {np.argwhere(error == error.max())[0]}"


@pytest.fixture(scope="module")
def workers():
    with Workers(2) as some:
        yield some


@pytest.mark.parametrize(
    ("projection", "size", "pad"),
    [
        ("equirectangular", (560, 160), 0),
        ("equirectangular", (558, 154), 10),
        ("cylindrical", (470, 130), 22),
    ],
)
def test_panorama_equals_the_reference(workers, projection, size, pad):
    rig = two_cameras()
    panorama = fit_panorama(rig, projection, size)
    left = texture(rig.left.width, rig.left.height, 1, pad)
    right = texture(rig.right.width, rig.right.height, 2, pad * 2)
    out = texture(*size, 3, pad)
    CpuStitcher(rig, panorama, workers, gain=False).stitch(left, right, out, 0.0)
    shares = plan_stitch(rig, panorama, 3.0).shares
    assert shares.min() == 0 or size[0] < 20
    assert shares.max() == 1
    check(out, reference(rig, panorama, left, right, shares))
