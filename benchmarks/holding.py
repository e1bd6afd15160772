"""The three ways to hold a frame: what a frame of the window takes, what it costs to hold it, what comes back.

The picture is the synthetic match's panorama with sensor noise, which is the hard part for an encoder. CPU time is that
of all threads, without drawing the frames and without comparing them. The rate is what the codec reaches if nothing
else runs on the machine: at large sizes it may be too slow.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from touchline.delay import FrameStore
from touchline.delay.encoded import DecodingWorker, EncodingWorker
from touchline.delay.encoded_codecs import EncodingSettings, encoded_window_bytes
from touchline.delay.encoded_trial import choose_codec
from touchline.geometry import fit_panorama
from touchline.gst.caps import VideoCaps
from touchline.gst.library import SECOND
from touchline.gst.mapping import read_nv12, write_nv12
from touchline.gst.nv12 import Nv12
from touchline.gst.pools import FramePool
from touchline.synth import SyntheticMatch

SIZES = (((1920, 640), 150), ((5700, 1900), 60))  # and frames to hold
MOMENTS = 8  # different pictures; they are shown there and back, as far as possible from standing still
SPARE = 8  # raw frames, and decoded ones
WINDOW_S = 7
COMPARED = 7  # every so manieth frame
SIGMA = 2.0  # levels of noise


@dataclass
class Cost:
    """What was measured of one way to hold."""

    frame_bytes: float = 0.0
    window_bytes: float = 0.0
    in_s: float = 0.0
    out_s: float = 0.0
    in_wall_s: float = 0.0
    out_wall_s: float = 0.0
    errors: list[tuple[float, float]] = field(default_factory=list)


class Footage:
    """A few moments of the match, and a pool to capture them into."""

    def __init__(self, size: tuple[int, int], frames: int) -> None:
        match = SyntheticMatch(1, (1920, 1080))
        panorama = fit_panorama(match.rig).scaled(*size)
        rng = np.random.default_rng(3)
        self.frames = frames
        self.caps = VideoCaps(*size, Fraction(30))
        self.pictures = []
        for moment in range(MOMENTS):
            picture = match.panorama(30 + moment, panorama)
            noisy = picture.y + rng.normal(0, SIGMA, picture.y.shape)
            picture.y[:] = np.clip(np.rint(noisy), 16, 235)
            self.pictures.append(picture)

    def picture(self, number: int) -> Nv12:
        turn = number % (2 * MOMENTS - 2)
        return self.pictures[min(turn, 2 * MOMENTS - 2 - turn)]

    def pool(self, frames: int) -> FramePool:
        pool = FramePool(self.caps, frames)
        pool.start()
        return pool

    def capture(self, pool: FramePool, number: int) -> Any:
        buffer = pool.acquire(wait=True)
        with write_nv12(buffer, pool.layout) as picture:
            picture.copy_from(self.picture(number))
        return buffer

    def compare(self, buffer: Any, pool: FramePool, number: int) -> tuple[float, float]:
        """Mean squared error of luma and chroma."""
        wanted = self.picture(number)
        with read_nv12(buffer, pool.layout) as found:
            return _error(found.y, wanted.y), _error(found.uv, wanted.uv)


class Meter:
    """Wall time, and CPU time less that of what this thread did beside it."""

    def __init__(self) -> None:
        self._beside = 0.0
        self._began, self._began_wall = time.process_time(), time.perf_counter()

    def aside(self, work: Callable[..., Any], *arguments: Any) -> Any:
        began = time.thread_time()
        result = work(*arguments)
        self._beside += time.thread_time() - began
        return result

    def per_frame(self, frames: int) -> tuple[float, float]:
        cpu = time.process_time() - self._began - self._beside
        return cpu / frames, (time.perf_counter() - self._began_wall) / frames


def held(footage: Footage, *, copied: bool) -> Cost:
    """By reference, or by one deep copy into a second pool."""
    # As many as are worth waiting for: a frame costs the same however many there are.
    frames = min(footage.frames, 40)
    pool = footage.pool(frames)
    second = footage.pool(frames) if copied else pool
    store = FrameStore(frames, pool.frame_bytes)
    reader = store.reader("benchmark")
    meter = Meter()
    for number in range(frames):
        buffer = meter.aside(footage.capture, pool, number)
        if copied:
            target = second.acquire()
            with read_nv12(buffer, pool.layout) as source, write_nv12(target, pool.layout) as picture:
                picture.copy_from(source)
            buffer = target
        buffer.pts = number * SECOND // 30
        store.append(buffer, buffer.pts)
    cost = Cost(pool.frame_bytes, pool.frame_bytes * 30 * WINDOW_S)
    cost.in_s, cost.in_wall_s = meter.per_frame(frames)
    del buffer
    _take_all(footage, cost, reader, second, frames)
    store.close()
    return cost


def encoded(footage: Footage) -> Cost:
    """As a bitstream; the frames are encoded first and decoded then, so that each has the machine for itself."""
    frames, settings = footage.frames, EncodingSettings()
    codec = choose_codec(footage.caps, settings)
    pool, second = footage.pool(SPARE), footage.pool(SPARE)
    raw, window = FrameStore(SPARE, pool.frame_bytes), FrameStore(frames)
    decoded = FrameStore(SPARE, pool.frame_bytes)
    reader = decoded.reader("benchmark")
    encoder = EncodingWorker(raw, window, codec, on_failed=_fail)
    decoder = DecodingWorker(window, decoded, second, codec, on_failed=_fail)
    encoder.start()
    meter = Meter()
    for number in range(frames):
        buffer = meter.aside(footage.capture, pool, number)
        raw.append(buffer, number * SECOND // 30, SECOND // 30)
    raw.end()
    encoder.wait()
    planned = encoded_window_bytes(footage.caps, settings, 30 * WINDOW_S) + 2 * SPARE * pool.frame_bytes
    cost = Cost(encoder.held_bytes / frames, planned)
    cost.in_s, cost.in_wall_s = meter.per_frame(frames)
    decoder.start()
    _take_all(footage, cost, reader, second, frames)
    for store in (raw, window, decoded):
        store.close()
    return cost


def _take_all(footage: Footage, cost: Cost, reader: Any, pool: FramePool, frames: int) -> None:
    meter = Meter()
    for number in range(frames):
        reader.wait(60)
        frame = reader.take()
        if number % COMPARED == 0:
            cost.errors.append(meter.aside(footage.compare, frame.buffer, pool, number))
        del frame
    cost.out_s, cost.out_wall_s = meter.per_frame(frames)


def _fail(error: Exception) -> None:
    raise error


def _error(one: Any, other: Any) -> float:
    return float(np.mean((one.astype(np.int16) - other) ** 2))


def _psnr(errors: list[float]) -> str:
    worst = max(errors)
    return "same" if worst == 0 else f"{10 * np.log10(255**2 / np.mean(errors)):.1f} dB"


def main() -> None:
    """Prints the table."""
    table = Table(title=f"Ways to hold a frame; a window of {WINDOW_S} s at 30 fps")
    names = (
        "size",
        "--hold",
        "a frame",
        "window",
        "CPU in",
        "CPU out",
        "rate in",
        "rate out",
        "luma",
        "chroma",
    )
    for name in names:
        table.add_column(name, justify="right")
    for size, frames in SIZES:
        footage = Footage(size, frames)
        for hold, cost in (
            ("reference", held(footage, copied=False)),
            ("copy", held(footage, copied=True)),
            ("encoded", encoded(footage)),
        ):
            table.add_row(
                f"{size[0]}x{size[1]}",
                hold,
                f"{cost.frame_bytes / 1e3:.0f} kB",
                f"{cost.window_bytes / 1e6:.0f} MB",
                f"{cost.in_s * 1e3:.2f} ms",
                f"{cost.out_s * 1e3:.2f} ms",
                f"{1 / cost.in_wall_s:.0f} fps" if hold == "encoded" else "",
                f"{1 / cost.out_wall_s:.0f} fps" if hold == "encoded" else "",
                _psnr([luma for luma, _ in cost.errors]),
                _psnr([chroma for _, chroma in cost.errors]),
            )
    Console().print(table)


if __name__ == "__main__":
    main()
