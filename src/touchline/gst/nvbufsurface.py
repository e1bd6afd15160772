"""NVIDIA's surface descriptions: what a buffer of ``memory:NVMM`` holds, and where in it the pixels are.

Mapping such a buffer gives the address of an NvBufSurface, as the public header ``nvbufsurface.h`` of DeepStream 5 to 7
and of JetPack lays it out: a batch of surfaces, each with its planes. On a discrete GPU those lie in CUDA memory, and
our kernels can read them (:func:`device_picture`). On a Jetson they are surface arrays, which only NVIDIA's own
libraries can map.

The header is not versioned, so what is read here is checked for sense before it is believed.
"""

from __future__ import annotations

import ctypes
from enum import IntEnum
from typing import TYPE_CHECKING, Any

from touchline.errors import TouchlineError
from touchline.gst.mapping import address

if TYPE_CHECKING:
    from touchline.cuda.picture import DevicePicture

PLANES = 4  # NVBUF_MAX_PLANES
_PADDING = 4  # STRUCTURE_PADDING
_LARGEST = 32_768  # pixels; NVIDIA's engines end far below
_MOST = 1024  # surfaces in a batch, as nvstreammux allows


class Memory(IntEnum):
    """NvBufSurfaceMemType."""

    DEFAULT = 0
    CUDA_PINNED = 1
    CUDA_DEVICE = 2
    CUDA_UNIFIED = 3
    SURFACE_ARRAY = 4
    HANDLE = 5
    SYSTEM = 6


class Format(IntEnum):
    """Those of NvBufSurfaceColorFormat that we hold."""

    NV12 = 6
    NV12_ER = 7
    RGBA = 19
    NV12_709 = 33
    NV12_709_ER = 34
    NV12_2020 = 36


PITCH_LINEAR = 0  # NvBufSurfaceLayout
_NV12 = (Format.NV12, Format.NV12_ER, Format.NV12_709, Format.NV12_709_ER, Format.NV12_2020)
# The default is device memory on a discrete GPU, where the description also has a pointer to it.
_READABLE = (Memory.DEFAULT, Memory.CUDA_PINNED, Memory.CUDA_DEVICE, Memory.CUDA_UNIFIED)


class PlaneParams(ctypes.Structure):
    """NvBufSurfacePlaneParams: sizes in pixels of the plane, pitches, offsets and sizes in bytes."""

    _fields_ = (
        ("num_planes", ctypes.c_uint32),
        ("width", ctypes.c_uint32 * PLANES),
        ("height", ctypes.c_uint32 * PLANES),
        ("pitch", ctypes.c_uint32 * PLANES),
        ("offset", ctypes.c_uint32 * PLANES),
        ("psize", ctypes.c_uint32 * PLANES),
        ("bytes_per_pix", ctypes.c_uint32 * PLANES),
        ("reserved", ctypes.c_void_p * (_PADDING * PLANES)),
    )


class MappedAddr(ctypes.Structure):
    """NvBufSurfaceMappedAddr: where the CPU sees the planes, if somebody has mapped them."""

    _fields_ = (
        ("addr", ctypes.c_void_p * PLANES),
        ("egl_image", ctypes.c_void_p),
        ("reserved", ctypes.c_void_p * _PADDING),
    )


class SurfaceParams(ctypes.Structure):
    """NvBufSurfaceParams: one surface. The first of the reserved words became a pointer later; the size stayed."""

    _fields_ = (
        ("width", ctypes.c_uint32),
        ("height", ctypes.c_uint32),
        ("pitch", ctypes.c_uint32),
        ("color_format", ctypes.c_int),
        ("layout", ctypes.c_int),
        ("buffer_desc", ctypes.c_uint64),
        ("data_size", ctypes.c_uint32),
        ("data_ptr", ctypes.c_void_p),
        ("plane_params", PlaneParams),
        ("mapped_addr", MappedAddr),
        ("reserved", ctypes.c_void_p * _PADDING),
    )


