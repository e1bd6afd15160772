"""The match at any time: simulated as far as it is asked for, kept in pieces, found again by simulating anew."""

from __future__ import annotations

import copy
import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from touchline.geometry.angles import Floats
from touchline.synth.simulation import SUBSTEPS, TICK, Simulation
from touchline.synth.teams import AWAY_KEEPER, HOME_KEEPER, PERSONS, REFEREE

__all__ = ["AWAY_KEEPER", "HOME_KEEPER", "PERSONS", "REFEREE", "Play", "PlayState"]

CHUNK_TICKS: Final = 250  # ten seconds
_KEPT_CHUNKS: Final = 12


@dataclass(frozen=True)
class PlayState:
    """Everything that moves, at one time. World frame, metres, m/s, radians.

    Attributes:
        time: seconds since the start.
        persons: x, y on the ground, shape (23, 2): eleven of home, keeper first, eleven of away, the referee.
        velocity: shape (23, 2).
        heading: where each one faces, from +x towards +y, shape (23,).
        stride: phase of the legs, shape (23,).
        arms_up: who holds the ball over the head, shape (23,).
        ball: its centre: x, y, z, shape (3,).
        ball_velocity: shape (3,).
        in_play: False from the whistle to the restart.
        phase: ``play``, ``kick-off``, ``throw-in``, ``corner`` or ``goal-kick``.
        owner: who played the ball last.
        holder: who holds it, -1 for nobody.
        score: goals of home and away.
    """

    time: float
    persons: Floats
    velocity: Floats
    heading: Floats
    stride: Floats
    arms_up: NDArray[np.bool_]
    ball: Floats
    ball_velocity: Floats
    in_play: bool
    phase: str
    owner: int
    holder: int
    score: tuple[int, int]

    @property
    def speed(self) -> Floats:
        """How fast each one runs, shape (23,)."""
        return np.asarray(np.hypot(self.velocity[:, 0], self.velocity[:, 1]))


class _Chunk:
    """Ten seconds of match: the state at each tick and the ball's path between them."""

    def __init__(self, simulation: Simulation) -> None:
        ticks = CHUNK_TICKS + 1
        self.position = np.empty((ticks, PERSONS, 2))
        self.velocity = np.empty((ticks, PERSONS, 2))
        self.heading = np.empty((ticks, PERSONS))
        self.stride = np.empty((ticks, PERSONS))
        self.ball = np.empty((CHUNK_TICKS * SUBSTEPS + 1, 6))
        self.facts: list[tuple[str, int, int, bool, tuple[int, int]]] = []
        self._note(0, simulation)
        self.ball[0] = simulation.ball_path[-1]
        for tick in range(1, ticks):
            simulation.tick()
            self._note(tick, simulation)
            self.ball[(tick - 1) * SUBSTEPS + 1 : tick * SUBSTEPS + 1] = simulation.ball_path

    def _note(self, tick: int, simulation: Simulation) -> None:
        runners, restart = simulation.runners, simulation.restart
        self.position[tick], self.velocity[tick] = runners.position, runners.velocity
        self.heading[tick], self.stride[tick] = runners.heading, runners.stride
        throwing = restart is not None and restart.kind == "throw-in" and restart.stage == "ready"
        phase = restart.kind if restart else "play"
        score = (simulation.score[0], simulation.score[1])
        self.facts.append((phase, simulation.owner, simulation.holder, throwing, score))


class Play:
    """A match by its seed. May be asked from several threads, for any times in any order.

    Ten seconds take about 0.1 s to simulate. The last two minutes asked for are kept; for what came before, the
    state at the start of every piece is, a few kilobytes each.
    """

    def __init__(self, seed: int) -> None:
        self._starts = [Simulation(seed)]
        self._chunks: OrderedDict[int, _Chunk] = OrderedDict()
        self._lock = threading.Lock()

    def at(self, time: float) -> PlayState:
        """The state at ``time`` seconds from the start. Raises ValueError for a time before it."""
        if time < 0:
            raise ValueError(f"the match starts at 0 s; there is nothing at {time:g} s")
        number, tick = divmod(int(time / TICK + 1e-9), CHUNK_TICKS)
        chunk = self._chunk(number)
        h = min(TICK, max(0.0, time - (number * CHUNK_TICKS + tick) * TICK))
        change = (chunk.velocity[tick + 1] - chunk.velocity[tick]) * (h / TICK)
        share = h / TICK
        step, part = divmod(share * SUBSTEPS, 1.0)
        index = min(tick * SUBSTEPS + int(step), len(chunk.ball) - 2)
        ball = chunk.ball[index] * (1 - part) + chunk.ball[index + 1] * part
        phase, owner, holder, throwing, score = chunk.facts[tick]
        return PlayState(
            time=time,
            persons=chunk.position[tick] + (chunk.velocity[tick] + 0.5 * change) * h,
            velocity=chunk.velocity[tick] + change,
            heading=chunk.heading[tick] * (1 - share) + chunk.heading[tick + 1] * share,
            stride=chunk.stride[tick] * (1 - share) + chunk.stride[tick + 1] * share,
            arms_up=(np.arange(PERSONS) == holder) & throwing,
            ball=ball[:3],
            ball_velocity=ball[3:],
            in_play=phase == "play",
            phase=phase,
            owner=owner,
            holder=holder,
            score=score,
        )

    def _chunk(self, number: int) -> _Chunk:
        with self._lock:
            while number not in self._chunks:
                # The start of a piece is the end of the one before: simulate up to it if need be.
                piece = min(number, len(self._starts) - 1)
                simulation = copy.deepcopy(self._starts[piece])
                self._chunks[piece] = _Chunk(simulation)
                if piece + 1 == len(self._starts):
                    self._starts.append(simulation)
                while len(self._chunks) > _KEPT_CHUNKS:
                    self._chunks.popitem(last=False)
            self._chunks.move_to_end(number)
            return self._chunks[number]
