"""Frames in CUDA memory: pools, content through GStreamer's own elements, copies, views. Needs a GPU."""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

pytest.importorskip("cuda.bindings.driver", reason="touchline[cuda] is not installed")

from footage import number_of, paint, pts_of
from gpu import Bench, bench, needs_gpu, noise, same, undisturbed  # noqa: F401
from touchline.cuda.probe import broken
from touchline.delay.store import FrameStore
from touchline.errors import TouchlineError
from touchline.gst.caps import PlaneLayout, VideoCaps
from touchline.gst.cuda_links import chain
from touchline.gst.domains import domain_of
from touchline.gst.library import Gst, GstVideo
from touchline.gst.mapping import read_nv12
from touchline.gst.nv12 import Nv12
from touchline.gst.pools import FramePool
from touchline.gst.shares import share

_BROKEN = broken(chain())
pytestmark = [
    needs_gpu,
    pytest.mark.skipif(_BROKEN is not None, reason=f"{_BROKEN.name}: {_BROKEN.detail}" if _BROKEN else ""),
]
FPS = Fraction(30)
SIZES = [(5700, 1900), (322, 242), (1920, 1080), (130, 6)]


@pytest.fixture(scope="module")
def cuda() -> Any:
    from touchline.gst.domains.cuda import CudaDomain

    return CudaDomain()


@pytest.fixture
def pool_of(cuda) -> Iterator[Callable[..., FramePool]]:
    made: list[FramePool] = []

    def make(width: int, height: int, frames: int = 4, domain: Any = None) -> FramePool:
        pool = FramePool(VideoCaps(width, height, FPS), frames, "test", domain or cuda)
        pool.start()
        made.append(pool)
        return pool

    yield make
    for pool in made:
        pool.stop()


def caps_of(pool: FramePool) -> Any:
    return pool.caps.to_gst()


def through(cuda: Any, elements: str, buffer: Any, caps: Any) -> Any:
    """The sample that a pipeline makes of one frame."""
    pipeline = Gst.parse_launch(f"appsrc name=from format=time ! {elements} ! appsink name=to sync=false")
    cuda.prepare(pipeline)
    source, sink = pipeline.get_by_name("from"), pipeline.get_by_name("to")
    source.set_property("caps", caps)
    try:
        pipeline.set_state(Gst.State.PLAYING)
        buffer.pts = 0
        source.emit("push-buffer", buffer)
        source.emit("end-of-stream")
        sample = sink.emit("try-pull-sample", 20 * Gst.SECOND)
        assert sample is not None, pipeline.get_bus().timed_pop_filtered(0, Gst.MessageType.ERROR)
        return sample
    finally:
        pipeline.set_state(Gst.State.NULL)


def picture_of(sample: Any) -> Nv12:
    with read_nv12(sample.get_buffer(), PlaneLayout.from_caps(sample.get_caps())) as picture:
        return Nv12(picture.y.copy(), picture.uv.copy())


def test_caps_name_the_domain() -> None:
    assert domain_of(Gst.Caps.from_string("video/x-raw(memory:CUDAMemory),format=NV12")).name == "cuda"


def test_a_window_takes_what_the_plan_says(cuda, pool_of) -> None:
    """GStreamer's own pool took 25.2 MB for a frame of 16.2."""

    def as_planned() -> bool:
        gc.collect()
        free = cuda.device.memory()[0]
        pool = pool_of(5700, 1900, 210)
        planned, used = 210 * pool.frame_bytes, free - cuda.device.memory()[0]
        pool.stop()
        gc.collect()
        assert planned <= 3_700_000_000
        return abs(used - planned) <= 0.02 * planned and cuda.device.memory()[0] == free

    assert undisturbed(as_planned)


@pytest.mark.parametrize("size", SIZES)
def test_what_is_written_is_seen_by_everybody(cuda, bench: Bench, pool_of, size: tuple[int, int]) -> None:
    pool = pool_of(*size)
    picture, frame = noise(*size), pool.acquire()
    cuda.write(frame, picture, caps_of(pool))
    with cuda.reading(frame, pool.layout) as own:
        assert same(Nv12(bench.download(own.luma), bench.download(own.chroma)), picture)
    sample = through(cuda, "cudadownload ! video/x-raw", share(frame), pool.gst_caps)
    assert same(picture_of(sample), picture)
    with read_nv12(frame, pool.layout) as mapped:
        assert same(mapped, picture)


