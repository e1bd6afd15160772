"""The resampling kernels compiled for the processor by g++, so that their arithmetic is tested without a GPU.

The few things of CUDA that they use are given here: threads run one after another, and textures round their
weights to 1/256 as the hardware does.
"""

from __future__ import annotations

import ctypes
import hashlib
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

SHIM = r"""
#include <cmath>
#include <cstdint>
#include <cstring>
#include <algorithm>
#include <ucontext.h>
#include <vector>
#define ON_HOST
#define __shared__ static
#define __device__
#define __global__
#define __launch_bounds__(...)
#define __restrict__
using std::max;
using std::min;
struct float2 { float x, y; };
struct uint2 { unsigned x, y; };
struct uint4 { unsigned x, y, z, w; };
struct float4 { float x, y, z, w; };
struct int4 { int x, y, z, w; };
struct Index { unsigned x, y, z; };
static Index gridDim, blockIdx, blockDim, threadIdx;
static inline uint2 make_uint2(unsigned x, unsigned y) { return {x, y}; }
static inline uint4 make_uint4(unsigned x, unsigned y, unsigned z, unsigned w) { return {x, y, z, w}; }
static inline float2 make_float2(float x, float y) { return {x, y}; }
static inline float4 make_float4(float x, float y, float z, float w) { return {x, y, z, w}; }
static inline float rsqrtf(float x) { return 1.0f / sqrtf(x); }
static inline float __saturatef(float x) { return x < 0 ? 0 : x > 1 ? 1 : x; }
static inline unsigned __float_as_uint(float x) { unsigned u; memcpy(&u, &x, 4); return u; }
static inline float __uint_as_float(unsigned u) { float x; memcpy(&x, &u, 4); return x; }
static inline unsigned __byte_perm(unsigned a, unsigned b, unsigned selector)
{
    const uint64_t both = (uint64_t)b << 32 | a;
    unsigned made = 0;
    for (int i = 0; i < 4; i++) made |= (unsigned)(both >> 8 * (selector >> 4 * i & 7) & 255) << 8 * i;
    return made;
}
struct __half { _Float16 value; };
static inline unsigned short __half_as_ushort(__half h) { unsigned short u; memcpy(&u, &h, 2); return u; }
static inline __half __float2half_rn(float x) { return {(_Float16)x}; }

struct Texture { const uint8_t *plane; int64_t pitch; int width, height, channels; };
typedef unsigned long long cudaTextureObject_t;
static float texel(const Texture &t, float x, float y, int channel)
{
    x = min(max(x - 0.5f, 0.0f), t.width - 1.0f), y = min(max(y - 0.5f, 0.0f), t.height - 1.0f);
    const int fx = (int)floorf(x * 256 + 0.5f), fy = (int)floorf(y * 256 + 0.5f);
    const int x0 = fx >> 8, y0 = fy >> 8, x1 = min(x0 + 1, t.width - 1), y1 = min(y0 + 1, t.height - 1);
    const int wx = fx & 255, wy = fy & 255;
    const auto at = [&](int px, int py) { return (int)t.plane[py * t.pitch + px * t.channels + channel]; };
    const int upper = at(x0, y0) * (256 - wx) + at(x1, y0) * wx, lower = at(x0, y1) * (256 - wx) + at(x1, y1) * wx;
    return (upper * (256 - wy) + lower * wy) * (1.0f / (65536.0f * 255));
}
template <class T> T tex2D(cudaTextureObject_t texture, float x, float y);
template <> float tex2D<float>(cudaTextureObject_t texture, float x, float y)
{
    return texel(*(const Texture *)texture, x, y, 0);
}
template <> float2 tex2D<float2>(cudaTextureObject_t texture, float x, float y)
{
    const Texture &t = *(const Texture *)texture;
    return {texel(t, x, y, 0), texel(t, x, y, 1)};
}

static uint4 shared_memory[8192];
static void copy_16(unsigned char *to, const unsigned char *from) { memcpy(to, from, 16); }
static void wait_for_copies() {}

// A block's threads take turns: each runs to its next barrier, or to its end.
struct Fiber { ucontext_t context; Index place; bool done; std::vector<char> stack; };
static std::vector<Fiber> fibers;
static ucontext_t scheduler;
static size_t running;
static void (*work)();
// Those who come first yield until the last has come.
struct Meeting { unsigned count, number; };
static Meeting all, warps[32];
static void meet(Meeting &m, unsigned size)
{
    const unsigned number = m.number;
    if (++m.count == size) m.count = 0, m.number++;
    while (m.number == number) swapcontext(&fibers[running].context, &scheduler);
}
static void __syncthreads() { meet(all, fibers.size()); }
static float exchanged[1024];
static float __shfl_sync(unsigned, float value, int lane)
{
    const size_t first = running / 32 * 32;
    exchanged[running] = value;
    meet(warps[first / 32], 32);
    const float taken = exchanged[first + lane % 32];
    meet(warps[first / 32], 32);
    return taken;
}
static float __shfl_xor_sync(unsigned, float value, int bits) { return __shfl_sync(0, value, running % 32 ^ bits); }
static void begin() { work(); fibers[running].done = true; swapcontext(&fibers[running].context, &scheduler); }
static void run_block()
{
    for (Fiber &f : fibers) {
        f.done = false;
        getcontext(&f.context);
        f.context.uc_stack.ss_sp = f.stack.data(), f.context.uc_stack.ss_size = f.stack.size();
        makecontext(&f.context, begin, 0);
    }
    for (bool some = true; some;) {
        some = false;
        for (running = 0; running < fibers.size(); running++) {
            if (fibers[running].done) continue;
            threadIdx = fibers[running].place;
            swapcontext(&scheduler, &fibers[running].context);
            some |= !fibers[running].done;
        }
    }
}
static void everywhere(const unsigned *grid, const unsigned *block)
{
    gridDim = {grid[0], grid[1], grid[2]}, blockDim = {block[0], block[1], block[2]};
    fibers.resize(block[0] * block[1] * block[2]);
    for (unsigned n = 0; n < fibers.size(); n++) {
        fibers[n].place = {n % block[0], n / block[0] % block[1], n / block[0] / block[1]};
        fibers[n].stack.resize(1 << 16);
    }
    for (unsigned z = 0; z < grid[2]; z++)
    for (unsigned y = 0; y < grid[1]; y++)
    for (unsigned x = 0; x < grid[0]; x++) { blockIdx = {x, y, z}; run_block(); }
}
"""


