"""Stitching on the processor against OpenCV's remap doing the same work: ``python -m benchmarks.stitching``.

Both make the same NV12 panorama from the same frames with the same number of threads, in turn, in one run. OpenCV
gets what suits it: each picture is remapped only where it is shown, luma as one channel and chroma as two, with
whichever of its kinds of map is faster here, and the overlap alone is blended, with blendLinear. Neither corrects
exposures; the last columns say what ours takes with that, and besides with an adaptive seam or in five bands: there
means, since a seam looks at a frame in five only, over footage in which it has to move.

``--cpu`` counts the process's CPU time instead, on one thread only: for a machine on which others are at work.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import cv2
import numpy as np
from rich.console import Console
from rich.table import Table

from touchline.geometry import Camera, Distortion, Panorama, Rig, fit_panorama
from touchline.gst.nv12 import Nv12
from touchline.panorama.joint import FEATHER_DEG, Joint
from touchline.panorama.stitch import CpuStitcher
from touchline.panorama.warp import right_share
from touchline.panorama.workers import Workers

CASES: tuple[tuple[tuple[int, int], tuple[int, int]], ...] = (
    ((1280, 720), (2096, 568)),
    ((3840, 2160), (5700, 1900)),
)
REPEATS = 25


def benchmark_rig(width: int, height: int) -> Rig:
    """Two cameras of 100 degrees, 85 degrees apart, with barrel distortion."""
    lens = Distortion("brown", (-0.18, 0.03))
    angles = ((-42.5, -12.5, 1.8), (42.8, -12.8, -1.6))
    return Rig(
        tuple(
            Camera.from_fov(width, height, 100, lens, yaw_deg=y, pitch_deg=p, roll_deg=r)
            for y, p, r in angles
        )
    )


def noise_picture(width: int, height: int, seed: int) -> Nv12:
    """A picture with detail everywhere."""
    rng = np.random.default_rng(seed)
    picture = Nv12.empty(width, height)
    for plane in picture:
        plane[...] = cv2.GaussianBlur(rng.integers(0, 256, plane.shape, dtype=np.uint8), (0, 0), 2)
    return picture


Clock = Callable[[], float]


def interleaved(
    calls: list[Callable[[], Any]], repeats: int = REPEATS, clock: Clock = time.perf_counter
) -> list[float]:
    """Median seconds of each call, taken in turn so that they meet the same weather."""
    times: list[list[float]] = [[] for _ in calls]
    for call in calls:
        call()
        call()
    for _ in range(repeats):
        for call, spent in zip(calls, times, strict=True):
            start = clock()
            call()
            spent.append(clock() - start)
    return [statistics.median(spent) for spent in times]


class OpenCvStitcher:
    """The same panorama with cv2.remap."""

    def __init__(self, rig: Rig, panorama: Panorama, *, fixed: bool) -> None:
        self._parts = []
        for step, shift in ((1, 0.0), (2, 0.5)):
            x = np.arange(0, panorama.width, step) + shift
            y = np.arange(0, panorama.height, step)[:, None] + shift
            rays = panorama.rays(x[None, :], y)
            share = right_share(rig, rays, FEATHER_DEG)
            first, last = (
                int(np.nonzero(share.max(0) > 0)[0][0]),
                int(np.nonzero(share.min(0) < 1)[0][-1]) + 1,
            )
            maps = []
            for camera, columns in ((rig.left, slice(0, last)), (rig.right, slice(first, None))):
                places = (camera.project(rays[:, columns])[0] - shift) / step
                planes = [np.ascontiguousarray(places[..., axis].astype(np.float32)) for axis in (0, 1)]
                maps.append(cv2.convertMaps(*planes, cv2.CV_16SC2) if fixed else tuple(planes))
            weights = [np.ascontiguousarray(w[:, first:last], np.float32) for w in (1 - share, share)]
            self._parts.append((maps, slice(first, last), weights))

    def stitch(self, left: Nv12, right: Nv12, out: Nv12) -> None:
        """Writes the panorama into ``out``."""
        for (maps, both, weights), one, two, made in zip(self._parts, left, right, out, strict=True):
            ours = cv2.remap(one, *maps[0], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
            theirs = cv2.remap(two, *maps[1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
            width = both.stop - both.start
            made[:, : both.start] = ours[:, : both.start]
            made[:, both.stop :] = theirs[:, width:]
            made[:, both] = cv2.blendLinear(
                np.ascontiguousarray(ours[:, both]), np.ascontiguousarray(theirs[:, :width]), *weights
            )


def mean_following(
    stitcher: CpuStitcher, pairs: list[tuple[Nv12, Nv12]], out: Nv12, clock: Clock, frames: int = 60
) -> float:
    """Mean seconds of a frame of footage that changes every half second."""
    for number in range(frames + 10):
        if number == 10:
            start = clock()
        stitcher.stitch(*pairs[number // 12 % len(pairs)], out, number / 25)
    return (clock() - start) / frames


class Times(NamedTuple):
    """Milliseconds per panorama."""

    plain: float
    opencv: float
    gained: float
    adaptive: float
    banded: float
    both: float


def measure(cameras: tuple[int, int], size: tuple[int, int], threads: int, clock: Clock) -> Times:
    """Ours plainly, OpenCV's better one, and ours with all that can be asked for."""
    rig = benchmark_rig(*cameras)
    panorama = fit_panorama(rig, size=size)
    left, right = noise_picture(*cameras, 1), noise_picture(*cameras, 2)
    out = Nv12.empty(*size)
    rivals = [OpenCvStitcher(rig, panorama, fixed=fixed) for fixed in (False, True)]
    cv2.setNumThreads(threads)
    with Workers(threads) as workers:
        ours = [CpuStitcher(rig, panorama, workers, gain=gain) for gain in (False, True)]
        plain, gained, *theirs = interleaved(
            [partial(stitcher.stitch, left, right, out, 0.0) for stitcher in ours]
            + [partial(rival.stitch, left, right, out) for rival in rivals],
            clock=clock,
        )
        pairs = [(left, right), (noise_picture(*cameras, 3), right)]
        joints = (Joint(adaptive=True), Joint(levels=5), Joint(levels=5, adaptive=True))
        more = [
            mean_following(CpuStitcher(rig, panorama, workers, joint), pairs, out, clock) for joint in joints
        ]
    return Times(*(1e3 * spent for spent in (plain, min(theirs), gained, *more)))


