"""What stands for NVIDIA's surfaces in tests: a block of 64 bytes, as large as a description, that says what is shown.

The picture "in" a surface is its number, or those of both cameras, and the view that it was rendered with; elements
that bring it into plain memory paint it, and those that take it from there read it off.
"""

from __future__ import annotations

import ctypes
import threading
from fractions import Fraction
from typing import Any

from footage import number_of, paint
from touchline.delay.element import _make_floating
from touchline.gst.caps import PlaneLayout, VideoCaps
from touchline.gst.library import GLib, GObject, Gst
from touchline.gst.mapping import address, read_nv12, write_nv12
from touchline.gst.pools import FramePool

NVMM = "memory:NVMM"
MAGIC = 0x5EAF


class Block(ctypes.Structure):
    """The opaque block."""

    _fields_ = (
        ("magic", ctypes.c_uint32),
        ("left", ctypes.c_int32),
        ("right", ctypes.c_int32),
        ("width", ctypes.c_uint32),
        ("height", ctypes.c_uint32),
        ("format", ctypes.c_char * 8),
        ("yaw", ctypes.c_float),
        ("pitch", ctypes.c_float),
        ("fov", ctypes.c_float),
        ("tiles", ctypes.c_uint32),
        ("pad", ctypes.c_uint32 * 4),
    )


def block_of(buffer: Any) -> Block:
    """What a buffer's surface shows now."""
    block = Block.from_buffer_copy(ctypes.string_at(address(buffer), ctypes.sizeof(Block)))
    assert block.magic == MAGIC, "a frame that is called NVMM holds no surface"
    return block


class Slots:
    """An honest pool: a surface comes again when nobody refers to it, and who finds none waits."""

    def __init__(self, count: int) -> None:
        self.memories = [
            Gst.Allocator.find(None).alloc(ctypes.sizeof(Block), Gst.AllocationParams()) for _ in range(count)
        ]
        self.halted = threading.Event()
        self.waited = 0
        self._next = 0

    def acquire(self) -> Any | None:
        while not self.halted.is_set():
            for step in range(len(self.memories)):
                place = (self._next + step) % len(self.memories)
                if ctypes.c_int32.from_address(hash(self.memories[place]) + 8).value == 1:
                    self._next = place + 1
                    return self.memories[place]
            self.waited += 1
            self.halted.wait(0.002)
        return None


class Turns(Slots):
    """A dishonest one, of which no window can be held: its surfaces in turn, whoever holds them."""

    def acquire(self) -> Any:
        self._next += 1
        return self.memories[self._next % len(self.memories)]


def surface(memory: Any, block: Block, like: Any) -> Any:
    """A buffer over a surface, written in place, with the times of another one."""
    buffer = Gst.Buffer.new()
    buffer.append_memory(memory)
    ctypes.memmove(address(buffer), ctypes.byref(block), ctypes.sizeof(Block))
    if like is not None:
        buffer.pts, buffer.duration = like.pts, like.duration
        if like.has_flags(Gst.BufferFlags.DROPPABLE):
            buffer.set_flags(Gst.BufferFlags.DROPPABLE)
    return buffer


def shape_of(caps: Any) -> tuple[int, int, str]:
    fields = caps.get_structure(0)
    return fields.get_int("width")[1], fields.get_int("height")[1], fields.get_string("format")


def lies_in_nvmm(caps: Any) -> bool:
    return bool(caps.get_features(0).contains(NVMM))


def read_number(buffer: Any, caps: Any) -> int:
    """Reads a painted picture in plain memory."""
    with read_nv12(buffer, PlaneLayout.from_caps(caps)) as picture:
        return number_of(picture.y)


class Painter:
    """Paints numbers into pictures in plain memory."""

    def __init__(self, caps: Any, frames: int = 40) -> None:
        width, height, _ = shape_of(caps)
        self.pool = FramePool(VideoCaps(width, height, Fraction(30)), frames)
        self.pool.start()

    def paint(self, block: Block, like: Any) -> Any:
        buffer = self.pool.acquire(wait=True)
        if buffer is not None:
            with write_nv12(buffer, self.pool.layout) as picture:
                paint(picture, block.left)
            buffer.pts, buffer.duration = like.pts, like.duration
        return buffer


def properties(**given: tuple[type, Any]) -> dict[str, tuple[Any, ...]]:
    """A table of GObject properties: name (``_`` for ``-``) = (type, default) or (type, default, least, most)."""
    found = {}
    for name, (kind, default, *limits) in given.items():
        name = name.replace("_", "-")
        if kind in (bool, str):
            found[name] = (kind, name, name, default, GObject.ParamFlags.READWRITE)
        else:
            least, most = limits or (0, 2**31 - 1)
            code = {int: GObject.TYPE_INT, float: GObject.TYPE_FLOAT, "uint": GObject.TYPE_UINT}[kind]
            found[name] = (code, name, name, least, most, default, GObject.ParamFlags.READWRITE)
    return found


