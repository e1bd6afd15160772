"""The GPU's resampling kernels, run on the processor, against float64 references on random pictures.

The shim's textures round their weights as the hardware's do; tests/render/test_cuda_camera.py does the same on a GPU.
"""

from __future__ import annotations

import ctypes
import math
from importlib.resources import files
from itertools import chain

import numpy as np
import pytest

from render_on_host import HostTexture, compiled
from rendering import noise, padded, view_reference, whole_reference, within
from touchline.cuda.sources import Source
from touchline.geometry import Panorama, View, ViewLimits
from touchline.gst.nv12 import Nv12
from touchline.panorama.workers import Workers
from touchline.render.camera import CpuVirtualCamera
from touchline.render.cuda_mapping import (
    FILES,
    PROJECTIONS,
    Mapping,
    Output,
    launch_of,
    view_mapping,
    whole_mapping,
)

ANGLES = tuple(math.radians(a) for a in (-75, 75, -35, 15))
STRAIGHT = tuple(math.radians(a) for a in (-65, 80, -35, 8, 5))  # the last one is the normal
SOURCE = "".join(files("touchline.render").joinpath(name).read_text() for name in FILES)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("kernels")


def resampled(folder, projection, source, mapping, shown, out, bend=0.0):
    """Runs the kernel that CudaResampler would launch. Returns its name."""
    launch = launch_of(mapping, bend)
    options = [f"-DPROJECTION={PROJECTIONS[projection]}"]
    run = compiled(SOURCE, launch.kernel, ("Source", "Mapping", "Output"), options, folder)
    textures = HostTexture.over(source.y, 1), HostTexture.over(source.uv, 2)
    read = [t.handle for t in textures], *planes(source), (source.width, source.height)
    written = *planes(out), (out.width, out.height), shown
    grid = *launch.grid(out.width, out.height), 1
    run(grid, (*launch.block, 1), Source(*chain(*read)), mapping, Output(*chain(*written)))
    return launch.kernel


def planes(picture):
    """Addresses and pitches."""
    both = picture.y, picture.uv
    return [plane.ctypes.data for plane in both], [plane.strides[0] for plane in both]


@pytest.mark.parametrize("projection", ["equirectangular", "cylindrical"])
@pytest.mark.parametrize(
    ("size", "pad", "view", "fetches"),
    [
        ((640, 360), 0, View(10, -8, 30), 1),
        ((638, 362), 2, View(-60, -24, 38), 1),  # sizes and rows that vectors do not fit
        ((320, 180), 4, View(20, 3, 48), 2),
        ((160, 90), 2, View(0, -9, 55), 4),
        ((66, 34), 0, View(3, -9, 70), 12),
    ],
)
def test_a_view_equals_the_reference(folder, projection, size, pad, view, fetches):
    panorama = Panorama(projection, 1900, 634, *ANGLES)
    source, out = noise(1900, 634, 6), padded(*size, pad)
    view = ViewLimits(panorama, size[0] / size[1]).clamp(view)
    mapping, bend = view_mapping(panorama, view, *size)
    assert mapping.fetches == fetches
    resampled(folder, projection, source, mapping, (0, 0, *size), out, bend)
    within(out, view_reference(source, panorama, view, *size, fetches))


@pytest.mark.parametrize("projection", ["equirectangular", "cylindrical", "pitch"])
def test_as_many_fetches_as_on_the_processor(projection):
    """The closed form of the coarsest step against the differences of neighbouring blocks."""
    panorama = Panorama(projection, 5700, 1900, *(STRAIGHT if projection == "pitch" else ANGLES))
    limits = ViewLimits(panorama, 16 / 9)
    random = np.random.default_rng(5)
    same = 0
    with Workers(1) as workers:
        camera = CpuVirtualCamera(panorama, 640, 360, workers)
        source, out = Nv12.empty(5700, 1900), Nv12.empty(640, 360)
        for _ in range(12):
            view = limits.clamp(View(*random.uniform((-60, -30, 8), (60, 10, 60))))
            camera.render(source, view, out)
            mapping, _ = view_mapping(panorama, view, 640, 360)
            assert abs(mapping.fetches - camera.fetches) <= 1, view
            same += mapping.fetches == camera.fetches
    assert same >= 10, "only where a step lies right at the limit may they differ"


