"""Finds a rig and shows it."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
from rich.progress import BarColumn, Progress, TextColumn
from rich.table import Table

from touchline.capture import parse_source
from touchline.capture.stills import take_stills
from touchline.cli.console import answers, problems
from touchline.engine.offsets import with_offset
from touchline.errors import ConfigurationError, OutputError, RigError
from touchline.geometry import Rig
from touchline.geometry.lens import load_lens
from touchline.panorama.calibrate import CalibrationResult, calibrate
from touchline.panorama.lenses import lens_preset
from touchline.panorama.preview import preview

_SAME_DEG = 0.3  # between what one pixel looks at in two rigs of cameras that stand as before


def calibrate_footage(
    left: str,
    right: str,
    output: Path,
    picture: Path | None,
    lens: str = "auto",
    lenses: tuple[Path | None, Path | None] = (None, None),
) -> None:
    """Takes pictures, finds the rig, writes it and a preview (by default beside the rig).

    Raises:
        InputError, CalibrationError, RigError, OutputError, ConfigurationError: if one of these can't be done.
    """
    preset = lens_preset(lens)
    one, two = (load_lens(path) if path else None for path in lenses)
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
    result = calibrate(stills, lens=preset, lenses=(one, two))
    problems().print("Looking for the time between the recordings ...")
    rig, offset = with_offset(result.rig, *sources)
    rig, told = with_field(rig, output)
    rig.save(output)
    console = answers()
    table = Table(show_header=False)
    for name, value in (*result.facts(), *offset.facts()):
        table.add_row(name, value)
    console.print(table)
    for line in result.advice():
        console.print(line)
    if told:
        console.print(told)
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


def with_field(rig: Rig, before: Path) -> tuple[Rig, str]:
    """The rig with the field of the one that it replaces, if its cameras stand as before, and a line about that.

    Args:
        rig: newly found.
        before: the file that it is going to be written to; there need be none.

    Returns:
        The rig, and what a person should know: empty if nobody had said where the field is.
    """
    try:
        old = Rig.load(before)
    except RigError:
        return rig, ""
    if not old.field:
        return rig, ""
    if _apart_deg(old, rig) > _SAME_DEG:
        return rig, (
            f"The cameras do not stand as {before} said: where the field is, which it knew too, is gone. "
            "Find or draw it again (touchline field)."
        )
    return replace(rig, field=old.field), f"Where the field is was taken over from {before}."


def _apart_deg(one: Rig, two: Rig) -> float:
    """The largest angle between what a pixel looks at in two rigs; infinite for other cameras."""
    worst = 0.0
    if len(one.cameras) != len(two.cameras):
        return math.inf
    for a, b in zip(one.cameras, two.cameras, strict=True):
        if (a.width, a.height) != (b.width, b.height):
            return math.inf
        pixels = np.stack(
            np.meshgrid(np.linspace(0, a.width - 1, 9), np.linspace(0, a.height - 1, 7)), axis=-1
        )
        off = np.linalg.norm(a.unproject(pixels) - b.unproject(pixels), axis=-1)
        worst = max(worst, 2 * math.degrees(math.asin(min(1.0, float(off.max()) / 2))))
    return worst
