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
from touchline.panorama.calibrate import CalibrationResult, calibrate
from touchline.panorama.lenses import lens_preset
from touchline.panorama.preview import preview


def calibrate_footage(left: str, right: str, output: Path, picture: Path | None, lens: str = "auto") -> None:
    """Takes pictures, finds the rig, writes it and a preview (by default beside the rig).

    Raises:
        InputError, CalibrationError, RigError, OutputError, ConfigurationError: if one of these can't be done.
    """
    preset = lens_preset(lens)
    if picture is not None and picture.suffix.lower() not in (".png", ".jpg", ".jpeg"):
        raise ConfigurationError(f"--preview {picture}: the name must end in .png or .jpg")
    shown = picture or output.with_suffix(".png")
    sources = parse_source(left), parse_source(right)
    columns = (TextColumn("Looking at the footage"), BarColumn(), TextColumn("{task.completed}/{task.total}"))
    with Progress(*columns, console=problems(), transient=True) as progress:
        task = progress.add_task("", total=None)
        stills = take_stills(
            *sources, progress=lambda done, total: progress.update(task, completed=done, total=total)
        )
    problems().print(f"Matching {len(stills)} pairs of pictures ...")
    result = calibrate(stills, lens=preset)
    problems().print("Looking for the time between the recordings ...")
    rig, offset = with_offset(result.rig, *sources)
    rig.save(output)
    console = answers()
    table = Table(show_header=False)
    for name, value in (*result.facts(), *offset.facts()):
        table.add_row(name, value)
    console.print(table)
    for line in result.advice():
        console.print(line)
    console.print(f"Rig: {output}")
    page = preview(result.rig, *stills[0], result.points, _note(result), result.traced)
    if not cv2.imwrite(str(shown), page):
        raise OutputError(f"the preview can't be written to {shown}")
    console.print(f"Preview: {shown}")


def _note(result: CalibrationResult) -> str:
    """One line under the preview; its fonts know ASCII only."""
    return (
        f"{result.inliers} points and {result.lines} lines; error {result.median_px:.2f} px; "
        f"{result.overlap_deg:.1f} degrees seen by both; uncertain by {result.certain.overlap_px:.2f} px there"
    )