@pytest.mark.parametrize(
    ("size", "pad", "view"),
    [
        ((640, 360), 0, View(22, -12, 26)),
        ((638, 362), 2, View(-48, -8, 12)),
        ((640, 360), 0, View(68, -4, 9)),  # where it is stretched most
        ((320, 180), 4, View(20, -6, 34)),
        ((160, 90), 2, View(12, -9, 36)),
    ],
)
def test_a_view_of_the_pitch_projection_equals_the_reference(folder, size, pad, view):
    panorama = Panorama("pitch", 1900, 634, *STRAIGHT)
    source, out = noise(1900, 634, 6), padded(*size, pad)
    view = ViewLimits(panorama, size[0] / size[1]).clamp(view)
    mapping, bend = view_mapping(panorama, view, *size)
    resampled(folder, "pitch", source, mapping, (0, 0, *size), out, bend)
    within(out, view_reference(source, panorama, view, *size, mapping.fetches))


def test_a_view_across_half_a_turn(folder):
    panorama = Panorama("equirectangular", 2000, 500, math.radians(0), math.radians(360), -0.5, 0.5)
    source, out, view = noise(2000, 500), padded(320, 180, 0), View(180, 0, 35)
    mapping, bend = view_mapping(panorama, view, 320, 180)
    resampled(folder, "equirectangular", source, mapping, (0, 0, 320, 180), out, bend)
    within(out, view_reference(source, panorama, view, 320, 180, mapping.fetches, turn=2 * math.pi))


def test_what_lies_outside_is_the_edge(folder):
    """Blocks that reach beside the panorama read textures, those above and below it copies of its edge."""
    panorama = Panorama("equirectangular", 1900, 634, *ANGLES)
    source, out = noise(1900, 634, 4), padded(320, 180, 0)
    for view in (View(72, 10, 20), View(-74, -30, 18), View(0, 16, 18)):
        mapping, bend = view_mapping(panorama, view, 320, 180)
        assert resampled(folder, "equirectangular", source, mapping, (0, 0, 320, 180), out, bend) == "blocks"
        within(out, view_reference(source, panorama, view, 320, 180, 1))


@pytest.mark.parametrize(
    ("source_size", "size"),
    [
        ((1600, 400), (640, 360)),
        ((400, 400), (642, 362)),
        ((300, 100), (640, 360)),
        ((1900, 634), (322, 180)),
    ],
)
def test_the_whole_panorama_equals_the_reference(folder, source_size, size):
    source, out = noise(*source_size, 2), padded(*size, 6)
    mapping, shown = whole_mapping(source_size, *size)
    resampled(folder, "affine", source, mapping, shown, out)
    within(out, whole_reference(source, *size))


def test_all_is_written_and_nothing_beside_it(folder):
    """Rows longer than the picture keep what is behind its edge."""
    panorama = Panorama("equirectangular", 1900, 634, *ANGLES)
    memory = np.full(2 * 90 * 3 // 2 * 64, 77, np.uint8)
    out = Nv12.over(memory, 50, 90, (64, 64), (0, 64 * 90))
    source = Nv12.empty(1900, 634)
    source.fill(200, 30, 220)
    mapping, bend = view_mapping(panorama, View(0, -9, 20), 50, 90)
    resampled(folder, "equirectangular", source, mapping, (0, 0, 50, 90), out, bend)
    assert (out.y == 200).all()
    assert (out.uv[..., 0] == 30).all()
    assert (out.uv[..., 1] == 220).all()
    rows = memory.reshape(-1, 64)
    assert (rows[:135, 50:] == 77).all()
    assert (rows[135:] == 77).all()


def test_the_structures_have_no_holes():
    assert ctypes.sizeof(Mapping) == 56
    assert ctypes.sizeof(Source) == 48
    assert ctypes.sizeof(Output) == 48
