"""``NAME.path.jsonl``: where the virtual camera looked, beside the recording of its programme.

JSON Lines, see :mod:`touchline.analysis.line_file`. The first line has the programme's size and frame rate and the
panorama's geometry, if it is known; then comes one line for each frame, in their order::

    {"touchline": "path", "version": 1, "width": 1280, "height": 720, "fps": [30, 1], "panorama": {..}}
    {"pts_ns": 33333333, "yaw": -12.345678, "pitch": -8.5, "fov": 31.2, "mode": "follow"}

Angles in degrees, in the rig's frame; ``fov`` is the horizontal field of view; ``pts_ns`` is when the frame was
captured. ``mode`` says who led the camera: ``follow``, ``manual``, ``fixed`` or what else the programme knows.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from sys import intern
from types import TracebackType

import numpy as np

from touchline.analysis.line_file import Line, LineReader, LineWriter, number_of, whole_of
from touchline.analysis.track_file import rate_of
from touchline.director.score import CameraPath
from touchline.geometry import Panorama, View

KIND, VERSION = "path", 1
_DIGITS = 6  # of a degree: with fewer, what is rounded off would pass for jerk


@dataclass(frozen=True)
class PathInfo:
    """What a path is of: the programme's size and rate, and the panorama, if it is known."""

    width: int
    height: int
    fps: Fraction
    panorama: Panorama | None = None

    @property
    def aspect(self) -> float:
        """Width / height."""
        return self.width / self.height


class PathWriter:
    """Writes views, one line each, at once.

    Args:
        path: the file; one that is there is written anew.
        info: what they are of.

    Raises:
        OutputError: if it can't be written.
    """

    def __init__(self, path: Path, info: PathInfo) -> None:
        panorama = None if info.panorama is None else info.panorama.to_dict()
        rate = [info.fps.numerator, info.fps.denominator]
        head = {"width": info.width, "height": info.height, "fps": rate, "panorama": panorama}
        self._file = LineWriter(path, KIND, VERSION, head)

    def __enter__(self) -> PathWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def append(self, pts_ns: int, view: View, mode: str) -> None:
        """Writes the view of a frame. Raises OutputError if that can't be done."""
        yaw, pitch, fov = (round(angle, _DIGITS) for angle in (view.yaw_deg, view.pitch_deg, view.fov_deg))
        self._file.write({"pts_ns": pts_ns, "yaw": yaw, "pitch": pitch, "fov": fov, "mode": mode})

    def close(self) -> None:
        """Finishes the file. May be called again."""
        self._file.close()


@dataclass(frozen=True, eq=False)
class RecordedPath:
    """What such a file holds: the path, who led at each of its times, and what it is of."""

    path: CameraPath
    modes: tuple[str, ...]
    info: PathInfo


def read_path(path: Path) -> RecordedPath:
    """Reads such a file; a line that a crash has cut off at the end is left out.

    Raises:
        InputError: if it can't be read, is something else, or has a line that is none of its, by its number.
    """
    reader = LineReader(path, KIND, VERSION)
    info = reader.of_head(_info)
    times, numbers, modes = array("q"), array("d"), []
    for pts, view, mode in reader.lines(_Views().read):
        times.append(pts)
        numbers.extend((view.yaw_deg, view.pitch_deg, view.fov_deg))
        modes.append(mode)
    angles = np.array(numbers, dtype=np.float64).reshape(-1, 3)
    return RecordedPath(CameraPath(np.array(times, dtype=np.int64) / 1e9, angles), tuple(modes), info)


def path_beside(recording: Path) -> Path:
    """Where the path of a recording is: ``NAME.path.jsonl``."""
    return recording.with_suffix(".path.jsonl")


def _info(head: Line) -> PathInfo:
    width, height = whole_of(head["width"]), whole_of(head["height"])
    if not (width and height):
        raise ValueError(f"no picture measures {width}x{height}")
    panorama = head["panorama"]
    return PathInfo(
        width, height, rate_of(head["fps"]), None if panorama is None else Panorama.from_dict(panorama)
    )


class _Views:
    """Reads one line after the other."""

    def __init__(self) -> None:
        self._last = -1

    def read(self, line: Line) -> tuple[int, View, str]:
        """PTS, view and mode."""
        pts, mode = whole_of(line["pts_ns"]), line["mode"]
        if pts <= self._last:
            raise ValueError(f"a frame of {pts} ns can't follow one of {self._last} ns")
        if not isinstance(mode, str):
            raise ValueError(f"{mode!r} is no mode")
        view = View(number_of(line["yaw"]), number_of(line["pitch"]), number_of(line["fov"]))
        self._last = pts
        return pts, view, intern(mode)