class Surface(ctypes.Structure):
    """NvBufSurface: a batch of surfaces."""

    _fields_ = (
        ("gpu_id", ctypes.c_uint32),
        ("batch_size", ctypes.c_uint32),
        ("num_filled", ctypes.c_uint32),
        ("is_contiguous", ctypes.c_bool),
        ("mem_type", ctypes.c_int),
        ("surface_list", ctypes.POINTER(SurfaceParams)),
        ("reserved", ctypes.c_void_p * _PADDING),
    )


def surface_of(buffer: Any) -> Surface:
    """The description in a buffer of NVMM memory; valid for as long as the buffer lives.

    Raises:
        TouchlineError: if what the buffer holds makes no sense as one.
    """
    size = buffer.peek_memory(0).size if buffer.n_memory() else 0
    if size < ctypes.sizeof(Surface):
        raise TouchlineError(
            f"a buffer of {size} bytes holds no surface description, which has {ctypes.sizeof(Surface)}"
        )
    return checked(Surface.from_address(address(buffer)))


def checked(surface: Surface) -> Surface:
    """The same description, looked at. Raises TouchlineError if it makes no sense."""
    batch, filled = surface.batch_size, surface.num_filled
    known = surface.mem_type in list(Memory)
    if not (1 <= batch <= _MOST and filled <= batch and known and surface.surface_list):
        raise TouchlineError(
            f"this is no surface description as we know it: {filled} of {batch} surfaces in memory of kind "
            f"{surface.mem_type}; please report the version of DeepStream"
        )
    return surface


def device_picture(surface: Surface, place: int = 0, owner: Any = None) -> DevicePicture:
    """One NV12 surface of a batch as a picture that our kernels read, without a copy.

    Args:
        surface: a description, from :func:`surface_of`.
        place: in the batch.
        owner: what keeps the memory; the buffer.

    Raises:
        TouchlineError: if it is not there, not NV12, not laid out in rows, or not in CUDA memory.
    """
    params = _readable(surface, place)
    # Only where CUDA was chosen: it brings NVIDIA's libraries.
    from touchline.cuda.picture import DevicePicture

    planes = params.plane_params
    start = int(params.data_ptr)
    return DevicePicture(
        start + planes.offset[0],
        start + planes.offset[1],
        planes.pitch[0],
        planes.pitch[1],
        params.width,
        params.height,
        owner,
        surface.gpu_id,
    )


def _readable(surface: Surface, place: int) -> SurfaceParams:
    if not 0 <= place < surface.batch_size:
        raise TouchlineError(f"a batch of {surface.batch_size} surfaces has none at {place}")
    if surface.mem_type not in _READABLE:
        raise TouchlineError(
            f"surfaces in memory of kind {Memory(surface.mem_type).name} can't be read by our kernels: "
            "set nvbuf-memory-type=nvbuf-mem-cuda-device on a discrete GPU; on a Jetson let nvvideoconvert convert them"
        )
    params: SurfaceParams = surface.surface_list[place]
    planes = params.plane_params
    if params.color_format not in _NV12 or planes.num_planes != 2:
        raise TouchlineError(
            f"the surface is of color format {params.color_format} in {planes.num_planes} planes, not NV12"
        )
    if params.layout != PITCH_LINEAR:
        raise TouchlineError("the surface is laid out in blocks, not in rows; convert it with nvvideoconvert")
    wide, tall = params.width, params.height
    sound = 0 < wide <= _LARGEST and 0 < tall <= _LARGEST and bool(params.data_ptr)
    for plane, rows in enumerate((tall, tall // 2)):
        pitch, offset = planes.pitch[plane], planes.offset[plane]
        # The last row may end at its last pixel.
        sound = sound and pitch >= wide and offset + pitch * (rows - 1) + wide <= params.data_size
    if not sound:
        raise TouchlineError(
            f"the surface's description makes no sense: {wide}x{tall}, {params.data_size} bytes, pitches "
            f"{planes.pitch[0]} and {planes.pitch[1]}, offsets {planes.offset[0]} and {planes.offset[1]}"
        )
    return params
