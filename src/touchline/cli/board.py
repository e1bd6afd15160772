"""``touchline board``: one camera's lens from a board that it filmed, and the board for printing."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated

import typer


class LensModel(str, Enum):
    """What --model takes."""

    auto = "auto"
    brown = "brown"
    fisheye = "fisheye"


def board(
    footage: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="VIDEO | PICTURES", help="A film of the board, or pictures of it, or their folder."
        ),
    ] = None,
    squares: Annotated[str, typer.Option(metavar="NxM", help="Squares of the board, not corners.")] = "9x6",
    charuco: Annotated[
        str | None,
        typer.Option(metavar="DICT", help="It has ArUco markers of this dictionary, as DICT_4X4_50."),
    ] = None,
    model: Annotated[
        LensModel, typer.Option("--model", metavar="MODEL", help="auto | brown | fisheye.")
    ] = LensModel.auto,
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="The lens.")] = Path(
        "lens.json"
    ),
    printable: Annotated[
        Path | None,
        typer.Option("--print", metavar="FILE", help="Write the board as a picture (.png) for printing."),
    ] = None,
) -> None:
    """Measure one camera's lens exactly, from a chessboard or a ChArUco board that it filmed.

    Print the board, glue it onto something flat, and film it for half a minute with the settings of the match: slowly,
    near and far, into all corners of the picture, tilted to all sides by 30 degrees and more. A ChArUco board may
    stand out of the picture, so it is the better one for the corners.

    [bold]Examples[/]

      touchline board --print board.png --squares 9x6 --charuco DICT_4X4_50

      touchline board film.mp4 --squares 9x6 --charuco DICT_4X4_50 -o lens.json

      touchline board pictures/ --squares 10x7 --model fisheye
    """
    from touchline.cli.boarding import measure_lens, print_board

    if printable is not None:
        print_board(printable, squares, charuco)
    if footage or printable is None:
        measure_lens(footage or [], squares, charuco, model.value, output)
