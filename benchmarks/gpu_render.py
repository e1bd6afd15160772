"""The virtual camera and the detector's tiles on a GPU beside what copying the same bytes takes.

A view's floor is the part of the panorama that it shows, read once, and the picture, written once, at the rate of a
large copy; a tile's likewise. A copy of so few bytes does not reach that rate either, so there is a column for it.
Each call has another panorama than the eleven before it, more than the second-level cache holds; one column says what
it takes when not.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from cuda.bindings import driver
from numpy.typing import NDArray

from benchmarks.gpu_timing import copy_rate, timed
from touchline.analysis.cuda_tiles import CudaTiles
from touchline.analysis.tiles import BatchFormat, Number, Tile, bilinear, reference
from touchline.cuda.copies import Rows, download, upload_plane
from touchline.cuda.device import Device, DeviceMemory, Stream
from touchline.cuda.driver import check
from touchline.cuda.picture import DevicePicture
from touchline.geometry import Panorama, View, rays_to_angles
from touchline.gst.nv12 import Nv12
from touchline.render.cuda_camera import CudaVirtualCamera
from touchline.render.cuda_whole import CudaWholePanorama

PANORAMA = Panorama("equirectangular", 5700, 1900, *np.radians((-75, 75, -35, 15)))
SIZE = (1920, 1080)
VIEWS = (View(10, -9, 40), View(-12, -8, 58), View(0, -9, 85))
TILES = tuple(
    Tile(x, y, 1024, 1024)
    for x, y in zip((0, 936, 1872, 2804, 3740, 4676), (400, 412, 600, 300, 876, 0), strict=True)
)
FRAMES = 12
_ALIGNED = 512
_EVERY = 8  # rows of a picture that are compared with the reference

Row = dict[str, Any]


class _Bench:
    """Panoramas of noise and pictures to be written, on one GPU."""

    def __init__(self, device: Device) -> None:
        self.device = device
        self.stream = device.stream()
        self.rate = copy_rate(device, self.stream)
        random = np.random.default_rng(1)
        self.noise = Nv12.empty(PANORAMA.width, PANORAMA.height)
        for plane in self.noise:
            plane[:] = random.integers(0, 256, plane.shape, np.uint8)
        self.panoramas = [_room(device, (PANORAMA.width, PANORAMA.height)) for _ in range(FRAMES)]
        for picture in self.panoramas:
            upload_plane(device, self.noise.y, Rows(picture.y, picture.y_pitch), self.stream)
            upload_plane(device, self.noise.uv, Rows(picture.uv, picture.uv_pitch), self.stream)
        self.stream.wait()
        self.outs = [_room(device, SIZE) for _ in range(FRAMES)]

    def row(self, what: str, moved: float, stream: Stream, queue: Callable[[int], Any], **more: Any) -> Row:
        """Times ``queue(n)``, which works on panorama n, beside its floor."""
        floor = moved / self.rate * 1e6
        ours, hot = (
            timed(self.device, stream, lambda n: queue(n % FRAMES)),
            timed(self.device, stream, lambda _: queue(0)),
        )
        return {
            "what": what,
            "MB in and out": round(moved / 1e6, 1),
            "floor us": floor,
            "us": ours.graph,
            "of the copy's rate": f"{floor / ours.graph:.0%}",
            "a copy of as many bytes, us": self.copy(moved),
            "one panorama over and over, us": hot.graph,
            "launched one by one, us": ours.stream,
            **more,
        }

    def copy(self, moved: float) -> float:
        """Microseconds of a copy that moves so many bytes in and out, other ones at each call."""
        size = int(moved / 2) // _ALIGNED * _ALIGNED
        with (
            DeviceMemory(self.device, size * FRAMES) as source,
            DeviceMemory(self.device, size * FRAMES) as target,
        ):

            def queue(number: int) -> None:
                offset = number % FRAMES * size
                with self.device.current():
                    status = driver.cuMemcpyDtoDAsync(
                        target.pointer + offset, source.pointer + offset, size, self.stream.native
                    )
                check(status, "copy")

            source.clear(self.stream)
            return timed(self.device, self.stream, queue).graph

    def close(self) -> None:
        for picture in (*self.panoramas, *self.outs):
            picture.owner.close()
        self.stream.close()


def rows(device: Device) -> list[Row]:
    """Measures views, the whole panorama and tiles; ``ok``: the pictures equal their float64 reference."""
    bench = _Bench(device)
    made = [*_views(bench), _whole(bench), _tiles(bench, "float16"), _tiles(bench, "float32")]
    bench.close()
    return made


def _views(bench: _Bench) -> list[Row]:
    made = []
    with CudaVirtualCamera(bench.device, PANORAMA, *SIZE) as camera:
        for view in VIEWS:
            camera.render(bench.panoramas[0], view, bench.outs[0])
            count = camera.fetches
            luma = download(bench.device, bench.outs[0].luma, camera.stream)
            ok = _within(luma[::_EVERY], _view_luma(bench.noise, view, count))

            def queue(number: int, view: View = view) -> None:
                camera.queue(bench.panoramas[number], view, bench.outs[number])

            what = f"view of {view.fov_deg:g} degrees, {SIZE[0]}x{SIZE[1]}, {count * count} fetches a sample"
            made.append(bench.row(what, _shown_bytes(view) + _nv12_bytes(SIZE), camera.stream, queue, ok=ok))
    return made


def _whole(bench: _Bench) -> Row:
    size = (PANORAMA.width, PANORAMA.height)
    with CudaWholePanorama(bench.device, size, *SIZE) as whole:
        return bench.row(
            f"the whole panorama in {SIZE[0]}x{SIZE[1]}",
            _nv12_bytes(size) + _nv12_bytes(SIZE),
            whole.stream,
            lambda number: whole.queue(bench.panoramas[number], bench.outs[number]),
        )


def _tiles(bench: _Bench, number: Number) -> Row:
    batch = BatchFormat(TILES[0].width, TILES[0].height, number)
    size = (PANORAMA.width, PANORAMA.height)
    cutters = [CudaTiles(bench.device, size, TILES, batch, bench.stream) for _ in range(3)]
    made = cutters[0].cut(bench.panoramas[0])
    host = download(bench.device, made, bench.stream)
    ok = np.abs(host - reference(bench.noise, TILES, batch)).max() < 1 / 255
    row = bench.row(
        f"{len(TILES)} tiles of {batch.width}x{batch.height}, {number}",
        made.nbytes + sum(_nv12_bytes((tile.width, tile.height)) for tile in TILES),
        bench.stream,
        lambda n: cutters[n % len(cutters)].queue(bench.panoramas[n]),
        ok=bool(ok),
    )
    for cutter in cutters:
        cutter.close()
    return row


def _view_luma(source: Nv12, view: View, count: int) -> NDArray[np.float64]:
    """Luma of every few rows of a view, in float64, fetch by fetch."""
    total = np.zeros((-(-SIZE[1] // _EVERY), SIZE[0]))
    for fetch in range(count * count):
        across, down = ((n + 0.5) / count - 0.5 for n in (fetch % count, fetch // count))
        x, y = np.arange(SIZE[0])[None, :] + across, np.arange(0, SIZE[1], _EVERY)[:, None] + down
        places = PANORAMA.angles_to_pixels(*rays_to_angles(view.rays(x, y, *SIZE)))
        total += bilinear(source.y, *places)
    return total / count**2


def _within(made: NDArray[np.uint8], wanted: NDArray[np.float64]) -> bool:
    """Within a level for 99.9 % of the samples, two at most."""
    error = np.abs(made - wanted)
    return bool(np.mean(error <= 1) >= 0.999 and error.max() <= 2)


def _shown_bytes(view: View) -> float:
    """Bytes of the part of the panorama that a view shows: the area inside its outline."""
    width, height = SIZE
    along, beside = np.linspace(-0.5, width - 0.5, 200), np.linspace(-0.5, height - 0.5, 200)
    x = np.concatenate([along, np.full(200, width - 0.5), along[::-1], np.full(200, -0.5)])
    y = np.concatenate([np.full(200, -0.5), beside, np.full(200, height - 0.5), beside[::-1]])
    px, py = PANORAMA.angles_to_pixels(*rays_to_angles(view.rays(x, y, width, height)))
    return 1.5 * abs(float(np.sum(px * np.roll(py, -1) - py * np.roll(px, -1)))) / 2


def _nv12_bytes(size: tuple[int, int]) -> int:
    return size[0] * size[1] * 3 // 2


def _room(device: Device, size: tuple[int, int]) -> DevicePicture:
    width, height = size
    pitch = -(-width // _ALIGNED) * _ALIGNED
    memory = DeviceMemory(device, pitch * height * 3 // 2)
    return DevicePicture(
        memory.pointer, memory.pointer + pitch * height, pitch, pitch, width, height, memory, device.index
    )
