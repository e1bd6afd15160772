"""GPU memory that other libraries can read without a copy: ``__cuda_array_interface__`` and DLPack.

Sources: Numba's CUDA Array Interface, version 3; DLPack's ``dlpack.h`` and its Python specification (unversioned
capsules, which every library takes).
"""

from __future__ import annotations

import ctypes
from dataclasses import dataclass, field
from math import prod
from typing import Any

import numpy as np
from cuda.bindings import driver

from touchline.cuda.driver import check

_CUDA = 2  # kDLCUDA
_CODES = {"i": 0, "u": 1, "f": 2, "b": 6}  # DLDataTypeCode by NumPy's kinds
_NAME = b"dltensor"
_NO_SYNC = -1


@dataclass(frozen=True)
class DeviceArray:
    """A strided array on the GPU, which belongs to somebody else.

    Args:
        pointer: device address of the first element.
        shape: elements along each axis.
        strides: bytes from one element to the next along each axis.
        dtype: of an element.
        owner: kept alive as long as this array, and whatever a library made from it, lives.
        stream: the CUstream in whose order the content is made, as a number; None: it is complete.
        device: the GPU's index.
    """

    pointer: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    dtype: np.dtype[Any] = field(default_factory=lambda: np.dtype(np.uint8))
    owner: Any = field(default=None, compare=False, repr=False)
    stream: int | None = None
    device: int = 0

    @property
    def nbytes(self) -> int:
        """Bytes of the elements, without padding."""
        return prod(self.shape) * self.dtype.itemsize

    @property
    def __cuda_array_interface__(self) -> dict[str, Any]:
        return {
            "shape": self.shape,
            "strides": self.strides,
            "typestr": self.dtype.str,
            "data": (self.pointer, False),
            "version": 3,
            "stream": self.stream,
        }

    def __dlpack_device__(self) -> tuple[int, int]:
        return _CUDA, self.device

    def __dlpack__(
        self,
        *,
        stream: int | None = None,
        max_version: tuple[int, int] | None = None,
        dl_device: tuple[int, int] | None = None,
        copy: bool | None = None,
    ) -> Any:
        """A capsule for ``from_dlpack``. Raises BufferError for a copy or another device."""
        if copy:
            raise BufferError("this view of GPU memory makes no copies")
        if dl_device is not None and tuple(dl_device) != self.__dlpack_device__():
            raise BufferError(f"this memory is on GPU {self.device}")
        if any(stride % self.dtype.itemsize for stride in self.strides):
            raise BufferError("DLPack counts strides in elements, and these are not whole elements")
        if self.stream is not None and stream != _NO_SYNC:
            _order(self.stream, stream or 0)
        return _capsule(_Managed(self))


class _DLTensor(ctypes.Structure):
    _fields_ = (
        ("data", ctypes.c_void_p),
        ("device_type", ctypes.c_int32),
        ("device_id", ctypes.c_int32),
        ("ndim", ctypes.c_int32),
        ("code", ctypes.c_uint8),
        ("bits", ctypes.c_uint8),
        ("lanes", ctypes.c_uint16),
        ("shape", ctypes.POINTER(ctypes.c_int64)),
        ("strides", ctypes.POINTER(ctypes.c_int64)),
        ("byte_offset", ctypes.c_uint64),
    )


class _DLManagedTensor(ctypes.Structure):
    _fields_ = (
        ("dl_tensor", _DLTensor),
        ("manager_ctx", ctypes.c_void_p),
        ("deleter", ctypes.c_void_p),
    )


class _Managed:
    """A DLManagedTensor with all that it points to. Holds a reference to itself until its deleter is called."""

    def __init__(self, array: DeviceArray) -> None:
        self._array = array
        count = len(array.shape)
        self._shape = (ctypes.c_int64 * count)(*array.shape)
        steps = (stride // array.dtype.itemsize for stride in array.strides)
        self._strides = (ctypes.c_int64 * count)(*steps)
        tensor = _DLTensor(
            array.pointer,
            _CUDA,
            array.device,
            count,
            _CODES[array.dtype.kind],
            array.dtype.itemsize * 8,
            1,
            self._shape,
            self._strides,
            0,
        )
        deleter = ctypes.cast(_DELETER, ctypes.c_void_p)
        self.struct = _DLManagedTensor(tensor, id(self), deleter)
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(self))


def _delete(managed: int) -> None:
    """The consumer is done. It may say so from any thread; ctypes takes the interpreter's lock."""
    holder = _DLManagedTensor.from_address(managed).manager_ctx
    ctypes.pythonapi.Py_DecRef(ctypes.cast(holder, ctypes.py_object))


def _drop(capsule: int) -> None:
    """A capsule goes. One that was consumed has another name, and its consumer calls the deleter."""
    if _API.PyCapsule_IsValid(capsule, _NAME):
        _delete(_API.PyCapsule_GetPointer(capsule, _NAME))


_DELETER = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(_delete)
# The capsule as a number: a py_object would bring it back to life while it is being freed.
_DROP = ctypes.PYFUNCTYPE(None, ctypes.c_void_p)(_drop)


def _capsules() -> Any:
    """Python's calls for capsules, of a handle of our own: others set other types on ctypes.pythonapi's."""
    api = ctypes.PyDLL(None)
    api.PyCapsule_IsValid.argtypes = [ctypes.c_void_p, ctypes.c_char_p]
    api.PyCapsule_IsValid.restype = ctypes.c_int
    api.PyCapsule_GetPointer.argtypes = [ctypes.c_void_p, ctypes.c_char_p]
    api.PyCapsule_GetPointer.restype = ctypes.c_void_p
    api.PyCapsule_New.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p]
    api.PyCapsule_New.restype = ctypes.py_object
    return api


_API = _capsules()


def _capsule(managed: _Managed) -> Any:
    drop = ctypes.cast(_DROP, ctypes.c_void_p)
    return _API.PyCapsule_New(ctypes.addressof(managed.struct), _NAME, drop)


def _order(producer: int, consumer: int) -> None:
    """Lets a consumer's stream wait, on the GPU, for a producer's. DLPack's 1 is CUDA's legacy default stream.

    Whatever thread asks, with any context current or none: an event is of the context of the stream it marks.
    """
    context = check(driver.cuStreamGetCtx(producer), "find the context of a stream")
    check(driver.cuCtxPushCurrent(context), "make a context current")
    try:
        event = check(
            driver.cuEventCreate(int(driver.CUevent_flags.CU_EVENT_DISABLE_TIMING)), "make an event"
        )
        try:
            check(driver.cuEventRecord(event, producer), "mark the end of its work")
            check(driver.cuStreamWaitEvent(consumer, event, 0), "order two streams")
        finally:
            driver.cuEventDestroy(event)
    finally:
        driver.cuCtxPopCurrent()
