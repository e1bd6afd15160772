"""Finds the field, or has it drawn, and keeps it in the rig."""

from __future__ import annotations

import webbrowser
from dataclasses import replace
from pathlib import Path

import cv2
from rich.progress import BarColumn, Progress, TextColumn

from touchline.capture import parse_source
from touchline.capture.stills import Image, take_stills
from touchline.cli.console import answers, problems
from touchline.cli.field_page import FieldPage
from touchline.errors import ConfigurationError, OutputError
from touchline.geometry import FieldOutline, Panorama, Rig
from touchline.geometry.outline import Points
from touchline.panorama.field_finder import find_field, ground_picture, looked_at
from touchline.panorama.field_picture import draw_field

_STILLS, _EVERY_S = 9, 1.5
_KINDS = (".png", ".jpg", ".jpeg")


def field_of_footage(
    left: str, right: str, rig_file: Path, *, points: str | None, draw: bool, port: int, picture: Path | None
) -> None:
    """Takes pictures, finds the field or has it drawn, keeps it in the rig and draws it into a picture.

    Raises:
        InputError, FieldError, RigError, OutputError, ConfigurationError: if one of these can't be done.
    """
    if points is not None and draw:
        raise ConfigurationError("give the corners with --points or draw them with --draw, not both")
    picture = picture or rig_file.with_suffix(".field.jpg")
    if picture.suffix.lower() not in _KINDS:
        raise ConfigurationError(f"--picture {picture}: the name must end in .png or .jpg")
    given = parse_points(points) if points is not None else None
    rig = Rig.load(rig_file)
    stills = _stills(left, right, 1 if given else _STILLS)
    panorama, seen = looked_at(rig)
    ground = ground_picture(rig, panorama, stills)
    ground[~seen] = 0
    if given is None:
        given = _drawn(panorama, ground, rig.field, port) if draw else find_field(rig, stills)
    replace(rig, field=given).save(rig_file)
    if not cv2.imwrite(str(picture), draw_field(panorama, ground, FieldOutline(given))):
        raise OutputError(f"the picture can't be written to {picture}")
    console = answers()
    console.print(f"Field: {written(given)}", soft_wrap=True)
    console.print(f"Rig: {rig_file}", markup=False, soft_wrap=True)
    console.print(f"Picture: {picture}", markup=False, soft_wrap=True)


def parse_points(text: str) -> Points:
    """Reads ``--points``: yaw and pitch in degrees, a comma between the two, spaces between corners.

    Raises:
        ConfigurationError: for anything else, or an outline that can't be.
    """
    corners = []
    for corner in text.split():
        numbers = corner.split(",")
        try:
            yaw, pitch = (float(number) for number in numbers)
        except ValueError as error:
            raise ConfigurationError(
                f"--points: {corner[:40]!r} is no corner; write yaw,pitch in degrees, such as -60,-9"
            ) from error
        corners.append((yaw, pitch))
    try:
        return FieldOutline(tuple(corners)).points
    except ValueError as error:
        raise ConfigurationError(f"--points: {error}") from error


def written(points: Points) -> str:
    """What :func:`parse_points` reads."""
    return " ".join(f"{yaw:g},{pitch:g}" for yaw, pitch in points)


def _stills(left: str, right: str, count: int) -> list[tuple[Image, Image]]:
    sources = parse_source(left), parse_source(right)
    columns = (TextColumn("Looking at the footage"), BarColumn(), TextColumn("{task.completed}/{task.total}"))
    with Progress(*columns, console=problems(), transient=True) as progress:
        task = progress.add_task("", total=None)
        return take_stills(
            *sources,
            count=count,
            every_s=_EVERY_S,
            progress=lambda done, total: progress.update(task, completed=done, total=total),
        )


def _drawn(panorama: Panorama, ground: Image, before: Points, port: int) -> Points:
    """Serves the page until somebody has drawn."""
    with FieldPage(panorama, ground, before, port) as page:
        problems().print(f"Draw the field at {page.address} (Ctrl-C gives up)", soft_wrap=True)
        webbrowser.open(page.address)
        return page.wait()
