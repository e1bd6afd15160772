"""Finds a rig and shows it."""

from __future__ import annotations

from pathlib import Path

import cv2
from rich.progress import BarColumn, Progress, TextColumn
from rich.table import Table

from touchline.capture import parse_source
from touchline.capture.stills import take_stills
from touchline.cli.console import answers, problems
from touchline.engine.offsets import with_offset
from touchline.errors import ConfigurationError, OutputError
from touchline.panorama.calibrate import calibrate
from touchline.panorama.preview import preview


def calibrate_footage(left: str, right: str, output: Path, picture: Path | None) -> None:
    """Takes pictures, finds the rig, writes it and a preview.

    Raises:
        InputError, CalibrationError, RigError, OutputError, ConfigurationError: if one of these can't be done.
    """
    if picture is not None and picture.suffix.lower() not in (".png", ".jpg", ".jpeg"):
        raise ConfigurationError(f"--preview {picture}: the name must end in .png or .jpg")
    sources = parse_source(left), parse_source(right)
    columns = (TextColumn("Looking at the footage"), BarColumn(), TextColumn("{task.completed}/{task.total}"))
    with Progress(*columns, console=problems(), transient=True) as progress:
        task = progress.add_task("", total=None)
        stills = take_stills(
            *sources, progress=lambda done, total: progress.update(task, completed=done, total=total)
        )
    problems().print(f"Matching {len(stills)} pairs of pictures ...")
    result = calibrate(stills)
    problems().print("Looking for the time between the recordings ...")
    rig, offset = with_offset(result.rig, *sources)
    rig.save(output)
    console = answers()
    table = Table(show_header=False)
    for name, value in (*result.facts(), *offset.facts()):
        table.add_row(name, value)
    console.print(table)
    console.print(f"Rig: {output}")
    if picture is not None:
        if not cv2.imwrite(str(picture), preview(result.rig, *stills[0])):
            raise OutputError(f"the preview can't be written to {picture}")
        console.print(f"Preview: {picture}")
