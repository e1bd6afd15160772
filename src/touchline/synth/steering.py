"""Where everybody is told to run: the shape of the teams, those who go for the ball, keepers before a shot."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from touchline.geometry.angles import Floats
from touchline.synth.ball import Ball
from touchline.synth.pitch import HALF_LENGTH
from touchline.synth.teams import (
    KEEPERS,
    PERSONS,
    REFEREE,
    TEAM_SIZE,
    Runners,
    attack_of,
    formation_places,
    kick_off_places,
    members,
    referee_place,
    team_of,
)

FORESIGHT: Final = 25
FORESIGHT_STEP: Final = 0.1
CHASE_PACE: Final = 8.5
DIVE_PACE: Final = 7.0


@dataclass
class Orders:
    """Where each person is to run, shape (23, 2), and how fast at most, shape (23,); metres and m/s."""

    places: Floats
    paces: Floats

    def send(self, person: int, place: tuple[float, float], pace: float) -> None:
        """Gives one person an order of his own."""
        self.places[person] = place
        self.paces[person] = pace


def shape(spot: Floats, attackers: int, sway: Floats, runners: Runners) -> Orders:
    """Everybody keeps the formation.

    Args:
        spot: the ball's place on the ground, (2,).
        attackers: the team that has the ball; -1 before a kick-off.
        sway: what :func:`formation_places` takes, for all persons, shape (23, 2).
    """
    places = np.empty((PERSONS, 2))
    for team in (0, 1):
        rows = slice(team * TEAM_SIZE, (team + 1) * TEAM_SIZE)
        if attackers < 0:
            places[rows] = kick_off_places(team)
        else:
            places[rows] = formation_places(team, spot, attackers == team, sway[rows])
    places[REFEREE] = referee_place(spot)
    far = np.hypot(*(places - runners.position).T)
    return Orders(places, np.clip(1.0 + 0.5 * far, 0.0, 6.8))


def chase(orders: Orders, ball: Ball, runners: Runners, keeping: int) -> None:
    """One of each team goes for a free ball, to where he can have it first; keepers stay for shots.

    Args:
        keeping: who dribbles with the ball, -1 for nobody: he goes for it even if a team-mate is nearer.
    """
    path = ball.foresee(FORESIGHT, FORESIGHT_STEP)
    times = FORESIGHT_STEP * np.arange(1, FORESIGHT + 1)
    for team in (0, 1):
        able = [m for m in members(team) if m not in KEEPERS or _keeper_may(team, ball)]
        gap = runners.position[able][:, None] - path[None, :, :2]
        late = np.hypot(gap[..., 0], gap[..., 1]) / 6.6 + 0.1 - times
        late = np.where(path[:, 2] < 1.6, late, np.maximum(late, 2.0))
        first = np.where((late <= 0).any(axis=1), np.argmax(late <= 0, axis=1), FORESIGHT - 1)
        cost = times[first] + np.maximum(0.0, late[np.arange(len(able)), first])
        best = int(np.argmin(cost))
        if keeping >= 0 and team == team_of(keeping) and keeping in able:
            best = able.index(keeping)
        meeting = path[first[best]]
        orders.send(able[best], (float(meeting[0]), float(meeting[1])), CHASE_PACE)
        _guard(orders, team, path)


def _keeper_may(team: int, ball: Ball) -> bool:
    """A keeper leaves the goal for a ball that is deep in the own penalty area and not fast."""
    ahead = -attack_of(team) * ball.x
    return ahead > HALF_LENGTH - 12 and abs(ball.y) < 14 and ball.speed < 10


def _guard(orders: Orders, team: int, path: Floats) -> None:
    """Sends the keeper to where a shot will cross the line."""
    side = -attack_of(team)
    deep = side * path[:15, 0] > HALF_LENGTH - 1.0
    if deep.any():
        cross = path[int(np.argmax(deep))]
        if abs(cross[1]) < 5.0:
            orders.send(team * TEAM_SIZE, (side * (HALF_LENGTH - 0.7), float(cross[1])), DIVE_PACE)
