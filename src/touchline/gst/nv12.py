"""An NV12 picture as two NumPy arrays over memory that belongs to somebody else."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Plane = NDArray[np.uint8]


class Nv12(NamedTuple):
    """The two planes of an NV12 picture; views, never copies.

    Rows may be padded: only the last axes are contiguous. Video range: luma 16 .. 235, chroma 16 .. 240
    around 128. A chroma sample sits in the middle of its 2x2 luma samples (as in JPEG and MPEG-1), which the
    whole of Touchline assumes; the quarter of a pixel to MPEG-2's siting can't be seen.

    Attributes:
        y: luma, shape (height, width).
        uv: chroma, shape (height / 2, width / 2, 2): blue difference, then red difference.
    """

    y: Plane
    uv: Plane

    @property
    def width(self) -> int:
        return int(self.y.shape[1])

    @property
    def height(self) -> int:
        return int(self.y.shape[0])

    @classmethod
    def empty(cls, width: int, height: int) -> Nv12:
        """A new picture of undefined content in memory of its own (both planes in one block)."""
        if width <= 0 or height <= 0 or width % 2 or height % 2:
            raise ValueError(f"NV12 needs an even size above zero, not {width}x{height}")
        block = np.empty((height * 3 // 2, width), dtype=np.uint8)
        return cls(block[:height], block[height:].reshape(height // 2, width // 2, 2))

    @classmethod
    def over(
        cls, data: Any, width: int, height: int, strides: tuple[int, int], offsets: tuple[int, int]
    ) -> Nv12:
        """Views over ``data`` (anything with the buffer protocol), given row strides and plane offsets in bytes."""
        flat = np.frombuffer(data, dtype=np.uint8)
        y = np.lib.stride_tricks.as_strided(
            flat[offsets[0] :], (height, width), (strides[0], 1), writeable=flat.flags.writeable
        )
        uv = np.lib.stride_tricks.as_strided(
            flat[offsets[1] :],
            (height // 2, width // 2, 2),
            (strides[1], 2, 1),
            writeable=flat.flags.writeable,
        )
        return cls(y, uv)

    def copy_from(self, other: Nv12) -> None:
        """Copies every pixel of a picture of the same size."""
        self.y[:] = other.y
        # As pairs: NumPy copies an axis of length two sample by sample.
        self.uv.view(np.uint16)[:] = other.uv.view(np.uint16)

    def fill(self, y: int, u: int, v: int) -> None:
        """Paints the whole picture in one colour (16, 128, 128 is black)."""
        self.y[:] = y
        self.uv[..., 0] = u
        self.uv[..., 1] = v
