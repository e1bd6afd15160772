"""Scores of a detector against the truth of synthetic matches."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from touchline.analysis.detections import Detection
from touchline.geometry import FieldOutline, Panorama, fit_panorama, rays_to_angles
from touchline.gst.nv12 import Nv12
from touchline.panorama.stitch import CpuStitcher
from touchline.panorama.workers import Workers
from touchline.synth.figures import dress, make_figures
from touchline.synth.match import SyntheticMatch
from touchline.synth.pitch import HALF_LENGTH, HALF_WIDTH, world_to_rig
from touchline.synth.scene import Observer
from touchline.synth.truth import Box, FrameTruth, observe

Floats = NDArray[np.float64]

OVERLAP = 0.5  # of two boxes' union, from which on they are one player
NEAR_PX = 2.5  # between two balls' middles, or the ball's diameter if that is more
_EDGE_PX = 3  # a ball nearer to the panorama's edge is not asked for


class Shot(NamedTuple):
    """A panorama as it is stitched, and what it shows."""

    seconds: float
    panorama: Nv12
    truth: FrameTruth


class Film:
    """A synthetic match through its cameras and the stitcher, as the analysis sees it."""

    def __init__(self, seed: int, size: tuple[int, int] = (1280, 720)) -> None:
        self.match = SyntheticMatch(seed, size)
        self.panorama: Panorama = fit_panorama(self.match.rig)
        self._inks = dress(seed)

    def shots(self, seconds: float, per_second: int, first_s: float = 0.0) -> Iterator[Shot]:
        """The match from ``first_s`` on; each picture is drawn over the one before."""
        match, observer = self.match, Observer.of_panorama(self.panorama)
        left, right = Nv12.empty(*match.size), Nv12.empty(*match.size)
        out = Nv12.empty(self.panorama.width, self.panorama.height)
        with Workers(1) as workers:
            stitcher = CpuStitcher(match.rig, self.panorama, workers)
            for k in range(round(seconds * per_second)):
                index = round((first_s + k / per_second) * float(match.fps))
                match.draw(index, left, right)
                stitcher.stitch(left, right, out, match.time_of(index))
                state = match.play.at(match.time_of(index))
                truth = observe(index, state, make_figures(state, self._inks), [observer])
                yield Shot(match.time_of(index), out, truth)


def football_field() -> FieldOutline:
    """The synthetic match's."""
    corners = [(x * HALF_LENGTH, y * HALF_WIDTH, 0.0) for x, y in ((-1, -1), (-1, 1), (1, 1), (1, -1))]
    yaw, pitch = rays_to_angles(world_to_rig(np.array(corners)))
    return FieldOutline(tuple(zip(np.degrees(yaw).tolist(), np.degrees(pitch).tolist(), strict=True)))


@dataclass
class Score:
    """Of one kind: what was said, by confidence and whether it is true, and how many there were."""

    said: list[tuple[float, bool]] = field(default_factory=list)
    there: int = 0
    found: int = 0

    @property
    def recall(self) -> float:
        return self.found / self.there if self.there else math.nan

    @property
    def precision(self) -> float:
        return sum(good for _, good in self.said) / len(self.said) if self.said else math.nan

    @property
    def average_precision(self) -> float:
        """The area below precision over recall, all points (Pascal VOC 2010 and later)."""
        if not self.said or not self.there:
            return math.nan
        good = np.array([good for _, good in sorted(self.said, key=lambda one: -one[0])])
        hits = np.cumsum(good)
        precision = hits / np.arange(1, len(good) + 1)
        precision = np.maximum.accumulate(precision[::-1])[::-1]
        return float(np.diff(hits, prepend=0) @ precision / self.there)


@dataclass
class Scores:
    """Of a detector. ``ball`` by overlap and ``near`` by distance; ``playing`` while the ball is in play; ``first``:
    whether the likeliest candidate is the ball."""

    players: Score = field(default_factory=Score)
    ball: Score = field(default_factory=Score)
    near: Score = field(default_factory=Score)
    playing: Score = field(default_factory=Score)
    first: Score = field(default_factory=Score)
    candidates: list[int] = field(default_factory=list)

    def add(self, found: Sequence[Detection], truth: FrameTruth, panorama: Panorama) -> None:
        """Takes in a frame."""
        players = [one for one in found if one.kind == "player"]
        balls = sorted((one for one in found if one.kind == "ball"), key=lambda one: -one.confidence)
        self.candidates.append(len(balls))
        people = np.array([edges_of(p.boxes[0]) for p in truth.persons if p.boxes[0] is not None]).reshape(
            -1, 4
        )
        _match(self.players, players, _overlaps(players, people) >= OVERLAP)
        box = truth.ball.boxes[0]
        if box is None or truth.ball.hidden or not _whole(box, panorama):
            return
        ball = edges_of(box)[None]
        _match(self.ball, balls, _overlaps(balls, ball) >= OVERLAP)
        close = _apart(balls, ball[0]) <= max(NEAR_PX, float(ball[0, 2] - ball[0, 0]))
        _match(self.near, balls, close[:, None])
        _match(self.first, balls[:1], close[:1, None])
        if truth.ball.in_play:
            _match(self.playing, balls, close[:, None])


def edges_of(box: Box) -> Floats:
    """A box of the truth, whose pixels' centres are whole numbers, by its edges."""
    return np.array([box.left, box.top, box.right, box.bottom]) + 0.5


def _match(score: Score, found: Sequence[Detection], fits: NDArray[np.bool_]) -> None:
    """The surest first, each to one that is there."""
    score.there += fits.shape[1]
    free = np.ones(fits.shape[1], np.bool_)
    for k in sorted(range(len(found)), key=lambda k: -found[k].confidence):
        good = np.nonzero(fits[k] & free)[0]
        free[good[:1]] = False
        score.said.append((found[k].confidence, bool(len(good))))
    score.found += int(np.count_nonzero(~free))


def _edges(found: Sequence[Detection]) -> Floats:
    return np.array([(d.left, d.top, d.right, d.bottom) for d in found], np.float64).reshape(-1, 4)


def _overlaps(found: Sequence[Detection], there: Floats) -> Floats:
    """Intersection over union, shape (found, there)."""
    own = _edges(found)
    low = np.maximum(own[:, None, :2], there[None, :, :2])
    high = np.minimum(own[:, None, 2:], there[None, :, 2:])
    common = np.clip(high - low, 0, None).prod(axis=-1)
    areas = [(boxes[:, 2:] - boxes[:, :2]).prod(axis=-1) for boxes in (own, there)]
    return common / (areas[0][:, None] + areas[1][None] - common)


def _apart(found: Sequence[Detection], ball: Floats) -> Floats:
    own = _edges(found)
    return np.linalg.norm((own[:, :2] + own[:, 2:]) / 2 - (ball[:2] + ball[2:]) / 2, axis=1)


def _whole(box: Box, panorama: Panorama) -> bool:
    inside = box.left > _EDGE_PX and box.right < panorama.width - _EDGE_PX
    return inside and box.top > _EDGE_PX and box.bottom < panorama.height - _EDGE_PX
