"""``NAME.tracks.jsonl``: the play as it was told beside a recording, to make another programme of it later.

JSON Lines, see :mod:`touchline.analysis.line_file`. The first line has the panorama, the field and the ground if they
are known, the frame rate, and the PTS of the recording's first frame; then comes one line for each moment, decided
with all the hindsight that the programme had::

    {"touchline": "tracks", "version": 1, "starts_ns": 0, "fps": [30, 1],
     "panorama": {"projection": "equirectangular", "width": 2064, "height": 556, "yaw_deg": [..], "pitch_deg": [..]},
     "field": [[-46.4, -8.9], [46.4, -8.9], ...], "ground": [[..], [..], [..]]}
    {"pts_ns": 100000000, "ball": [-3.25, -7.1, 0.93, 1, -4.2, 3.1], "players": [[12, 4.5, -6.2, 1, 8.1, 2.2], ...]}

A ball is yaw, pitch (degrees), sureness, 1 if it was seen and 0 if a gap was filled, and its place on the ground
(metres; x along the touchlines), if that is known; ``null`` while nobody knows. A player is the number of the track,
yaw, pitch, seen, and the place.
"""

from __future__ import annotations

import threading
from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from touchline.analysis.line_file import Line, LineReader, LineWriter, number_of, whole_of
from touchline.analysis.play import BallAt, Moment, Place, Play, PlayerAt
from touchline.geometry import FieldOutline, Ground, Panorama

KIND, VERSION = "tracks", 1
_SCRIBE_NS = 500_000_000  # between two looks at the play: each decides anew what the ball was


@dataclass(frozen=True, eq=False)
class TrackedScene:
    """What the tracks are of.

    Attributes:
        panorama: that was recorded.
        fps: frames a second of the recording.
        starts_ns: the PTS of the recording's first frame.
        field, ground: None if nobody knows.
    """

    panorama: Panorama
    fps: Fraction
    starts_ns: int = 0
    field: FieldOutline | None = None
    ground: Ground | None = None

    def to_dict(self) -> Line:
        """Plain data for JSON."""
        return {
            "starts_ns": self.starts_ns,
            "fps": [self.fps.numerator, self.fps.denominator],
            "panorama": self.panorama.to_dict(),
            "field": None if self.field is None else [list(corner) for corner in self.field.points],
            "ground": None if self.ground is None else self.ground.matrix.tolist(),
        }

    @classmethod
    def from_dict(cls, data: Line) -> TrackedScene:
        """The inverse. Raises ValueError, KeyError or TypeError for anything else."""
        field, ground = data["field"], data["ground"]
        return cls(
            Panorama.from_dict(data["panorama"]),
            rate_of(data["fps"]),
            whole_of(data["starts_ns"]),
            None
            if field is None
            else FieldOutline(tuple((float(yaw), float(pitch)) for yaw, pitch in field)),
            None if ground is None else Ground(np.array(ground, dtype=np.float64)),
        )


class TrackWriter:
    """Writes moments, one line each, at once.

    Args:
        path: the file; one that is there is written anew.
        scene: what they are of.

    Raises:
        OutputError: if it can't be written.
    """

    def __init__(self, path: Path, scene: TrackedScene) -> None:
        self._file = LineWriter(path, KIND, VERSION, scene.to_dict())

    def __enter__(self) -> TrackWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def append(self, moment: Moment) -> None:
        """Writes a moment. Raises OutputError if that can't be done."""
        ball = moment.ball
        told = (
            None
            if ball is None
            else [
                round(ball.yaw_deg, 4),
                round(ball.pitch_deg, 4),
                round(ball.sureness, 3),
                int(ball.seen),
                *_place(ball.place),
            ]
        )
        players = [
            [p.track, round(p.yaw_deg, 3), round(p.pitch_deg, 3), int(p.seen), *_place(p.place)]
            for p in moment.players
        ]
        self._file.write({"pts_ns": moment.pts_ns, "ball": told, "players": players})

    def close(self) -> None:
        """Finishes the file. May be called again."""
        self._file.close()


