"""Where frames cross from one kind of memory to another: counted in the element that takes them over.

The counting is done in machine code (:mod:`touchline.gst.native_probes`), so that it costs a frame nothing worth
speaking of and never waits for Python; Python reads the sum when somebody asks.
"""

from __future__ import annotations

import ctypes
from functools import cache
from typing import Any

import numpy as np
from numba import carray

from touchline.gst.library import native
from touchline.gst.native_probes import DATA_WORD, PASS, add_probe, add_to, c_function, compile_probe

# Of what an element's two probes share: the kind's name and the sums (addresses); of the frame that is in the element,
# whether it is of the kind, and its bytes.
_KIND, _SUMS, _WAS_KIND, _SIZE, _WORDS = range(5)
_BYTES, _FRAMES = 0, 1  # of the sums


class Crossings:
    """Counts the frames that change, in the watched elements, from or to a kind of memory, and their bytes.

    A frame that an element only hands on is not counted. The bytes are those of the frame on the other side of the
    bus, in plain memory.

    Args:
        kind: what GStreamer calls the memory: ``gst.cuda.memory``.
    """

    def __init__(self, kind: str) -> None:
        self._kind = ctypes.create_string_buffer(kind.encode())
        self._sums = np.zeros(2, dtype=np.uint64)
        self._callbacks = _callbacks()  # compiled here, not when the first frames are on their way

    @property
    def bytes(self) -> int:
        """That have crossed so far, in all watched elements."""
        return int(self._sums[_BYTES])

    @property
    def frames(self) -> int:
        """That have crossed so far, in all watched elements."""
        return int(self._sums[_FRAMES])

    def watch(self, element: Any) -> None:
        """Counts what crosses in an element, too, as long as it lives.

        Args:
            element: with one sink pad and one source pad, that makes of each buffer one before it takes the next, as
                converters do; it need not be linked yet.

        Raises:
            TouchlineError: if its pads take no probes.
        """
        state = np.zeros(_WORDS, dtype=np.uint64)
        state[_KIND] = ctypes.addressof(self._kind)
        state[_SUMS] = self._sums.ctypes.data
        for name, callback in zip(("sink", "src"), self._callbacks, strict=True):
            add_probe(element.get_static_pad(name), callback, state, self._kind, self._sums)


@cache
def _callbacks() -> tuple[Any, Any]:
    """The compiled probes of a sink pad and of a source pad; once for the process, since it takes a while."""
    gst, word = native(), ctypes.c_uint64
    count_memories = c_function(gst, "gst_buffer_n_memory", ctypes.c_uint32, word)
    peek_memory = c_function(gst, "gst_buffer_peek_memory", word, word, ctypes.c_uint32)
    is_type = c_function(gst, "gst_memory_is_type", ctypes.c_int32, word, word)
    get_size = c_function(gst, "gst_buffer_get_size", word, word)
    data_word, sums_word, first = np.uint64(DATA_WORD), np.uint64(_SUMS), np.uint32(0)
    frames_byte, one = np.uint64(8 * _FRAMES), np.uint64(1)

    def coming(_pad, info, state):  # type: ignore[no-untyped-def]
        buffer = carray(info, (DATA_WORD + 1,))[data_word]
        words = carray(state, (_WORDS,))
        words[_WAS_KIND] = 0
        if count_memories(buffer) and is_type(peek_memory(buffer, first), words[_KIND]):
            words[_WAS_KIND] = 1
        words[_SIZE] = get_size(buffer)
        return PASS

    def leaving(_pad, info, state):  # type: ignore[no-untyped-def]
        buffer = carray(info, (DATA_WORD + 1,))[data_word]
        words = carray(state, (_WORDS,))
        is_kind = np.uint64(0)
        if count_memories(buffer) and is_type(peek_memory(buffer, first), words[_KIND]):
            is_kind = np.uint64(1)
        if is_kind != words[_WAS_KIND]:
            sums = words[sums_word]
            add_to(sums, words[_SIZE] if is_kind else get_size(buffer))
            add_to(sums + frames_byte, one)
        return PASS

    return compile_probe(coming), compile_probe(leaving)
