"""An NV12 picture in GPU memory."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from touchline.cuda.arrays import DeviceArray


@dataclass(frozen=True)
class DevicePicture:
    """The two planes of an NV12 picture on the GPU; addresses, never copies. As ``touchline.gst.nv12.Nv12`` otherwise.

    Args:
        y, uv: device addresses of the luma and of the chroma plane.
        y_pitch, uv_pitch: bytes from one row to the next.
        width, height: of the luma, in pixels, even.
        owner: kept alive as long as the picture and whatever was made from its views.
        device: the GPU's index.
    """

    y: int
    uv: int
    y_pitch: int
    uv_pitch: int
    width: int
    height: int
    owner: Any = field(default=None, compare=False, repr=False)
    device: int = 0

    def __post_init__(self) -> None:
        if self.width <= 0 or self.height <= 0 or self.width % 2 or self.height % 2:
            raise ValueError(f"NV12 needs an even size above zero, not {self.width}x{self.height}")
        if min(self.y_pitch, self.uv_pitch) < self.width:
            raise ValueError(
                f"rows of {self.width} bytes do not fit pitches of {self.y_pitch} and {self.uv_pitch}"
            )

    @property
    def luma(self) -> DeviceArray:
        """Luma, shape (height, width), uint8, for CuPy, PyTorch, numba."""
        shape, strides = (self.height, self.width), (self.y_pitch, 1)
        return DeviceArray(self.y, shape, strides, owner=self.owner, device=self.device)

    @property
    def chroma(self) -> DeviceArray:
        """Chroma, shape (height / 2, width / 2, 2), uint8: blue difference, then red difference."""
        shape, strides = (self.height // 2, self.width // 2, 2), (self.uv_pitch, 2, 1)
        return DeviceArray(self.uv, shape, strides, owner=self.owner, device=self.device)
