"""Memory domains: which one caps ask for, whose memory a frame is in, and copies inside system memory and NVMM."""

from __future__ import annotations

import ctypes
import struct
from fractions import Fraction

import numpy as np
import pytest

from footage import number_of, paint, pts_of
from touchline.cuda.probe import broken, links
from touchline.delay.store import FrameStore
from touchline.errors import ConfigurationError, MissingCudaError, TouchlineError
from touchline.gst.caps import VideoCaps
from touchline.gst.domains import NAMES, SystemDomain, domain, domain_of
from touchline.gst.elements import make
from touchline.gst.library import Gst, GstVideo
from touchline.gst.mapping import read_nv12, write_nv12
from touchline.gst.nv12 import Nv12
from touchline.gst.pipelines import Pipeline
from touchline.gst.pools import FramePool
from touchline.gst.shares import share

CAPS = VideoCaps(322, 242, Fraction(30))
NVMM = Gst.Caps.from_string("video/x-raw(memory:NVMM),format=NV12,width=5700,height=1900,framerate=30/1")
WITHOUT_CUDA = any(link.name == "touchline[cuda]" and not link.ok for link in links())
SURFACE_BYTES = 64  # of the opaque description


@pytest.fixture
def pool():
    pool = FramePool(CAPS, 4, "test")
    pool.start()
    yield pool
    pool.stop()


@pytest.mark.parametrize(
    ("feature", "name"),
    [
        ("", "system"),
        ("(memory:SystemMemory)", "system"),
        ("(meta:GstVideoOverlayComposition)", "system"),
        ("(memory:GLMemory)", "gl"),
        ("(memory:GLMemory, meta:GstVideoOverlayComposition)", "gl"),
        ("(memory:NVMM)", "nvmm"),
    ],
)
def test_caps_name_their_domain(feature: str, name: str) -> None:
    assert domain_of(Gst.Caps.from_string(f"video/x-raw{feature},format=NV12")).name == name


def test_what_is_not_known_is_refused_by_name() -> None:
    with pytest.raises(TouchlineError, match="memory:DMABuf can't be held"):
        domain_of(Gst.Caps.from_string("video/x-raw(memory:DMABuf),format=NV12"))
    with pytest.raises(ConfigurationError, match="known are system, gl, cuda, nvmm"):
        domain("hologram")
    here = [name for name in NAMES if name != "cuda" or broken(links()) is None]
    assert [domain(name).name for name in here] == here


@pytest.mark.skipif(not WITHOUT_CUDA, reason="the package that must be missing is here")
def test_cuda_without_its_package_is_refused_by_its_name() -> None:
    with pytest.raises(MissingCudaError, match=r"touchline\[cuda\]"):
        domain_of(Gst.Caps.from_string("video/x-raw(memory:CUDAMemory),format=NV12"))


def test_identity_is_of_the_pixels_not_of_the_header(pool: FramePool) -> None:
    frames = [pool.acquire() for _ in range(4)]
    identities = [pool.domain.identity(frame) for frame in frames]
    assert len(set(identities)) == 4
    assert 0 not in identities
    assert pool.domain.identity(share(share(frames[2]))) == identities[2]


def test_identity_of_a_frame_of_several_memories_is_not_that_of_a_copy() -> None:
    """Mapping a whole buffer of several memories merges them into a new one, at a new address every time."""
    buffer = Gst.Buffer.new()
    for _ in range(2):
        buffer.append_memory(Gst.Allocator.find(None).alloc(4096, Gst.AllocationParams()))
    assert SystemDomain().identity(buffer) == SystemDomain().identity(share(buffer))
    with pytest.raises(TouchlineError, match="without memory"):
        SystemDomain().identity(Gst.Buffer.new())


