"""One camera of the DeepStream way: from a sensor, a file or a network to frames that the batch takes."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

from touchline.capture import SourceInfo, SourceUri
from touchline.capture.uris import pattern_frames, pattern_rate, pattern_size
from touchline.deepstream.elements import build, converter, in_nvmm, joined, nvmm_caps
from touchline.deepstream.settings import DeepStreamSettings
from touchline.errors import InputError
from touchline.gst.caps import colorimetry, frame_rate
from touchline.gst.elements import make
from touchline.gst.library import GLib, Gst
from touchline.gst.pipelines import Pipeline

_QUEUED = 4  # decoded frames between a camera and the batch
_RECONNECT_S = 10  # of nvurisrcbin: without data for so long it connects again

OnInfo = Callable[[int, SourceInfo], None]


class NvmmSource:
    """Builds a camera's part of a pipeline; :attr:`exit` is linked on by the caller.

    ::

        csi://N      sensor ! caps ----------------------------+
        file, rtsp   nvurisrcbin -----------------------------+|
                     urisourcebin ! parsebin ! nvv4l2decoder -++-> [converter] ! queue
        v4l2://      v4l2src ! decodebin ---------------------+|
        test://      videotestsrc ! caps ----------------------+

    Where frames come in plain memory, or in a format that is not wanted, one converter is put in, and said.

    Args:
        pipeline: to build in.
        side, name: which camera, from the left, and its name in messages.
        uri: where frames come from.
        settings: the elements.
        format: that is wanted of the frames: "NV12" or "RGBA".
        on_info: told what comes, in GStreamer's thread, before the first frame goes on.
        on_note: told, one line at a time, what a person should know.

    Attributes:
        exit: the last element.
    """

    def __init__(
        self,
        pipeline: Pipeline,
        side: int,
        name: str,
        uri: SourceUri,
        settings: DeepStreamSettings,
        format: str,
        on_info: OnInfo,
        on_note: Callable[[str], None],
    ) -> None:
        self._pipeline = pipeline
        self._side = side
        self._name = name
        self._uri = uri
        self._settings = settings
        self._format = format
        self._on_info = on_info
        self._on_note = on_note
        self._stream: Any = None  # the pad that takes what is to be decoded, where we decode
        self._entry: Any = None  # the pad that takes the frames, once it is known what they are
        self.exit = make(
            "queue", f"{name}-queue", max_size_buffers=_QUEUED, max_size_bytes=0, max_size_time=0
        )
        pipeline.gst.add(self.exit)
        self.exit.get_static_pad("sink").add_probe(Gst.PadProbeType.EVENT_DOWNSTREAM, self._look)
        heads = {"csi": self._sensor, "test": self._test, "v4l2": self._device}
        heads.get(uri.scheme, self._decoder)()

    def _sensor(self) -> None:
        sensor = self._settings.sensor
        source = build("sensor", sensor, sensor_id=int(self._uri.target))
        caps = nvmm_caps("NV12", sensor.width, sensor.height, Fraction(sensor.fps))
        self._join(self._pipeline.add(source, make("capsfilter", caps=caps)).get_static_pad("src"), caps)

    def _test(self) -> None:
        source = make("videotestsrc", num_buffers=pattern_frames(self._uri))
        nicks = {value.value_nick for value in type(source.get_property("pattern")).__enum_values__.values()}
        if self._uri.target not in nicks:
            raise InputError(f"{self._uri.text}: unknown pattern; known are {', '.join(sorted(nicks))}")
        source.set_property("pattern", self._uri.target)
        (width, height), rate = pattern_size(self._uri), pattern_rate(self._uri)
        caps = Gst.Caps.from_string(
            f"video/x-raw,format=NV12,width={width},height={height},"
            f"framerate={rate.numerator}/{rate.denominator}"
        )
        self._join(self._pipeline.add(source, make("capsfilter", caps=caps)).get_static_pad("src"), caps)

    def _device(self) -> None:
        decoder = make("decodebin")
        self._pipeline.add(make("v4l2src", device=self._uri.target, do_timestamp=True), decoder)
        self._pipeline.connect(decoder, "pad-added", lambda _, pad: self._take(pad))

    def _decoder(self) -> None:
        decoder = self._settings.decoder
        text = Path(self._uri.target).as_uri() if self._uri.scheme == "file" else self._uri.text
        if decoder.element == "nvurisrcbin":
            source = build("decoder", decoder, uri=text, rtsp_reconnect_interval=_RECONNECT_S)
            self._pipeline.gst.add(source)
            self._pipeline.connect(source, "pad-added", lambda _, pad: self._take(pad))
            return
        source, parser = make("urisourcebin", uri=text), make("parsebin")
        element = build("decoder", decoder)
        for one in (source, parser, element):
            self._pipeline.gst.add(one)
        way_in = parser.get_static_pad("sink")
        self._pipeline.connect(source, "pad-added", lambda _, pad: way_in.is_linked() or joined(pad, way_in))
        self._pipeline.connect(parser, "pad-added", lambda _, pad: self._decode(pad, element))
        # What a decoder gives is on its template: it has no caps yet.
        self._join(element.get_static_pad("src"), element.get_static_pad("src").get_pad_template_caps())

    def _decode(self, pad: Any, decoder: Any) -> None:
        """Links the first video of a parser to the decoder, which wants H.264 and H.265 as a byte stream."""
        if not _is_video(pad):
            return
        if self._stream is None:
            self._stream = decoder.get_static_pad("sink")
            kind = pad.get_current_caps().get_structure(0).get_name().removeprefix("video/x-")
            if kind in ("h264", "h265"):
                again = make(f"{kind}parse")
                self._pipeline.gst.add(again)
                self._pipeline.link(again, decoder)
                again.sync_state_with_parent()
                self._stream = again.get_static_pad("sink")
        if not self._stream.is_linked():
            joined(pad, self._stream)

    def _take(self, pad: Any) -> None:
        """Takes the first video of a source; its pads go and come with its states."""
        if _is_video(pad) and (self._entry is None or not self._entry.is_linked()):
            self._join(pad, pad.get_current_caps() or pad.query_caps())

    def _join(self, pad: Any, caps: Any) -> None:
        """Links a pad that gives frames of these caps, through a converter if they are not what is wanted."""
        if self._entry is None:
            self._entry = self._make_entry(caps)
        if not joined(pad, self._entry):
            text = f"its frames can't be taken: {caps.to_string()[:120]}"
            error = GLib.Error.new_literal(Gst.StreamError.quark(), text, 0)
            self.exit.post_message(Gst.Message.new_error(self.exit, error, ""))

    def _make_entry(self, caps: Any) -> Any:
        wanted = nvmm_caps(self._format)
        if caps.can_intersect(wanted):
            return self.exit.get_static_pad("sink")
        between = converter(self._settings.converter, wanted)
        self._pipeline.link(self._pipeline.add(*between), self.exit)
        for element in reversed(between):
            element.sync_state_with_parent()
        place = "in another format" if in_nvmm(caps) else "in plain memory"
        self._on_note(
            f"{self._name}: its frames come {place}; "
            f"{self._settings.converter.element} makes {self._format} in NVMM memory of them"
        )
        return between[0].get_static_pad("sink")

    def _look(self, _pad: Any, info: Any) -> Any:
        """Learns what comes; called by GStreamer."""
        event = info.get_event()
        if event.type == Gst.EventType.CAPS:
            caps = event.parse_caps()
            fields = caps.get_structure(0)
            width, height = fields.get_int("width")[1], fields.get_int("height")[1]
            self._on_info(
                self._side,
                SourceInfo(width, height, frame_rate(caps), self._uri.live, 0.0, colorimetry(caps)),
            )
        return Gst.PadProbeReturn.OK


def _is_video(pad: Any) -> bool:
    caps = pad.get_current_caps() or pad.query_caps()
    if caps.is_any() or caps.is_empty():  # nvurisrcbin names its pads vsrc_0, asrc_0
        return str(pad.get_name()).startswith("vsrc")
    return str(caps.get_structure(0).get_name()).startswith(("video/", "image/"))
