"""Pools that we own: every frame that we hold is allocated here, before the start.

Not a GstBufferPool, on purpose. Up to GStreamer 1.22.0 a share that is freed lets go of its parent before it lets go
of the memory, so a GstBufferPool finds the returning buffer's memory still shared, throws the buffer away and
allocates another one: quietly, for every frame. Here the pool keeps the *memory*; a frame is a fresh header (some
microseconds) over memory that nobody else refers to, and it is free again when the last header over it is gone,
whoever held it. That holds for every kind of GstMemory and every version.
"""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from touchline.errors import TouchlineError
from touchline.gst.caps import PlaneLayout, VideoCaps
from touchline.gst.library import Gst, GstVideo

_ALIGN = 63  # cache lines, as a mask
_REFCOUNT_BYTE = 8  # in GstMiniObject, behind its type: part of GStreamer 1.x's ABI on 64-bit platforms
_POLL_S = 0.001


@dataclass(frozen=True)
class PoolStats:
    """A pool's books: the ``frames`` that it has and how many of them are ``free``."""

    frames: int
    free: int


class FramePool:
    """A fixed number of NV12 frames in system memory.

    All memory is allocated *and touched* by :meth:`start`, so that the first frames of a match cost what the
    later ones do, and a machine that has not enough fails before kick-off. A frame goes back by itself when its
    last reference and its last share are gone.

    Args:
        caps: what a frame is.
        frames: how many there are; never more, never fewer.
        name: for messages.
    """

    def __init__(self, caps: VideoCaps, frames: int, name: str = "pool") -> None:
        if frames < 1:
            raise ValueError(f"a pool needs at least one frame, not {frames}")
        self.caps = caps
        self.name = name
        self.frames = frames
        self.layout = PlaneLayout.from_caps(caps.to_gst())
        self._memories: list[Any] = []
        self._references: list[ctypes.c_int32] = []
        self._next = 0
        self._lock = threading.Lock()
        self._flushed = threading.Event()

    @property
    def frame_bytes(self) -> int:
        """Bytes of memory that one frame takes."""
        return self.layout.size

    def start(self, progress: Callable[[int, int], None] | None = None) -> None:
        """Allocates every frame and touches every page of it.

        Args:
            progress: called with frames done and frames in all.

        Raises:
            TouchlineError: if memory runs out.
        """
        _check_layout()
        self._flushed.clear()
        for done in range(self.frames):
            self._memories.append(self._allocate())
            if progress:
                progress(done + 1, self.frames)
        self._references = [ctypes.c_int32.from_address(hash(m) + _REFCOUNT_BYTE) for m in self._memories]

    def acquire(self, wait: bool = False) -> Any | None:
        """A frame to write into: a buffer without timestamps, its content undefined.

        Args:
            wait: for a free frame; without it the answer comes at once.

        Returns:
            None if no frame is free, or (with ``wait``) when the pool is flushed meanwhile.
        """
        while not self._flushed.is_set():
            with self._lock:
                memory = self._free_memory()
                if memory is not None:
                    return self._frame_over(memory)
            if not wait:
                return None
            # Frames are freed by whatever thread of GStreamer drops them; nobody there could wake us cheaply.
            self._flushed.wait(_POLL_S)
        return None

    def flush(self) -> None:
        """Wakes everybody who waits for a frame and refuses new ones; for stopping."""
        self._flushed.set()

    def stop(self) -> None:
        """Lets go of the memory: it is given back to the system when the last frame that is out is gone."""
        self.flush()
        with self._lock:
            self._references = []
            self._memories = []

    def stats(self) -> PoolStats:
        """The pool's books, now. Asks the memory itself, so nothing in the frames' way has to count."""
        with self._lock:
            return PoolStats(len(self._references), sum(count.value == 1 for count in self._references))

    def _free_memory(self) -> Any | None:
        """Memory that only the pool refers to. Frames come back nearly in the order in which they went."""
        count = len(self._references)
        for step in range(count):
            place = (self._next + step) % count
            if self._references[place].value == 1:
                self._next = (place + 1) % count
                return self._memories[place]
        return None

    def _frame_over(self, memory: Any) -> Any:
        buffer = Gst.Buffer.new()
        buffer.append_memory(memory)
        layout = self.layout
        GstVideo.buffer_add_video_meta_full(
            buffer,
            GstVideo.VideoFrameFlags.NONE,
            GstVideo.VideoFormat.NV12,
            layout.width,
            layout.height,
            2,
            [*layout.offsets, 0, 0],
            [*layout.strides, 0, 0],
        )
        return buffer

    def _allocate(self) -> Any:
        params = Gst.AllocationParams()
        params.align = _ALIGN
        memory = Gst.Allocator.find(None).alloc(self.layout.size, params)
        mapped, info = memory.map(Gst.MapFlags.WRITE) if memory is not None else (False, None)
        if info is None or not mapped:
            raise TouchlineError(
                f"{self.name}: only {len(self._memories)} of {self.frames} frames of {self.frame_bytes} bytes "
                "could be allocated; choose a shorter delay or a smaller panorama"
            )
        np.frombuffer(info.data, dtype=np.uint8)[::4096] = 0
        memory.unmap(info)
        return memory


@cache
def _check_layout() -> None:
    """Reads reference counts where we believe them to be. Raises TouchlineError if this platform differs."""
    memory = Gst.Allocator.find(None).alloc(64, Gst.AllocationParams())
    count = ctypes.c_int32.from_address(hash(memory) + _REFCOUNT_BYTE)
    alone = count.value
    holder = Gst.Buffer.new()
    holder.append_memory(memory)
    held = count.value
    del holder
    if (alone, held, count.value) != (1, 2, 1):
        raise TouchlineError("this GStreamer counts references in an unknown way; please report its version")
