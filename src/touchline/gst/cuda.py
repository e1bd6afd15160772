"""GStreamer's CUDA memory, seen as device addresses; libgstcuda is loaded by who needs it.

What is here was read in GStreamer's sources and holds from 1.22 on (libgstcuda is not public before): a GstCudaMemory
is a GstMemory, then its GstCudaContext, then a GstVideoInfo that says where its planes lie; elements go by the video
meta of a buffer, and where there is none by that. Mapping with ``GST_MAP_CUDA`` gives the device address, and for
writing marks the frame's copy in plain memory as stale. Elements up to 1.22 wait for their stream before they hand a
frame on; later ones mark it ``NEED_SYNC``, and :func:`mapped` waits then.

A map for the CPU makes GStreamer pin as much plain memory for the frame, for as long as the frame's memory lives, so
frames that we hold are never mapped so.
"""

from __future__ import annotations

import ctypes
from functools import cache
from typing import Any, NamedTuple

from touchline.cuda.device import Device
from touchline.cuda.picture import DevicePicture
from touchline.errors import MissingCudaError, TouchlineError
from touchline.gst.caps import PlaneLayout
from touchline.gst.cuda_native import (
    VideoInfo,
    VideoMeta,
    gst_cuda,
    libgstcuda,
    libgstvideo,
    memory_sync,
)
from touchline.gst.library import GObject, Gst
from touchline.gst.mapping import writable
from touchline.gst.native_memory import MapInfo, libgst

MAP_CUDA = 1 << 17
_READ, _WRITE = int(Gst.MapFlags.READ), int(Gst.MapFlags.WRITE)
_CONTEXT_BYTE = 112  # in GstCudaMemory: behind its GstMemory, part of GStreamer 1.x's ABI on 64-bit platforms
_INFO_BYTE = 120


class Planes(NamedTuple):
    """Where the planes of a mapped frame lie: device addresses, bytes from row to row, and the picture's size."""

    addresses: tuple[int, ...]
    pitches: tuple[int, ...]
    width: int
    height: int


def gst_context(device: Device) -> Any:
    """The GstCudaContext around a device's context, always the same one: elements copy between different ones."""
    return _wrapped(device.context, device.index)


def prepare(pipeline: Any, device: Device) -> None:
    """Has a pipeline's CUDA elements work in a device's context; before it starts."""
    pipeline.set_context(gst_cuda().context_new_cuda_context(gst_context(device)))


def memory_of(buffer: Any) -> int:
    """The address of the GstCudaMemory of a frame. Raises TouchlineError if it is none, or in several pieces."""
    gst, cuda = libgst(), libgstcuda()
    address = hash(buffer)
    count = gst.gst_buffer_n_memory(address)
    memory = gst.gst_buffer_peek_memory(address, 0) if count == 1 else None
    if memory is None or not cuda.gst_is_cuda_memory(memory):
        raise TouchlineError(
            f"a buffer that is called CUDAMemory holds {count} blocks of memory, not one of the GPU's"
        )
    return int(memory)


def context_of(buffer: Any) -> Any:
    """The GstCudaContext that a frame's memory belongs to."""
    pointer = ctypes.c_void_p.from_address(memory_of(buffer) + _CONTEXT_BYTE).value
    holder = GObject.Value(gst_cuda().CudaContext)  # the way from an address to PyGObject's wrapper
    set_object = ctypes.CDLL("libgobject-2.0.so.0").g_value_set_object
    set_object(ctypes.c_void_p(hash(holder)), ctypes.c_void_p(pointer))
    return holder.get_object()


def handle_of(buffer: Any) -> int:
    """The CUcontext that a frame's memory belongs to, as a number."""
    return _handle(memory_of(buffer))


def info_of(memory: int) -> VideoInfo:
    """The GstVideoInfo *in* a GstCudaMemory: what is set there is set."""
    return VideoInfo.from_address(memory + _INFO_BYTE)


