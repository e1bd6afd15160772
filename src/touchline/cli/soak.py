"""``touchline soak``: does the delay hold over a day?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def soak(
    hours: Annotated[float, typer.Option(metavar="H", min=0, help="Footage to push through.")] = 24.0,
    speed: Annotated[
        str, typer.Option("--speed", metavar="SPEED", help="max: on a stepped clock; live: in real time.")
    ] = "max",
    faults: Annotated[
        int | None, typer.Option(metavar="SEED", min=0, help="Inject faults by this seed.")
    ] = None,
    size: Annotated[
        str | None, typer.Option(metavar="WxH", help="Of the frames (default 64x48; live 1920x640).")
    ] = None,
    fps: Annotated[str, typer.Option("--fps", metavar="FPS", help="Frames per second.")] = "30",
    delay: Annotated[
        list[float] | None,
        typer.Option(metavar="S", help="Seconds of delay (default 7); repeat it for more programmes."),
    ] = None,
    png: Annotated[Path | None, typer.Option(metavar="FILE", help="Draw it.")] = None,
    report: Annotated[Path | None, typer.Option(metavar="FILE", help="Write a report as JSON.")] = None,
    config: Annotated[
        Path | None, typer.Option(metavar="FILE", help="TOML with the limits, in a table \\[soak].")
    ] = None,
) -> None:
    """Push a day of numbered frames through the real pool, store, player and pipeline, and decide: go or no-go.

    Every frame is read back where it leaves: each once, in order, on time. With --faults cameras are lost, clocks
    jump, pools starve and outputs fail, and the recovery from each is measured. Ctrl-C ends early and reports what
    was reached.

    Exits with 0 for go and 1 for no-go.

    [bold]Examples[/]

      touchline soak --hours 24 --speed max --png soak.png

      touchline soak --hours 0.5 --speed live --faults 1 --size 1920x640 --report soak.json

      touchline soak --hours 2 --faults 7 --delay 7 --delay 2 --config limits.toml
    """
    # Before GStreamer is loaded: it reads its tracers once.
    from touchline.soak.leaks import count_buffers

    count_buffers()
    from touchline.cli.soaking import run_soak

    if not run_soak(hours, speed, faults, size, fps, delay or [7.0], png, report, config):
        raise typer.Exit(1)
