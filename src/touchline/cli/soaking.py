"""A soak on the command line: the progress, the tables at the end, the files."""

from __future__ import annotations

import signal
import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import get_args

from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.table import Table

from touchline.capture import parse_rate, parse_size
from touchline.cli.console import answers, problems
from touchline.errors import ConfigurationError
from touchline.soak.judge import Recovery
from touchline.soak.limits import SoakLimits, load_limits
from touchline.soak.picture import draw
from touchline.soak.report import as_dict, write_json
from touchline.soak.results import Progress as Reached
from touchline.soak.results import SoakResult
from touchline.soak.settings import SoakSettings, Speed
from touchline.soak.soak import Soak
from touchline.soak.verdict import Promise, is_go, promises
from touchline.telemetry.memory import available_bytes

_SIZES = {"max": "64x48", "live": "1920x640"}
_SHOWN_VIOLATIONS = 10


def run_soak(
    hours: float,
    speed: str,
    fault_seed: int | None,
    size: str | None,
    fps: str,
    delays: list[float],
    png: Path | None,
    report: Path | None,
    config: Path | None,
) -> bool:
    """Soaks, prints the tables and writes the files. Returns whether it is a go.

    Raises:
        ConfigurationError: for settings or limits that make no sense.
        PlanError: if the frames do not fit into memory.
        TouchlineError: if the soak can't go on, or a file can't be written.
    """
    limits = load_limits(config)
    settings = _settings(hours, speed, fault_seed, size, fps, delays)
    result = _run(settings, limits)
    decided = promises(result, limits)
    _tell(result, decided)
    if report is not None:
        write_json(as_dict(result, limits, decided), report)
    if png is not None:
        draw(result, png)
    for path in (report, png):
        if path is not None:
            problems().print(f"Written: {path}", markup=False, soft_wrap=True)
    return is_go(decided)


def _settings(
    hours: float, speed: str, fault_seed: int | None, size: str | None, fps: str, delays: list[float]
) -> SoakSettings:
    if speed not in get_args(Speed):
        raise ConfigurationError(f"--speed is max or live, not {speed!r}")
    width, height = parse_size(size or _SIZES[speed])
    return SoakSettings(
        duration_s=hours * 3600,
        speed="live" if speed == "live" else "max",
        fault_seed=fault_seed,
        width=width,
        height=height,
        fps=parse_rate(fps),
        delays_s=tuple(delays),
    )


def _run(settings: SoakSettings, limits: SoakLimits) -> SoakResult:
    console = problems()
    faults = settings.faults
    console.print(f"Memory: {settings.plan.arithmetic()}", soft_wrap=True)
    settings.plan.check(available_bytes())
    if settings.fault_seed is not None:
        console.print(f"Faults: {len(faults)} by seed {settings.fault_seed}")
    columns = (
        TextColumn("Soaking"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[done]}"),
        TimeRemainingColumn(),
    )
    with _interruptible() as stop, Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("", total=settings.duration_s, done="")

        def show(reached: Reached) -> None:
            done = (
                f"{_length(reached.done_s)} of {_length(reached.total_s)}, violations: {reached.violations}"
            )
            bar.update(task, completed=reached.done_s, done=done)

        return Soak(settings, limits).run(show, stop)


@contextmanager
def _interruptible() -> Iterator[threading.Event]:
    """While this lasts the first Ctrl-C sets the event; the second one interrupts as usual."""
    stop = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return

    def note(_number: int, _frame: FrameType | None) -> None:
        stop.set()
        signal.signal(signal.SIGINT, before)

    before = signal.signal(signal.SIGINT, note)
    try:
        yield stop
    finally:
        signal.signal(signal.SIGINT, before)


def _tell(result: SoakResult, decided: list[Promise]) -> None:
    console = answers()
    early = result.reached_s < result.settings.duration_s - 1
    console.print(
        f"{'Ended early: ' if early else ''}{_length(result.reached_s)} of footage, {result.filmed:,} frames in "
        f"{_length(result.wall_s)} ({result.us_per_frame:.0f} us a frame), {result.checks:,} checks of the books",
        soft_wrap=True,
    )
    if result.recoveries:
        console.print(_faults(result.recoveries))
    for violation in result.first_violations[:_SHOWN_VIOLATIONS]:
        console.print(
            f"violation: {violation.rule} at {violation.at_s:.3f} s: {violation.detail}",
            markup=False,
            soft_wrap=True,
        )
    table = Table("promise", "limit", "figure", "")
    marks = {True: "[green]go[/]", False: "[bold red]no-go[/]", None: "[dim]-[/]"}
    for promise in decided:
        table.add_row(promise.name, promise.limit, promise.figure, marks[promise.go])
    console.print(table)
    console.print("[bold green]GO[/]" if is_go(decided) else "[bold red]NO-GO[/]")


def _faults(recoveries: tuple[Recovery, ...]) -> Table:
    """One line for each kind: how often, what it cost, how long the worst recovery took."""
    table = Table(
        "fault", "times", "lost", "held", "slates", "late", "median", "longest", title="recovery from faults"
    )
    kinds: dict[str, list[Recovery]] = defaultdict(list)
    for recovery in recoveries:
        kinds[recovery.fault.kind.value].append(recovery)
    for kind, each in sorted(kinds.items()):
        lost: dict[str, int] = defaultdict(int)
        for recovery in each:
            for reason, count in recovery.lost.items():
                lost[reason] += count
        times = sorted(recovery.recovery_s for recovery in each if recovery.recovery_s is not None)
        table.add_row(
            kind,
            str(len(each)),
            "\n".join(f"{count} {reason}" for reason, count in sorted(lost.items())) or "0",
            str(sum(recovery.held for recovery in each)),
            str(sum(recovery.slates for recovery in each)),
            str(sum(recovery.late for recovery in each)),
            f"{times[len(times) // 2]:.3f} s" if times else "-",
            f"{times[-1]:.3f} s" if len(times) == len(each) else "never",
        )
    return table


def _length(seconds: float) -> str:
    if seconds >= 3600:
        return f"{seconds / 3600:.2f} h"
    return f"{seconds / 60:.1f} min" if seconds >= 120 else f"{seconds:.1f} s"
