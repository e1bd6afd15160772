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
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from typing import Any

from touchline.errors import TouchlineError
from touchline.gst.caps import PlaneLayout, VideoCaps
from touchline.gst.domains import Domain, Placement, SystemDomain
from touchline.gst.library import Gst, GstVideo

_REFCOUNT_BYTE = 8  # in GstMiniObject, behind its type: part of GStreamer 1.x's ABI on 64-bit platforms
_POLL_S = 0.001
_WHOLE = 2**64 - 1
# Deep: without metas that refer to the source's memory, as the tie of a share to its parent does.
_COPIED = (
    Gst.BufferCopyFlags.FLAGS
    | Gst.BufferCopyFlags.TIMESTAMPS
    | Gst.BufferCopyFlags.META
    | Gst.BufferCopyFlags.DEEP
)


@dataclass(frozen=True)
class PoolStats:
    """A pool's books: the ``frames`` of ``frame_bytes`` that it has, and how many of them are ``free``."""

    frames: int
    free: int
    name: str = field(default="", compare=False)
    frame_bytes: int = field(default=0, compare=False)


class FramePool:
    """A fixed number of frames in one memory domain.

    All memory is allocated by :meth:`start` (*and touched*, in system memory), so that the first frames of a match
    cost what the later ones do, and a machine that has not enough fails before kick-off. A frame goes back by itself
    when its last reference and its last share are gone.

    Args:
        caps: what a frame is: VideoCaps, or any raw video as a Gst.Caps.
        frames: how many there are; never more, never fewer.
        name: for messages.
        domain: whose memory the frames lie in; plain memory by default.
    """

    def __init__(
        self, caps: VideoCaps | Any, frames: int, name: str = "pool", domain: Domain | None = None
    ) -> None:
        if frames < 1:
            raise ValueError(f"a pool needs at least one frame, not {frames}")
        self.caps = caps
        self.name = name
        self.frames = frames
        self.domain: Domain = domain or SystemDomain()
        self._gst_caps = caps.to_gst() if isinstance(caps, VideoCaps) else caps
        self._info = GstVideo.VideoInfo.new_from_caps(self._gst_caps)
        if self._info is None:
            raise ValueError(f"not raw video: {self._gst_caps.to_string()}")
        # For each frame its memories, and their reference counts: a frame of several planes may have several.
        self._memories: list[tuple[Any, ...]] = []
        self._references: list[tuple[ctypes.c_int32, ...]] = []
        self._next = 0
        self._lock = threading.Lock()
        self._flushed = threading.Event()

    @property
    def gst_caps(self) -> Any:
        """What a frame is, as Gst.Caps that name the memory domain."""
        caps = self._gst_caps.copy()
        if self.domain.feature is not None:
            caps.set_features_simple(Gst.CapsFeatures.from_string(self.domain.feature))
        return caps

    @cached_property
    def layout(self) -> PlaneLayout:
        """Where the planes of an NV12 frame lie. Raises ValueError for another format."""
        plain, place = PlaneLayout.from_caps(self._gst_caps), self._placement
        (y, uv), (first, second) = place.strides, place.offsets
        return replace(plain, strides=(y, uv), offsets=(first, second), size=place.size)

    @property
    def frame_bytes(self) -> int:
        """Bytes of memory that one frame takes, whatever its allocator rounds up to counted."""
        return self._placement.taken

    def start(self, progress: Callable[[int, int], None] | None = None) -> None:
        """Allocates every frame.

        Args:
            progress: called with frames done and frames in all.

        Raises:
            TouchlineError: if memory runs out, or the domain can't allocate.
        """
        _check_layout()
        self._flushed.clear()
        for memories in self.domain.allocate(self.gst_caps, self.frames):
            self._memories.append(memories)
            if progress:
                progress(len(self._memories), self.frames)
        if len(self._memories) < self.frames:
            raise TouchlineError(
                f"{self.name}: only {len(self._memories)} of {self.frames} frames of {self.frame_bytes} bytes "
                "could be allocated; choose a shorter delay or a smaller panorama"
            )
        self._references = [
            tuple(ctypes.c_int32.from_address(hash(one) + _REFCOUNT_BYTE) for one in memories)
            for memories in self._memories
        ]

    def acquire(self, wait: bool = False) -> Any | None:
        """A frame to write into: a buffer without timestamps, its content undefined.

        Args:
            wait: for a free frame; without it the answer comes at once.

        Returns:
            None if no frame is free, or (with ``wait``) when the pool is flushed meanwhile.
        """
        while not self._flushed.is_set():
            with self._lock:
                memories = self._free_memories()
                if memories is not None:
                    return self._frame_over(memories)
            if not wait:
                return None
            # Frames are freed by whatever thread of GStreamer drops them; nobody there could wake us cheaply.
            self._flushed.wait(_POLL_S)
        return None

    def copy_of(self, buffer: Any, wait: bool = False) -> Any | None:
        """A deep copy of a frame of the same domain, in a frame of this pool: pixels, timestamps, flags and metas.

        Args:
            buffer: what to copy; nothing in the copy refers to it.
            wait: for a free frame, as in :meth:`acquire`.

        Returns:
            None if no frame is free. Raises TouchlineError if the pixels can't be copied.
        """
        frame = self.acquire(wait)
        if frame is not None:
            frame.copy_into(buffer, _COPIED, 0, _WHOLE)
            self.domain.copy_into(buffer, frame, self._gst_caps)
        return frame

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
            taken = 0
            for references in self._references:
                for count in references:
                    if count.value != 1:
                        taken += 1
                        break
            frames = len(self._references)
        return PoolStats(frames, frames - taken, self.name, self.frame_bytes)

    def _free_memories(self) -> tuple[Any, ...] | None:
        """Memories that only the pool refers to. Frames come back nearly in the order in which they went."""
        count = len(self._references)
        for step in range(count):
            place = (self._next + step) % count
            for references in self._references[place]:
                if references.value != 1:
                    break
            else:
                self._next = (place + 1) % count
                return self._memories[place]
        return None

    def _frame_over(self, memories: tuple[Any, ...]) -> Any:
        buffer = Gst.Buffer.new()
        for memory in memories:
            buffer.append_memory(memory)
        GstVideo.buffer_add_video_meta_full(buffer, GstVideo.VideoFrameFlags.NONE, *self._plan)
        return buffer

    @cached_property
    def _plan(self) -> tuple[Any, ...]:
        """What the header of every frame says: format, width, height, planes, offsets and strides."""
        info, place = self._info, self._placement
        return (
            info.finfo.format,
            info.width,
            info.height,
            info.finfo.n_planes,
            _four(place.offsets),
            _four(place.strides),
        )

    @cached_property
    def _placement(self) -> Placement:
        return self.domain.placement(self._gst_caps)


def _four(figures: tuple[int, ...]) -> list[int]:
    """As many as GstVideo has places for planes."""
    return [*figures, *[0] * (4 - len(figures))]


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
