"""How often something passes for the ball, and where: learnt while looking, so that what is common proves little.

False candidates come anywhere, more so at bodies, and again and again at the same things: a spare ball, the crossing of
two lines, somebody's white shorts. What keeps coming at one place, of the picture or of a body, could be foretold just
as well if it were not the ball, and so says nothing for it.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_STILL_DEG = 0.4  # how near together sightings of one thing that lies still are
# Since when it must have been there to be believed: a ball that rolls past has gone by then.
_STAYS_S = (1.5, 3.0)
_WORN_M = 0.4  # the same of one thing that somebody wears
_WORN_S = 15.0  # for how long that is remembered
_PASSING = 4  # times that something must have been seen at one place before it counts
_MOST_SPOTS = 300
_OFTEN = 0.05  # share of the time seen from which on something is known to lie there
_FORGOTTEN = 1.5e-3  # share of the time seen below which a spot is given up
_HABIT_S = 20.0  # how long the usual counts are averaged over
_LEAST_FREE = 0.3  # false candidates a frame: so many are reckoned with, also if there were none lately
_LEAST_AT_BODY = 0.02
_OWN = 0.5  # candidates a frame away from everything that are the ball itself
_WIDER = 1.3  # standard deviations of a place that can be foretold, in those of one sighting


class Candidates(NamedTuple):
    """What is known of a frame's candidates, one row each.

    Attributes:
        at: yaw and pitch, degrees, shape (n, 2).
        noise: standard deviation of these, degrees, shape (n,).
        logit: log of the odds that the detector gives, shape (n,).
        body: number of the track in whose zone it lies, -1 for none, shape (n,).
        zone: square degrees of that zone, shape (n,).
        beside: metres to the right of the body's middle and above it, shape (n, 2).
    """

    at: Floats
    noise: Floats
    logit: Floats
    body: Ints
    zone: Floats
    beside: Floats


class Expected(NamedTuple):
    """What false candidates are like, one row for each candidate's place.

    Attributes:
        density: of them, per square degree.
        logit: log of the odds that the detector gives to them.
        often: share of the frames in which there is something here, as far as it keeps coming.
    """

    density: Floats
    logit: Floats
    often: Floats


class Clutter:
    """Densities of false candidates, per square degree: at bodies, at things that keep coming, and anywhere.

    Args:
        area: square degrees in which candidates may be.
        memory_s: for how long what lies still is remembered.
    """

    def __init__(self, area: float, memory_s: float) -> None:
        self._area = area
        self._still = _Spots(_STILL_DEG, memory_s, _STAYS_S)
        self._worn = _Spots(
            _WORN_M, _WORN_S
        )  # a ball at the foot is worn for seconds, too: this is believed slowly
        self._at_body, self._free, self._logit = 0.1, 1.0, 0.0
        self._looked_s = 0.0

    def expect(self, seen: Candidates) -> Expected:
        """What false candidates are like at each one's place, by what was seen before."""
        at_body = seen.body >= 0
        usual = np.where(at_body, self._at_body / np.where(at_body, seen.zone, 1.0), self._free / self._area)
        sharp = 2 * math.pi * (_WIDER * seen.noise) ** 2
        still, still_logit = self._still.known(_level(seen.at), _one_frame(seen.at))
        worn, worn_logit = self._worn.known(seen.beside, seen.body)
        worn = np.where(at_body, worn, 0.0)
        often = np.maximum(still, worn)
        density = usual + often / sharp
        known = np.where(still >= worn, still_logit, worn_logit)
        return Expected(density, (usual * self._logit + often / sharp * known) / density, often)

    def still_at(self, at: Floats) -> Floats:
        """How often something is seen to lie at directions, shape (n, 2), as a share; 0 if hardly ever. Shape (n,)."""
        return self._still.known(_level(at), _one_frame(at), _OFTEN)[0]

    def learn(self, seen: Candidates, bodies: int, dt: float) -> None:
        """Takes in a frame's candidates, which ``bodies`` persons were seen with, ``dt`` s after the frame before."""
        count = len(seen.at)
        at_body = seen.body >= 0
        fresh = self.still_at(seen.at) < 0.2
        self._looked_s += dt
        share = 1 - math.exp(-dt / min(_HABIT_S, max(self._looked_s, 1.0)))
        if bodies:
            usual = float(np.count_nonzero(at_body)) / bodies
            self._at_body += share * (max(_LEAST_AT_BODY, usual) - self._at_body)
        usual = float(np.count_nonzero(~at_body & fresh)) - _OWN
        self._free += share * (max(_LEAST_FREE, usual) - self._free)
        if count:
            self._logit += share * (float(np.median(seen.logit)) - self._logit)
        self._still.remember(_level(seen.at), _one_frame(seen.at), seen.logit, dt)
        self._worn.remember(seen.beside[at_body], seen.body[at_body], seen.logit[at_body], dt)


