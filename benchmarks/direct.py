"""Views straight from two cameras' pictures against views of the panorama: ``python -m benchmarks.direct [PICTURE]``.

Sharpness: synthetic matches are filmed by two cameras, and a view is made both ways and compared with the scene
rendered directly. *Detail* is the energy of the luma's gradients over that of the scene's: 1 is as sharp as the scene.
PSNR of luma is taken after one gain and offset, because a camera's exposure is not the scene's. The cameras have no
sensor noise there, or noise would count as detail; a column says what the PSNR is with it.

Cost: CPU time of the whole process for a frame, with one thread (what it takes) and the wall clock with all cores (how
long it takes), by the same view that moves with each frame, all in turn.
"""

from __future__ import annotations

import itertools
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.stitching import benchmark_rig, noise_picture
from touchline.geometry import Panorama, Rig, View, ViewLimits, fit_panorama
from touchline.gst.caps import VideoCaps, packed_bytes
from touchline.gst.nv12 import Nv12
from touchline.gst.pools import FramePool
from touchline.gst.shares import share
from touchline.panorama.pair import LightLog, PairKeeper, PairLayout
from touchline.panorama.stitch import CpuStitcher
from touchline.panorama.tone import Light
from touchline.panorama.workers import Workers
from touchline.render.camera import CpuVirtualCamera
from touchline.render.direct import DirectCamera, ReducedPanorama
from touchline.synth import SyntheticMatch

SEEDS = (1, 3, 7)
INDEX = 40
VIEWS = {
    "near, one camera": View(-32.0, -10.0, 25.0),
    "middle, one camera": View(30.0, -10.0, 40.0),
    "across the seam": View(0.0, -10.0, 35.0),
    "wide": View(0.0, -10.0, 75.0),
}
SHARPNESS = (((1280, 720), (1280, 720)), ((3840, 2160), (1920, 1080)))
COSTS = (((1280, 720), (1280, 720)), ((3840, 2160), (1280, 720)), ((3840, 2160), (1920, 1080)))
REPEATS = 31


@dataclass(frozen=True)
class Filmed:
    """One frame of a match, both ways."""

    rig: Rig
    panorama: Panorama
    pair: Nv12
    light: Light
    stitched: Nv12


def film(match: SyntheticMatch, workers: Workers) -> Filmed:
    """Draws a frame of both cameras, keeps it as a pair and stitches it."""
    left, right = Nv12.empty(*match.size), Nv12.empty(*match.size)
    match.draw(INDEX, left, right)
    panorama, log = fit_panorama(match.rig), LightLog()
    pair = Nv12.empty(*PairLayout.of(match.rig).size)
    PairKeeper(match.rig, panorama, log).keep(left, right, pair, 0.0)
    stitched = Nv12.empty(panorama.width, panorama.height)
    CpuStitcher(match.rig, panorama, workers).stitch(left, right, stitched, 0.0)
    return Filmed(match.rig, panorama, pair, log.at(0), stitched)


def both_ways(filmed: Filmed, view: View, size: tuple[int, int], workers: Workers) -> tuple[Nv12, Nv12]:
    """The view directly, and through the panorama."""
    direct, through = Nv12.empty(*size), Nv12.empty(*size)
    DirectCamera(filmed.rig, *size, workers).render(filmed.pair, view, filmed.light, direct)
    CpuVirtualCamera(filmed.panorama, *size, workers).render(filmed.stitched, view, through)
    return direct, through


def energy(picture: Nv12) -> float:
    """Mean square of the luma's gradient."""
    y = picture.y.astype(np.float64)
    return float(np.mean(np.diff(y, axis=0)[:, :-1] ** 2 + np.diff(y, axis=1)[:-1] ** 2))


def psnr(picture: Nv12, truth: Nv12) -> float:
    """Of luma in dB, after the gain and the offset that suit it best."""
    made, wanted = picture.y.astype(np.float64).ravel(), truth.y.astype(np.float64).ravel()
    gain, offset = np.polyfit(made, wanted, 1)
    return float(10 * np.log10(255**2 / np.mean((gain * made + offset - wanted) ** 2)))


