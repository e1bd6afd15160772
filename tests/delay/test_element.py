"""The element: exact delay, in order, whatever passes through the pipeline beside the frames."""

from __future__ import annotations

import ctypes
import gc
import os
import subprocess
import sys
import threading
import weakref
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from counted import CAPS, Frames, wait_until
from footage import paint
from touchline.delay.element import NAME, register
from touchline.gst.elements import make, set_property
from touchline.gst.library import MILLISECOND, NONE, SECOND, Gst
from touchline.gst.mapping import address
from touchline.gst.nv12 import Nv12
from touchline.gst.pipelines import Pipeline, system_clock
from touchline.gst.probes import PassageProbe

DELAY = SECOND // 2
FRAME = SECOND // 30
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True, scope="module")
def _registered() -> None:
    register()
    register()  # once more does no harm


class Rig:
    """appsrc -> touchlinedelay -> appsink; notes everything that leaves, in order."""

    def __init__(self, nvmm: bool = False, live: bool = True, **properties: object) -> None:
        self.frames = Frames(nvmm=nvmm)
        self.row: list[object] = []
        self.source = make("appsrc", caps=self.frames.caps, format="time", is_live=live, max_bytes=0)
        self.delay = make(NAME, "late", **({"delay": DELAY} | properties))
        self.sink = make("appsink", emit_signals=True, sync=False, enable_last_sample=False, async_=False)
        self.sink.connect("new-sample", self._read)
        self.pipeline = Pipeline("rig")
        self.pipeline.add(self.source, self.delay, self.sink)
        pad = self.delay.get_static_pad("src")
        pad.add_probe(Gst.PadProbeType.EVENT_DOWNSTREAM | Gst.PadProbeType.EVENT_FLUSH, self._note)
        self.probe = PassageProbe(pad, system_clock())

    def _read(self, sink):
        buffer = sink.emit("pull-sample").get_buffer()
        self.row.append((self.frames.number(buffer), buffer.pts))
        return Gst.FlowReturn.OK

    def _note(self, _pad, info):
        event = info.get_event()
        if event.type in (Gst.EventType.CUSTOM_DOWNSTREAM, Gst.EventType.CUSTOM_DOWNSTREAM_OOB):
            self.row.append(event.get_structure().get_name())
        elif event.type != Gst.EventType.GAP or self.seen:
            self.row.append(event.type.value_nick)
        return Gst.PadProbeReturn.OK

    @property
    def seen(self) -> list[tuple[int, int]]:
        return [one for one in self.row if isinstance(one, tuple)]

    @property
    def numbers(self) -> list[int]:
        return [number for number, _ in self.seen]

    def start(self) -> int:
        self.pipeline.play()
        return self.pipeline.gst.get_base_time()

    def open(self) -> tuple[int, Gst.Pad]:
        """Plays until the first frame has come, so that others may be pushed on the element's sink pad."""
        base = self.start()
        self.run(range(1))
        self.wait_received(1)
        return base, self.delay.get_static_pad("sink")

    def wait_received(self, count: int) -> None:
        """Until the source, which pushes in a thread of its own, has nothing left to push of so many frames."""
        until = system_clock().get_time() + 10 * SECOND
        while self.stats()["frames-received"] < count:
            assert system_clock().get_time() < until, "the frames do not come"
            threading.Event().wait(0.005)

    def push(self, number: int, pts: int) -> object:
        return self.source.emit("push-buffer", self.frames.make(number, pts))

    def run(self, numbers, skipped: int = 0) -> None:
        """Frames at 30 fps, on time; the stream stood still for ``skipped`` ns before."""
        base = self.pipeline.gst.get_base_time()
        for number in numbers:
            pts = number * SECOND // 30 + skipped
            wait_until(base, pts)
            self.push(number, pts)

    def wait(self, count: int, timeout_s: float = 10) -> None:
        until = system_clock().get_time() + round(timeout_s * SECOND)
        while len(self.seen) < count and system_clock().get_time() < until and not self.pipeline.failed:
            threading.Event().wait(0.01)

    def stats(self) -> dict[str, int]:
        stats = self.delay.get_property("stats")
        return {
            stats.nth_field_name(i): stats.get_value(stats.nth_field_name(i)) for i in range(stats.n_fields())
        }

    def errors_s(self, delay: int = DELAY) -> np.ndarray:
        passages = self.probe.read()
        return (passages[:, 1] - self.pipeline.gst.get_base_time() - delay - passages[:, 0]) / SECOND


