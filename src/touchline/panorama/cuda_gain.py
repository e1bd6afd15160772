"""What :mod:`touchline.panorama.gain` needs to know of two pictures, read on the GPU."""

from __future__ import annotations

import ctypes
from importlib.resources import files
from types import TracebackType

import numpy as np
from numpy.typing import NDArray

from touchline.cuda.copies import PinnedMemory, Rows, copy_rows
from touchline.cuda.device import Device, DeviceMemory, Stream
from touchline.cuda.kernels import Kernels
from touchline.cuda.picture import DevicePicture
from touchline.panorama.cuda_tables import SAMPLE, Planes, unpacked

_FILE = "cuda_gain.cu"
_THREADS = 128


class GainSampler:
    """Reads pairs of pictures at pairs of points and brings the samples down.

    Args:
        device: where the pictures are.
        stream: in whose order the work is done.
        points: :attr:`touchline.panorama.gain.Gain.points`.

    Attributes:
        bytes_down: what comes down for each pair of pictures.
    """

    def __init__(
        self, device: Device, stream: Stream, points: tuple[NDArray[np.int32], NDArray[np.int32]]
    ) -> None:
        self._device = device
        self._stream = stream
        self._count = len(points[0])
        self.bytes_down = self._count * 2 * SAMPLE.itemsize
        self._kernels = Kernels(device, files(__package__).joinpath(_FILE), _FILE)
        self._points = DeviceMemory.of(device, np.concatenate(points), stream)
        self._made = DeviceMemory(device, max(1, self.bytes_down))
        self._down = PinnedMemory(device, max(1, self.bytes_down))

    def queue(self, left: DevicePicture, right: DevicePicture) -> None:
        """Has a pair read. The pictures must stay as they are until the stream has come so far."""
        if not self._count:
            return
        self._kernels.launch(
            "sample_points",
            (-(-self._count // _THREADS),),
            (_THREADS,),
            self._stream,
            *(Planes(p.y, p.uv, p.y_pitch, p.uv_pitch) for p in (left, right)),
            ctypes.c_uint64(self._points.pointer),
            ctypes.c_uint64(self._made.pointer),
            ctypes.c_int32(self._count),
        )
        size = self.bytes_down
        copy_rows(
            self._device,
            Rows(self._made.pointer, size),
            Rows(self._down.pointer, size, True),
            size,
            1,
            self._stream,
        )

    def samples(self) -> NDArray[np.int32]:
        """What was read last, once the stream has been waited for; as
        :func:`touchline.panorama.plane_kernels.sample_points` writes it, shape (n, 6)."""
        if not self._count:
            return np.empty((0, 6), np.int32)
        return unpacked(self._down.array(SAMPLE, (self._count, 2)))

    def close(self) -> None:
        """Lets go of everything, once the stream is idle. May be called again."""
        for part in (self._kernels, self._points, self._made, self._down):
            part.close()

    def __enter__(self) -> GainSampler:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
