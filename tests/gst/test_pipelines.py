"""Pipelines: one timeline, errors in one line, an end that is noticed, a stop that always works."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from touchline.errors import InputError, OutputError, TouchlineError
from touchline.gst.elements import make
from touchline.gst.library import SECOND, Gst
from touchline.gst.pipelines import Pipeline, system_clock
from touchline.gst.secrets import Secrets


def _playing(frames: int = 5, **options) -> Pipeline:
    pipeline = Pipeline("test", **options)
    pipeline.add(make("videotestsrc", num_buffers=frames), make("fakesink"))
    return pipeline


def test_the_end_is_noticed() -> None:
    ended = threading.Event()
    pipeline = _playing(on_eos=ended.set)
    pipeline.play()
    try:
        assert pipeline.wait_eos(10)
        assert ended.wait(10)
        assert pipeline.failed is None
    finally:
        pipeline.stop()


def test_waiting_for_an_end_that_does_not_come() -> None:
    pipeline = _playing(-1)
    pipeline.play()
    assert not pipeline.wait_eos(0.1)
    pipeline.stop()
    pipeline.stop()


def test_the_base_time_is_ours_whatever_the_states() -> None:
    """A pipeline left to itself moves its base time whenever it was paused."""
    pipeline = Pipeline("test")
    pipeline.add(make("videotestsrc", is_live=True), make("fakesink", sync=True))
    base = system_clock().get_time() + SECOND
    try:
        pipeline.play(base)
        pipeline.gst.get_state(SECOND)
        pipeline.gst.set_state(Gst.State.PAUSED)
        pipeline.gst.get_state(SECOND)
        pipeline.play(base)
        pipeline.gst.get_state(SECOND)
        assert pipeline.gst.get_base_time() == base
        assert pipeline.gst.get_clock() == system_clock()
    finally:
        pipeline.stop()


def test_pause_prerolls_and_says_who_is_live() -> None:
    pipeline = _playing()
    assert pipeline.pause(10) is True
    pipeline.stop()
    live = Pipeline("live")
    live.add(make("videotestsrc", is_live=True), make("fakesink"))
    assert live.pause(10) is False
    live.stop()


def test_nothing_comes_in_time() -> None:
    pipeline = Pipeline("silent", error=InputError)
    pipeline.add(make("appsrc"), make("fakesink"))
    with pytest.raises(InputError, match=r"silent: nothing came within 0\.1 s"):
        pipeline.pause(0.1)
    pipeline.stop()


@pytest.mark.parametrize("start", ["play", "pause"])
def test_what_can_not_start_says_why(tmp_path: Path, start: str) -> None:
    pipeline = Pipeline("reader", error=InputError)
    pipeline.add(make("filesrc", location=str(tmp_path / "nothing.mp4")), make("fakesink"))
    with pytest.raises(InputError, match=r"^reader: .*nothing\.mp4") as caught:
        pipeline.play() if start == "play" else pipeline.pause(5)
    assert "\n" not in str(caught.value)
    pipeline.stop()


def test_a_failure_while_running_is_told_once_and_masked() -> None:
    told: list[str] = []
    done = threading.Event()

    def on_error(message: str) -> None:
        told.append(message)
        # From the watching thread itself: must not wait for itself.
        pipeline.stop()
        done.set()

    secrets = Secrets("rtmp://h/live/top-secret-key")
    pipeline = Pipeline("runner", error=OutputError, on_error=on_error, secrets=secrets)
    source = make("videotestsrc", "top-secret-key")
    pipeline.add(source, make("identity", error_after=3), make("fakesink"))
    pipeline.play()
    assert done.wait(10)
    assert len(told) == 1
    assert told[0] == pipeline.failed
    assert told[0].startswith("runner: ")
    assert "top-secret-key" not in told[0]
    assert not pipeline.wait_eos(0.1)
    pipeline.stop()


def test_what_does_not_fit_can_not_be_linked() -> None:
    pipeline = Pipeline("mixed", error=OutputError)
    with pytest.raises(OutputError, match="can't be linked"):
        pipeline.add(make("audiotestsrc"), make("videoconvert"), make("fakesink"))
    pipeline.stop()


def test_caps_can_be_fixed_in_between() -> None:
    pipeline = Pipeline("fixed")
    source = pipeline.add(make("videotestsrc", num_buffers=1))
    allowed = pipeline.add_caps(source, Gst.Caps.from_string("video/x-raw,width=48,height=32"))
    sink = make("appsink", sync=False)
    pipeline.add(sink)
    pipeline.link(allowed, sink)
    pipeline.play()
    try:
        sample = sink.emit("try-pull-sample", 5 * SECOND)
        structure = sample.get_caps().get_structure(0)
        assert (structure.get_value("width"), structure.get_value("height")) == (48, 32)
    finally:
        pipeline.stop()


def test_stopping_leaves_no_thread_behind() -> None:
    before = threading.active_count()
    pipelines = [_playing(-1) for _ in range(3)]
    for pipeline in pipelines:
        pipeline.play()
    assert threading.active_count() == before + 3
    for pipeline in pipelines:
        pipeline.stop()
    assert threading.active_count() == before


def test_the_default_error_is_ours() -> None:
    pipeline = Pipeline("any")
    pipeline.add(make("filesrc", location="/nowhere"), make("fakesink"))
    with pytest.raises(TouchlineError):
        pipeline.play()
    pipeline.stop()
