"""The virtual camera on the processor against OpenCV's remap: ``python -m benchmarks.rendering``.

Both make the same NV12 view of the same panorama with the same number of threads, in turn, in one run. The view
moves with each frame, as it does in a programme, so OpenCV's maps are made anew each time; a column says what remap
takes alone, with maps that are simply there. Where a view is coarser than the panorama, Touchline takes the mean of
several fetches for each sample, which remap does not: it flickers there.
"""

from __future__ import annotations

import itertools
import math
import os
from functools import partial

import cv2
import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.stitching import interleaved, noise_picture
from touchline.geometry import Panorama, View, ViewLimits, rays_to_angles
from touchline.gst.nv12 import Nv12
from touchline.panorama.workers import Workers
from touchline.render.camera import CpuVirtualCamera

PANORAMAS = ((2096, 568), (5700, 1900))
SIZES = ((1280, 720), (1920, 1080))
FIELDS = (25.0, 40.0)


class OpenCvCamera:
    """The same views with cv2.remap."""

    def __init__(self, panorama: Panorama, width: int, height: int) -> None:
        self.panorama, self.width, self.height = panorama, width, height
        self.maps: list[tuple[np.ndarray, np.ndarray]] = []

    def aim(self, view: View) -> None:
        """Makes the maps for a view."""
        x, y = np.arange(self.width, dtype=np.float64), np.arange(self.height, dtype=np.float64)[:, None]
        yaw, pitch = rays_to_angles(view.rays(x[None, :], y, self.width, self.height))
        luma = [plane.astype(np.float32) for plane in self.panorama.angles_to_pixels(yaw, pitch)]
        chroma = [
            np.ascontiguousarray((plane[::2, ::2] + plane[1::2, 1::2]) / 4 - 0.25, np.float32)
            for plane in luma
        ]
        self.maps = [(luma[0], luma[1]), (chroma[0], chroma[1])]

    def remap(self, panorama: Nv12, out: Nv12) -> None:
        """Writes the view into ``out``."""
        for maps, source, made in zip(self.maps, panorama, out, strict=True):
            cv2.remap(source, *maps, cv2.INTER_LINEAR, dst=made, borderMode=cv2.BORDER_REPLICATE)

    def render(self, panorama: Nv12, view: View, out: Nv12) -> None:
        """Both."""
        self.aim(view)
        self.remap(panorama, out)


def measure(
    frame: Nv12, panorama: Panorama, size: tuple[int, int], fov: float, workers: Workers
) -> tuple[float, float, float, int]:
    """Milliseconds per view: ours, OpenCV's, OpenCV's remap alone; and how many fetches ours takes for a sample."""
    limits = ViewLimits(panorama, size[0] / size[1])
    views = itertools.cycle([limits.clamp(View(yaw, -8.0, fov)) for yaw in np.linspace(-20, 20, 9)])
    out = Nv12.empty(*size)
    ours, theirs = CpuVirtualCamera(panorama, *size, workers), OpenCvCamera(panorama, *size)
    theirs.aim(next(views))
    times = interleaved(
        [
            lambda: ours.render(frame, next(views), out),
            lambda: theirs.render(frame, next(views), out),
            partial(theirs.remap, frame, out),
        ]
    )
    return 1e3 * times[0], 1e3 * times[1], 1e3 * times[2], ours.fetches**2


def main() -> None:
    """Measures and prints a table."""
    table = Table(title="Virtual camera, NV12 to NV12, milliseconds per view (medians)")
    for name in ("panorama", "view", "fov", "threads", "fetches", "Touchline", "Mpx/s", "OpenCV", "ratio"):
        table.add_column(name, justify="right")
    table.add_column("remap alone", justify="right")
    table.add_column("ratio", justify="right")
    threads = os.cpu_count() or 1
    cv2.setNumThreads(threads)
    with Workers(threads) as workers:
        for wide, tall in PANORAMAS:
            frame = noise_picture(wide, tall, 1)
            panorama = Panorama("equirectangular", wide, tall, *(math.radians(a) for a in (-90, 90, -34, 15)))
            for size, fov in itertools.product(SIZES, FIELDS):
                ours, theirs, alone, fetches = measure(frame, panorama, size, fov, workers)
                table.add_row(
                    f"{wide}x{tall}",
                    f"{size[0]}x{size[1]}",
                    f"{fov:.0f}",
                    str(threads),
                    str(fetches),
                    f"{ours:.2f}",
                    f"{size[0] * size[1] / ours / 1e3:.0f}",
                    f"{theirs:.2f}",
                    f"{theirs / ours:.2f}",
                    f"{alone:.2f}",
                    f"{alone / ours:.2f}",
                )
    Console(width=130).print(table)


if __name__ == "__main__":
    main()
