"""The element ``touchlinedelay``: delays any stream by holding its buffers, for use in any pipeline.

::

    gst-launch-1.0 videotestsrc is-live=true ! tee name=t \\
        t. ! queue ! autovideosink    t. ! queue ! touchlinedelay delay=7000000000 ! autovideosink

Every buffer and every serialized event leaves ``delay`` after its running time, in order, with its PTS unchanged.
The delay is an offset on the way, not latency: sinks behind the element know that everything is later, and those of
other branches are not slowed down. It never gives more than it was planned for: what does not fit is refused before the
first frame, and a source that runs ahead of the clock has to wait.
"""

from __future__ import annotations

import ctypes
import weakref
from typing import Any

from touchline.delay.element_core import Core, Wanted
from touchline.errors import ConfigurationError, PlanError, TouchlineError
from touchline.gst.depth import AllocationAnswer
from touchline.gst.elements import make
from touchline.gst.library import MILLISECOND, SECOND, GLib, GObject, Gst

NAME = "touchlinedelay"
_LEAD_NS = 750 * MILLISECOND
_QUEUED_NS = _LEAD_NS + 100 * MILLISECOND
_MOST = 2**63 - 1
_READWRITE = GObject.ParamFlags.READWRITE
_EARLY = Gst.PARAM_MUTABLE_READY


def _template(name: str, direction: Any) -> Any:
    return Gst.PadTemplate.new(name, direction, Gst.PadPresence.ALWAYS, Gst.Caps.new_any())


def _number(blurb: str, default: int, flags: Any) -> tuple[Any, ...]:
    return (GObject.TYPE_UINT64, blurb, blurb, 0, _MOST, default, _READWRITE | flags)


class _Inside(Gst.Element):  # type: ignore[misc]
    """Has the two pads that the core works on."""

    __gtype_name__ = "TouchlineDelayInside"


class TouchlineDelay(Gst.Bin):  # type: ignore[misc]
    """A bin: core -> queue -> clocksync.

    Properties:
        delay: ns, 7 s by default. May be changed while playing, up to ``max-delay``, and holds from the next frame on:
            a longer one leaves a gap, a shorter one leaves frames out.
        max-delay: ns, the longest delay that memory is planned for; 0: as long as ``delay``. Before the start.
        hold: ``reference`` (default), ``copy``, ``encoded`` (NV12 in plain memory) or ``auto``: references, and copies
            once a producer proves to write over what is held. Sound is always held by reference. Before the start.
        memory-limit: bytes that the window may take; 0: what is free. Before the start.
        stats: a structure: ``delay``, ``frames-received``, ``frames-sent``, ``frames-held``, ``bytes-held``,
            ``frames-planned``, ``bytes-planned``, ``frames-dropped``, ``frames-copied``.
    """

    __gtype_name__ = "TouchlineDelay"
    __gstmetadata__ = (
        "Touchline delay",
        "Generic",
        "Delays a stream by holding its buffers, without copying and without latency",
        "Touchline",
    )
    __gproperties__ = {  # noqa: RUF012 - GObject's own way
        "delay": _number("Delay of everything, in ns", 7 * SECOND, Gst.PARAM_MUTABLE_PLAYING),
        "max-delay": _number("Longest delay that memory is planned for, in ns; 0: the delay", 0, _EARLY),
        "hold": (str, "Hold", "reference, copy, encoded or auto", "reference", _READWRITE | _EARLY),
        "memory-limit": _number("Bytes that the window may take; 0: what is free", 0, _EARLY),
        "stats": (
            Gst.Structure,
            "Statistics",
            "What is held, and came and went",
            GObject.ParamFlags.READABLE,
        ),
    }
    __gsttemplates__ = (_template("sink", Gst.PadDirection.SINK), _template("src", Gst.PadDirection.SRC))

    def __init__(self) -> None:
        super().__init__()
        self._values: dict[str, Any] = {
            "delay": 7 * SECOND,
            "max-delay": 0,
            "hold": "reference",
            "memory-limit": 0,
        }
        sink = Gst.Pad.new("sink", Gst.PadDirection.SINK)
        source = Gst.Pad.new("src", Gst.PadDirection.SRC)
        inside = _Inside()
        inside.add_pad(sink)
        inside.add_pad(source)
        queue = make("queue", max_size_buffers=0, max_size_bytes=0, max_size_time=_QUEUED_NS)
        pace = make("clocksync")
        for element in (inside, queue, pace):
            self.add(element)
        inside.link(queue)
        queue.link(pace)
        self._sink = sink
        self._answer: AllocationAnswer | None = None
        self._queue_pad = queue.get_static_pad("sink")
        ends = (("sink", sink), ("src", pace.get_static_pad("src")))
        for name, pad in ends:
            self.add_pad(Gst.GhostPad.new_from_template(name, pad, self.get_pad_template(name)))
        # The core is referred to by a pad: it must not refer to us.
        me = weakref.ref(self)
        self._core = Core(
            sink,
            source,
            lambda: _alive(me())._wanted(),
            _LEAD_NS,
            lambda error: _post_error(me(), error),
            lambda line: _post_warning(me(), line),
            lambda frames: _alive(me())._ask_for_depth(frames),
        )
        _make_floating(self)

    def do_get_property(self, spec: Any) -> Any:
        """Called by GObject."""
        return self._stats() if spec.name == "stats" else self._values[spec.name]

    def do_set_property(self, spec: Any, value: Any) -> None:
        """Called by GObject."""
        if spec.name == "delay":
            try:
                self._core.change_delay(value)
            except PlanError:
                longest = self._wanted().longest_ns / SECOND
                _post_warning(
                    self, f"{NAME}: a delay of {value / SECOND:g} s needs a max-delay above {longest:g} s"
                )
                return
        self._values[spec.name] = value

    def _wanted(self) -> Wanted:
        values = self._values
        longest = max(values["delay"], values["max-delay"])
        return Wanted(values["delay"], longest, values["hold"], values["memory-limit"])

    def _ask_for_depth(self, frames: int) -> None:
        if self._answer is None:
            self._answer = AllocationAnswer(self._sink, frames)
        self._answer.frames = frames

    def _stats(self) -> Any:
        self._core.catch_up()
        core, line = self._core, self._core.line
        figures = {
            "delay": line.delay_ns if line else self._values["delay"],
            "frames-received": core.received,
            "frames-sent": core.sent,
            "frames-held": line.held_frames if line else 0,
            "bytes-held": line.held_bytes if line else 0,
            "frames-planned": line.plan.frames if line else 0,
            "bytes-planned": line.plan.total_bytes if line else 0,
            "frames-dropped": sum(line.dropped.values()) if line else 0,
            "frames-copied": line.copies if line else 0,
        }
        structure = Gst.Structure.new_empty("touchlinedelay-stats")
        for name, figure in figures.items():
            structure.set_value(name, GObject.Value(GObject.TYPE_UINT64, figure))
        return structure

    def do_change_state(self, transition: Any) -> Any:
        """Time goes by while playing; whatever waits is let go of before the pads are."""
        try:
            self._before(transition)
        except TouchlineError as error:
            _post_error(self, error)
            return Gst.StateChangeReturn.FAILURE
        result = Gst.Bin.do_change_state(self, transition)
        if transition == Gst.StateChange.PAUSED_TO_READY:
            self._core.stop()  # what came until the pads were let go of
        if _next(transition) == Gst.State.PLAYING and result != Gst.StateChangeReturn.FAILURE:
            self._core.timeline.run(self.get_clock(), self.get_base_time())
        return result

    def _before(self, transition: Any) -> None:
        if transition == Gst.StateChange.READY_TO_PAUSED:
            self._core.start()
        elif transition == Gst.StateChange.PLAYING_TO_PAUSED:
            self._core.timeline.halt()
        elif transition == Gst.StateChange.PAUSED_TO_READY:
            self._queue_pad.set_active(False)  # the core may be waiting for room in it
            self._core.stop()


