"""Pools, shares and mapping: who owns a frame, and when it comes back."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
from fractions import Fraction

import numpy as np
import pytest

from touchline.errors import TouchlineError
from touchline.gst.caps import PlaneLayout, VideoCaps, packed_bytes
from touchline.gst.library import Gst
from touchline.gst.mapping import address, read_nv12, write_nv12
from touchline.gst.pools import FramePool, PoolStats
from touchline.gst.shares import share

CAPS = VideoCaps(322, 242, Fraction(30))


@pytest.fixture
def pool():
    pool = FramePool(CAPS, 3, "test")
    pool.start()
    yield pool
    pool.stop()


def test_a_pool_hands_out_what_it_has_and_no_more(pool: FramePool) -> None:
    out = [pool.acquire() for _ in range(3)]
    assert len({address(b) for b in out}) == 3
    assert pool.acquire() is None
    assert pool.stats().free == 0
    del out
    stats = pool.stats()
    assert stats == PoolStats(frames=3, free=3)
    assert (stats.name, stats.frame_bytes) == ("test", pool.layout.size)


def test_a_frame_comes_back_only_when_its_last_share_is_gone(pool: FramePool) -> None:
    """A GstBufferPool of 1.22.0 throws a returning frame away, since the share still holds its memory then."""
    frames = [pool.acquire() for _ in range(3)]
    place = address(frames[0])
    one = share(frames[0])
    two = share(one)
    assert address(one) == address(two) == place
    frames[0] = None
    gc.collect()
    assert pool.acquire() is None, "a share is alive"
    del one
    assert pool.acquire() is None, "a share of a share is alive"
    del two
    again = pool.acquire()
    assert again is not None
    assert address(again) == place


def test_a_held_frame_cannot_be_written(pool: FramePool) -> None:
    frame = pool.acquire()
    with write_nv12(frame, pool.layout) as picture:
        picture.fill(50, 60, 70)
    held = share(frame)
    for buffer in (frame, held):
        with (
            pytest.raises(TouchlineError, match="can't be mapped for writing"),
            write_nv12(buffer, pool.layout),
        ):
            pass
    with read_nv12(held, pool.layout) as picture:
        assert not picture.y.flags.writeable
        assert (picture.y == 50).all()
        assert (picture.uv == [60, 70]).all()
    del held, buffer
    with write_nv12(frame, pool.layout) as picture:
        picture.fill(1, 2, 3)


def test_a_share_has_timestamps_of_its_own(pool: FramePool) -> None:
    frame = pool.acquire()
    frame.pts = 5
    held = share(frame)
    assert held.pts == 5
    held.pts = 9
    assert frame.pts == 5


def test_the_picture_is_laid_out_as_gstreamer_says(pool: FramePool) -> None:
    """Rows of 322 pixels are padded; writing them as if they were not shears the picture."""
    frame = pool.acquire()
    layout = pool.layout.of(frame)
    assert layout.strides[0] % 4 == 0
    assert layout.strides[0] > 322
    rng = np.random.default_rng(1)
    y = rng.integers(0, 256, (242, 322), dtype=np.uint8)
    uv = rng.integers(0, 256, (121, 161, 2), dtype=np.uint8)
    with write_nv12(frame, pool.layout) as picture:
        picture.y[:] = y
        picture.uv[:] = uv
    with read_nv12(frame, pool.layout) as picture:
        raw = np.array(frame.extract_dup(0, frame.get_size()), dtype=object)
        assert (picture.y == y).all()
        assert (picture.uv == uv).all()
    raw = np.frombuffer(bytes(raw.item()), dtype=np.uint8)
    assert (raw[: layout.strides[0] * 242].reshape(242, -1)[:, :322] == y).all()


def test_a_waiting_acquire_is_woken_by_flush(pool: FramePool) -> None:
    import threading

    out = [pool.acquire() for _ in range(3)]
    got: list[object] = ["nothing yet"]
    thread = threading.Thread(target=lambda: got.__setitem__(0, pool.acquire(wait=True)))
    thread.start()
    pool.flush()
    thread.join(5)
    assert got == [None]
    assert len(out) == 3


def test_frames_are_counted_without_padding() -> None:
    assert packed_bytes("NV12", 5700, 1900) == 16_245_000
    assert packed_bytes("RGBA", 5700, 1900) == 43_320_000
    with pytest.raises(ValueError, match="unknown format"):
        packed_bytes("BGR", 2, 2)


def test_only_nv12_has_our_layout() -> None:
    with pytest.raises(ValueError, match="not NV12"):
        PlaneLayout.from_caps(Gst.Caps.from_string("video/x-raw,format=I420,width=64,height=64"))


def test_a_thousand_rounds_allocate_nothing(pool: FramePool) -> None:
    memories = {hash(m.peek_memory(0)) for m in [pool.acquire() for _ in range(3)]}
    for _ in range(1000):
        frame = pool.acquire()
        held = share(frame)
        del frame
        assert hash(held.peek_memory(0)) in memories
        del held
    assert pool.stats() == PoolStats(3, 3)


def test_memory_goes_when_the_pool_has_stopped_and_the_last_frame_is_gone() -> None:
    """The leaks tracer of a process of its own sees every GstMemory and GstBuffer."""
    code = (
        "from fractions import Fraction\n"
        "from touchline.gst.caps import VideoCaps\n"
        "from touchline.gst.pools import FramePool\n"
        "from touchline.gst.shares import share\n"
        "pool = FramePool(VideoCaps(320, 240, Fraction(30)), 4); pool.start()\n"
        "frames = [pool.acquire() for _ in range(4)]; held = [share(f) for f in frames]\n"
        "pool.stop(); assert pool.acquire() is None\n"
        "%s\n"
        "import gc; gc.collect()\n"
        "from touchline.gst.library import Gst; del pool; Gst.deinit()\n"
    )
    for ending, leaks in (
        ("del frames, held", False),
        ("import ctypes; ctypes.pythonapi.Py_IncRef(ctypes.py_object(held[0]))", True),
    ):
        done = subprocess.run(
            [sys.executable, "-c", code % ending],
            env={
                **os.environ,
                "GST_TRACERS": "leaks(filters=GstBuffer,GstMemory)",
                "GST_DEBUG": "GST_TRACER:7",
            },
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
        assert ("object-alive, type-name=(string)Gst" in done.stderr) == leaks, done.stderr[-2000:]
