"""Delay error beside what GStreamer has: one live source, three delays behind a tee, all measured by the same C probe.

Touchline: appsink, store, player, appsrc, clocksync. Its peers: ``queue min-threshold-time`` and ``queue ! clocksync
ts-offset``. Half a minute before the end of the first part each branch gets a tag event, a custom event and a drain
query, as a muxer or a decoder that renegotiates sends them. The other parts keep every core busy with other
processes, and let a Python thread of this very process compute without pause.
"""

from __future__ import annotations

import multiprocessing
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from touchline.delay import FrameStore, LiveTimeline, Player
from touchline.gst.caps import VideoCaps
from touchline.gst.elements import make
from touchline.gst.library import MILLISECOND, SECOND, Gst
from touchline.gst.pipelines import Pipeline, system_clock
from touchline.gst.probes import PassageProbe

DELAY_S = 7.0
FPS = 30
CAPS = VideoCaps(320, 240, Fraction(FPS))
LEAD_NS = 500 * MILLISECOND
NAMES = ("Touchline", "queue min-threshold-time", "queue ! clocksync ts-offset")


class Race:
    """Three delays of one live source."""

    def __init__(self) -> None:
        self.clock = system_clock()
        self.delay_ns = round(DELAY_S * SECOND)
        self.store = FrameStore(round((DELAY_S + 2) * FPS))
        self.capture = Pipeline("capture")
        source = make("videotestsrc", is_live=True, pattern="black")
        caps = make("capsfilter", caps=CAPS.to_gst())
        tee = make("tee")
        self.capture.add(source, caps, tee)
        self.sink = make("appsink", sync=False, emit_signals=True, max_buffers=4)
        self.sink.connect("new-sample", self._store)
        self._branch(tee, make("queue"), self.sink)
        endless = {"max_size_buffers": 0, "max_size_bytes": 0, "max_size_time": 0}
        threshold = make("queue", min_threshold_time=self.delay_ns, **endless)
        self._branch(tee, threshold, make("fakesink", sync=False, async_=False))
        offset = make("clocksync", ts_offset=self.delay_ns)
        self._branch(tee, make("queue", **endless), offset, make("fakesink", sync=False, async_=False))
        self.programme = Pipeline("programme")
        self.source = make("appsrc", caps=CAPS.to_gst(), format="time", is_live=True, max_bytes=0)
        pace = make("clocksync")
        self.programme.add(self.source, pace, make("fakesink", sync=False, async_=False))
        pads = [element.get_static_pad("src") for element in (pace, threshold, offset)]
        self.probes = [PassageProbe(pad, self.clock, capacity=32768) for pad in pads]
        self.tee = tee

    def _branch(self, tee: Any, *elements: Any) -> None:
        self.capture.add(*elements)
        self.capture.link(tee, elements[0])

    def _store(self, sink: Any) -> Any:
        buffer = sink.emit("pull-sample").get_buffer()
        self.store.append(buffer, buffer.pts, buffer.duration)
        return Gst.FlowReturn.OK

    def run(self, seconds: float, disturb_after: float | None) -> list[np.ndarray]:
        """For each delay an array of shape (n, 2): seconds of the capture, and the error in seconds."""
        base = self.clock.get_time()
        self.capture.play(base)
        self.programme.play(base + self.delay_ns)
        player = Player(
            self.store,
            LiveTimeline(self.clock, base, LEAD_NS),
            lambda cue: self.source.emit("push-buffer", cue.frame.buffer),
            delay_ns=self.delay_ns,
            frame_ns=CAPS.frame_ns,
        )
        player.start()
        if disturb_after is not None:
            time.sleep(disturb_after)
            self._disturb()
            time.sleep(seconds - disturb_after)
        else:
            time.sleep(seconds)
        read = [probe.read() for probe in self.probes]
        player.stop()
        self.capture.stop()  # first: a closed store takes no more frames
        self.store.close()
        self.programme.stop()
        return [self._errors(passages, base) for passages in read]

    def _errors(self, passages: np.ndarray, base: int) -> np.ndarray:
        errors = (passages[:, 1] - base - passages[:, 0] - self.delay_ns) / SECOND
        return np.stack([passages[:, 0] / SECOND, errors], axis=-1)

    def _disturb(self) -> None:
        """One tag event, one custom event, one drain query, into each branch, in the stream's order."""
        tags = Gst.TagList.new_empty()
        tags.add_value(Gst.TagMergeMode.REPLACE, Gst.TAG_TITLE, "half time")
        structure = Gst.Structure.new_empty("a-custom-event")
        for pad in self.tee.srcpads:
            peer = pad.get_peer()
            peer.send_event(Gst.Event.new_tag(tags))
            peer.send_event(Gst.Event.new_custom(Gst.EventType.CUSTOM_DOWNSTREAM, structure))
            peer.query(Gst.Query.new_drain())


