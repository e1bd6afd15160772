"""Crossings are counted in machine code: right to the byte, whoever holds Python's lock, from a state that lives."""

from __future__ import annotations

import ctypes
import gc
import time
import weakref
from typing import Any

import pytest

from touchline.counters import BusBytes
from touchline.gst.crossings import Crossings
from touchline.gst.domains import GlDomain
from touchline.gst.elements import make
from touchline.gst.library import Gst
from touchline.gst.pipelines import Pipeline, system_clock
from touchline.gst.probes import PassageProbe

HEADLESS = {"GST_GL_PLATFORM": "egl", "GST_GL_WINDOW": "egl-device", "GST_GL_API": "gles2"}
TEXTURES = "GLMemoryPBO"  # what glupload makes
WIDTH, HEIGHT = 64, 48
NV12, RGBA = WIDTH * HEIGHT * 3 // 2, WIDTH * HEIGHT * 4
FRAMES = 20


@pytest.fixture
def gl(monkeypatch: pytest.MonkeyPatch) -> GlDomain:
    for name, value in HEADLESS.items():
        monkeypatch.setenv(name, value)
    return GlDomain()


def there_and_back(gl: GlDomain, up: Crossings, down: Crossings, **source: Any) -> tuple[Pipeline, Any]:
    """NV12 into textures, and RGBA out of them: textures are brought down by who maps them, here a converter."""
    pipeline = Pipeline("there and back")
    upload, convert, end = make("glupload"), make("videoconvert"), make("fakesink", sync=False)
    up.watch(upload)
    down.watch(convert)
    nv12 = Gst.Caps.from_string(f"video/x-raw,format=NV12,width={WIDTH},height={HEIGHT},framerate=60/1")
    textures = Gst.Caps.from_string("video/x-raw(memory:GLMemory)")
    rgba = Gst.Caps.from_string("video/x-raw,format=RGBA")
    plain = make("identity", drop_allocation=True)  # or the source would take glupload's own buffers
    pipeline.add(
        make("videotestsrc", **source), make("capsfilter", caps=nv12), plain, upload,
        make("capsfilter", caps=textures), make("gldownload"), convert, make("capsfilter", caps=rgba), end,
    )  # fmt: skip
    gl.prepare(pipeline.gst)
    return pipeline, end


def test_both_ways_are_counted_to_the_byte(gl: GlDomain) -> None:
    """Plain memory's own size counts: not what a texture says it takes."""
    up, down = Crossings(TEXTURES), Crossings(TEXTURES)
    bus = BusBytes()
    bus.up.add_source("there", lambda: up.bytes)
    bus.down.add_source("back", lambda: down.bytes)
    assert bus.as_dict() == {"up": {"there": 0}, "down": {"back": 0}}, "known before anything has crossed"
    pipeline, end = there_and_back(gl, up, down, num_buffers=FRAMES)
    probe = PassageProbe(end.get_static_pad("sink"), system_clock())
    pipeline.play()
    assert pipeline.wait_eos(30), pipeline.failed
    pipeline.stop()
    assert probe.count == FRAMES
    assert (up.frames, down.frames) == (FRAMES, FRAMES)
    assert bus.as_dict() == {"up": {"there": FRAMES * NV12}, "down": {"back": FRAMES * RGBA}}


def test_frames_are_counted_while_python_is_locked(gl: GlDomain) -> None:
    """Probes in Python would hold up the frames, of which then none would arrive either."""
    up, down = Crossings(TEXTURES), Crossings(TEXTURES)
    pipeline, _ = there_and_back(gl, up, down, is_live=True)
    pipeline.play(system_clock().get_time())
    try:
        until = time.monotonic() + 20
        while down.frames < 2 and time.monotonic() < until:
            time.sleep(0.01)
        before = up.bytes, down.bytes
        ctypes.PyDLL(None).usleep(500_000)  # keeps the interpreter's lock: PyDLL does not let go of it
        came = up.bytes - before[0], down.bytes - before[1]
    finally:
        pipeline.stop()
    assert came[0] >= 10 * NV12, "30 frames were due"
    assert came[1] >= 10 * RGBA
    assert not came[0] % NV12
    assert not came[1] % RGBA


def test_several_elements_are_counted_in_one_sum(gl: GlDomain) -> None:
    """As two cameras are, each in a thread of its own: what is added at the same moment is not lost."""
    up, down = Crossings(TEXTURES), Crossings(TEXTURES)
    pipelines = [there_and_back(gl, up, down, num_buffers=10 * FRAMES)[0] for _ in range(2)]
    for pipeline in pipelines:
        pipeline.play()
    for pipeline in pipelines:
        assert pipeline.wait_eos(30), pipeline.failed
        pipeline.stop()
    assert (up.frames, up.bytes) == (20 * FRAMES, 20 * FRAMES * NV12)
    assert (down.frames, down.bytes) == (20 * FRAMES, 20 * FRAMES * RGBA)


def handing_on(frames: int = -1) -> tuple[Pipeline, Any]:
    pipeline, between = Pipeline("handing on"), make("identity")
    pipeline.add(make("videotestsrc", num_buffers=frames), between, make("fakesink", sync=False))
    return pipeline, between


@pytest.mark.parametrize("kind", [TEXTURES, "SystemMemory"])
def test_frames_handed_through_are_not_counted(kind: str) -> None:
    crossings = Crossings(kind)
    pipeline, between = handing_on(FRAMES)
    crossings.watch(between)
    pipeline.play()
    assert pipeline.wait_eos(20), pipeline.failed
    pipeline.stop()
    assert (crossings.frames, crossings.bytes) == (0, 0)


def test_the_probes_state_lives_as_long_as_its_pads_and_no_longer() -> None:
    """Forgotten by Python, the probe still writes into it; kept for ever, each camera that comes back would leak."""
    crossings = Crossings(TEXTURES)
    pipeline, between = handing_on()
    crossings.watch(between)
    probe = PassageProbe(between.get_static_pad("src"), system_clock())
    states = [weakref.ref(crossings._sums), weakref.ref(probe._state)]
    seen = probe._state
    pipeline.play()
    try:
        while probe.count < 2:
            time.sleep(0.01)
        del crossings, probe, seen, between
        gc.collect()
        assert all(state() is not None for state in states)
        count = int(states[1]()[1])
        time.sleep(0.1)
        assert int(states[1]()[1]) > count, "it is written still"
    finally:
        pipeline.stop()
    del pipeline
    gc.collect()
    assert all(state() is None for state in states)


def test_what_was_counted_stays_when_the_element_has_gone(gl: GlDomain) -> None:
    up, down = Crossings(TEXTURES), Crossings(TEXTURES)
    pipeline, end = there_and_back(gl, up, down, num_buffers=FRAMES)
    pipeline.play()
    assert pipeline.wait_eos(30), pipeline.failed
    pipeline.stop()
    del pipeline, end
    gc.collect()
    assert (up.bytes, down.bytes) == (FRAMES * NV12, FRAMES * RGBA)


def test_a_removed_probe_notes_nothing_more_and_can_still_be_read() -> None:
    pipeline, between = handing_on()
    probe = PassageProbe(between.get_static_pad("src"), system_clock(), 1 << 20)
    pipeline.play()
    try:
        while probe.count < 2:
            time.sleep(0.01)
        probe.remove()
        time.sleep(0.05)  # a thread may have been inside
        count = probe.count
        time.sleep(0.1)
        assert probe.count == count
        assert len(probe.read()) == count
    finally:
        pipeline.stop()
