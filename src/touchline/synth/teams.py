"""Who plays, where everybody wants to be, and how they run."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from touchline.geometry.angles import Floats
from touchline.synth.pitch import GOAL_HALF_WIDTH, HALF_LENGTH, HALF_WIDTH

TEAM_SIZE: Final = 11
PERSONS: Final = 23
HOME_KEEPER: Final = 0
AWAY_KEEPER: Final = 11
REFEREE: Final = 22
KEEPERS: Final = (HOME_KEEPER, AWAY_KEEPER)

TOP_SPEED: Final = 8.8
ACCELERATION: Final = 5.5
KEEPER_ACCELERATION: Final = 9.0

# 4-4-2 for a team that attacks towards +x, as fractions of the half pitch; the keeper first.
_FORMATION: Final = np.array(
    [
        (-0.93, 0.0),
        (-0.60, -0.80),
        (-0.70, -0.22),
        (-0.70, 0.22),
        (-0.60, 0.80),
        (-0.14, -0.90),
        (-0.28, -0.22),
        (-0.22, 0.24),
        (-0.14, 0.90),
        (0.20, -0.22),
        (0.16, 0.26),
    ]
)


def team_of(person: int) -> int:
    """0 for home, which attacks towards +x, 1 for away, 2 for the referee."""
    return person // TEAM_SIZE


def attack_of(team: int) -> float:
    """+1 or -1: the x direction in which the team attacks."""
    return 1.0 if team == 0 else -1.0


def members(team: int) -> range:
    """The persons of a team, the keeper first."""
    return range(team * TEAM_SIZE, (team + 1) * TEAM_SIZE)


def kick_off_places(team: int) -> Floats:
    """Where a team stands at its kick-off or the other's, in its own half, shape (11, 2)."""
    places = _FORMATION * (HALF_LENGTH * 0.9, HALF_WIDTH * 0.9)
    places[:, 0] = np.minimum(places[:, 0] * 0.92 - 3.0, -1.5)
    places[0] = (-HALF_LENGTH + 4, 0)
    # Nobody but the taker stands in the circle.
    near = np.hypot(places[:, 0], places[:, 1]) < 10.5
    places[near] *= 10.5 / np.hypot(places[near, 0], places[near, 1])[:, None]
    return places * attack_of(team)


def formation_places(team: int, ball: Floats, attacking: bool, sway: Floats) -> Floats:
    """Where a team wants to be for a ball at that place (x, y), shape (11, 2).

    Args:
        sway: shape (11, 2), metres: everybody's own idea of the place, which changes slowly.
    """
    attack = attack_of(team)
    x, y = ball[0] * attack, ball[1] * attack
    places = _FORMATION * (HALF_LENGTH * 0.72, HALF_WIDTH * 0.88)
    push = 9.0 if attacking else -2.0
    places[:, 0] += 0.55 * x + push
    # The ball draws a team together at its side of the pitch, defenders more than attackers.
    places[:, 1] += (0.28 if attacking else 0.4) * (y - 0.25 * places[:, 1])
    places += sway
    places[:, 0] = np.clip(places[:, 0], -HALF_LENGTH + 8, HALF_LENGTH - 5)
    places[:, 1] = np.clip(places[:, 1], -HALF_WIDTH + 2, HALF_WIDTH - 2)
    places[0] = _keeper_place(x, y)
    return places * attack


def _keeper_place(x: float, y: float) -> tuple[float, float]:
    """On the line from the goal to the ball, further out the further the ball is."""
    gap_x, gap_y = x + HALF_LENGTH, y
    far = math.hypot(gap_x, gap_y)
    out = min(9.0, 1.2 + 0.09 * far)
    side = out * gap_y / max(far, 1.0)
    return -HALF_LENGTH + max(0.8, out * gap_x / max(far, 1.0)), float(
        np.clip(side, -GOAL_HALF_WIDTH + 0.4, GOAL_HALF_WIDTH - 0.4)
    )


def referee_place(ball: Floats) -> Floats:
    """Some ten metres from the ball, towards the middle, out of the way."""
    away = np.array([-0.4 * ball[0], -ball[1]]) + np.array([6.0, 4.0])
    away /= max(1.0, float(np.hypot(*away)))
    return np.asarray(np.clip(ball + 11.0 * away, (-44.0, -28.0), (44.0, 28.0)))


class Runners:
    """Everybody's position and velocity, and the laws of running: limits to speed and to acceleration.

    Attributes:
        position, velocity: shape (23, 2), metres and m/s.
        heading: where each one faces, radians from +x towards +y.
        stride: phase of the legs in radians.
    """

    def __init__(self, rng: np.random.Generator) -> None:
        self.position = np.concatenate([kick_off_places(0), kick_off_places(1), [[-6.0, -9.5]]])
        self.velocity = np.zeros((PERSONS, 2))
        self.heading = np.where(np.arange(PERSONS) < TEAM_SIZE, 0.0, math.pi)
        self.stride = rng.uniform(0, 2 * math.pi, PERSONS)
        self.fastest = rng.uniform(7.2, TOP_SPEED - 0.2, PERSONS)
        self._push = np.full(PERSONS, ACCELERATION)
        self._push[list(KEEPERS)] = KEEPER_ACCELERATION

    def run(self, places: Floats, paces: Floats, gaze: Floats, dt: float) -> None:
        """Runs for ``dt`` seconds towards ``places`` (23, 2), no faster than ``paces`` (23,), m/s.

        Those who stand turn to face ``gaze`` (2,).
        """
        way = places - self.position
        far = np.hypot(way[:, 0], way[:, 1])
        # Braking in time: v = sqrt(2 a s), with less than full effort.
        speed = np.minimum(np.minimum(paces, self.fastest), np.sqrt(2 * 0.5 * self._push * far))
        speed = np.where(far < 0.12, 0.0, speed)
        wanted = way / np.maximum(far, 1e-6)[:, None] * speed[:, None]
        change = wanted - self.velocity
        size = np.hypot(change[:, 0], change[:, 1])
        change *= np.minimum(1.0, self._push * dt / np.maximum(size, 1e-9))[:, None]
        # Constant acceleration over the step, so that in-between times can be interpolated exactly.
        self.position = self.position + (self.velocity + 0.5 * change) * dt
        self.velocity = self.velocity + change
        self._turn(gaze, dt)

    def _turn(self, gaze: Floats, dt: float) -> None:
        speed = np.hypot(self.velocity[:, 0], self.velocity[:, 1])
        look = gaze - self.position
        moving = speed > 1.0
        to_x = np.where(moving, self.velocity[:, 0], look[:, 0])
        to_y = np.where(moving, self.velocity[:, 1], look[:, 1])
        turn = np.arctan2(to_y, to_x) - self.heading
        turn = (turn + math.pi) % (2 * math.pi) - math.pi
        self.heading = self.heading + np.clip(turn, -7.0 * dt, 7.0 * dt)
        # A step is longer the faster one runs.
        self.stride = self.stride + dt * 2 * math.pi * speed / (1.3 + 0.22 * speed)


def openness(candidates: NDArray[np.int64], position: Floats, opponents: range) -> Floats:
    """Distance from each candidate to the nearest opponent, metres."""
    gap = position[candidates][:, None] - position[list(opponents)][None]
    return np.asarray(np.hypot(gap[..., 0], gap[..., 1]).min(axis=1))
