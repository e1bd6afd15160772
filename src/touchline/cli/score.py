"""``touchline score``: how good the camera work is."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def score(
    path: Annotated[
        Path | None,
        typer.Argument(
            metavar="[PATH]", help="What a camera did: a recording's NAME.path.jsonl.", show_default=False
        ),
    ] = None,
    truth: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="The truth of the match: truth.json of `touchline synth`."),
    ] = None,
    offset: Annotated[
        float, typer.Option(metavar="S", help="Second of the match at which the path's time is zero.")
    ] = 0.0,
    synthetic: Annotated[
        int | None,
        typer.Option(metavar="SEED", min=0, help="Compare the planner with its peers on a synthetic match."),
    ] = None,
    duration: Annotated[float, typer.Option(metavar="S", help="Of that comparison.")] = 60.0,
    delay: Annotated[
        list[float] | None,
        typer.Option(metavar="S", help="Of a planner in it; may be repeated (default 0, 2 and 7)."),
    ] = None,
    sport: Annotated[
        str, typer.Option("--sport", metavar="SPORT", help="Whose style is compared.")
    ] = "football",
    style: Annotated[
        str, typer.Option("--style", metavar="STYLE", help="calm | standard | lively.")
    ] = "standard",
    near: Annotated[float, typer.Option(metavar="M", help="Players so near the ball should be seen.")] = 15.0,
    plot: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Draw pan over time, with ball and players, as a PNG.")
    ] = None,
    report: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the scores as JSON.")] = None,
) -> None:
    """Score camera work against the truth of a synthetic match.

    How much of the time the ball is in the picture and in its middle, how many of the players near it are, by how much
    the framing is off, and how calmly the camera moves. docs/camera-work.md defines each figure.

    With --synthetic the planner is compared with a fixed view, smoothers that know nothing of what comes, one that
    knows half a second, and the best path there is. All of them are told the truth: what a detector makes of it,
    `python -m benchmarks.camera_work` shows.

    [bold]Examples[/]

      touchline synth match --seconds 60

      touchline score match.path.jsonl --truth match/truth.json --plot pan.png

      touchline score --synthetic 7 --duration 30 --delay 0 --delay 7
    """
    from touchline.cli.scoring import compare_synthetic, score_file

    if synthetic is None:
        score_file(path, truth, offset, near, plot, report)
    else:
        compare_synthetic(synthetic, path, truth, duration, delay or [], sport, style, near, plot, report)
