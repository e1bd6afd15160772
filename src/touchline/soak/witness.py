"""Reads every frame where it leaves, in machine code: its number out of its memory, its time from the clock.

The number stands in the first eight bytes of the pixels and once more in the last eight, so that memory which was
given to another frame too early, or only half written, is found out. The probe never takes the interpreter's lock.
"""

from __future__ import annotations

import ctypes
import struct
import time
from functools import cache
from typing import Any

import numpy as np
from numba import carray
from numpy.typing import NDArray

from touchline.errors import TouchlineError
from touchline.gst.library import SECOND, native
from touchline.gst.native_probes import (
    DATA_WORD,
    FLAGS_BYTE,
    PASS,
    PTS_BYTE,
    add_probe,
    c_function,
    compile_probe,
    load,
)

SLATE = 2**62  # the number in a slate
NUMBER, TAIL, PTS, TIME, SIZE, FLAGS = range(6)  # the columns of what is read
_COLUMNS = 6

_CLOCK, _COUNT, _CAPACITY, _SEMAPHORE, _HERE, _RING = range(6)
_SEMAPHORE_BYTES = 64  # sem_t takes 32 at most on 64-bit Linux
_NUMBER_BYTES = 8


def burn(buffer: Any, number: int) -> None:
    """Writes a frame's number into a buffer of ours that nobody else holds."""
    word = struct.pack("<q", number)
    if (
        buffer.fill(0, word) != _NUMBER_BYTES
        or buffer.fill(buffer.get_size() - _NUMBER_BYTES, word) != _NUMBER_BYTES
    ):
        raise TouchlineError("a frame that others hold can't be written")


@cache
def _callback() -> Any:
    """The compiled probe; half a second to make, so once for the process."""
    gst, word = native(), ctypes.c_uint64
    get_time = c_function(gst, "gst_clock_get_time", word, word)
    extract = c_function(gst, "gst_buffer_extract", word, word, word, word, word)
    get_size = c_function(gst, "gst_buffer_get_size", word, word)
    post = c_function(ctypes.CDLL(None), "sem_post", ctypes.c_int32, word)
    data_word, flags_byte, pts_byte = np.uint64(DATA_WORD), np.uint64(FLAGS_BYTE), np.uint64(PTS_BYTE)
    step, columns, start = np.uint64(_NUMBER_BYTES), np.uint64(_COLUMNS), np.uint64(_RING)
    low = np.uint64(0xFFFFFFFF)
    zero, one = np.uint64(0), np.uint64(1)

    def note(_pad, info, state):  # type: ignore[no-untyped-def]
        header = carray(state, (_RING,))
        capacity = header[_CAPACITY]
        buffer = carray(info, (DATA_WORD + 1,))[data_word]
        place = start + columns * (header[_COUNT] % capacity)
        row = carray(state, (_RING + _COLUMNS * capacity,))
        here = header[_HERE] + step * place
        size = get_size(buffer)
        extract(buffer, zero, here, step)
        extract(buffer, size - step, here + step, step)
        row[place + np.uint64(PTS)] = load(buffer + pts_byte)
        row[place + np.uint64(TIME)] = get_time(header[_CLOCK])
        row[place + np.uint64(SIZE)] = size
        row[place + np.uint64(FLAGS)] = load(buffer + flags_byte) & low
        header[_COUNT] += one
        post(header[_SEMAPHORE])
        return PASS

    return compile_probe(note)


class _Timespec(ctypes.Structure):
    _fields_ = (("seconds", ctypes.c_long), ("nanoseconds", ctypes.c_long))


class Witness:
    """Notes every buffer that passes a pad, in the order in which they pass.

    Args:
        pad: where to look.
        clock: whose time is noted.
        capacity: how many passages are kept until they are read.
    """

    def __init__(self, pad: Any, clock: Any, capacity: int = 8192) -> None:
        self._state = np.zeros(_RING + _COLUMNS * capacity, dtype=np.uint64)
        self._semaphore = ctypes.create_string_buffer(_SEMAPHORE_BYTES)
        self._libc = ctypes.CDLL(None)
        self._libc.sem_init(self._semaphore, 0, 0)
        self._state[_CLOCK] = hash(clock)
        self._state[_CAPACITY] = capacity
        self._state[_SEMAPHORE] = ctypes.addressof(self._semaphore)
        self._state[_HERE] = self._state.ctypes.data
        self._read = 0
        add_probe(pad, _callback(), self._state, clock, self._semaphore)

    @property
    def count(self) -> int:
        """How many buffers have passed."""
        return int(self._state[_COUNT])

    def wait_one(self, timeout_s: float) -> bool:
        """Waits for one more passage than it has waited for before. False when time is over."""
        if not self._libc.sem_trywait(self._semaphore):
            return True
        until = time.time_ns() + round(timeout_s * SECOND)
        limit = _Timespec(*divmod(until, SECOND))
        while self._libc.sem_timedwait(self._semaphore, ctypes.byref(limit)):
            if time.time_ns() >= until:  # else it was interrupted by a signal
                return False
        return True

    def read(self) -> NDArray[np.int64]:
        """The passages since the last call: shape (n, 6), each number, tail, PTS, time (ns), bytes, flags.

        Raises:
            TouchlineError: if they were not read in time.
        """
        count, capacity = self.count, int(self._state[_CAPACITY])
        if count - self._read >= capacity:
            raise TouchlineError(f"{count - self._read} frames have passed unread; {capacity} have room")
        places = np.arange(self._read, count) % capacity
        self._read = count
        rows: NDArray[np.int64] = self._state[_RING:].reshape(-1, _COLUMNS)[places].astype(np.int64)
        return rows
