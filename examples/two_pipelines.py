"""Two plain GStreamer pipelines and the buffer manager between them: the second shows what the first saw, later.

python examples/two_pipelines.py [--delay 2] [--seconds 5] [--display]
"""

import argparse

import gi

gi.require_version("Gst", "1.0")
from gi.repository import Gst  # noqa: E402

import touchline  # noqa: E402

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--delay", type=float, default=2.0, help="seconds")
parser.add_argument("--seconds", type=float, default=5.0, help="how long to capture")
parser.add_argument("--display", action="store_true", help="show it on the screen")
options = parser.parse_args()

Gst.init(None)
source = (
    "videotestsrc is-live=true pattern=ball ! video/x-raw,format=NV12,width=640,height=360,framerate=30/1"
)
capture = Gst.parse_launch(f"{source} ! appsink name=out emit-signals=true sync=false")
show = (
    "videoconvert ! autovideosink"
    if options.display
    else "fakesink name=shown sync=true signal-handoffs=true"
)
playback = Gst.parse_launch(f"appsrc name=in ! clocksync ! {show}")


def on_shown(sink, buffer, _pad):
    late = (sink.get_clock().get_time() - capture.get_base_time() - buffer.pts) / Gst.SECOND
    print(f"frame of {buffer.pts / Gst.SECOND:.3f} s, shown after {late:.3f} s")


if not options.display:
    playback.get_by_name("shown").connect("handoff", on_shown)
manager = touchline.NVMMBufferManager(buffer_duration=options.delay, framerate=30)
manager.set_elements(appsrc=playback.get_by_name("in"), playback_pipeline=playback)
manager.set_emergency_shutdown_callback(lambda line: print("emergency:", line))
capture.get_by_name("out").connect("new-sample", manager.on_new_sample)
manager.start_buffer_thread()

playback.set_state(Gst.State.PLAYING)
capture.set_state(Gst.State.PLAYING)
capture.get_bus().timed_pop_filtered(round(options.seconds * Gst.SECOND), Gst.MessageType.ERROR)
capture.get_by_name("out").set_property("emit-signals", False)
playback.get_bus().timed_pop_filtered(round(options.delay * Gst.SECOND), Gst.MessageType.ERROR)
print(manager.get_stats())
manager.stop_buffer_thread()
for pipeline in (capture, playback):
    pipeline.set_state(Gst.State.NULL)
