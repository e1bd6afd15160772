"""How many buffers are alive, as GStreamer's own leaks tracer counts them."""

from __future__ import annotations

import ctypes
import gc
import os
import sys
import time
from typing import Any

_SETTING = "leaks(filters=GstBuffer)"
_TRACER = "GstLeaksTracer"
_PATIENCE_S = 2.0


def count_buffers() -> None:
    """Has the leaks tracer count buffers, unless others were asked for. Too late, and nothing, once GStreamer runs."""
    if "gi.repository.Gst" not in sys.modules:
        os.environ.setdefault("GST_TRACERS", _SETTING)


def buffers_alive() -> int | None:
    """GstBuffers that are alive now; None if the leaks tracer does not run in this process, or can't be asked."""
    from touchline.gst.library import Gst

    if not hasattr(Gst, "tracing_get_active_tracers"):
        return None
    tracers = [each for each in Gst.tracing_get_active_tracers() if type(each).__name__ == _TRACER]
    if not tracers:
        return None
    until = time.monotonic() + _PATIENCE_S
    while True:
        gc.collect()
        alive = _ask(tracers[0])
        # Threads of GStreamer that are ending may hold one a moment longer.
        if not alive or time.monotonic() > until:
            return alive
        time.sleep(0.05)


def _ask(tracer: Any) -> int:
    found = tracer.emit("get-live-objects")
    # GStreamer 1.22 puts the objects in without a reference of their own: whoever frees this frees them.
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(found))
    return len(found.get_value("live-objects-list"))
