"""A live capture whose frames carry their number, in plain memory or labelled as NVMM; and what reads them back."""

from __future__ import annotations

import struct
import threading
from fractions import Fraction

from footage import number_of, paint
from touchline.gst.caps import PlaneLayout, VideoCaps
from touchline.gst.elements import make
from touchline.gst.library import MILLISECOND, SECOND, Gst
from touchline.gst.mapping import read_nv12, write_nv12
from touchline.gst.pipelines import Pipeline, system_clock
from touchline.gst.pools import FramePool

CAPS = VideoCaps(64, 48, Fraction(30))
NVMM = "video/x-raw(memory:NVMM),format=NV12,width=1920,height=1080,framerate=30/1"
LATE = 40 * MILLISECOND  # frames come so long after their PTS


class Frames:
    """Makes numbered frames out of one pool, and reads their numbers."""

    def __init__(self, count: int = 120, nvmm: bool = False) -> None:
        self.nvmm = nvmm
        self.caps = Gst.Caps.from_string(NVMM) if nvmm else CAPS.to_gst()
        self.pool = FramePool(CAPS, count)
        self.pool.start()
        self.layout = PlaneLayout.from_caps(CAPS.to_gst())

    def make(self, number: int, pts: int | None) -> Gst.Buffer:
        if self.nvmm:
            buffer = Gst.Buffer.new_wrapped(struct.pack("<q56x", number))
        else:
            buffer = self.pool.acquire(wait=True)
            with write_nv12(buffer, self.layout) as picture:
                paint(picture, number)
        if pts is not None:
            buffer.pts = pts
        buffer.duration = SECOND // 30
        return buffer

    def number(self, buffer: Gst.Buffer) -> int:
        if self.nvmm:
            return int(struct.unpack_from("<q", buffer.extract_dup(0, 8))[0])
        with read_nv12(buffer, self.layout) as picture:
            return number_of(picture.y)

    @property
    def all_free(self) -> bool:
        stats = self.pool.stats()
        return stats.free == stats.frames


def wait_until(base: int, running: int) -> None:
    left = base + running - system_clock().get_time()
    if left > 0:
        threading.Event().wait(left / SECOND)


class Capture:
    """appsrc -> appsink, live: :meth:`run` pushes frames on time, from the calling thread."""

    def __init__(self, frames: Frames, on_sample) -> None:
        self.frames = frames
        self.source = make("appsrc", caps=frames.caps, format="time", is_live=True, max_bytes=0)
        sink = make("appsink", emit_signals=True, sync=False, enable_last_sample=False, async_=False)
        sink.connect("new-sample", on_sample)
        self.pipeline = Pipeline("capture")
        self.pipeline.add(self.source, sink)

    def start(self) -> int:
        self.pipeline.play()
        assert self.pipeline.gst.get_state(5 * SECOND)[1] == Gst.State.PLAYING
        return self.pipeline.gst.get_base_time()

    def run(self, numbers, stamped: bool = True) -> None:
        base = self.pipeline.gst.get_base_time()
        for number in numbers:
            pts = number * SECOND // 30
            wait_until(base, pts + LATE)
            self.source.emit("push-buffer", self.frames.make(number, pts if stamped else None))


class Playback:
    """appsrc -> clocksync -> appsink: what was shown, as number and PTS."""

    def __init__(self, frames: Frames) -> None:
        self.seen: list[tuple[int, int]] = []
        self.flags: list[bool] = []
        self._frames = frames
        self.source = make("appsrc")
        self.pace = make("clocksync")
        self.sink = make("appsink", emit_signals=True, sync=False, enable_last_sample=False, async_=False)
        self.sink.connect("new-sample", self._read)
        self.pipeline = Pipeline("playback")
        self.pipeline.add(self.source, self.pace, self.sink)

    def _read(self, sink):
        buffer = sink.emit("pull-sample").get_buffer()
        self.seen.append((self._frames.number(buffer), buffer.pts))
        return Gst.FlowReturn.OK

    def wait(self, count: int, timeout_s: float = 10) -> None:
        until = system_clock().get_time() + round(timeout_s * SECOND)
        while len(self.seen) < count and system_clock().get_time() < until:
            threading.Event().wait(0.01)
