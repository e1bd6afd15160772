"""The delay inside programs that are not ours, in processes of their own."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

EARLY = """
import gi
gi.require_version("Gst", "1.0")
from gi.repository import Gst
Gst.init(None)
capture = Gst.parse_launch("videotestsrc is-live=true ! video/x-raw,format=NV12,framerate=30/1 "
                           "! appsink name=v emit-signals=true")
playback = Gst.parse_launch("appsrc name=v ! fakesink sync=true")
appsrc, appsink = playback.get_by_name("v"), capture.get_by_name("v")
import touchline
manager = touchline.NVMMBufferManager(buffer_duration=0.3)
manager.set_elements(appsrc=appsrc, playback_pipeline=playback)
manager.set_emergency_shutdown_callback(print)
appsink.connect("new-sample", manager.on_new_sample)
manager.start_buffer_thread()
for pipeline in (playback, capture):
    pipeline.set_state(Gst.State.PLAYING)
capture.get_bus().timed_pop_filtered(2 * Gst.SECOND, Gst.MessageType.ERROR)
print("sent", manager.get_stats()["frames_sent"])
manager.stop_buffer_thread()
for pipeline in (capture, playback):
    pipeline.set_state(Gst.State.NULL)
"""

COPIES = """
import sys
from touchline.gst.library import Gst
import touchline
touchline.register()
pipeline = Gst.parse_launch(
    "videotestsrc num-buffers=60 ! video/x-raw,format=NV12,width=320,height=240,framerate=30/1 ! %s "
    "! touchlinedelay name=late delay=500000000 hold=%s ! fakesink name=sink sync=false" % tuple(sys.argv[1:]))
pipeline.set_state(Gst.State.PLAYING)
kinds = Gst.MessageType.EOS | Gst.MessageType.ERROR
message = pipeline.get_bus().timed_pop_filtered(40 * Gst.SECOND, kinds)
print(message.parse_error() if message and message.type == Gst.MessageType.ERROR else "ended")
stats = pipeline.get_by_name("late").get_property("stats")
for name in ("frames-sent", "frames-copied"):
    print(name, stats.get_value(name))
caps = pipeline.get_by_name("sink").get_static_pad("sink").get_current_caps()
print(caps.get_features(0).to_string() if caps.get_features(0) else "")
pipeline.set_state(Gst.State.NULL)
"""


def run(code: str, *arguments: str, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        capture_output=True,
        text=True,
        timeout=90,
        env={**os.environ, **environment},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "CRITICAL" not in done.stderr, done.stderr
    return done.stdout


def test_elements_may_be_older_than_our_import() -> None:
    """Whoever looked up his appsrc before GstApp was loaded had one without set_caps; nothing was sent."""
    *said, last = run(EARLY).splitlines()
    assert said == [], "no emergency"
    assert int(last.split()[1]) > 20


@pytest.mark.parametrize(
    ("maker", "hold", "copies", "memory"),
    [
        ("identity", "copy", 60, "memory:SystemMemory"),
        ("glupload", "reference", 0, "memory:GLMemory"),
        ("glupload", "copy", 60, "memory:GLMemory"),
    ],
)
def test_frames_of_any_memory_are_held_and_copied(maker: str, hold: str, copies: int, memory: str) -> None:
    """Copies of textures were made in a context of our own, which the pipeline's do not belong to. And a source that
    ran ahead lost its frames when the copies ran out, instead of waiting for one."""
    gl = {"GST_GL_PLATFORM": "egl", "GST_GL_WINDOW": "egl-device", "GST_GL_API": "gles2"}
    *said, features = run(COPIES, maker, hold, **gl).splitlines()
    assert said == ["ended", "frames-sent 60", f"frames-copied {copies}"]
    assert features == memory
