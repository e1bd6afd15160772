"""Pictures to and from a GPU."""

from __future__ import annotations

import numpy as np

from touchline.cuda.copies import Rows, download, upload_plane
from touchline.cuda.device import Device, DeviceMemory, Stream
from touchline.cuda.picture import DevicePicture
from touchline.gst.nv12 import Nv12


def room(device: Device, width: int, height: int, pitch: int | None = None) -> DevicePicture:
    """A new picture; rows of whole 512 bytes, as textures have them, unless another pitch is given."""
    pitch = pitch or -(-width // 512) * 512
    memory = DeviceMemory(device, pitch * height * 3 // 2)
    return DevicePicture(
        memory.pointer, memory.pointer + pitch * height, pitch, pitch, width, height, memory, device.index
    )


def fill(device: Device, picture: DevicePicture, level: int, stream: Stream) -> None:
    """Sets every byte, also those between the rows."""
    memory = picture.owner
    memory.upload(np.full(memory.size, level, np.uint8), stream)


def up(device: Device, picture: Nv12, stream: Stream, pitch: int | None = None) -> DevicePicture:
    """A copy of a picture of the host; complete."""
    made = room(device, picture.width, picture.height, pitch)
    upload_plane(device, np.ascontiguousarray(picture.y), Rows(made.y, made.y_pitch), stream)
    upload_plane(device, np.ascontiguousarray(picture.uv), Rows(made.uv, made.uv_pitch), stream)
    stream.wait()
    return made


def down(device: Device, picture: DevicePicture, stream: Stream) -> Nv12:
    """A copy on the host."""
    return Nv12(*(download(device, plane, stream) for plane in (picture.luma, picture.chroma)))


def beside(picture: DevicePicture, stream: Stream) -> np.ndarray:
    """The bytes between the rows' ends and the next rows' begins."""
    rows = picture.owner.download(np.uint8, (picture.height * 3 // 2, picture.y_pitch), stream)
    return rows[:, picture.width :]
