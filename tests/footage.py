"""Footage for tests: every frame carries its number as sixteen black and white fields, and is read back here."""

from __future__ import annotations

import hashlib
import socket
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from touchline.gst.caps import PlaneLayout, VideoCaps
from touchline.gst.elements import available, make
from touchline.gst.library import NONE, SECOND, Gst
from touchline.gst.mapping import read_nv12, write_nv12
from touchline.gst.nv12 import Nv12
from touchline.gst.pipelines import Pipeline
from touchline.gst.pools import FramePool

ENCODERS = {
    ".mp4": (["x264enc", "h264parse"], "mp4mux"),
    ".mkv": (["vp8enc"], "matroskamux"),
    ".webm": (["vp8enc"], "webmmux"),
    ".ts": (["x264enc", "h264parse"], "mpegtsmux"),
    ".avi": (["jpegenc"], "avimux"),
}


def paint(picture: Nv12, number: int) -> None:
    """Sixteen fields, eight in a row, the least significant bit first; some grey, so that not all is contrast."""
    picture.fill(90, 120, 130)
    height, width = picture.y.shape
    for bit in range(16):
        row, column = divmod(bit, 8)
        field = picture.y[
            row * height // 2 : (row + 1) * height // 2, column * width // 8 : (column + 1) * width // 8
        ]
        field[:] = 210 if number >> bit & 1 else 30


def hash_of(y: np.ndarray) -> str:
    """What says whether two pictures are the same to the bit; bytes themselves make a failure's message endless."""
    return hashlib.sha256(y.tobytes()).hexdigest()


def number_of(y: np.ndarray) -> int:
    """The number in a painted picture."""
    height, width = y.shape
    number = 0
    for bit in range(16):
        row, column = divmod(bit, 8)
        middle = y[
            row * height // 2 + height // 8 : (row + 1) * height // 2 - height // 8,
            column * width // 8 + width // 32 : (column + 1) * width // 8 - width // 32,
        ].mean()
        assert middle > 150 or middle < 90, f"field {bit} is neither black nor white: {middle}"
        number |= (middle > 120) << bit
    return number


def free_port() -> int:
    """A UDP port of this machine that nobody uses now."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def pts_of(number: int, fps: Fraction) -> int:
    return round(number * SECOND / fps)


def write_numbered(
    path: Path, frames: int, fps: Fraction = Fraction(30), size: tuple[int, int] = (320, 180), first: int = 0
) -> Path:
    """Writes a video of painted frames; the suffix decides container and codec."""
    caps = VideoCaps(*size, fps)
    encoders, muxer = ENCODERS[path.suffix]
    if not available(muxer):
        pytest.skip(f"this GStreamer has no {muxer}")
    source = make("appsrc", caps=caps.to_gst(), format="time")
    elements = [
        source,
        make("videoconvert"),
        *map(make, encoders),
        make(muxer),
        make("filesink", location=str(path)),
    ]
    for element in elements:
        if element.get_factory().get_name() == "x264enc":
            element.set_property("key-int-max", 15)
            Gst.util_set_object_arg(element, "speed-preset", "ultrafast")
        elif element.get_factory().get_name() == "vp8enc":
            element.set_property("deadline", 1)
            element.set_property("target-bitrate", 2_000_000)
    pipeline = Pipeline("footage")
    pipeline.add(*elements)
    pool = FramePool(caps, frames)
    pool.start()
    pipeline.play()
    for index in range(frames):
        buffer = pool.acquire()
        with write_nv12(buffer, pool.layout) as picture:
            paint(picture, first + index)
        buffer.pts, buffer.duration = pts_of(index, fps), pts_of(index + 1, fps) - pts_of(index, fps)
        source.emit("push-buffer", buffer)
    source.emit("end-of-stream")
    assert pipeline.wait_eos(60), pipeline.failed
    pipeline.stop()
    return path


def read_frames(path: Path, paint_reader=number_of) -> list[tuple[int, int]]:
    """Decodes a video: what ``paint_reader`` makes of each frame's luma, and its running time in ns."""
    pipeline = Pipeline("reading")
    source = make("uridecodebin", uri=path.resolve().as_uri(), caps=Gst.Caps.from_string("video/x-raw(ANY)"))
    source.set_property("expose-all-streams", False)
    convert = make("videoconvert")
    sink = make("appsink", caps=Gst.Caps.from_string("video/x-raw,format=NV12"), sync=False, max_buffers=4)
    pipeline.gst.add(source)
    pipeline.add(convert, sink)
    source.connect("pad-added", lambda _, pad: pad.link(convert.get_static_pad("sink")))
    pipeline.play()
    found = []
    while True:
        sample = sink.emit("try-pull-sample", 10 * SECOND)
        if sample is None:
            break
        layout = PlaneLayout.from_caps(sample.get_caps())
        pts = sample.get_segment().to_running_time(Gst.Format.TIME, sample.get_buffer().pts)
        assert pts != NONE
        with read_nv12(sample.get_buffer(), layout) as picture:
            found.append((paint_reader(picture.y), pts))
    failed, ended = pipeline.failed, sink.get_property("eos")
    pipeline.stop()
    assert failed is None, failed
    assert ended, "the video did not come to its end"
    return found