def test_a_copy_is_deep_and_keeps_nothing_of_the_original(pool: FramePool) -> None:
    other = FramePool(CAPS, 1, "copies")
    other.start()
    frame = pool.acquire()
    with write_nv12(frame, pool.layout) as picture:
        picture.y[:] = np.random.default_rng(2).integers(0, 256, picture.y.shape)
        picture.uv[:] = np.random.default_rng(3).integers(0, 256, picture.uv.shape)
        expected = Nv12(picture.y.copy(), picture.uv.copy())
    frame.pts, frame.duration = 7, 9
    frame.set_flags(Gst.BufferFlags.DROPPABLE)
    GstVideo.buffer_add_video_region_of_interest_meta(frame, "ball", 1, 2, 3, 4)
    held = share(frame)  # with a tie to its parent, which must not be copied
    copy = other.copy_of(held)
    assert copy is not None
    assert (copy.pts, copy.duration) == (7, 9)
    assert copy.has_flags(Gst.BufferFlags.DROPPABLE)
    assert GstVideo.buffer_get_video_region_of_interest_meta_id(copy, 0) is not None
    assert other.copy_of(held) is None, "the pool has one frame"
    del held, frame
    assert pool.stats().free == 4, "the copy does not hold the original"
    again = [pool.acquire() for _ in range(4)]
    for buffer in again:
        with write_nv12(buffer, pool.layout) as picture:
            picture.fill(1, 2, 3)
    with read_nv12(copy, other.layout) as picture:
        assert (picture.y == expected.y).all()
        assert (picture.uv == expected.uv).all()
    del copy
    assert other.stats().free == 1


