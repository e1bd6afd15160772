"""Where the ball may have been: many paths through the candidates of all frames, each with what speaks for it.

A path is at a candidate, flies or rolls on unseen, is hidden at a body, or is lost. Each frame extends the paths that
there are, and of all that end alike the likeliest is kept: the Viterbi algorithm, with a Kalman filter carried along
each surviving path ("per-survivor processing", Raheli, Polydoros and Tzou 1995), which is what makes a speed a part of
the state without a grid of speeds. What speaks for a path is the log of a likelihood ratio, as in multiple hypothesis
tracking (Blackman 2004): how likely these candidates are if the ball went that way, against all of them being clutter.

Whoever asks later which path it was follows the parents back from the best end.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from touchline.analysis.ball_credit import credited
from touchline.analysis.ball_foresight import HIGH_M, Ahead, Foresight, grip
from touchline.analysis.ball_layers import FREE, HIDDEN, LOST, SEEN, Bodies, Layer, nothing, nowhere
from touchline.analysis.clutter import Candidates, Clutter, Expected
from touchline.analysis.sight import BallsSeen, Sight
from touchline.analysis.tracking_settings import TrackSettings

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_PER_CANDIDATE: Final = 2  # paths that may end at one
_FREE_PATHS: Final = 20
_FEINT: Final = 0.3  # how likely somebody who has it plays it on at once
_FAST_SHARE: Final = 0.35  # of the kicks are fast ones
_FAST: Final = 2.5
# Half the width and height of the zone around a body in which false candidates abound.
_ZONE_M: Final = (1.1, 1.3)
_LOST_PER_S: Final = 0.5
_LIES: Final = 0.25  # share of the frames in which it is seen from which on something lies there
_PROOF: Final = 0.5  # log of odds of a step from which on it says something
_REST_DEG: Final = 0.3  # about how far off what lies there is seen
_REST: Final = 0.01  # cost of a frame in which a ball at rest is seen
_TURN_MPS: Final = 3.0  # uncertainty of the speed after a kick, beside what the places say


class BallPaths:
    """Extends the paths from frame to frame.

    Args:
        sight: what is looked at.
        settings: see :class:`TrackSettings`.
    """

    def __init__(self, sight: Sight, settings: TrackSettings) -> None:
        self._sight, self._settings = sight, settings
        self._area = sight.area()
        self._clutter = Clutter(self._area, settings.clutter_s)
        self._foresight = Foresight(sight, settings, self._clutter)
        self._last: Layer | None = None

    def follow(self, balls: BallsSeen, bodies: Bodies, time_s: float) -> Layer:
        """The paths after the next frame, which is later than the one before."""
        last = self._last if self._last is not None else nowhere(time_s)
        dt = max(1e-3, time_s - last.time_s)
        seen = _candidates(balls, bodies)
        expected = self._clutter.expect(seen)
        worth = self._worth(seen, expected)
        self._clutter.learn(seen, len(bodies.number), dt)
        ahead = self._foresight.of(last, bodies, dt)
        steps = [
            self._lost(last, time_s, dt),
            self._to_candidates(last, ahead, balls, seen, (worth, expected.often), time_s, dt),
            self._to_bodies(last, ahead, bodies, time_s, dt),
            self._onwards(last, ahead, time_s),
        ]
        merged = Layer(time_s, *(np.concatenate([getattr(s, f) for s in steps]) for f in Layer._fields[1:]))
        self._last = self._pruned(merged)
        return self._last

    def _worth(self, seen: Candidates, expected: Expected) -> Floats:
        """What speaks for each candidate by itself."""
        rules = self._settings
        told = rules.confidence_weight * (seen.logit - expected.logit)
        return np.asarray(
            np.clip(told, -rules.confidence_reach, rules.confidence_reach) - np.log(expected.density)
        )

    def _lost(self, last: Layer, time_s: float, dt: float) -> Layer:
        """It is lost, for longer, or just now."""
        score = last.score - self._settings.lose
        score[0] = last.score[0] - _LOST_PER_S * dt
        best = np.array([int(np.argmax(score))])
        return Layer(
            time_s, np.array([LOST]), np.full((1, 2), np.nan), np.zeros((1, 2)), np.zeros((1, 3)),
            last.seen_s[best], last.anchor[best], last.anchor_s[best], np.array([-1]),
            np.full((1, 2), np.nan), np.array([-1]), np.zeros(1), np.array([0]), np.array([-np.inf]),
            score[best], best,
        )  # fmt: skip

    def _to_candidates(
        self,
        last: Layer,
        ahead: Ahead,
        balls: BallsSeen,
        seen: Candidates,
        worth_often: tuple[Floats, Floats],
        time_s: float,
        dt: float,
    ) -> Layer:
        """It is seen: where it was going, off a foot, or for the first time."""
        rules, (worth, often) = self._settings, worth_often
        count = len(balls.at)
        if not count:
            return nothing(time_s)
        gap = balls.at[None] - ahead.at[:, None]
        gap[..., 0] *= np.cos(np.radians(balls.at[:, 1]))
        far = (gap**2).sum(axis=-1)
        noise = balls.noise[None] ** 2
        went_on = (
            _log_normal(far, ahead.spread[:, :1] + noise)
            + np.where(ahead.held, -dt / rules.hold_s, 0)[:, None]
        )
        turned = self._log_kick(far, ahead, noise, dt)
        # Where something is seen to lie again and again a ball that lies there is seen as often.
        way = np.maximum(went_on, turned) + np.log(np.maximum(ahead.seen[:, None], often[None]))
        first = math.log(rules.ball_seen / self._area) - rules.outside * (balls.beside_m > rules.beside_m)
        way[0] = first
        way += worth[None]
        # What lies there may be the ball, at rest, as well as something else: that speaks for neither.
        rests = (ahead.lying[:, None] > _LIES) & (often[None] > _LIES) & (far < _REST_DEG**2)
        way = np.where(rests, np.maximum(way, -_REST), way)
        way, credit, moved, legs = credited(last, seen, ahead.metre, far, way, rules)
        total = last.score[:, None] + way
        best = np.argsort(-total, axis=0, kind="stable")[:_PER_CANDIDATE]
        parent, candidate = best.ravel(), np.tile(np.arange(count), len(best))
        kicked = turned[parent, candidate] > went_on[parent, candidate]
        state = self._seen_state(ahead, balls, parent, candidate, kicked, dt)
        now = np.full(len(parent), time_s)
        made = balls.at[candidate]
        fresh = (parent == 0) | moved[parent, candidate]
        proven = (parent == 0) | (way[parent, candidate] > _PROOF)
        return Layer(
            time_s, np.full(len(parent), SEEN), state[0], state[1], state[2], now, made, now,
            np.full(len(parent), -1), np.where(fresh[:, None], made, last.born[parent]),
            np.where(fresh, seen.body[candidate], last.owner[parent]),
            credit[parent, candidate], legs[parent, candidate],
            np.where(proven, time_s, last.proof_s[parent]), total[parent, candidate], parent,
        )  # fmt: skip

    def _log_kick(self, far: Floats, ahead: Ahead, noise: Floats, dt: float) -> Floats:
        """Log of the density that the ball, played or deflected since it was last seen, is so far (squared) off."""
        rules = self._settings
        passed = dt + 0.5 * np.minimum(ahead.unseen - dt, 0.5)
        reach = (ahead.metre * passed)[:, None]
        place = ahead.spread[:, :1] + noise
        usual = place + (rules.kick_mps * reach) ** 2
        fast = place + (_FAST * rules.kick_mps * reach) ** 2
        density = np.logaddexp(
            math.log(1 - _FAST_SHARE) + _log_normal(far, usual),
            math.log(_FAST_SHARE) + _log_normal(far, fast),
        )
        chance = np.where(
            ahead.held,
            1 - math.exp(-dt / rules.hold_s),
            _FEINT * ahead.near.max(axis=1, initial=0.0) + math.exp(-rules.strange_turn),
        )
        possible = np.sqrt(far) <= rules.fastest_mps * reach + 3 * np.sqrt(place)
        return np.asarray(np.where(possible, density + np.log(chance)[:, None], -np.inf))

    def _seen_state(
        self,
        ahead: Ahead,
        balls: BallsSeen,
        parent: Ints,
        candidate: Ints,
        kicked: NDArray[np.bool_],
        dt: float,
    ) -> tuple[Floats, Floats, Floats]:
        """Place, speed and their spread after the candidates have been seen."""
        rules = self._settings
        noise = balls.noise[candidate] ** 2
        place, speed, both = ahead.spread[parent].T
        gain, turn = place / (place + noise), both / (place + noise)
        gap = balls.at[candidate] - ahead.at[parent]
        at = ahead.at[parent] + gain[:, None] * gap
        going = ahead.speed[parent] + turn[:, None] * gap
        spread = np.stack([place * (1 - gain), speed - turn * both, both * (1 - gain)], axis=-1)
        if kicked.any():
            passed = dt + 0.5 * np.minimum(ahead.unseen[parent] - dt, 0.5)
            at[kicked] = balls.at[candidate[kicked]]
            going[kicked] = (gap / passed[:, None])[kicked]
            loose = (place + noise) / passed**2 + (_TURN_MPS * ahead.metre[parent]) ** 2
            spread[kicked] = np.stack([noise, loose, noise / passed], axis=-1)[kicked]
        born = parent == 0
        if born.any():
            metre = np.degrees(1 / np.minimum(self._sight.ranges(*balls.at[candidate[born]].T), HIGH_M))
            at[born], going[born] = balls.at[candidate[born]], 0.0
            spread[born] = np.stack(
                [noise[born], (rules.kick_mps * metre) ** 2, np.zeros(len(metre))], axis=-1
            )
        return at, going, spread

    def _to_bodies(self, last: Layer, ahead: Ahead, bodies: Bodies, time_s: float, dt: float) -> Layer:
        """It is hidden: at the same body as before, or at one that it has come to."""
        rules = self._settings
        count = len(bodies.number)
        if not count:
            return nothing(time_s)
        with np.errstate(divide="ignore"):
            way = np.log(ahead.near)
        stays = last.body[:, None] == bodies.number[None]
        way = np.where(stays, -dt / rules.hold_s, np.where(ahead.held[:, None], way - 1.0, way))
        way[ahead.unseen > rules.hidden_gap_s] = -np.inf
        way[0] = -np.inf
        total = last.score[:, None] + way + np.log1p(-ahead.seen)[:, None]
        parent = np.argmax(total, axis=0)
        score = total[parent, np.arange(count)]
        kept = np.isfinite(score)
        parent, score = parent[kept], score[kept]
        at = grip(bodies)[kept]
        spread = np.stack(
            [
                (rules.reach_m * bodies.metre[kept]) ** 2,
                (2.0 * bodies.metre[kept]) ** 2,
                np.zeros(len(parent)),
            ],
            axis=-1,
        )
        return Layer(
            time_s, np.full(len(parent), HIDDEN), at, bodies.speed[kept], spread, last.seen_s[parent], at,
            np.full(len(parent), time_s), bodies.number[kept], last.born[parent], last.owner[parent],
            last.credit[parent], last.legs[parent], last.proof_s[parent], score, parent,
        )  # fmt: skip

    def _onwards(self, last: Layer, ahead: Ahead, time_s: float) -> Layer:
        """It flies or rolls on, unseen. So it does when the body that it was hidden at is gone."""
        free = ~ahead.held & (last.kind != LOST) & (time_s - last.anchor_s <= self._settings.free_gap_s)
        rows = np.flatnonzero(free)
        # Where something is seen to lie again and again, not to see it speaks against that about as much.
        lying = 0.95 * ahead.lying[rows]
        score = last.score[rows] + np.log1p(-np.maximum(ahead.seen[rows], lying)) - np.log1p(-0.8 * lying)
        best = np.argsort(-score, kind="stable")[:_FREE_PATHS]
        rows, score = rows[best], score[best]
        return Layer(
            time_s, np.full(len(rows), FREE), ahead.at[rows], ahead.speed[rows], ahead.spread[rows],
            last.seen_s[rows], last.anchor[rows], last.anchor_s[rows], np.full(len(rows), -1),
            last.born[rows], last.owner[rows], last.credit[rows], last.legs[rows], last.proof_s[rows], score, rows,
        )  # fmt: skip

    def _pruned(self, layer: Layer) -> Layer:
        """The best paths; the lost one always."""
        score = layer.score - layer.score.max()
        rows = 1 + np.flatnonzero(score[1:] >= -self._settings.worst_path)
        rows = rows[np.argsort(-score[rows], kind="stable")[: self._settings.most_paths - 1]]
        rows = np.concatenate([[0], rows])
        return Layer(layer.time_s, *(getattr(layer, f)[rows] for f in Layer._fields[1:]))._replace(
            score=score[rows]
        )


def _candidates(balls: BallsSeen, bodies: Bodies) -> Candidates:
    """The candidates, each with the body in whose zone it lies, the nearest if there are several."""
    count = len(balls.at)
    body, zone, beside = np.full(count, -1), np.zeros(count), np.zeros((count, 2))
    if count and len(bodies.number):
        gap = balls.at[:, None] - bodies.at[None]
        gap[..., 0] *= np.cos(np.radians(balls.at[:, 1]))[:, None]
        gap /= bodies.metre[None, :, None]
        out = (np.abs(gap) / np.asarray(_ZONE_M)).max(axis=-1)
        nearest = out.argmin(axis=1)
        inside = out[np.arange(count), nearest] <= 1
        own = nearest[inside]
        body[inside] = bodies.number[own]
        zone[inside] = 4 * math.prod(_ZONE_M) * bodies.metre[own] ** 2
        beside[inside] = gap[inside, own]
    return Candidates(balls.at, balls.noise, balls.logit, body, zone, beside)


def _log_normal(far: Floats, variance: Floats) -> Floats:
    """Log of the density of a round normal distribution in two dimensions, by the squared distance."""
    return np.asarray(-np.log(2 * math.pi * variance) - 0.5 * far / variance)