class _Spots:
    """Places, each in a frame of its own: how often something was seen there lately, and how sure the detector was.

    How often it was seen counts over the whole memory; or, with ``stays_s``, since it was first seen, if that is long
    enough ago: not at all for less than the first of these times, and in full from the second on.
    """

    def __init__(self, radius: float, memory_s: float, stays_s: tuple[float, float] | None = None) -> None:
        self._radius, self._memory_s, self._stays_s = radius, memory_s, stays_s
        self._hit = 0.0  # what being seen once adds to a share
        self._places: Floats = np.zeros((0, 2))
        self._frames: Ints = np.zeros(0, np.int64)
        self._rates, self._ages, self._logits = np.zeros(0), np.zeros(0), np.zeros(0)

    def known(self, at: Floats, frames: Ints, least: float = 0.0) -> tuple[Floats, Floats]:
        """The share of the time in which something was at each place, and its usual log of odds; shape (n,) each.

        Spots with a share below ``least`` are left out.
        """
        spots = np.flatnonzero(self._shares() >= least)
        if not len(spots) or not len(at):
            return np.zeros(len(at)), np.zeros(len(at))
        near, which = self._nearest(at, frames, spots)
        return np.where(near, self._shares()[which], 0.0), self._logits[which]

    def _shares(self) -> Floats:
        # A ball that goes past is seen a few times at one place, too.
        rates = np.maximum(self._rates - _PASSING * self._hit, 0.0)
        if self._stays_s is None:
            return rates
        first, full = self._stays_s
        trust = np.clip((self._ages - first) / (full - first), 0.0, 1.0)
        passed = 1 - np.exp(-np.maximum(self._ages, 0.1) / self._memory_s)
        return np.minimum(rates / passed**trust, 1.0)

    def remember(self, at: Floats, frames: Ints, logit: Floats, dt: float) -> None:
        """Something was seen at these places, shape (n, 2), ``dt`` seconds after the last time."""
        self._rates *= math.exp(-dt / self._memory_s)
        self._ages += dt
        share = self._hit = 1 - math.exp(-dt / self._memory_s)
        new = np.ones(len(at), np.bool_)
        if len(self._rates) and len(at):
            near, nearest = self._nearest(at, frames, np.arange(len(self._rates)))
            new = ~near
            for one in np.flatnonzero(~new):
                spot = nearest[one]
                weight = share / (self._rates[spot] + share)
                self._places[spot] += weight * (at[one] - self._places[spot])
                self._logits[spot] += weight * (logit[one] - self._logits[spot])
            self._rates[np.unique(nearest[~new])] += share
        count = int(new.sum())
        self._places = np.concatenate([self._places, at[new]])
        self._frames = np.concatenate([self._frames, frames[new]])
        self._rates = np.concatenate([self._rates, np.full(count, share)])
        self._ages = np.concatenate([self._ages, np.zeros(count)])
        self._logits = np.concatenate([self._logits, logit[new]])
        kept = self._rates >= min(_FORGOTTEN, 0.5 * share)
        if np.count_nonzero(kept) > _MOST_SPOTS:
            kept = np.zeros_like(kept)
            kept[np.argsort(-self._rates, kind="stable")[:_MOST_SPOTS]] = True
        for name in ("_places", "_frames", "_rates", "_ages", "_logits"):
            setattr(self, name, getattr(self, name)[kept])

    def _nearest(self, at: Floats, frames: Ints, spots: Ints) -> tuple[NDArray[np.bool_], Ints]:
        """Whether any of these spots is near in the same frame, and which is nearest."""
        far = (at[:, :1] - self._places[spots, 0]) ** 2 + (at[:, 1:] - self._places[spots, 1]) ** 2
        far[frames[:, None] != self._frames[spots]] = np.inf
        nearest = far.argmin(axis=1)
        return far[np.arange(len(at)), nearest] <= self._radius**2, spots[nearest]


def _level(at: Floats) -> Floats:
    """Directions as degrees across and up."""
    return np.stack([at[:, 0] * np.cos(np.radians(at[:, 1])), at[:, 1]], axis=-1)


def _one_frame(at: Floats) -> Ints:
    return np.zeros(len(at), np.int64)
