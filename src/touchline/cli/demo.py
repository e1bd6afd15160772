"""``touchline demo``: the main job, on a synthetic match."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def demo(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="Where the files go.")] = Path("demo"),
    seconds: Annotated[float, typer.Option(metavar="S", min=2, help="Length of the match.")] = 20.0,
    seed: Annotated[int, typer.Option(metavar="N", min=0, help="Which match.")] = 1,
    delay: Annotated[float, typer.Option(metavar="S", min=0, help="Seconds of delay.")] = 7.0,
) -> None:
    """Film a synthetic match with two cameras and show it seven seconds late, at live pace. Needs no screen.

    Leaves programme.mp4, report.json and overview.png.
    """
    from touchline.cli.showcase import run_demo

    run_demo(directory, seconds, seed, delay)
