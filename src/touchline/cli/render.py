"""``touchline render``: another programme, later."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def render(
    panorama: Annotated[
        Path, typer.Argument(metavar="PANORAMA", help="The recording of a programme with --view panorama.")
    ],
    record: Annotated[Path, typer.Option(metavar="FILE", help="Where it goes: .mp4, .mkv or .ts.")],
    tracks: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Its tracks (default: the panorama's name with .tracks.jsonl).",
            show_default=False,
        ),
    ] = None,
    size: Annotated[
        str | None,
        typer.Option(
            metavar="WxH", help="Of the programme, such as 1080x1920 for telephones (default 1280x720)."
        ),
    ] = None,
    view: Annotated[
        str, typer.Option("--view", metavar="VIEW", help="follow | panorama | fixed:YAW,PITCH,FOV.")
    ] = "follow",
    sport: Annotated[
        str,
        typer.Option(
            "--sport", metavar="SPORT", help="football | futsal | basketball | hockey | handball | rugby."
        ),
    ] = "football",
    style: Annotated[
        str, typer.Option("--style", metavar="STYLE", help="calm | standard | lively.")
    ] = "standard",
    look_ahead: Annotated[
        float, typer.Option(metavar="S", help="How much of the play to come the camera knows.")
    ] = 7.0,
    overlay: Annotated[
        bool, typer.Option("--overlay", help="Draw boxes around players and ball, and the camera's way.")
    ] = False,
    minimap: Annotated[
        str | None,
        typer.Option("--minimap", metavar="WHERE", help="A top view: inside the picture or beside it."),
    ] = None,
    duration: Annotated[float | None, typer.Option(metavar="S", help="End after so much of it.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a recording of that name.")] = False,
    bitrate: Annotated[
        int | None, typer.Option(metavar="KBIT/S", help="Of the encoder (default: from the size).")
    ] = None,
) -> None:
    """Make another programme of a recorded panorama and its tracks: other size, other style, with drawings.

    Beside the recording goes its NAME.path.jsonl, which `touchline score` reads. Ctrl-C finishes the file with what
    there is.

    [bold]Examples[/]

      touchline render match.mp4 --record calm.mp4 --style calm

      touchline render match.mp4 --size 1080x1920 --record telephone.mp4

      touchline render match.mp4 --overlay --minimap inside --record tactics.mp4
    """
    from touchline.cli.rerendering import Wanted, render_again

    render_again(
        Wanted(
            panorama,
            record,
            tracks,
            size,
            view,
            sport,
            style,
            look_ahead,
            overlay,
            minimap,
            duration,
            overwrite,
            bitrate,
        )
    )
