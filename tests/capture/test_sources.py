"""Sources by content: every container, network and pace delivers each frame once, in order, at its time."""

from __future__ import annotations

import gc
import itertools
import statistics
import subprocess
import sys
import threading
import time
import weakref
from fractions import Fraction
from pathlib import Path

import pytest

from footage import free_port, number_of, pts_of, write_numbered
from touchline.capture.sources import Source
from touchline.capture.uris import parse_source
from touchline.errors import InputError
from touchline.gst.elements import available, make
from touchline.gst.library import SECOND
from touchline.gst.pipelines import Pipeline, system_clock


class Catcher:
    """Collects the numbers that a source delivers."""

    def __init__(self, uri: str, *, paced: bool = False) -> None:
        self.frames: list[tuple[int, int]] = []
        self.times: list[int] = []
        self.ended = threading.Event()
        self.error: str | None = None
        self.source = Source(parse_source(uri), "left", paced=paced, on_frame=self._frame, on_end=self._end)
        self.base = 0

    def _frame(self, frame) -> None:
        self.times.append(system_clock().get_time())
        with frame.picture.read() as picture:
            self.frames.append((number_of(picture.y), frame.pts))

    def _end(self, error: str | None) -> None:
        self.error = error
        self.ended.set()

    def run(self, timeout_s: float = 20) -> None:
        self.base = system_clock().get_time()
        self.info = self.source.open(self.base)
        if not self.source.uri.live:
            self.base = system_clock().get_time()
        self.source.start(self.base)
        self.ended.wait(timeout_s)
        self.source.stop()


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".webm", ".ts", ".avi"])
def test_every_container(tmp_path, suffix: str) -> None:
    fps = Fraction(30)
    path = write_numbered(tmp_path / f"video{suffix}", 24, fps)
    catcher = Catcher(str(path))
    catcher.run()
    assert catcher.error is None
    assert [n for n, _ in catcher.frames] == list(range(24))
    first = catcher.frames[0][1]
    for number, pts in catcher.frames:
        assert abs(pts - first - pts_of(number, fps)) < 1_100_000  # Matroska counts in milliseconds
    assert (catcher.info.width, catcher.info.height) == (320, 180)
    assert not catcher.info.live


def test_a_paced_file_comes_at_its_own_speed(tmp_path) -> None:
    path = write_numbered(tmp_path / "video.mp4", 20, Fraction(25))
    catcher = Catcher(str(path), paced=True)
    catcher.run()
    assert [n for n, _ in catcher.frames] == list(range(20))
    early = [t - catcher.base - pts for t, (_, pts) in zip(catcher.times, catcher.frames, strict=True)]
    assert min(early) >= 0, "no camera delivers a frame before it was taken"
    assert (catcher.times[-1] - catcher.times[0]) / SECOND > 0.6


def test_a_test_pattern(tmp_path) -> None:
    seen = []
    ended = threading.Event()
    source = Source(
        parse_source("test://smpte?size=320x180&fps=50&seconds=0.5"),
        "left",
        paced=False,
        on_frame=lambda frame: seen.append(frame.pts),
        on_end=lambda _: ended.set(),
    )
    info = source.open(0)
    source.start(system_clock().get_time())
    assert ended.wait(10)
    source.stop()
    assert info.fps == 50
    assert seen == [i * SECOND // 50 for i in range(25)]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", r"left input .*video\.mp4"),
        (b"this is no video at all, only some words\n" * 100, r"left input .*video\.mp4"),
    ],
)
def test_what_is_no_video_is_refused_in_one_line(tmp_path, content: bytes, says: str) -> None:
    path = tmp_path / "video.mp4"
    path.write_bytes(content)
    catcher = Catcher(str(path))
    with pytest.raises(InputError, match=says) as caught:
        catcher.run()
    catcher.source.stop()
    assert "\n" not in str(caught.value)


