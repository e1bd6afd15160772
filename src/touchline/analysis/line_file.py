"""Files of JSON Lines that lose nothing when their writer is killed, and their readers.

The first line says what the file is: ``{"touchline": KIND, "version": N, ...}``; then comes a line for each thing that
happened, written at once and in one piece. Whoever is killed leaves at most one line that is cut off at the end, which
is not read. Every other line that can't be read is an error that names it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from os import SEEK_END
from pathlib import Path
from types import TracebackType
from typing import Any, TextIO, TypeVar

from touchline.errors import InputError, OutputError

Line = dict[str, Any]
Told = TypeVar("Told")
_UNREADABLE = (ValueError, TypeError, KeyError, IndexError, OverflowError, RecursionError)
_TAIL = 65536


class LineWriter:
    """Writes such a file; one that is there is written anew. It takes no memory that grows.

    Args:
        path: the file.
        kind, version: what the first line says.
        head: what else it says.

    Raises:
        OutputError: if it can't be written.
    """

    def __init__(self, path: Path, kind: str, version: int, head: Line) -> None:
        self._path, self._kind = path, kind
        try:
            self._file: TextIO = path.open("w", encoding="utf-8", buffering=1)
        except OSError as error:
            raise self._lost(error) from error
        self.write({"touchline": kind, "version": version} | head)

    def __enter__(self) -> LineWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def write(self, line: Line) -> None:
        """Adds a line. Raises OutputError if it can't be written, ValueError if the file is closed or for nan."""
        try:
            self._file.write(json.dumps(line, separators=(",", ":"), allow_nan=False) + "\n")
        except OSError as error:
            raise self._lost(error) from error

    def close(self) -> None:
        """Finishes the file. May be called again. Raises OutputError if its end can't be written."""
        try:
            self._file.close()
        except OSError as error:
            raise self._lost(error) from error

    def _lost(self, error: OSError) -> OutputError:
        return OutputError(f"the {self._kind} {self._path} can't be written: {error.strerror or error}")


class LineReader:
    """Reads such a file line by line, without keeping what it has read.

    Args:
        path: the file.
        kind, version: what its first line has to say.

    Attributes:
        head: the first line.

    Raises:
        InputError: if it can't be read, or is something else.
    """

    def __init__(self, path: Path, kind: str, version: int) -> None:
        self.path = path
        self._kind = kind
        self.head = self._first(kind, version)

    def fails(self, number: int, why: object) -> InputError:
        """What to raise about a line."""
        return InputError(f"{self.path}, line {number}: {why}")

    def of_head(self, read: Callable[[Line], Told]) -> Told:
        """What ``read`` makes of the first line. Raises InputError for one that it can't read."""
        try:
            return read(self.head)
        except _UNREADABLE as error:
            raise self.fails(1, _why(error)) from error

    def lines(self, read: Callable[[Line], Told]) -> Iterator[Told]:
        """What ``read`` makes of each line but the first.

        Raises:
            InputError: for a line that is none, or that ``read`` raises a ValueError, KeyError or TypeError for.
        """
        for number, text in enumerate(self._texts(), 1):
            if number == 1:
                continue
            try:
                told = read(_parsed(text))
            except _UNREADABLE as error:
                if not text.endswith(b"\n"):
                    return  # cut off
                raise self.fails(number, _why(error)) from error
            yield told

    def _first(self, kind: str, version: int) -> Line:
        text = next(self._texts(), b"")
        try:
            head = _parsed(text)
        except _UNREADABLE:
            head = {}
        if head.get("touchline") != kind:
            raise self.fails(1, f"these are no {kind} of Touchline's")
        if head.get("version") != version:
            raise self.fails(1, f"{kind} of version {head.get('version')}; this Touchline reads {version}")
        return head

    def _texts(self) -> Iterator[bytes]:
        try:
            with self.path.open("rb") as file:
                yield from file
        except OSError as error:
            raise InputError(
                f"the {self._kind} {self.path} can't be read: {error.strerror or error}"
            ) from error


def last_line(path: Path) -> Line | None:
    """The last whole line of such a file, found from its end; None if there is none within the last 64 KiB.

    Raises:
        InputError: if it can't be read.
    """
    try:
        with path.open("rb") as file:
            file.seek(max(0, file.seek(0, SEEK_END) - _TAIL))
            texts = file.read().split(b"\n")
    except OSError as error:
        raise InputError(f"{path} can't be read: {error.strerror or error}") from error
    for text in reversed(texts[1:]):
        try:
            return _parsed(text)
        except _UNREADABLE:  # noqa: PERF203 - cut off, or the empty piece behind the last line
            continue
    return None


def number_of(value: Any) -> float:
    """A finite number as it stands in a file. Raises ValueError for anything else."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not abs(value) < float("inf"):
        raise ValueError(f"{value!r} is no number")
    return float(value)


def whole_of(value: Any) -> int:
    """A whole number, zero or above. Raises ValueError for anything else."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ValueError(f"{value!r} is no whole number")
    return value


def _parsed(text: bytes) -> Line:
    line = json.loads(text.decode())
    if not isinstance(line, dict):
        raise ValueError("a line is an object")
    return line


def _why(error: Exception) -> str:
    if isinstance(error, KeyError):
        return f"no {error}"
    return "no JSON" if isinstance(error, (json.JSONDecodeError, UnicodeDecodeError)) else str(error)
