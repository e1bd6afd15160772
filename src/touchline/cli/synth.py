"""``touchline synth``: the synthetic match as files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def synth(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="Where the files go; made if need be.")],
    seconds: Annotated[float, typer.Option(metavar="S", help="Length.")] = 20.0,
    size: Annotated[str, typer.Option(metavar="WxH", help="Of each camera's picture.")] = "1280x720",
    fps: Annotated[str, typer.Option("--fps", metavar="FPS", help="25, 30, 50, 59.94 ...")] = "30",
    seed: Annotated[int, typer.Option(metavar="N", min=0, help="Which match.")] = 1,
    codes: Annotated[
        bool, typer.Option("--codes", help="Burn a machine-readable frame number into each picture.")
    ] = False,
) -> None:
    """Film a synthetic match with two cameras: left.mp4, right.mp4, rig.json and truth.json.

    The same seed gives the same match, to the pixel. truth.json says where the ball and the players were in every
    frame and what each camera saw of them.

    [bold]Examples[/]

      touchline synth match --seconds 60

      touchline synth coded --size 640x360 --fps 59.94 --seed 7 --codes
    """
    from touchline.cli.synthesis import write_synthetic

    write_synthetic(directory, seconds, size, fps, seed, codes=codes)
