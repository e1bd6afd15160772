"""What pad probes in machine code are made of, written once: they never wait for Python's interpreter lock.

A probe is a C callback, compiled by numba, with an array of 64-bit words as its state. It may call C functions and
load words out of GStreamer's structures; whoever owns the state reads it from Python when he likes.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from llvmlite import ir
from numba import cfunc, types
from numba.extending import intrinsic
from numpy.typing import NDArray

from touchline.errors import TouchlineError
from touchline.gst.library import Gst, native

# GstPadProbeInfo: type, id, data: the buffer is its third word. GstBuffer: a GstMiniObject of 64 bytes with the flags
# at byte 16, the pool, then the PTS. Both are part of GStreamer 1.x's ABI on 64-bit platforms; `check_layout` asks.
DATA_WORD = 2
FLAGS_BYTE = 16
PTS_BYTE = 72
PASS = 1  # GST_PAD_PROBE_OK
WORDS = types.CPointer(types.uint64)
_KEPT = "touchline_kept"


@intrinsic
def load(_typing: Any, _address: Any) -> Any:
    """The 64-bit word at an address."""

    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.load(builder.inttoptr(arguments[0], ir.IntType(64).as_pointer()))

    return types.uint64(types.uint64), generate


@intrinsic
def add_to(_typing: Any, _address: Any, _amount: Any) -> Any:
    """Adds to the 64-bit word at an address, at once: several threads lose nothing. Returns what was there before."""

    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        word = builder.inttoptr(arguments[0], ir.IntType(64).as_pointer())
        return builder.atomic_rmw("add", word, arguments[1], "monotonic")

    return types.uint64(types.uint64, types.uint64), generate


def c_function(library: ctypes.CDLL, name: str, result: Any, *arguments: Any) -> Any:
    """A C function, in a form of its own: others may have declared the same one otherwise."""
    return ctypes.CFUNCTYPE(result, *arguments)((name, library))


def compile_probe(function: Callable[..., Any]) -> Any:
    """A function of pad, info and state (both arrays of 64-bit words) as a GstPadProbeCallback. Takes a while."""
    return cfunc(types.int32(types.voidptr, WORDS, WORDS))(function)


@cache
def check_layout() -> None:
    """Reads a timestamp and a flag where we believe them to be. Raises TouchlineError if this platform differs."""
    buffer, pts = Gst.Buffer.new(), 0x123456789ABCDEF
    buffer.pts = pts
    buffer.set_flags(Gst.BufferFlags.DISCONT)
    flags = ctypes.c_uint32.from_address(hash(buffer) + FLAGS_BYTE).value
    if ctypes.c_uint64.from_address(hash(buffer) + PTS_BYTE).value != pts or not (
        flags & int(Gst.BufferFlags.DISCONT)
    ):
        raise TouchlineError(
            "this GStreamer lays out its buffers in an unknown way; please report its version"
        )


def add_probe(pad: Any, callback: Any, state: NDArray[np.uint64], *used: Any) -> int:
    """Has every buffer that passes a pad shown to a compiled probe.

    The state, and what it refers to, live as long as the pad does, even if the probe is removed or forgotten before: a
    thread may be inside the probe at that moment.

    Args:
        pad: where to look.
        callback: of :func:`compile_probe`.
        state: that it is called with.
        used: whatever else has to live for it.

    Returns:
        The probe's number, for ``pad.remove_probe``.

    Raises:
        TouchlineError: if the pad takes no probe, or this GStreamer is unknown.
    """
    check_layout()
    # An attribute of a GObject's wrapper: PyGObject keeps both alive until the GObject itself goes.
    setattr(pad, _KEPT, [*getattr(pad, _KEPT, []), (callback, state, used)])
    word = ctypes.c_void_p
    add = c_function(native(), "gst_pad_add_probe", ctypes.c_ulong, word, ctypes.c_uint, word, word, word)
    number = add(hash(pad), int(Gst.PadProbeType.BUFFER), callback.address, state.ctypes.data, None)
    if not number:
        raise TouchlineError(f"no probe can be put on {pad.get_name()}")
    return int(number)
