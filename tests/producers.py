"""Producers of painted frames that treat their memory well, badly or not at all, as real pipeline elements.

Each pushes straight into its peer from a thread of its own, with no queue between, so that what a frame looks like
when it arrives and what happens to its memory later do not depend on the machine's speed.
"""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np

from footage import paint, pts_of
from touchline.gst.caps import PlaneLayout, VideoCaps
from touchline.gst.library import Gst, GstVideo
from touchline.gst.mapping import address, write_nv12
from touchline.gst.nv12 import Nv12
from touchline.gst.pipelines import Pipeline

SMALL = VideoCaps(128, 64, Fraction(25))


class Producer(Gst.Element):
    """Pushes painted frames 0, 1, 2 ... in new memory each: an honest producer without a pool.

    Args:
        count: how many frames; the stream ends behind the last.
        caps: of the frames.
        before: called with the number of each frame before it is made; may wait, to pace the producer.
    """

    __gstmetadata__ = ("painted frames", "Source", "pushes numbered frames from Python", "tests")
    __gsttemplates__ = (
        Gst.PadTemplate.new("src", Gst.PadDirection.SRC, Gst.PadPresence.ALWAYS, Gst.Caps.new_any()),
    )

    def __init__(
        self, count: int, caps: VideoCaps = SMALL, before: Callable[[int], None] | None = None
    ) -> None:
        super().__init__()
        self.count = count
        self.caps = caps
        self.pushed = 0
        self.layout = PlaneLayout.from_caps(caps.to_gst())
        self._before = before
        self._pad = Gst.Pad.new_from_template(self.get_pad_template("src"), "src")
        self.add_pad(self._pad)
        self._halt = threading.Event()
        self._thread: threading.Thread | None = None

    def make(self, number: int) -> Any | None:
        """The frame of a number; None if we were stopped meanwhile."""
        buffer = Gst.Buffer.new_allocate(None, self.layout.size, None)
        self._describe(buffer)
        with write_nv12(buffer, self.layout) as picture:
            paint(picture, number)
        return buffer

    def halt(self) -> None:
        """Wakes whoever waits in :meth:`make`."""

    def do_change_state(self, transition: Gst.StateChange) -> Gst.StateChangeReturn:
        if transition == Gst.StateChange.PAUSED_TO_READY:
            self._halt.set()
            self.halt()
        done = Gst.Element.do_change_state(self, transition)
        if transition == Gst.StateChange.READY_TO_PAUSED:
            return Gst.StateChangeReturn.NO_PREROLL
        if transition == Gst.StateChange.PAUSED_TO_PLAYING and self._thread is None:
            self._thread = threading.Thread(target=self._run, name="producer", daemon=True)
            self._thread.start()
        if transition == Gst.StateChange.PAUSED_TO_READY and self._thread is not None:
            self._thread.join(10)
            assert not self._thread.is_alive(), "the producer hangs"
        return done

    def _run(self) -> None:
        segment = Gst.Segment()
        segment.init(Gst.Format.TIME)
        for event in (
            Gst.Event.new_stream_start("painted"),
            Gst.Event.new_caps(self.caps.to_gst()),
            Gst.Event.new_segment(segment),
        ):
            self._pad.push_event(event)
        for number in range(self.count):
            if self._before is not None:
                self._before(number)
            buffer = None if self._halt.is_set() else self.make(number)
            if buffer is None:
                return
            buffer.pts = pts_of(number, self.caps.fps)
            buffer.duration = self.caps.frame_ns
            if self._pad.push(buffer) != Gst.FlowReturn.OK:
                return
            del buffer
            self.pushed = number + 1
        self._pad.push_event(Gst.Event.new_eos())

    def _describe(self, buffer: Any) -> None:
        layout = self.layout
        GstVideo.buffer_add_video_meta_full(
            buffer,
            GstVideo.VideoFrameFlags.NONE,
            GstVideo.VideoFormat.NV12,
            layout.width,
            layout.height,
            2,
            [*layout.offsets, 0, 0],
            [*layout.strides, 0, 0],
        )


