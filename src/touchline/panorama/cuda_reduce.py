"""Small versions of luma planes on the GPU, brought down for analysis that needs no detail."""

from __future__ import annotations

import ctypes
from importlib.resources import files
from types import TracebackType

from touchline.cuda.copies import PinnedMemory, Rows, copy_rows
from touchline.cuda.device import Device, DeviceMemory
from touchline.cuda.kernels import Kernels
from touchline.cuda.picture import DevicePicture
from touchline.panorama.reduce import Plane

_FILE = "cuda_reduce.cu"
_BLOCK = (32, 4)


class CudaReducer:
    """Gives what :func:`touchline.panorama.reduce.reduce_luma` gives, to the last bit. For one thread at a time.

    Args:
        device: where the pictures are.
        size: width and height of their luma.
        factor: 1 .. 16.

    Attributes:
        stream: in whose order the work is done.
        shape: of the reduced plane: (height // factor, width // factor).
        bytes_down: what comes down for each picture.

    Raises:
        ValueError: for another factor, or a picture smaller than a cell.
    """

    def __init__(self, device: Device, size: tuple[int, int], factor: int) -> None:
        if not 1 <= factor <= 16:
            raise ValueError(f"a plane can be reduced by 1 to 16, not by {factor}")
        if min(size) < factor:
            raise ValueError(f"a picture of {size[0]}x{size[1]} has no cell of {factor}x{factor}")
        self._device = device
        self._size = size
        self.shape = (size[1] // factor, size[0] // factor)
        self.bytes_down = self.shape[0] * self.shape[1]
        self.stream = device.stream()
        self._kernels = Kernels(device, files(__package__).joinpath(_FILE), _FILE, [f"-DFACTOR={factor}"])
        self._made = DeviceMemory(device, self.bytes_down)
        self._down = PinnedMemory(device, self.bytes_down)

    def reduce(self, picture: DevicePicture, out: Plane) -> None:
        """Writes the means of ``factor`` x ``factor`` luma samples; waits once, asleep.

        Args:
            picture: complete; of the size that was announced.
            out: written, of shape :attr:`shape`.

        Raises:
            ValueError: for a picture or an output of another size, or luma that does not lie on whole words.
        """
        if (picture.width, picture.height) != self._size:
            raise ValueError(
                f"a picture of {picture.width}x{picture.height} is not the announced {self._size[0]}x{self._size[1]}"
            )
        if out.shape != self.shape:
            raise ValueError(f"the reduced plane must have shape {self.shape}, not {out.shape}")
        if picture.y % 4 or picture.y_pitch % 4:
            raise ValueError(
                f"luma at {picture.y:#x} with rows of {picture.y_pitch} bytes is not on whole words"
            )
        self.queue(picture)
        self.stream.wait()
        out[...] = self._down.array("u1", self.shape)

    def queue(self, picture: DevicePicture) -> None:
        """Only the work, in the order of :attr:`stream`; nobody waits or checks."""
        rows, columns = self.shape
        self._kernels.launch(
            "reduce",
            (-(-columns // _BLOCK[0]), -(-rows // _BLOCK[1])),
            _BLOCK,
            self.stream,
            ctypes.c_uint64(picture.y),
            ctypes.c_int32(picture.y_pitch),
            ctypes.c_uint64(self._made.pointer),
            ctypes.c_int32(columns),
            ctypes.c_int32(rows),
        )
        size = self.bytes_down
        source, target = Rows(self._made.pointer, size), Rows(self._down.pointer, size, True)
        copy_rows(self._device, source, target, size, 1, self.stream)

    def close(self) -> None:
        """Lets go of everything. May be called again."""
        for part in (self.stream, self._kernels, self._made, self._down):
            part.close()

    def __enter__(self) -> CudaReducer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