def test_a_plain_map_follows_what_is_written_later(cuda, pool_of) -> None:
    """GStreamer keeps the pixels that it once brought to plain memory."""
    pool = pool_of(322, 242)
    frame = pool.acquire()
    for seed in (1, 2):
        picture = noise(322, 242, seed)
        cuda.write(frame, picture, caps_of(pool))
        with read_nv12(frame, pool.layout) as mapped:
            assert same(mapped, picture)


@pytest.mark.parametrize("described", [True, False])
def test_elements_find_the_planes_by_the_meta_and_by_the_memory(cuda, pool_of, described: bool) -> None:
    pool = pool_of(644, 362)
    frame = pool.acquire()
    flat = Nv12.empty(644, 362)
    flat.fill(100, 90, 170)
    flat.y[:, 322:] = 200
    cuda.write(frame, flat, caps_of(pool))
    sent = share(frame)
    if described:
        elements = "cudaconvertscale ! video/x-raw(memory:CUDAMemory),width=322,height=182 ! cudadownload"
        seen = picture_of(through(cuda, f"{elements} ! video/x-raw,format=NV12", sent, pool.gst_caps))
        assert set(np.unique(seen.uv[..., 0])) <= {89, 90, 91}
        assert set(np.unique(seen.uv[..., 1])) <= {169, 170, 171}
        assert np.abs(seen.y[:, :150].astype(int) - 100).max() <= 1
        assert np.abs(seen.y[:, 170:].astype(int) - 200).max() <= 1
        return
    bare = Gst.Buffer.new()
    bare.append_memory(frame.peek_memory(0))
    with cuda.reading(bare, pool.layout) as by_memory, cuda.reading(frame, pool.layout) as by_meta:
        assert by_memory == by_meta


def test_a_deep_copy_of_gstreamers_own_is_the_same_picture(cuda, pool_of) -> None:
    pool = pool_of(644, 362)
    picture, frame = noise(644, 362), pool.acquire()
    cuda.write(frame, picture, caps_of(pool))
    copy = frame.copy_deep()
    assert cuda.identity(copy) != cuda.identity(frame)
    assert same(picture_of(through(cuda, "cudadownload ! video/x-raw", copy, pool.gst_caps)), picture)


def test_a_copy_is_deep_and_in_our_own_memory(cuda, pool_of) -> None:
    pool = pool_of(644, 362)
    first, second, frame = noise(644, 362, 1), noise(644, 362, 2), pool.acquire()
    cuda.write(frame, first, caps_of(pool))
    frame.pts = 7
    copy = pool.copy_of(frame)
    cuda.write(frame, second, caps_of(pool))
    assert copy.pts == 7
    with read_nv12(copy, pool.layout) as mapped:
        assert same(mapped, first)
    del frame
    assert pool.stats().free == 3, "the copy holds its own frame and nothing else"


def test_shares_are_the_same_memory_and_nobody_may_write_it(cuda, pool_of) -> None:
    pool = pool_of(322, 242)
    frame = pool.acquire()
    other = pool.acquire()
    held = share(frame)
    assert cuda.identity(held) == cuda.identity(frame) != cuda.identity(other)
    for refused in (
        lambda: cuda.writing(frame, pool.layout).__enter__(),
        lambda: cuda.write(frame, noise(322, 242), caps_of(pool)),
        lambda: cuda.copy_into(other, frame, caps_of(pool)),
    ):
        with pytest.raises(TouchlineError, match="others hold"):
            refused()
    del held
    with cuda.writing(frame, pool.layout):
        pass


