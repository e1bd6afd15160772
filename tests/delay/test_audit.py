"""The audit by itself: what it calls a fault, what it does not, and when, on a clock that the test moves."""

from __future__ import annotations

import weakref
from typing import Any

import pytest

from touchline.delay.audit import Audit, Fault, Verdict
from touchline.delay.store import FrameStore
from touchline.gst.library import SECOND, Gst

FRAME = SECOND // 25
BYTES = 64


class Watched:
    """A store, its audit, a clock, and a producer with a real GstBufferPool (or none)."""

    def __init__(self, window: int, depth: int | None = None, **options: Any) -> None:
        self.now = 100.0
        self.playing = True
        self.store = FrameStore(100)
        self.reader = self.store.reader("r")
        self.audit = Audit(
            self.store,
            window,
            "panorama",
            clock=lambda: self.now,
            playing=lambda: self.playing,
            **{"frame_ns": FRAME, "patience_s": 0.5, **options},
        )
        self.pool: Any = None
        self.count = 0
        if depth is not None:
            self.pool = Gst.BufferPool.new()
            config = self.pool.get_config()
            Gst.BufferPool.config_set_params(config, None, BYTES, 0, depth)
            assert self.pool.set_config(config)
            assert self.pool.set_active(True)

    def buffer(self) -> Any:
        if self.pool is None:
            return Gst.Buffer.new_allocate(None, BYTES, None)
        flow, buffer = self.pool.acquire_buffer(None)
        assert flow == Gst.FlowReturn.OK
        return buffer

    def put(self, frames: int = 1, buffer: Any = None, key: int | None = None) -> Verdict | None:
        """Frames that arrive and are held; the verdict on the last."""
        verdict = None
        for _ in range(frames):
            one = self.buffer() if buffer is None else buffer
            identity = hash(one.peek_memory(0)) if key is None else key
            verdict = self.audit.arrived(one, identity)
            self.store.append(one, self.count * FRAME, FRAME, key=identity)
            self.count += 1
            self.audit.settled()
            self.now += 0.04
        return verdict

    def after(self, seconds: float) -> Verdict | None:
        self.now += seconds
        return self.audit.check()


def test_memory_that_comes_again_while_it_is_held_is_a_fault() -> None:
    watched = Watched(20)
    for key in range(1, 9):
        assert watched.put(key=key) is None
    watched.reader.take()
    watched.reader.take()
    assert watched.put(key=1) is None, "it had been given back"
    verdict = watched.put(key=5)
    assert verdict == Verdict(Fault.REUSED, "panorama", held=7, depth=5, window=20, frame_ns=FRAME, key=5)


def test_a_memory_of_its_own_for_each_frame_is_none() -> None:
    watched = Watched(20, depth=30)
    for _ in range(200):
        assert watched.put() is None
        if len(watched.store) == 20:
            watched.reader.take()


def test_unknown_memory_is_not_suspected() -> None:
    watched = Watched(20)
    assert watched.put(5, key=0) is None


def test_a_repetition_that_says_so_is_none() -> None:
    watched = Watched(20)
    buffer = Gst.Buffer.new_allocate(None, BYTES, None)
    assert watched.put(buffer=buffer) is None
    again = buffer.copy_region(Gst.BufferCopyFlags.MEMORY, 0, BYTES)
    again.set_flags(Gst.BufferFlags.GAP)
    assert watched.put(buffer=again) is None
    assert watched.audit.repeated == 1
    again.unset_flags(Gst.BufferFlags.GAP)
    verdict = watched.put(buffer=again)
    assert verdict is not None
    assert verdict.depth == 1


def test_a_pool_smaller_than_the_window_is_named_as_soon_as_it_is_empty() -> None:
    watched = Watched(60, depth=40)
    watched.put(40)
    assert watched.after(0.05) is None, "that may be a hiccup"
    verdict = watched.after(0.1)
    assert verdict == Verdict(Fault.STARVED, "panorama", held=40, depth=40, window=60, frame_ns=FRAME)
    assert watched.after(5) is None, "once for each stall"
    watched.reader.take()
    watched.put()
    assert watched.after(0.2) is not None, "and again for the next"


