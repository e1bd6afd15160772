"""Mapping a GstMemory by its address: what PyGObject hides, copies, or takes for plain memory."""

from __future__ import annotations

import ctypes
from functools import cache


class MapInfo(ctypes.Structure):
    """GstMapInfo, part of GStreamer 1.x's ABI. PyGObject's shows a texture's id as if it were pixels."""

    _fields_ = (
        ("memory", ctypes.c_void_p),
        ("flags", ctypes.c_int),
        ("data", ctypes.c_void_p),
        ("size", ctypes.c_size_t),
        ("maxsize", ctypes.c_size_t),
        ("others", ctypes.c_void_p * 8),
    )


@cache
def libgst() -> ctypes.CDLL:
    """libgstreamer with the calls for that declared; buffers and memories are numbers."""
    library = ctypes.CDLL("libgstreamer-1.0.so.0")
    pointer = ctypes.c_void_p
    library.gst_buffer_n_memory.argtypes = [pointer]
    library.gst_buffer_n_memory.restype = ctypes.c_uint
    library.gst_buffer_peek_memory.argtypes = [pointer, ctypes.c_uint]
    library.gst_buffer_peek_memory.restype = pointer
    library.gst_memory_map.argtypes = [pointer, pointer, ctypes.c_int]
    library.gst_memory_unmap.argtypes = [pointer, pointer]
    library.gst_memory_unmap.restype = None
    return library
