"""Frames in OpenGL textures, on Mesa's software renderer, without a screen."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import pytest

from footage import number_of, paint, pts_of
from touchline.errors import TouchlineError
from touchline.gst.caps import VideoCaps
from touchline.gst.domains import GlDomain
from touchline.gst.elements import make
from touchline.gst.library import Gst
from touchline.gst.mapping import read_nv12, write_nv12
from touchline.gst.nv12 import Nv12
from touchline.gst.pipelines import Pipeline
from touchline.gst.pools import FramePool
from touchline.gst.shares import share

HEADLESS = {"GST_GL_PLATFORM": "egl", "GST_GL_WINDOW": "egl-device", "GST_GL_API": "gles2"}
CAPS = VideoCaps(322, 242, Fraction(30))
FRAMES, WINDOW = 70, 30  # of gl_run.py
ALL = list(range(FRAMES))


class Outcome(NamedTuple):
    """What a run of gl_run.py said, and what GStreamer's log says that it did to the textures."""

    report: dict
    uploads: int
    cpu_reads: int  # maps that bring a texture's pixels to system memory
    leaks: int


def run(*arguments: str) -> Outcome:
    done = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("gl_run.py")), *arguments],
        env={
            **os.environ,
            **HEADLESS,
            "GST_TRACERS": "leaks(filters=GstBuffer,GstMemory)",
            "GST_DEBUG": "GST_TRACER:7,glbasememory:6,glbasetexture:7",
            "GST_DEBUG_NO_COLOR": "1",
        },
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    log = done.stderr
    return Outcome(
        json.loads(done.stdout),
        log.count("upload for texture"),
        # Flags 0003 are glupload's own, over pixels that are in system memory still.
        len(re.findall(r"[^n]mapping mem \S+ flags 0001", log)) + log.count("attempting download"),
        log.count("object-alive, type-name=(string)Gst"),
    )


@pytest.mark.parametrize("way", ["window", "sink"])
@pytest.mark.parametrize("hold", ["reference", "copy"])
def test_textures_pass_the_delay_without_a_download(hold: str, way: str) -> None:
    outcome = run(hold, way)
    assert outcome.report["seen"] == [pts_of(number, Fraction(30)) for number in ALL]
    assert outcome.report["held"] == WINDOW
    assert outcome.cpu_reads == 0
    assert outcome.uploads >= 2 * FRAMES, "each plane of each frame went up"
    assert outcome.leaks == 0
    assert all(free == frames for free, frames in outcome.report["free"]), outcome.report["free"]


@pytest.mark.parametrize("hold", ["reference", "copy"])
def test_each_frame_comes_out_once_in_order_and_a_download_is_seen(hold: str) -> None:
    """Behind the delay the pixels are fetched: the numbers are right, and the check above can fail."""
    outcome = run(hold, "download")
    assert outcome.report["numbers"] == ALL
    assert outcome.cpu_reads >= 2 * FRAMES
    assert outcome.leaks == 0
    # glupload's textures stand on the frames that they were made from until a copy sets those free.
    kept = outcome.report["camera_frames_kept"]
    assert kept <= 4 if hold == "copy" else kept >= WINDOW - 1
    assert all(free == frames for free, frames in outcome.report["free"]), outcome.report["free"]


def test_a_leak_is_seen() -> None:
    assert run("reference", "sink", "leak").leaks > 0


@pytest.fixture
def gl(monkeypatch: pytest.MonkeyPatch) -> GlDomain:
    for name, value in HEADLESS.items():
        monkeypatch.setenv(name, value)
    gl = GlDomain()
    assert gl.context is not None
    return gl


@pytest.fixture
def pool(gl: GlDomain):
    pool = FramePool(CAPS, 3, "textures", domain=gl)
    pool.start()
    yield pool
    pool.stop()


def _picture(number: int) -> Nv12:
    picture = Nv12.empty(CAPS.width, CAPS.height)
    paint(picture, number)
    picture.uv[::2] = 40 + number % 100
    return picture


def _downloaded(gl: GlDomain, caps, *frames) -> list[Nv12]:
    pipeline = Pipeline("download")
    source = make("appsrc", caps=caps, format="time")
    sink = make("appsink", caps=CAPS.to_gst(), sync=False)
    pipeline.add(source, make("queue"), make("gldownload"), sink)
    gl.prepare(pipeline.gst)
    pipeline.play()
    layout = FramePool(CAPS, 1).layout
    found = []
    for frame in frames:
        source.emit("push-buffer", frame)
        sample = sink.emit("try-pull-sample", 10 * Gst.SECOND)
        assert sample is not None, pipeline.failed
        with read_nv12(sample.get_buffer(), layout) as picture:
            found.append(Nv12(picture.y.copy(), picture.uv.copy()))
    pipeline.stop()
    return found


def _same(one: Nv12, other: Nv12) -> bool:
    return bool((one.y == other.y).all() and (one.uv == other.uv).all())


