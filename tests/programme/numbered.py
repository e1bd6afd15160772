"""Frames with a number drawn in, and how to read it at the far end of an output."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from touchline.gst.caps import PlaneLayout, VideoCaps
from touchline.gst.library import SECOND, Gst
from touchline.gst.mapping import read_nv12
from touchline.gst.pipelines import system_clock
from touchline.programme import Programme

WIDTH, HEIGHT, FPS = 192, 128, 30
CAPS = VideoCaps(WIDTH, HEIGHT, Fraction(FPS))
BITS, CELL = 12, 16
DECODERS = {".mp4": "qtdemux", ".mkv": "matroskademux", ".ts": "tsdemux"}


def pts_of(number: int) -> int:
    return number * SECOND // FPS


def draw(number: int) -> Any:
    """A buffer without a timestamp: the number as black and white cells, its complement below, over texture."""
    y = np.random.default_rng(number).integers(16, 235, (HEIGHT, WIDTH), dtype=np.uint8)
    y = cv2.GaussianBlur(y, (0, 0), 3)
    for bit in range(BITS):
        white = number >> bit & 1
        y[:CELL, bit * CELL : (bit + 1) * CELL] = 235 if white else 16
        y[CELL : 2 * CELL, bit * CELL : (bit + 1) * CELL] = 16 if white else 235
    return Gst.Buffer.new_wrapped(
        np.concatenate([y.ravel(), np.full(WIDTH * HEIGHT // 2, 128, np.uint8)]).tobytes()
    )


def read(y: Any) -> int:
    """The number in a luma plane. Raises ValueError if cells and complement do not agree."""
    rows = [y[CELL * row + 4 : CELL * row + 12, : BITS * CELL].astype(float) for row in (0, 1)]
    cells = [row.reshape(8, BITS, CELL)[:, :, 4:12].mean(axis=(0, 2)) > 125 for row in rows]
    if not (cells[0] ^ cells[1]).all():
        raise ValueError("no number in this picture")
    return int(sum(int(cell) << bit for bit, cell in enumerate(cells[0])))


def push(programme: Programme, numbers: range, first_pts: int = 0) -> None:
    for number in numbers:
        buffer = draw(number)
        buffer.pts = first_pts + pts_of(number)
        buffer.duration = SECOND // FPS
        programme.push(buffer)


def record(programme: Programme, count: int, first_pts: int = 0) -> None:
    """A whole run: start, push, finish."""
    programme.start(system_clock().get_time())
    try:
        push(programme, range(count), first_pts)
        programme.finish(30)
    finally:
        programme.stop()


def pull(sink: Any) -> tuple[int, int] | None:
    """The number and the PTS (running time in ns) of the next frame of an appsink; None at the end."""
    sample = sink.emit("try-pull-sample", 10 * SECOND)
    if sample is None:
        return None
    buffer = sample.get_buffer()
    with read_nv12(buffer, PlaneLayout.from_caps(sample.get_caps())) as picture:
        number = read(picture.y)
    return number, sample.get_segment().to_running_time(Gst.Format.TIME, buffer.pts)


def receiver(source: str, demuxer: str) -> tuple[Any, Any]:
    """A pipeline that decodes, and its appsink."""
    pipeline = Gst.parse_launch(
        f"{source} ! {demuxer} ! h264parse ! avdec_h264 max-threads=1 ! videoconvert ! video/x-raw,format=NV12 "
        "! appsink name=sink sync=false"
    )
    return pipeline, pipeline.get_by_name("sink")


def decode(path: Path) -> list[tuple[int, int]]:
    """Every frame of a recording as GStreamer plays it: number and time in ns."""
    pipeline, sink = receiver(f'filesrc location="{path}"', DECODERS[path.suffix])
    pipeline.set_state(Gst.State.PLAYING)
    try:
        frames = []
        while (frame := pull(sink)) is not None:
            frames.append(frame)
        return frames
    finally:
        pipeline.set_state(Gst.State.NULL)


def decode_with_ffmpeg(path: Path) -> list[tuple[int, int]]:
    """The same as FFmpeg plays it, which OpenCV has."""
    capture = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG)
    frames = []
    while True:
        done, picture = capture.read()
        if not done:
            return frames
        luma = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)
        frames.append((read(luma), round(capture.get(cv2.CAP_PROP_POS_MSEC) * 1e6)))


def push_live(programme: Programme, base_time: int, numbers: range, ahead_s: float = 0.2) -> None:
    """Pushes each frame a little before it is due."""
    for number in numbers:
        early = base_time + pts_of(number) - int(ahead_s * SECOND) - system_clock().get_time()
        if early > 0:
            time.sleep(early / SECOND)
        push(programme, range(number, number + 1))


def frame_due(base_time: int) -> int:
    """The number of the frame that is due now."""
    return (system_clock().get_time() - base_time) * FPS // SECOND


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Receiver:
    """Receives an MPEG transport stream in a process of its own, which can be cut off; ``frames`` grows."""

    def __init__(self, source: str) -> None:
        self.frames: list[int] = []
        self._child = subprocess.Popen(
            [sys.executable, __file__, source], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self._child.stdout is not None
        assert self._child.stdout.readline() == "ready\n"
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        self.frames.extend(int(line) for line in self._child.stdout)

    def wait(self, number: int, timeout_s: float = 10) -> None:
        """Waits until this frame, or a later one, has come."""
        until = time.monotonic() + timeout_s
        while time.monotonic() < until and not (self.frames and self.frames[-1] >= number):
            time.sleep(0.02)

    def close(self) -> None:
        """Hangs up. May be called again."""
        with suppress(OSError):
            self._child.stdin.close()
        self._child.wait(10)
        self._reader.join()


def _receive(source: str) -> None:
    """What a Receiver's process does: prints the number of every frame, until its input is closed."""
    pipeline, sink = receiver(source, "tsdemux")
    sink.set_property("emit-signals", True)

    def note(sink: Any) -> Any:
        sample = sink.emit("pull-sample")
        with read_nv12(sample.get_buffer(), PlaneLayout.from_caps(sample.get_caps())) as picture:
            print(read(picture.y), flush=True)
        return Gst.FlowReturn.OK

    sink.connect("new-sample", note)
    pipeline.set_state(Gst.State.PLAYING)
    print("ready", flush=True)
    sys.stdin.read()
    closing = threading.Thread(target=pipeline.set_state, args=(Gst.State.NULL,), daemon=True)
    closing.start()
    # srtsrc of GStreamer 1.22 does not always come back from its closing.
    closing.join(1)
    os._exit(0)


if __name__ == "__main__":
    _receive(sys.argv[1])