def test_what_does_not_fit_is_refused(cuda, pool_of) -> None:
    small, large = pool_of(322, 242), pool_of(644, 362)
    one, other = small.acquire(), large.acquire()
    with pytest.raises(TouchlineError, match="another size"):
        cuda.copy_into(one, other, caps_of(large))
    with pytest.raises(TouchlineError, match="does not fit"):
        cuda.write(one, noise(644, 362), caps_of(small))
    with pytest.raises(TouchlineError, match="not NV12 of"):
        cuda.reading(one, large.layout).__enter__()
    plain = Gst.Buffer.new_allocate(None, 4096, None)
    with pytest.raises(TouchlineError, match="not one of the GPU's"):
        cuda.identity(plain)


def test_other_formats_are_pooled_and_copied_too(cuda) -> None:
    caps = Gst.Caps.from_string("video/x-raw,format=RGBA,width=322,height=242,framerate=30/1")
    pool = FramePool(caps, 2, "rgba", cuda)
    pool.start()
    line = (
        "videotestsrc num-buffers=1 pattern=smpte ! video/x-raw,format=RGBA,width=322,height=242 ! cudaupload"
    )
    pipeline = Gst.parse_launch(f"{line} ! video/x-raw(memory:CUDAMemory) ! appsink name=to sync=false")
    cuda.prepare(pipeline)
    pipeline.set_state(Gst.State.PLAYING)
    buffer = pipeline.get_by_name("to").emit("try-pull-sample", 20 * Gst.SECOND).get_buffer()
    copy = pool.copy_of(buffer)
    wanted, seen = (_rgba(cuda, one, pool.gst_caps) for one in (buffer, copy))
    assert len(np.unique(wanted)) > 4
    assert (seen == wanted).all()
    pipeline.set_state(Gst.State.NULL)
    pool.stop()


def _rgba(cuda: Any, buffer: Any, caps: Any) -> np.ndarray:
    frame = through(cuda, "cudadownload ! video/x-raw", buffer, caps).get_buffer()
    meta = GstVideo.buffer_get_video_meta(frame)
    stride = meta.stride[0] if meta else 322 * 4
    rows = np.frombuffer(frame.extract_dup(0, stride * 242), np.uint8).reshape(242, stride)
    return rows[:, : 322 * 4].copy()


@pytest.mark.parametrize("prepared", [True, False])
def test_frames_of_elements_are_read_where_they_are_prepared(cuda, pool_of, prepared: bool) -> None:
    pipeline = Gst.parse_launch(
        "videotestsrc num-buffers=3 ! video/x-raw,format=NV12,width=644,height=362 ! tee name=t "
        "t. ! queue ! appsink name=plain sync=false "
        "t. ! queue ! cudaupload ! video/x-raw(memory:CUDAMemory) ! appsink name=gpu sync=false"
    )
    if prepared:
        cuda.prepare(pipeline)
    pipeline.set_state(Gst.State.PLAYING)
    plain, gpu = (
        pipeline.get_by_name(name).emit("try-pull-sample", 20 * Gst.SECOND) for name in ("plain", "gpu")
    )
    wanted, buffer = picture_of(plain), gpu.get_buffer()
    layout = PlaneLayout.from_caps(gpu.get_caps())
    beside = cuda.beside(buffer)
    assert (beside is cuda) == prepared
    pool = pool_of(644, 362, 2, beside)
    copy = pool.copy_of(buffer)
    with read_nv12(copy, pool.layout) as mapped:
        assert same(mapped, wanted)
    if not prepared:
        with pytest.raises(TouchlineError, match="another CUDA context"):
            cuda.reading(buffer, layout).__enter__()
    pipeline.set_state(Gst.State.NULL)


def test_kernels_read_and_write_frames(cuda, bench: Bench, pool_of) -> None:
    pool = pool_of(322, 242)
    picture, source, target = noise(322, 242), pool.acquire(), pool.acquire()
    cuda.write(source, picture, caps_of(pool))
    with cuda.reading(source, pool.layout) as old, cuda.writing(target, pool.layout) as new:
        bench.copy(old, new)
    with read_nv12(target, pool.layout) as mapped:
        assert same(mapped, picture)


