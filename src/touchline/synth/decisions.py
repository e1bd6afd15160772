"""What a player does with the ball: shoot, pass along the ground, pass high, clear it, or throw it in.

Every function returns the velocity, (x, y, z) in m/s, that the ball leaves with.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from touchline.geometry.angles import Floats
from touchline.synth.ball import GRAVITY, Ball, loft_speed, roll_speed
from touchline.synth.pitch import GOAL_HALF_WIDTH, HALF_LENGTH, HALF_WIDTH
from touchline.synth.teams import KEEPERS, Runners, attack_of, members, openness, team_of

Kick = tuple[float, float, float]
SHOT_RANGE: Final = 28.0


def play_on(person: int, ball: Ball, runners: Runners, rng: np.random.Generator) -> Kick:
    """The kick of a player who has made up his mind to part with the ball."""
    team = team_of(person)
    attack = attack_of(team)
    to_goal = math.hypot(attack * HALF_LENGTH - ball.x, ball.y)
    ahead = attack * HALF_LENGTH - ball.x
    if to_goal < SHOT_RANGE and abs(ahead) > 0.55 * abs(ball.y) and rng.random() < 1.4 - to_goal / 28.0:
        return shot(attack, ball, rng)
    pressed = openness(np.array([person]), runners.position, members(1 - team))[0] < 2.0
    own_half = attack * ball.x < 0
    if pressed and own_half and rng.random() < 0.5:
        return clearance(attack, ball, rng)
    return passing(person, ball, runners, rng)


def shot(attack: float, ball: Ball, rng: np.random.Generator) -> Kick:
    """At the goal, with an aim that worsens with the distance: some miss it, some go over."""
    far = math.hypot(attack * HALF_LENGTH - ball.x, ball.y)
    aim_y = rng.choice([-1.0, 1.0]) * (GOAL_HALF_WIDTH - 0.9) + rng.normal(0, 0.09 * far)
    aim_z = abs(rng.normal(0.7, 0.07 * far))
    speed = rng.uniform(20.0, 28.0)
    way_x, way_y = attack * (HALF_LENGTH + 0.5) - ball.x, aim_y - ball.y
    flight = math.hypot(way_x, way_y) / (0.93 * speed)
    return way_x / flight, way_y / flight, (aim_z - ball.z) / flight + 0.5 * GRAVITY * flight


def clearance(attack: float, ball: Ball, rng: np.random.Generator) -> Kick:
    """High, far and anywhere but here."""
    return lofted(ball, attack * rng.uniform(28, 48), rng.normal(0.3 * ball.y, 22), rng.uniform(0.5, 0.8))


def lofted(ball: Ball, over_x: float, over_y: float, elevation: float) -> Kick:
    """A high ball that comes down (over_x, over_y) metres from here."""
    far = max(3.0, math.hypot(over_x, over_y))
    speed = loft_speed(far, elevation)
    level = speed * math.cos(elevation) / far
    return over_x * level, over_y * level, speed * math.sin(elevation)


def passing(person: int, ball: Ball, runners: Runners, rng: np.random.Generator, reach: float = 42.0) -> Kick:
    """To the team-mate who is best placed: open, ahead, neither too near nor too far, with a free way there."""
    team = team_of(person)
    mates = np.array([m for m in members(team) if m != person and m not in KEEPERS])
    here = np.array([ball.x, ball.y])
    way = runners.position[mates] - here
    far = np.hypot(way[:, 0], way[:, 1])
    free = np.minimum(openness(mates, runners.position, members(1 - team)), 9.0)
    lane = _lane(here, runners.position[mates], runners.position[list(members(1 - team))])
    worth = (
        0.28 * attack_of(team) * way[:, 0]
        + 0.9 * free
        - 0.2 * np.abs(far - 16.0)
        - np.where(lane < 1.6, 4.0, 0.0)
        + 0.16 * np.abs(runners.position[mates, 1])
        - np.where((far < 5.0) | (far > reach), 30.0, 0.0)
        + rng.normal(0, 2.5, len(mates))
    )
    best = int(np.argmax(worth))
    high = far[best] > 27.0 or (lane[best] < 1.6 and far[best] > 14.0)
    return _pass_to(int(mates[best]), ball, runners, bool(high), rng)


def _pass_to(mate: int, ball: Ball, runners: Runners, high: bool, rng: np.random.Generator) -> Kick:
    """A pass into a team-mate's run."""
    goal_x, goal_y = runners.position[mate]
    travel = math.hypot(goal_x - ball.x, goal_y - ball.y) / (14.0 if high else 11.0)
    goal = runners.position[mate] + runners.velocity[mate] * min(2.0, travel)
    goal = np.clip(goal, (-HALF_LENGTH + 1, -HALF_WIDTH + 0.6), (HALF_LENGTH - 1, HALF_WIDTH - 0.6))
    over = goal - (ball.x, ball.y)
    far = max(2.0, float(np.hypot(*over)))
    over = over + rng.normal(0, 0.12 * far, 2)
    if high:
        return lofted(ball, float(over[0]), float(over[1]), rng.uniform(0.45, 0.75))
    speed = roll_speed(far, rng.uniform(3.5, 9.0))
    return float(over[0]) / far * speed, float(over[1]) / far * speed, 0.0


def _lane(start: Floats, ends: Floats, others: Floats) -> Floats:
    """How near the nearest of ``others`` is to each way from ``start`` to ``ends``; metres."""
    way = ends - start
    along = np.einsum("mc,oc->mo", way, others - start) / np.maximum((way**2).sum(axis=1), 1e-6)[:, None]
    nearest = start + np.clip(along, 0.0, 1.0)[..., None] * way[:, None]
    gap = others[None] - nearest
    return np.asarray(np.hypot(gap[..., 0], gap[..., 1]).min(axis=1))


def throw_in(person: int, ball: Ball, runners: Runners, rng: np.random.Generator) -> Kick:
    """By hand, over the head, to somebody near."""
    vx, vy, _ = passing(person, ball, runners, rng, reach=20.0)
    level = max(1e-6, math.hypot(vx, vy))
    speed = rng.uniform(8.0, 12.0)
    return vx / level * speed, vy / level * speed, rng.uniform(1.5, 4.0)


def corner_kick(attack: float, ball: Ball, rng: np.random.Generator) -> Kick:
    """High before the goal."""
    target_x, target_y = attack * (HALF_LENGTH - rng.uniform(5, 11)), rng.normal(0, 4)
    return lofted(ball, target_x - ball.x, target_y - ball.y, rng.uniform(0.4, 0.65))


def dribble(person: int, ball: Ball, runners: Runners) -> Kick:
    """A touch that takes the ball on: towards the goal, off the touchlines, past the nearest opponent."""
    team = team_of(person)
    attack = attack_of(team)
    here = runners.position[person]
    want = np.array([attack * (HALF_LENGTH - 6.0), 0.8 * here[1]]) - here
    want = want / max(1.0, float(np.hypot(*want)))
    gap = here - runners.position[list(members(1 - team))]
    near = np.maximum(np.hypot(gap[:, 0], gap[:, 1]), 0.5)
    push = (gap / near[:, None] * np.clip(1.4 - near / 5.0, 0.0, 1.2)[:, None]).sum(axis=0)
    edge = np.array([0.0, -math.copysign(max(0.0, abs(float(here[1])) - 31.0) / 3.0, float(here[1]))])
    way = want + 0.9 * push + edge
    way = way / max(1e-6, float(np.hypot(*way)))
    pace = min(7.0, float(np.hypot(*runners.velocity[person])) + 2.4)
    return float(way[0]) * pace, float(way[1]) * pace, 0.0