class HostileProducer(Producer):
    """Uses a few memories in turn, whatever their reference count: new headers, old memory, written over in place.

    Args:
        memories: how many there are.
        ahead: so many frames are painted before the first of them is pushed, as if a queue lay between.
    """

    def __init__(
        self,
        count: int,
        caps: VideoCaps = SMALL,
        before: Callable[[int], None] | None = None,
        memories: int = 8,
        ahead: int = 0,
    ) -> None:
        super().__init__(count, caps, before)
        self.ahead = ahead
        self._painted = 0
        self.memories = [
            Gst.Allocator.find(None).alloc(self.layout.size, Gst.AllocationParams()) for _ in range(memories)
        ]
        self._places = []
        for memory in self.memories:
            header = Gst.Buffer.new()
            header.append_memory(memory)
            self._places.append(address(header))

    def make(self, number: int) -> Any:
        while self._painted <= min(number + self.ahead, self.count - 1):
            self._overwrite(self._painted)
            self._painted += 1
        buffer = Gst.Buffer.new()
        buffer.append_memory(self.memories[number % len(self.memories)])
        self._describe(buffer)
        return buffer

    def _overwrite(self, number: int) -> None:
        """Writes where the memory lies, past everything with which GStreamer would keep us from it."""
        place = self._places[number % len(self._places)]
        raw = np.ctypeslib.as_array((ctypes.c_uint8 * self.layout.size).from_address(place))
        paint(
            Nv12.over(raw, self.layout.width, self.layout.height, self.layout.strides, self.layout.offsets),
            number,
        )


class PooledProducer(Producer):
    """Has a pool of so many buffers and waits for one of them to come back when they are out.

    Args:
        depth: buffers in the pool.
        hidden: hands out its buffers under new headers, so that nobody can see which pool they are from.
    """

    def __init__(
        self,
        count: int,
        caps: VideoCaps = SMALL,
        before: Callable[[int], None] | None = None,
        depth: int = 40,
        hidden: bool = False,
    ) -> None:
        super().__init__(count, caps, before)
        self.hidden = hidden
        self._pool = GstVideo.VideoBufferPool.new()
        config = self._pool.get_config()
        Gst.BufferPool.config_set_params(config, caps.to_gst(), self.layout.size, depth, depth)
        Gst.BufferPool.config_add_option(config, "GstBufferPoolOptionVideoMeta")
        assert self._pool.set_config(config)
        assert self._pool.set_active(True)

    def make(self, number: int) -> Any | None:
        flow, buffer = self._pool.acquire_buffer(None)
        if flow != Gst.FlowReturn.OK:
            return None
        with write_nv12(buffer, self.layout) as picture:
            paint(picture, number)
        if not self.hidden:
            return buffer
        whole = Gst.BufferCopyFlags.META | Gst.BufferCopyFlags.MEMORY
        header = buffer.copy_region(whole, 0, 2**64 - 1)
        header.add_parent_buffer_meta(buffer)
        return header

    def halt(self) -> None:
        self._pool.set_flushing(True)
        self._pool.set_active(False)


def feeding(producer: Producer, take: Callable[[Any, Any], None], end: Callable[[], None]) -> Pipeline:
    """A pipeline that hands every frame of a producer to ``take(buffer, caps)`` in the producer's own thread."""
    pipeline = Pipeline("produced")
    sink = Gst.ElementFactory.make("appsink")
    for name, value in (
        ("sync", False),
        ("emit-signals", True),
        ("async", False),
        ("enable-last-sample", False),
    ):
        sink.set_property(name, value)

    def on_sample(appsink: Any) -> Any:
        sample = appsink.emit("pull-sample")
        buffer, caps = sample.get_buffer(), sample.get_caps()
        del sample
        take(buffer, caps)
        return Gst.FlowReturn.OK

    sink.connect("new-sample", on_sample)
    sink.connect("eos", lambda _: end())
    pipeline.add(producer, sink)
    return pipeline
