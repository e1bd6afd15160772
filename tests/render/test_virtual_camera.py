"""Views, pixel by pixel, against a float64 reference that shares no code with the kernels."""

from __future__ import annotations

import math

import numpy as np
import pytest

from touchline.geometry import Panorama, View, ViewLimits, rays_to_angles
from touchline.gst.nv12 import Nv12
from touchline.panorama.workers import Workers
from touchline.render.camera import CpuVirtualCamera
from touchline.synth.match import SyntheticMatch

ANGLES = tuple(math.radians(a) for a in (-60, 60, -30, 12))


@pytest.fixture(scope="module")
def workers():
    with Workers(2) as some:
        yield some


def padded(width: int, height: int, pad: int) -> Nv12:
    stride = width + pad
    memory = np.zeros(stride * height * 3 // 2, np.uint8)
    return Nv12.over(memory, width, height, (stride, stride), (0, stride * height))


def smooth(width: int, height: int, pad: int = 0) -> Nv12:
    """A panorama without detail too fine for bilinear interpolation, using most levels."""
    picture = padded(width, height, pad)
    y, x = np.mgrid[0:height, 0:width]
    picture.y[:] = np.rint(128 + 55 * np.sin(0.21 * x + 0.05 * y) + 60 * np.cos(0.17 * y - 0.03 * x))
    y, x = np.mgrid[0 : height // 2, 0 : width // 2]
    picture.uv[..., 0] = np.rint(128 + 90 * np.sin(0.15 * x - 0.2 * y))
    picture.uv[..., 1] = np.rint(128 + 90 * np.cos(0.2 * x + 0.1 * y))
    return picture


def bilinear(plane: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    height, width = plane.shape
    x, y = np.clip(x, 0, width - 1), np.clip(y, 0, height - 1)
    left, top = np.minimum(x.astype(int), width - 2), np.minimum(y.astype(int), height - 2)
    fx, fy = x - left, y - top
    value = plane.astype(np.float64)
    upper = value[top, left] * (1 - fx) + value[top, left + 1] * fx
    lower = value[top + 1, left] * (1 - fx) + value[top + 1, left + 1] * fx
    return upper * (1 - fy) + lower * fy


def reference(
    source: Nv12, panorama: Panorama, view: View, width: int, height: int, count: int
) -> list[np.ndarray]:
    """Y, U and V: means of ``count`` x ``count`` exact fetches, evenly spread over each sample's area."""
    planes = []
    for which in range(3):
        step, shift = (1, 0.0) if which == 0 else (2, 0.5)
        plane = source.y if which == 0 else source.uv[..., which - 1]
        total = np.zeros((height // step, width // step))
        for one in range(count * count):
            across, down = ((n + 0.5) / count - 0.5 for n in (one % count, one // count))
            x = np.arange(0, width, step) + shift + across * step
            y = np.arange(0, height, step)[:, None] + shift + down * step
            yaw, pitch = rays_to_angles(view.rays(x[None, :], y, width, height))
            px, py = panorama.angles_to_pixels(yaw, pitch)
            total += bilinear(plane, (px - shift) / step, (py - shift) / step)
        planes.append(total / count**2)
    return planes


def check(out: Nv12, expected: list[np.ndarray]) -> None:
    for name, plane, wanted in zip("YUV", (out.y, out.uv[..., 0], out.uv[..., 1]), expected, strict=True):
        error = np.abs(plane.astype(np.float64) - wanted)
        assert np.mean(error <= 1.0) >= 0.999, f"{name}: {np.mean(error > 1.0):.4%} off by more than a level"
        assert error.max() <= 2, f"{name}: {error.max():.2f} levels at {np.argwhere(error == error.max())[0]}"


@pytest.mark.parametrize(
    ("size", "pad", "view"),
    [((320, 176), 0, View(10, -8, 26)), ((318, 182), 7, View(58, -4, 14)), ((160, 90), 2, View(-12, -9, 40))],
)
def test_a_view_of_the_pitch_projection_equals_the_reference(workers, size, pad, view):
    panorama = Panorama("pitch", 960, 340, *(math.radians(a) for a in (-65, 80, -35, 8, 5)))
    source, out = smooth(960, 340, pad), padded(*size, pad)
    view = ViewLimits(panorama, size[0] / size[1]).clamp(view)
    camera = CpuVirtualCamera(panorama, *size, workers)
    camera.render(source, view, out)
    check(out, reference(source, panorama, view, *size, camera.fetches))


@pytest.mark.parametrize("projection", ["equirectangular", "cylindrical"])
@pytest.mark.parametrize(
    ("size", "pad", "view", "fetches"),
    [
        ((320, 176), 0, View(10, -8, 30), 1),
        ((318, 182), 7, View(-25, -9, 40), 1),
        ((160, 90), 2, View(0, -9, 55), 3),
        ((128, 72), 0, View(3, -9, 46), 3),
        ((66, 34), 4, View(3, -9, 25), 3),
    ],
)
def test_a_view_equals_the_reference(workers, projection, size, pad, view, fetches):
    panorama = Panorama(projection, 960, 340, *ANGLES)
    source, out = smooth(960, 340, pad), padded(*size, pad)
    view = ViewLimits(panorama, size[0] / size[1]).clamp(view)
    camera = CpuVirtualCamera(panorama, *size, workers)
    camera.render(source, view, out)
    assert camera.fetches == fetches
    check(out, reference(source, panorama, view, *size, camera.fetches))


def test_what_lies_outside_is_the_edge(workers):
    """Views are clamped before they come here; if one is not, memory is safe and the edge is repeated."""
    panorama = Panorama("equirectangular", 960, 340, *ANGLES)
    source, out = smooth(960, 340), padded(160, 90, 0)
    camera = CpuVirtualCamera(panorama, 160, 90, workers)
    for view in (View(58, 10, 40), View(-170, -28, 50), View(0, 80, 60), View(100, -85, 150)):
        camera.render(source, view, out)
    camera.render(source, View(58, 10, 40), out)
    check(out, reference(source, panorama, View(58, 10, 40), 160, 90, camera.fetches))


def test_fine_stripes_do_not_alias(workers):
    """Stripes finer than the view's samples become grey, not other stripes."""
    panorama = Panorama("equirectangular", 2400, 840, *ANGLES)
    source = Nv12.empty(2400, 840)
    source.fill(0, 128, 128)
    source.y[:, 0::2] = 40
    source.y[:, 1::2] = 200
    out = Nv12.empty(240, 136)
    view = ViewLimits(panorama, 240 / 136).clamp(View(0, -9, 70))
    camera = CpuVirtualCamera(panorama, 240, 136, workers)
    camera.render(source, view, out)
    assert camera.fetches > 1
    assert np.abs(out.y.astype(float) - 120).max() < 30
    assert out.y.std() < 8


def test_the_camera_shows_what_the_scene_shows(workers):
    """The synthetic match seen through a true panorama and straight from the scene."""
    match = SyntheticMatch(2, (640, 360))
    panorama = Panorama("equirectangular", 2000, 700, *ANGLES)
    view = ViewLimits(panorama, 16 / 9).clamp(View(-15, -9, 45))
    out = Nv12.empty(480, 270)
    CpuVirtualCamera(panorama, 480, 270, workers).render(match.panorama(3, panorama), view, out)
    truth = match.view(3, view, 480, 270)
    error = out.y.astype(float) - truth.y
    assert 10 * np.log10(255**2 / np.mean(error**2)) > 26


def test_the_same_whoever_works():
    panorama = Panorama("equirectangular", 960, 340, *ANGLES)
    source, views = smooth(960, 340), (View(10, -8, 30), View(0, -9, 55))
    made = []
    for threads in (1, 3):
        with Workers(threads) as some:
            camera = CpuVirtualCamera(panorama, 150, 94, some)
            outs = [Nv12.empty(150, 94) for _ in views]
            for view, out in zip(views, outs, strict=True):
                camera.render(source, view, out)
            made.append(outs)
    for one, two in zip(*made, strict=True):
        assert np.array_equal(one.y, two.y)
        assert np.array_equal(one.uv, two.uv)


def test_misuse_is_refused(workers):
    panorama = Panorama("equirectangular", 960, 340, *ANGLES)
    with pytest.raises(ValueError, match="even size"):
        CpuVirtualCamera(panorama, 101, 50, workers)
    camera = CpuVirtualCamera(panorama, 100, 50, workers)
    with pytest.raises(ValueError, match="960x340 into 100x50"):
        camera.render(smooth(320, 176), View(0, 0, 20), Nv12.empty(100, 50))
    with pytest.raises(ValueError, match="960x340 into 100x50"):
        camera.render(smooth(960, 340), View(0, 0, 20), Nv12.empty(50, 100))
