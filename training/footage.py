"""Training and validation pictures, made by many processes at once, within a given time.

A training picture is a part of a panorama, at the panorama's own scale, with spare balls, clutter and compression.
Validation pictures are whole panoramas, each match once as the synthetic match looks by default and once varied.
"""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from touchline.panorama.joint import Joint
from touchline.synth.rig import LensKind
from training.filming import BALL, PLAYER, Boxes, Filmed, Rgb
from training.looks import PLAIN, random_look
from training.pasting import paste_balls, paste_clutter

PART = (640, 384)  # width and height of a training picture
MOST = 64  # boxes in one
FRAMES = 12  # of a match
PARTS = 5  # of a frame
LEAST_BALL = 1.3  # pixels; what is smaller is ignored
TRAINING_SEEDS = range(3000, 3200)
VALIDATION_SEEDS = range(2900, 2910)
_SIZES = ((960, 540), (1280, 720), (1600, 900), (1920, 1080))
_SHARES = (0.15, 0.5, 0.2, 0.15)
_LENSES: tuple[LensKind, ...] = ("brown", "fisheye", "decentred")


class Parts(NamedTuple):
    """Training pictures.

    Attributes:
        pictures: RGB, shape (n, 384, 640, 3).
        edges: as in :class:`~training.filming.Boxes`, filled up with zeros, shape (n, MOST, 4).
        kinds: -1 where there is no box, shape (n, MOST).
        ignored: shape (n, MOST).
    """

    pictures: Rgb
    edges: NDArray[np.float32]
    kinds: NDArray[np.int64]
    ignored: NDArray[np.bool_]


@dataclass(frozen=True)
class Whole:
    """A validation picture: a panorama and what is in it. ``varied``: not as the match looks by default."""

    picture: Rgb
    boxes: Boxes
    varied: bool


@dataclass(frozen=True)
class Job:
    """What one process makes: ``turn`` tells several jobs of one seed apart; see :func:`film`."""

    seed: int
    turn: int
    validation: bool
    frames: int = FRAMES
    size: tuple[int, int] | None = None


def jobs(
    seeds: Sequence[int], turns: int, validation: bool, frames: int, size: tuple[int, int] | None
) -> list[Job]:
    """All jobs; the first turn of each seed comes first."""
    return [Job(seed, turn, validation, frames, size) for turn in range(turns) for seed in seeds]


def make(work: Sequence[Job], processes: int, until: float) -> Iterator[Parts | list[Whole]]:
    """Does the jobs in processes of their own and hands over each one's result as it comes.

    Stops at ``until`` (of ``time.monotonic``), whatever is not done by then.
    """
    with multiprocessing.get_context("spawn").Pool(processes) as pool:
        results = pool.imap_unordered(do, work)
        for _ in work:
            result = _in_time(results, until)
            if result is None:
                return
            yield result


def _in_time(results: Any, until: float) -> Parts | list[Whole] | None:
    """The next result; None if it does not come in time."""
    try:
        result: Parts | list[Whole] = results.next(timeout=max(0.0, until - time.monotonic()))
    except multiprocessing.TimeoutError:
        return None
    return result


def do(job: Job) -> Parts | list[Whole]:
    """One job, in this process; the same job gives the same pictures."""
    cv2.setNumThreads(1)
    rng = np.random.default_rng([job.seed, job.turn, int(job.validation)])
    filmed, times = film(job, rng)
    if job.validation:
        return [Whole(*_dressed(filmed, *filmed.frame(t), rng, job.turn > 0), job.turn > 0) for t in times]
    parts = [part for t in times for part in _parts(filmed, t, rng)]
    return Parts(*(np.stack(column) for column in zip(*parts, strict=True)))


def film(job: Job, rng: np.random.Generator) -> tuple[Filmed, NDArray[np.float64]]:
    """The match of a job and the times, in seconds, of its frames; the first turn of validation is the default look."""
    size = job.size or _SIZES[rng.choice(len(_SIZES), p=_SHARES)]
    times = np.sort(rng.uniform(0.5, 100.0, job.frames))
    if job.validation and job.turn == 0:
        return Filmed(job.seed, job.size or (1280, 720)), times
    look = random_look(rng) if rng.random() < 0.85 else PLAIN
    joint = Joint(levels=5) if rng.random() < 0.3 else Joint()
    filmed = Filmed(
        job.seed,
        size,
        look,
        lens=_LENSES[rng.choice(3, p=(0.6, 0.2, 0.2))],
        joint=joint,
        noise=rng.uniform(0.3, 5.0),
        exposure=float(np.exp(rng.uniform(-0.25, 0.25))),
    )
    return filmed, times


def _dressed(
    filmed: Filmed, picture: Rgb, boxes: Boxes, rng: np.random.Generator, varied: bool = True
) -> tuple[Rgb, Boxes]:
    """With what else lies about, and without what is too small to be asked for."""
    if varied:
        paste_clutter(picture, filmed.observer, int(rng.integers(0, 14)), rng)
        spare = paste_balls(picture, filmed.observer, filmed.look.ball, int(rng.integers(0, 9)), rng)
        boxes = boxes.joined(spare)
        if rng.random() < 0.6:
            picture = _compressed(picture, int(rng.integers(22, 92)))
    small = (boxes.kinds == BALL) & (boxes.edges[:, 2] - boxes.edges[:, 0] < LEAST_BALL)
    return picture, Boxes(boxes.edges, boxes.kinds, boxes.ignored | small)


def _compressed(picture: Rgb, quality: int) -> Rgb:
    _, data = cv2.imencode(".jpg", picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    decoded: Any = cv2.imdecode(data, cv2.IMREAD_COLOR)
    return np.asarray(decoded[..., ::-1], np.uint8)


def _parts(filmed: Filmed, t: float, rng: np.random.Generator) -> Iterator[tuple[Any, ...]]:
    """Parts of one frame: around balls, around players, and anywhere."""
    picture, boxes = _dressed(filmed, *filmed.frame(t), rng)
    width, height = min(PART[0], picture.shape[1]), min(PART[1], picture.shape[0])
    for number in range(PARTS):
        wanted = np.flatnonzero(boxes.kinds == (BALL if number < 2 else PLAYER))
        if number < PARTS - 1 and wanted.size:
            edges = boxes.edges[wanted[rng.integers(wanted.size)]]
            middle = (edges[:2] + edges[2:]) / 2 + rng.uniform(-0.45, 0.45, 2) * (width, height)
        else:
            middle = rng.uniform(0, 1, 2) * picture.shape[1::-1]
        left = int(np.clip(middle[0] - width / 2, 0, picture.shape[1] - width))
        top = int(np.clip(middle[1] - height / 2, 0, picture.shape[0] - height))
        yield _filled(
            picture[top : top + height, left : left + width], boxes.within(left, top, width, height)
        )


def _filled(part: Rgb, boxes: Boxes) -> tuple[Any, ...]:
    """A row of :class:`Parts`; what a small panorama lacks is black."""
    picture = np.zeros((PART[1], PART[0], 3), np.uint8)
    picture[: part.shape[0], : part.shape[1]] = part
    count = min(len(boxes), MOST)
    edges, kinds, ignored = np.zeros((MOST, 4), np.float32), np.full(MOST, -1, np.int64), np.zeros(MOST, bool)
    edges[:count], kinds[:count], ignored[:count] = (
        boxes.edges[:count],
        boxes.kinds[:count],
        boxes.ignored[:count],
    )
    return picture, edges, kinds, ignored
