"""A pad probe in machine code, which never waits for Python.

Measuring when a frame passes must not make it late. A probe written in Python has to take the interpreter's lock on
the very thread that paces the programme, so a busy interpreter would delay what it measures. This one is compiled
by numba to a C callback: it reads the clock and the frame's timestamp and writes both into a ring.
"""

from __future__ import annotations

import ctypes
from functools import cache
from typing import Any

import numpy as np
from llvmlite import ir
from numba import carray, cfunc, types
from numba.extending import intrinsic
from numpy.typing import NDArray

from touchline.errors import TouchlineError
from touchline.gst.library import Gst, native

# GstPadProbeInfo: type, id, data: the buffer is its third word. GstBuffer: a GstMiniObject of 64 bytes, the pool,
# then the PTS. Both are part of GStreamer 1.x's ABI on 64-bit platforms; `_check_layout` asks once more.
_DATA_WORD = 2
_PTS_BYTE = 72
_CLOCK, _COUNT, _CAPACITY, _RING = 0, 1, 2, 3


@intrinsic
def _load(_typing: Any, _address: Any) -> Any:
    """The 64-bit word at an address."""

    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.load(builder.inttoptr(arguments[0], ir.IntType(64).as_pointer()))

    return types.uint64(types.uint64), generate


@cache
def _passage_callback() -> Any:
    """The compiled probe; half a second to make, so once for the process."""
    gst = native()
    clock_get_time = gst.gst_clock_get_time
    clock_get_time.restype = ctypes.c_uint64
    clock_get_time.argtypes = [ctypes.c_void_p]
    words = types.CPointer(types.uint64)
    data_word, pts_byte = np.uint64(_DATA_WORD), np.uint64(_PTS_BYTE)

    def note_passage(_pad, info, state):  # type: ignore[no-untyped-def]
        header = carray(state, (_RING,))
        now = clock_get_time(header[_CLOCK])
        capacity = header[_CAPACITY]
        place = np.uint64(_RING) + np.uint64(2) * (header[_COUNT] % capacity)
        ring = carray(state, (_RING + 2 * capacity,))
        ring[place] = _load(carray(info, (_DATA_WORD + 1,))[data_word] + pts_byte)
        ring[place + np.uint64(1)] = now
        header[_COUNT] += np.uint64(1)
        return 1  # GST_PAD_PROBE_OK

    return cfunc(types.int32(types.voidptr, words, words))(note_passage)


@cache
def _check_layout() -> None:
    """Reads a timestamp where we believe it to be. Raises TouchlineError if this platform differs."""
    buffer = Gst.Buffer.new()
    buffer.pts = 0x123456789ABCDEF
    if ctypes.c_uint64.from_address(hash(buffer) + _PTS_BYTE).value != 0x123456789ABCDEF:
        raise TouchlineError(
            "this GStreamer lays out its buffers in an unknown way; please report its version"
        )


class PassageProbe:
    """Notes when each buffer passes a pad.

    Args:
        pad: where to look; it must outlive its pipeline's running, as pads do.
        clock: whose time is noted.
        capacity: how many passages are kept until they are read; older ones are overwritten and count as missed.
    """

    def __init__(self, pad: Any, clock: Any, capacity: int = 4096) -> None:
        _check_layout()
        self._state = np.zeros(_RING + 2 * capacity, dtype=np.uint64)
        self._state[_CLOCK] = hash(clock)
        self._state[_CAPACITY] = capacity
        self._read = 0
        self.missed = 0
        self._keep = (pad, clock)
        self._callback = _passage_callback()
        add_probe = native().gst_pad_add_probe
        add_probe.restype = ctypes.c_ulong
        add_probe.argtypes = [ctypes.c_void_p, ctypes.c_uint, *[ctypes.c_void_p] * 3]
        kind = int(Gst.PadProbeType.BUFFER)
        self._id = add_probe(hash(pad), kind, self._callback.address, self._state.ctypes.data, None)
        if not self._id:
            raise TouchlineError(f"no probe can be put on {pad.get_name()}")

    @property
    def count(self) -> int:
        """How many buffers have passed."""
        return int(self._state[_COUNT])

    def read(self) -> NDArray[np.int64]:
        """The passages since the last call: shape (n, 2), each a PTS and the clock's time, in ns."""
        count, capacity = self.count, int(self._state[_CAPACITY])
        # The oldest entry may be overwritten while it is being read: leave it out when the ring is full.
        first = max(self._read, count - capacity + 1)
        self.missed += first - self._read
        self._read = count
        places = np.arange(first, count) % capacity
        return self._state[_RING:].reshape(-1, 2)[places].astype(np.int64)

    def remove(self) -> None:
        """Takes the probe off; what has not been read can still be."""
        pad, _ = self._keep
        pad.remove_probe(self._id)
