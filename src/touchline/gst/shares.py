"""Shares: how a held frame is given out without being copied.

A share is a new GstBuffer over the same memory with the same timestamps and metadata. It keeps its parent alive,
so that the pool gets a frame back only when the last share of it is gone. The parent meta is added here because
GStreamer does so by itself only from 1.24 on; without it the pool would believe the frame free and allocate new
memory behind our back.
"""

from __future__ import annotations

from typing import Any

from touchline.gst.library import Gst

_ALL = (
    Gst.BufferCopyFlags.FLAGS
    | Gst.BufferCopyFlags.TIMESTAMPS
    | Gst.BufferCopyFlags.META
    | Gst.BufferCopyFlags.MEMORY
)
_WHOLE = 2**64 - 1


def share(buffer: Any) -> Any:
    """A new header over the memory of ``buffer``: about 3 us, no pixel touched.

    While it lives, ``buffer`` can't be mapped for writing. Setting a timestamp or an offset of the share leaves
    the original alone.
    """
    header = buffer.copy_region(_ALL, 0, _WHOLE)
    header.add_parent_buffer_meta(buffer)
    return header
