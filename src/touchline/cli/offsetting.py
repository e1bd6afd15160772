"""Finds the time between two recordings and shows it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from rich.progress import BarColumn, Progress, TextColumn
from rich.table import Table

from touchline.capture import parse_source
from touchline.cli.console import answers, problems
from touchline.engine.offsets import find_offset
from touchline.errors import OffsetError
from touchline.geometry import Rig


def show_offset(
    left: str, right: str, rig_path: Path, output: Path | None, seconds: float, reach_s: float
) -> None:
    """Looks at the footage, says what it found and writes it into a rig.

    Raises:
        InputError, RigError: if the footage or the rig can't be used, or the offset can't be told.
    """
    sources = parse_source(left), parse_source(right)
    rig = Rig.load(rig_path)
    columns = (TextColumn("Looking at the footage"), BarColumn(), TextColumn("{task.percentage:.0f} %"))
    with Progress(*columns, console=problems(), transient=True) as progress:
        task = progress.add_task("", total=1.0)
        found = find_offset(
            *sources,
            rig,
            length_s=seconds,
            reach_s=reach_s,
            progress=lambda share: progress.update(task, completed=share),
        )
    table = Table(show_header=False)
    for name, value in found.facts():
        table.add_row(name, value)
    answers().print(table)
    if found.used == "neither":
        raise OffsetError("the time between the two recordings was not found; nothing was written")
    if output is not None:
        replace(rig, time_offset_s=found.offset_s).save(output)
        answers().print(f"Rig: {output}", markup=False, soft_wrap=True)
