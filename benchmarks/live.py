"""The whole way at live pace: two 1280x720 cameras at 30 fps, following, recording 1280x720.

Delay error and losses are read from the run's own report; the error is measured behind the clocksync.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.table import Table

SECONDS = 20
RUNS = 3


def main() -> None:
    """Prints the table."""
    program = Path(sys.executable).with_name("touchline")
    table = Table(
        title=f"2 x 1280x720 at 30 fps, follow, 7 s late, recording 1280x720; {SECONDS} s, {RUNS} runs"
    )
    for name in (
        "run",
        "shown",
        "lost",
        "repeated",
        "error p50",
        "p99",
        "max",
        "freezes",
        "peak memory",
        "planned",
    ):
        table.add_column(name, justify="right")
    with tempfile.TemporaryDirectory() as folder:
        match = Path(folder)
        subprocess.run(
            [program, "synth", match, "--seconds", str(SECONDS)], check=True, stdout=subprocess.DEVNULL
        )
        for number in range(RUNS):
            told = _run(program, match)
            frames, error, memory = told["frames"], told["delay_error_ms"], told["memory"]
            table.add_row(
                str(number + 1),
                str(frames["played"]),
                str(sum(frames["dropped"].values())),
                str(frames["repeated"]),
                f"{error['p50']:.2f} ms",
                f"{error['p99']:.2f} ms",
                f"{error['max']:.1f} ms",
                str(told["freezes"]["count"]),
                f"{memory['rss_peak_bytes'] / 1e9:.2f} GB",
                f"{memory['planned_bytes'] / 1e9:.2f} GB",
            )
    Console().print(table)


def _run(program: Path, match: Path) -> dict[str, dict[str, float]]:
    report = match / "report.json"
    command = [program, "run", "--left", match / "left.mp4", "--right", match / "right.mp4", "--overwrite"]
    command += ["--rig", match / "rig.json", "--record", match / "programme.mp4", "--report", report]
    subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
    found: dict[str, dict[str, float]] = json.loads(report.read_text())
    return found


if __name__ == "__main__":
    main()