def test_a_copy_obeys_the_rows_of_both(pool: FramePool) -> None:
    """Decoders pad rows and put planes where they like; a copy of the bytes as they lie shears the picture."""
    stride, height = 512, 256
    padded = Gst.Buffer.new_allocate(None, stride * height * 3 // 2, None)
    GstVideo.buffer_add_video_meta_full(
        padded,
        GstVideo.VideoFrameFlags.NONE,
        GstVideo.VideoFormat.NV12,
        322,
        242,
        2,
        [0, stride * height, 0, 0],
        [stride, stride, 0, 0],
    )
    with write_nv12(padded, pool.layout) as picture:
        paint(picture, 4711)
        picture.uv[::2] = 200
    copy = pool.copy_of(padded)
    with read_nv12(padded, pool.layout) as source, read_nv12(copy, pool.layout) as target:
        assert number_of(target.y) == 4711
        assert (source.y == target.y).all()
        assert (source.uv == target.uv).all()


def test_copies_and_pictures_that_do_not_fit_are_refused(pool: FramePool) -> None:
    small = FramePool(VideoCaps(160, 120, Fraction(30)), 2, "small")
    small.start()
    target = small.acquire()
    with pytest.raises(TouchlineError, match="another size or format"):
        small.domain.copy_into(pool.acquire(), target, small.gst_caps)
    with pytest.raises(TouchlineError, match="does not fit"):
        small.domain.write(target, Nv12.empty(322, 242), small.gst_caps)
    held = share(target)
    with pytest.raises(TouchlineError, match="others hold"):
        small.domain.copy_into(small.acquire(), target, small.gst_caps)
    del held
    assert pool.stats().free == 4


def test_a_picture_is_written_as_it_is(pool: FramePool) -> None:
    picture = Nv12.empty(322, 242)
    paint(picture, 321)
    frame = pool.acquire()
    pool.domain.write(frame, picture, pool.gst_caps)
    with read_nv12(frame, pool.layout) as own:
        assert (own.y == picture.y).all()
        assert (own.uv == picture.uv).all()


def test_rgba_frames_have_a_pool_too() -> None:
    caps = Gst.Caps.from_string("video/x-raw,format=RGBA,width=64,height=48,framerate=30/1")
    pool = FramePool(caps, 2, "rgba")
    pool.start()
    frame = pool.acquire()
    meta = GstVideo.buffer_get_video_meta(frame)
    assert (meta.format, meta.n_planes, meta.stride[0]) == (GstVideo.VideoFormat.RGBA, 1, 256)
    frame.fill(0, bytes(range(256)) * 48)
    copy = pool.copy_of(frame)
    assert copy.extract_dup(0, copy.get_size()) == bytes(range(256)) * 48
    with pytest.raises(ValueError, match="not NV12"):
        assert pool.layout


class Surfaces:
    """Stands in for NVIDIA's elements: opaque descriptions in a block each, handed out in turn."""

    def __init__(self, count: int) -> None:
        params = Gst.AllocationParams()
        allocator = Gst.Allocator.find(None)
        self.memories = [allocator.alloc(SURFACE_BYTES, params) for _ in range(count)]
        self.counts = [ctypes.c_int32.from_address(hash(memory) + 8) for memory in self.memories]

    @property
    def free(self) -> int:
        return sum(count.value == 1 for count in self.counts)

    def produce(self, number: int):
        buffer = Gst.Buffer.new()
        memory = self.memories[number % len(self.memories)]
        mapped, info = memory.map(Gst.MapFlags.WRITE)
        assert mapped
        info.data[:8] = struct.pack("<Q", number)
        memory.unmap(info)
        buffer.append_memory(memory)
        buffer.pts = pts_of(number, Fraction(30))
        return buffer


def _number(buffer) -> int:
    return struct.unpack("<Q", buffer.extract_dup(0, 8))[0]


class _Pass:
    """A pipeline from appsrc through a queue to appsink, with NVMM in its caps from end to end."""

    def __init__(self) -> None:
        self.entry = make("appsrc", caps=NVMM, format="time")
        self.exit = make("appsink", caps=Gst.Caps.from_string("video/x-raw(memory:NVMM)"), sync=False)
        self.pipeline = Pipeline("nvmm")
        self.pipeline.add(self.entry, make("queue", max_size_buffers=0, max_size_bytes=0), self.exit)
        self.pipeline.play()

    def take(self):
        sample = self.exit.emit("try-pull-sample", 10 * Gst.SECOND)
        assert sample is not None, self.pipeline.failed
        assert sample.get_caps().get_features(0).contains("memory:NVMM")
        return sample.get_buffer()


def test_opaque_nvmm_frames_pass_the_delay_as_they_are() -> None:
    window, frames = 30, 90
    surfaces = Surfaces(window + 4)
    store = FrameStore(window + 1)
    reader = store.reader("programme")
    nvmm = domain_of(NVMM)
    capture, programme = _Pass(), _Pass()
    shown = []
    for number in range(frames + window):
        if number < frames:
            capture.entry.emit("push-buffer", surfaces.produce(number))
            buffer = capture.take()
            identity = nvmm.identity(buffer)
            assert not store.holds_key(identity)
            store.append(buffer, buffer.pts, key=identity)
            del buffer
        if number >= window:
            frame = reader.take()
            programme.entry.emit("push-buffer", frame.buffer)
            assert nvmm.identity(frame.buffer) == frame.key
            out = programme.take()
            assert nvmm.identity(out) == frame.key
            assert out.pts == pts_of(number - window, Fraction(30))
            shown.append(_number(out))
            del out, frame
        elif number == window - 1:
            assert surfaces.free == 4, "every surface of the window is held, by reference"
    assert shown == list(range(frames))
    for one in (capture, programme):
        one.pipeline.stop()
    del one, capture, programme  # an appsink keeps its last frame for as long as it lives, also in NULL
    store.close()
    assert surfaces.free == window + 4, "every surface is back"


def test_a_surface_that_comes_round_while_it_is_held_is_seen() -> None:
    """The earlier attempt held 210 references to 8 surfaces, and nobody noticed."""
    surfaces, store, nvmm = Surfaces(8), FrameStore(20), domain("nvmm")
    reader = store.reader("programme")
    for number in range(8):
        buffer = surfaces.produce(number)
        assert not store.holds_key(nvmm.identity(buffer))
        store.append(buffer, buffer.pts, key=nvmm.identity(buffer))
    buffer = Gst.Buffer.new()
    buffer.append_memory(surfaces.memories[0])  # whatever its reference count says
    assert store.holds_key(nvmm.identity(buffer))
    assert reader.waiting == 8


def test_nvmm_says_who_can_copy() -> None:
    nvmm, buffer = domain("nvmm"), Surfaces(1).produce(0)
    for refused in (lambda: nvmm.copy_into(buffer, buffer, NVMM), lambda: nvmm.allocate(NVMM, 3)):
        with pytest.raises(TouchlineError, match="nvvideoconvert output-buffers=N"):
            refused()
    with pytest.raises(TouchlineError, match="let nvvideoconvert upload"):
        nvmm.write(buffer, Nv12.empty(64, 48), NVMM)
    pool = FramePool(VideoCaps(64, 48, Fraction(30)), 3, "window", domain=nvmm)
    with pytest.raises(TouchlineError, match="nvvideoconvert output-buffers=N"):
        pool.start()
