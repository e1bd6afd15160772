"""Texture objects over planes of pictures: the hardware's own bilinear filter and clamping.

The filter's weights have eight bits behind the point (CUDA C++ programming guide, "Texture Fetching"), which is
within one level of exact arithmetic on 8-bit pictures.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import Any, NamedTuple

from cuda.bindings import driver

from touchline.cuda.device import Device
from touchline.cuda.driver import check
from touchline.errors import CudaError

_Attribute = driver.CUdevice_attribute
_NORMALISED = 2  # CU_TRSF_NORMALIZED_COORDINATES
_AS_INTEGER = 1  # CU_TRSF_READ_AS_INTEGER


class _Kind(NamedTuple):
    address: int
    pitch: int
    width: int
    height: int
    channels: int
    linear: bool
    normalised: bool


class Textures:
    """Textures by address and shape, made when they are first asked for.

    A texture describes memory and holds none: it stays right when the memory is freed and allocated again.

    Args:
        device: whose memory.
        limit: how many are kept; a window of 210 frames and its sources' surfaces need about 600.
    """

    def __init__(self, device: Device, limit: int = 2048) -> None:
        if limit < 2:
            raise ValueError(f"{limit} textures are too few to work with")
        self._device = device
        self._limit = limit
        self._made: OrderedDict[_Kind, Any] = OrderedDict()
        self._lock = threading.Lock()
        self._pitch_step = device.attribute(_Attribute.CU_DEVICE_ATTRIBUTE_TEXTURE_PITCH_ALIGNMENT)
        self._address_step = device.attribute(_Attribute.CU_DEVICE_ATTRIBUTE_TEXTURE_ALIGNMENT)

    def of(
        self,
        address: int,
        pitch: int,
        width: int,
        height: int,
        channels: int = 1,
        *,
        linear: bool = True,
        normalised: bool = False,
    ) -> int:
        """The CUtexObject over a plane of bytes, as a number; kernels take it as ``cudaTextureObject_t``.

        A linear one is read as floats 0 .. 1 (of 255), a nearest one as unsigned bytes. Coordinates are clamped to
        the plane's edge; a texel's centre is at its index + 0.5.

        Args:
            address: of the first byte; a multiple of 512 on today's GPUs.
            pitch: bytes from row to row; a multiple of 32.
            width, height: in texels.
            channels: bytes of a texel, 1 (luma) or 2 (chroma).
            linear: bilinear, else nearest.
            normalised: coordinates 0 .. 1 over the plane, else in texels.

        Raises:
            CudaError: if the plane lies so that the hardware can't read it as a texture.
        """
        kind = _Kind(address, pitch, width, height, channels, linear, normalised)
        with self._lock:
            found = self._made.get(kind)
            if found is None:
                if len(self._made) >= self._limit:
                    self._forget_half()
                found = self._made[kind] = self._make(kind)
            else:
                self._made.move_to_end(kind)
        return int(found)

    def __len__(self) -> int:
        return len(self._made)

    def close(self) -> None:
        """Lets go of every texture; no kernel that uses one may be queued still. May be called again."""
        with self._lock, self._device.current():
            while self._made:
                driver.cuTexObjectDestroy(self._made.popitem()[1])

    def __enter__(self) -> Textures:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def _forget_half(self) -> None:
        """Those that were asked for longest ago, when nobody can be reading them any more."""
        with self._device.current():
            check(driver.cuCtxSynchronize(), "finish its work")
            for _ in range(len(self._made) // 2):
                driver.cuTexObjectDestroy(self._made.popitem(last=False)[1])

    def _make(self, kind: _Kind) -> Any:
        if kind.address % self._address_step or kind.pitch % self._pitch_step:
            raise CudaError(
                f"a plane at {kind.address:#x} with rows of {kind.pitch} bytes can't be read as a texture: "
                f"multiples of {self._address_step} and {self._pitch_step} are needed"
            )
        resource = driver.CUDA_RESOURCE_DESC()
        resource.resType = driver.CUresourcetype.CU_RESOURCE_TYPE_PITCH2D
        plane = resource.res.pitch2D
        plane.devPtr = driver.CUdeviceptr(kind.address)
        plane.format = driver.CUarray_format.CU_AD_FORMAT_UNSIGNED_INT8
        plane.numChannels, plane.pitchInBytes = kind.channels, kind.pitch
        plane.width, plane.height = kind.width, kind.height
        how = driver.CUDA_TEXTURE_DESC()
        how.addressMode = [driver.CUaddress_mode.CU_TR_ADDRESS_MODE_CLAMP] * 3
        modes = driver.CUfilter_mode
        how.filterMode = modes.CU_TR_FILTER_MODE_LINEAR if kind.linear else modes.CU_TR_FILTER_MODE_POINT
        how.flags = (0 if kind.linear else _AS_INTEGER) | (_NORMALISED if kind.normalised else 0)
        with self._device.current():
            return check(driver.cuTexObjectCreate(resource, how, None), "make a texture")
