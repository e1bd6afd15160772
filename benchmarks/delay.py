"""What the delay itself costs per frame, in and out, at any size: nothing of it may grow with the pixels.

In: a frame's timestamp, the store. Out: the player, a share, appsrc, clocksync and a sink; and the search for a free
frame. Nothing is stitched or rendered. All CPU time of the process is counted, GStreamer's threads included.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from fractions import Fraction

from rich.console import Console
from rich.table import Table

from touchline.delay import FastTimeline, FrameStore, Player
from touchline.gst.caps import VideoCaps
from touchline.gst.domains import Domain
from touchline.gst.elements import make
from touchline.gst.library import SECOND
from touchline.gst.mapping import read_nv12, write_nv12
from touchline.gst.pipelines import Pipeline
from touchline.gst.pools import FramePool
from touchline.gst.shares import share

SIZES = ((320, 240), (1920, 640), (5700, 1900))
WINDOW = 30
FRAMES = 1500
REPEATS = 7


class Bench:
    """One size, ready to run.

    Args:
        size: of the frames.
        domain: whose memory they lie in; plain memory by default.
        window: frames that are held.
    """

    def __init__(self, size: tuple[int, int], domain: Domain | None = None, window: int = WINDOW) -> None:
        self.caps = VideoCaps(*size, Fraction(30))
        self.window = window
        self.pool = FramePool(self.caps, window + 10, domain=domain)
        self.pool.start()

    def run(self, frames: int = FRAMES, look: Callable[[int], None] | None = None) -> tuple[float, float]:
        """Seconds of CPU per frame: in, and out with everything that belongs to it.

        Args:
            frames: how many go through.
            look: called with each frame's number before it goes in.
        """
        store = FrameStore(self.window + 10, self.pool.frame_bytes)
        pipeline = Pipeline("bench")
        source = make(
            "appsrc", caps=self.pool.gst_caps, format="time", block=True, max_buffers=4, max_bytes=0
        )
        pipeline.add(source, make("clocksync", sync=False), make("fakesink", sync=False))
        player = Player(
            store,
            FastTimeline(store, self.window),
            lambda cue: source.emit("push-buffer", cue.frame.buffer),
            delay_ns=self.window * SECOND // 30,
            frame_ns=SECOND // 30,
        )
        pipeline.play()
        player.start()
        began, spent_in = time.process_time(), 0.0
        for number in range(frames):
            if look:
                look(number)
            buffer = self.pool.acquire(wait=True)
            assert buffer is not None
            before = time.thread_time()
            buffer.pts = number * SECOND // 30
            store.append(buffer, buffer.pts)
            del buffer
            spent_in += time.thread_time() - before
        store.end()
        player.wait(300)
        source.emit("end-of-stream")
        pipeline.wait_eos(10)
        spent = time.process_time() - began
        assert player.played == frames
        pipeline.stop()
        player.stop()
        store.close()
        return spent_in / frames, (spent - spent_in) / frames

    def copy_s(self) -> float:
        """Seconds of CPU for what is not done: copying a frame in and out."""
        one, other = self.pool.acquire(), self.pool.acquire()
        began = time.process_time()
        for _ in range(20):
            with read_nv12(one, self.pool.layout) as source, write_nv12(other, self.pool.layout) as target:
                target.copy_from(source)
        return (time.process_time() - began) / 20 * 2

    def share_s(self) -> float:
        """Seconds of CPU for one share."""
        buffer = self.pool.acquire()
        began = time.process_time()
        for _ in range(2000):
            share(buffer)
        return (time.process_time() - began) / 2000


def main() -> None:
    """Prints the table."""
    benches = {size: Bench(size) for size in SIZES}
    rows: dict[tuple[int, int], list[tuple[float, float]]] = {size: [] for size in SIZES}
    for _ in range(REPEATS):
        for size, bench in benches.items():
            rows[size].append(bench.run())
    table = Table(title=f"The delay's own CPU time per frame, median of {REPEATS} x {FRAMES} frames")
    for name in ("size", "in", "out", "in + out", "of the smallest", "a share", "copying in and out instead"):
        table.add_column(name, justify="right")
    first: float | None = None
    for size, bench in benches.items():
        into, out = (statistics.median(row[i] for row in rows[size]) for i in (0, 1))
        both = statistics.median(sum(row) for row in rows[size])
        first = first or both
        table.add_row(
            f"{size[0]}x{size[1]}",
            f"{into * 1e6:.1f} us",
            f"{out * 1e6:.1f} us",
            f"{both * 1e6:.1f} us",
            f"{both / first:.0%}",
            f"{bench.share_s() * 1e6:.1f} us",
            f"{bench.copy_s() * 1e6:.0f} us",
        )
    Console().print(table)


if __name__ == "__main__":
    main()