class TrackFile:
    """The play out of such a file, read as far as it is asked for: see :class:`~touchline.analysis.play.Play`.

    Only what lies between what is forgotten and what has been asked for is held, however long the file is.

    Args:
        path: the file.

    Attributes:
        scene: what the tracks are of.

    Raises:
        InputError: if it can't be read or is something else; when reading on, for a line that is no moment.
    """

    def __init__(self, path: Path) -> None:
        reader = LineReader(path, KIND, VERSION)
        self.scene = reader.of_head(TrackedScene.from_dict)
        self._last = -1
        self._coming = reader.lines(self._moment)
        self._next: Moment | None = next(self._coming, None)
        self._moments: list[Moment] = []
        self._pts: list[int] = []
        self._reading = threading.Lock()

    def between(self, first_ns: int, last_ns: int) -> list[Moment]:
        """The moments with ``first_ns <= pts <= last_ns``; all that has been forgotten is not among them."""
        with self._reading:
            while self._next is not None and self._next.pts_ns <= last_ns:
                self._moments.append(self._next)
                self._pts.append(self._next.pts_ns)
                self._next = next(self._coming, None)
            return self._moments[bisect_left(self._pts, first_ns) : bisect_right(self._pts, last_ns)]

    def wait_for(self, pts_ns: int, timeout_s: float | None = None) -> bool:
        """What the file holds is known already."""
        return True

    def forget_before(self, pts_ns: int) -> None:
        """Drops the moments with a pts below ``pts_ns``."""
        with self._reading:
            gone = bisect_left(self._pts, pts_ns)
            del self._pts[:gone], self._moments[:gone]

    def __len__(self) -> int:
        """How many moments are held."""
        with self._reading:
            return len(self._moments)

    def _moment(self, line: Line) -> Moment:
        pts = whole_of(line["pts_ns"])
        if pts <= self._last:
            raise ValueError(f"a moment of {pts} ns can't follow one of {self._last} ns")
        ball = line["ball"]
        moment = Moment(
            pts, None if ball is None else _ball(*ball), tuple(_player(*p) for p in line["players"])
        )
        self._last = pts
        return moment


class TrackScribe:
    """Writes a play down while it is shown, each moment once, with the hindsight that the programme had of it.

    Args:
        play: what is written; it must go back a second further than what has been shown.
        writer: where to.
        horizon_ns: how far beyond the time shown the play is known.
    """

    def __init__(self, play: Play, writer: TrackWriter, horizon_ns: int) -> None:
        self._play, self._writer, self._horizon_ns = play, writer, horizon_ns
        self._written = -1
        self._next = 0

    def shown(self, pts_ns: int) -> None:
        """To be told of each frame that is shown, in order. Raises OutputError if moments can't be written."""
        if pts_ns >= self._next:
            self._write(pts_ns, pts_ns + self._horizon_ns)
            self._next = pts_ns + _SCRIBE_NS

    def finish(self, last_ns: int) -> None:
        """Writes what is left up to the last frame, and ends the file."""
        self._write(last_ns, last_ns + self._horizon_ns)
        self._writer.close()

    def _write(self, pts_ns: int, known_ns: int) -> None:
        for moment in self._play.between(self._written + 1, known_ns):
            if moment.pts_ns > pts_ns:
                break
            self._writer.append(moment)
            self._written = moment.pts_ns


def tracks_beside(recording: Path) -> Path:
    """Where the tracks of a recording are: ``NAME.tracks.jsonl``."""
    return recording.with_suffix(".tracks.jsonl")


def rate_of(told: Any) -> Fraction:
    """A frame rate as it stands in a file: numerator and denominator. Raises ValueError for anything else."""
    over, under = (whole_of(number) for number in told)
    if not (over and under):
        raise ValueError(f"{over}/{under} is no frame rate")
    return Fraction(over, under)


def _place(place: Place | None) -> list[float]:
    return [] if place is None else [round(place[0], 2), round(place[1], 2)]


def _ball(yaw: Any, pitch: Any, sureness: Any, seen: Any, *place: Any) -> BallAt:
    sure = number_of(sureness)
    if not 0 <= sure <= 1:
        raise ValueError(f"a sureness is 0 .. 1, not {sure:g}")
    return BallAt(number_of(yaw), number_of(pitch), sure, bool(whole_of(seen)), _placed(place))


def _player(track: Any, yaw: Any, pitch: Any, seen: Any, *place: Any) -> PlayerAt:
    return PlayerAt(whole_of(track), number_of(yaw), number_of(pitch), bool(whole_of(seen)), _placed(place))


def _placed(place: tuple[Any, ...]) -> Place | None:
    if not place:
        return None
    x, y = place
    return number_of(x), number_of(y)
