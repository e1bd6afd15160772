"""Elements that stand in for NVIDIA's, with their names, pads, caps and properties, as far as they are used here.

Names, caps, ranges and defaults are those that ``gst-inspect-1.0`` shows with JetPack and DeepStream 6.3, and for
``nvdsstitch``, ``nvdsvirtualcam`` and ``nvtilebatcher`` those of their published sources; enumerations are numbers or
texts here. What a surface shows goes from one to the next as :mod:`surfaces` says.
"""

from __future__ import annotations

import ctypes
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from types import ModuleType
from typing import Any

import numpy as np
from surfaces import (
    MAGIC,
    NVMM,
    Block,
    Filter,
    Inside,
    Painter,
    Propertied,
    Slots,
    ToSurface,
    Turns,
    block_of,
    lies_in_nvmm,
    nvmm,
    properties,
    raw,
    read_number,
    shape_of,
    surface,
    template,
)

from touchline.delay.element import _make_floating
from touchline.gst.elements import available, make
from touchline.gst.library import SECOND, Gst

SINK, SRC = Gst.PadDirection.SINK, Gst.PadDirection.SRC
_ANY = f"{nvmm('NV12', 'RGBA', 'I420')};{raw('NV12', 'RGBA', 'I420')}"


class ArgusSource(Propertied, Gst.Element):
    """``nvarguscamerasrc``: numbered frames, live; those of ``silent`` never come.

    A sensor of ``late_s`` begins so many seconds after it was told to.
    """

    silent = range(0)
    late_s: dict[int, float] = {}  # noqa: RUF012 - by sensor-id; a test puts another in its place

    __gstmetadata__ = ("camera", "Source/Video", "for tests", "tests")
    __gsttemplates__ = (template("src", SRC, nvmm("NV12")),)
    __gproperties__ = properties(
        sensor_id=(int, 0, 0, 255),
        sensor_mode=(int, -1, -1, 255),
        num_buffers=(int, -1, -1, 2**31 - 1),
        bufapi_version=(bool, False),
        wbmode=(int, 1, 0, 9),
        tnr_mode=(int, 1, 0, 2),
        ee_mode=(int, 1, 0, 2),
        gainrange=(str, None),
        exposuretimerange=(str, None),
    )

    def __init__(self) -> None:
        Gst.Element.__init__(self)
        _make_floating(self)
        self.src = Gst.Pad.new_from_template(self.get_pad_template("src"), "src")
        self.add_pad(self.src)
        self.slots = Slots(8)
        self.thread: threading.Thread | None = None

    def do_change_state(self, transition: Any) -> Any:
        if transition == Gst.StateChange.READY_TO_PAUSED:
            self.slots.halted.clear()
        if transition == Gst.StateChange.PAUSED_TO_READY:
            self.slots.halted.set()
        done = Gst.Element.do_change_state(self, transition)
        if transition in (Gst.StateChange.READY_TO_PAUSED, Gst.StateChange.PLAYING_TO_PAUSED):
            return Gst.StateChangeReturn.NO_PREROLL
        if transition == Gst.StateChange.PAUSED_TO_PLAYING and self.thread is None:
            self.thread = threading.Thread(target=self.run, daemon=True)
            self.thread.start()
        if transition == Gst.StateChange.PAUSED_TO_READY and self.thread is not None:
            self.thread.join(10)
            self.thread = None
        return done

    def run(self) -> None:
        caps = self.src.peer_query_caps(None).intersect(self.get_pad_template("src").get_caps()).fixate()
        width, height, _ = shape_of(caps)
        fps = caps.get_structure(0).get_fraction("framerate")
        step = SECOND * fps[2] // fps[1]
        segment = Gst.Segment()
        segment.init(Gst.Format.TIME)
        for event in (
            Gst.Event.new_stream_start("csi"),
            Gst.Event.new_caps(caps),
            Gst.Event.new_segment(segment),
        ):
            self.src.push_event(event)
        self.slots.halted.wait(ArgusSource.late_s.get(self.value("sensor-id"), 0))
        # A camera does not wait for anybody: its numbers are those of the time that has passed.
        number = -(-max(0, self.get_clock().get_time() - self.get_base_time()) // step)
        count = self.value("num-buffers")
        last = number + count if count >= 0 else sys.maxsize
        while number < last and not self.slots.halted.is_set():
            left = self.get_base_time() + number * step - self.get_clock().get_time()
            if left > 0 and self.slots.halted.wait(left / SECOND):
                return
            if number % 1000 in ArgusSource.silent:
                number += 1
                continue
            memory = self.slots.acquire()
            if memory is None:
                return
            buffer = surface(memory, Block(MAGIC, number, number, width, height, b"NV12"), None)
            buffer.pts, buffer.duration = number * step, step
            if self.src.push(buffer) != Gst.FlowReturn.OK:
                return
            del buffer, memory
            number += 1
        self.src.push_event(Gst.Event.new_eos())


class UriSource(Inside, Gst.Bin):
    """``nvurisrcbin``: decodes a painted file; ``vsrc_0`` comes when it is known what is in it."""

    __gstmetadata__ = ("uri", "Source", "for tests", "tests")
    __gsttemplates__ = (
        template(
            "vsrc_%u",
            SRC,
            f"{nvmm('I420', 'NV12', 'RGBA')};{raw('I420', 'NV12', 'RGBA')}",
            Gst.PadPresence.SOMETIMES,
        ),
    )
    __gproperties__ = properties(
        uri=(str, None),
        gpu_id=("uint", 0),
        num_extra_surfaces=("uint", 1),
        rtsp_reconnect_interval=("uint", 0),
        rtsp_reconnect_attempts=(int, -1, -(2**31), 2**31 - 1),
        latency=("uint", 100),
        file_loop=(bool, False),
        drop_frame_interval=("uint", 0),
        cudadec_memtype=(int, 2, 0, 2),
    )
    plain = False  # as where no hardware decoder took the file: frames come in plain memory

    def do_change_state(self, transition: Any) -> Any:
        done = Gst.Bin.do_change_state(self, transition)
        if transition == Gst.StateChange.PAUSED_TO_READY and (pad := self.get_static_pad("vsrc_0")):
            self.remove_pad(pad)
        return done

    def do_set_property(self, spec: Any, value: Any) -> None:
        super().do_set_property(spec, value)
        if spec.name != "uri":
            return
        source, convert = make("uridecodebin", uri=value), make("videoconvert")
        caps = make("capsfilter", caps=Gst.Caps.from_string("video/x-raw,format=NV12"))
        last = make("identity") if type(self).plain else make("standin-tosurface")
        for element in (source, convert, caps, last):
            self.add(element)
        convert.link(caps)
        caps.link(last)

        def added(_source: Any, pad: Any) -> None:
            if (pad.get_current_caps() or pad.query_caps()).get_structure(0).get_name().startswith("video/"):
                pad.link(convert.get_static_pad("sink"))
                last.get_static_pad("src").add_probe(Gst.PadProbeType.EVENT_DOWNSTREAM, known)

        def known(pad: Any, info: Any) -> Any:
            if info.get_event().type == Gst.EventType.CAPS and self.get_static_pad("vsrc_0") is None:
                ghost = Gst.GhostPad.new_from_template("vsrc_0", pad, self.get_pad_template("vsrc_%u"))
                ghost.set_active(True)
                self.add_pad(ghost)
                return Gst.PadProbeReturn.OK
            return Gst.PadProbeReturn.OK

        source.connect("pad-added", added)


class Decoder(Inside, Gst.Bin):
    """``nvv4l2decoder``."""

    __gstmetadata__ = ("decoder", "Decoder", "for tests", "tests")
    __gsttemplates__ = (
        template(
            "sink", SINK, "video/x-h264,stream-format=byte-stream;video/x-h265,stream-format=byte-stream"
        ),
        template("src", SRC, nvmm("NV12")),
    )
    __gproperties__ = properties(
        num_extra_surfaces=("uint", 0, 0, 24),
        skip_frames=(int, 0, 0, 2),
        drop_frame_interval=("uint", 0, 0, 30),
        enable_max_performance=(bool, False),
        gpu_id=("uint", 0),
    )

    def __init__(self) -> None:
        super().__init__()
        inside = make(next(name for name in ("avdec_h264", "openh264dec") if available(name)))
        convert = make("videoconvert")
        caps = make("capsfilter", caps=Gst.Caps.from_string("video/x-raw,format=NV12"))
        last = make("standin-tosurface")
        for element in (inside, convert, caps, last):
            self.add(element)
        for element, behind in ((inside, convert), (convert, caps), (caps, last)):
            element.link(behind)
        self.ghost("sink", inside.get_static_pad("sink"))
        self.ghost("src", last.get_static_pad("src"))


class StreamMux(Propertied, Gst.Element):
    """``nvstreammux``: a batch of one frame from each of its request pads; its pool has four.

    With ``sync-inputs`` the frames of a batch are of one time, and one that comes alone is dropped: two live cameras
    need not begin with the same frame. Without it they are paired as they come.
    """

    __gstmetadata__ = ("mux", "Generic", "for tests", "tests")
    __gsttemplates__ = (
        template("sink_%u", SINK, nvmm("NV12", "RGBA", "I420"), Gst.PadPresence.REQUEST),
        template("src", SRC, nvmm("NV12", "RGBA", "I420")),
    )
    __gproperties__ = properties(
        batch_size=("uint", 0, 0, 1024),
        batched_push_timeout=(int, -1, -1, 2**31 - 1),
        width=("uint", 0),
        height=("uint", 0),
        live_source=(bool, False),
        sync_inputs=(bool, False),
        buffer_pool_size=("uint", 4, 4, 1024),
        enable_padding=(bool, False),
        gpu_id=("uint", 0),
        compute_hw=(int, 0, 0, 2),
        nvbuf_memory_type=(int, 0, 0, 4),
        max_latency=("uint", 0),
    )

    def __init__(self) -> None:
        Gst.Element.__init__(self)
        _make_floating(self)
        self.src = Gst.Pad.new_from_template(self.get_pad_template("src"), "src")
        self.add_pad(self.src)
        self.slots = Slots(4)
        self.changed = threading.Condition()
        self.waiting: dict[str, Any] = {}
        self.ended: set[str] = set()
        self.begun = False
        self.flow = Gst.FlowReturn.OK

    def do_request_new_pad(self, templ: Any, name: str | None, _caps: Any) -> Any:
        pad = Gst.Pad.new_from_template(templ, name)
        pad.set_chain_function_full(self._chain)
        pad.set_event_function_full(self._event)
        self.add_pad(pad)
        return pad

    def do_change_state(self, transition: Any) -> Any:
        if transition == Gst.StateChange.READY_TO_PAUSED:
            self.slots.halted.clear()
            self.waiting, self.ended, self.begun, self.flow = {}, set(), False, Gst.FlowReturn.OK
        if transition == Gst.StateChange.PAUSED_TO_READY:
            self.slots.halted.set()
            with self.changed:
                self.changed.notify_all()
        return Gst.Element.do_change_state(self, transition)

    def _event(self, pad: Any, _parent: Any, event: Any) -> bool:
        if event.type == Gst.EventType.CAPS:
            with self.changed:
                self.format = shape_of(event.parse_caps())[2]
                self.rate = event.parse_caps().get_structure(0).get_fraction("framerate")[1:]
                assert self.value("width"), "nvstreammux: width MUST be set"
        elif event.type == Gst.EventType.EOS:
            name = pad.get_name()
            with self.changed:  # what it gave last may still find its partner
                self.changed.wait_for(
                    lambda: name not in self.waiting or self.slots.halted.is_set() or self.ended
                )
                self.ended.add(name)
                self.changed.notify_all()
                last = len(self.ended) == 1  # no whole batch can come any more
            if last:
                self.src.push_event(event)
        return True

    def _begin(self) -> None:
        caps = Gst.Caps.from_string(
            f"video/x-raw({NVMM}),format={self.format},width={self.value('width')},height={self.value('height')},"
            f"framerate={self.rate[0]}/{self.rate[1]},batch-size={self.value('batch-size')}"
        )
        segment = Gst.Segment()
        segment.init(Gst.Format.TIME)
        for event in (
            Gst.Event.new_stream_start("mux"),
            Gst.Event.new_caps(caps),
            Gst.Event.new_segment(segment),
        ):
            self.src.push_event(event)
        self.begun = True

    def _chain(self, pad: Any, _parent: Any, buffer: Any) -> Any:
        name = pad.get_name()
        with self.changed:
            self.changed.wait_for(
                lambda: name not in self.waiting or self.slots.halted.is_set() or self.ended
            )
            if self.slots.halted.is_set():
                return Gst.FlowReturn.FLUSHING
            if self.ended:
                return Gst.FlowReturn.EOS
            self.waiting[name] = buffer
            del buffer
            if len(self.waiting) < self.value("batch-size"):
                return self.flow
            left, right = self.waiting["sink_0"], self.waiting["sink_1"]
            if self.value("sync-inputs") and left.pts != right.pts:
                del self.waiting["sink_0" if left.pts < right.pts else "sink_1"], left, right
                self.changed.notify_all()
                return self.flow
            if not self.begun:
                self._begin()
            one, other = block_of(left), block_of(right)
            memory = self.slots.acquire()
            if memory is None:
                return Gst.FlowReturn.FLUSHING
            batch = surface(
                memory, Block(MAGIC, one.left, other.left, one.width, one.height, self.format.encode()), left
            )
            self.waiting = {}
            del left, right, memory
            self.flow = self.src.push(batch)
            self.changed.notify_all()
            return self.flow


class Stitcher(Filter, Gst.Element):
    """``nvdsstitch``: eight surfaces in turn, whoever holds them."""

    __gstmetadata__ = ("stitcher", "Video/Filter", "for tests", "tests")
    __gsttemplates__ = (template("sink", SINK, nvmm("RGBA")), template("src", SRC, nvmm("RGBA")))
    __gproperties__ = properties(
        left_source_id=("uint", 0),
        right_source_id=("uint", 1),
        gpu_id=("uint", 0),
        panorama_width=("uint", 0, 0, 10000),
        panorama_height=("uint", 0, 0, 10000),
    )

    def __init__(self) -> None:
        super().__init__()
        self.slots = Turns(8)

    def out_caps(self, caps: Any) -> Any:
        made = Gst.Caps.from_string(caps.to_string())
        made.set_value("width", self.value("panorama-width"))
        made.set_value("height", self.value("panorama-height"))
        return made

    def work(self, buffer: Any) -> Any:
        block = block_of(buffer)
        assert block.left == block.right, "the batch joins frames of different times"
        block.width, block.height = self.value("panorama-width"), self.value("panorama-height")
        return surface(self.slots.acquire(), block, buffer)


class Converter(Filter, Gst.Element):
    """``nvvideoconvert``: an honest pool of ``output-buffers``, between NVMM and plain memory and within NVMM."""

    __gstmetadata__ = ("converter", "Filter/Converter/Video", "for tests", "tests")
    __gsttemplates__ = (template("sink", SINK, _ANY), template("src", SRC, _ANY))
    __gproperties__ = properties(
        output_buffers=("uint", 4, 1, 2**31 - 1),
        compute_hw=(int, 0, 0, 2),
        nvbuf_memory_type=(int, 0, 0, 4),
        interpolation_method=(int, 0, 0, 6),
        flip_method=(int, 0, 0, 7),
        src_crop=(str, None),
        dest_crop=(str, None),
        gpu_id=("uint", 0),
        copy_hw=(int, 0, 0, 2),
    )
    all: list[Any] = []  # noqa: RUF012 - of this process

    def __init__(self) -> None:
        super().__init__()
        self.painter: Painter | None = None
        Converter.all.append(self)

    def out_caps(self, caps: Any) -> Any:
        width, height, _ = shape_of(caps)
        rate = caps.get_structure(0).get_fraction("framerate")
        allowed = self.src.peer_query_caps(None).intersect(self.get_pad_template("src").get_caps())
        wanted = Gst.Caps.new_empty()
        for place in range(allowed.get_size()):  # its size and rate, if those behind leave that open
            one = (
                Gst.Caps.from_string(allowed.to_string())
                if allowed.get_size() == 1
                else allowed.copy_nth(place)
            )
            for name, value in (("width", width), ("height", height)):
                if not one.get_structure(0).get_int(name)[0]:
                    one.set_value(name, value)
            if rate[0]:
                one.set_value("framerate", Gst.Fraction(rate[1], rate[2]))
            wanted.append(one)
        if wanted.is_empty():
            return None
        made = wanted.fixate()
        self.painter = None if lies_in_nvmm(made) else Painter(made)
        self.slots = Slots(self.value("output-buffers"))
        return made

    def work(self, buffer: Any) -> Any:
        width, height, format = shape_of(self.made)
        if lies_in_nvmm(self.given):
            block = block_of(buffer)
            assert block.format.decode() == shape_of(self.given)[2], "caps and surface disagree"
        else:
            number = read_number(buffer, self.given)
            block = Block(MAGIC, number, number)
        block.width, block.height, block.format = width, height, format.encode()
        if self.painter is not None:
            return self.painter.paint(block, buffer)
        memory = self.slots.acquire()
        return None if memory is None else surface(memory, block, buffer)


class Camera(Filter):
    """Burns the view that it has when a frame comes into the frame."""

    angles: tuple[str, str, str]
    size: Callable[[], tuple[int, int]]  # of its pictures
    shown: list[tuple[int, int, float, float, float]] = []  # noqa: RUF012 - PTS, number and view, of this process

    def __init__(self) -> None:
        super().__init__()
        self.slots = Turns(8)

    def out_caps(self, caps: Any) -> Any:
        made = Gst.Caps.from_string(caps.to_string())
        made.set_value("width", self.size()[0])
        made.set_value("height", self.size()[1])
        return made

    def work(self, buffer: Any) -> Any:
        block = block_of(buffer)
        block.yaw, block.pitch, block.fov = (self.value(name) for name in type(self).angles)
        block.width, block.height = self.size()
        Camera.shown.append((buffer.pts, block.left, block.yaw, block.pitch, block.fov))
        return surface(self.slots.acquire(), block, buffer)


class VirtualCamera(Camera, Gst.Element):
    """``nvdsvirtualcam``."""

    __gstmetadata__ = ("camera", "Video/Filter", "for tests", "tests")
    __gsttemplates__ = (template("sink", SINK, nvmm("RGBA")), template("src", SRC, nvmm("RGBA")))
    __gproperties__ = properties(
        yaw=(float, 0.0, -90.0, 90.0),
        pitch=(float, 0.0, -27.0, 27.0),
        roll=(float, 0.0, -28.0, 28.0),
        fov=(float, 68.0, 55.0, 68.0),
        gpu_id=("uint", 0, 0, 7),
        output_width=("uint", 1920, 320, 3840),
        output_height=("uint", 1080, 240, 2160),
        panorama_width=("uint", 0, 0, 10000),
        panorama_height=("uint", 0, 0, 10000),
        auto_follow=(bool, True),
        smooth_factor=(float, 0.15, 0.0, 1.0),
    )
    angles = ("yaw", "pitch", "fov")

    def size(self) -> tuple[int, int]:
        return self.value("output-width"), self.value("output-height")

    def out_caps(self, caps: Any) -> Any:
        assert shape_of(caps)[:2] == (self.value("panorama-width"), self.value("panorama-height"))
        assert not self.value("auto-follow"), "it would turn the camera itself"
        return super().out_caps(caps)


class OtherCamera(Camera, Gst.Element):
    """Somebody's own: takes NV12, and calls everything by other names."""

    __gstmetadata__ = ("camera", "Video/Filter", "for tests", "tests")
    __gsttemplates__ = (template("sink", SINK, nvmm("NV12")), template("src", SRC, nvmm("NV12")))
    __gproperties__ = properties(
        pan=(float, 0.0, -180.0, 180.0),
        tilt=(float, 0.0, -90.0, 90.0),
        zoom=(int, 500, 10, 1500),
        preset=(str, None),
    )
    angles = ("pan", "tilt", "zoom")

    def size(self) -> tuple[int, int]:
        return 640, 360


class Overlay(Filter, Gst.Element):
    """``nvdsosd``."""

    __gstmetadata__ = ("osd", "Filter", "for tests", "tests")
    __gsttemplates__ = (template("sink", SINK, nvmm("RGBA")), template("src", SRC, nvmm("RGBA")))
    __gproperties__ = properties(
        process_mode=(int, 1, 0, 2),
        display_text=(bool, True),
        display_clock=(bool, False),
        gpu_id=("uint", 0),
    )
    seen = 0

    def work(self, buffer: Any) -> Any:
        Overlay.seen += 1
        return buffer


class TileBatcher(Filter, Gst.Element):
    """``nvtilebatcher``: a batch of six tiles of 1024x1024."""

    __gstmetadata__ = ("tiles", "Filter/Video", "for tests", "tests")
    __gsttemplates__ = (template("sink", SINK, nvmm("RGBA")), template("src", SRC, nvmm("RGBA")))
    __gproperties__ = properties(
        gpu_id=("uint", 0, 0, 7),
        silent=(bool, False),
        panorama_width=("uint", 0, 0, 10000),
        panorama_height=("uint", 0, 0, 3000),
        tile_offset_y=("uint", 434, 0, 3000),
    )

    def __init__(self) -> None:
        super().__init__()
        self.slots = Slots(4)

    def out_caps(self, caps: Any) -> Any:
        assert shape_of(caps)[:2] == (self.value("panorama-width"), self.value("panorama-height"))
        made = Gst.Caps.from_string(caps.to_string())
        made.set_value("width", 1024)
        made.set_value("height", 1024)
        return made

    def work(self, buffer: Any) -> Any:
        block = block_of(buffer)
        block.tiles = 6
        memory = self.slots.acquire()
        return None if memory is None else surface(memory, block, buffer)


class Infer(Filter, Gst.Element):
    """``nvinfer``: finds in each tile one object whose place tells the frame's number."""

    __gstmetadata__ = ("infer", "NvInfer Plugin", "for tests", "tests")
    __gsttemplates__ = (
        template("sink", SINK, nvmm("NV12", "RGBA")),
        template("src", SRC, nvmm("NV12", "RGBA")),
    )
    __gproperties__ = properties(
        config_file_path=(str, ""),
        batch_size=("uint", 1, 1, 1024),
        unique_id=("uint", 15),
        interval=("uint", 0),
        process_mode=(int, 1, 1, 2),
        output_tensor_meta=(bool, False),
        gpu_id=("uint", 0),
        model_engine_file=(str, ""),
    )
    tensors: dict[int, list[np.ndarray]] = {}  # noqa: RUF012 - by PTS: what hangs on a buffer

    def work(self, buffer: Any) -> Any:
        block = block_of(buffer)
        if self.value("output-tensor-meta"):
            assert block.tiles == self.value("batch-size")
            Infer.tensors[buffer.pts] = [output_for(block.left, tile) for tile in range(block.tiles)]
        return buffer


def output_for(number: int, tile: int) -> np.ndarray:
    """As YOLOv8 has it: 4 + 2 classes, 10 boxes; one of them is sure, and only in tile 2."""
    rows = np.zeros((6, 10), np.float32)
    rows[:, 3] = 100 + number, 200, 40, 80, 0.1, 0.9 if tile == 2 else 0.2
    return rows


_RATES = properties(
    bitrate=("uint", 4_000_000),
    peak_bitrate=("uint", 0),
    control_rate=(str, "constant_bitrate"),
    iframeinterval=("uint", 30),
    idrinterval=("uint", 256),
    num_B_Frames=("uint", 0, 0, 2),
    num_Ref_Frames=("uint", 1, 0, 8),
    insert_sps_pps=(bool, False),
    insert_vui=(bool, False),
    insert_aud=(bool, False),
    maxperf_enable=(bool, False),
    preset_level=(int, 1, 0, 4),
    profile=(str, "Baseline"),
    vbv_size=("uint", 4_000_000),
    ratecontrol_enable=(bool, True),
)
_FAST = {"speed_preset": "ultrafast", "tune": "zerolatency", "key_int_max": 15}


class Encoder(Inside):
    """Really encodes what the surfaces show."""

    inside: str
    last: Any = None  # of this process

    def __init__(self) -> None:
        super().__init__()
        caps = make("capsfilter", caps=self.get_pad_template("src").get_caps())
        elements = [make("standin-topicture"), make("videoconvert"), make(type(self).inside, **_FAST), caps]
        for element in elements:
            self.add(element)
        for element, behind in pairwise(elements):
            element.link(behind)
        self.ghost("sink", elements[0].get_static_pad("sink"))
        self.ghost("src", elements[-1].get_static_pad("src"))
        Encoder.last = self


class H264Encoder(Encoder, Gst.Bin):
    """``nvv4l2h264enc``."""

    __gstmetadata__ = ("encoder", "Codec/Encoder/Video", "for tests", "tests")
    __gsttemplates__ = (
        template("sink", SINK, nvmm("I420", "NV12", "P010_10LE", "NV24")),
        template("src", SRC, "video/x-h264,stream-format=byte-stream,alignment=au"),
    )
    __gproperties__ = _RATES
    inside = "x264enc"


class H265Encoder(Encoder, Gst.Bin):
    """``nvv4l2h265enc``."""

    __gstmetadata__ = ("encoder", "Codec/Encoder/Video", "for tests", "tests")
    __gsttemplates__ = (
        template("sink", SINK, nvmm("I420", "NV12", "P010_10LE", "NV24")),
        template("src", SRC, "video/x-h265,stream-format=byte-stream,alignment=au"),
    )
    __gproperties__ = _RATES
    inside = "x265enc"


class ToPicture(Filter, Gst.Element):
    """Inside the encoders: paints what a surface shows."""

    __gstmetadata__ = ("to pictures", "Filter", "for tests", "tests")
    __gsttemplates__ = (template("sink", SINK, nvmm("NV12")), template("src", SRC, raw("NV12")))

    def out_caps(self, caps: Any) -> Any:
        made = Gst.Caps.from_string(
            caps.to_string().replace(f"({NVMM})", "").replace(", batch-size=(int)2", "")
        )
        self.painter = Painter(made, 120)
        return made

    def work(self, buffer: Any) -> Any:
        return self.painter.paint(block_of(buffer), buffer)


ELEMENTS = {
    "nvarguscamerasrc": ArgusSource,
    "nvurisrcbin": UriSource,
    "nvv4l2decoder": Decoder,
    "nvstreammux": StreamMux,
    "nvdsstitch": Stitcher,
    "nvvideoconvert": Converter,
    "nvdsvirtualcam": VirtualCamera,
    "somebodyscamera": OtherCamera,
    "nvdsosd": Overlay,
    "nvtilebatcher": TileBatcher,
    "nvinfer": Infer,
    "nvv4l2h264enc": H264Encoder,
    "nvv4l2h265enc": H265Encoder,
    "standin-tosurface": ToSurface,
    "standin-topicture": ToPicture,
}


@contextmanager
def installed(*left_out: str) -> Iterator[None]:
    """While this lasts GStreamer has the elements, but for those that are left out."""
    registry = Gst.Registry.get()
    for name, kind in ELEMENTS.items():
        if name not in left_out:
            Gst.Element.register(None, name, Gst.Rank.NONE, kind.__gtype__)
    try:
        yield
    finally:
        for name in ELEMENTS:
            factory = Gst.ElementFactory.find(name)
            if factory is not None:
                registry.remove_feature(factory)


class _Node:
    """An item of a list as pyds gives it: its end is a StopIteration."""

    def __init__(self, items: list[Any]) -> None:
        self.data, self._rest = items[0], items[1:]

    @property
    def next(self) -> Any:
        if not self._rest:
            raise StopIteration
        return _Node(self._rest)


class _Thing:
    def __init__(self, **values: Any) -> None:
        self.__dict__.update(values)


class _Cast:
    @staticmethod
    def cast(thing: Any) -> Any:
        return thing


def make_pyds() -> ModuleType:
    """A module with those of pyds' names that are used, over what :class:`Infer` found."""
    pyds = ModuleType("pyds")
    kept: dict[int, np.ndarray] = {}

    def batch_of(buffer: int) -> Any:
        pts = ctypes.c_uint64.from_address(buffer + 72).value
        outputs = Infer.tensors.pop(pts, None)
        if outputs is None:
            return None
        frames = []
        for output in outputs:
            kept[output.ctypes.data] = output
            dims = _Thing(numDims=2, d=[*output.shape, 0, 0, 0, 0, 0, 0])
            layer = _Thing(layerName="output0", dataType=0, inferDims=dims, buffer=output.ctypes.data)
            meta = _Thing(num_output_layers=1, layers=[layer], unique_id=15)
            other = _Thing(base_meta=_Thing(meta_type="other"), user_meta_data=None)
            tensor = _Thing(base_meta=_Thing(meta_type="tensor"), user_meta_data=meta)
            frames.append(_Thing(frame_user_meta_list=_Node([other, tensor]), buf_pts=pts))
        return _Thing(frame_meta_list=_Node(frames))

    pyds.gst_buffer_get_nvds_batch_meta = batch_of
    pyds.NvDsFrameMeta = pyds.NvDsUserMeta = pyds.NvDsInferTensorMeta = _Cast
    pyds.NvDsMetaType = _Thing(NVDSINFER_TENSOR_OUTPUT_META="tensor")
    pyds.get_nvds_LayerInfo = lambda meta, place: meta.layers[place]
    pyds.get_ptr = lambda address: address
    return pyds
