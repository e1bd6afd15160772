"""NVIDIA's surface descriptions: their layout as published, what is refused, and pixels read where they lie."""

from __future__ import annotations

import ctypes
import gc

import numpy as np
import pytest

from gpu import Bench, bench, needs_gpu, noise  # noqa: F401
from touchline.errors import TouchlineError
from touchline.gst import nvbufsurface
from touchline.gst.domains import NvmmDomain
from touchline.gst.library import Gst
from touchline.gst.nvbufsurface import (
    Format,
    MappedAddr,
    Memory,
    PlaneParams,
    Surface,
    SurfaceParams,
    checked,
    device_picture,
    surface_of,
)
from touchline.panorama.reduce import reduce_luma

WIDTH, HEIGHT, PITCH, CHROMA_AT = 640, 360, 768, 768 * 364  # padded rows, and a gap before the chroma


def nv12_surface(pointer: int, batch: int = 1) -> tuple[Surface, object]:
    """A description as NVIDIA's allocator fills it; returns what has to be kept with it too."""
    each = CHROMA_AT + PITCH * HEIGHT // 2
    params = (SurfaceParams * batch)()
    for place, one in enumerate(params):
        one.width, one.height, one.pitch = WIDTH, HEIGHT, PITCH
        one.color_format, one.layout = Format.NV12_709, nvbufsurface.PITCH_LINEAR
        one.data_size, one.data_ptr = each, pointer + place * each
        planes = one.plane_params
        planes.num_planes = 2
        planes.width[:2], planes.height[:2] = (WIDTH, WIDTH // 2), (HEIGHT, HEIGHT // 2)
        planes.pitch[:2], planes.offset[:2] = (PITCH, PITCH), (0, CHROMA_AT)
        planes.psize[:2], planes.bytes_per_pix[:2] = (CHROMA_AT, PITCH * HEIGHT // 2), (1, 2)
    surface = Surface(
        gpu_id=0,
        batch_size=batch,
        num_filled=batch,
        is_contiguous=True,
        mem_type=Memory.CUDA_DEVICE,
        surface_list=ctypes.cast(params, ctypes.POINTER(SurfaceParams)),
    )
    return surface, params


def buffer_of(surface: Surface) -> Gst.Buffer:
    return Gst.Buffer.new_wrapped(bytes(surface))


def test_the_layout_is_that_of_the_public_header() -> None:
    """Sizes and offsets as a C compiler gives them for nvbufsurface.h on x86-64 and aarch64."""
    sizes = {PlaneParams: 232, MappedAddr: 72, SurfaceParams: 384, Surface: 64}
    assert {kind: ctypes.sizeof(kind) for kind in sizes} == sizes
    places = {
        (Surface, "batch_size"): 4,
        (Surface, "num_filled"): 8,
        (Surface, "is_contiguous"): 12,
        (Surface, "mem_type"): 16,
        (Surface, "surface_list"): 24,
        (Surface, "reserved"): 32,
        (SurfaceParams, "pitch"): 8,
        (SurfaceParams, "color_format"): 12,
        (SurfaceParams, "layout"): 16,
        (SurfaceParams, "buffer_desc"): 24,
        (SurfaceParams, "data_size"): 32,
        (SurfaceParams, "data_ptr"): 40,
        (SurfaceParams, "plane_params"): 48,
        (SurfaceParams, "mapped_addr"): 280,
        (SurfaceParams, "reserved"): 352,
        (PlaneParams, "width"): 4,
        (PlaneParams, "height"): 20,
        (PlaneParams, "pitch"): 36,
        (PlaneParams, "offset"): 52,
        (PlaneParams, "psize"): 68,
        (PlaneParams, "bytes_per_pix"): 84,
        (PlaneParams, "reserved"): 104,
        (MappedAddr, "egl_image"): 32,
        (MappedAddr, "reserved"): 40,
    }
    assert {(kind, name): getattr(kind, name).offset for kind, name in places} == places


def test_a_buffer_s_description_is_read_where_it_lies() -> None:
    surface, _kept = nv12_surface(0x7F00_0000_0000, batch=2)
    buffer = buffer_of(surface)
    found = surface_of(buffer)
    assert ctypes.addressof(found) == NvmmDomain().identity(buffer)
    assert (found.batch_size, found.num_filled, found.mem_type) == (2, 2, Memory.CUDA_DEVICE)
    assert found.surface_list[1].data_ptr == 0x7F00_0000_0000 + CHROMA_AT + PITCH * HEIGHT // 2


@pytest.mark.parametrize(
    "wrong",
    [{"batch_size": 0}, {"batch_size": 100_000}, {"num_filled": 9}, {"mem_type": 77}, {"surface_list": None}],
)
def test_what_makes_no_sense_is_not_believed(wrong) -> None:
    surface, _kept = nv12_surface(4096)
    for name, value in wrong.items():
        setattr(surface, name, value)
    with pytest.raises(TouchlineError, match="no surface description as we know it"):
        checked(surface)


@pytest.mark.parametrize("buffer", [Gst.Buffer.new(), Gst.Buffer.new_wrapped(b"short")])
def test_a_buffer_that_holds_less_is_no_surface(buffer) -> None:
    with pytest.raises(TouchlineError, match="holds no surface description"):
        surface_of(buffer)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda s, p: setattr(s, "mem_type", Memory.SURFACE_ARRAY), "SURFACE_ARRAY.*on a Jetson"),
        (lambda s, p: setattr(s, "mem_type", Memory.SYSTEM), "memory of kind SYSTEM"),
        (lambda s, p: setattr(p, "color_format", Format.RGBA), "format 19 in 2 planes, not NV12"),
        (lambda s, p: setattr(p, "layout", 1), "in blocks, not in rows"),
        (lambda s, p: setattr(p, "data_ptr", None), "makes no sense: 640x360"),
        (lambda s, p: setattr(p, "data_size", 1000), "makes no sense: 640x360, 1000 bytes"),
        (lambda s, p: p.plane_params.pitch.__setitem__(1, 10), "makes no sense.*pitches 768 and 10"),
    ],
)
def test_surfaces_that_our_kernels_can_not_read_are_refused_in_a_line(change, said) -> None:
    surface, params = nv12_surface(4096)
    change(surface, params[0])
    with pytest.raises(TouchlineError, match=said):
        device_picture(surface)