def register(plugin: Any | None = None) -> None:
    """Makes ``touchlinedelay`` known to GStreamer in this process, for ``Gst.parse_launch`` and the like.

    Raises:
        TouchlineError: if GStreamer refuses.
    """
    if Gst.ElementFactory.find(NAME) is None and not Gst.Element.register(
        plugin, NAME, Gst.Rank.NONE, TouchlineDelay
    ):
        raise TouchlineError(f"GStreamer does not take the element {NAME}")


def _next(transition: Any) -> Any:
    return Gst.State(int(transition) & 7)


def _alive(element: TouchlineDelay | None) -> TouchlineDelay:
    if element is None:
        raise TouchlineError(f"{NAME} is gone")
    return element


def _post_error(element: Any, error: Exception) -> None:
    """An element error; those of GStreamer's resource kind say no space for a plan that does not fit."""
    if element is None:
        return
    kind, code = Gst.ResourceError.quark(), Gst.ResourceError.FAILED
    if isinstance(error, PlanError):
        code = Gst.ResourceError.NO_SPACE_LEFT
    elif isinstance(error, ConfigurationError):
        code = Gst.ResourceError.SETTINGS
    text = str(error) if isinstance(error, TouchlineError) else f"{type(error).__name__}: {error}"
    element.post_message(Gst.Message.new_error(element, GLib.Error.new_literal(kind, text, int(code)), ""))


def _post_warning(element: Any, line: str) -> None:
    if element is not None:
        warning = GLib.Error.new_literal(Gst.ResourceError.quark(), line, int(Gst.ResourceError.SETTINGS))
        element.post_message(Gst.Message.new_warning(element, warning, ""))


def _make_floating(element: Any) -> None:
    """Gives whoever made the element a floating reference, as GStreamer wants it.

    PyGObject takes it away when it makes its wrapper, and every new element would be reported as made by a faulty
    binding. An element that is never put into a bin is not let go of by this; it holds nothing.
    """
    library = ctypes.CDLL("libgobject-2.0.so.0")
    for call in ("g_object_is_floating", "g_object_ref", "g_object_force_floating"):
        getattr(library, call).argtypes = [ctypes.c_void_p]
    if not library.g_object_is_floating(hash(element)):
        library.g_object_ref(hash(element))
        library.g_object_force_floating(hash(element))
