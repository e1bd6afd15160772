"""Stitching on a GPU beside what copying the same bytes takes, and beside the plain way of doing it.

Each call has other frames than the five before it, more than the second-level cache holds, so that pictures come from
memory as they do in a run; one row says what it takes when they don't.
"""

from __future__ import annotations

import ctypes
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.gpu_timing import copy_rate, timed
from benchmarks.stitching import benchmark_rig, noise_picture
from touchline.cuda.copies import Rows, download, upload_plane
from touchline.cuda.device import Device, DeviceMemory, Stream
from touchline.cuda.kernels import Kernels
from touchline.cuda.picture import DevicePicture
from touchline.geometry import Panorama, Rig, fit_panorama
from touchline.gst.nv12 import Nv12
from touchline.panorama.cuda_reduce import CudaReducer
from touchline.panorama.cuda_stitch import CudaStitcher
from touchline.panorama.joint import FEATHER_DEG
from touchline.panorama.stitch import CpuStitcher
from touchline.panorama.warp import StitchPlan, plan_stitch
from touchline.panorama.workers import Workers

CAMERA, PANORAMA = (3840, 2160), (5700, 1900)
FRAMES = 6
LEAST_SHARE = 0.6  # of the rate of a copy
_ALIGNED = 512

Row = dict[str, Any]


def rows(device: Device) -> list[Row]:
    """Measures everything about the stitch; one row for each figure."""
    rig = benchmark_rig(*CAMERA)
    panorama = fit_panorama(rig, size=PANORAMA)
    with device.stream() as stream:
        rate = copy_rate(device, stream)
        moved = 2 * _nv12_bytes(CAMERA) + _nv12_bytes(PANORAMA)
        floor_us = moved / rate * 1e6
    with CudaStitcher(device, rig, panorama, gain=False) as stitcher:
        pairs = [
            [_noise(device, stitcher.stream, CAMERA, 2 * n + s) for s in range(2)] for n in range(FRAMES)
        ]
        outs = [_room(device, PANORAMA) for _ in range(FRAMES)]
        ours = timed(device, stitcher.stream, lambda n: stitcher.queue(*pairs[n % FRAMES], outs[n % FRAMES]))
        hot = timed(device, stitcher.stream, lambda _: stitcher.queue(*pairs[0], outs[0]))
        smaller = _reduction(device, outs[0])
        agreement = _agreement(device, stitcher, outs[0])
    naive = _naive(device, rig, panorama)
    for picture in (*outs, *(one for pair in pairs for one in pair)):
        picture.owner.close()
    return [
        {"what": f"copy of {moved / 1e6:.1f} MB in and out at {rate / 1e9:.0f} GB/s", "us": floor_us},
        {
            "what": "stitch, NV12, in a graph",
            "us": ours.graph,
            "floor us": floor_us,
            "of the copy's rate": f"{floor_us / ours.graph:.0%}",
            "ok": floor_us / ours.graph >= LEAST_SHARE,
        },
        {"what": "the same, launched one by one", "us": ours.stream, "floor us": floor_us},
        {"what": "the same, one pair over and over", "us": hot.graph, "floor us": floor_us},
        *(
            {
                "what": f"six float32 tables, RGBA: {kind}",
                "us": us,
                "times ours": f"{us / ours.graph:.1f}",
            }
            for kind, us in naive.items()
        ),
        agreement,
        {"what": "small panorama for the analysis, down to the host", **smaller},
    ]


def _nv12_bytes(size: tuple[int, int]) -> int:
    return size[0] * size[1] * 3 // 2


