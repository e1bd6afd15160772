"""Where frames cross from one kind of memory to another: counted in the element that takes them over."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from touchline.gst.library import Gst


def watch_crossings(element: Any, count: Callable[[int], None], kind: str) -> None:
    """Has the bytes of every frame counted that changes, in an element, from or to a kind of memory.

    A frame that the element only hands on is not counted. The bytes are those of the frame on the other side of the
    bus, in plain memory. For an element that makes of each buffer one before it takes the next, as converters do.

    Args:
        element: with one sink pad and one source pad; it need not be linked yet.
        count: called with the bytes of a frame, in the thread that it passes in.
        kind: what GStreamer calls the memory: ``gst.cuda.memory``.
    """
    before = [False, 0]  # of the frame that is in the element

    def coming(_pad: Any, info: Any) -> Any:
        buffer = info.get_buffer()
        before[:] = lies_in(buffer, kind), buffer.get_size()
        return Gst.PadProbeReturn.OK

    def leaving(_pad: Any, info: Any) -> Any:
        buffer = info.get_buffer()
        after = lies_in(buffer, kind)
        if after != before[0]:
            count(before[1] if after else buffer.get_size())
        return Gst.PadProbeReturn.OK

    element.get_static_pad("sink").add_probe(Gst.PadProbeType.BUFFER, coming)
    element.get_static_pad("src").add_probe(Gst.PadProbeType.BUFFER, leaving)


def lies_in(buffer: Any, kind: str) -> bool:
    """True if the pixels of a buffer lie in this kind of memory."""
    return bool(buffer.n_memory()) and bool(buffer.peek_memory(0).is_type(kind))
