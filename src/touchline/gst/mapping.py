"""Pictures in buffers: NumPy views over mapped memory, for as long as a ``with`` lasts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from touchline.errors import TouchlineError
from touchline.gst.caps import PlaneLayout
from touchline.gst.library import Gst
from touchline.gst.nv12 import Nv12


@contextmanager
def read_nv12(buffer: Any, layout: PlaneLayout) -> Iterator[Nv12]:
    """The picture in a buffer, read-only. The views must not outlive the ``with``.

    Raises:
        TouchlineError: if the memory can't be mapped.
    """
    with _mapped(buffer, Gst.MapFlags.READ) as data:
        own = layout.of(buffer)
        yield Nv12.over(data, own.width, own.height, own.strides, own.offsets)


@contextmanager
def write_nv12(buffer: Any, layout: PlaneLayout) -> Iterator[Nv12]:
    """The picture in a buffer of ours that nobody else holds, to be written.

    Raises:
        TouchlineError: if the buffer is shared: what is held is never written.
    """
    with _mapped(buffer, Gst.MapFlags.WRITE) as data:
        own = layout.of(buffer)
        yield Nv12.over(data, own.width, own.height, own.strides, own.offsets)


def address(buffer: Any) -> int:
    """Where a buffer's pixels begin in plain memory: the same for a frame and for every share of it.

    Raises:
        TouchlineError: if there is no memory, or it can't be mapped.
    """
    if not buffer.n_memory():
        raise TouchlineError("a buffer without memory has no pixels")
    # The first memory alone: mapping a buffer of several would copy them into one.
    memory = buffer.peek_memory(0)
    mapped, info = memory.map(Gst.MapFlags.READ)
    if not mapped:
        raise TouchlineError(f"memory of {buffer.get_size()} bytes can't be mapped")
    try:
        return int(np.frombuffer(info.data, dtype=np.uint8).ctypes.data)
    finally:
        memory.unmap(info)


def writable(buffer: Any) -> bool:
    """True if the buffer's memory belongs to nobody else: a frame that has shares is not writable."""
    return bool(buffer.is_all_memory_writable())


@contextmanager
def _mapped(buffer: Any, flags: Any) -> Iterator[Any]:
    # Asked first, because GStreamer prints a CRITICAL of its own for a refused write.
    if flags == Gst.MapFlags.WRITE and not writable(buffer):
        raise TouchlineError("a frame that others hold can't be mapped for writing")
    mapped, info = buffer.map(flags)
    if not mapped:
        raise TouchlineError(f"a buffer of {buffer.get_size()} bytes can't be mapped")
    try:
        yield info.data
    finally:
        buffer.unmap(info)
