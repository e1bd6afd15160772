"""Plain memory, which every element can map."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from contextlib import AbstractContextManager
from functools import cache
from typing import Any

import numpy as np

from touchline.errors import TouchlineError
from touchline.gst.caps import PlaneLayout
from touchline.gst.domains.protocol import Placement, placement_of
from touchline.gst.library import Gst, GstVideo
from touchline.gst.mapping import read_nv12, writable, write_nv12
from touchline.gst.native_memory import MapInfo, libgst
from touchline.gst.nv12 import Nv12

_ALIGN = 63  # cache lines, as a mask
_PAGE = 4096
_READ = int(Gst.MapFlags.READ)
_VIDEO_FRAME_BYTES = 4096  # a GstVideoFrame has less than 1000; it lives as long as its two calls


class SystemDomain:
    """Frames in plain memory, one block for all planes of a frame."""

    name = "system"
    feature: str | None = None

    def identity(self, buffer: Any) -> int:
        """Where the pixels begin. Asked for every frame that is not ours, so in C: some microseconds."""
        gst, found = libgst(), MapInfo()
        if not buffer.n_memory():
            raise TouchlineError("a buffer without memory has no pixels")
        memory = gst.gst_buffer_peek_memory(hash(buffer), 0)
        if not gst.gst_memory_map(memory, ctypes.byref(found), _READ):
            raise TouchlineError(f"a buffer of {buffer.get_size()} bytes can't be mapped")
        gst.gst_memory_unmap(memory, ctypes.byref(found))
        return int(found.data)

    def beside(self, buffer: Any) -> SystemDomain:
        """This one: plain memory is everybody's."""
        return self

    def prepare(self, pipeline: Any) -> None:
        """Nothing to do: plain memory is everybody's."""

    def placement(self, caps: Any) -> Placement:
        """GStreamer's default."""
        return placement_of(caps)

    def allocate(self, caps: Any, frames: int) -> Iterator[tuple[Any, ...]]:
        """Blocks that begin on a cache line, every page of them touched."""
        size = GstVideo.VideoInfo.new_from_caps(caps).size
        params = Gst.AllocationParams()
        params.align = _ALIGN
        for _ in range(frames):
            memory = Gst.Allocator.find(None).alloc(size, params)
            mapped, info = memory.map(Gst.MapFlags.WRITE) if memory is not None else (False, None)
            if info is None or not mapped:
                return
            np.frombuffer(info.data, dtype=np.uint8)[::_PAGE] = 0
            memory.unmap(info)
            yield (memory,)

    def copy_into(self, source: Any, target: Any, caps: Any) -> None:
        """Plane by plane, whatever the rows are padded to, without the interpreter's lock."""
        if not writable(target):
            raise TouchlineError("a frame that others hold can't be copied into")
        video = _libgstvideo()
        info = GstVideo.VideoInfo.new_from_caps(caps)
        meta = GstVideo.buffer_get_video_meta(source)
        if meta and (meta.format, meta.width, meta.height) != (info.finfo.format, info.width, info.height):
            # Asked here, because GStreamer copies a corner of a larger picture without a word.
            raise TouchlineError("a frame of another size or format can't be copied into this pool")
        frames = [ctypes.create_string_buffer(_VIDEO_FRAME_BYTES) for _ in range(2)]
        ways = ((source, Gst.MapFlags.READ), (target, Gst.MapFlags.WRITE))
        mapped = []
        try:
            for frame, (buffer, flags) in zip(frames, ways, strict=True):
                if not video.gst_video_frame_map(frame, hash(info), hash(buffer), int(flags)):
                    raise TouchlineError(f"a buffer of {buffer.get_size()} bytes can't be mapped for a copy")
                mapped.append(frame)
            if not video.gst_video_frame_copy(frames[1], frames[0]):
                raise TouchlineError("a frame of another size or format can't be copied into this pool")
        finally:
            for frame in mapped:
                video.gst_video_frame_unmap(frame)

    def write(self, target: Any, picture: Nv12, caps: Any) -> None:
        """Into the frame's own rows."""
        with write_nv12(target, PlaneLayout.from_caps(caps)) as own:
            if own.y.shape != picture.y.shape:
                raise TouchlineError(
                    f"a picture of {picture.width}x{picture.height} does not fit {own.width}x{own.height}"
                )
            own.copy_from(picture)

    def reading(self, buffer: Any, layout: PlaneLayout) -> AbstractContextManager[Nv12]:
        """NumPy views over the frame's memory."""
        return read_nv12(buffer, layout)

    def writing(self, buffer: Any, layout: PlaneLayout) -> AbstractContextManager[Nv12]:
        """NumPy views over the frame's memory."""
        return write_nv12(buffer, layout)


@cache
def _libgstvideo() -> ctypes.CDLL:
    """libgstvideo itself: PyGObject would copy its GstVideoFrame, which must stay where it was mapped."""
    library = ctypes.CDLL("libgstvideo-1.0.so.0")
    pointer = ctypes.c_void_p
    library.gst_video_frame_map.argtypes = [pointer, pointer, pointer, ctypes.c_int]
    library.gst_video_frame_copy.argtypes = [pointer, pointer]
    library.gst_video_frame_unmap.argtypes = [pointer]
    library.gst_video_frame_unmap.restype = None
    return library
