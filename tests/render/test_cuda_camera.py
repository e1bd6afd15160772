"""Views made on a GPU, pixel by pixel, against float64 references and the processor's, on random pictures."""

from __future__ import annotations

import gc
import math

import numpy as np
import pytest

from gpu import needs_gpu
from rendering import noise, view_reference, whole_reference, within
from touchline.geometry import Panorama, View, ViewLimits
from touchline.gst.nv12 import Nv12
from touchline.panorama.workers import Workers
from touchline.render.camera import CpuVirtualCamera
from touchline.render.whole import WholePanorama

pytestmark = needs_gpu
ANGLES = tuple(math.radians(a) for a in (-75, 75, -35, 15))


@pytest.fixture(scope="module")
def device():
    from touchline.cuda.device import Device

    with Device() as one:
        yield one


@pytest.fixture(scope="module")
def frame(device):
    """Puts pictures into GPU memory."""
    from rendering_gpu import DeviceFrame

    made = []
    with device.stream() as stream:

        def put(picture, pitch=None):
            made.append(DeviceFrame(device, stream, picture, pitch))
            return made[-1]

        yield put
        for one in made:
            one.close()


@pytest.mark.parametrize("projection", ["equirectangular", "cylindrical"])
@pytest.mark.parametrize(
    ("source", "size", "view", "fetches"),
    [
        ((5700, 1900), (1920, 1080), View(10, -8, 40), 1),
        ((5700, 1900), (1280, 720), View(-30, -12, 62), 2),
        ((5700, 1900), (640, 360), View(0, -9, 60), 3),
        ((1900, 634), (638, 362), View(-60, -24, 38), 1),
        ((1900, 634), (66, 34), View(3, -9, 70), 12),
    ],
)
def test_a_view_equals_the_reference(device, frame, projection, source, size, view, fetches):
    from touchline.render.cuda_camera import CudaVirtualCamera

    panorama = Panorama(projection, *source, *ANGLES)
    view = ViewLimits(panorama, size[0] / size[1]).clamp(view)
    picture, out = noise(*source), frame(size, -(-size[0] // 2) * 2 + 6)
    with CudaVirtualCamera(device, panorama, *size) as camera:
        camera.render(frame(picture).picture, view, out.picture)
        assert camera.fetches == fetches
    within(out.pixels(), view_reference(picture, panorama, view, *size, fetches))


@pytest.mark.parametrize(
    ("source", "size", "view"),
    [
        ((5700, 1900), (1920, 1080), View(22, -10, 30)),
        ((5700, 1900), (1280, 720), View(-40, -6, 24)),
        ((1900, 634), (638, 362), View(68, -4, 9)),
        ((1900, 634), (320, 180), View(10, -9, 40)),
    ],
)
def test_a_view_of_the_pitch_projection_equals_the_reference(device, frame, source, size, view):
    from touchline.render.cuda_camera import CudaVirtualCamera

    panorama = Panorama("pitch", *source, *(math.radians(a) for a in (-65, 80, -35, 8, 5)))
    view = ViewLimits(panorama, size[0] / size[1]).clamp(view)
    picture, out = noise(*source), frame(size, -(-size[0] // 2) * 2 + 6)
    with CudaVirtualCamera(device, panorama, *size) as camera:
        camera.render(frame(picture).picture, view, out.picture)
        fetches = camera.fetches
    within(out.pixels(), view_reference(picture, panorama, view, *size, fetches))


def test_a_view_equals_the_processors(device, frame):
    """Each is within half a level of the truth and its rounding."""
    from touchline.render.cuda_camera import CudaVirtualCamera

    panorama = Panorama("equirectangular", 2800, 934, *ANGLES)
    y, x = np.mgrid[0:934, 0:2800]
    picture = noise(2800, 934)
    # Smooth: the processor's polynomials are a few hundredths of a sample off.
    picture.y[:] = np.rint(128 + 55 * np.sin(0.21 * x + 0.05 * y) + 60 * np.cos(0.17 * y - 0.03 * x))
    picture.uv[:] = np.rint(128 + 90 * np.sin(0.15 * x[::2, ::2] - 0.2 * y[::2, ::2]))[..., None]
    source, out, own = frame(picture), frame((640, 360)), Nv12.empty(640, 360)
    limits = ViewLimits(panorama, 16 / 9)
    with CudaVirtualCamera(device, panorama, 640, 360) as camera, Workers(2) as workers:
        cpu = CpuVirtualCamera(panorama, 640, 360, workers)
        for view in (View(10, -8, 25), View(-30, -10, 45), View(5, -9, 60)):
            view = limits.clamp(view)
            camera.render(source.picture, view, out.picture)
            cpu.render(picture, view, own)
            assert camera.fetches == cpu.fetches
            within(out.pixels(), [own.y.astype(float), *np.moveaxis(own.uv.astype(float), -1, 0)])


def test_what_lies_outside_is_the_edge(device, frame):
    """Views are clamped before they come here; if one is not, memory is safe and the edge is repeated."""
    from touchline.render.cuda_camera import CudaVirtualCamera

    panorama = Panorama("equirectangular", 1900, 634, *ANGLES)
    picture, out = noise(1900, 634), frame((320, 180))
    source = frame(picture)
    with CudaVirtualCamera(device, panorama, 320, 180) as camera:
        for view in (View(-170, -28, 50), View(0, 80, 60), View(100, -85, 150)):
            camera.render(source.picture, view, out.picture)
        for view in (View(72, 10, 20), View(-70, -30, 45)):
            camera.render(source.picture, view, out.picture)
            within(out.pixels(), view_reference(picture, panorama, view, 320, 180, camera.fetches))


def test_all_is_written_and_nothing_beside_it(device, frame):
    from touchline.render.cuda_camera import CudaVirtualCamera

    panorama = Panorama("equirectangular", 1900, 634, *ANGLES)
    picture = Nv12.empty(1900, 634)
    picture.fill(200, 30, 220)
    source = frame(picture)
    for size in ((50, 90), (640, 362)):
        out = frame(size, 1024)
        with CudaVirtualCamera(device, panorama, *size) as camera:
            for fov in (15, 30, 50):
                out.memory.upload(np.full(out.memory.size, 77, np.uint8), camera.stream)
                camera.render(source.picture, View(0, -9, fov), out.picture)
                rows = out.bytes().reshape(-1, 1024)
                shown = rows[: size[1] * 3 // 2, : size[0]]
                assert (shown[: size[1]] == 200).all()
                assert (shown[size[1] :, 0::2] == 30).all()
                assert (shown[size[1] :, 1::2] == 220).all()
                assert (rows[:, size[0] :] == 77).all()


@pytest.mark.parametrize(
    ("source", "size"),
    [
        ((5700, 1900), (1920, 1080)),
        ((1600, 400), (640, 360)),
        ((400, 400), (642, 362)),
        ((1900, 634), (322, 180)),
    ],
)
def test_the_whole_panorama_equals_the_reference(device, frame, source, size):
    from touchline.render.cuda_whole import CudaWholePanorama

    picture, out, own = noise(*source), frame(size), Nv12.empty(*size)
    with CudaWholePanorama(device, source, *size) as whole, Workers(2) as workers:
        whole.render(frame(picture).picture, out.picture)
        WholePanorama(source, *size, workers).render(picture, own)
    made = out.pixels()
    within(made, whole_reference(picture, *size))
    margin = own.y == 16
    assert (made.y[margin.all(1)] == 16).all(), "black above and below, as on the processor"
    assert (made.y[:, margin.all(0)] == 16).all(), "and beside"


def test_misuse_is_refused(device, frame):
    from touchline.errors import CudaError
    from touchline.render.cuda_camera import CudaVirtualCamera

    panorama = Panorama("equirectangular", 960, 340, *ANGLES)
    with pytest.raises(ValueError, match="even size"):
        CudaVirtualCamera(device, panorama, 101, 50)
    small, right, out = frame((320, 176)), frame((960, 340)), frame((100, 50))
    with CudaVirtualCamera(device, panorama, 100, 50) as camera:
        with pytest.raises(ValueError, match="960x340 into 100x50"):
            camera.render(small.picture, View(0, 0, 20), out.picture)
        with pytest.raises(ValueError, match="960x340 into 100x50"):
            camera.render(right.picture, View(0, 0, 20), small.picture)
        odd = frame((960, 340), 970)
        with pytest.raises(CudaError, match="texture"):
            camera.render(odd.picture, View(0, 0, 20), out.picture)


def test_no_memory_is_left_behind(device, frame):
    from touchline.render.cuda_camera import CudaVirtualCamera

    panorama = Panorama("equirectangular", 960, 340, *ANGLES)
    source, out = frame((960, 340)), frame((640, 360))

    def once():
        with CudaVirtualCamera(device, panorama, 640, 360) as camera:
            camera.render(source.picture, View(0, -5, 20), out.picture)
        gc.collect()

    once()
    free = device.memory()[0]
    for _ in range(20):
        once()
    assert free - device.memory()[0] < 8 << 20
