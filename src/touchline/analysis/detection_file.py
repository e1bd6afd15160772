"""Detections in a file, for tests and to render a match again: JSON Lines.

The first line says what the file is, then comes a line for each frame that was looked at, in their order::

    {"touchline": "detections", "version": 1, "width": 2064, "height": 556}
    {"pts_ns": 100000000, "found": [[853.2, 371.9, 858.1, 376.8, "ball", 0.83], [702, 346, 714, 388, "player", 0.9]]}

A box is left, top, right, bottom, what it is, and the confidence; edges in the panorama's pixels, the first of which
reaches from 0 to 1. A line that a crash has cut off at the end is left out.
"""

from __future__ import annotations

import json
from bisect import bisect_left
from pathlib import Path
from types import TracebackType
from typing import Any, TextIO

from touchline.analysis.detections import Detection, Detections
from touchline.errors import ConfigurationError, OutputError
from touchline.geometry import Panorama
from touchline.gst.nv12 import Nv12

VERSION = 1
_UNREADABLE = (ValueError, TypeError, KeyError, OverflowError, RecursionError)
_DIGITS = 2  # of a pixel, behind the point
_NEAR_NS = 50_000_000  # a frame this near to one that was looked at shows the same


class DetectionWriter:
    """Writes them, one line a frame, each at once.

    Args:
        path: the file; one that is there is written anew.
        size: width and height of the panorama.

    Raises:
        OutputError: if it can't be written.
    """

    def __init__(self, path: Path, size: tuple[int, int]) -> None:
        self._path = path
        try:
            self._file: TextIO = path.open("w", encoding="utf-8", buffering=1)
        except OSError as error:
            raise OutputError(f"the detections {path} can't be written: {error.strerror}") from error
        self._write({"touchline": "detections", "version": VERSION, "width": size[0], "height": size[1]})

    def __enter__(self) -> DetectionWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def append(self, detections: Detections) -> None:
        """Writes what was found in a frame. Raises OutputError if that can't be done."""
        self._write({"pts_ns": detections.pts_ns, "found": [_row(one) for one in detections.found]})

    def close(self) -> None:
        """Finishes the file. May be called again."""
        self._file.close()

    def _write(self, line: dict[str, Any]) -> None:
        try:
            self._file.write(json.dumps(line, separators=(",", ":")) + "\n")
        except OSError as error:
            raise OutputError(f"the detections {self._path} can't be written: {error.strerror}") from error


def read_detections(path: Path) -> tuple[tuple[int, int], list[Detections]]:
    """The panorama's size, and what was found in each frame, in their order.

    Raises:
        ConfigurationError: for a file that can't be read, or a line that is none of its, by its number.
    """
    try:
        lines = path.read_bytes().split(b"\n")
    except OSError as error:
        raise ConfigurationError(f"the detections {path} can't be read: {error.strerror}") from error
    whole, rest = lines[:-1], lines[-1]
    size: tuple[int, int] | None = None
    frames: list[Detections] = []
    for number, text in enumerate([*whole, rest] if rest.strip() else whole, 1):
        try:
            line = json.loads(text.decode())
            if size is None:
                size = _size(line)
            else:
                frames.append(_frame(line, frames))
        except _UNREADABLE as error:  # noqa: PERF203 - a line that says its number costs nothing
            if number > len(whole) and size is not None:
                break  # cut off
            raise ConfigurationError(f"{path}, line {number}: {_why(error)}") from error
    if size is None:
        raise ConfigurationError(f"{path}, line 1: no detections of Touchline's")
    return size, frames


class ReplayDetector:
    """``FILE.jsonl``: says again what was found once.

    Args:
        path: see above.
        panorama: it has to be of the file's size.

    Raises:
        ConfigurationError: for a file that can't be read, or of another panorama.
    """

    def __init__(self, path: Path, panorama: Panorama) -> None:
        size, self._frames = read_detections(path)
        if size != (panorama.width, panorama.height):
            raise ConfigurationError(
                f"{path} is of a panorama of {size[0]}x{size[1]}, not {panorama.width}x{panorama.height}"
            )
        self._times = [frame.pts_ns for frame in self._frames]

    def detect(self, panorama: Nv12, pts_ns: int) -> Detections:
        """What was found in the frame nearest in time, if one within 50 ms was looked at; the pts is that asked for."""
        place = bisect_left(self._times, pts_ns)
        near = self._frames[max(0, place - 1) : place + 1]
        best = min(near, key=lambda frame: abs(frame.pts_ns - pts_ns), default=None)
        if best is None or abs(best.pts_ns - pts_ns) > _NEAR_NS:
            return Detections(pts_ns)
        return Detections(pts_ns, best.found)

    def close(self) -> None:
        """Nothing to let go of."""


class NoDetector:
    """``none``: finds nothing."""

    def detect(self, panorama: Nv12, pts_ns: int) -> Detections:
        return Detections(pts_ns)

    def close(self) -> None:
        """Nothing to let go of."""


def _row(one: Detection) -> list[float | str]:
    edges = one.left, one.top, one.right, one.bottom
    short = [round(edge, _DIGITS) for edge in edges]
    if not (short[0] < short[2] and short[1] < short[3]):
        short = list(edges)  # smaller than the last digit
    return [*short, one.kind, round(one.confidence, 4)]


def _size(line: Any) -> tuple[int, int]:
    if not isinstance(line, dict) or line.get("touchline") != "detections":
        raise ValueError("no detections of Touchline's")
    if line.get("version") != VERSION:
        raise ValueError(f"version {line.get('version')}; this Touchline reads {VERSION}")
    return _whole(line["width"]), _whole(line["height"])


def _frame(line: Any, before: list[Detections]) -> Detections:
    pts = _whole(line["pts_ns"])
    if before and pts <= before[-1].pts_ns:
        raise ValueError(f"a frame of {pts} ns can't follow one of {before[-1].pts_ns} ns")
    return Detections(pts, tuple(_detection(*row) for row in line["found"]))


def _detection(left: Any, top: Any, right: Any, bottom: Any, kind: Any, confidence: Any) -> Detection:
    numbers = left, top, right, bottom, confidence
    if any(isinstance(n, bool) or not isinstance(n, (int, float)) for n in numbers):
        raise ValueError("a box is four numbers, what it is, and a confidence")
    return Detection(float(left), float(top), float(right), float(bottom), kind, float(confidence))


def _whole(number: Any) -> int:
    if isinstance(number, bool) or not isinstance(number, int) or number < 0:
        raise ValueError(f"{number!r} is no whole number")
    return number


def _why(error: Exception) -> str:
    if isinstance(error, KeyError):
        return f"no {error}"
    return "no JSON" if isinstance(error, (json.JSONDecodeError, UnicodeDecodeError)) else str(error)
