"""The drop-in manager in the two-pipeline program that it is made for."""

from __future__ import annotations

import gc
import threading
import weakref

import numpy as np
import pytest

import touchline
from counted import Capture, Frames, Playback, wait_until
from touchline.delay.manager import BufferManager, NVMMBufferManager
from touchline.errors import ConfigurationError
from touchline.gst.elements import make
from touchline.gst.library import SECOND, Gst
from touchline.gst.pipelines import Pipeline, system_clock
from touchline.gst.probes import PassageProbe

DELAY_S = 0.6
DELAY = round(DELAY_S * SECOND)


class Program:
    """The two-pipeline program as others have it."""

    def __init__(self, nvmm: bool = False, **options: object) -> None:
        self.frames = Frames(nvmm=nvmm)
        self.playback = Playback(self.frames)
        self.manager = NVMMBufferManager(DELAY_S, 30, **options)
        self.manager.set_elements(self.playback.source, None, self.playback.pipeline.gst)
        self.playback.source.connect("need-data", self.manager._on_appsrc_need_data)
        self.capture = Capture(self.frames, self.manager.on_new_sample)
        self.probe = PassageProbe(self.playback.pace.get_static_pad("src"), system_clock())

    def start(self) -> int:
        self.manager.start_buffer_thread()
        self.playback.pipeline.gst.set_state(Gst.State.PLAYING)
        self.playback.pipeline.watch()
        return self.capture.start()

    def errors_s(self, base: int) -> np.ndarray:
        passages = self.probe.read()
        return (passages[:, 1] - base - DELAY - passages[:, 0]) / SECOND

    def close(self) -> None:
        self.manager.stop_buffer_thread()
        self.capture.pipeline.stop()
        self.playback.pipeline.stop()


@pytest.fixture
def program():
    made = []

    def make_program(**options) -> Program:
        made.append(Program(**options))
        return made[-1]

    yield make_program
    for one in made:
        if hasattr(one, "capture"):
            one.close()
        one.frames.pool.stop()


def on_time(errors: np.ndarray) -> None:
    """Never early; late no more than a busy machine makes it."""
    assert errors.min() > -0.002
    assert np.quantile(errors, 0.1) < 0.05


