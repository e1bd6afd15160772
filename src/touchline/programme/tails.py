"""What stands at the end of each kind of output: parser, muxer and sink, made from elements.

URIs and paths are set as properties, never written into the text of a pipeline.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs

from touchline.errors import OutputError
from touchline.gst.elements import available, has_property, make, set_property
from touchline.gst.library import Gst
from touchline.gst.pipelines import Pipeline
from touchline.programme.specs import OutputSpec

_FRAGMENT_MS = 1000
_SRT_LATENCY_MS = 200
_SCREENS = (
    "glimagesink",
    "waylandsink",
    "xvimagesink",
    "ximagesink",
    "nv3dsink",
    "nveglglessink",
    "kmssink",
)


def tail(spec: OutputSpec) -> list[Any]:
    """The elements of an output behind its source, to be linked in this order.

    The first takes what the source gives: access units of its codec for a record or a stream, NV12 for the others.

    Raises:
        MissingElementError: if this GStreamer lacks one of them.
        OutputError: if the place that it goes to can be seen not to exist.
    """
    return _TAILS[spec.kind](spec)


def add_sound(pipeline: Pipeline, elements: list[Any]) -> Any:
    """Gives the muxer of a record's or stream's tail, which is in the pipeline already, a second input, for AAC.

    Returns:
        the appsrc of the sound.
    """
    source = make(
        "appsrc", "sound", format="time", handle_segment_change=True, max_bytes=0, max_buffers=0, max_time=0
    )
    _, muxer, _ = elements
    pipeline.link(pipeline.add(source, make("aacparse")), muxer)
    return source


def linger_s(spec: OutputSpec) -> float:
    """Seconds that a stream has to stay open behind its end: SRT throws away what its receiver has not shown yet."""
    if spec.url.scheme.lower() != "srt":
        return 0.0
    latency = parse_qs(spec.url.query).get("latency", [""])[0]
    return (int(latency) if latency.isdigit() else _SRT_LATENCY_MS) / 1000 + 0.3


def _record(spec: OutputSpec) -> list[Any]:
    # Unbuffered: what has been muxed is in the file, whatever happens to us afterwards.
    sink = make("filesink", location=str(spec.path), buffer_mode="unbuffered", sync=False)
    return [make(f"{spec.codec}parse"), _muxer(spec.container), _eager(sink)]


def _stream(spec: OutputSpec) -> list[Any]:
    scheme = spec.url.scheme.lower()
    sink = {"rtmp": _rtmp_sink, "rtmps": _rtmp_sink, "srt": _srt_sink, "udp": _udp_sink}[scheme](spec)
    # Parameter sets before every key frame, so that a receiver may come at any time.
    parser = make(f"{spec.codec}parse", config_interval=-1)
    if spec.container == "flv":
        return [parser, make("flvmux", streamable=True), _eager(sink)]
    return [parser, make("mpegtsmux", alignment=7), _eager(sink)]


def _display(spec: OutputSpec) -> list[Any]:
    sink = make(spec.uri, sync=False) if spec.uri else _screen()
    return [make("videoconvert"), make("videoscale"), _eager(sink)]


def _screen() -> Any:
    """The first sink that can open a window here.

    Not autovideosink: without a screen it falls back to drawing letters in the terminal, or crashes.
    """
    for factory in _SCREENS:
        if available(factory):
            sink = make(factory, sync=False)
            opened = sink.set_state(Gst.State.READY) != Gst.StateChangeReturn.FAILURE
            sink.set_state(Gst.State.NULL)
            if opened:
                return sink
    raise OutputError(
        "display: no screen can be opened here; leave --display out, or set DISPLAY or WAYLAND_DISPLAY"
    )


def _webcam(spec: OutputSpec) -> list[Any]:
    """A virtual webcam, as v4l2loopback makes it. Not covered by a test: it needs that kernel module."""
    allowed = Gst.Caps.from_string("video/x-raw,format=YUY2")
    # v4l2loopback must not lend us its own few buffers: the converter would wait for them for ever.
    separate = make("identity", drop_allocation=True)
    sink = make("v4l2sink", device=spec.uri, sync=False)
    return [make("videoconvert"), make("capsfilter", caps=allowed), separate, _eager(sink)]


_TAILS: dict[str, Callable[[OutputSpec], list[Any]]] = {
    "record": _record,
    "stream": _stream,
    "display": _display,
    "webcam": _webcam,
}


def _muxer(container: str) -> Any:
    if container == "mkv":
        return make("matroskamux", min_index_interval=Gst.SECOND)
    if container == "ts":
        return make("mpegtsmux")
    muxer = make("mp4mux", fragment_duration=_FRAGMENT_MS)
    if has_property(muxer, "fragment-mode"):
        # Fragments while it is written, an ordinary file once it is finished.
        set_property(muxer, "fragment-mode", "first-moov-then-finalise")
    return muxer


def _rtmp_sink(spec: OutputSpec) -> Any:
    return make("rtmp2sink", location=spec.uri, sync=False)


def _srt_sink(spec: OutputSpec) -> Any:
    sink = make("srtsink", uri=spec.uri, sync=False, wait_for_connection=False)
    if "latency=" not in spec.url.query.lower():
        set_property(sink, "latency", _SRT_LATENCY_MS)
    if has_property(sink, "auto-reconnect"):
        # We do that, so that it is counted and begins at a key frame.
        set_property(sink, "auto-reconnect", False)
    return sink


def _udp_sink(spec: OutputSpec) -> Any:
    host, port = spec.url.hostname or "", spec.url.port or 0
    try:
        # udpsink itself says nothing at all about a host that does not exist.
        socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)
    except OSError as error:
        raise OutputError(f"{spec.label}: the host {host} can't be found ({error.strerror})") from error
    return make("udpsink", host=host, port=port, sync=False)


def _eager(sink: Any) -> Any:
    """A sink that does not wait for a first buffer to start, and keeps no last one."""
    for name, value in (("async", False), ("enable-last-sample", False), ("qos", False)):
        if has_property(sink, name):
            sink.set_property(name, value)
    return sink
