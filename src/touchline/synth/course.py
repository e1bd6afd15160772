"""Where the ball and everybody were, over a whole match, as arrays: what camera work is judged by."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple, TextIO

import numpy as np
from numpy.typing import NDArray

from touchline.errors import InputError
from touchline.geometry import Rig, rays_to_angles
from touchline.geometry.angles import Floats
from touchline.synth.files import TRUTH_FORMAT
from touchline.synth.pitch import world_to_rig
from touchline.synth.play import REFEREE, Play

_MIDDLE_M: Final = 0.95  # of a body, above its feet
_VERSION: Final = 1
_UNREADABLE = (ValueError, TypeError, KeyError, IndexError, AttributeError)


@dataclass(frozen=True, eq=False)
class Course:
    """The course of a match at n times.

    Directions are (yaw, pitch) in degrees, from the mast, in the rig's frame; places are (x, y) on the ground, metres
    from the middle of the field.

    Args:
        times_s: ascending, shape (n,).
        ball_deg, ball_m: shape (n, 2).
        in_play: False from the whistle to the restart, shape (n,).
        persons_deg, persons_m: of p persons, shape (n, p, 2); the direction is that of the body's middle.
        players: who of them is no referee, shape (p,).
        hidden: whether somebody stands before the ball, shape (n,); None if nobody has looked.

    Raises:
        ValueError: for arrays that do not fit together, times that don't ascend, or numbers that are not finite.
    """

    times_s: Floats
    ball_deg: Floats
    ball_m: Floats
    in_play: NDArray[np.bool_]
    persons_deg: Floats
    persons_m: Floats
    players: NDArray[np.bool_]
    hidden: NDArray[np.bool_] | None = None

    def __post_init__(self) -> None:
        count, persons = len(self.times_s), len(self.players)
        wanted = {
            "ball_deg": (count, 2),
            "ball_m": (count, 2),
            "in_play": (count,),
            "persons_deg": (count, persons, 2),
            "persons_m": (count, persons, 2),
            "players": (persons,),
        }
        for name, shape in wanted.items():
            if getattr(self, name).shape != shape:
                raise ValueError(f"{name} has the shape {getattr(self, name).shape}, not {shape}")
        if self.hidden is not None and self.hidden.shape != (count,):
            raise ValueError(f"hidden has the shape {self.hidden.shape}, not {(count,)}")
        numbers = (self.times_s, self.ball_deg, self.ball_m, self.persons_deg, self.persons_m)
        if not all(np.isfinite(one).all() for one in numbers):
            raise ValueError("the course of a match is told in finite numbers")
        if count < 1 or (np.diff(self.times_s) <= 0).any():
            raise ValueError("the times of a course ascend, and there is one at least")

    @classmethod
    def of_match(cls, seed: int, seconds: float, fps: float = 30.0, first_s: float = 0.0) -> Course:
        """The synthetic match with this seed, from ``first_s`` on. Nothing is drawn, so nobody knows what is hidden.

        Raises:
            ValueError: for a length, a rate or a beginning that makes no sense, or a negative seed.
        """
        if not (math.isfinite(seconds) and seconds > 0 and fps > 0 and first_s >= 0):
            raise ValueError(f"no match lasts {seconds:g} s from {first_s:g} s on at {fps:g} frames a second")
        play = Play(seed)
        times = first_s + np.arange(max(1, round(seconds * fps))) / fps
        states = [play.at(float(time)) for time in times]
        persons = np.array([state.persons for state in states])
        balls = np.array([state.ball for state in states])
        bodies = np.concatenate([persons, np.full((*persons.shape[:2], 1), _MIDDLE_M)], axis=-1)
        return cls(
            times,
            _directions(balls),
            balls[:, :2],
            np.array([state.in_play for state in states]),
            _directions(bodies),
            persons,
            np.arange(persons.shape[1]) != REFEREE,
        )

    def __len__(self) -> int:
        return len(self.times_s)

    def at(self, times_s: Floats) -> Course:
        """The course at other times, none of them outside its own: places in between, the state of the nearest.

        Raises:
            ValueError: if there are none, they don't ascend, or one of them lies outside.
        """
        times = np.asarray(times_s, dtype=np.float64)
        if not len(times) or times[0] < self.times_s[0] or times[-1] > self.times_s[-1]:
            raise ValueError("a course is known only between its first and its last time")
        after = np.clip(np.searchsorted(self.times_s, times), min(1, len(self) - 1), len(self) - 1)
        before = np.maximum(after - 1, 0)
        gap = np.maximum(self.times_s[after] - self.times_s[before], 1e-12)
        share = np.clip((times - self.times_s[before]) / gap, 0.0, 1.0)
        nearest = np.where(share < 0.5, before, after)

        def between(values: Floats) -> Floats:
            part = share.reshape(-1, *[1] * (values.ndim - 1))
            return np.asarray(values[before] + part * (values[after] - values[before]))

        return Course(
            times,
            between(self.ball_deg),
            between(self.ball_m),
            self.in_play[nearest],
            between(self.persons_deg),
            between(self.persons_m),
            self.players,
            None if self.hidden is None else self.hidden[nearest],
        )


class RecordedCourse(NamedTuple):
    """What ``truth.json`` holds: the course, and the rig that filmed it."""

    course: Course
    rig: Rig


def read_course(path: Path) -> RecordedCourse:
    """Reads the truth of a synthetic match, as ``touchline synth`` writes it: one frame a line, read line by line.

    Raises:
        InputError: if the file can't be read, is no such truth, or is not whole; the message says where.
    """
    try:
        with path.open(encoding="utf-8") as file:
            return _read(path, file)
    except OSError as error:
        raise InputError(f"the truth {path} can't be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is no truth of a synthetic match: it is no text") from error


def _read(path: Path, file: TextIO) -> RecordedCourse:
    lines = enumerate(file, 1)
    head, number = _head(path, lines)
    rows: list[tuple[Any, ...]] = []
    players: NDArray[np.bool_] | None = None
    for number, line in lines:
        text = line.strip().rstrip(",")
        if text == "]":
            break
        try:
            frame = json.loads(text)
            rows.append(_row(frame))
            if players is None:
                players = np.array([person["team"] != "referee" for person in frame["persons"]])
        except _UNREADABLE as error:
            raise InputError(f"{path}, line {number}: this is no frame of a truth") from error
    else:
        raise InputError(f"{path} is not whole: it ends in line {number}, before the list of frames does")
    if players is None:
        raise InputError(f"{path} holds no frames")
    try:
        rig = Rig.from_dict(head["rig"])
        columns = [np.array(column) for column in zip(*rows, strict=True)]
        times, ball_deg, ball_m, in_play, persons_deg, persons_m, hidden = columns
        return RecordedCourse(
            Course(times, ball_deg, ball_m, in_play, persons_deg, persons_m, players, hidden), rig
        )
    except _UNREADABLE as error:
        raise InputError(f"{path} is no truth of a synthetic match: {error}") from error


def _head(path: Path, lines: Iterator[tuple[int, str]]) -> tuple[dict[str, Any], int]:
    """What stands before the frames."""
    told = ""
    for number, line in lines:
        if line.strip() == '"frames": [':
            break
        told += line
        if number == 1 and not told.lstrip().startswith("{"):
            raise InputError(f"{path} is no truth of a synthetic match")
    else:
        raise InputError(f"{path} is no truth of a synthetic match: it has no list of frames, one a line")
    try:
        head = json.loads(told.rstrip().rstrip(",") + "}")
        if head["format"] != TRUTH_FORMAT or head["version"] != _VERSION:
            raise InputError(
                f"{path} is {head['format']} {head['version']}; this Touchline reads {TRUTH_FORMAT} {_VERSION}"
            )
    except _UNREADABLE as error:
        raise InputError(f"{path} is no truth of a synthetic match: it has no head") from error
    return head, number


def _row(frame: dict[str, Any]) -> tuple[Any, ...]:
    ball, persons = frame["ball"], frame["persons"]
    return (
        float(frame["time"]),
        (float(ball["yaw_deg"]), float(ball["pitch_deg"])),
        (float(ball["position"][0]), float(ball["position"][1])),
        bool(ball["in_play"]),
        [(float(one["yaw_deg"]), float(one["pitch_deg"])) for one in persons],
        [(float(one["position"][0]), float(one["position"][1])) for one in persons],
        bool(ball["hidden"]),
    )


def _directions(points: Floats) -> Floats:
    return np.degrees(np.stack(rays_to_angles(world_to_rig(points)), axis=-1))
