"""Everything about the GPU way in one command, on a machine with an NVIDIA GPU: checked, measured, written down.

    python -m benchmarks.gpu [--out FOLDER] [--films FOLDER] [kernels] [memory] [delay] [pipeline]

``gpu.md`` holds the tables, ``gpu.json`` the same figures. Kernels are timed by events of the GPU, medians over
repeats, beside what merely copying the same bytes takes in the same run. It ends with 1 if something that is checked
does not hold.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Console

from benchmarks import gpu_pipeline, gpu_render, gpu_stitch
from benchmarks.delay import Bench
from touchline.cuda.device import Device
from touchline.delay import MemoryPlan
from touchline.gst.domains import domain
from touchline.gst.library import version

PANORAMA = (5700, 1900)
WINDOW = 210  # frames of 7 s at 30 frames per second
MOST_GB = 3.7
REPEATS = 5
TEN_MINUTES = 10 * 60 * 30  # frames

Row = dict[str, Any]


@dataclass
class Table:
    """One table of figures, and what was found not to hold."""

    title: str
    rows: list[Row] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)

    def check(self, holds: bool, promise: str) -> None:
        """Notes a promise that is not kept."""
        if not holds:
            self.failed.append(promise)

    def markdown(self) -> str:
        """The table as Markdown; rows may differ in what they have."""
        names = list(dict.fromkeys(name for row in self.rows for name in row))
        lines = [f"### {self.title}", "", "| " + " | ".join(names) + " |", "| --- " * len(names) + "|"]
        lines += ["| " + " | ".join(_cell(row.get(name)) for name in names) + " |" for row in self.rows]
        return "\n".join([*lines, "", *(f"Does not hold: {one}" for one in self.failed), ""])


def kernels(device: Device) -> list[Table]:
    """Stitch, virtual camera and tiles beside their floors."""
    tables = []
    for title, rows in (
        ("Stitch: two 3840x2160 to 5700x1900", gpu_stitch.rows),
        ("Virtual camera and tiles out of 5700x1900", gpu_render.rows),
    ):
        table = Table(title, rows(device))
        for row in table.rows:
            table.check(row.get("ok", True), str(row["what"]))
        tables.append(table)
    return tables


def memory(device: Device) -> list[Table]:
    """What a window takes, and that it takes no more in ten minutes of frames."""
    table = Table(f"Memory: {WINDOW} frames of {PANORAMA[0]}x{PANORAMA[1]} NV12 in CUDA memory")
    free = device.memory()[0]
    bench = Bench(PANORAMA, domain("cuda"), WINDOW - 10)
    taken = free - device.memory()[0]
    plan = MemoryPlan(
        *PANORAMA, 30, (WINDOW - 10) / 30, in_flight=5, reserve=5, frame_bytes=bench.pool.frame_bytes
    )
    levels: list[int] = []
    addresses: set[int] = set()

    def look(number: int) -> None:
        if number % 600 == 0 and number >= WINDOW:
            levels.append(device.memory()[0])

    spent = bench.run(TEN_MINUTES, look)
    for _ in range(2 * WINDOW):
        addresses.add(bench.pool.domain.identity(bench.pool.acquire()))
    swing = max(levels) - min(levels)
    table.rows = [
        {"figure": "a frame, as planned", "value": f"{bench.pool.frame_bytes / 1e6:.2f} MB"},
        {"figure": f"plan of {plan.frames} frames", "value": f"{plan.pool_bytes / 1e9:.3f} GB"},
        {"figure": "taken, by the driver", "value": f"{taken / 1e9:.3f} GB"},
        {"figure": "taken against the plan", "value": f"{taken / plan.pool_bytes:.4f}"},
        {"figure": f"change over {TEN_MINUTES} frames", "value": f"{swing} bytes"},
        {"figure": "different memories handed out", "value": str(len(addresses))},
        {"figure": "CPU a frame, in and out", "value": f"{sum(spent) * 1e6:.1f} us"},
    ]
    table.check(taken <= MOST_GB * 1e9, f"at most {MOST_GB} GB")
    table.check(abs(taken / plan.pool_bytes - 1) <= 0.02, "the plan is within 2 % of what is taken")
    table.check(swing == 0, "memory is flat")
    table.check(len(addresses) <= WINDOW, "nothing is allocated after the start")
    bench.pool.stop()
    return [table]


def delay(_: Device) -> list[Table]:
    """CPU time of the delay per frame beside that in plain memory."""
    table = Table(f"The delay's CPU time per frame, {PANORAMA[0]}x{PANORAMA[1]}, median of {REPEATS}")
    benches = {name: Bench(PANORAMA, domain(name)) for name in ("system", "cuda")}
    runs: dict[str, list[tuple[float, float]]] = {name: [] for name in benches}
    for _ in range(REPEATS):
        for name, bench in benches.items():
            runs[name].append(bench.run())
    both = {name: statistics.median(sum(run) for run in runs[name]) for name in benches}
    for name, found in runs.items():
        into, out = (statistics.median(run[place] for run in found) for place in (0, 1))
        table.rows.append(
            {
                "memory": name,
                "in": f"{into * 1e6:.1f} us",
                "out": f"{out * 1e6:.1f} us",
                "in + out": f"{both[name] * 1e6:.1f} us",
                "of system": f"{both[name] / both['system']:.0%}",
            }
        )
    table.check(both["cuda"] <= 1.15 * both["system"], "within 15 % of plain memory")
    for bench in benches.values():
        bench.pool.stop()
    return [table]


def pipeline(_: Device, films: Path | None = None) -> list[Table]:
    """Two 4K films in, a programme out, by the command line."""
    return [Table(title, rows, failed) for title, rows, failed in gpu_pipeline.tables(films)]


PARTS: dict[str, Callable[[Device], list[Table]]] = {
    "kernels": kernels,
    "memory": memory,
    "delay": delay,
    "pipeline": pipeline,
}


def main() -> int:
    """Measures what is asked for, by default everything."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gpu")
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results"))
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []])
    parser.add_argument(
        "--films", type=Path, help="left.mp4, right.mp4 and rig.json, instead of filming a match"
    )
    asked = parser.parse_args()
    parts = PARTS | {"pipeline": partial(pipeline, films=asked.films)}
    device = Device()
    machine = f"{device.name}, driver {device.driver}, GStreamer {version()}"
    console, tables = Console(), []
    console.print(machine)
    asked.out.mkdir(parents=True, exist_ok=True)
    for name in asked.parts or PARTS:
        Console(stderr=True).print(f"Measuring: {name} ...")
        found = parts[name](device)
        for table in found:
            console.print(table.markdown(), markup=False, soft_wrap=True)
        tables += found
    (asked.out / "gpu.md").write_text(f"{machine}\n\n" + "\n".join(table.markdown() for table in tables))
    told = {table.title: {"rows": table.rows, "failed": table.failed} for table in tables}
    (asked.out / "gpu.json").write_text(
        json.dumps({"machine": machine, "tables": told}, indent=1, default=str)
    )
    return int(any(table.failed for table in tables))


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.3g}" if abs(value) < 1000 else f"{value:.0f}"
    return "" if value is None else str(value)


if __name__ == "__main__":
    sys.exit(main())