class Propertied:
    """Keeps the values of a table of properties."""

    def do_get_property(self, spec: Any) -> Any:
        default = spec.default_value
        return self.__dict__.setdefault("values", {}).get(spec.name, default)

    def do_set_property(self, spec: Any, value: Any) -> None:
        self.__dict__.setdefault("values", {})[spec.name] = value

    def value(self, name: str) -> Any:
        return self.get_property(name)


def template(name: str, direction: Any, caps: str, presence: Any = Gst.PadPresence.ALWAYS) -> Any:
    return Gst.PadTemplate.new(name, direction, presence, Gst.Caps.from_string(caps))


def nvmm(*formats: str) -> str:
    return f"video/x-raw({NVMM}),format={{{','.join(formats)}}}"


def raw(*formats: str) -> str:
    return f"video/x-raw,format={{{','.join(formats)}}}"


class Filter(Propertied):
    """One buffer in, one out, in the thread that it comes in; mixed into a Gst.Element.

    Not one itself: PyGObject runs ``__init__`` for the first class of its own in a row of them.
    """

    def __init_subclass__(cls) -> None:
        if issubclass(cls, Gst.Element):  # where PyGObject looks for it
            cls.do_change_state = Filter.change_state

    def __init__(self) -> None:
        Gst.Element.__init__(self)
        _make_floating(self)
        self.sink = Gst.Pad.new_from_template(self.get_pad_template("sink"), "sink")
        self.src = Gst.Pad.new_from_template(self.get_pad_template("src"), "src")
        self.sink.set_chain_function_full(self._chain)
        self.sink.set_event_function_full(self._event)
        self.add_pad(self.sink)
        self.add_pad(self.src)
        self.given: Any = None
        self.made: Any = None
        self.slots = Slots(0)
        self.work_with: Any = None

    def out_caps(self, caps: Any) -> Any:
        """What is made of frames of these caps; a Gst.Caps, or None if that can't be."""
        return caps

    def work(self, buffer: Any) -> Any:
        return buffer

    def _event(self, _pad: Any, _parent: Any, event: Any) -> bool:
        if event.type != Gst.EventType.CAPS:
            return self.src.push_event(event)
        self.given = event.parse_caps()
        self.made = self.out_caps(self.given)
        if self.made is None or self.made.is_empty():
            return False
        return self.src.push_event(Gst.Event.new_caps(self.made))

    def _chain(self, _pad: Any, _parent: Any, buffer: Any) -> Any:
        if self.made is None:
            return Gst.FlowReturn.NOT_NEGOTIATED
        try:
            out = self.work(buffer)
        except AssertionError as error:
            # Thrown into GStreamer it would pass for OK, and no frame would ever come.
            text = GLib.Error.new_literal(Gst.StreamError.quark(), str(error), Gst.StreamError.FAILED)
            self.post_message(Gst.Message.new_error(self, text, ""))
            return Gst.FlowReturn.ERROR
        del buffer
        return Gst.FlowReturn.FLUSHING if out is None else self.src.push(out)

    def change_state(self, transition: Any) -> Any:
        if transition == Gst.StateChange.READY_TO_PAUSED:
            self.slots.halted.clear()
        if transition == Gst.StateChange.PAUSED_TO_READY:
            self.slots.halted.set()
        return Gst.Element.do_change_state(self, transition)


class Inside(Propertied):
    """An element of several others; mixed into a Gst.Bin."""

    def __init__(self) -> None:
        Gst.Bin.__init__(self)
        _make_floating(self)

    def ghost(self, name: str, pad: Any) -> Any:
        ghost = Gst.GhostPad.new_from_template(name, pad, self.get_pad_template(name))
        ghost.set_active(True)
        self.add_pad(ghost)
        return ghost


class ToSurface(Filter, Gst.Element):
    """Takes a painted picture from plain memory into a surface: what a decoder gives."""

    __gstmetadata__ = ("to surfaces", "Filter", "for tests", "tests")
    __gsttemplates__ = (
        template("sink", Gst.PadDirection.SINK, raw("NV12")),
        template("src", Gst.PadDirection.SRC, nvmm("NV12")),
    )

    def __init__(self) -> None:
        super().__init__()
        self.slots = Slots(12)

    def out_caps(self, caps: Any) -> Any:
        made = Gst.Caps.from_string(caps.to_string())
        made.set_features_simple(Gst.CapsFeatures.from_string(NVMM))
        return made

    def work(self, buffer: Any) -> Any:
        memory = self.slots.acquire()
        if memory is None:
            return None
        width, height, _ = shape_of(self.given)
        number = read_number(buffer, self.given)
        return surface(memory, Block(MAGIC, number, number, width, height, b"NV12"), buffer)