def test_a_file_with_sound_only_is_refused(tmp_path) -> None:
    """It kept us waiting for a picture that could never come."""
    path = tmp_path / "sound.mkv"
    pipeline = Pipeline("sound")
    pipeline.add(
        make("audiotestsrc", num_buffers=20),
        make("vorbisenc"),
        make("matroskamux"),
        make("filesink", location=str(path)),
    )
    pipeline.play()
    assert pipeline.wait_eos(10)
    pipeline.stop()
    catcher = Catcher(str(path))
    began = time.monotonic()
    with pytest.raises(InputError, match="no video"):
        catcher.run()
    catcher.source.stop()
    assert time.monotonic() - began < 10


def test_a_truncated_file_gives_what_it_has(tmp_path) -> None:
    path = write_numbered(tmp_path / "video.ts", 60)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    catcher = Catcher(str(path))
    catcher.run()
    numbers = [n for n, _ in catcher.frames]
    assert numbers == list(range(len(numbers)))
    assert 10 < len(numbers) < 50


def test_an_mp4_without_its_end_is_refused(tmp_path) -> None:
    path = write_numbered(tmp_path / "video.mp4", 60)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    catcher = Catcher(str(path))
    with pytest.raises(InputError):
        catcher.run()
    catcher.source.stop()


def test_a_camera_that_does_not_answer_is_told_without_its_password() -> None:
    """The failed connection was taken for a first picture."""
    catcher = Catcher("rtsp://coach:goalgoal@127.0.0.1:9/cam")
    with pytest.raises(InputError, match=r"left input rtsp://\*\*\*@127\.0\.0\.1:9/cam") as caught:
        catcher.run()
    catcher.source.stop()
    assert "goalgoal" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_udp(tmp_path) -> None:
    port = free_port()
    _check_live(f"udp://127.0.0.1:{port}", tmp_path, ["udpsink", "host=127.0.0.1", f"port={port}"])


@pytest.mark.skipif(not available("srtsink"), reason="no SRT in this GStreamer")
def test_srt(tmp_path) -> None:
    port = free_port()
    sink = ["srtsink", f"uri=srt://127.0.0.1:{port}?mode=listener", "wait-for-connection=false"]
    _check_live(f"srt://127.0.0.1:{port}", tmp_path, sink)


def _check_live(uri: str, tmp_path, sink: list[str]) -> None:
    """Ten seconds of numbers are sent as MPEG-TS in real time by a process of its own; two of them are looked at."""
    frames = write_numbered(tmp_path / "send.mp4", 300)
    command = f"filesrc location={frames} ! qtdemux ! h264parse config-interval=-1 ! clocksync"
    sender = subprocess.Popen(
        ["gst-launch-1.0", "-q", *command.split(), "!", "mpegtsmux", "alignment=7", "!", *sink]
    )
    catcher = Catcher(uri)
    try:
        catcher.run(timeout_s=2.0)
    finally:
        sender.kill()
        sender.wait()
    assert catcher.info.live
    numbers = [n for n, _ in catcher.frames]
    assert len(numbers) > 20
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    steps = [(b - a) / SECOND for (_, a), (_, b) in itertools.pairwise(catcher.frames)]
    # The first frames come in a bunch, and the demuxer spreads them while it learns the sender's clock.
    assert abs(statistics.median(steps) - 1 / 30) < 0.002
    assert min(steps) > 0


def test_rtsp(tmp_path) -> None:
    path = write_numbered(tmp_path / "send.mp4", 300)
    script = Path(__file__).parents[1] / "rtsp_server.py"
    port = free_port()
    server = subprocess.Popen([sys.executable, script, str(port), path], stdout=subprocess.PIPE)
    catcher = Catcher(f"rtsp://127.0.0.1:{port}/cam")
    try:
        assert server.stdout is not None
        assert server.stdout.readline() == b"ready\n"
        catcher.run(timeout_s=2.5)
    finally:
        server.kill()
        server.communicate()
    numbers = [n for n, _ in catcher.frames]
    assert catcher.info.live
    assert len(numbers) > 20
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))


def test_a_source_that_was_stopped_is_gone(tmp_path) -> None:
    """A camera that comes and goes all day left each of its pipelines behind, with the memory of its decoder."""
    catcher = Catcher(str(write_numbered(tmp_path / "video.mp4", 24)))
    catcher.run()
    kept = [weakref.ref(catcher.source), weakref.ref(catcher.source._pipeline)]
    del catcher
    gc.collect()
    assert [one() for one in kept] == [None, None]
