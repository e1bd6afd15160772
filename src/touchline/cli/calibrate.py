"""``touchline calibrate``: the rig from footage."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def calibrate(
    left: Annotated[str, typer.Argument(metavar="LEFT", help="Footage of the left camera.")],
    right: Annotated[str, typer.Argument(metavar="RIGHT", help="Footage of the right camera.")],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="The rig.")] = Path(
        "rig.json"
    ),
    preview: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="A picture of the panorama, its seam and the overlap (.png or .jpg); by default beside the rig.",
        ),
    ] = None,
    lens: Annotated[
        str,
        typer.Option(
            metavar="KIND",
            help="What lenses they are, if you know: auto, action-wide, action-linear, phone, security-2.8mm, "
            "security-4mm, security-6mm. It helps where the footage says little.",
        ),
    ] = "auto",
    left_lens: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="The left camera's lens, as `touchline board` measured it."),
    ] = None,
    right_lens: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="The right camera's lens. A lens that is known is left as it is."),
    ] = None,
) -> None:
    """Find out how two cameras stand, from a few seconds of what they film.

    The cameras must stand together on one mast and see about a tenth of their pictures in common. Straight lines of
    the field (or of boards, stands, roofs) say what is level, and make the lenses certain.

    A field that was found or drawn in the rig that is written over is kept as long as the cameras stand as before.

    [bold]Examples[/]

      touchline calibrate left.mp4 right.mp4 -o rig.json --preview rig.png

      touchline calibrate left.mp4 right.mp4 --left-lens a.json --right-lens b.json
    """
    from touchline.cli.calibration import calibrate_footage

    calibrate_footage(left, right, output, preview, lens, (left_lens, right_lens))
