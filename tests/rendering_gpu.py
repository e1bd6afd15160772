"""Pictures in GPU memory for the tests of what renders them."""

from __future__ import annotations

import numpy as np

from touchline.cuda.copies import Rows, download, upload_plane
from touchline.cuda.device import Device, DeviceMemory, Stream
from touchline.cuda.picture import DevicePicture
from touchline.gst.nv12 import Nv12


class DeviceFrame:
    """A picture in memory of its own, rows on 512 bytes as decoders lay them; or another pitch.

    Args:
        device, stream: where, and in whose order it is copied.
        picture: copied; or only its size, and every byte 77.
        pitch: bytes from row to row.
    """

    def __init__(
        self, device: Device, stream: Stream, picture: Nv12 | tuple[int, int], pitch: int | None = None
    ) -> None:
        width, height = picture if type(picture) is tuple else (picture.width, picture.height)
        self.pitch = pitch = pitch or -(-width // 512) * 512
        self._device, self._stream, self._rows = device, stream, height * 3 // 2
        # The planes of decoders begin on 512 bytes too.
        chroma = -(-pitch * height // 512) * 512
        self.memory = DeviceMemory(device, chroma + pitch * height // 2)
        self.memory.upload(np.full(self.memory.size, 77, np.uint8), stream)
        pointer = self.memory.pointer
        self.picture = DevicePicture(
            pointer, pointer + chroma, pitch, pitch, width, height, owner=self.memory
        )
        if type(picture) is not tuple:
            upload_plane(device, picture.y, Rows(self.picture.y, pitch), stream)
            upload_plane(device, picture.uv, Rows(self.picture.uv, pitch), stream)
            stream.wait()

    def pixels(self) -> Nv12:
        """A copy on the host."""
        return Nv12(
            *(download(self._device, part, self._stream) for part in (self.picture.luma, self.picture.chroma))
        )

    def bytes(self) -> np.ndarray:
        """All of its memory, padding too."""
        return self.memory.download(np.uint8, self.memory.size, self._stream)

    def close(self) -> None:
        self.memory.close()

    def __enter__(self) -> DeviceFrame:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()
