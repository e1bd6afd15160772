"""Two plain GStreamer pipelines: the second shows what the first saw, later. two_pipelines.py [DELAY [SECONDS]]"""

import sys

import gi

gi.require_version("Gst", "1.0")
from gi.repository import Gst  # noqa: E402

import touchline  # noqa: E402

delay, seconds = (float(value) for value in [*sys.argv[1:], "2", "5"][:2])
Gst.init(None)
capture = Gst.parse_launch(
    "videotestsrc is-live=true pattern=ball ! video/x-raw,format=NV12,width=640,height=360,framerate=30/1 "
    "! appsink name=out emit-signals=true sync=false"
)
playback = Gst.parse_launch("appsrc name=in ! clocksync ! fakesink name=shown sync=true signal-handoffs=true")


def on_shown(sink, buffer, _pad):
    late = (sink.get_clock().get_time() - capture.get_base_time() - buffer.pts) / Gst.SECOND
    print(f"frame of {buffer.pts / Gst.SECOND:.3f} s, shown after {late:.3f} s")


playback.get_by_name("shown").connect("handoff", on_shown)
manager = touchline.NVMMBufferManager(buffer_duration=delay, framerate=30)
manager.set_elements(appsrc=playback.get_by_name("in"), playback_pipeline=playback)
manager.set_emergency_shutdown_callback(lambda line: print("emergency:", line))
capture.get_by_name("out").connect("new-sample", manager.on_new_sample)
manager.start_buffer_thread()
playback.set_state(Gst.State.PLAYING)
capture.set_state(Gst.State.PLAYING)
capture.get_bus().timed_pop_filtered(round(seconds * Gst.SECOND), Gst.MessageType.ERROR)
capture.get_by_name("out").set_property("emit-signals", False)
playback.get_bus().timed_pop_filtered(round(delay * Gst.SECOND), Gst.MessageType.ERROR)
print(manager.get_stats())
manager.stop_buffer_thread()
for pipeline in (capture, playback):
    pipeline.set_state(Gst.State.NULL)
