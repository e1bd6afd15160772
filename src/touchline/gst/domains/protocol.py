"""What a memory domain can do: the few things about a frame that depend on where its pixels lie."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

from touchline.gst.nv12 import Nv12


class Domain(Protocol):
    """A kind of memory that frames lie in.

    Attributes:
        name: "system", "gl" or "nvmm".
        feature: what caps call it ("memory:GLMemory"); None for system memory, which has no name there.
    """

    name: str
    feature: str | None

    def identity(self, buffer: Any) -> int:
        """Which memory a buffer's pixels are in; never 0.

        The same for every header and every share over the same pixels, different for any two frames that are held
        at the same time. Raises TouchlineError if the buffer is not of this domain.
        """

    def beside(self, buffer: Any) -> Domain:
        """This domain where the maker of ``buffer`` works: what it allocates can take copies of his frames."""

    def prepare(self, pipeline: Any) -> None:
        """Makes a Gst.Pipeline able to use memory that this domain allocates; before it starts."""

    def allocate(self, caps: Any, frames: int) -> Iterator[tuple[Any, ...]]:
        """The memories of one frame after another, allocated when they are asked for.

        Args:
            caps: of the frames, raw video; a Gst.Caps.
            frames: the most there will be.

        Returns:
            Fewer than ``frames`` if memory runs out. Raises TouchlineError where nobody but the hardware's own
            elements can allocate.
        """

    def copy_into(self, source: Any, target: Any, caps: Any) -> None:
        """A deep copy of the pixels, inside the domain.

        Args:
            source: any buffer of this domain.
            target: a frame of a pool of ours that nobody else has.
            caps: of both.

        Raises:
            TouchlineError: if the pixels can't be copied.
        """

    def write(self, target: Any, picture: Nv12, caps: Any) -> None:
        """Puts a picture into a frame of a pool of ours that nobody else has; for slates, not for every frame.

        Raises:
            TouchlineError: if the frame can't be written, or is not NV12 of the picture's size.
        """
