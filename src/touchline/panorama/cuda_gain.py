"""What :mod:`touchline.panorama.gain` needs to know of two pictures, found out on the GPU."""

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
from touchline.panorama.cuda_tables import Planes
from touchline.panorama.cuda_told import MOST_POINTS, OPTIONS, THREADS, TOLD, told_difference
from touchline.panorama.gain import Difference

_FILE = "cuda_gain.cu"


class GainMeter:
    """Compares pairs of pictures at pairs of points; five numbers come down, and no sample.

    Args:
        device: where the pictures are.
        stream: in whose order the work is done.
        points: :attr:`touchline.panorama.gain.Gain.points`.

    Attributes:
        bytes_down: what comes down for each pair of pictures.

    Raises:
        ValueError: for more than 2048 points.
    """

    def __init__(
        self, device: Device, stream: Stream, points: tuple[NDArray[np.int32], NDArray[np.int32]]
    ) -> None:
        self._device = device
        self._stream = stream
        self._count = len(points[0])
        if self._count > MOST_POINTS:
            raise ValueError(f"{self._count} points are more than the {MOST_POINTS} that there is room for")
        self.bytes_down = TOLD.itemsize if self._count else 0
        self._kernels = Kernels(device, files(__package__).joinpath(_FILE), _FILE, OPTIONS)
        self._points = DeviceMemory.of(device, np.concatenate(points), stream)
        self._made = DeviceMemory(device, TOLD.itemsize)
        self._down = PinnedMemory(device, TOLD.itemsize)

    def queue(self, left: DevicePicture, right: DevicePicture) -> None:
        """Has a pair compared. The pictures must stay as they are until the stream has come so far."""
        if not self._count:
            return
        self._kernels.launch(
            "differ",
            (1,),
            (THREADS,),
            self._stream,
            *(Planes(p.y, p.uv, p.y_pitch, p.uv_pitch) for p in (left, right)),
            ctypes.c_uint64(self._points.pointer),
            ctypes.c_uint64(self._made.pointer),
            ctypes.c_int32(self._count),
        )
        size = TOLD.itemsize
        source, target = Rows(self._made.pointer, size), Rows(self._down.pointer, size, True)
        copy_rows(self._device, source, target, size, 1, self._stream)

    def seen(self) -> Difference | None:
        """How the last pair differs, once the stream has been waited for; None if it does not tell."""
        return told_difference(self._down.array(TOLD, 1)[0]) if self._count else None

    def close(self) -> None:
        """Lets go of everything, once the stream is idle. May be called again."""
        for part in (self._kernels, self._points, self._made, self._down):
            part.close()

    def __enter__(self) -> GainMeter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
