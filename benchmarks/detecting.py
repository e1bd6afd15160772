"""A detector that is made up: what one would find in a synthetic match, with the faults that detectors have.

Nothing is drawn, so that a match of minutes costs seconds. Balls are missed, more so where a body stands before them or
beside them, and in spells; persons jitter, are missed, and melt into one where they overlap; feet, lines and spare
balls beside the pitch pass for the ball.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from touchline.analysis.detections import Detection, Detections
from touchline.geometry import FieldOutline, Ground, Panorama, fit_panorama, rays_to_angles
from touchline.synth import default_rig
from touchline.synth.pitch import EYE, HALF_LENGTH, HALF_WIDTH, world_to_rig
from touchline.synth.play import Play, PlayState

Floats = NDArray[np.float64]
MAST = Ground.below_mast(EYE[2], (EYE[0], EYE[1]))
SPARE_BALLS = ((-30.0, -36.5), (25.0, 37.5))
LINES = ((0.0, 0.0), (-41.5, 0.0), (36.0, 20.2), (-52.5, 5.5), (0.0, -34.0), (20.0, 34.0))


@dataclass(frozen=True)
class Faults:
    """How bad the detector is: shares and means per frame."""

    ball_seen: float = 0.6
    ball_seen_at_player: float = 0.35
    ball_seen_behind: float = 0.08
    feet: float = 0.12
    anywhere: float = 1.0
    lines: float = 0.25
    spare_balls: float = 0.8
    players_missed: float = 0.05
    melt: float = 0.6
    jitter_px: float = 0.6
    telling: float = 1.0  # by how much a ball's confidence stands out, in logits


@dataclass(frozen=True)
class Truth:
    """What is true at a moment: the ball's direction, and the persons' places."""

    pts_ns: int
    yaw_deg: float
    pitch_deg: float
    in_play: bool
    persons: Floats


def corners() -> FieldOutline:
    """The synthetic pitch as its mast sees it."""
    at = [(-1, -1), (1, -1), (1, 1), (-1, 1)]
    rays = world_to_rig([(x * HALF_LENGTH, y * HALF_WIDTH, 0.0) for x, y in at])
    yaw, pitch = (np.degrees(a) for a in rays_to_angles(rays))
    return FieldOutline(tuple(zip(yaw.tolist(), pitch.tolist(), strict=True)))


@lru_cache(maxsize=32)
def panorama_of(seed: int) -> Panorama:
    return fit_panorama(default_rig(seed))


class MadeUpDetector:
    """What would be found in the match with this seed.

    Args:
        panorama: in whose pixels.
        seed: of the match, and of the faults.
        faults: how bad it is.
    """

    def __init__(self, seed: int, panorama: Panorama, faults: Faults | None = None) -> None:
        self._faults = faults or Faults()
        self._play, self._panorama = Play(seed), panorama
        self._rng = np.random.default_rng([seed, 99])
        self._mood = 0.0  # spells of seeing and of not seeing the ball
        self._feet = self._rng.normal(0, 1, 23)

    def run(
        self, seconds: float, hz: float = 10.0, uneven: float = 0.0
    ) -> Iterator[tuple[Truth, Detections]]:
        """Moments ``1 / hz`` apart; ``uneven`` is the share by which the gaps differ, at most."""
        time = 0.0
        while time < seconds:
            state = self._play.at(time)
            yaw, pitch = (float(a) for a in rays_to_angles(world_to_rig(state.ball)))
            pts = round(time * 1e9)
            truth = Truth(pts, math.degrees(yaw), math.degrees(pitch), state.in_play, state.persons)
            yield truth, Detections(pts, tuple(self._find(state, 1 / hz)))
            time += (1 + uneven * float(self._rng.uniform(-1, 1))) / hz

    def _find(self, state: PlayState, dt: float) -> list[Detection]:
        rng, faults = self._rng, self._faults
        keep = math.exp(-dt / 0.6)
        fresh = math.sqrt(1 - keep * keep)
        self._mood = keep * self._mood + fresh * rng.normal()
        self._feet = keep * self._feet + fresh * rng.normal(size=23)
        bodies = self._bodies(state.persons)
        away = np.hypot(*(state.persons - EYE[:2]).T)
        found = list(self._players(bodies, away))
        seen = self._share_seen(state, bodies, away)
        if _normal_below(self._mood) < seen:
            found += self._ball(state.ball, 0.4 + faults.telling)
        for person in np.flatnonzero(_normal_below(self._feet) < faults.feet):
            x, y = state.persons[person] + rng.normal(0, 0.35, 2)
            found += self._ball(np.array([x, y, abs(rng.normal(0, 0.3))]), 0.0)
        for x, y in rng.uniform(-1, 1, (rng.poisson(faults.anywhere), 2)) * (HALF_LENGTH, HALF_WIDTH):
            found += self._ball(np.array([x, y, 0.1]), -0.3)
        lying = (LINES, faults.lines, 0.0), (SPARE_BALLS, faults.spare_balls, 0.4 + faults.telling)
        for places, share, worth in lying:
            for x, y in places:
                if rng.random() < share:
                    found += self._ball(np.array([x, y, 0.11]), worth)
        return found

    def _share_seen(self, state: PlayState, bodies: Floats, away: Floats) -> float:
        """How often the ball is seen where it is."""
        ball = np.array(self._pixels(state.ball[None])[0])
        gap = np.maximum(bodies[:, :2] - ball, ball - bodies[:, 2:]).max(axis=1)
        metre = (bodies[:, 3] - bodies[:, 1]) / 1.8
        nearer = away < math.hypot(*(state.ball - EYE)[:2])
        if (nearer & (gap < 0)).any() or (
            state.holder >= 0 and state.ball[2] < 2.0 and state.phase != "corner"
        ):
            return self._faults.ball_seen_behind
        if (gap < 0.4 * metre).any():
            return self._faults.ball_seen_at_player
        return self._faults.ball_seen

    def _players(self, bodies: Floats, away: Floats) -> Iterator[Detection]:
        rng, faults = self._rng, self._faults
        boxes = [bodies[k] for k in np.argsort(away) if rng.random() >= faults.players_missed]
        melted: list[Floats] = []
        for box in boxes:
            for k, other in enumerate(melted):
                across = min(box[2], other[2]) - max(box[0], other[0])
                down = min(box[3], other[3]) - max(box[1], other[1])
                if (
                    across > 0.3 * (box[2] - box[0])
                    and down > 0.4 * (box[3] - box[1])
                    and rng.random() < faults.melt
                ):
                    melted[k] = np.concatenate([np.minimum(box, other)[:2], np.maximum(box, other)[2:]])
                    break
            else:
                melted.append(box)
        for box in melted:
            shaken = box + rng.normal(0, faults.jitter_px, 4) + rng.normal(0, 0.03, 4) * (box[3] - box[1])
            if shaken[0] + 1 < shaken[2] and shaken[1] + 1 < shaken[3]:
                yield Detection(*shaken.tolist(), "player", float(rng.uniform(0.5, 1)))

    def _bodies(self, persons: Floats) -> Floats:
        """Boxes, shape (n, 4): all of a person is seen, also beyond the panorama's edges."""
        feet, heads = (np.column_stack([persons, np.full(len(persons), z)]) for z in (0.0, 1.8))
        x, low = self._pixels(feet).T
        _, high = self._pixels(heads).T
        half = (low - high) * 0.17
        return np.stack([x - half, high, x + half, low], axis=-1)

    def _ball(self, at: Floats, worth: float) -> list[Detection]:
        x, y = self._pixels(at[None])[0] + self._rng.normal(0, self._faults.jitter_px, 2)
        if not (0 <= x < self._panorama.width and 0 <= y < self._panorama.height):
            return []
        confidence = 1 / (1 + math.exp(-(worth - 0.5 + self._rng.normal(0, 0.8))))
        return [Detection(float(x) - 1.5, float(y) - 1.5, float(x) + 1.5, float(y) + 1.5, "ball", confidence)]

    def _pixels(self, points: Floats) -> Floats:
        x, y = self._panorama.angles_to_pixels(*rays_to_angles(world_to_rig(points)))
        return np.stack([x, y], axis=-1) + 0.5  # edges: the first pixel reaches from 0 to 1


def _normal_below(value: float | Floats) -> Floats:
    """The share of a normal distribution that lies below a value."""
    return np.asarray([0.5 * math.erfc(-v / math.sqrt(2)) for v in np.atleast_1d(value)])
