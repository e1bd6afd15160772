"""Copies of planes and pictures between the GPU and the host, and on the GPU; in a stream's order."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from math import prod
from typing import Any, NamedTuple

import numpy as np
from cuda.bindings import driver
from numpy.typing import DTypeLike, NDArray

from touchline.cuda.arrays import DeviceArray
from touchline.cuda.device import Device, Stream
from touchline.cuda.driver import check
from touchline.cuda.picture import DevicePicture
from touchline.errors import CudaError

_HOST = driver.CUmemorytype.CU_MEMORYTYPE_HOST
_DEVICE = driver.CUmemorytype.CU_MEMORYTYPE_DEVICE


class Rows(NamedTuple):
    """Where rows of bytes begin, how far they are apart, and whether that is in the host's memory."""

    address: int
    pitch: int
    host: bool = False


class PinnedMemory:
    """A block of the host's memory that the GPU copies to and from by itself, while nobody waits.

    Attributes:
        pointer: its address.
        size: bytes.

    Raises:
        CudaError: if there is not so much memory that can be pinned.
    """

    def __init__(self, device: Device, size: int) -> None:
        self._device = device
        self.size = size
        with device.current():
            self.pointer = int(
                check(driver.cuMemHostAlloc(size, 0), f"pin {size} bytes of the host's memory")
            )

    def array(self, dtype: DTypeLike, shape: int | Sequence[int], offset: int = 0) -> NDArray[Any]:
        """The block, from a byte on, as an array. It must not outlive the block."""
        kind = np.dtype(dtype)
        size = prod(shape if isinstance(shape, Sequence) else (shape,)) * kind.itemsize
        if offset < 0 or offset + size > self.size:
            raise CudaError(f"{size} bytes at {offset} do not fit a block of {self.size} bytes")
        block = (ctypes.c_uint8 * size).from_address(self.pointer + offset)
        return np.frombuffer(memoryview(block), dtype=kind).reshape(shape)

    def close(self) -> None:
        """Gives the memory back; nothing that was queued may use it still. May be called again."""
        if self.pointer:
            pointer, self.pointer = self.pointer, 0
            with self._device.current():
                driver.cuMemFreeHost(pointer)

    def __enter__(self) -> PinnedMemory:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()


def copy_rows(device: Device, source: Rows, target: Rows, row_bytes: int, rows: int, stream: Stream) -> None:
    """Queues a copy of ``rows`` rows of ``row_bytes`` bytes. The host's side should be pinned: else this waits."""
    plan = driver.CUDA_MEMCPY2D()
    plan.WidthInBytes, plan.Height = row_bytes, rows
    plan.srcPitch, plan.dstPitch = source.pitch, target.pitch
    plan.srcMemoryType = _HOST if source.host else _DEVICE
    plan.dstMemoryType = _HOST if target.host else _DEVICE
    if source.host:
        plan.srcHost = source.address
    else:
        plan.srcDevice = source.address
    if target.host:
        plan.dstHost = target.address
    else:
        plan.dstDevice = target.address
    with device.current():
        check(driver.cuMemcpy2DAsync(plan, stream.native), "copy a plane")


def copy_picture(device: Device, source: DevicePicture, target: DevicePicture, stream: Stream) -> None:
    """Queues a copy of every pixel of a picture of the same size, on the GPU."""
    if (source.width, source.height) != (target.width, target.height):
        raise CudaError(
            f"a picture of {source.width}x{source.height} does not fit {target.width}x{target.height}"
        )
    width, height = source.width, source.height
    luma, chroma = Rows(source.y, source.y_pitch), Rows(source.uv, source.uv_pitch)
    copy_rows(device, luma, Rows(target.y, target.y_pitch), width, height, stream)
    copy_rows(device, chroma, Rows(target.uv, target.uv_pitch), width, height // 2, stream)


def upload_plane(device: Device, plane: NDArray[Any], target: Rows, stream: Stream) -> None:
    """Queues a copy of a plane of the host, whose rows are contiguous, to the GPU."""
    row_bytes = prod(plane.shape[1:]) * plane.itemsize
    copy_rows(device, Rows(plane.ctypes.data, plane.strides[0], True), target, row_bytes, len(plane), stream)


def download(
    device: Device, array: DeviceArray, stream: Stream, into: NDArray[Any] | None = None
) -> NDArray[Any]:
    """An array of the GPU as one of NumPy, after all that the stream has been given so far.

    Args:
        device: where it is.
        array: each element of its first axis must be contiguous.
        stream: in whose order.
        into: where to put it, pinned for speed; by default new memory.
    """
    inner = prod(array.shape[1:]) * array.dtype.itemsize
    host = np.empty(array.shape, array.dtype) if into is None else into
    stream.wait()  # asleep; a copy to pageable memory would wait awake
    copy_rows(
        device,
        Rows(array.pointer, array.strides[0]),
        Rows(host.ctypes.data, host.strides[0], True),
        inner,
        array.shape[0],
        stream,
    )
    stream.wait()
    return host