class mapped_planes:  # noqa: N801 - used as the function that a context manager looks like
    """``with mapped_planes(buffer) as planes:`` a frame's :class:`Planes` on the GPU, whatever its format.

    Args:
        buffer: of ``memory:CUDAMemory``.
        write: to be written, which only a frame of ours that nobody else holds may be.
        context: the CUcontext that it has to lie in, as a number; any by default.

    Raises:
        TouchlineError: on entering, if it can't be mapped so.
    """

    def __init__(self, buffer: Any, write: bool = False, context: int | None = None) -> None:
        self._buffer = buffer
        self._write = write
        self._wanted = context
        self._found = MapInfo()
        self._memory = 0

    def __enter__(self) -> Planes:
        self._memory = memory = memory_of(self._buffer)
        self._check(memory)
        flags = (_WRITE if self._write else _READ) | MAP_CUDA
        if not libgst().gst_memory_map(memory, ctypes.byref(self._found), flags):
            raise TouchlineError(f"a frame of {self._buffer.get_size()} bytes on the GPU can't be mapped")
        sync = memory_sync()
        if sync is not None:
            sync(memory)
        return _planes(self._buffer, memory, self._found.data)

    def __exit__(self, *_error: object) -> None:
        libgst().gst_memory_unmap(self._memory, ctypes.byref(self._found))

    def _check(self, memory: int) -> None:
        # Asked first, because GStreamer prints a CRITICAL of its own for a refused write.
        if self._write and not writable(self._buffer):
            raise TouchlineError("a frame that others hold can't be mapped for writing")
        if self._wanted is not None and _handle(memory) != self._wanted:
            raise TouchlineError(
                "the frame lies in another CUDA context than ours: prepare its pipeline before the start, "
                "or allocate beside the frame"
            )


class mapped:  # noqa: N801 - as above
    """``with mapped(buffer, layout) as picture:`` the NV12 picture in a frame, as a DevicePicture.

    What is made from the picture's views keeps the buffer alive.

    Args:
        buffer: of ``memory:CUDAMemory``.
        layout: what its caps say; where the planes lie is read from the frame itself.
        write, context: as in :class:`mapped_planes`.

    Raises:
        TouchlineError: on entering, if it can't be mapped so, or is not NV12 of this size.
    """

    def __init__(
        self, buffer: Any, layout: PlaneLayout, write: bool = False, context: int | None = None
    ) -> None:
        self._buffer = buffer
        self._size = (layout.width, layout.height)
        self._planes = mapped_planes(buffer, write, context)

    def __enter__(self) -> DevicePicture:
        addresses, pitches, width, height = self._planes.__enter__()
        if len(addresses) != 2 or (width, height) != self._size:
            self._planes.__exit__()
            raise TouchlineError(
                f"a frame of {len(addresses)} planes of {width}x{height} is not NV12 of {{}}x{{}}".format(
                    *self._size
                )
            )
        (y, uv), (y_pitch, uv_pitch) = addresses, pitches
        return DevicePicture(y, uv, y_pitch, uv_pitch, width, height, owner=self._buffer)

    def __exit__(self, *_error: object) -> None:
        self._planes.__exit__()


def device_address(buffer: Any) -> int:
    """Where a frame's memory begins on the GPU. Asked for every frame that is not ours: some microseconds."""
    gst, found = libgst(), MapInfo()
    memory = memory_of(buffer)
    if not gst.gst_memory_map(memory, ctypes.byref(found), _READ | MAP_CUDA):
        raise TouchlineError(f"a frame of {buffer.get_size()} bytes on the GPU can't be mapped")
    gst.gst_memory_unmap(memory, ctypes.byref(found))
    return int(found.data)


def allocate(context: Any, info: Any) -> Any | None:
    """GPU memory for one picture of a GstVideo.VideoInfo, laid out by GStreamer; None if there is none left."""
    library = gst_cuda()
    allocator = Gst.Allocator.find(library.CUDA_MEMORY_TYPE_NAME)
    wanted = {"context": context, "stream": None, "info": info}  # newer ones take a stream too
    names = [one.get_name() for one in library.CudaAllocator.alloc.get_arguments()]
    return library.CudaAllocator.alloc(allocator, *(wanted[name] for name in names))


def _handle(memory: int) -> int:
    context = ctypes.c_void_p.from_address(memory + _CONTEXT_BYTE).value
    return int(libgstcuda().gst_cuda_context_get_handle(context) or 0)


def _planes(buffer: Any, memory: int, data: int) -> Planes:
    """By the buffer's video meta, or the memory's own label."""
    label: VideoMeta | VideoInfo
    found = libgstvideo().gst_buffer_get_video_meta(hash(buffer))
    if found:
        label = VideoMeta.from_address(found)
        count = label.n_planes
    else:
        label = info_of(memory)
        count = 1 + sum(1 for offset in label.offset if offset)
    offsets, strides = label.offset[:count], label.stride[:count]
    return Planes(tuple(data + one for one in offsets), tuple(strides), label.width, label.height)


@cache
def _wrapped(context: int, index: int) -> Any:
    # Frames may outlive everybody who knows this context, so this reference stays for the life of the process.
    Device(index)
    wrapped = gst_cuda().CudaContext.new_wrapped(context, index)
    if wrapped is None:
        raise MissingCudaError(f"GStreamer can't use the CUDA context of GPU {index}")
    return wrapped
