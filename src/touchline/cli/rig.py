"""``touchline rig``: rigs from other programs' files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

rig = typer.Typer(help="Rigs from other programs: `touchline rig import`.", no_args_is_help=True)


@rig.callback()
def options() -> None:
    """What can be done with rigs, apart from finding them (`touchline calibrate`)."""


@rig.command(name="import")
def import_rig(
    hugin: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="A Hugin project (.pto) of one picture of each camera."),
    ] = None,
    tables: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER", help="Warp tables: lut_left_x and the like, raw float32 of the panorama's size."
        ),
    ] = None,
    size: Annotated[str | None, typer.Option(metavar="WxH", help="Of the tables' panorama.")] = None,
    left_size: Annotated[
        str, typer.Option("--left-size", metavar="WxH", help="Of the left picture that the tables are for.")
    ] = "3840x2160",
    right_size: Annotated[
        str | None,
        typer.Option("--right-size", metavar="WxH", help="Of the right one (default: as the left one)."),
    ] = None,
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="The rig.")] = Path(
        "rig.json"
    ),
) -> None:
    """Make a rig of a Hugin project or of warp tables, and say how exactly it is the same.

    A project holds one picture of each camera, optimised. Tables are six files in a folder, lut_left_x, lut_left_y,
    lut_right_x, lut_right_y, weight_left and weight_right; of the weights only where there are any is used, since
    Touchline finds its own seam. What can't be said within half a pixel is refused.

    [bold]Examples[/]

      touchline rig import --hugin pitch.pto -o rig.json

      touchline rig import --tables luts/ --size 5700x1900 --left-size 3840x2160 -o rig.json
    """
    from touchline.cli.importing import import_to

    import_to(hugin, tables, size, left_size, right_size, output)