def test_a_pool_of_textures_hands_out_what_it_has_and_no_more(pool: FramePool) -> None:
    frames = [pool.acquire() for _ in range(3)]
    assert [frame.n_memory() for frame in frames] == [2, 2, 2]
    assert len({pool.domain.identity(frame) for frame in frames}) == 3
    assert pool.acquire() is None
    assert pool.gst_caps.get_features(0).contains("memory:GLMemory")
    held = share(frames[1])
    place = pool.domain.identity(frames[1])
    del frames
    assert pool.stats().free == 2, "a share holds both planes"
    assert pool.domain.identity(held) == place
    one_plane = held.peek_memory(1)
    del held
    assert pool.stats().free == 2, "a frame is not free while one of its planes is held"
    del one_plane
    assert pool.stats().free == 3


def test_a_written_picture_and_its_copy_are_what_was_written(pool: FramePool, gl: GlDomain) -> None:
    first, second = _picture(1234), _picture(77)
    frame = pool.acquire()
    gl.write(frame, first, pool.gst_caps)
    frame.pts = 5
    copy = pool.copy_of(share(frame))
    assert copy.pts == 5
    assert gl.identity(copy) != gl.identity(frame)
    gl.write(frame, second, pool.gst_caps)
    again = pool.copy_of(frame)
    a, b, c = _downloaded(gl, pool.gst_caps, copy, frame, again)
    assert _same(a, first), "the copy is its own"
    assert _same(b, second)
    assert _same(c, second)
    assert number_of(a.y) == 1234
    del copy, frame, again
    assert pool.stats().free == 3


def test_a_frame_in_use_is_written_by_nobody(pool: FramePool, gl: GlDomain) -> None:
    frame = pool.acquire()
    held = share(frame)
    with pytest.raises(TouchlineError, match="others hold"):
        gl.write(frame, _picture(1), pool.gst_caps)
    with pytest.raises(TouchlineError, match="others hold"):
        gl.copy_into(pool.acquire(), held, pool.gst_caps)


def test_what_does_not_fit_is_refused(pool: FramePool, gl: GlDomain) -> None:
    small = FramePool(VideoCaps(64, 48, Fraction(30)), 1, "small", domain=gl)
    small.start()
    with pytest.raises(TouchlineError, match="does not fit"):
        gl.write(small.acquire(), _picture(1), small.gst_caps)
    with pytest.raises(TouchlineError, match="another size or format"):
        gl.copy_into(pool.acquire(), small.acquire(), small.gst_caps)
    with pytest.raises(TouchlineError, match="holds no textures"):
        gl.identity(Gst.Buffer.new_allocate(None, 64, None))


def test_textures_of_strangers_are_not_mistaken_for_ours(pool: FramePool, gl: GlDomain) -> None:
    """Texture 1 of one context and texture 1 of another have nothing but the number in common."""
    stranger = FramePool(CAPS, 1, "stranger", domain=GlDomain())
    stranger.start()
    frame = stranger.acquire()
    with pytest.raises(TouchlineError, match="can't share"):
        pool.copy_of(frame)
    assert pool.stats().free == 3
    assert gl.beside(frame).context is stranger.domain.context
    beside = FramePool(CAPS, 1, "beside", domain=gl.beside(frame))
    beside.start()
    stranger.domain.write(frame, _picture(9), stranger.gst_caps)
    copy = beside.copy_of(frame)
    assert _same(_downloaded(stranger.domain, beside.gst_caps, copy)[0], _picture(9))


def test_textures_come_back_from_a_pipeline(pool: FramePool, gl: GlDomain) -> None:
    pipeline = Pipeline("passing")
    source = make("appsrc", caps=pool.gst_caps, format="time", block=True, max_buffers=1)
    pipeline.add(source, make("queue"), make("fakesink", sync=False))
    gl.prepare(pipeline.gst)
    pipeline.play()
    for _ in range(50):
        held = pool.acquire(wait=True)
        source.emit("push-buffer", share(held))
        del held
    source.emit("end-of-stream")
    assert pipeline.wait_eos(30), pipeline.failed
    pipeline.stop()
    assert pool.stats().free == 3


def test_without_a_screen_the_error_says_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GST_GL_PLATFORM", "none such")
    monkeypatch.setenv("GST_GL_WINDOW", "none such")
    with pytest.raises(TouchlineError, match="GST_GL_WINDOW=egl-device"):
        _ = GlDomain().context


def test_held_frames_of_glupload_are_held_by_a_share_alone(gl: GlDomain) -> None:
    camera = FramePool(CAPS, 8, "camera")
    camera.start()
    pipeline = Pipeline("upload")
    source = make("appsrc", caps=CAPS.to_gst(), format="time")
    textures = Gst.Caps.from_string("video/x-raw(memory:GLMemory)")
    sink = make("appsink", caps=textures, sync=False)
    pipeline.add(source, make("glupload"), sink)
    gl.prepare(pipeline.gst)
    pipeline.play()
    shares = []
    for number in range(6):
        frame = camera.acquire()
        with write_nv12(frame, camera.layout) as picture:
            picture.copy_from(_picture(number))
        source.emit("push-buffer", frame)
        del frame
        sample = sink.emit("try-pull-sample", 10 * Gst.SECOND)
        shares.append(share(sample.get_buffer()))
        caps = sample.get_caps()
        del sample
    pipeline.stop()
    assert len({gl.identity(one) for one in shares}) == 6
    found = _downloaded(gl, caps, *shares)
    assert [number_of(picture.y) for picture in found] == list(range(6))
    assert all(_same(picture, _picture(number)) for number, picture in enumerate(found))
    del shares, pipeline, source, sink
    assert camera.stats().free == 8
