"""What is true of a frame: where everything is, in the world and in each camera's picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from touchline.geometry import rays_to_angles
from touchline.geometry.angles import Floats
from touchline.synth.figures import Figures
from touchline.synth.pitch import world_to_rig
from touchline.synth.play import PERSONS, REFEREE, PlayState
from touchline.synth.scene import Observer


@dataclass(frozen=True)
class Box:
    """Edges in a camera's picture, in pixel coordinates; parts of it may lie outside the picture."""

    left: float
    top: float
    right: float
    bottom: float


@dataclass(frozen=True)
class BallTruth:
    """The ball.

    Attributes:
        position, velocity: x, y, z in the world, metres and m/s.
        yaw_deg, pitch_deg: its direction from the mast in the rig's frame.
        in_play: False from the whistle to the restart.
        boxes: its outline for each camera; None where it is outside the picture.
        hidden: True if somebody stands before its middle.
    """

    position: tuple[float, float, float]
    velocity: tuple[float, float, float]
    yaw_deg: float
    pitch_deg: float
    in_play: bool
    boxes: tuple[Box | None, ...]
    hidden: bool


@dataclass(frozen=True)
class PersonTruth:
    """A player or the referee.

    Attributes:
        team: ``home``, ``away`` or ``referee``.
        number: 1 to 11, 1 is the keeper; 0 for the referee.
        position, velocity: x, y on the ground, metres and m/s.
        yaw_deg, pitch_deg: direction of the body's middle.
        boxes: what the body covers, for each camera; None if outside the picture.
    """

    team: str
    number: int
    position: tuple[float, float]
    velocity: tuple[float, float]
    yaw_deg: float
    pitch_deg: float
    boxes: tuple[Box | None, ...]

    @property
    def keeper(self) -> bool:
        return self.number == 1


@dataclass(frozen=True)
class FrameTruth:
    """A frame: its number, its time in seconds, the state of the match, and what is to be seen.

    ``phase`` is ``play`` or the restart that is being prepared; ``owner`` is the index in ``persons`` of who
    played the ball last.
    """

    index: int
    time: float
    phase: str
    score: tuple[int, int]
    owner: int
    ball: BallTruth
    persons: tuple[PersonTruth, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON; lengths and angles to a millimetre or so, pixels to a tenth."""
        rounded: dict[str, Any] = _round(asdict(self))
        return rounded


def observe(index: int, state: PlayState, figures: Figures, cameras: Sequence[Observer]) -> FrameTruth:
    """The truth about a frame in which the match is in ``state`` and drawn as ``figures``."""
    place = np.argsort(figures.order)
    outlines = figures.outlines[place]
    boxes = [_boxes(camera, outlines) for camera in cameras]
    middles = np.concatenate([np.c_[state.persons, np.full(PERSONS, 0.95)], state.ball[None]])
    yaw, pitch = (np.degrees(a) for a in rays_to_angles(world_to_rig(middles)))
    ball = BallTruth(
        _three(state.ball),
        _three(state.ball_velocity),
        float(yaw[PERSONS]),
        float(pitch[PERSONS]),
        state.in_play,
        tuple(camera[PERSONS] for camera in boxes),
        _hidden(figures, world_to_rig(state.ball)),
    )
    persons = tuple(
        PersonTruth(
            ("home", "away", "referee")[person // 11],
            0 if person == REFEREE else person % 11 + 1,
            _two(state.persons[person]),
            _two(state.velocity[person]),
            float(yaw[person]),
            float(pitch[person]),
            tuple(camera[person] for camera in boxes),
        )
        for person in range(PERSONS)
    )
    return FrameTruth(index, state.time, state.phase, state.score, state.owner, ball, persons)


def _boxes(camera: Observer, outlines: Floats) -> list[Box | None]:
    """Boxes of all outlines; None for those that do not touch the picture."""
    edges = camera.boxes(outlines)
    seen = (edges[:, 2] >= 0) & (edges[:, 3] >= 0)
    seen &= (edges[:, 0] <= camera.width - 1) & (edges[:, 1] <= camera.height - 1)
    return [Box(*(float(e) for e in row)) if ok else None for row, ok in zip(edges, seen, strict=True)]


def _hidden(figures: Figures, ball: Floats) -> bool:
    """True if a limb of somebody nearer lies over the ball's middle."""
    rank = int(np.flatnonzero(figures.order == PERSONS)[0])
    ray = np.array([ball[0], ball[2], -ball[1]])
    for n in range(rank + 1, len(figures.order)):
        u, v, scale = (figures.frames[n] @ ray).tolist()
        point = np.array([u, v]) / scale
        start, end, radius = figures.limbs[n, :, 0:2], figures.limbs[n, :, 2:4], figures.limbs[n, :, 4]
        way = end - start
        along = np.clip(((point - start) * way).sum(1) / np.maximum((way**2).sum(1), 1e-12), 0, 1)
        gap = point - start - along[:, None] * way
        if (np.hypot(gap[:, 0], gap[:, 1]) < radius).any():
            return True
    return False


def _two(values: Floats) -> tuple[float, float]:
    return float(values[0]), float(values[1])


def _three(values: Floats) -> tuple[float, float, float]:
    return float(values[0]), float(values[1]), float(values[2])


def _round(value: Any, key: str = "") -> Any:
    if isinstance(value, dict):
        return {k: _round(v, k) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_round(v, key) for v in value]
    if isinstance(value, float):
        return round(value, 1 if key in ("left", "top", "right", "bottom") else 4)
    return value