def sharpness(workers: Workers) -> Table:
    """Detail and PSNR, means over the seeds."""
    table = Table(title=f"Sharpness against the scene itself, means over seeds {', '.join(map(str, SEEDS))}")
    names = (
        "cameras",
        "view",
        "shows",
        "detail direct",
        "panorama",
        "PSNR direct",
        "panorama",
        "with noise",
        "panorama",
    )
    for name in names:
        table.add_column(name, justify="right")
    for cameras, size in SHARPNESS:
        found: dict[str, list[list[float]]] = {name: [] for name in VIEWS}
        fields = {}
        for seed in SEEDS:
            clean, noisy = (SyntheticMatch(seed, cameras, noise=noise) for noise in (False, True))
            filmed, grainy = film(clean, workers), film(noisy, workers)
            limits = ViewLimits(filmed.panorama, size[0] / size[1])
            for name, wanted in VIEWS.items():
                view = limits.clamp(wanted)
                truth = clean.view(INDEX, view, *size)
                ways = both_ways(filmed, view, size, workers)
                rough = both_ways(grainy, view, size, workers)
                row = [energy(way) / energy(truth) for way in ways]
                found[name].append(row + [psnr(way, truth) for way in (*ways, *rough)])
                fields[name] = view.fov_deg
        for name, rows in found.items():
            means = np.mean(rows, axis=0)
            table.add_row(
                "{}x{}".format(*cameras),
                "{}x{}".format(*size),
                f"{name}, {fields[name]:.0f}°",
                *(f"{value:.2f}" for value in means[:2]),
                *(f"{value:.2f} dB" for value in means[2:]),
            )
    return table


def spent(calls: list[Callable[[], Any]], clock: Callable[[], float]) -> list[float]:
    """Median milliseconds of each call by a clock, taken in turn so that they meet the same weather."""
    times: list[list[float]] = [[] for _ in calls]
    for round_ in range(REPEATS + 2):
        for call, taken in zip(calls, times, strict=True):
            start = clock()
            call()
            if round_ >= 2:
                taken.append(1e3 * (clock() - start))
    return [statistics.median(taken) for taken in times]


def _turning(limits: ViewLimits, middle: float, fov: float) -> Iterator[View]:
    return itertools.cycle([limits.clamp(View(middle + yaw, -8.0, fov)) for yaw in np.linspace(-4, 4, 9)])


def cost(
    cameras: tuple[int, int], size: tuple[int, int], yaw: float, threads: int, clock: Any
) -> list[float]:
    """Milliseconds: stitch, view of it, sum; keep, direct view, sum; aiming alone."""
    rig = benchmark_rig(*cameras)
    panorama = fit_panorama(rig)
    left, right = noise_picture(*cameras, 1), noise_picture(*cameras, 2)
    pair, stitched, out = (
        Nv12.empty(*PairLayout.of(rig).size),
        Nv12.empty(panorama.width, panorama.height),
        Nv12.empty(*size),
    )
    limits, log = ViewLimits(panorama, size[0] / size[1]), LightLog()
    light = Light(0.2, 0.0, 0.01, -0.01, 0.1, 0.1)
    views, others, aims = (_turning(limits, yaw, 40.0) for _ in range(3))
    with Workers(threads) as workers:
        stitcher, keeper = CpuStitcher(rig, panorama, workers), PairKeeper(rig, panorama, log)
        through, direct = CpuVirtualCamera(panorama, *size, workers), DirectCamera(rig, *size, workers)
        stitch, view, keep, straight, aim = spent(
            [
                lambda: stitcher.stitch(left, right, stitched, 0.0),
                lambda: through.render(stitched, next(views), out),
                lambda: keeper.keep(left, right, pair, 0.0),
                lambda: direct.render(pair, next(others), light, out),
                lambda: direct.aim(next(aims)),
            ],
            clock,
        )
    return [stitch, view, stitch + view, keep, straight, keep + straight, aim]


def costs() -> Table:
    """CPU time and wall clock for a frame, and what is held."""
    table = Table(title="A frame, milliseconds (medians), 40 degrees wide")
    names = (
        "cameras",
        "view",
        "looks at",
        "clock",
        "stitch",
        "view",
        "sum",
        "keep",
        "direct",
        "sum",
        "of it: aiming",
    )
    for name in names:
        table.add_column(name, justify="right")
    for (cameras, size), (place, yaw) in itertools.product(COSTS, (("one camera", -30.0), ("the seam", 0.0))):
        for what, threads, clock in (
            ("CPU", 1, time.process_time),
            (f"wall, {os.cpu_count()} threads", os.cpu_count() or 1, time.perf_counter),
        ):
            figures = cost(cameras, size, yaw, threads, clock)
            names = ("{}x{}".format(*cameras), "{}x{}".format(*size), place, what)
            table.add_row(*names, *(f"{figure:.2f}" for figure in figures))
    return table


