"""What the delay costs live, one frame every 33 ms: CPU time of the whole process, beside GStreamer's own delays.

Between two frames this machine sleeps, so every thread that wakes pays for waking and for cold caches: the same code
takes several times what it takes back to back. So the table begins with what a thread costs here that wakes and does
nothing. Every row is what its elements cost beyond the same source with a clocksync alone.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from fractions import Fraction
from typing import Any

from rich.console import Console
from rich.table import Table

import touchline
from touchline.delay import FrameStore, LiveTimeline, Player
from touchline.gst.caps import VideoCaps
from touchline.gst.elements import make
from touchline.gst.library import MILLISECOND, SECOND
from touchline.gst.pipelines import Pipeline, system_clock
from touchline.gst.samples import Samples

FPS = 30
SIZES = ((320, 240), (5700, 1900))
DELAY_NS = SECOND
LEAD_NS, SLACK = (
    750 * MILLISECOND,
    2 / 3,
)  # as the element's: a quarter of a second is left for Python to stand still
SETTLE_S, MEASURE_S = 2.5, 4.0
REPEATS = 3


def measured() -> float:
    """CPU of this process for a frame, s, while whatever it started runs."""
    time.sleep(SETTLE_S)
    spent, began = time.process_time(), time.monotonic()
    time.sleep(MEASURE_S)
    return (time.process_time() - spent) / ((time.monotonic() - began) * FPS)


def source(caps: VideoCaps) -> list[Any]:
    """One frame of plain memory again and again: nothing is drawn, so the size costs nothing."""
    picture = make(
        "fakesrc", is_live=True, do_timestamp=True, format="time", sizetype="fixed", filltype="nothing"
    )
    picture.set_property("sizemax", caps.width * caps.height * 3 // 2)
    picture.set_property("datarate", caps.width * caps.height * 3 // 2 * FPS)
    return [picture, make("capsfilter", caps=caps.to_gst()), make("clocksync")]


def chain(*more: Callable[[], Any]) -> Callable[[VideoCaps], float]:
    """Measures a pipeline with these elements after the source."""

    def run(caps: VideoCaps) -> float:
        pipeline = Pipeline("bench")
        pipeline.add(*source(caps), *(element() for element in more), make("fakesink", sync=False))
        pipeline.play()
        try:
            return measured()
        finally:
            pipeline.stop()

    return run


def parts(caps: VideoCaps) -> float:
    """Measures appsink, store, player, appsrc and clocksync; the player takes what has come when it wakes."""
    store, capture, programme = FrameStore(3 * FPS), Pipeline("capture"), Pipeline("programme")
    sink = make("appsink", sync=False, enable_last_sample=False, max_buffers=FPS)

    def keep(sample: Any) -> None:
        buffer = sample.get_buffer()
        store.append(buffer, buffer.pts, buffer.duration)

    samples = Samples(sink, keep, interval_s=0.1)
    capture.add(*source(caps), sink)
    out = make("appsrc", caps=caps.to_gst(), format="time", is_live=True, max_bytes=0)
    programme.add(out, make("clocksync"), make("fakesink", sync=False, async_=False))
    base = system_clock().get_time()
    player = Player(
        store,
        LiveTimeline(system_clock(), base, LEAD_NS, SLACK),
        lambda cue: out.emit("push-buffer", cue.frame.buffer),
        delay_ns=DELAY_NS,
        frame_ns=caps.frame_ns,
        look=samples.catch_up,
    )
    programme.play(base + DELAY_NS)
    player.start()
    samples.start()
    capture.play(base)
    try:
        return measured()
    finally:
        player.stop()
        samples.stop()
        capture.stop()
        programme.stop()
        store.close()


def waking() -> float:
    """CPU of a thread that wakes and sleeps again, s."""
    spent = time.process_time()
    for _ in range(3 * FPS):
        time.sleep(1 / FPS)
    return (time.process_time() - spent) / (3 * FPS)


ENDLESS = {"max_size_buffers": 0, "max_size_bytes": 0, "max_size_time": 0}
WAYS: dict[str, Callable[[VideoCaps], float]] = {
    "the source alone": chain(),
    "queue ! clocksync ts-offset": chain(
        lambda: make("queue", **ENDLESS), lambda: make("clocksync", ts_offset=DELAY_NS)
    ),
    "store, player, appsrc, clocksync": parts,
    "touchlinedelay": chain(lambda: make("touchlinedelay", delay=DELAY_NS)),
}


def main() -> None:
    """Prints the table."""
    touchline.register()
    rows: dict[tuple[str, tuple[int, int]], list[float]] = {}
    wakings = []
    for _ in range(REPEATS):
        wakings.append(waking())
        for size in SIZES:
            for name, way in WAYS.items():
                rows.setdefault((name, size), []).append(way(VideoCaps(*size, Fraction(FPS))))
    table = Table(
        title=f"CPU time per frame, live at {FPS} frames per second, median of {REPEATS} x {MEASURE_S:g} s"
    )
    table.add_column("")
    for size in SIZES:
        table.add_column(f"{size[0]}x{size[1]}", justify="right")
        table.add_column("beyond the source", justify="right")
    table.add_row("a thread that wakes and sleeps again", f"{statistics.median(wakings) * 1e6:.0f} us")
    for name in WAYS:
        cells = []
        for size in SIZES:
            alone = statistics.median(rows["the source alone", size])
            mine = statistics.median(rows[name, size])
            cells += [f"{mine * 1e6:.0f} us", f"{(mine - alone) * 1e6:.0f} us"]
        table.add_row(name, *cells)
    Console().print(table)