def main(cpu: bool = False) -> None:
    """Measures and prints a table; ``cpu``: CPU time on one thread."""
    what = "milliseconds of CPU" if cpu else "milliseconds"
    clock = time.process_time if cpu else time.perf_counter
    table = Table(title=f"Stitching, NV12 to NV12, {what} per panorama (medians)")
    names = ("cameras", "panorama", "threads", "plain", "Mpx/s", "OpenCV", "ratio")
    for name in (*names, "with light", "adaptive", "5 bands", "both"):
        table.add_column(name, justify="right")
    for cameras, size in CASES:
        for threads in [1] if cpu else sorted({1, os.cpu_count() or 1}):
            times = measure(cameras, size, threads, clock)
            table.add_row(
                f"2 x {cameras[0]}x{cameras[1]}",
                f"{size[0]}x{size[1]}",
                str(threads),
                f"{times.plain:.2f}",
                f"{size[0] * size[1] / times.plain / 1e3:.0f}",
                f"{times.opencv:.2f}",
                f"{times.opencv / times.plain:.2f}",
                *(f"{spent:.2f}" for spent in times[2:]),
            )
    Console(width=110).print(table)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m benchmarks.stitching")
    parser.add_argument(
        "--cpu", action="store_true", help="CPU time on one thread, for a machine that is busy"
    )
    main(parser.parse_args().cpu)
