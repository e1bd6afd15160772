"""Footage for training: the boxes stand on what they name."""

from __future__ import annotations

import numpy as np
import pytest

from training.filming import BALL, PLAYER, Boxes, Filmed
from training.footage import MOST, PART, Job, do, jobs
from training.looks import random_look


def test_a_part_of_a_picture_has_its_boxes_only() -> None:
    edges = np.array([[10, 10, 20, 30], [95, 10, 115, 30], [300, 10, 310, 30]], np.float32)
    boxes = Boxes(edges, np.array([0, 1, 1]), np.zeros(3, bool)).within(5, 5, 100, 100)
    assert boxes.edges.tolist() == [[5, 5, 15, 25], [90, 5, 100, 25]]
    assert boxes.ignored.tolist() == [False, False]
    cut = Boxes(edges, np.array([0, 1, 1]), np.zeros(3, bool)).within(5, 5, 94, 100)
    assert cut.ignored.tolist() == [False, True]  # a fifth of it shows


def test_jobs_come_turn_by_turn() -> None:
    work = jobs([1, 2], 2, False, 3, None)
    assert [(job.seed, job.turn) for job in work] == [(1, 0), (2, 0), (1, 1), (2, 1)]


def test_looks_are_colours_and_differ() -> None:
    looks = [random_look(np.random.default_rng(seed)) for seed in range(20)]
    for look in looks:
        assert look.inks.min() >= 0
        assert look.inks.max() <= 255
        assert look.ball.max() > 180  # no dark balls
    assert any(look.floor is None for look in looks)
    assert len({tuple(look.inks[0]) for look in looks}) > 15


@pytest.mark.slow
def test_boxes_stand_on_what_they_name() -> None:
    """The same match in two kits differs in its players' boxes, and nowhere else but for the exposure that follows."""
    look = random_look(np.random.default_rng(0))
    size = (640, 360)
    plain, dressed = (
        Filmed(2900, size, noise=0.0),
        Filmed(2900, size, type(look)(look.inks, None), noise=0.0),
    )
    picture, boxes = plain.frame(20.0)
    other, same = dressed.frame(20.0)
    assert np.array_equal(boxes.edges, same.edges)
    assert (boxes.kinds == PLAYER).sum() > 15
    differs = np.abs(picture.astype(int) - other).max(axis=2) > 30
    inside = np.zeros_like(differs)
    for left, top, right, bottom in boxes.edges:
        rows = slice(max(0, int(top) - 1), int(bottom) + 2)
        columns = slice(max(0, int(left) - 1), int(right) + 2)
        inside[rows, columns] = True
        assert differs[rows, columns].any() or bottom - top < 4
    assert not (differs & ~inside).any()


@pytest.mark.slow
def test_a_job_makes_the_same_pictures_again() -> None:
    job = Job(2901, 1, False, frames=1, size=(640, 360))
    one, other = do(job), do(job)
    assert one.pictures.shape[1:] == (PART[1], PART[0], 3)
    assert one.edges.shape[1:] == (MOST, 4)
    for column, again in zip(one, other, strict=True):
        assert np.array_equal(column, again)
    assert set(np.unique(one.kinds)) == {-1, BALL, PLAYER}
