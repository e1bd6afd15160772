"""Python may stand still for a moment: C paces what leaves."""

from __future__ import annotations

import ctypes
import time
from fractions import Fraction

import numpy as np

from touchline.delay import FrameStore, LiveTimeline, Player
from touchline.gst.caps import VideoCaps
from touchline.gst.elements import make
from touchline.gst.library import MILLISECOND, SECOND, Gst
from touchline.gst.pipelines import Pipeline, system_clock
from touchline.gst.probes import PassageProbe

CAPS = VideoCaps(64, 48, Fraction(30))
DELAY = SECOND
STALL_MS = 100


def intervals(lead_ms: int) -> np.ndarray:
    """Milliseconds between frames that leave while all Python threads are stopped again and again."""
    store = FrameStore(100)
    capture, programme = Pipeline("capture"), Pipeline("programme")
    sink = make("appsink", sync=False, emit_signals=True)

    def keep(_sink) -> Gst.FlowReturn:
        buffer = sink.emit("pull-sample").get_buffer()
        store.append(buffer, buffer.pts, buffer.duration)
        return Gst.FlowReturn.OK

    sink.connect("new-sample", keep)
    camera = make("videotestsrc", is_live=True, num_buffers=75)
    capture.add(camera, make("capsfilter", caps=CAPS.to_gst()), sink)
    source = make("appsrc", caps=CAPS.to_gst(), format="time", is_live=True, max_bytes=0)
    pace = make("clocksync")
    programme.add(source, pace, make("fakesink", sync=False, async_=False))
    probe = PassageProbe(pace.get_static_pad("src"), system_clock())
    base = system_clock().get_time()
    player = Player(
        store,
        LiveTimeline(system_clock(), base, lead_ms * MILLISECOND),
        lambda cue: source.emit("push-buffer", cue.frame.buffer),
        delay_ns=DELAY,
        frame_ns=CAPS.frame_ns,
    )
    programme.play(base + DELAY)
    player.start()
    capture.play(base)
    library = ctypes.PyDLL(None)  # which keeps the interpreter's lock during a call
    for _ in range(12):
        time.sleep(0.15)
        library.usleep(STALL_MS * 1000)
    time.sleep(0.3)
    player.stop()
    capture.stop()
    programme.stop()
    store.close()
    times = probe.read()[:, 1]
    assert len(times) > 40
    return np.diff(times) / MILLISECOND


def test_a_stall_of_all_python_threads_can_not_be_seen() -> None:
    frozen = intervals(lead_ms=500)
    assert frozen.max() < STALL_MS * 0.9, "three frames late would be seen"
    assert np.median(frozen) < 40


def test_without_a_lead_it_would_be_seen() -> None:
    """That the other test can fail."""
    assert intervals(lead_ms=0).max() > STALL_MS * 0.9
