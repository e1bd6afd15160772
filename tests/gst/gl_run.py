"""Frames in OpenGL textures through the delay: ``gl_run.py reference|copy WAY [leak]``, a report as JSON.

appsrc -> glupload -> appsink -> FrameStore -> share -> appsrc -> ..., where WAY is ``window`` (RGBA textures, to GL's
own sink), ``sink`` (NV12 textures, drawn from by a GL element, then a sink) or ``download`` (to read the numbers back).
"""

from __future__ import annotations

import ctypes
import gc
import json
import sys
from fractions import Fraction
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from footage import number_of, paint, pts_of
from touchline.delay.store import FrameStore
from touchline.gst.caps import VideoCaps
from touchline.gst.domains import GlDomain, domain_of
from touchline.gst.elements import make
from touchline.gst.library import Gst
from touchline.gst.mapping import read_nv12, write_nv12
from touchline.gst.pipelines import Pipeline
from touchline.gst.pools import FramePool

CAPS = VideoCaps(320, 240, Fraction(30))
FRAMES, WINDOW, IN_FLIGHT = 70, 30, 10
RGBA = Gst.Caps.from_string("video/x-raw(memory:GLMemory),format=RGBA")
TEXTURES = Gst.Caps.from_string("video/x-raw(memory:GLMemory)")


class Run:
    """The two pipelines with the store between them."""

    def __init__(self, hold: str, way: str) -> None:
        self.home = GlDomain()
        # Where frames are copied, the camera's own pool needs no more than what is on its way.
        self.camera = FramePool(CAPS, 4 if hold == "copy" else WINDOW + IN_FLIGHT, "camera")
        self.camera.start()
        self.copies: FramePool | None = None
        self.hold = hold
        self.store = FrameStore(WINDOW + 1)
        self.reader = self.store.reader("programme")
        self.entry = make("appsrc", caps=CAPS.to_gst(), format="time")
        self.uploaded = make("appsink", caps=TEXTURES, sync=False)
        self.capture = Pipeline("capture")
        drawn = [make("glcolorconvert"), make("capsfilter", caps=RGBA)] if way == "window" else []
        self.capture.add(self.entry, make("glupload"), *drawn, self.uploaded)
        self.programme, self.exit = Pipeline("programme"), make("appsrc", format="time")
        self.seen: list[int] = []  # what the sink's pad saw: PTS
        self.numbers: list[int] = []
        self._build_programme(way)
        for pipeline in (self.capture, self.programme):
            self.home.prepare(pipeline.gst)
        self.identities: dict[int, int] = {}
        self.kept = self.most = 0

    def _build_programme(self, way: str) -> None:
        if way == "window":
            # The window has a context of its own, so that what comes before it can't work on our textures.
            parts = [make("queue"), make("glimagesinkelement", sync=False)]
        elif way == "sink":
            drawn = make("capsfilter", caps=RGBA)
            parts = [make("glcolorconvert"), drawn, make("queue"), make("fakesink", sync=False)]
        else:
            parts = [make("queue"), make("gldownload"), make("appsink", caps=CAPS.to_gst(), sync=False)]
            parts[-1].set_property("emit-signals", True)
            parts[-1].connect("new-sample", self._read)
        self.programme.add(self.exit, *parts)
        parts[-1].get_static_pad("sink").add_probe(Gst.PadProbeType.BUFFER, self._note)

    def _note(self, _pad, info):
        self.seen.append(info.get_buffer().pts)
        return Gst.PadProbeReturn.OK

    def _read(self, sink):
        with read_nv12(sink.emit("pull-sample").get_buffer(), self.camera.layout) as picture:
            self.numbers.append(int(number_of(picture.y)))
        return Gst.FlowReturn.OK

    def run(self) -> None:
        self.capture.play()
        for number in range(FRAMES):
            self.put(number)
            self.most = max(self.most, len(self.identities))
            if len(self.store) == WINDOW:
                self.show()
        self.kept = self.camera.stats().frames - self.camera.stats().free
        while self.reader.waiting:
            self.show()
        self.entry.emit("end-of-stream")
        self.exit.emit("end-of-stream")
        assert self.programme.wait_eos(30), self.programme.failed

    def put(self, number: int) -> None:
        frame = self.camera.acquire(wait=True)
        with write_nv12(frame, self.camera.layout) as picture:
            paint(picture, number)
        frame.pts = pts_of(number, CAPS.fps)
        self.entry.emit("push-buffer", frame)
        del frame
        sample = self.uploaded.emit("try-pull-sample", 10 * Gst.SECOND)
        assert sample is not None, self.capture.failed
        buffer, domain = sample.get_buffer(), domain_of(sample.get_caps())
        if self.exit.get_property("caps") is None:
            self.exit.set_property("caps", sample.get_caps())
            self.programme.play()
        if self.hold == "copy":
            buffer = self.copy(buffer, sample.get_caps())
        identity = domain.identity(buffer)
        assert not self.store.holds_key(identity), "the memory came round while it was held"
        self.identities[buffer.pts] = identity
        self.store.append(buffer, buffer.pts, key=identity)

    def copy(self, buffer, caps):
        if self.copies is None:
            beside = GlDomain().beside(buffer)
            assert beside.context is self.home.context
            self.copies = FramePool(caps, WINDOW + IN_FLIGHT, "copies", beside)
            self.copies.start()
        return self.copies.copy_of(buffer, wait=True)

    def show(self) -> None:
        frame = self.reader.take()
        assert self.home.identity(frame.buffer) == self.identities.pop(frame.pts), "not what was stored"
        self.exit.emit("push-buffer", frame.buffer)

    def close(self) -> dict:
        for pipeline in (self.capture, self.programme):
            pipeline.stop()
        self.store.close()
        # An appsink keeps its last frame for as long as it lives, also in NULL.
        del pipeline, self.capture, self.programme, self.entry, self.uploaded, self.exit
        gc.collect()
        free = [[pool.stats().free, pool.frames] for pool in (self.camera, self.copies) if pool]
        for pool in (self.camera, self.copies):
            if pool:
                pool.stop()
        return {
            "seen": self.seen,
            "numbers": self.numbers,
            "held": self.most,
            "camera_frames_kept": self.kept,
            "free": free,
        }


def main() -> None:
    hold, way, *leak = sys.argv[1:]
    run = Run(hold, way)
    try:
        run.run()
    finally:
        report = run.close()
    if leak:
        extra = Gst.Buffer.new_allocate(None, 8, None)
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(extra))
        del extra
    print(json.dumps(report))
    del run
    gc.collect()
    Gst.deinit()


main()
