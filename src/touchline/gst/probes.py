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
from numba import carray
from numpy.typing import NDArray

from touchline.gst.library import native
from touchline.gst.native_probes import (
    DATA_WORD,
    PASS,
    PTS_BYTE,
    add_probe,
    c_function,
    compile_probe,
    load,
)

_CLOCK, _COUNT, _CAPACITY, _RING = 0, 1, 2, 3


@cache
def _passage_callback() -> Any:
    """The compiled probe; half a second to make, so once for the process."""
    clock_get_time = c_function(native(), "gst_clock_get_time", ctypes.c_uint64, ctypes.c_uint64)
    data_word, pts_byte = np.uint64(DATA_WORD), np.uint64(PTS_BYTE)

    def note_passage(_pad, info, state):  # type: ignore[no-untyped-def]
        header = carray(state, (_RING,))
        now = clock_get_time(header[_CLOCK])
        capacity = header[_CAPACITY]
        place = np.uint64(_RING) + np.uint64(2) * (header[_COUNT] % capacity)
        ring = carray(state, (_RING + 2 * capacity,))
        ring[place] = load(carray(info, (DATA_WORD + 1,))[data_word] + pts_byte)
        ring[place + np.uint64(1)] = now
        header[_COUNT] += np.uint64(1)
        return PASS

    return compile_probe(note_passage)


class PassageProbe:
    """Notes when each buffer passes a pad.

    Args:
        pad: where to look.
        clock: whose time is noted.
        capacity: how many passages are kept until they are read; older ones are overwritten and count as missed.
    """

    def __init__(self, pad: Any, clock: Any, capacity: int = 4096) -> None:
        self._state = np.zeros(_RING + 2 * capacity, dtype=np.uint64)
        self._state[_CLOCK] = hash(clock)
        self._state[_CAPACITY] = capacity
        self._read = 0
        self.missed = 0
        self._pad = pad
        self._id = add_probe(pad, _passage_callback(), self._state, clock)

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
        self._pad.remove_probe(self._id)