def holding() -> Table:
    """What is held, and what the analysis and holding by reference instead would take."""
    table = Table(title="What is held, and what else a frame costs (CPU, one thread)")
    names = (
        "cameras",
        "panorama",
        "pair",
        "seven seconds at 30 fps",
        "copied into our pool",
        "a share instead",
    )
    for name in (*names, "small panorama"):
        table.add_column(name, justify="right")
    for cameras in ((1280, 720), (3840, 2160)):
        rig = benchmark_rig(*cameras)
        panorama, layout = fit_panorama(rig), PairLayout.of(rig)
        one, both = packed_bytes("NV12", panorama.width, panorama.height), packed_bytes("NV12", *layout.size)
        pool = FramePool(VideoCaps(*cameras, Fraction(0)), 1)
        pool.start()
        held = pool.acquire()
        pictures, pair = [noise_picture(*cameras, n) for n in (1, 2)], Nv12.empty(*layout.size)
        factor = min(16, max(1, round(panorama.width / 400)))
        with Workers(1) as workers:
            small = ReducedPanorama(rig, panorama, factor, workers)
            light = Light()

            def copy(pair: Nv12 = pair, pictures: list[Nv12] = pictures, layout: PairLayout = layout) -> None:
                for place, picture in zip(layout.split(pair), pictures, strict=True):
                    place.copy_from(picture)

            copied, shared, reduced = spent(
                [
                    copy,
                    lambda held=held: (share(held), share(held)),
                    lambda s=small, p=pair, t=light: s.render(p, t),
                ],
                time.process_time,
            )
        pool.stop()
        table.add_row(
            f"2 x {cameras[0]}x{cameras[1]}",
            f"{panorama.width}x{panorama.height}, {one / 1e6:.2f} MB",
            f"{both / 1e6:.2f} MB",
            f"{210 * one / 1e9:.2f} and {210 * both / 1e9:.2f} GB",
            f"{copied:.2f} ms",
            f"{shared:.3f} ms",
            f"{reduced:.2f} ms",
        )
    return table


def draw(path: Path, workers: Workers) -> None:
    """Crops of the scene, of the view through the panorama and of the direct one, side by side."""
    match = SyntheticMatch(3, (3840, 2160))
    filmed = film(match, workers)
    size, zoom = (1920, 1080), 3
    view = ViewLimits(filmed.panorama, size[0] / size[1]).clamp(View(12.0, -10.0, 40.0))
    direct, through = both_ways(filmed, view, size, workers)
    truth = match.view(INDEX, view, *size)
    row, column = _busiest(truth.y, 120, 150)
    crops = []
    for picture, name in ((truth, "the scene"), (through, "through the panorama"), (direct, "direct")):
        image = cv2.cvtColorTwoPlane(picture.y, picture.uv, cv2.COLOR_YUV2BGR_NV12)
        crop = image[row : row + 120, column : column + 150]
        crop = cv2.resize(crop, None, fx=zoom, fy=zoom, interpolation=cv2.INTER_NEAREST)
        band = np.full((28, crop.shape[1], 3), 30, np.uint8)
        cv2.putText(band, name, (8, 20), cv2.FONT_HERSHEY_SIMPLEX, 0.6, (255, 255, 255), 1, cv2.LINE_AA)
        crops += [np.vstack([band, crop]), np.full((band.shape[0] + crop.shape[0], 6, 3), 30, np.uint8)]
    if not cv2.imwrite(str(path), np.hstack(crops[:-1]), [cv2.IMWRITE_JPEG_QUALITY, 92]):
        sys.exit(f"the picture {path} can't be written")


def _busiest(luma: Any, rows: int, columns: int) -> tuple[int, int]:
    """Where a crop of that size has most detail."""
    y = luma.astype(np.float32)
    change = np.abs(cv2.Laplacian(y, cv2.CV_32F))
    sums = cv2.boxFilter(change, -1, (columns, rows), normalize=False, anchor=(0, 0))
    inner = sums[: y.shape[0] - rows, : y.shape[1] - columns]
    row, column = np.unravel_index(int(np.argmax(inner)), inner.shape)
    return int(row), int(column)


def main(picture: Path | None = None) -> None:
    """Measures and prints the tables; draws the picture if a name is given."""
    console = Console(width=150)
    with Workers() as workers:
        console.print(sharpness(workers))
        if picture is not None:
            draw(picture, workers)
    console.print(costs())
    console.print(holding())


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else None)
