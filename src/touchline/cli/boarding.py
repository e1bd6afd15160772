"""Looks for a board in films and pictures, and shows what lens they say."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np
from rich.progress import BarColumn, Progress, TextColumn
from rich.table import Table

from touchline.capture import parse_source
from touchline.capture.frames import Picture
from touchline.capture.recordings import Recording, record
from touchline.cli.console import answers, problems
from touchline.errors import ConfigurationError, InputError, OutputError
from touchline.geometry.lens import save_lens
from touchline.panorama.board_views import Board, Image, View
from touchline.panorama.boards import Model, calibrate_lens

_SQUARES = re.compile(r"(\d{1,2})x(\d{1,2})")
_PICTURES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff")
_EVERY_S = 0.4  # a board that is moved slowly looks another way after that
_LONGEST_S = 120.0
_PRINT_WIDTH = 2970  # a millimetre of A4 is ten pixels

Show = Callable[[float], None]


def print_board(path: Path, squares: str, dictionary: str | None) -> None:
    """Writes the board as a picture. Raises ConfigurationError or OutputError."""
    board = _board(squares, dictionary)
    if path.suffix.lower() != ".png":
        raise ConfigurationError(f"--print {path}: the name must end in .png")
    if not cv2.imwrite(str(path), board.picture(_PRINT_WIDTH)):
        raise OutputError(f"the board can't be written to {path}")
    answers().print(f"Board: {path}", markup=False, soft_wrap=True)


def measure_lens(
    footage: Sequence[Path], squares: str, dictionary: str | None, model: Model, output: Path
) -> None:
    """Finds the board, the lens, and writes that.

    Raises:
        ConfigurationError, InputError, CalibrationError, RigError: if one of these can't be done.
    """
    board = _board(squares, dictionary)
    if not footage:
        raise ConfigurationError(
            "a film or pictures of the board are needed, or --print FILE for a board to print"
        )
    columns = (TextColumn("Looking for the board"), BarColumn(), TextColumn("{task.percentage:.0f} %"))
    with Progress(*columns, console=problems(), transient=True) as progress:
        task = progress.add_task("", total=1.0)
        views, size, looked_at = find_views(
            footage, board, lambda share: progress.update(task, completed=share)
        )
    problems().print(f"The board was found in {len(views)} of {looked_at} pictures; measuring the lens ...")
    result = calibrate_lens(views, size, model=model, looked_at=looked_at)
    save_lens(output, result.camera, result.notes())
    table = Table(show_header=False)
    for name, value in result.facts():
        table.add_row(name, value)
    answers().print(table)
    answers().print(f"Lens: {output}", markup=False, soft_wrap=True)


def find_views(
    footage: Sequence[Path], board: Board, show: Show = lambda _: None
) -> tuple[list[View], tuple[int, int], int]:
    """Views of the board, the size of the pictures, and in how many it was looked for.

    Args:
        footage: one film, or pictures, or one folder of pictures.
        board: what to look for.
        show: told now and then how much has been looked at, 0 .. 1.

    Raises:
        InputError: if something can't be read, or pictures differ in size.
    """
    pictures = [path for one in footage for path in _pictures(one)]
    if not pictures:
        if len(footage) > 1:
            raise InputError("give one film of the board, or pictures of it")
        return _from_film(footage[0], board, show)
    views, sizes = [], set()
    for number, path in enumerate(pictures):
        grey = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
        if grey is None:
            raise InputError(f"{path} can't be read as a picture")
        sizes.add((int(grey.shape[1]), int(grey.shape[0])))
        if len(sizes) > 1:
            raise InputError(f"{path} has another size than those before it; pictures of one camera have one")
        views.append(board.find(np.asarray(grey, dtype=np.uint8)))
        show((number + 1) / len(pictures))
    return [view for view in views if view], sizes.pop(), len(pictures)


def _pictures(path: Path) -> list[Path]:
    """The pictures that a name stands for; none for a film. Raises InputError for a folder without any."""
    if path.is_dir():
        found = sorted(inner for inner in path.iterdir() if inner.suffix.lower() in _PICTURES)
        if not found:
            raise InputError(f"there are no pictures in {path} ({', '.join(_PICTURES)})")
        return found
    return [path] if path.suffix.lower() in _PICTURES else []


def _from_film(path: Path, board: Board, show: Show) -> tuple[list[View], tuple[int, int], int]:
    size = (0, 0)
    due, looked_at = 0.0, 0

    def look(picture: Picture, since: float) -> View | None:
        nonlocal size, due, looked_at
        if since < due:
            return None
        due = since + _EVERY_S
        looked_at += 1
        with picture.read() as planes:
            grey: Image = np.ascontiguousarray(planes.y)
        size = int(grey.shape[1]), int(grey.shape[0])
        return board.find(grey)

    recording = Recording("board", parse_source(str(path)), _LONGEST_S, look)
    record([recording], show)
    return [view for view in recording.made if view], size, looked_at


def _board(squares: str, dictionary: str | None) -> Board:
    match = _SQUARES.fullmatch(squares.strip().lower())
    if not match:
        raise ConfigurationError(f"squares are written as 9x6, not {squares!r}")
    return Board(int(match[1]), int(match[2]), dictionary)
