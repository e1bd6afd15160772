"""What bounds ``--pace fast``: frames per second of each part of a run, and who was busy, told by the run itself.

    python -m benchmarks.fast_pace LEFT RIGHT RIG [--memory system] [--size 1280x720] [--panorama-size WxH] [--delay 7]

A run has three parts. While the window fills only the capture works: a programme that is 7 s late shows nothing before
7 s have been stitched. Then both work, a frame in and a frame out. When the footage has ended only the programme works.
A film not much longer than the window has hardly any second part, and what it takes in all is the sum of the first and
the third: it says nothing of a long film. So the parts are told apart: what was shown while the capture was still going
on is what has a PTS of more than the delay before the last one.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console

from touchline.config import RunConfig, load_config
from touchline.engine.books import report_of, stats_of
from touchline.engine.production import Production
from touchline.gst.library import SECOND
from touchline.gst.pipelines import system_clock

LOOK_S = 0.05
LEAST_FRAMES = 60  # of the part in which both work, so that its rate says something
_LISTED = 12  # threads


@dataclass(frozen=True)
class FastRun:
    """A run at fast pace.

    Args:
        filling, both, draining: frames per second while only the capture works (its start, some 0.1 s, counted in),
            while both do, and while only the programme does; None if there were too few frames to tell.
        frames: that were shown while both worked.
        busy: share of that time in which each stage had a frame, waiting for a core or for Python's lock counted in.
        threads: CPU seconds per second of that time by thread, busiest first; same names are added up.
        report: the run's own.
    """

    filling: float | None
    both: float | None
    draining: float | None
    frames: int
    busy: dict[str, float]
    threads: dict[str, float]
    report: dict[str, Any]


@dataclass(frozen=True)
class Sample:
    """What has been used up so far."""

    at: int  # ns on the clock of the passages
    threads: dict[int, float]
    stages: dict[str, float]


def run_fast(config: RunConfig, say: Callable[[str], None] = lambda _: None) -> FastRun:
    """Runs to the end and tells how it went. Raises what failed."""
    production = Production(config, say=say)
    passages: list[NDArray[np.int64]] = []
    samples: list[Sample] = []
    names: dict[int, str] = {}
    try:
        production.start()
        meter = production.main.meter
        assert meter is not None
        note = meter.note

        def keep(rows: NDArray[np.int64]) -> None:
            passages.append(rows.copy())
            note(rows)

        meter.note = keep  # type: ignore[method-assign]
        started = system_clock().get_time()
        while True:
            samples.append(_sample(production, names))
            if production.wait(LOOK_S):
                break
        production.close()
        report = json.loads(report_of(production).to_json())
    finally:
        production.close()
        production.release()
    if production.error:
        raise production.error
    return _told(np.concatenate(passages), started, production.main.delay_ns, samples, names, report)


def _told(
    rows: NDArray[np.int64],
    started: int,
    delay_ns: int,
    samples: list[Sample],
    names: dict[int, str],
    report: dict[str, Any],
) -> FastRun:
    pts, times = rows[:, 0], rows[:, 1]
    while_both = pts <= pts[-1] - delay_ns
    shown, drained = times[while_both], times[~while_both]
    first = int((pts < pts[0] + delay_ns).sum()) + 1  # as many had been stitched when the first one was shown
    filling = first / ((times[0] - started) / SECOND) if len(shown) else None
    both = None
    busy: dict[str, float] = {}
    threads: dict[str, float] = {}
    if len(shown) >= LEAST_FRAMES:
        both = (len(shown) - 1) / (float(shown[-1] - shown[0]) / SECOND)
        inside = [sample for sample in samples if shown[0] <= sample.at <= shown[-1]]
        if len(inside) > 1:
            begin, end = inside[0], inside[-1]
            spent_s = (end.at - begin.at) / SECOND
            busy = {name: (s - begin.stages.get(name, 0.0)) / spent_s for name, s in end.stages.items()}
            for thread, cpu_s in end.threads.items():
                share = (cpu_s - begin.threads.get(thread, 0.0)) / spent_s
                threads[names[thread]] = threads.get(names[thread], 0.0) + share
    draining = None
    if len(drained) >= LEAST_FRAMES:
        draining = (len(drained) - 1) / (float(drained[-1] - drained[0]) / SECOND)
    busiest = dict(sorted(threads.items(), key=lambda item: -item[1])[:_LISTED])
    return FastRun(filling, both, draining, len(shown), busy, busiest, report)


def _sample(production: Production, names: dict[int, str]) -> Sample:
    ours = {thread.native_id: thread.name for thread in threading.enumerate() if _is_ours(thread)}
    ticks, used = os.sysconf("SC_CLK_TCK"), {}
    for folder in Path("/proc/self/task").iterdir():
        try:
            text = (folder / "stat").read_text()
        except FileNotFoundError:  # it has ended since
            continue
        name, rest = text[text.index("(") + 1 : text.rindex(")")], text[text.rindex(")") + 2 :].split()
        thread = int(folder.name)
        names[thread] = ours.get(thread, name)
        used[thread] = (int(rest[11]) + int(rest[12])) / ticks
    stages = {name: durations.sum_s for name, durations in stats_of(production).stages.items()}
    return Sample(system_clock().get_time(), used, stages)


def _is_ours(thread: threading.Thread) -> bool:
    """Not one of GStreamer's, which has a better name of its own."""
    return not isinstance(thread, threading._DummyThread)


def rate(frames_per_s: float | None) -> str:
    """A rate for people."""
    return "too few frames" if frames_per_s is None else f"{frames_per_s:.0f}"


def shares(found: dict[str, float]) -> str:
    """Shares of time for people, the largest first."""
    return ", ".join(f"{name} {share:.0%}" for name, share in sorted(found.items(), key=lambda one: -one[1]))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fast_pace")
    for name in ("left", "right", "rig"):
        parser.add_argument(name)
    parser.add_argument("--memory", default="system")
    parser.add_argument("--size", default="1280x720")
    parser.add_argument("--panorama-size")
    parser.add_argument("--view", default="follow")
    parser.add_argument("--preset")
    parser.add_argument("--audio")
    parser.add_argument("--delay", type=float, default=7.0)
    parser.add_argument("--duration", type=float)
    parser.add_argument("--json", action="store_true", help="one line of JSON instead of text")
    asked = vars(parser.parse_args())
    as_json = asked.pop("json")
    with tempfile.TemporaryDirectory() as folder:
        config = load_config(asked | {"pace": "fast", "record": [Path(folder) / "fast.mp4"]})
        found = run_fast(config, say=Console(stderr=True).print)
    if as_json:
        print(json.dumps(asdict(found)))
        return
    print(
        f"filling {rate(found.filling)}, both {rate(found.both)} ({found.frames} frames), draining ", end=""
    )
    print(f"{rate(found.draining)} frames/s\nstages: {shares(found.busy)}\nCPU: {shares(found.threads)}")


if __name__ == "__main__":
    main()
