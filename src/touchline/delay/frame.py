"""A frame that was taken out of a store."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Frame:
    """A frame that was taken out of a store.

    Attributes:
        buffer: a share; the memory is held for as long as this lives.
        pts: presentation time on the capture's timeline, ns.
        duration: ns; 0 if unknown.
        sequence: how many frames the store had got before this one.
        caps: of this frame, where they are not known otherwise.
        key: which memory the pixels are in; 0 if nobody asked.
    """

    buffer: Any
    pts: int
    duration: int
    sequence: int
    caps: Any = None
    key: int = 0
