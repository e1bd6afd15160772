"""The panorama's kernels compiled for the processor, called with the very structures that a GPU would get."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

import touchline.panorama
from render_on_host import HostTexture, compiled
from touchline.gst.nv12 import Nv12
from touchline.panorama.cuda_tables import Planes, Source, StitchTables, Tables, Target
from touchline.panorama.cuda_told import OPTIONS as GAIN_OPTIONS
from touchline.panorama.cuda_told import THREADS, TOLD, told_difference
from touchline.panorama.gain import Difference

FOLDER = Path(touchline.panorama.__file__).parent
# What the shim of the resampling kernels has no need of.
OPTIONS = (
    "-D__forceinline__=inline",
    "-D__noinline__=",
    "-D__grid_constant__=",
    "-D__ldg(place)=(*(place))",
    "-D__dp2a_lo(a,b,sum)=((sum)+((a)&65535)*((b)&255)+((a)>>16)*((b)>>8&255))",
    "-D__dp4a(a,b,sum)=((sum)+((a)&255)+((a)>>8&255)+((a)>>16&255)+((a)>>24))",
)
PREFIX = r"""
typedef unsigned half2;
static float number(unsigned bits) { _Float16 h; unsigned short low = bits; memcpy(&h, &low, 2); return h; }
static unsigned bits(float x) { _Float16 h = x; unsigned short low; memcpy(&low, &h, 2); return low; }
static half2 halves(float one, float two) { return bits(one) | bits(two) << 16; }
#define BOTH(name, parameters, expression)                                                 \
    static half2 name parameters                                                           \
    {                                                                                      \
        unsigned made = 0;                                                                 \
        for (int shift = 0; shift < 32; shift += 16) made |= bits(expression) << shift;    \
        return made;                                                                       \
    }
#define A number(a >> shift)
#define B number(b >> shift)
#define C number(c >> shift)
BOTH(plus, (half2 a, half2 b), A + B)
BOTH(minus, (half2 a, half2 b), A - B)
BOTH(times, (half2 a, half2 b), A * B)
BOTH(fused, (half2 a, half2 b, half2 c), A * B + C)
BOTH(fused_saturated, (half2 a, half2 b, half2 c), __saturatef(A * B + C))
#undef A
#undef B
#undef C
static float __fadd_rn(float a, float b) { return a + b; }
static float __fadd_rd(float a, float b)
{
    const double exact = (double)a + b;
    const float near = exact;
    return near > exact ? nextafterf(near, -INFINITY) : near;
}
static half2 __shfl_xor_sync(unsigned mask, half2 value, int lanes)
{
    float carried;
    memcpy(&carried, &value, 4);
    carried = __shfl_xor_sync(mask, carried, lanes);
    memcpy(&value, &carried, 4);
    return value;
}
static const unsigned char *shared_memory_begins;
static unsigned shared_address(const void *place) { shared_memory_begins = (const unsigned char *)place; return 0; }
static const unsigned char *shared_at(unsigned address) { return shared_memory_begins + address; }
static void copy_16(unsigned to, const unsigned char *from) { memcpy((void *)shared_at(to), from, 16); }
template <class T> static void settle(T &) {}
static bool __all_sync(unsigned, bool holds)
{
    for (int lanes = 1; lanes < 32; lanes *= 2) holds &= __shfl_xor_sync(0u, (float)holds, lanes) != 0;
    return holds;
}
template <class T> static T tex2Dgather(cudaTextureObject_t texture, float x, float y)
{
    const Texture &t = *(const Texture *)texture;
    const int right = (int)x, below = (int)y;  // it is asked for at corners of texels
    const auto at = [&](int px, int py) {
        px = min(max(px, 0), t.width - 1), py = min(max(py, 0), t.height - 1);
        return t.plane[py * t.pitch + px] / 255.0f;
    };
    return {at(right - 1, below), at(right, below), at(right, below - 1), at(right - 1, below - 1)};
}
"""


def kernel(file: str, name: str, parameters: Sequence[str], folder: Path, *options: str) -> Any:
    """A kernel of the package compiled for the processor."""
    source = PREFIX + (FOLDER / file).read_text(encoding="utf-8")
    return compiled(source, name, parameters, (*OPTIONS, *options), folder)


def planes_of(picture: Nv12) -> Planes:
    """Where a picture of the host is."""
    return Planes(picture.y.ctypes.data, picture.uv.ctypes.data, picture.y.strides[0], picture.uv.strides[0])


def source_over(picture: Nv12, tone: np.ndarray) -> Source:
    """A picture of the host as the kernel's argument; it owns what it points to."""
    texture = HostTexture.over(picture.y, 1)
    made = Source.toned(planes_of(picture), (picture.width, picture.height), texture.handle, tone)
    made.kept = picture, texture
    return made


class HostStitch:
    """The stitching kernel."""

    def __init__(self, folder: Path) -> None:
        kinds = ("Tables", "Source", "Source", "Target")
        self._run = kernel("cuda_stitch.cu", "stitch", kinds, folder)

    def __call__(self, made: StitchTables, left: Nv12, right: Nv12, out: Nv12, tones: np.ndarray) -> None:
        size = out.width, out.height
        tables = Tables(*(table.ctypes.data for table in made))
        sources = [source_over(picture, tone) for picture, tone in zip((left, right), tones, strict=True)]
        self._run((len(made.tiles), 1, 1), (32, 4, 1), tables, *sources, Target.over(planes_of(out), size))


def host_reduce(folder: Path, luma: np.ndarray, factor: int) -> np.ndarray:
    """The reducing kernel."""
    parameters = ("std::add_pointer_t<const byte>", "int", "std::add_pointer_t<byte>", "int", "int")
    run = kernel("cuda_reduce.cu", "reduce", parameters, folder, f"-DFACTOR={factor}")
    rows, columns = luma.shape[0] // factor, luma.shape[1] // factor
    out = np.full((rows, columns), 7, np.uint8)
    run(
        (-(-columns // 32), -(-rows // 4), 1),
        (32, 4, 1),
        ctypes.c_void_p(luma.ctypes.data),
        ctypes.c_int(luma.strides[0]),
        ctypes.c_void_p(out.ctypes.data),
        ctypes.c_int(columns),
        ctypes.c_int(rows),
    )
    return out


def host_difference(
    folder: Path, left: Nv12, right: Nv12, points: tuple[np.ndarray, np.ndarray]
) -> Difference | None:
    """The kernel that compares pairs of points."""
    kinds = ("Planes", "Planes", "std::add_pointer_t<const Point>", "std::add_pointer_t<Told>", "int")
    run = kernel("cuda_gain.cu", "differ", kinds, folder, *GAIN_OPTIONS)
    places = np.concatenate(points)
    out = np.full(1, 77, TOLD)
    run(
        (1, 1, 1),
        (THREADS, 1, 1),
        planes_of(left),
        planes_of(right),
        ctypes.c_void_p(places.ctypes.data),
        ctypes.c_void_p(out.ctypes.data),
        ctypes.c_int(len(points[0])),
    )
    return told_difference(out[0])
