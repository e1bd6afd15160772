"""What is shown in place of a camera that is lost, on the GPU: :mod:`touchline.panorama.standin` in device memory."""

from __future__ import annotations

import ctypes
import weakref
from importlib.resources import files
from types import TracebackType

import numpy as np

from touchline.cuda.device import Device, DeviceMemory
from touchline.cuda.kernels import Kernels
from touchline.cuda.picture import DevicePicture

_FILE = "cuda_standin.cu"
_BLOCK = (32, 8)
_ALIGNED = 512  # bytes; what textures ask of addresses
_BLACK, _GREY = 16, 128


class DeviceStandIn(DevicePicture):
    """A picture that is shown like any other, but says nothing about its camera: nobody may learn from it."""


class _Block:
    """Gives device memory back when the last picture over it is gone."""

    def __init__(self, memory: DeviceMemory) -> None:
        weakref.finalize(self, memory.close)


def still(picture: DevicePicture) -> DeviceStandIn:
    """The same pixels as a stand-in: a camera's last picture, shown on."""
    p = picture
    return DeviceStandIn(p.y, p.uv, p.y_pitch, p.uv_pitch, p.width, p.height, p.owner, p.device)


class DeviceStandIns:
    """Makes stand-ins.

    Args:
        device: where.
    """

    def __init__(self, device: Device) -> None:
        self._device = device
        self._stream = device.stream()
        self._kernels = Kernels(device, files(__package__).joinpath(_FILE), _FILE)

    def black(self, width: int, height: int) -> DeviceStandIn:
        """Nothing at all; complete."""
        made, memory = self._room(width, height)
        levels = np.full((height * 3 // 2, made.y_pitch), _BLACK, np.uint8)
        levels[height:] = _GREY
        memory.upload(levels, self._stream)
        return made

    def dimmed(self, picture: DevicePicture) -> DeviceStandIn:
        """A copy with a quarter of its light and of its colour, in memory of its own; complete."""
        made, _ = self._room(picture.width, picture.height)
        planes = (
            (picture.y, picture.y_pitch, made.y, made.y_pitch, picture.height, _BLACK),
            (picture.uv, picture.uv_pitch, made.uv, made.uv_pitch, picture.height // 2, _GREY),
        )
        columns = -(-picture.width // 4)
        for source, source_pitch, target, target_pitch, rows, level in planes:
            self._kernels.launch(
                "dim",
                (-(-columns // _BLOCK[0]), -(-rows // _BLOCK[1])),
                _BLOCK,
                self._stream,
                ctypes.c_uint64(source),
                ctypes.c_int32(source_pitch),
                ctypes.c_uint64(target),
                ctypes.c_int32(target_pitch),
                ctypes.c_int32(picture.width),
                ctypes.c_int32(rows),
                ctypes.c_float(level),
            )
        self._stream.wait()
        return made

    def close(self) -> None:
        """Lets go of the kernels; the pictures live on. May be called again."""
        self._stream.close()
        self._kernels.close()

    def __enter__(self) -> DeviceStandIns:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _room(self, width: int, height: int) -> tuple[DeviceStandIn, DeviceMemory]:
        pitch = -(-width // _ALIGNED) * _ALIGNED
        memory = DeviceMemory(self._device, pitch * height * 3 // 2)
        y = memory.pointer
        picture = DeviceStandIn(
            y, y + pitch * height, pitch, pitch, width, height, _Block(memory), self._device.index
        )
        return picture, memory
