"""What a detector has found in one panorama."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, Protocol

from touchline.gst.nv12 import Nv12

Kind = Literal["ball", "player"]
KINDS: tuple[Kind, ...] = ("ball", "player")


@dataclass(frozen=True, slots=True)
class Detection:
    """Something that was found.

    Attributes:
        left, top, right, bottom: its box, edges in the panorama's pixels: the first pixel reaches from 0 to 1.
        kind: what it is; a referee is a player.
        confidence: 0 .. 1.

    Raises:
        ValueError: for an empty box, numbers that are not finite, another kind or a confidence out of range.
    """

    left: float
    top: float
    right: float
    bottom: float
    kind: Kind
    confidence: float

    def __post_init__(self) -> None:
        if not all(math.isfinite(edge) for edge in (self.left, self.top, self.right, self.bottom)):
            raise ValueError("the edges of a box must be finite numbers")
        if not (self.left < self.right and self.top < self.bottom):
            raise ValueError(f"an empty box: {self.left:g}, {self.top:g} to {self.right:g}, {self.bottom:g}")
        if self.kind not in KINDS:
            raise ValueError(f"a detection is of a {' or a '.join(KINDS)}, not of {self.kind!r}")
        if not 0 <= self.confidence <= 1:
            raise ValueError(f"a confidence is 0 .. 1, not {self.confidence}")


@dataclass(frozen=True, slots=True)
class Detections:
    """All that was found in the frame with this pts (ns), in no particular order."""

    pts_ns: int
    found: tuple[Detection, ...] = ()


class Detector(Protocol):
    """Finds the ball and the players in panoramas of one size.

    It is given some of the frames, in their order, by one thread; it may remember those before.
    """

    def detect(self, panorama: Nv12, pts_ns: int) -> Detections:
        """What is in a panorama, which is only read, and only until this returns."""
        ...

    def close(self) -> None:
        """Lets go of what it holds."""
        ...
