"""``touchline plan``: what a delay costs in memory."""

from __future__ import annotations

from typing import Annotated

import typer


def plan(
    size: Annotated[str, typer.Option(metavar="WxH", help="Size of the panorama.")] = "1920x640",
    fps: Annotated[str, typer.Option("--fps", metavar="FPS", help="Frames per second.")] = "30",
    delay: Annotated[float, typer.Option(metavar="S", help="Seconds of delay.")] = 7.0,
    history: Annotated[float, typer.Option(metavar="S", help="Seconds kept after they were shown.")] = 0.0,
    memory_limit: Annotated[
        str | None, typer.Option(metavar="BYTES", help="Plan with so much memory instead of what is free.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print it as JSON.")] = False,
) -> None:
    """Show how much memory a delay needs, in NV12 (what Touchline holds) and in RGBA, and whether it fits.

    Exits with 3 if it does not fit.

    [bold]Examples[/]

      touchline plan --size 5700x1900 --fps 30 --delay 7

      touchline plan --size 3840x1280 --delay 10 --memory-limit 4GB
    """
    from touchline.cli.planning import show_plan

    show_plan(size, fps, delay, history, memory_limit, as_json=json)