def _room(device: Device, size: tuple[int, int]) -> DevicePicture:
    width, height = size
    pitch = -(-width // _ALIGNED) * _ALIGNED
    memory = DeviceMemory(device, pitch * height * 3 // 2)
    y = memory.pointer
    return DevicePicture(y, y + pitch * height, pitch, pitch, width, height, memory, device.index)


def _noise(device: Device, stream: Stream, size: tuple[int, int], seed: int) -> DevicePicture:
    """White noise: nothing of it can be guessed or compressed."""
    picture = _room(device, size)
    memory = picture.owner
    memory.upload(np.random.default_rng(seed).integers(0, 256, memory.size, dtype=np.uint8), stream)
    return picture


def _agreement(device: Device, stitcher: CudaStitcher, out: DevicePicture) -> Row:
    """How much of a panorama is more than a level away from what the processor makes of the same pictures."""
    pictures = [noise_picture(*CAMERA, seed) for seed in (1, 2)]
    wanted = Nv12.empty(*PANORAMA)
    with Workers() as workers:
        CpuStitcher(stitcher.rig, stitcher.panorama, workers, gain=False).stitch(*pictures, wanted, 0.0)
    sources = [_room(device, CAMERA) for _ in pictures]
    for picture, source in zip(pictures, sources, strict=True):
        upload_plane(device, picture.y, Rows(source.y, source.y_pitch), stitcher.stream)
        upload_plane(device, picture.uv, Rows(source.uv, source.uv_pitch), stitcher.stream)
    stitcher.stitch(*sources, out, 0.0)
    made = (download(device, plane, stitcher.stream) for plane in (out.luma, out.chroma))
    apart = [np.abs(one.astype(np.int16) - two) for one, two in zip(made, wanted, strict=True)]
    for source in sources:
        source.owner.close()
    share = max(float(np.mean(plane > 1)) for plane in apart)
    most = max(int(plane.max()) for plane in apart)
    return {
        "what": f"more than a level from the processor's picture: {share:.4%}, at most {most}",
        "ok": share <= 0.001 and most <= 2,
    }


def _reduction(device: Device, picture: DevicePicture) -> Row:
    factor = round(PANORAMA[0] / 400)
    with CudaReducer(device, PANORAMA, factor) as reducer:
        times = timed(device, reducer.stream, lambda _: reducer.queue(picture))
        return {"us": times.graph, "bytes down": reducer.bytes_down}


def _naive(device: Device, rig: Rig, panorama: Panorama) -> dict[str, float]:
    """Microseconds of the plain kernels by name; they too meet other frames at each call."""
    source = Path(__file__).with_name("naive_stitch.cu").read_text(encoding="utf-8")
    pixels = panorama.width * panorama.height
    with device.stream() as stream, Kernels(device, source, "naive_stitch.cu") as kernels:
        tables = [
            DeviceMemory.of(device, table.astype(np.float32), stream) for table in _tables(rig, panorama)
        ]
        rng = np.random.default_rng(1)
        sources = [
            DeviceMemory.of(device, rng.integers(0, 2**32, CAMERA[0] * CAMERA[1], dtype=np.uint32), stream)
            for _ in range(4)
        ]
        outs = [DeviceMemory(device, 4 * pixels) for _ in range(2)]
        nv12 = [_packed(device, size) for size in (CAMERA, CAMERA, PANORAMA)]

        def launch(kernel: str, cells: tuple[int, int], blocks: list[int], sizes: tuple[int, ...]) -> None:
            grid = (-(-cells[0] // 32), -(-cells[1] // 8))
            addresses = (ctypes.c_uint64(block) for block in blocks)
            kernels.launch(kernel, grid, (32, 8), stream, *addresses, *map(ctypes.c_int32, sizes))

        def alone(kernel: str, number: int) -> None:
            pair = sources[2 * (number % 2) : 2 * (number % 2) + 2]
            blocks = [block.pointer for block in (*pair, *tables, outs[number % 2])]
            launch(kernel, PANORAMA, blocks, (*PANORAMA, *CAMERA))

        def whole(kernel: str, number: int) -> None:
            pair = sources[2 * (number % 2) : 2 * (number % 2) + 2]
            for planes, picture in zip(nv12, pair, strict=False):
                launch("to_rgba", CAMERA, [*_planes(planes, CAMERA), picture.pointer], CAMERA)
            alone(kernel, number)
            half = PANORAMA[0] // 2, PANORAMA[1] // 2
            launch("to_nv12", half, [outs[number % 2].pointer, *_planes(nv12[2], PANORAMA)], PANORAMA)

        spent = {
            f"{said}{also}": timed(device, stream, partial(queue, kernel)).graph
            for kernel, said in (("pixels", "a pixel at once"), ("bytes", "byte by byte"))
            for queue, also in ((alone, ""), (whole, ", with NV12 to RGBA before and back behind it"))
        }
        for memory in (*tables, *sources, *outs, *nv12):
            memory.close()
    return spent


def _packed(device: Device, size: tuple[int, int]) -> DeviceMemory:
    """An NV12 picture without padding."""
    return DeviceMemory(device, _nv12_bytes(size))


def _planes(memory: DeviceMemory, size: tuple[int, int]) -> tuple[int, int]:
    return memory.pointer, memory.pointer + size[0] * size[1]


def _tables(rig: Rig, panorama: Panorama) -> list[np.ndarray]:
    """Source x and y in the left and in the right picture and the weights of both, for each pixel."""
    x, y = np.arange(panorama.width)[None, :], np.arange(panorama.height)[:, None]
    plan = plan_stitch(rig, panorama, FEATHER_DEG)
    share = _share(plan, x, y)
    places = [blocks.positions(x, y) for blocks in (plan.left, plan.right)]
    return [*(place[..., axis] for place in places for axis in range(2)), 1 - share, share]


def _share(plan: StitchPlan, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """The right picture's share at pixels, between those of the block corners."""
    row, column, down, across = y // 16, x // 16, y % 16 / 16, x % 16 / 16
    corners = plan.shares
    upper = corners[row, column] * (1 - across) + corners[row, column + 1] * across
    lower = corners[row + 1, column] * (1 - across) + corners[row + 1, column + 1] * across
    return upper * (1 - down) + lower * down