def test_a_place_that_the_batch_has_not_is_refused() -> None:
    surface, _kept = nv12_surface(4096, batch=2)
    with pytest.raises(TouchlineError, match="batch of 2 surfaces has none at 2"):
        device_picture(surface, 2)


def test_a_picture_keeps_the_buffer_that_it_lies_in() -> None:
    pytest.importorskip("cuda.bindings.driver", reason="the extra touchline[cuda] is not installed")
    surface, _kept = nv12_surface(0x10000)
    buffer = buffer_of(surface)
    picture = device_picture(surface_of(buffer), owner=buffer)
    address = hash(buffer)
    del buffer
    gc.collect()
    assert hash(picture.owner) == address
    assert (picture.y, picture.uv) == (0x10000, 0x10000 + CHROMA_AT)
    assert (picture.y_pitch, picture.uv_pitch, picture.width, picture.height) == (PITCH, PITCH, WIDTH, HEIGHT)


@needs_gpu
def test_our_kernels_read_a_surface_of_a_discrete_gpu(bench: Bench) -> None:
    """CUDA memory behind an NVMM buffer, as DeepStream has it there: two surfaces of a batch, rows padded."""
    from touchline.cuda.copies import Rows, upload_plane
    from touchline.cuda.device import DeviceMemory
    from touchline.cuda.picture import DevicePicture
    from touchline.panorama.cuda_reduce import CudaReducer

    reducer = CudaReducer(bench.device, (WIDTH, HEIGHT), 4)
    each = CHROMA_AT + PITCH * HEIGHT // 2
    with (
        DeviceMemory(bench.device, 2 * each) as memory,
        DeviceMemory(bench.device, WIDTH * HEIGHT * 3 // 2) as own,
    ):
        memory.clear(bench.stream)
        pictures = [noise(WIDTH, HEIGHT, seed) for seed in (1, 2)]
        for place, picture in enumerate(pictures):
            start = memory.pointer + place * each
            upload_plane(bench.device, picture.y, Rows(start, PITCH), bench.stream)
            upload_plane(bench.device, picture.uv, Rows(start + CHROMA_AT, PITCH), bench.stream)
        bench.stream.wait()
        surface, _kept = nv12_surface(memory.pointer, batch=2)
        buffer = buffer_of(surface)
        for place, picture in enumerate(pictures):
            seen = device_picture(surface_of(buffer), place, buffer)
            copy = DevicePicture(own.pointer, own.pointer + WIDTH * HEIGHT, WIDTH, WIDTH, WIDTH, HEIGHT)
            bench.copy(seen, copy)
            assert np.array_equal(bench.download(copy.luma), picture.y)
            assert np.array_equal(bench.download(copy.chroma), picture.uv)
            found, wanted = np.empty((2, *reducer.shape), np.uint8)
            reducer.reduce(seen, found)
            reduce_luma(picture.y, 4, wanted)
            assert np.array_equal(found, wanted)
            # And by others, through the views that it offers.
            assert seen.luma.__cuda_array_interface__["data"][0] == memory.pointer + place * each
            assert np.array_equal(bench.download(seen.chroma), picture.uv)
    reducer.close()
