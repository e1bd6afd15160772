"""Whether there is a GPU to test on, and small kernels for the tests that have one."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from touchline.cuda import probe
from touchline.cuda.probe import broken

_HERE = broken(probe.links())
needs_gpu = pytest.mark.skipif(
    _HERE is not None, reason=f"no GPU to test on: {_HERE.name} {_HERE.detail}" if _HERE else ""
)

PICTURE = """
struct Picture { unsigned long long y, uv; int y_pitch, uv_pitch, width, height; };
"""
SOURCE = (
    PICTURE
    + r"""
// Each pixel by its own thread.
extern "C" __global__ void copy(Picture a, Picture b)
{
    const int x = blockIdx.x * blockDim.x + threadIdx.x, y = blockIdx.y * blockDim.y + threadIdx.y;
    if (x >= a.width || y >= a.height) return;
    ((unsigned char*)b.y)[(size_t)y * b.y_pitch + x] = ((unsigned char*)a.y)[(size_t)y * a.y_pitch + x];
    if (y < a.height / 2)
        ((unsigned char*)b.uv)[(size_t)y * b.uv_pitch + x] = ((unsigned char*)a.uv)[(size_t)y * a.uv_pitch + x];
}

// Takes its time, then says that it was here.
extern "C" __global__ void linger(long long ns, int* place, int value)
{
    long long begin, now;
    asm volatile("mov.u64 %0, %globaltimer;" : "=l"(begin));
    do asm volatile("mov.u64 %0, %globaltimer;" : "=l"(now)); while (now - begin < ns);
    if (place) *place = value;
}

// What was the value at that moment?
extern "C" __global__ void look(const int* place, int* seen) { *seen = *(volatile const int*)place; }

// Arguments of every kind.
extern "C" __global__ void echo(Picture p, float f, int i, double d, unsigned char c, short s, double* out)
{
    out[0] = p.y; out[1] = p.height; out[2] = f; out[3] = i; out[4] = d; out[5] = c; out[6] = s;
}

extern "C" __global__ void sample(cudaTextureObject_t from, const float2* at, float2* out, int count)
{
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < count) out[i] = tex2D<float2>(from, at[i].x, at[i].y);
}
"""
)


class PictureArgument(ctypes.Structure):
    """The struct of that name in the kernels."""

    _fields_ = (
        ("y", ctypes.c_uint64),
        ("uv", ctypes.c_uint64),
        ("y_pitch", ctypes.c_int),
        ("uv_pitch", ctypes.c_int),
        ("width", ctypes.c_int),
        ("height", ctypes.c_int),
    )

    @classmethod
    def of(cls, picture: Any) -> PictureArgument:
        """Of a DevicePicture."""
        return cls(picture.y, picture.uv, picture.y_pitch, picture.uv_pitch, picture.width, picture.height)


class Bench:
    """A GPU, a stream and the kernels above."""

    def __init__(self) -> None:
        from touchline.cuda.device import Device
        from touchline.cuda.kernels import Kernels

        self.device = Device()
        self.stream = self.device.stream()
        self.kernels = Kernels(self.device, SOURCE, "bench.cu")

    def copy(self, source: Any, target: Any) -> None:
        """One DevicePicture to another, done when this returns."""
        width, height = source.width, source.height
        pictures = PictureArgument.of(source), PictureArgument.of(target)
        self.kernels.launch("copy", (-(-width // 32), -(-height // 8)), (32, 8), self.stream, *pictures)
        self.stream.wait()

    def download(self, array: Any) -> np.ndarray:
        from touchline.cuda.copies import download

        return download(self.device, array, self.stream)

    def close(self) -> None:
        self.kernels.close()
        self.stream.close()
        self.device.close()


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    """Imported by the tests that need it, which are marked ``needs_gpu``."""
    made = Bench()
    yield made
    made.close()


def undisturbed(check: Callable[[], bool], times: int = 8) -> bool:
    """True if the figures of the GPU's memory are as they should be in one of several tries.

    They count what other processes take and give back meanwhile; what we leak ourselves spoils every try.
    """
    return any(check() for _ in range(times))


def noise(width: int, height: int, seed: int = 1) -> Any:
    """A picture in which no two places are alike, in video range."""
    from touchline.gst.nv12 import Nv12

    random, picture = np.random.default_rng(seed), Nv12.empty(width, height)
    picture.y[:] = random.integers(16, 236, picture.y.shape, dtype=np.uint8)
    picture.uv[:] = random.integers(16, 241, picture.uv.shape, dtype=np.uint8)
    return picture


def same(one: Any, other: Any) -> bool:
    """True if two pictures have the same pixels."""
    return bool((one.y == other.y).all() and (one.uv == other.uv).all())
