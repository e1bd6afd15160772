"""One GPU through its primary context, which CuPy, PyTorch and GStreamer then share: streams, events, memory.

Every call makes the context current on the calling thread for as long as it lasts, so that any thread may use what is
here. Waiting is done asleep: on events made for that, and in a context that schedules so.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from cuda.bindings import driver
from numpy.typing import DTypeLike, NDArray

from touchline.cuda.driver import check
from touchline.errors import CudaError, MissingCudaError

_Flags = driver.CUctx_flags
_Attribute = driver.CUdevice_attribute
_ASLEEP = int(driver.CUevent_flags.CU_EVENT_BLOCKING_SYNC)
_UNTIMED = int(driver.CUevent_flags.CU_EVENT_DISABLE_TIMING)
_NON_BLOCKING = int(driver.CUstream_flags.CU_STREAM_NON_BLOCKING)
_MODULE = Path("/proc/driver/nvidia/version")


class Device:
    """One GPU.

    Args:
        index: as CUDA counts.
        context: another library's CUcontext on that GPU, to be used instead of the primary one; stays theirs.

    Attributes:
        index: the same.
        name: of the GPU, for people.
        capability: its compute capability, major and minor.
        driver: the driver's version, for people and for the keys of caches.
        context: the CUcontext as a number.

    Raises:
        MissingCudaError: if there is no driver or no such GPU.
    """

    def __init__(self, index: int = 0, context: int | None = None) -> None:
        self.index = index
        self._device = _open(index)
        self.name = check(driver.cuDeviceGetName(128, self._device), "tell its name").split(b"\0")[0].decode()
        self.capability = (
            self.attribute(_Attribute.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR),
            self.attribute(_Attribute.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR),
        )
        self.driver = _driver_version()
        self._owned = context is None
        self._context = self._primary() if context is None else driver.CUcontext(context)
        self.context = int(self._context)
        self._current = _Current(self._context)

    def current(self) -> _Current:
        """``with device.current():`` the context is current on this thread. About 1 us; may be nested."""
        return self._current

    def memory(self) -> tuple[int, int]:
        """Free and total bytes of the GPU, those of other processes counted."""
        with self._current:
            free, total = check(driver.cuMemGetInfo(), "tell its memory")
        return int(free), int(total)

    def attribute(self, attribute: Any) -> int:
        """A figure of the GPU, by its ``cuda.bindings.driver.CUdevice_attribute``."""
        return int(check(driver.cuDeviceGetAttribute(attribute, self._device), f"tell its {attribute.name}"))

    def stream(self) -> Stream:
        """A new stream."""
        return Stream(self)

    def close(self) -> None:
        """Lets go of the context; what was made here must be closed before. May be called again."""
        if self._owned:
            self._owned = False
            driver.cuDevicePrimaryCtxRelease(self._device)

    def __enter__(self) -> Device:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def _primary(self) -> Any:
        # Whoever waits for this context sleeps, GStreamer's elements included. Refused (harmlessly) by drivers that
        # can't change it once another library has woken the context.
        driver.cuDevicePrimaryCtxSetFlags(self._device, int(_Flags.CU_CTX_SCHED_BLOCKING_SYNC))
        return check(driver.cuDevicePrimaryCtxRetain(self._device), f"start on {self.name}")


class _Current:
    """Pushes and pops a context. Holds nothing of the thread, so one does for all."""

    def __init__(self, context: Any) -> None:
        self._context = context

    def __enter__(self) -> None:
        answer = driver.cuCtxPushCurrent(self._context)
        if answer[0] != 0:
            check(answer, "make its context current")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        driver.cuCtxPopCurrent()


class Stream:
    """A queue of work that does not wait for the default stream. One thread at a time queues and waits.

    Attributes:
        handle: the CUstream as a number.
    """

    def __init__(self, device: Device) -> None:
        self._device = device
        with device.current():
            self.native = check(driver.cuStreamCreate(_NON_BLOCKING), "make a stream")
            self._event = check(driver.cuEventCreate(_ASLEEP | _UNTIMED), "make an event")
        self.handle = int(self.native)

    def wait(self) -> None:
        """Waits, asleep, for all that was queued."""
        with self._device.current():
            check(driver.cuEventRecord(self._event, self.native), "mark the end of its work")
            check(driver.cuEventSynchronize(self._event), "finish its work")

    def after(self, other: Stream) -> None:
        """What is queued from here on runs after all that ``other`` has been given so far."""
        with self._device.current():
            check(driver.cuEventRecord(other._event, other.native), "mark the end of its work")
            check(driver.cuStreamWaitEvent(self.native, other._event, 0), "order two streams")

    def close(self) -> None:
        """Lets go of the stream; what was queued is still done. May be called again."""
        if self.handle:
            self.handle = 0
            with self._device.current():
                driver.cuEventDestroy(self._event)
                driver.cuStreamDestroy(self.native)

    def __enter__(self) -> Stream:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()


class Event:
    """A place in a stream's work, which the host can wait for, asleep, and measure from.

    Args:
        device: whose streams.
        timing: whether :meth:`elapsed_ms` will be asked for.
    """

    def __init__(self, device: Device, timing: bool = False) -> None:
        self._device = device
        flags = _ASLEEP if timing else _ASLEEP | _UNTIMED
        with device.current():
            self._event = check(driver.cuEventCreate(flags), "make an event")

    def record(self, stream: Stream) -> None:
        """Behind all that the stream has been given so far."""
        with self._device.current():
            check(driver.cuEventRecord(self._event, stream.native), "mark a place in its work")

    def wait(self) -> None:
        """Waits, asleep, until the GPU has come here."""
        with self._device.current():
            check(driver.cuEventSynchronize(self._event), "finish its work")

    def elapsed_ms(self, since: Event) -> float:
        """Milliseconds of the GPU from another event to this one; both have been waited for."""
        with self._device.current():
            return float(check(driver.cuEventElapsedTime(since._event, self._event), "measure a time"))

    def close(self) -> None:
        """Lets go of the event. May be called again."""
        if self._event is not None:
            with self._device.current():
                driver.cuEventDestroy(self._event)
            self._event = None


class DeviceMemory:
    """A linear block of GPU memory.

    Attributes:
        pointer: its device address.
        size: bytes.

    Raises:
        CudaError: if there is not so much memory.
    """

    def __init__(self, device: Device, size: int) -> None:
        self._device = device
        self.size = size
        with device.current():
            block = check(driver.cuMemAlloc(size), f"allocate {size} bytes")
        self.pointer = int(block)

    @classmethod
    def of(cls, device: Device, array: NDArray[Any], stream: Stream) -> DeviceMemory:
        """A block with a copy of an array, there when the stream has come so far."""
        block = cls(device, max(1, array.nbytes))
        block.upload(array, stream)
        return block

    def upload(self, array: NDArray[Any], stream: Stream) -> None:
        """Copies an array to the block's begin. The array may change when this returns."""
        data = np.ascontiguousarray(array)
        self._fits(data.nbytes)
        with self._device.current():
            check(
                driver.cuMemcpyHtoDAsync(self.pointer, data.ctypes.data, data.nbytes, stream.native),
                "take an upload",
            )
        stream.wait()

    def download(self, dtype: DTypeLike, shape: int | Sequence[int], stream: Stream) -> NDArray[Any]:
        """The block's begin as an array of this kind, after all that the stream has been given so far."""
        array = np.empty(shape, dtype)
        self._fits(array.nbytes)
        stream.wait()  # asleep; a copy to pageable memory would wait for the stream awake
        with self._device.current():
            check(
                driver.cuMemcpyDtoHAsync(array.ctypes.data, self.pointer, array.nbytes, stream.native),
                "give a download",
            )
        stream.wait()
        return array

    def clear(self, stream: Stream) -> None:
        """Sets every byte to zero, in the stream's order."""
        with self._device.current():
            check(driver.cuMemsetD8Async(self.pointer, 0, self.size, stream.native), "clear memory")

    def close(self) -> None:
        """Gives the memory back. May be called again."""
        if self.pointer:
            pointer, self.pointer = self.pointer, 0
            with self._device.current():
                driver.cuMemFree(pointer)

    def __enter__(self) -> DeviceMemory:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def _fits(self, size: int) -> None:
        if size > self.size:
            raise CudaError(f"{size} bytes do not fit a block of {self.size} bytes of GPU memory")


def _open(index: int) -> Any:
    try:
        status = driver.cuInit(0)[0]
    except (RuntimeError, OSError) as error:  # the binding's words for no libcuda
        raise MissingCudaError("no NVIDIA driver is installed here (libcuda.so.1 can't be loaded)") from error
    if status != 0:
        raise MissingCudaError(f"the NVIDIA driver can't start: {status.name}; is a GPU visible here?")
    count = check(driver.cuDeviceGetCount(), "be counted")
    if index >= count:
        raise MissingCudaError(f"there is no GPU {index}; the driver sees {count}")
    return check(driver.cuDeviceGet(index), "be opened")


def _driver_version() -> str:
    """The kernel module's version where it says so, else the CUDA version that the driver is for."""
    try:
        found = re.search(r"\s(\d{3,}(?:\.\d+)+)\s", _MODULE.read_text(encoding="utf-8"))
    except OSError:
        found = None
    if found:
        return found[1]
    number = check(driver.cuDriverGetVersion(), "tell its driver's version")
    return f"CUDA {number // 1000}.{number % 1000 // 10}"