_TO_HALF = 'asm("cvt.rn.f16.f32 %0, %1;" : "=h"(bits) : "f"(value));'


class HostTexture(ctypes.Structure):
    """What the shim's textures read; its address stands for the texture object."""

    _fields_ = (
        ("plane", ctypes.c_void_p),
        ("pitch", ctypes.c_int64),
        ("width", ctypes.c_int),
        ("height", ctypes.c_int),
        ("channels", ctypes.c_int),
    )

    @classmethod
    def over(cls, plane: object, channels: int) -> HostTexture:
        """A plane of bytes, shape (height, width) or (height, width, 2)."""
        return cls(plane.ctypes.data, plane.strides[0], plane.shape[1], plane.shape[0], channels)  # type: ignore[attr-defined]

    @property
    def handle(self) -> int:
        return ctypes.addressof(self)


def compiled(source: str, kernel: str, parameters: Sequence[str], options: Sequence[str], folder: Path):
    """The kernel as a function (grid, block, *addresses of its arguments).

    Args:
        source: the kernels' text.
        parameters: the types of the kernel's parameters, as C++ writes them.
        options: definitions as NVRTC takes them.
        folder: where to put the library, if it is not there yet.
    """
    compiler = shutil.which("g++")
    if compiler is None:
        pytest.skip("g++ is not installed")
    values = ", ".join(f"*(const {one} *)arguments[{n}]" for n, one in enumerate(parameters))
    source = source.replace(_TO_HALF, "bits = __half_as_ushort(__float2half_rn(value));")
    text = f"""{SHIM}{source}
static const void *const *arguments;
static void call() {{ {kernel}({values}); }}
extern "C" void enter(const unsigned *grid, const unsigned *block, const void *const *given)
{{
    arguments = given, work = call;
    everywhere(grid, block);
}}
"""
    name = hashlib.sha256((text + " ".join(options)).encode()).hexdigest()[:16]
    library = folder / f"{name}.so"
    if not library.exists():
        (folder / f"{name}.cpp").write_text(text)
        command = [compiler, "-std=c++17", "-O1", "-shared", "-fPIC", "-Wno-unknown-pragmas", *options]
        done = subprocess.run(
            [*command, str(folder / f"{name}.cpp"), "-o", str(library)],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
    enter = ctypes.CDLL(str(library)).enter

    def run(grid: Sequence[int], block: Sequence[int], *arguments: ctypes.Structure | ctypes.Array) -> None:
        three = ctypes.c_uint * 3
        given = (ctypes.c_void_p * len(arguments))(*map(ctypes.addressof, arguments))
        enter(three(*grid), three(*block), given)

    return run