def test_a_window_holds_numbered_frames_by_reference(cuda, pool_of) -> None:
    pool = pool_of(322, 242, 40)
    store = FrameStore(30, pool.frame_bytes)
    reader = store.reader("player")
    canvas, seen = Nv12.empty(322, 242), []
    identities = set()
    for number in range(100):
        frame = pool.acquire()
        assert frame is not None, "the window gives its frames back"
        paint(canvas, number)
        cuda.write(frame, canvas, caps_of(pool))
        frame.pts = pts_of(number, FPS)
        identities.add(cuda.identity(frame))
        store.append(frame, frame.pts, key=cuda.identity(frame))
        del frame
        if number >= 29:
            oldest = reader.take()
            with read_nv12(oldest.buffer, pool.layout) as mapped:
                seen.append((number_of(mapped.y), oldest.pts))
            del oldest
    assert seen == [(number, pts_of(number, FPS)) for number in range(71)]
    assert len(identities) <= 40
    store.close()
    gc.collect()
    assert pool.stats().free == 40


def test_memory_stays_flat_over_many_frames(cuda, pool_of) -> None:
    pool = pool_of(1920, 1080, 24)
    stages = pool_of(1920, 1080, 2)
    held: list[Any] = []
    original = stages.acquire()
    cuda.write(original, noise(1920, 1080), caps_of(stages))

    def stays() -> bool:
        free = cuda.device.memory()[0]
        for _ in range(1000):
            frame = pool.copy_of(original)
            held.append(share(frame))
            del frame
            if len(held) > 20:
                held.pop(0)
        return cuda.device.memory()[0] == free

    assert undisturbed(stays)
    held.clear()
    assert pool.stats().free == 24


def test_threads_may_share_the_domain(cuda, pool_of) -> None:
    pool, faults = pool_of(644, 362, 12), []

    def work(seed: int) -> None:
        picture = noise(644, 362, seed)
        try:
            for _ in range(20):
                frame = pool.acquire(wait=True)
                cuda.write(frame, picture, caps_of(pool))
                copy = pool.copy_of(frame, wait=True)
                with read_nv12(copy, pool.layout) as mapped:
                    if not same(mapped, picture):
                        faults.append(seed)
        except TouchlineError as error:
            faults.append(error)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not faults


def _cupy(array: Any) -> tuple[Any, np.ndarray, int]:
    cupy = pytest.importorskip("cupy")
    view = cupy.asarray(array)
    return view, cupy.asnumpy(view), view.data.ptr


def _cupy_dlpack(array: Any) -> tuple[Any, np.ndarray, int]:
    cupy = pytest.importorskip("cupy")
    view = cupy.from_dlpack(array)
    return view, cupy.asnumpy(view), view.data.ptr


def _torch(array: Any) -> tuple[Any, np.ndarray, int]:
    torch = pytest.importorskip("torch")
    view = torch.as_tensor(array, device="cuda")
    return view, view.cpu().numpy(), view.data_ptr()


def _torch_dlpack(array: Any) -> tuple[Any, np.ndarray, int]:
    torch = pytest.importorskip("torch")
    view = torch.from_dlpack(array)
    return view, view.cpu().numpy(), view.data_ptr()


def _numba(array: Any) -> tuple[Any, np.ndarray, int]:
    numba_cuda = pytest.importorskip("numba.cuda")
    view = numba_cuda.as_cuda_array(array)
    return view, view.copy_to_host(), view.__cuda_array_interface__["data"][0]


@pytest.mark.parametrize("library", [_cupy, _cupy_dlpack, _torch, _torch_dlpack, _numba])
def test_libraries_read_frames_without_a_copy_and_keep_them(cuda, pool_of, library) -> None:
    pool = pool_of(322, 242)
    picture, frame = noise(322, 242), pool.acquire()
    cuda.write(frame, picture, caps_of(pool))
    with cuda.reading(frame, pool.layout) as own:
        luma, luma_pixels, luma_place = library(own.luma)
        chroma, chroma_pixels, chroma_place = library(own.chroma)
        assert (luma_place, chroma_place) == (own.y, own.uv)
    assert (luma_pixels == picture.y).all()
    assert (chroma_pixels == picture.uv).all()
    del own, frame
    gc.collect()
    assert pool.stats().free == 3, "the libraries' arrays keep the frame"
    del luma, chroma
    gc.collect()
    assert pool.stats().free == 4