def test_some_buffers_of_the_pool_may_be_on_their_way() -> None:
    watched = Watched(60, depth=40)
    on_their_way = [watched.buffer() for _ in range(4)]
    watched.put(36)
    assert watched.after(0.2) is not None
    assert len(on_their_way) == 4


def test_a_pool_that_has_buffers_left_is_not_empty() -> None:
    """A camera that stops while the window fills: with a pool that is too small that stays a suspicion."""
    watched = Watched(60, depth=40)
    watched.put(20)
    assert watched.after(1.9) is None
    verdict = watched.after(0.2)
    assert verdict is not None
    assert (verdict.fault, verdict.held, verdict.depth) == (Fault.SUSPECTED, 20, 40)


def test_what_is_held_of_others_does_not_count() -> None:
    watched = Watched(60, depth=8)
    watched.put(2)
    for number in range(20):
        watched.store.append(Gst.Buffer.new_allocate(None, BYTES, None), 10**12 + number)
    assert watched.after(0.4) is None


def test_a_camera_that_stops_with_a_full_window_is_no_fault() -> None:
    """Neither with a pool that is seen, nor without one."""
    for depth in (30, None):
        watched = Watched(20, depth)
        watched.put(20)
        for _ in range(20):
            assert watched.after(1) is None
            watched.reader.take()


def test_without_a_pool_to_see_a_stall_is_a_suspicion() -> None:
    watched = Watched(60)
    watched.put(40)
    assert watched.after(1.5) is None
    verdict = watched.after(1)
    assert verdict == Verdict(Fault.SUSPECTED, "panorama", held=40, depth=40, window=60, frame_ns=FRAME)
    assert watched.after(5) is None


def test_a_stall_that_is_meant_or_ours_is_none() -> None:
    watched = Watched(60, depth=40)
    assert watched.after(9) is None, "nothing has come yet"
    watched.put(40)
    watched.playing = False
    assert watched.after(9) is None, "the source is paused"
    watched.playing = True
    other = Gst.Buffer.new_allocate(None, BYTES, None)
    watched.audit.arrived(other, 0)
    assert watched.after(9) is None, "we have not dealt with the last frame yet"
    watched.audit.settled()
    watched.audit.ended()
    assert watched.after(9) is None, "the stream is over"


def test_a_slow_stream_gets_four_frames_of_patience() -> None:
    watched = Watched(60, frame_ns=SECOND)
    watched.put(40)
    assert watched.after(15) is None
    assert watched.after(2) is not None


def test_a_reset_forgets_the_stream_and_its_pool() -> None:
    watched = Watched(60, depth=40)
    watched.put(40)
    watched.audit.reset()
    assert watched.after(9) is None
    watched.store.close()
    gone = weakref.ref(watched.pool)
    watched.pool.set_active(False)
    watched.pool = None
    assert gone() is None


@pytest.mark.parametrize(
    ("fault", "depth", "words"),
    [
        (Fault.REUSED, 8, "memory came round after 8 frames while 210 are to be held"),
        (Fault.STARVED, 40, "its pool of 40 buffers is empty: 40 of them are held, and 210 are to be"),
        (Fault.SUSPECTED, 40, "nothing has come since 40 frames are held, of 210; perhaps its pool is empty"),
    ],
)
def test_each_verdict_is_one_line_that_says_what_to_do(fault: Fault, depth: int, words: str) -> None:
    line = Verdict(fault, "panorama", 40, depth, 210, FRAME).line
    assert line.startswith("panorama: ")
    assert words in line
    assert "\n" not in line
    assert "use --hold copy, or nvvideoconvert output-buffers=214" in line
    assert line.endswith(f", or a delay of at most {(depth - 4) * 4 // 10 / 10:g} s")


def test_where_no_delay_would_fit_none_is_advised() -> None:
    assert "delay" not in Verdict(Fault.REUSED, "p", 4, 4, 210, FRAME).line
    assert "delay" not in Verdict(Fault.STARVED, "p", 40, 40, 210, 0).line