@pytest.mark.parametrize("nvmm", [False, True])
def test_each_frame_leaves_once_in_order_on_time_with_its_pts(program, nvmm) -> None:
    one = program(nvmm=nvmm)
    base = one.start()
    one.capture.run(range(30))
    stats = one.manager.get_stats()
    assert 20 <= stats["frames_received"] <= 30
    assert 0 < stats["frame_buffer_size"] <= stats["frame_buffer_capacity"]
    assert stats["active_references"] >= stats["frame_buffer_size"] - 2
    assert 0 < stats["display_buffer_duration"] <= DELAY_S + 0.1
    assert stats["memory_type"] == ("memory:NVMM" if nvmm else "system")
    one.playback.wait(30)
    assert one.playback.seen == [(number, number * SECOND // 30) for number in range(30)]
    assert one.playback.pipeline.gst.get_base_time() == base + DELAY
    on_time(one.errors_s(base))
    caps = one.playback.sink.get_static_pad("sink").get_current_caps()
    assert caps.is_equal(one.frames.caps)
    after = one.manager.get_extended_stats()
    assert after["frames_sent"] == 30
    assert after["frame_buffer_size"] == 0
    assert after["current_playback_time"] == pytest.approx(29 / 30)
    assert after["frames_dropped"] == {}
    assert after["emergency"] is None
    assert after["bytes_planned"] >= 18 * (3110400 if nvmm else 4608)


def test_a_playback_that_plays_only_later_is_on_time_all_the_same(program) -> None:
    """Programs that wait until the buffer is full before they start to play lost the time in between."""
    one = program()
    one.manager.start_buffer_thread()
    base = one.capture.start()
    one.capture.run(range(10))
    one.playback.pipeline.gst.set_state(Gst.State.PLAYING)
    one.playback.pipeline.watch()
    one.capture.run(range(10, 24))
    one.playback.wait(24)
    assert [number for number, _ in one.playback.seen] == list(range(24))
    on_time(one.errors_s(base))


def test_frames_before_the_start_of_the_buffer_thread_are_not_kept_for_ever(program) -> None:
    one = program()
    one.playback.pipeline.gst.set_state(Gst.State.PLAYING)
    base = one.capture.start()
    one.capture.run(range(35))
    assert one.manager.get_stats()["frame_buffer_size"] < 25
    one.manager.start_buffer_thread()
    one.capture.run(range(35, 45))
    one.playback.wait(20)
    wait_until(base, 45 * SECOND // 30 + DELAY)
    numbers = [number for number, _ in one.playback.seen]
    assert numbers == list(range(numbers[0], 45))
    assert 5 < numbers[0] < 30
    assert one.manager.get_extended_stats()["frames_dropped"] == {"not_started": numbers[0]}


def test_cleared_frames_are_not_shown(program) -> None:
    one = program()
    base = one.start()
    one.capture.run(range(10))
    one.manager.clear_buffers()
    assert one.manager.get_stats()["frame_buffer_size"] == 0
    one.capture.run(range(10, 20))
    wait_until(base, 20 * SECOND // 30 + DELAY)
    one.playback.wait(10)
    numbers = [number for number, _ in one.playback.seen]
    assert numbers == list(range(20 - len(numbers), 20))
    assert one.manager.get_extended_stats()["frames_dropped"] == {"cleared": 20 - len(numbers)}
    on_time(one.errors_s(base))


def test_frames_without_a_pts_are_placed_where_they_came(program) -> None:
    one = program()
    one.start()
    one.capture.run(range(10), stamped=False)
    one.playback.wait(10)
    assert [number for number, _ in one.playback.seen] == list(range(10))
    for number, pts in one.playback.seen:
        assert abs(pts - number * SECOND // 30) < 0.5 * SECOND
    # A live appsrc gives its very first buffer a PTS of its own.
    assert one.manager.get_extended_stats()["frames_without_pts"] in (9, 10)


def test_memory_that_comes_round_is_an_emergency_said_once(program) -> None:
    one = program()
    said: list[str] = []
    one.manager.set_emergency_shutdown_callback(said.append)
    one.start()
    surfaces = [one.frames.make(number, 0) for number in range(4)]
    base = one.capture.pipeline.gst.get_base_time()
    for number in range(10):  # four surfaces in turn, whatever their reference count
        header = surfaces[number % 4].copy()
        header.pts = number * SECOND // 30
        wait_until(base, header.pts)
        one.capture.source.emit("push-buffer", header)
    wait_until(base, SECOND // 2)
    assert len(said) == 1
    assert "came round" in said[0]
    assert one.manager.get_extended_stats()["emergency"] == said[0]


def test_more_frames_than_planned_are_left_out_and_told(program) -> None:
    one = program()
    said: list[str] = []
    one.manager.set_emergency_shutdown_callback(said.append)
    one.start()
    for number in range(60):  # at a thousand frames per second
        one.capture.source.emit("push-buffer", one.frames.make(number, number * SECOND // 1000))
    one.playback.wait(1)
    stats = one.manager.get_extended_stats()
    assert stats["peak_frames"] <= stats["frame_buffer_capacity"]
    assert stats["frames_dropped"]["window_full"] == 60 - stats["frame_buffer_capacity"]
    assert len(said) == 1
    assert "window is full" in said[0]


def test_stopping_lets_go_of_everything(program) -> None:
    one = program()
    one.start()
    one.capture.run(range(12))
    assert not one.frames.all_free
    one.close()
    assert one.manager.get_stats()["active_references"] == 0
    one.playback.pipeline.gst = None  # which holds the appsink, which calls us
    del one.capture, one.playback  # an appsink remembers the last sample that it gave
    gc.collect()
    assert one.frames.all_free
    assert one.manager.get_extended_stats()["frames_dropped"]["stopped"] >= 10
    manager = weakref.ref(one.manager)
    del one.manager
    gc.collect()
    assert manager() is None


def test_it_can_be_started_again(program) -> None:
    one = program()
    base = one.start()
    one.capture.run(range(6))
    one.manager.stop_buffer_thread()
    one.manager.start_buffer_thread()
    one.capture.run(range(6, 16))
    wait_until(base, 16 * SECOND // 30 + DELAY)
    one.playback.wait(10)
    assert [number for number, _ in one.playback.seen][-10:] == list(range(6, 16))


def test_sound_goes_the_same_way(program) -> None:
    one = program()
    caps = Gst.Caps.from_string("audio/x-raw,format=S16LE,rate=48000,channels=1,layout=interleaved")
    source = make("appsrc", caps=caps, format="time", is_live=True)
    sink = make("appsink", emit_signals=True, sync=False, async_=False)
    sink.connect("new-sample", one.manager.on_new_audio_sample)
    one.capture.pipeline.add(source, sink)
    heard: list[tuple[bytes, int]] = []
    out, pace, end = (
        make("appsrc"),
        make("clocksync"),
        make("appsink", emit_signals=True, sync=False, async_=False),
    )
    out.connect("need-data", one.manager._on_audio_appsrc_need_data)

    def hear(sink):
        buffer = sink.emit("pull-sample").get_buffer()
        heard.append((buffer.extract_dup(0, 2), buffer.pts))
        return Gst.FlowReturn.OK

    end.connect("new-sample", hear)
    one.playback.pipeline.add(out, pace, end)
    probe = PassageProbe(pace.get_static_pad("src"), system_clock())
    one.manager.set_elements(audio_appsrc=out)
    base = one.start()
    for number in range(60):
        buffer = Gst.Buffer.new_wrapped(number.to_bytes(2, "little") * 480)
        buffer.pts, buffer.duration = number * SECOND // 100, SECOND // 100
        wait_until(base, buffer.pts)
        source.emit("push-buffer", buffer)
    wait_until(base, 60 * SECOND // 100 + DELAY)
    threading.Event().wait(0.1)
    assert heard == [(number.to_bytes(2, "little"), number * SECOND // 100) for number in range(60)]
    passages = probe.read()
    on_time((passages[:, 1] - base - DELAY - passages[:, 0]) / SECOND)
    stats = one.manager.get_extended_stats()
    assert (stats["audio_received"], stats["audio_sent"], stats["audio_dropped"]) == (60, 60, {})


def test_without_anything_that_paces_frames_leave_when_they_are_due(program) -> None:
    """A sink with sync=false showed every frame early by the time that it was prepared ahead."""
    one = program()
    sink = make("fakesink", sync=False)
    source, pipeline = make("appsrc"), Pipeline("loose")
    pipeline.add(source, sink)
    probe = PassageProbe(sink.get_static_pad("sink"), system_clock())
    one.manager = NVMMBufferManager(DELAY_S, 30, 100, source, playback_pipeline=pipeline.gst)
    one.capture.pipeline.stop()
    one.capture = Capture(one.frames, one.manager.on_new_sample)
    pipeline.gst.set_state(Gst.State.PLAYING)
    base = one.start()
    one.capture.run(range(10))
    wait_until(base, 10 * SECOND // 30 + DELAY + SECOND // 10)
    passages = probe.read()
    assert len(passages) == 10
    on_time((passages[:, 1] - base - DELAY - passages[:, 0]) / SECOND)
    pipeline.stop()


def test_numbers_that_make_no_sense_are_refused() -> None:
    for wrong in ({"buffer_duration": 0}, {"framerate": 0}, {"audio_chunks_per_sec": -1}):
        with pytest.raises(ConfigurationError):
            NVMMBufferManager(**wrong)


def test_the_package_has_it_under_both_names() -> None:
    assert touchline.NVMMBufferManager is touchline.BufferManager is BufferManager is NVMMBufferManager
