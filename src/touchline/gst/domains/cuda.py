"""NVIDIA's GPU memory, as upstream GStreamer's nvcodec elements make and take it.

Our own frames are packed closer than GStreamer's: its allocator (1.22) spends two luma planes on a picture in NV12,
pads every row to 512 bytes, and the driver gives large blocks by whole 2 MiB. For 5700x1900 that is 25.2 MB a frame;
packed it is 16.8 MB for 16.2 MB of pixels. The block is allocated as a plain picture of long rows, which the allocator
does not pad, and then labelled as what lies in it: rows padded to 128 bytes, the chroma plane right behind the luma
plane, as the hardware's encoders want it. Every element goes by that label, or by the same in the frame's video meta.

A frame of ours is complete when it is handed on: whoever wrote it has waited.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from contextlib import AbstractContextManager
from functools import cached_property
from typing import Any

from touchline.cuda.copies import Rows, copy_rows, upload_plane
from touchline.cuda.device import Device, Stream
from touchline.cuda.picture import DevicePicture
from touchline.errors import TouchlineError
from touchline.gst import cuda
from touchline.gst.caps import PlaneLayout
from touchline.gst.domains.protocol import Placement, placement_of
from touchline.gst.library import GstVideo
from touchline.gst.nv12 import Nv12

_ROW = 128  # bytes: what the GPU reads at once
_TEXTURE = 512  # bytes: where a texture may begin
_BLOCK_ROW = 16384  # bytes of a row of the plain picture: a multiple of every padding
_PAGE = 2 << 20  # what the driver gives
_SMALL = 1 << 20  # what it gives several of from one page


class CudaDomain:
    """Frames in GPU memory.

    Args:
        device: whose memory our own frames lie in, and in whose context; by default the first GPU's.
    """

    name = "cuda"
    feature: str | None = "memory:CUDAMemory"

    def __init__(self, device: Device | None = None) -> None:
        self._given = device

    @cached_property
    def device(self) -> Device:
        """The GPU. Raises MissingCudaError if there is none."""
        return self._given or Device()

    @cached_property
    def _stream(self) -> Stream:
        return self.device.stream()

    def identity(self, buffer: Any) -> int:
        """The device address of the frame's memory."""
        return cuda.device_address(buffer)

    def beside(self, buffer: Any) -> CudaDomain:
        """A domain in the context that a frame's memory belongs to."""
        handle = cuda.handle_of(buffer)
        if handle == self.device.context:
            return self
        context = cuda.context_of(buffer)
        return _BesideDomain(Device(context.get_property("cuda-device-id"), handle), context)

    def prepare(self, pipeline: Any) -> None:
        """Has a pipeline's elements work in our context, where our kernels can read what they make."""
        cuda.prepare(pipeline, self.device)

    def placement(self, caps: Any) -> Placement:
        """Packed for NV12, GStreamer's own for the rest."""
        info = GstVideo.VideoInfo.new_from_caps(caps)
        return _packed(info) if _is_nv12(info) else placement_of(caps)

    def allocate(self, caps: Any, frames: int) -> Iterator[tuple[Any, ...]]:
        """Blocks of the GPU, each for one frame."""
        info = GstVideo.VideoInfo.new_from_caps(caps)
        for _ in range(frames):
            memory = self._packed_block(info) if _is_nv12(info) else cuda.allocate(self._gst_context, info)
            if memory is None:
                return
            yield (memory,)

    def copy_into(self, source: Any, target: Any, caps: Any) -> None:
        """Plane by plane on the GPU; done when this returns."""
        info = GstVideo.VideoInfo.new_from_caps(caps)
        meta = GstVideo.buffer_get_video_meta(source)
        if meta and (meta.format, meta.width, meta.height) != (info.finfo.format, info.width, info.height):
            raise TouchlineError("a frame of another size or format can't be copied into this pool")
        ours = self.device.context
        with (
            cuda.mapped_planes(source, context=ours) as old,
            cuda.mapped_planes(target, write=True, context=ours) as new,
        ):
            for plane, (row_bytes, rows) in enumerate(_plane_sizes(info)):
                start = Rows(old.addresses[plane], old.pitches[plane])
                end = Rows(new.addresses[plane], new.pitches[plane])
                copy_rows(self.device, start, end, row_bytes, rows, self._stream)
            self._stream.wait()

    def write(self, target: Any, picture: Nv12, caps: Any) -> None:
        """One upload for each plane, done when this returns."""
        layout = PlaneLayout.from_caps(caps)
        if (layout.width, layout.height) != (picture.width, picture.height):
            raise TouchlineError(
                f"a picture of {picture.width}x{picture.height} does not fit {layout.width}x{layout.height}"
            )
        with self.writing(target, layout) as own:
            upload_plane(self.device, picture.y, Rows(own.y, own.y_pitch), self._stream)
            upload_plane(self.device, picture.uv, Rows(own.uv, own.uv_pitch), self._stream)
            self._stream.wait()

    def reading(self, buffer: Any, layout: PlaneLayout) -> AbstractContextManager[DevicePicture]:
        """The frame's planes as device addresses."""
        return cuda.mapped(buffer, layout, context=self.device.context)

    def writing(self, buffer: Any, layout: PlaneLayout) -> AbstractContextManager[DevicePicture]:
        """The same, to be written; whoever writes waits for his stream inside the ``with``."""
        return cuda.mapped(buffer, layout, write=True, context=self.device.context)

    @property
    def _gst_context(self) -> Any:
        return cuda.gst_context(self.device)

    def _packed_block(self, info: Any) -> Any | None:
        place = _packed(info)
        plain = GstVideo.VideoInfo()
        rows = place.size // _BLOCK_ROW
        plain.set_format(GstVideo.VideoFormat.RGBA, _BLOCK_ROW // 4, rows)
        memory = cuda.allocate(self._gst_context, plain)
        if memory is None:
            return None
        label = cuda.info_of(hash(memory))
        if (label.width, label.height, label.stride[0], label.size) != (
            _BLOCK_ROW // 4,
            rows,
            _BLOCK_ROW,
            place.size,
        ):
            raise TouchlineError(
                "this GStreamer lays out its CUDA memory in an unknown way; please report its version"
            )
        ctypes.memmove(ctypes.addressof(label), hash(info), ctypes.sizeof(label))
        label.size = place.size
        for plane, (offset, stride) in enumerate(zip(place.offsets, place.strides, strict=True)):
            label.offset[plane], label.stride[plane] = offset, stride
        return memory


class _BesideDomain(CudaDomain):
    """In a context that GStreamer's elements made for themselves."""

    def __init__(self, device: Device, context: Any) -> None:
        super().__init__(device)
        self._context = context  # kept: it owns the CUcontext

    @property
    def _gst_context(self) -> Any:
        return self._context


def _packed(info: Any) -> Placement:
    """Rows on whole 128 bytes, the chroma plane right behind the luma plane and where a texture may begin."""
    pitch = -(-info.width // _ROW) * _ROW
    while pitch * info.height % _TEXTURE:
        pitch += _ROW
    luma = pitch * info.height
    size = -(-luma * 3 // 2 // _BLOCK_ROW) * _BLOCK_ROW
    return Placement((pitch, pitch), (0, luma), size, -(-size // _PAGE) * _PAGE if size > _SMALL else size)


def _is_nv12(info: Any) -> bool:
    return bool(info.finfo.format == GstVideo.VideoFormat.NV12)


def _plane_sizes(info: Any) -> list[tuple[int, int]]:
    """Bytes of a row, and rows, of each plane."""
    kind = info.finfo
    sizes = [(0, 0)] * kind.n_planes
    for part in range(kind.n_components):
        columns, rows = -(-info.width >> kind.w_sub[part]), -(-info.height >> kind.h_sub[part])
        plane = kind.plane[part]
        row_bytes = max(sizes[plane][0], columns * kind.pixel_stride[part])
        sizes[plane] = (row_bytes, max(sizes[plane][1], rows))
    return sizes
