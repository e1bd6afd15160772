"""The scores, against cases that can be counted by hand."""

from __future__ import annotations

import numpy as np
import pytest

from training.filming import BALL, PLAYER, Boxes
from training.scores import all_scores, nearness, overlap, score


def boxes(*edges, kind=PLAYER, ignored=()):
    array = np.array(edges, np.float32).reshape(-1, 4)
    hidden = np.array([n in ignored for n in range(len(array))], bool)
    return Boxes(array, np.full(len(array), kind, np.int64), hidden)


def found(*rows, kind=PLAYER):
    return np.array([(*row, kind) for row in rows], np.float32).reshape(-1, 6)


def test_all_found_and_nothing_else():
    truth = boxes((0, 0, 10, 20), (30, 0, 40, 20))
    got = score([found((0, 0, 10, 20, 0.9), (31, 0, 41, 20, 0.4))], [truth], PLAYER)
    assert (got.average_precision, got.precision, got.recall, got.truths) == (1, 1, 1, 2)
    assert got.threshold == pytest.approx(0.4)


def test_a_false_one_between_two_right_ones():
    """Precision 1 up to a recall of 1/2, then 2/3."""
    truth = boxes((0, 0, 10, 20), (30, 0, 40, 20))
    rows = ((0, 0, 10, 20, 0.9), (60, 0, 70, 20, 0.8), (30, 0, 40, 20, 0.7))
    got = score([found(*rows)], [truth], PLAYER)
    assert got.average_precision == pytest.approx(0.5 + 0.5 * 2 / 3)
    assert got.recall == 1
    assert got.precision == pytest.approx(2 / 3)


def test_twice_found_is_once_wrong():
    got = score([found((0, 0, 10, 20, 0.9), (0, 1, 10, 21, 0.8))], [boxes((0, 0, 10, 20))], PLAYER)
    assert got.average_precision == 1
    assert got.precision == 1
    assert got.threshold == pytest.approx(0.9)
    other = score([found((0, 0, 10, 20, 0.8), (60, 1, 70, 21, 0.9))], [boxes((0, 0, 10, 20))], PLAYER)
    assert other.average_precision == pytest.approx(0.5)


def test_ignored_ones_do_not_count():
    truth = boxes((0, 0, 10, 20), (30, 0, 40, 20), ignored=(1,))
    got = score([found((0, 0, 10, 20, 0.9), (30, 0, 40, 20, 0.95))], [truth], PLAYER)
    assert (got.average_precision, got.precision, got.truths) == (1, 1, 1)


def test_pictures_are_kept_apart():
    got = score(
        [found((0, 0, 10, 20, 0.9)), found()], [boxes((50, 0, 60, 20)), boxes((0, 0, 10, 20))], PLAYER
    )
    assert got.average_precision == 0
    assert got.truths == 2


def test_a_small_ball_half_a_pixel_off_is_found_by_its_place_only():
    truth, near = boxes((10, 10, 12, 12), kind=BALL), found((10.6, 10.5, 12.6, 12.5, 0.9), kind=BALL)
    scores = all_scores([near], [truth])
    assert scores["ball"].average_precision == 0
    assert scores["ball by place"].average_precision == 1
    assert scores["player"].truths == 0


def test_likeness_of_boxes():
    one, other = np.array([[0, 0, 2, 2]], np.float32), np.array([[1, 0, 3, 2], [9, 0, 11, 2]], np.float32)
    assert overlap(one, other).tolist() == [[pytest.approx(1 / 3), 0]]
    assert nearness(one, other).tolist() == [[pytest.approx(1 - 0.5 / 3), 0]]
    assert nearness(one, other[:0]).shape == (1, 0)
