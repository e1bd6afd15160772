"""The whole way on the GPU: two 4K H.264 films in, the play followed, 1920x1080 out, read from the run's own report."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.fast_pace import rate, shares

SIZE = "3840x2160"
PANORAMA = "5700x1900"
PROGRAMME = "1920x1080"
DELAY_S = 7
SECONDS = 20
FPS = 30
SLOWEST_MS = 5.0

Row = dict[str, Any]


def tables(films: Path | None = None) -> list[tuple[str, list[Row], list[str]]]:
    """For each table its title, its rows, and what does not hold.

    Args:
        films: a folder with left.mp4, right.mp4 and rig.json; by default a synthetic match is filmed.
    """
    with tempfile.TemporaryDirectory() as folder:
        match = Path(folder)
        if films is None:
            _touchline("synth", match, "--seconds", SECONDS, "--size", SIZE)
        else:
            for path in films.iterdir():
                (match / path.name).symlink_to(path.resolve())
        return [_fast(match), _live(match)]


def _fast(match: Path, memories: Sequence[str] = ("cuda", "system")) -> tuple[str, list[Row], list[str]]:
    """Frames per second of each part of a run, told by the run itself, and who was busy while all of it worked."""
    rows, failed = [], []
    for memory in memories:
        found = _fast_run(match, memory)
        told = found["report"]
        row = _row(told, memory)
        row["frames/s"] = rate(found["both"])
        row["filling"], row["draining"] = rate(found["filling"]), rate(found["draining"])
        row["stages"], row["CPU"] = shares(found["busy"]), shares(found["threads"])
        rows.append(row)
        if row["shown"] != min(told["frames"]["captured"]):
            failed.append(f"{memory}: {row['shown']} of {told['frames']['captured']} frames were shown")
        if found["both"] is None:
            failed.append(
                f"{memory}: only {found['frames']} frames were shown while others were captured, which is too few for "
                f"a rate; films of {SECONDS} s do"
            )
    return f"Two {SIZE} films, follow, {PROGRAMME}, {DELAY_S} s, --pace fast", rows, failed


def _fast_run(match: Path, memory: str) -> dict[str, Any]:
    """In a process of its own: :class:`benchmarks.fast_pace.FastRun` as JSON gives it."""
    told = _python(
        "-m", "benchmarks.fast_pace", match / "left.mp4", match / "right.mp4", match / "rig.json", "--memory", memory,
        "--size", PROGRAMME, "--panorama-size", PANORAMA, "--delay", DELAY_S, "--json",
    )  # fmt: skip
    found: dict[str, Any] = json.loads(told.splitlines()[-1])
    return found


def _live(match: Path) -> tuple[str, list[Row], list[str]]:
    told = _run(match, "cuda", "live", "--record", match / "live.mp4")
    row = _row(told, "cuda")
    error, bus = told["delay_error_ms"], told["memory"]["bus"]
    row |= {"error p50": f"{error['p50']:.2f} ms", "error p99": f"{error['p99']:.2f} ms"}
    failed = []
    if row["lost"]:
        failed.append(f"{row['lost']} frames lost")
    if error["p99"] > SLOWEST_MS:
        failed.append(f"delay error p99 {error['p99']:.2f} ms > {SLOWEST_MS} ms")
    if bus["up"].get("capture", 0):
        failed.append(f"{bus['up']} bytes went up")
    return f"The same at --pace live, {FPS} frames per second", [row], failed


def _row(told: dict[str, Any], memory: str) -> Row:
    frames, stages = told["frames"], told["stages"]
    shown = frames["played"]
    row: Row = {
        "memory": memory,
        "shown": shown,
        "lost": sum(frames["dropped"].values()),
    }
    row |= {f"{name} p50": f"{stage['p50_ms']:.2f} ms" for name, stage in stages.items()}
    for way, stages_of in told["memory"].get("bus", {}).items():
        row[way] = ", ".join(f"{stage} {size / 1e6:.1f} MB" for stage, size in stages_of.items()) or "0"
    row["GPU peak"] = f"{(told['memory'].get('gpu_peak_bytes') or 0) / 1e9:.2f} GB"
    return row


def _run(match: Path, memory: str, pace: str, *outputs: Any) -> dict[str, Any]:
    report = match / "report.json"
    _touchline(
        "run", "--left", match / "left.mp4", "--right", match / "right.mp4", "--rig", match / "rig.json",
        "--memory", memory, "--pace", pace, "--view", "follow", "--size", PROGRAMME, "--panorama-size", PANORAMA,
        "--delay", DELAY_S, "--overwrite", "--report", report, *outputs,
    )  # fmt: skip
    found: dict[str, Any] = json.loads(report.read_text())
    return found


def _touchline(*words: Any) -> None:
    _python("-c", "from touchline.cli import main; main()", *words)


def _python(*words: Any) -> str:
    command = [sys.executable, *map(str, words)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}\n{done.stdout[-2000:]}{done.stderr[-4000:]}")
    return done.stdout