@contextmanager
def nothing() -> Iterator[None]:
    """An idle machine."""
    yield


@contextmanager
def busy_cores() -> Iterator[None]:
    """Another process for every core, computing without pause."""
    context = multiprocessing.get_context("spawn")
    others = [context.Process(target=_spin, daemon=True) for _ in range(multiprocessing.cpu_count())]
    for other in others:
        other.start()
    yield
    for other in others:
        other.kill()
        other.join()


@contextmanager
def busy_thread() -> Iterator[None]:
    """A Python thread of this process that computes without pause."""
    stop = threading.Event()
    thread = threading.Thread(target=_spin, args=(stop.is_set,))
    thread.start()
    yield
    stop.set()
    thread.join()


def _spin(stopped: Callable[[], bool] = lambda: False) -> None:
    number = 1
    while not stopped():
        number = number * 1103515245 % 2147483647


def plot(errors: list[np.ndarray], disturbed_s: float, path: Path) -> None:
    """The error of each delay over time, the disturbance marked."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(10, 4.5), constrained_layout=True)
    for name, found, colour in zip(NAMES, errors, ("tab:green", "tab:red", "tab:blue"), strict=True):
        axes.plot(found[:, 0] + DELAY_S, found[:, 1] * 1000, ".", markersize=3, label=name, color=colour)
    axes.set_yscale("symlog", linthresh=10)
    axes.axvline(disturbed_s, color="grey", linestyle="--", linewidth=1)
    axes.text(
        disturbed_s - 3, 3000, "a tag, a custom event\nand a drain query", fontsize=9, ha="right", va="center"
    )
    axes.set(xlabel="seconds", ylabel="shown too late (ms); negative: too early", ylim=(-20000, 20000))
    axes.set_title(f"Delay error at {DELAY_S:g} s, {FPS} fps, live")
    axes.grid(alpha=0.3)
    axes.legend(loc="lower left", markerscale=4)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)


PARTS = {
    "idle": (nothing, 330.0),
    "cores busy": (busy_cores, 90.0),
    "Python thread busy": (busy_thread, 90.0),
}


def main(names: Sequence[str] = tuple(PARTS), picture: Path = Path("docs/images/delay-error.png")) -> None:
    """Prints the table of some parts; with ``idle`` among them draws the picture."""
    table = Table(title=f"Delay error at {DELAY_S:g} s, 320x240 at {FPS} fps, live")
    for name in ("machine", "delay", "frames", "p50", "p99", "max"):
        table.add_column(name, justify="left" if name in ("machine", "delay") else "right")
    for machine in names:
        load, length = PARTS[machine]
        disturbed = length - 30 if load is nothing else None
        with load():
            errors = Race().run(length, disturbed)
        for name, found in zip(NAMES, errors, strict=True):
            _add(table, machine, name, found[found[:, 0] < (disturbed or length) - DELAY_S])
            if disturbed:
                _add(table, "idle, after the events", name, found[found[:, 0] > disturbed - DELAY_S + 0.1])
        if disturbed:
            plot(errors, disturbed, picture)
            Console(stderr=True).print(f"Drawn: {picture}")
    Console(width=110).print(table)


def _add(table: Table, machine: str, name: str, found: np.ndarray) -> None:
    errors = found[:, 1] * 1000
    p50, p99 = np.percentile(errors, 50), np.percentile(np.abs(errors), 99)
    worst = errors[np.abs(errors).argmax()]
    table.add_row(machine, name, str(len(errors)), f"{p50:.2f} ms", f"{p99:.2f} ms", f"{worst:.1f} ms")


if __name__ == "__main__":
    main(sys.argv[1:] or tuple(PARTS))