@pytest.fixture
def rig():
    made = []

    def make_rig(**options) -> Rig:
        made.append(Rig(**options))
        return made[-1]

    yield make_rig
    for one in made:
        one.pipeline.stop()
        one.frames.pool.stop()


def stamps(numbers) -> list[tuple[int, int]]:
    return [(number, number * SECOND // 30) for number in numbers]


def on_time(errors: np.ndarray) -> None:
    """Never early; late no more than a busy machine makes it."""
    assert errors.min() > -0.002
    assert np.quantile(errors, 0.1) < 0.05


@pytest.mark.parametrize("options", [{}, {"nvmm": True}, {"hold": "copy"}, {"hold": "auto"}], ids=str)
def test_each_frame_leaves_once_in_order_on_time_with_its_pts(rig, options) -> None:
    one = rig(**options)
    one.start()
    one.run(range(25))
    stats = one.stats()
    assert 15 <= stats["frames-received"] <= 25
    assert 0 < stats["frames-held"] <= stats["frames-planned"]
    one.wait(25)
    assert one.seen == stamps(range(25))
    on_time(one.errors_s())
    stats = one.stats()
    assert (stats["frames-sent"], stats["frames-held"], stats["frames-dropped"]) == (25, 0, 0)
    assert stats["frames-copied"] == (25 if options.get("hold") == "copy" else 0)
    assert one.sink.get_static_pad("sink").get_current_caps().is_equal(one.frames.caps)


def test_encoded_frames_leave_at_the_same_times(rig) -> None:
    one = rig(hold="encoded")
    one.start()
    one.run(range(25))
    one.source.emit("end-of-stream")
    assert one.pipeline.wait_eos(20), one.pipeline.failed
    assert [pts for _, pts in one.seen] == [pts for _, pts in stamps(range(25))]
    assert one.numbers == list(range(25))
    assert one.row[-1] == "eos"


def test_the_delay_is_an_offset_and_no_latency(rig) -> None:
    """The other branch of a tee waited for the latency of a delaying queue."""
    one = rig()
    tee, now = make("tee"), make("fakesink", sync=True)
    one.source.unlink(one.delay)
    queues = [make("queue"), make("queue")]
    for element in (tee, now, *queues):
        one.pipeline.gst.add(element)
    one.source.link(tee)
    for queue, end in zip(queues, (now, one.delay), strict=True):
        tee.link(queue)
        queue.link(end)
    set_property(one.sink, "sync", True)
    set_property(one.sink, "async", True)
    shown: list[tuple[int, int]] = []
    now.set_property("signal-handoffs", True)
    now.connect("handoff", lambda _, buffer, __: shown.append((buffer.pts, system_clock().get_time())))
    base = one.start()
    one.run(range(25))
    query = Gst.Query.new_latency()
    assert one.pipeline.gst.query(query)
    latency = query.parse_latency()[1]
    assert latency < 100 * MILLISECOND
    one.wait(25)
    late = np.array([(time - base - pts) / SECOND for pts, time in shown])
    assert len(late) == 25
    assert np.median(late) < 0.2
    assert late.max() < DELAY / SECOND
    assert one.seen == stamps(range(25))
    on_time(one.errors_s())


def test_events_and_queries_between_the_frames_do_not_disturb_the_delay(rig) -> None:
    """One tag, one custom event or one drain query emptied a queue with min-threshold-time for good."""
    one = rig()
    base = one.start()
    pad = one.delay.get_static_pad("sink")
    one.run(range(5))
    threading.Event().wait(0.02)
    began = system_clock().get_time()
    one.source.send_event(Gst.Event.new_tag(Gst.TagList.new_from_string("taglist,title=match")))
    one.source.send_event(Gst.Event.new_custom(Gst.EventType.CUSTOM_DOWNSTREAM, Gst.Structure("goal")))
    one.run(range(5, 6))
    threading.Event().wait(0.02)
    assert pad.query(Gst.Query.new_drain())
    assert pad.query(Gst.Query.new_allocation(one.frames.caps, True))
    oob = Gst.Event.new_custom(Gst.EventType.CUSTOM_DOWNSTREAM_OOB, Gst.Structure("at-once"))
    assert pad.send_event(oob)
    assert "at-once" in one.row
    assert system_clock().get_time() - began < DELAY  # nobody waited for the window
    one.run(range(6, 20))
    one.wait(20)
    assert one.seen == stamps(range(20))
    order = [item for item in one.row if isinstance(item, tuple) or item in ("tag", "goal", "segment")]
    place = order.index((5, 5 * SECOND // 30))
    assert order[place - 3 : place] == [(4, 4 * SECOND // 30), "tag", "goal"]
    assert one.row.index("at-once") < one.row.index((0, 0))
    on_time(one.errors_s())
    assert one.pipeline.gst.get_base_time() == base


def test_the_end_comes_after_the_window_has_drained_in_real_time(rig) -> None:
    one = rig()
    base = one.start()
    one.run(range(12))
    one.source.emit("end-of-stream")
    assert one.pipeline.wait_eos(10)
    assert system_clock().get_time() >= base + 11 * SECOND // 30 + DELAY - MILLISECOND
    assert one.seen == stamps(range(12))
    assert one.row[-1] == "eos"
    on_time(one.errors_s())


def test_a_pipeline_that_pauses_keeps_its_window(rig) -> None:
    one = rig()
    one.start()
    one.run(range(10))
    one.pipeline.gst.set_state(Gst.State.PAUSED)
    threading.Event().wait(0.05)
    before = len(one.seen)
    threading.Event().wait(DELAY / SECOND)
    assert len(one.seen) == before
    one.pipeline.gst.set_state(Gst.State.PLAYING)
    one.probe.read()
    one.run(range(10, 20))
    one.wait(20)
    assert one.seen == stamps(range(20))
    on_time(one.errors_s())


def test_a_flush_throws_the_window_away_and_it_fills_anew(rig) -> None:
    one = rig()
    one.start()
    one.run(range(12))
    one.wait_received(12)  # or the source pushes on after the flush, without a segment, and ends the stream
    shown = len(one.seen)
    pad = one.delay.get_static_pad("sink")
    assert pad.send_event(Gst.Event.new_flush_start())
    assert one.stats()["frames-sent"] < 12
    assert pad.send_event(Gst.Event.new_flush_stop(False))
    assert one.stats()["frames-held"] == 0
    pad.send_event(Gst.Event.new_segment(_segment()))
    one.probe.read()
    base = one.pipeline.gst.get_base_time()
    first = 30
    for number in range(first, first + 8):
        wait_until(base, number * SECOND // 30)
        assert pad.chain(one.frames.make(number, number * SECOND // 30)) == Gst.FlowReturn.OK
    one.wait(shown + 8)
    assert one.numbers[:shown] == list(range(shown))
    assert one.numbers[-8:] == list(range(first, first + 8))
    assert len(one.numbers) <= shown + 1 + 8
    on_time(one.errors_s())


def _segment() -> Gst.Segment:
    segment = Gst.Segment()
    segment.init(Gst.Format.TIME)
    return segment


def test_a_segment_that_begins_later_is_played_from_its_beginning(rig) -> None:
    """After a seek to the middle of a file PTS and running time are not the same."""
    one = rig()
    pad = one.delay.get_static_pad("sink")
    one.source.unlink(one.delay)
    one.start()
    base = one.pipeline.gst.get_base_time()
    pad.send_event(Gst.Event.new_stream_start("middle"))
    pad.send_event(Gst.Event.new_caps(one.frames.caps))
    segment = _segment()
    segment.start = segment.position = 100 * SECOND
    pad.send_event(Gst.Event.new_segment(segment))
    for number in range(8):
        pts = number * SECOND // 30
        wait_until(base, pts)
        pad.chain(one.frames.make(number, 100 * SECOND + pts))
    one.wait(8)
    assert one.seen == [(number, 100 * SECOND + number * SECOND // 30) for number in range(8)]
    on_time(one.errors_s(DELAY - 100 * SECOND))


def test_new_caps_travel_with_their_frame(rig) -> None:
    one = rig()
    one.start()
    one.run(range(6))
    other = one.frames.caps.copy()
    other.set_value("colorimetry", "bt601")
    one.source.set_caps(other)
    one.run(range(6, 12))
    one.wait(12)
    order = [
        item if item == "caps" else item[0] for item in one.row if isinstance(item, tuple) or item == "caps"
    ]
    # The old ones may come twice: whoever changes a pad's offset makes it send what is sticky again.
    changed = order.index("caps", 3)
    assert order[changed:] == ["caps", *range(6, 12)]
    assert [item for item in order[:changed] if item != "caps"] == list(range(6))
    assert one.sink.get_static_pad("sink").get_current_caps().is_equal(other)


def test_another_delay_holds_from_the_next_frame_on(rig) -> None:
    one = rig(max_delay=SECOND)
    base = one.start()
    one.run(range(20))
    one.delay.set_property("delay", SECOND // 5)
    one.run(range(20, 30))
    one.delay.set_property("delay", SECOND)
    one.run(range(30, 36))
    wait_until(base, 36 * SECOND // 30 + SECOND)
    threading.Event().wait(0.1)
    passages = one.probe.read()
    late = (passages[:, 1] - base - passages[:, 0]) / SECOND
    steps = {0.5: 0, 0.2: 0, 1.0: 0}
    for one_late in late:
        nearest = min(steps, key=lambda delay: abs(delay - one_late))
        steps[nearest] += 1
        assert one_late > nearest - 0.01
    assert all(steps.values())
    assert one.numbers == sorted(set(one.numbers))
    assert one.numbers[-1] == 35
    assert one.delay.get_property("delay") == SECOND
    one.delay.set_property("delay", 2 * SECOND)  # there is no room for it
    assert one.delay.get_property("delay") == SECOND


def test_a_plan_that_does_not_fit_is_refused_before_the_first_frame(rig) -> None:
    one = rig(memory_limit=50_000)
    one.start()
    one.run(range(2))
    one.pipeline.wait_eos(5)
    assert one.pipeline.failed is not None
    assert "the memory plan does not fit" in one.pipeline.failed
    assert "15 frames" in one.pipeline.failed
    assert one.stats()["frames-held"] == 0
    assert one.seen == []


def test_a_source_that_runs_ahead_has_to_wait_for_room(rig) -> None:
    one = rig(live=False)
    base = one.start()
    for number in range(60):
        one.push(number, number * SECOND // 30)
    wait_until(base, SECOND // 4)
    stats = one.stats()
    assert 15 < stats["frames-held"] <= stats["frames-planned"]
    one.wait(60)
    assert one.seen == stamps(range(60))
    on_time(one.errors_s())


def test_memory_that_comes_round_ends_in_one_error(rig) -> None:
    one = rig()
    base = one.start()
    surfaces = [one.frames.make(number, 0) for number in range(4)]
    for number in range(8):
        header = surfaces[number % 4].copy()
        header.pts = number * SECOND // 30
        wait_until(base, header.pts)
        one.source.emit("push-buffer", header)
    one.pipeline.wait_eos(5)
    assert "came round" in (one.pipeline.failed or "")


def test_a_producer_is_asked_for_enough_buffers(rig) -> None:
    one = rig()
    one.start()
    one.run(range(2))
    wait_until(one.pipeline.gst.get_base_time(), SECOND // 10)
    query = Gst.Query.new_allocation(one.frames.caps, True)
    assert one.delay.get_static_pad("sink").query(query)
    _, _, least, _ = query.parse_nth_allocation_pool(0)
    assert least >= 15


def test_frames_without_a_pts_get_the_time_of_their_arrival(rig) -> None:
    one = rig()
    base, pad = one.open()
    for number in range(1, 6):
        wait_until(base, number * SECOND // 30)
        pad.chain(one.frames.make(number, None))
    one.wait(6)
    assert one.numbers == list(range(6))
    assert all(pts != NONE for _, pts in one.seen)
    assert any("without a PTS" in line for line in one.pipeline.warnings)


@pytest.mark.parametrize("while_full", [False, True])
def test_stopping_lets_go_of_everything(rig, while_full) -> None:
    one = rig(live=False)
    one.start()
    for number in range(60 if while_full else 5):
        one.push(number, number * SECOND // 30)
    wait_until(one.pipeline.gst.get_base_time(), SECOND // 10)
    assert not one.frames.all_free
    one.pipeline.stop()
    element, core = weakref.ref(one.delay), weakref.ref(one.delay._core)
    frames = one.frames
    one.pipeline = Pipeline("another")
    del one.delay, one.source, one.sink, one.probe
    gc.collect()
    gc.collect()
    assert frames.all_free
    assert element() is None
    assert core() is None


def test_it_can_be_started_again(rig) -> None:
    one = rig()
    one.start()
    one.run(range(5))
    one.pipeline.gst.set_state(Gst.State.NULL)
    assert one.frames.all_free or one.stats()["frames-held"] == 0
    one.row.clear()
    one.pipeline.gst.set_start_time(0)
    one.pipeline.gst.set_state(Gst.State.PLAYING)
    one.probe.read()
    one.run(range(8))
    one.wait(8)
    assert one.seen == stamps(range(8))
    on_time(one.errors_s())


def test_quality_messages_go_upstream_at_once(rig) -> None:
    one = rig()
    asked = []
    probe = lambda _, info: asked.append(info.get_event().type) or Gst.PadProbeReturn.OK  # noqa: E731
    one.source.get_static_pad("src").add_probe(Gst.PadProbeType.EVENT_UPSTREAM, probe)
    one.start()
    one.run(range(2))
    event = Gst.Event.new_qos(Gst.QOSType.UNDERFLOW, 1.5, SECOND, DELAY)
    one.sink.get_static_pad("sink").push_event(event)
    assert Gst.EventType.QOS in asked
    assert one.seen == []


def test_a_gap_waits_like_a_frame(rig) -> None:
    one = rig()
    base = one.start()
    pad = one.delay.get_static_pad("sink")
    one.run(range(3))
    threading.Event().wait(0.02)
    assert pad.send_event(Gst.Event.new_gap(3 * FRAME, 2 * FRAME))
    one.run(range(5, 8))
    one.wait(6)
    order = [item for item in one.row if isinstance(item, tuple) or item == "gap"]
    assert order == [*stamps(range(3)), "gap", *stamps(range(5, 8))]
    assert system_clock().get_time() > base + 7 * FRAME + DELAY
    on_time(one.errors_s())


def test_an_end_without_a_frame_passes_at_once(rig) -> None:
    one = rig(delay=100 * SECOND)
    one.start()
    one.source.emit("end-of-stream")
    assert one.pipeline.wait_eos(5)


def test_memory_that_comes_round_is_copied_where_that_is_allowed(rig) -> None:
    one = rig(hold="auto")
    base = one.start()
    pool = [one.frames.make(number, 0) for number in range(4)]
    for number in range(20):
        surface = pool[number % 4]
        with _overwritten(one.frames, surface) as picture:
            paint(picture, number)
        header = surface.copy()
        header.pts = number * SECOND // 30
        wait_until(base, header.pts)
        one.source.emit("push-buffer", header)
        threading.Event().wait(0.01)
    one.wait(19)
    assert one.pipeline.failed is None
    assert any("came round" in line for line in one.pipeline.warnings)
    right = [number for number, pts in one.seen if pts == number * SECOND // 30]
    assert right == one.numbers  # what was written over is not shown
    assert set(range(5, 20)) <= set(right)
    assert one.stats()["frames-dropped"] + len(right) == 20
    assert one.stats()["frames-copied"] >= 15


@contextmanager
def _overwritten(frames: Frames, buffer: Gst.Buffer):
    """What a producer does that looks at nobody's reference count."""
    place = address(buffer)
    block = (ctypes.c_uint8 * frames.layout.size).from_address(place)
    yield Nv12.over(block, CAPS.width, CAPS.height, frames.layout.strides, frames.layout.offsets)


def test_a_stream_without_time_is_refused(rig) -> None:
    one = rig()
    set_property(one.source, "format", "bytes")
    one.start()
    one.push(0, 0)
    one.pipeline.wait_eos(5)
    assert "needs a stream in time" in (one.pipeline.failed or "")


def test_sound_is_delayed_too() -> None:
    pipeline = Gst.parse_launch(
        "audiotestsrc is-live=true num-buffers=20 samplesperbuffer=480 ! audio/x-raw,rate=48000 ! "
        f"{NAME} name=late delay=300000000 ! fakesink name=end sync=true"
    )
    probe = PassageProbe(pipeline.get_by_name("late").get_static_pad("src"), system_clock())
    pipeline.set_state(Gst.State.PLAYING)
    kinds = Gst.MessageType.EOS | Gst.MessageType.ERROR
    message = pipeline.get_bus().timed_pop_filtered(10 * SECOND, kinds)
    base = pipeline.get_base_time()
    pipeline.set_state(Gst.State.NULL)
    assert message is not None
    assert message.type == Gst.MessageType.EOS
    passages = probe.read()
    steps = np.diff(passages[:, 0])
    assert len(steps) == 19
    assert (steps == SECOND // 100).all()
    on_time((passages[:, 1] - base - passages[:, 0]) / SECOND - 0.3)


def launch(text: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """gst-launch-1.0 with the plugin path of the package, in a child process."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    plugins = os.pathsep.join(
        [str(ROOT / "src/touchline/delay/plugin"), os.environ.get("GST_PLUGIN_PATH", "")]
    )
    return subprocess.run(
        ["gst-launch-1.0", *text.split()],
        env={**os.environ, "PATH": path, "GST_PLUGIN_PATH": plugins, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_it_is_found_by_the_loader_of_python_plugins(tmp_path) -> None:
    if Gst.Registry.get().find_plugin("python") is None:
        pytest.skip("the loader of Python plugins is not there (gstreamer1.0-python3-plugin-loader)")
    done = launch(
        f"videotestsrc is-live=true num-buffers=10 ! {NAME} delay=400000000 hold=copy ! fakesink silent=false -v",
        GST_REGISTRY=str(tmp_path / "registry"),
    )
    assert done.returncode == 0, done.stderr
    assert "Got EOS" in done.stdout
    assert done.stdout.count("chain   *******") == 10
    assert "CRITICAL" not in done.stderr


def test_nothing_is_left_at_the_end() -> None:
    """By GStreamer's own books, after a run to the end, a flush, and a stop in the middle of a full window."""
    code = f"""
import gc
from touchline import register
from touchline.gst.library import SECOND, Gst
register()
def run(text, flush, stop):
    pipeline = Gst.parse_launch(text)
    pipeline.set_state(Gst.State.PLAYING)
    bus = pipeline.get_bus()
    if flush:
        bus.timed_pop_filtered(SECOND // 2, Gst.MessageType.ERROR)
        assert pipeline.seek_simple(Gst.Format.TIME, Gst.SeekFlags.FLUSH, 0)
    wait = SECOND // 2 if stop else 10 * SECOND
    message = bus.timed_pop_filtered(wait, Gst.MessageType.EOS | Gst.MessageType.ERROR)
    print("ended" if message and message.type == Gst.MessageType.EOS else "stopped")
    pipeline.set_state(Gst.State.NULL)
source = "videotestsrc is-live=true num-buffers=20 ! video/x-raw,format=NV12,width=64,height=48,framerate=30/1"
for hold in ("reference", "copy"):
    run(source + f" ! {NAME} name=late delay=400000000 hold={{hold}} ! fakesink", False, False)
run(source.replace("=20", "=90") + " ! {NAME} name=late delay=400000000 ! fakesink", True, True)
run("videotestsrc ! video/x-raw,width=64,height=48 ! {NAME} name=late delay=400000000 ! fakesink", False, True)
gc.collect()
Gst.deinit()
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "GST_TRACERS": "leaks(filters=GstBuffer)", "GST_DEBUG": "GST_TRACER:7"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["ended", "ended", "stopped", "stopped"]
    assert "leaks" in done.stderr  # the tracer was there
    assert "type-name=(string)GstBuffer" not in done.stderr
    assert "CRITICAL" not in done.stderr
