"""A picture as kernels are told of it. Needs no GPU."""

from __future__ import annotations

import ctypes


class Source(ctypes.Structure):
    """``Source`` of cuda_mapping.cu and cuda_tiles.cu: texture objects, planes, and the picture's size."""

    _fields_ = (
        ("luma_texture", ctypes.c_uint64),
        ("chroma_texture", ctypes.c_uint64),
        ("luma", ctypes.c_uint64),
        ("chroma", ctypes.c_uint64),
        ("luma_pitch", ctypes.c_int32),
        ("chroma_pitch", ctypes.c_int32),
        ("width", ctypes.c_int32),
        ("height", ctypes.c_int32),
    )
