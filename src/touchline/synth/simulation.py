"""The match as it runs: who has the ball, what happens to it, and how play starts again when it is out.

One tick is 40 ms: people decide and run once in it, the ball moves in steps of 10 ms. Nothing here knows of
pictures or frame rates; the same seed gives the same match.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from touchline.geometry.angles import Floats
from touchline.synth import decisions, steering
from touchline.synth.ball import Ball
from touchline.synth.pitch import BALL_RADIUS, HALF_LENGTH, HALF_WIDTH
from touchline.synth.teams import (
    KEEPERS,
    PERSONS,
    REFEREE,
    TEAM_SIZE,
    Runners,
    attack_of,
    members,
    team_of,
)

TICK: Final = 0.04
SUBSTEPS: Final = 4
CARRY_SPEED: Final = 9.0  # m/s: how fast hands move a ball
REACH: Final = 0.8
KEEPER_REACH: Final = 1.25

Kind = Literal["kick-off", "throw-in", "corner", "goal-kick"]
Stage = Literal["fetch", "carry", "ready"]


@dataclass
class Restart:
    """How play starts again: what, where, by whom, and how far it has come."""

    kind: Kind
    team: int
    place: tuple[float, float]
    taker: int
    stage: Stage
    until: float  # the stage does nothing before this time


class Simulation:
    """The state of the match and the rules that move it on. Copy it with ``copy.deepcopy`` to come back to it.

    Attributes:
        time: seconds since the start.
        restart: what stops the play; None while the ball is in play.
        holder: who has the ball in the hands or under the foot, -1 for nobody.
        owner: who played the ball last.
        score: goals of home and away.
        ball_path: shape (SUBSTEPS, 6): position and velocity of the ball in the steps of the last tick.
    """

    def __init__(self, seed: int) -> None:
        self._rng = np.random.default_rng([seed, 1])
        self.time = 0.0
        self.ball = Ball()
        self.runners = Runners(self._rng)
        self.holder = -1
        self.owner = 9
        self.score = [0, 0]
        self.restart: Restart | None = Restart("kick-off", 0, (0.0, 0.0), 9, "ready", 0.8)
        self.runners.position[9] = (-0.5, 0.2)
        self.runners.position[10] = (-4.0, 6.0)
        self.ball_path = np.tile(self._ball_row(), (SUBSTEPS, 1))
        self._barred = np.zeros(PERSONS)  # until when each one can't touch the ball
        self._decide = 0.0  # when the owner parts with it
        self._entering = (
            -1.0
        )  # a ball thrown in starts over the line: until when that is no reason to whistle
        self._sway = self._rng.normal(0, 1.5, (PERSONS, 2))

    def tick(self) -> None:
        """Lets 40 ms pass."""
        self.time += TICK
        if self.restart is None:
            self._play()
        else:
            self._prepare(self.restart)
        self._steer()
        for k in range(SUBSTEPS):
            self._move_ball(TICK / SUBSTEPS)
            self.ball_path[k] = self._ball_row()
            if self.restart is None:
                self._referee()

    # The ball in play

    def _play(self) -> None:
        if self.holder >= 0:
            if self.time >= self._decide:
                self._kick(
                    self.holder, decisions.passing(self.holder, self.ball, self.runners, self._rng, 55.0)
                )
            return
        person = self._touching()
        if person < 0:
            return
        if person != self.owner:
            self._win(person)
        elif self.time >= self._decide and self.ball.z < 1.0:
            self._kick(person, decisions.play_on(person, self.ball, self.runners, self._rng))
        elif self.ball.speed < float(np.hypot(*self.runners.velocity[person])) + 1.0:
            self.ball.kick(*decisions.dribble(person, self.ball, self.runners))
            self._barred[person] = self.time + 0.3

    def _touching(self) -> int:
        """The player who gets to the ball in this tick, -1 if nobody does."""
        gap = self.runners.position[:REFEREE, None] - self.ball_path[None, :, :2]
        near = np.hypot(gap[..., 0], gap[..., 1]).min(axis=1)
        reach = np.full(REFEREE, REACH if self.ball.z < 2.1 else 0.0)
        reach[list(KEEPERS)] = KEEPER_REACH if self.ball.z < 2.6 else 0.0
        near = np.where((near < reach) & (self._barred[:REFEREE] <= self.time), near, np.inf)
        person = int(np.argmin(near))
        return person if np.isfinite(near[person]) else -1

    def _win(self, person: int) -> None:
        """A player gets a ball that was somebody else's, or tries to."""
        rng = self._rng
        before, team = self.owner, team_of(person)
        contested = team_of(before) != team and self._near(before) < 1.6 and self.ball.speed < 9.0
        if contested and person not in KEEPERS and rng.random() < 0.6:
            self._barred[person] = self.time + 0.9
            return
        self.owner = person
        self._decide = self.time + (0.12 if rng.random() < 0.25 else rng.uniform(0.5, 2.6))
        if person in KEEPERS:
            self._save(person)
        elif contested and rng.random() < 0.6:
            # Poked away, more often than not towards the nearer touchline: anybody's ball.
            out = math.copysign(rng.uniform(0, 14), self.ball.y)
            self.ball.kick(rng.normal(0, 5), out, rng.uniform(0, 3))
        elif self.ball.z > 1.3:
            self._kick(person, self._header(person))
        else:
            pace = self.runners.velocity[person]
            kept = 0.12 if rng.random() < 0.85 else 0.6  # now and then it runs off the foot
            self.ball.kick(
                kept * self.ball.vx + 1.05 * float(pace[0]), kept * self.ball.vy + 1.05 * float(pace[1])
            )
            self._barred[person] = self.time + 0.2

    def _save(self, keeper: int) -> None:
        """Hard shots are parried, everything else is caught."""
        ball, rng = self.ball, self._rng
        if ball.speed > 15 and rng.random() < 0.45:
            side = math.copysign(rng.uniform(3, 8), ball.y - self.runners.position[keeper, 1])
            ball.kick(-0.15 * ball.vx * rng.choice([-1.0, 1.0]), side, rng.uniform(0, 4))
            self._barred[keeper] = self.time + 0.8
            return
        self.holder = keeper
        self._decide = self.time + rng.uniform(1.5, 3.0)

    def _header(self, person: int) -> tuple[float, float, float]:
        attack, rng = attack_of(team_of(person)), self._rng
        to_goal = math.hypot(attack * HALF_LENGTH - self.ball.x, self.ball.y)
        if to_goal < 14:
            vx, vy, vz = decisions.shot(attack, self.ball, rng)
            return 0.6 * vx, 0.6 * vy, 0.6 * vz - 0.5
        return attack * rng.uniform(4, 10), rng.normal(0, 5), rng.uniform(0, 3)

    def _kick(self, person: int, velocity: tuple[float, float, float]) -> None:
        self.holder = -1
        self.owner = person
        self.ball.kick(*velocity)
        self._barred[person] = self.time + 0.7
        self._decide = math.inf

    def _near(self, person: int) -> float:
        """Distance of a person to the ball on the ground, metres."""
        x, y = self.runners.position[person]
        return math.hypot(x - self.ball.x, y - self.ball.y)

    # The ball out of play

    def _referee(self) -> None:
        """Whistles if the whole ball is over a line."""
        ball = self.ball
        last = team_of(self.owner)
        if abs(ball.x) > HALF_LENGTH + BALL_RADIUS:
            side = math.copysign(1.0, ball.x)
            defending = 0 if side < 0 else 1
            if ball.in_goal():
                self.score[1 - defending] += 1
                self._call("kick-off", defending, (0.0, 0.0))
            elif last == defending:
                corner = (side * (HALF_LENGTH - 0.3), math.copysign(HALF_WIDTH - 0.3, ball.y))
                self._call("corner", 1 - defending, corner)
            else:
                self._call("goal-kick", defending, (side * (HALF_LENGTH - 5.3), math.copysign(5.0, ball.y)))
        elif abs(ball.y) > HALF_WIDTH + BALL_RADIUS and self.time > self._entering:
            place = (ball.x, math.copysign(HALF_WIDTH + 0.35, ball.y))
            self._call("throw-in", 1 - last, place)

    def _call(self, kind: Kind, team: int, place: tuple[float, float]) -> None:
        self.holder = -1
        taker = team * TEAM_SIZE
        if kind != "goal-kick":
            field = list(members(team))[1:]
            taker = min(field, key=self._near)
        self.restart = Restart(kind, team, place, taker, "fetch", self.time + 0.7)

    def _prepare(self, restart: Restart) -> None:
        """Fetch the ball, carry it to its place, put it down, wait a moment, play."""
        taker = self.runners.position[restart.taker]
        if self.time < restart.until:
            return
        if restart.stage == "fetch":
            if self._near(restart.taker) < 0.9 and self.ball.z < 1.3:
                self.holder, restart.stage = restart.taker, "carry"
        elif restart.stage == "carry":
            if math.hypot(taker[0] - restart.place[0], taker[1] - restart.place[1]) < 0.3:
                restart.stage = "ready"
                restart.until = self.time + self._rng.uniform(1.0, 2.0)
        elif restart.kind != "kick-off" or self._sides_ready(restart):
            self._take(restart)

    def _sides_ready(self, restart: Restart) -> bool:
        """Everybody but the taker is in the own half, or has had half a minute to get there."""
        x = self.runners.position[:REFEREE, 0] * np.where(np.arange(REFEREE) < TEAM_SIZE, 1.0, -1.0)
        x[restart.taker] = -1.0
        return bool((x < 0.5).all()) or self.time > restart.until + 30.0

    def _take(self, restart: Restart) -> None:
        taker, ball, rng = restart.taker, self.ball, self._rng
        attack = attack_of(restart.team)
        if restart.kind == "throw-in":
            self._entering = self.time + 0.5
            kick = decisions.throw_in(taker, ball, self.runners, rng)
        elif restart.kind == "corner":
            kick = decisions.corner_kick(attack, ball, rng)
        elif restart.kind == "goal-kick" and rng.random() < 0.7:
            kick = decisions.clearance(attack, ball, rng)
        else:
            kick = decisions.passing(taker, ball, self.runners, rng)
        self.restart = None
        self._kick(taker, kick)
        self._barred[taker] = self.time + 1.2

    # Movement

    def _move_ball(self, dt: float) -> None:
        if self.holder < 0:
            self.ball.step(dt)
            return
        hand = self._hand(self.holder)
        here = np.array([self.ball.x, self.ball.y, self.ball.z])
        way = hand - here
        far = float(np.linalg.norm(way))
        speed = CARRY_SPEED + float(np.hypot(*self.runners.velocity[self.holder]))
        moved = way * min(1.0, speed * dt / max(far, 1e-9))
        self.ball.x, self.ball.y, self.ball.z = (float(c) for c in here + moved)
        self.ball.vx, self.ball.vy, self.ball.vz = (float(c) for c in moved / dt)

    def _hand(self, person: int) -> Floats:
        """Where a person holds the ball: before the chest, over the head for a throw, on the grass for a kick."""
        x, y = self.runners.position[person]
        ready = self.restart is not None and self.restart.stage == "ready"
        throwing = self.restart is not None and self.restart.kind == "throw-in"
        if ready and not throwing and self.restart is not None:
            return np.array([*self.restart.place, BALL_RADIUS])
        angle = self.runners.heading[person]
        reach = 0.15 if ready else 0.35
        return np.array([x + reach * math.cos(angle), y + reach * math.sin(angle), 2.1 if ready else 1.05])

    def _ball_row(self) -> tuple[float, ...]:
        b = self.ball
        return b.x, b.y, b.z, b.vx, b.vy, b.vz

    def _steer(self) -> None:
        """Tells everybody where to run, and lets them run for a tick."""
        spot = np.array([self.ball.x, self.ball.y])
        self._sway += TICK * (-0.12 * self._sway + 1.1 * self._rng.normal(0, 1, (PERSONS, 2)))
        restart = self.restart
        orders = steering.shape(spot, self._attackers(), self._sway, self.runners)
        if restart is not None:
            place = (self.ball.x, self.ball.y) if restart.stage == "fetch" else restart.place
            orders.send(restart.taker, place, 6.5 if self.time >= restart.until else 2.0)
        elif self.holder < 0:
            keeps = self._decide < math.inf
            steering.chase(orders, self.ball, self.runners, self.owner if keeps else -1)
        self.runners.run(orders.places, orders.paces, spot, TICK)

    def _attackers(self) -> int:
        """The team that has the ball or is about to; -1 before a kick-off."""
        if self.restart is None:
            return team_of(self.owner)
        return -1 if self.restart.kind == "kick-off" else self.restart.team
