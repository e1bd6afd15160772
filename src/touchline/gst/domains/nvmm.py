"""NVIDIA's memory in DeepStream and on Jetson: a buffer holds a description of a surface, not its pixels.

It has not run on a Jetson, nor with DeepStream: it is tested with buffers that are labelled ``memory:NVMM`` and hold
an opaque block, as theirs do, passed by elements that stand in for NVIDIA's. Nothing in the block is read. What is
assumed is what NVIDIA documents: mapping such a buffer gives the address of its surface description (NvBufSurface),
and a surface of a pool keeps its description for as long as the pool lives.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NoReturn

from touchline.errors import TouchlineError
from touchline.gst.caps import PlaneLayout
from touchline.gst.domains.protocol import Placement, placement_of
from touchline.gst.mapping import address
from touchline.gst.nv12 import Nv12

_COPY = "let `nvvideoconvert output-buffers=N` make the copy, with N for the whole window"


class NvmmDomain:
    """Frames that only NVIDIA's elements can make. They can be held and shown later, and nothing else."""

    name = "nvmm"
    feature: str | None = "memory:NVMM"

    def identity(self, buffer: Any) -> int:
        """Where the surface's description lies: the only thing that we ever map here."""
        return address(buffer)

    def beside(self, buffer: Any) -> NvmmDomain:
        """This one."""
        return self

    def prepare(self, pipeline: Any) -> None:
        """Nothing to do: the surfaces are the whole device's."""

    def placement(self, caps: Any) -> Placement:
        """GStreamer's default."""
        return placement_of(caps)

    def allocate(self, caps: Any, frames: int) -> Iterator[tuple[Any, ...]]:
        """Always refused."""
        _refuse(f"frames in NVMM memory can't be allocated from outside: {_COPY}")

    def copy_into(self, source: Any, target: Any, caps: Any) -> None:
        """Always refused: a copy of the description would be another reference to the same pixels."""
        _refuse(f"frames in NVMM memory can't be copied, the buffer holds only a description: {_COPY}")

    def write(self, target: Any, picture: Nv12, caps: Any) -> None:
        """Always refused."""
        _refuse("a picture can't be written into NVMM memory from outside: let nvvideoconvert upload it")

    def reading(self, buffer: Any, layout: PlaneLayout) -> NoReturn:
        """Always refused."""
        _refuse("the pixels of a surface can't be reached from here: put nvvideoconvert before")

    def writing(self, buffer: Any, layout: PlaneLayout) -> NoReturn:
        """Always refused."""
        _refuse("a surface can't be painted from outside: let nvvideoconvert upload it")


def _refuse(why: str) -> NoReturn:
    raise TouchlineError(why)
