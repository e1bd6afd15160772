"""A GPU through the driver: memory, order, waiting asleep, kernels and their cache, textures. Needs a GPU."""

from __future__ import annotations

import ctypes
import time
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("cuda.bindings.driver", reason="touchline[cuda] is not installed")

from gpu import SOURCE, Bench, PictureArgument, bench, needs_gpu, undisturbed  # noqa: F401
from touchline.cuda.cache import CodeCache
from touchline.cuda.copies import PinnedMemory, Rows, copy_rows, download, upload_plane
from touchline.cuda.device import Device, DeviceMemory, Event
from touchline.cuda.driver import OUT_OF_MEMORY
from touchline.cuda.kernels import Kernels
from touchline.cuda.textures import Textures
from touchline.errors import CudaError, MissingCudaError, TouchlineError

pytestmark = needs_gpu
MILLISECOND = 1_000_000


def address(memory: DeviceMemory) -> ctypes.c_uint64:
    return ctypes.c_uint64(memory.pointer)


def test_what_is_uploaded_comes_back(bench: Bench) -> None:
    array = np.random.default_rng(1).normal(size=(7, 11)).astype(np.float32)
    with DeviceMemory.of(bench.device, array, bench.stream) as block:
        assert (block.download(np.float32, (7, 11), bench.stream) == array).all()
        with pytest.raises(CudaError, match="do not fit"):
            block.upload(np.zeros(400), bench.stream)
        block.clear(bench.stream)
        assert not block.download(np.float32, 77, bench.stream).any()


def test_memory_that_is_not_there_is_refused_and_the_gpu_goes_on(bench: Bench) -> None:
    with pytest.raises(CudaError, match="allocate") as caught:
        DeviceMemory(bench.device, 1 << 42)
    assert caught.value.code == OUT_OF_MEMORY
    assert bench.device.memory()[1] < 1 << 42
    DeviceMemory(bench.device, 1 << 20).close()


def test_memory_goes_back_when_it_is_closed(bench: Bench) -> None:
    def goes_back() -> bool:
        free = bench.device.memory()[0]
        blocks = [DeviceMemory(bench.device, 64 << 20) for _ in range(4)]
        taken = free - bench.device.memory()[0]
        for block in blocks:
            block.close()
            block.close()
        return taken == 4 * 64 << 20 and bench.device.memory()[0] == free

    assert undisturbed(goes_back)


def test_a_gpu_that_is_not_there_is_named() -> None:
    with pytest.raises(MissingCudaError, match="no GPU 99"):
        Device(99)


def test_streams_run_in_the_order_that_was_asked(bench: Bench) -> None:
    with (
        DeviceMemory(bench.device, 4) as place,
        DeviceMemory(bench.device, 4) as seen,
        bench.device.stream() as second,
    ):
        place.clear(bench.stream)
        bench.stream.wait()
        slow = (ctypes.c_longlong(50 * MILLISECOND), address(place), ctypes.c_int(7))
        bench.kernels.launch("linger", (1,), (1,), bench.stream, *slow)
        second.after(bench.stream)
        bench.kernels.launch("look", (1,), (1,), second, address(place), address(seen))
        assert seen.download(np.int32, 1, second)[0] == 7
        bench.stream.wait()


def test_waiting_takes_no_processor(bench: Bench) -> None:
    """A host that spins takes the core that the analysis needs."""
    slow = ctypes.c_longlong(300 * MILLISECOND), ctypes.c_uint64(0), ctypes.c_int(0)
    bench.kernels.launch("linger", (1,), (1,), bench.stream, *slow)
    start, processor = time.perf_counter(), time.thread_time()
    bench.stream.wait()
    assert time.perf_counter() - start > 0.2
    assert time.thread_time() - processor < 0.1


def test_events_measure_the_gpus_own_time(bench: Bench) -> None:
    begin, end = Event(bench.device, timing=True), Event(bench.device, timing=True)
    begin.record(bench.stream)
    slow = ctypes.c_longlong(20 * MILLISECOND), ctypes.c_uint64(0), ctypes.c_int(0)
    bench.kernels.launch("linger", (1,), (1,), bench.stream, *slow)
    end.record(bench.stream)
    end.wait()
    assert 20 <= end.elapsed_ms(begin) < 2000
    begin.close()
    end.close()


def test_every_kind_of_argument_arrives(bench: Bench) -> None:
    structured = np.zeros((), dtype=[("y", "u8"), ("uv", "u8"), ("sizes", "i4", 4)])
    structured["y"], structured["sizes"] = 11, (1, 2, 3, 22)
    with DeviceMemory(bench.device, 56) as out:
        for picture in (PictureArgument(11, 0, 1, 2, 3, 22), structured):
            out.clear(bench.stream)
            arguments = (
                picture,
                np.float32(1.5),
                ctypes.c_int(-7),
                np.float64(0.1),
                np.uint8(200),
                np.int16(-3),
                np.uint64(out.pointer),
            )
            bench.kernels.launch("echo", (1,), (1,), bench.stream, *arguments)
            assert out.download(np.float64, 7, bench.stream).tolist() == [11, 22, 1.5, -7, 0.1, 200, -3]


def test_mistakes_are_named_and_the_next_launch_works(bench: Bench) -> None:
    nothing = ctypes.c_longlong(0), ctypes.c_uint64(0), ctypes.c_int(0)
    with pytest.raises(TouchlineError, match="has no kernel lingre"):
        bench.kernels.launch("lingre", (1,), (1,), bench.stream)
    with pytest.raises(TouchlineError, match="int"):
        bench.kernels.launch("linger", (1,), (1,), bench.stream, 5, *nothing[1:])
    with pytest.raises(CudaError, match="launch linger"):
        bench.kernels.launch("linger", (1,), (5000,), bench.stream, *nothing)
    bench.kernels.launch("linger", (1, 2), (1, 1, 1), bench.stream, *nothing)
    bench.stream.wait()


