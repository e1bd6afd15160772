"""What a memory domain can do: the few things about a frame that depend on where its pixels lie."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Any, NamedTuple, Protocol

from touchline.gst.caps import PlaneLayout
from touchline.gst.library import GstVideo
from touchline.gst.nv12 import Nv12


class Placement(NamedTuple):
    """How a domain lays out a frame.

    Attributes:
        strides: bytes from row to row, for each plane.
        offsets: where each plane begins.
        size: bytes of the frame's buffer.
        taken: bytes of memory that are gone for it: what the allocator rounds up is counted.
    """

    strides: tuple[int, ...]
    offsets: tuple[int, ...]
    size: int
    taken: int


def placement_of(caps: Any) -> Placement:
    """GStreamer's default layout of raw video caps."""
    info = GstVideo.VideoInfo.new_from_caps(caps)
    count, size = info.finfo.n_planes, int(info.size)
    return Placement(tuple(info.stride[:count]), tuple(info.offset[:count]), size, size)


class Domain(Protocol):
    """A kind of memory that frames lie in.

    Attributes:
        name: "system", "gl", "cuda" or "nvmm".
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

    def placement(self, caps: Any) -> Placement:
        """How frames that this domain allocates are laid out, known before any is.

        Args:
            caps: of the frames, raw video; a Gst.Caps.
        """

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

    def reading(self, buffer: Any, layout: PlaneLayout) -> AbstractContextManager[Any]:
        """The NV12 picture in a frame, where it lies: an Nv12, or a DevicePicture on the GPU.

        Args:
            buffer: any frame of this domain; it is complete.
            layout: what its caps say.

        Raises:
            TouchlineError: if the pixels can't be reached from here.
        """

    def writing(self, buffer: Any, layout: PlaneLayout) -> AbstractContextManager[Any]:
        """The same, to be written: for a frame of a pool of ours that nobody else has.

        Whoever writes is done when he leaves the ``with``; on a GPU he waits for his stream inside.
        """
