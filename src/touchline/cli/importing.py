"""Makes rigs of other programs' files and shows how exactly."""

from __future__ import annotations

from pathlib import Path

from rich.table import Table

from touchline.capture import parse_size
from touchline.cli.console import answers, problems
from touchline.errors import ConfigurationError
from touchline.panorama.hugin import rig_from_hugin
from touchline.panorama.imported import Imported
from touchline.panorama.tables import read_tables, rig_from_tables


def import_to(
    hugin: Path | None,
    tables: Path | None,
    size: str | None,
    left_size: str,
    right_size: str | None,
    output: Path,
) -> None:
    """Reads, fits, writes and shows. Raises ConfigurationError or RigError."""
    if (hugin is None) == (tables is None):
        raise ConfigurationError("give one of --hugin FILE and --tables FOLDER")
    if hugin is not None:
        found = rig_from_hugin(hugin)
    else:
        assert tables is not None
        found = _from_tables(tables, size, left_size, right_size)
    found.rig.save(output)
    table = Table(show_header=False)
    for name, value in found.facts():
        table.add_row(name, value)
    answers().print(table)
    answers().print(f"Rig: {output}", markup=False, soft_wrap=True)


def _from_tables(folder: Path, size: str | None, left_size: str, right_size: str | None) -> Imported:
    if size is None:
        raise ConfigurationError("--tables needs the size of their panorama: --size 5700x1900")
    read = read_tables(folder, parse_size(size), parse_size(left_size), parse_size(right_size or left_size))
    problems().print("Looking for the cameras behind the tables ...")
    return rig_from_tables(read, str(folder))
