"""GStreamer's libraries as C sees them, for what PyGObject can't show of CUDA memory: structures and calls."""

from __future__ import annotations

import ctypes
from functools import cache
from typing import Any

from touchline.errors import MissingCudaError


class VideoInfo(ctypes.Structure):
    """GstVideoInfo, part of GStreamer 1.x's ABI."""

    _fields_ = (
        ("finfo", ctypes.c_void_p),
        ("interlace_mode", ctypes.c_int),
        ("flags", ctypes.c_int),
        ("width", ctypes.c_int),
        ("height", ctypes.c_int),
        ("size", ctypes.c_size_t),
        ("views", ctypes.c_int),
        ("chroma_site", ctypes.c_int),
        ("colorimetry", ctypes.c_int * 4),
        ("aspect", ctypes.c_int * 2),
        ("fps", ctypes.c_int * 2),
        ("offset", ctypes.c_size_t * 4),
        ("stride", ctypes.c_int * 4),
        ("more", ctypes.c_void_p * 4),
    )


class VideoMeta(ctypes.Structure):
    """GstVideoMeta, part of GStreamer 1.x's ABI. PyGObject's takes 20 us to give its lists."""

    _fields_ = (
        ("flags", ctypes.c_int),
        ("info", ctypes.c_void_p),
        ("buffer", ctypes.c_void_p),
        ("frame_flags", ctypes.c_int),
        ("format", ctypes.c_int),
        ("id", ctypes.c_int),
        ("width", ctypes.c_uint),
        ("height", ctypes.c_uint),
        ("n_planes", ctypes.c_uint),
        ("offset", ctypes.c_size_t * 4),
        ("stride", ctypes.c_int * 4),
    )


@cache
def gst_cuda() -> Any:
    """GstCuda's binding, the driver loaded. Raises MissingCudaError if it can't be."""
    try:
        import gi

        gi.require_version("GstCuda", "1.0")
        from gi.repository import GstCuda
    except (ImportError, ValueError) as error:
        raise MissingCudaError(
            f"GStreamer's CUDA library can't be loaded ({error}): GStreamer 1.22 or newer and "
            "gir1.2-gst-plugins-bad-1.0 are needed"
        ) from error
    if not GstCuda.cuda_load_library():
        raise MissingCudaError("GStreamer finds no NVIDIA driver (libcuda.so.1)")
    GstCuda.cuda_memory_init_once()  # nobody else may have made the allocator yet
    return GstCuda


@cache
def memory_sync() -> Any | None:
    """gst_cuda_memory_sync, where frames may be handed on before they are done."""
    call = getattr(libgstcuda(), "gst_cuda_memory_sync", None)
    if call is not None:
        call.argtypes, call.restype = [ctypes.c_void_p], None
    return call


@cache
def libgstvideo() -> ctypes.CDLL:
    library = ctypes.CDLL("libgstvideo-1.0.so.0")
    library.gst_buffer_get_video_meta.argtypes = [ctypes.c_void_p]
    library.gst_buffer_get_video_meta.restype = ctypes.c_void_p
    return library


@cache
def libgstcuda() -> ctypes.CDLL:
    """libgstcuda itself: PyGObject can't see a GstMemory as the GstCudaMemory that it is."""
    gst_cuda()
    library = ctypes.CDLL("libgstcuda-1.0.so.0")
    library.gst_is_cuda_memory.argtypes = [ctypes.c_void_p]
    library.gst_cuda_context_get_handle.argtypes = [ctypes.c_void_p]
    library.gst_cuda_context_get_handle.restype = ctypes.c_void_p
    return library
