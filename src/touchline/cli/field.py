"""``touchline field``: where the field is, found or drawn."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def field(
    left: Annotated[str, typer.Argument(metavar="LEFT", help="Footage of the left camera.")],
    right: Annotated[str, typer.Argument(metavar="RIGHT", help="Footage of the right camera.")],
    rig: Annotated[Path, typer.Option(metavar="FILE", help="The rig; it keeps the field.")] = Path(
        "rig.json"
    ),
    points: Annotated[
        str | None,
        typer.Option(metavar="'YAW,PITCH ...'", help="The corners, in degrees, instead of looking for them."),
    ] = None,
    draw: Annotated[
        bool, typer.Option("--draw", help="Click the corners on a page of this machine.")
    ] = False,
    port: Annotated[int, typer.Option(metavar="N", min=0, max=65535, help="Of that page (0: any).")] = 0,
    picture: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="A picture of it (default: beside the rig, .field.jpg)."),
    ] = None,
) -> None:
    """Find the field in a few seconds of footage, or say where it is, and keep it in the rig.

    What moves outside the field is ignored then, and the camera's middle stays on it.

    [bold]Examples[/]

      touchline field left.mp4 right.mp4 --rig rig.json

      touchline field left.mp4 right.mp4 --rig rig.json --draw

      touchline field left.mp4 right.mp4 --rig rig.json --points '-60,-9 -32,-5.5 32,-5.5 60,-9 40,-24 -40,-24'
    """
    from touchline.cli.fielding import field_of_footage

    field_of_footage(left, right, rig, points=points, draw=draw, port=port, picture=picture)
