"""``touchline offset``: the time between two recordings."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def offset(
    left: Annotated[str, typer.Argument(metavar="LEFT", help="Recording of the left camera.")],
    right: Annotated[str, typer.Argument(metavar="RIGHT", help="Recording of the right camera.")],
    rig: Annotated[Path, typer.Option(metavar="FILE", help="The rig of the two cameras.")] = Path("rig.json"),
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", metavar="FILE", help="Write the rig with the time found; may be the same."
        ),
    ] = None,
    seconds: Annotated[
        float, typer.Option(metavar="S", min=2, max=120, help="How much of the recordings to look at.")
    ] = 12.0,
    reach: Annotated[
        float, typer.Option(metavar="S", min=0.1, max=60, help="Look for up to so much, both ways.")
    ] = 3.0,
) -> None:
    """Find out how much later one recording was started than the other, from the pictures and the sound.

    The rig of two cameras stays the same as long as nobody moves them; the time between two recordings is another one
    each time they are started by hand. `touchline calibrate` finds both.

    [bold]Examples[/]

      touchline offset left.mp4 right.mp4 --rig rig.json -o rig.json

      touchline offset left.mp4 right.mp4 --reach 20 --seconds 60
    """
    from touchline.cli.offsetting import show_offset

    show_offset(left, right, rig, output, seconds, reach)