def test_kernels_are_compiled_once(bench: Bench, tmp_path: Path) -> None:
    cache = CodeCache(tmp_path)

    def loaded(options: tuple[str, ...] = ()) -> bool:
        with Kernels(bench.device, SOURCE, "bench.cu", options, cache) as kernels:
            nothing = ctypes.c_longlong(0), ctypes.c_uint64(0), ctypes.c_int(0)
            kernels.launch("linger", (1,), (1,), bench.stream, *nothing)
            bench.stream.wait()
            return kernels.from_cache

    assert not loaded()
    assert loaded()
    assert not loaded(("--use_fast_math",))
    file = max(tmp_path.iterdir(), key=lambda one: one.stat().st_mtime)
    file.write_bytes(file.read_bytes()[:-100])
    assert not loaded(("--use_fast_math",))
    assert loaded(("--use_fast_math",))


def test_code_that_the_driver_refuses_is_compiled_again(bench: Bench, tmp_path: Path) -> None:
    cache = CodeCache(tmp_path)
    Kernels(bench.device, SOURCE, "bench.cu", code_cache=cache).close()
    key = next(tmp_path.iterdir()).stem.removeprefix("bench-")
    cache.write("bench.cu", key, b"\x7fELF and nothing more")
    with Kernels(bench.device, SOURCE, "bench.cu", code_cache=cache) as kernels:
        assert not kernels.from_cache


@pytest.mark.parametrize("pinned", [False, True])
def test_planes_go_up_and_down_whatever_their_rows_are_padded_to(bench: Bench, pinned: bool) -> None:
    plane = np.random.default_rng(2).integers(0, 256, (37, 100), dtype=np.uint8)
    with DeviceMemory(bench.device, 512 * 37) as block, PinnedMemory(bench.device, 200 * 37) as host:
        own = host.array(np.uint8, (37, 200))[:, :100] if pinned else plane
        own[:] = plane
        upload_plane(bench.device, own, Rows(block.pointer, 512), bench.stream)
        copy_rows(
            bench.device, Rows(block.pointer, 512), Rows(block.pointer + 256, 512), 100, 37, bench.stream
        )
        raw = block.download(np.uint8, (37, 512), bench.stream)
        assert (raw[:, :100] == plane).all()
        assert (raw[:, 256:356] == plane).all()
        with pytest.raises(CudaError, match="do not fit"):
            host.array(np.float64, (37, 200))


def test_an_array_of_three_axes_is_downloaded_in_one_piece(bench: Bench) -> None:
    from touchline.cuda.arrays import DeviceArray

    array = np.random.default_rng(3).normal(size=(5, 3, 4)).astype(np.float16)
    with DeviceMemory.of(bench.device, array, bench.stream) as block:
        shown = DeviceArray(block.pointer, array.shape, array.strides, array.dtype)
        assert (download(bench.device, shown, bench.stream) == array).all()


def _bilinear(plane: np.ndarray, at: np.ndarray) -> np.ndarray:
    """In float64, clamped to the edge; texel centres at index + 0.5."""
    x, y = at[:, 0] - 0.5, at[:, 1] - 0.5
    left, top = np.floor(x), np.floor(y)
    result = np.zeros((len(at), plane.shape[2]))
    for right, below in ((0, 0), (1, 0), (0, 1), (1, 1)):
        columns = np.clip(left + right, 0, plane.shape[1] - 1).astype(int)
        rows = np.clip(top + below, 0, plane.shape[0] - 1).astype(int)
        weight = np.abs(1 - right - (x - left)) * np.abs(1 - below - (y - top))
        result += weight[:, None] * plane[rows, columns]
    return result


@pytest.mark.parametrize("normalised", [False, True])
def test_textures_are_bilinear_and_clamped(bench: Bench, normalised: bool) -> None:
    random = np.random.default_rng(4)
    plane = random.integers(0, 256, (50, 256, 2), dtype=np.uint8)
    at = random.uniform((-3, -3), (203, 53), (5000, 2)).astype(np.float32)
    scale = np.float32([1 / 200, 1 / 50]) if normalised else np.float32(1)
    with (
        DeviceMemory.of(bench.device, plane, bench.stream) as block,
        DeviceMemory.of(bench.device, at * scale, bench.stream) as places,
        DeviceMemory(bench.device, at.nbytes) as out,
        Textures(bench.device) as textures,
    ):
        texture = textures.of(block.pointer, 512, 200, 50, 2, normalised=normalised)
        assert textures.of(block.pointer, 512, 200, 50, 2, normalised=normalised) == texture
        arguments = ctypes.c_uint64(texture), address(places), address(out), ctypes.c_int(len(at))
        bench.kernels.launch("sample", (20,), (256,), bench.stream, *arguments)
        found = out.download(np.float32, at.shape, bench.stream) * 255
    assert np.abs(found - _bilinear(plane[:, :200], at)).max() < 1.5  # weights of eight bits, twice


def test_textures_are_bounded_and_say_what_they_cannot_read(bench: Bench) -> None:
    with DeviceMemory(bench.device, 512 * 8) as block, Textures(bench.device, limit=6) as textures:
        for width in range(2, 60, 2):
            textures.of(block.pointer, 512, width, 8)
            assert len(textures) <= 6
        with pytest.raises(CudaError, match="multiples of"):
            textures.of(block.pointer + 1, 512, 8, 8)
        with pytest.raises(CudaError, match="multiples of"):
            textures.of(block.pointer, 500, 8, 8)
    assert len(textures) == 0
