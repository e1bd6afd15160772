"""What a few small objects have done so far: one that came flying is worth more than a speck that was always there."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_FASTEST_M = 40.0  # metres a second: no ball is faster
_FORGET_S = 0.7
_MOST = 200
_FADE_S = 2.5  # how soon a good past is forgotten
_NEARBY_M = 1.2
_EASE_S = 0.3  # how soon a speed is believed


class SmallObjects:
    """Follows them from frame to frame: each to the nearest of its successors. For one thread.

    Attributes (after :meth:`follow`, one for each object that was given):
        age: frames in which it was seen.
        speed: metres a second, across the line of sight.
        way: metres it has gone from where it was first seen, at most.
    """

    def __init__(self) -> None:
        self._at = np.zeros((0, 2))
        self._velocity = np.zeros((0, 2))
        self._start = np.zeros((0, 2))
        self._way, self._seen_s = np.zeros(0), np.zeros(0)
        self._ages, self._worth = np.zeros(0), np.zeros(0)
        self.age, self.speed, self.way = np.zeros(0), np.zeros(0), np.zeros(0)

    def follow(self, at: Floats, metre: Floats, now_s: float, worth: Floats) -> Floats:
        """Takes in the next frame's.

        Args:
            at: shape (n, 2), pixels.
            metre: shape (n,), pixels for a metre there.
            now_s: the frame's time.
            worth: shape (n,), how much each is worth by itself.

        Returns:
            Shape (n,): what is left, a while later, of the worth of what was seen about there.
        """
        heir, left = self._heirs(at, metre, now_s), self._left(at, metre, now_s)
        known = heir >= 0
        old = heir[known]
        start, velocity = at.copy(), np.zeros_like(at)
        way, ages = np.zeros(len(at)), np.ones(len(at))
        if old.size:
            passed = np.maximum(now_s - self._seen_s[old], 1e-3)
            lately = (at[known] - self._at[old]) / passed[:, None]
            ease = 1 - np.exp(-passed / _EASE_S)[:, None]
            ease[self._ages[old] == 1] = 1.0
            velocity[known] = self._velocity[old] + ease * (lately - self._velocity[old])
            start[known] = self._start[old]
            gone = np.linalg.norm(at[known] - start[known], axis=1) / metre[known]
            way[known] = np.maximum(self._way[old], gone)
            ages[known] = self._ages[old] + 1
        self.age, self.way = ages, way
        self.speed = np.linalg.norm(velocity, axis=1) / metre
        kept = np.setdiff1d(np.nonzero(now_s - self._seen_s <= _FORGET_S)[0], old)
        self._at = np.concatenate([at, self._at[kept]])[:_MOST]
        self._velocity = np.concatenate([velocity, self._velocity[kept]])[:_MOST]
        self._start = np.concatenate([start, self._start[kept]])[:_MOST]
        self._way = np.concatenate([way, self._way[kept]])[:_MOST]
        self._ages = np.concatenate([ages, self._ages[kept]])[:_MOST]
        self._worth = np.concatenate([np.maximum(worth, left), self._worth[kept]])[:_MOST]
        self._seen_s = np.concatenate([np.full(len(at), now_s), self._seen_s[kept]])[:_MOST]
        return left

    def _left(self, at: Floats, metre: Floats, now_s: float) -> Floats:
        """The best of what was seen nearby lately fades with time and distance."""
        if not len(at) or not len(self._at):
            return np.zeros(len(at))
        passed = now_s - self._seen_s
        expected = self._at + self._velocity * passed[:, None]
        off = np.linalg.norm(at[:, None] - np.stack([self._at, expected])[:, None], axis=-1).min(axis=0)
        left = self._worth * np.exp(-passed / _FADE_S) * bell(off / metre[:, None], _NEARBY_M)
        return np.asarray(left.max(axis=1))

    def _heirs(self, at: Floats, metre: Floats, now_s: float) -> NDArray[np.intp]:
        """For each object the known one that it continues, or -1: pairs by distance, the nearest first."""
        heir = np.full(len(at), -1, np.intp)
        if not len(at) or not len(self._at):
            return heir
        passed = now_s - self._seen_s
        expected = self._at + self._velocity * passed[:, None]
        off = np.linalg.norm(at[:, None] - expected[None], axis=-1)
        # One that is known goes on about as it did; a new one may go anywhere.
        free = np.where(self._ages > 2, 0.35, 1.0) * _FASTEST_M * passed
        room = 2.5 + metre[:, None] * np.minimum(free, 4.0)[None]
        pairs = np.argwhere(off <= room)
        taken = np.zeros(len(self._at), np.bool_)
        for one, other in pairs[np.argsort(off[pairs[:, 0], pairs[:, 1]], kind="stable")]:
            if heir[one] < 0 and not taken[other]:
                heir[one], taken[other] = other, True
        return heir


def sigmoid(value: Floats, middle: float, width: float) -> Floats:
    """0 .. 1, one half at the middle."""
    return np.asarray(1 / (1 + np.exp(-np.clip((value - middle) / width, -40.0, 40.0))))


def bell(value: Floats, width: float) -> Floats:
    """1 at zero, falling on both sides."""
    return np.asarray(np.exp(-0.5 * (value / width) ** 2))
