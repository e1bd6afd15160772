"""DLPack capsules and CUDA array interfaces: what they say, and how long they keep their owner. Needs no GPU."""

from __future__ import annotations

import ctypes
import gc
import threading
import weakref

import numpy as np
import pytest

pytest.importorskip("cuda.bindings.driver", reason="touchline[cuda] is not installed")

from touchline.cuda.arrays import DeviceArray
from touchline.cuda.picture import DevicePicture

POINTER = 0x7F0000000000


class Owner:
    pass


class Tensor(ctypes.Structure):
    """DLManagedTensor as dlpack.h has it, written down a second time."""

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
        ("manager_ctx", ctypes.c_void_p),
        ("deleter", ctypes.CFUNCTYPE(None, ctypes.c_void_p)),
    )


def consume(capsule) -> Tensor:
    """As a library does: takes the tensor out and renames the capsule."""
    api = ctypes.pythonapi
    api.PyCapsule_GetPointer.argtypes = [ctypes.py_object, ctypes.c_char_p]
    api.PyCapsule_GetPointer.restype = ctypes.c_void_p
    api.PyCapsule_SetName.argtypes = [ctypes.py_object, ctypes.c_char_p]
    address = api.PyCapsule_GetPointer(capsule, b"dltensor")
    assert api.PyCapsule_SetName(capsule, USED) == 0
    return Tensor.from_address(address)


USED = b"used_dltensor"


def picture() -> DevicePicture:
    return DevicePicture(POINTER, POINTER + 640 * 4, 640, 768, 600, 4, owner=Owner(), device=3)


def test_a_library_sees_the_planes_as_they_lie() -> None:
    shown = picture()
    tensor = consume(shown.chroma.__dlpack__())
    assert tensor.data == POINTER + 640 * 4
    assert (tensor.device_type, tensor.device_id) == (2, 3) == shown.chroma.__dlpack_device__()
    assert (tensor.code, tensor.bits, tensor.lanes, tensor.byte_offset) == (1, 8, 1, 0)
    assert (tensor.shape[:3], tensor.strides[:3]) == ([2, 300, 2], [768, 2, 1])
    tensor.deleter(ctypes.addressof(tensor))
    said = shown.luma.__cuda_array_interface__
    assert said == {
        "shape": (4, 600),
        "strides": (640, 1),
        "typestr": "|u1",
        "data": (POINTER, False),
        "version": 3,
        "stream": None,
    }


@pytest.mark.parametrize(
    ("dtype", "code", "bits"), [("<f4", 2, 32), ("<f2", 2, 16), ("<i8", 0, 64), ("?", 6, 8)]
)
def test_elements_of_every_kind(dtype: str, code: int, bits: int) -> None:
    kind = np.dtype(dtype)
    array = DeviceArray(POINTER, (5, 7), (7 * kind.itemsize, kind.itemsize), kind)
    tensor = consume(array.__dlpack__())
    assert (tensor.code, tensor.bits, tensor.strides[:2]) == (code, bits, [7, 1])
    assert array.nbytes == 35 * kind.itemsize
    tensor.deleter(ctypes.addressof(tensor))


def test_the_owner_lives_until_the_librarys_deleter_runs() -> None:
    shown = picture()
    owner = weakref.ref(shown.owner)
    capsule = shown.luma.__dlpack__(stream=1, max_version=(1, 0))
    tensor = consume(capsule)
    del shown, capsule
    gc.collect()
    assert owner() is not None
    # From a thread that knows nothing of Python's lock, as PyTorch's do.
    releaser = threading.Thread(target=lambda: tensor.deleter(ctypes.addressof(tensor)))
    releaser.start()
    releaser.join()
    gc.collect()
    assert owner() is None


def test_a_capsule_that_nobody_took_lets_go() -> None:
    shown = picture()
    owner = weakref.ref(shown.owner)
    capsule = shown.luma.__dlpack__()
    del shown
    gc.collect()
    assert owner() is not None
    del capsule
    gc.collect()
    assert owner() is None


def test_a_thousand_capsules_leave_nothing() -> None:
    shown = picture()
    gc.collect()
    before = len(gc.get_objects())
    for number in range(1000):
        capsule = shown.luma.__dlpack__()
        if number % 2:
            tensor = consume(capsule)
            tensor.deleter(ctypes.addressof(tensor))
    del capsule, tensor
    gc.collect()
    assert len(gc.get_objects()) - before < 50


def test_what_cannot_be_given_is_refused() -> None:
    shown = picture()
    with pytest.raises(BufferError, match="no copies"):
        shown.luma.__dlpack__(copy=True)
    with pytest.raises(BufferError, match="GPU 3"):
        shown.luma.__dlpack__(dl_device=(1, 0))
    with pytest.raises(BufferError, match="whole elements"):
        DeviceArray(POINTER, (2, 2), (9, 4), np.dtype("<f4")).__dlpack__()


@pytest.mark.parametrize(
    ("pitch", "width", "height", "why"),
    [(640, 601, 4, "even"), (640, 600, 0, "even"), (512, 600, 4, "pitches")],
)
def test_what_is_no_picture_is_refused(pitch: int, width: int, height: int, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        DevicePicture(POINTER, POINTER, pitch, 640, width, height)
