"""When frames leave: never before they are due, all of them, whatever the outputs do."""

from __future__ import annotations

import os
import time
from pathlib import Path

import numpy as np
import pytest
from numbered import CAPS, decode, pts_of, push, push_live, record

from touchline.errors import OutputError
from touchline.gst.library import SECOND, GLib, Gst
from touchline.gst.pipelines import system_clock
from touchline.programme import EncoderSettings, OutputSpec, Programme

SMALL = EncoderSettings(bitrate_kbps=600)


def _display() -> OutputSpec:
    return OutputSpec("display", "fakevideosink")


def _run_paced(programme: Programme, count: int, start_pts: int = 0) -> tuple[np.ndarray, int]:
    base = system_clock().get_time() + SECOND // 2 - start_pts
    programme.start(base)
    try:
        for number in range(count):
            early = base + start_pts + pts_of(number) - SECOND // 5 - system_clock().get_time()
            if early > 0:
                time.sleep(early / SECOND)
            push(programme, range(number, number + 1), start_pts)
        programme.finish(10)
    finally:
        programme.stop()
    return programme.passages(), base


@pytest.mark.parametrize("start_pts", [0, 3 * SECOND])
def test_a_frame_leaves_when_it_is_due(tmp_path: Path, start_pts: int) -> None:
    """The delay's error is what this project is about; the bound is wide since a test machine may be busy."""
    path = tmp_path / "paced.mp4"
    programme = Programme(CAPS, [OutputSpec("record", str(path)), _display()], encoder=SMALL)
    passages, base = _run_paced(programme, 45, start_pts)
    assert [int(pts) for pts in passages[:, 0]] == [start_pts + pts_of(n) for n in range(45)]
    late = passages[:, 1] - base - passages[:, 0]
    assert (late >= 0).all()
    assert np.median(late) < SECOND // 20
    assert [n for n, _ in decode(path)] == list(range(45))
    recorded, shown = programme.outputs
    assert (recorded.frames, recorded.dropped) == (45, 0)
    assert shown.frames + shown.dropped == 45
    assert programme.dropped.total == 0


def test_without_outputs_frames_are_paced_all_the_same() -> None:
    programme = Programme(CAPS, [])
    assert programme.encoder is None
    passages, base = _run_paced(programme, 20)
    assert len(passages) == 20
    assert (passages[:, 1] - base >= passages[:, 0]).all()


def test_a_display_needs_no_encoder() -> None:
    programme = Programme(CAPS, [_display()])
    assert programme.encoder is None
    passages, _ = _run_paced(programme, 20)
    (shown,) = programme.outputs
    assert shown.frames + shown.dropped == len(passages) == 20


def test_unpaced_nothing_waits_and_nothing_is_lost(tmp_path: Path) -> None:
    """Half a minute of frames that are due in an hour: the recording has them all, long before."""
    path = tmp_path / "fast.mkv"
    programme = Programme(CAPS, [OutputSpec("record", str(path))], paced=False, encoder=SMALL)
    programme.start(system_clock().get_time() + 3600 * SECOND)
    push(programme, range(900))
    programme.finish(60)
    assert [n for n, _ in decode(path)] == list(range(900))
    passages = programme.passages()
    assert [int(pts) for pts in passages[:, 0]] == [pts_of(n) for n in range(900)]
    assert programme.outputs[0].frames == 900


def test_unpaced_and_paced_record_the_same_bytes(tmp_path: Path) -> None:
    paths = [tmp_path / "paced.ts", tmp_path / "fast.ts"]
    _run_paced(Programme(CAPS, [OutputSpec("record", str(paths[0]))], encoder=SMALL), 40)
    record(Programme(CAPS, [OutputSpec("record", str(paths[1]))], paced=False, encoder=SMALL), 40)
    assert paths[0].read_bytes() == paths[1].read_bytes()


def test_frames_that_find_no_room_are_counted() -> None:
    """Pushed all at once, long before they are due: the programme keeps as many as it said and never waits."""
    programme = Programme(CAPS, [], ahead_s=0.3)
    programme.start(system_clock().get_time() + 3600 * SECOND)
    try:
        push(programme, range(40))
        room = 40 - programme.dropped["behind"]
        assert 10 <= room <= programme.in_flight < 40
    finally:
        programme.stop()


def test_a_display_that_closes_disturbs_nobody(tmp_path: Path) -> None:
    """The sink says what it would say if somebody closed its window."""
    path = tmp_path / "whole.mp4"
    failed = []
    programme = Programme(
        CAPS,
        [OutputSpec("display", "fakesink"), OutputSpec("record", str(path))],
        encoder=SMALL,
        on_output_failed=failed.append,
    )
    base = system_clock().get_time() + SECOND // 2
    programme.start(base)
    push_live(programme, base, range(15))
    sink = programme._outputs[0]._outlet._pipeline.gst.iterate_sinks().next()[1]
    error = GLib.Error.new_literal(Gst.ResourceError.quark(), "Output window was closed", 1)
    message = Gst.Message.new_error(sink, error, "")
    sink.post_message(message)
    push_live(programme, base, range(15, 60))
    programme.finish(10)
    assert [status.kind for status in failed] == ["display"]
    assert "Output window was closed" in failed[0].error
    assert [n for n, _ in decode(path)] == list(range(60))


@pytest.mark.skipif(
    any(name in os.environ for name in ("DISPLAY", "WAYLAND_DISPLAY", "GST_GL_WINDOW")),
    reason="there is a screen",
)
def test_without_a_screen_a_display_is_refused_in_one_line() -> None:
    """GStreamer's own automatic sink crashes the process there."""
    programme = Programme(CAPS, [OutputSpec("display")])
    with pytest.raises(OutputError, match="display: no screen can be opened here; leave --display out"):
        programme.start(system_clock().get_time())


def test_after_the_last_output_has_failed_no_frame_is_taken() -> None:
    programme = Programme(CAPS, [OutputSpec("display", "filesink")])
    with pytest.raises(OutputError, match="display filesink"):
        programme.start(system_clock().get_time())
    with pytest.raises(OutputError):
        push(programme, range(1))


def test_stopping_twice_and_finishing_after_that_is_harmless(tmp_path: Path) -> None:
    programme = Programme(CAPS, [OutputSpec("record", str(tmp_path / "a.ts"))], paced=False, encoder=SMALL)
    programme.start(system_clock().get_time())
    push(programme, range(30))
    programme.stop()
    programme.stop()
    programme.finish(10)
    never_started = Programme(CAPS, [])
    never_started.stop()
    never_started.finish(1)
    assert len(never_started.passages()) == 0


def test_an_encoder_that_fails_ends_the_run_and_keeps_what_was_recorded(tmp_path: Path) -> None:
    path = tmp_path / "kept.mp4"
    programme = Programme(CAPS, [OutputSpec("record", str(path))], paced=False, encoder=SMALL)
    programme.start(system_clock().get_time())
    push(programme, range(60))
    encoder = programme._pipeline.gst.get_by_name("encoder")
    error = GLib.Error.new_literal(Gst.StreamError.quark(), "The encoder is broken", 1)
    encoder.post_message(Gst.Message.new_error(encoder, error, ""))
    with pytest.raises(OutputError, match="The encoder is broken"):
        push(programme, range(60, 2000))
    programme.finish(10)
    numbers = [n for n, _ in decode(path)]
    assert len(numbers) >= 30
    assert numbers == list(range(len(numbers)))
