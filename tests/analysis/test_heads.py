"""One scene, written as each kind of network would write it, is read as the same scene."""

from __future__ import annotations

import numpy as np
import pytest

from touchline.analysis.heads import Head
from touchline.errors import ConfigurationError

SIZE = (640, 384)
CELLS = 80 * 48 + 40 * 24 + 20 * 12
# left, top, right, bottom, score, class
SCENE = np.array(
    [[100, 50, 140, 150, 0.9, 0], [300, 200, 308, 208, 0.6, 2], [10, 10, 50, 100, 0.4, 0]], np.float64
)


def middles(rows: np.ndarray) -> np.ndarray:
    return np.concatenate([(rows[:, :2] + rows[:, 2:4]) / 2, rows[:, 2:4] - rows[:, :2]], axis=1)


def scores(count: int, classes: int) -> np.ndarray:
    made = np.full((count, classes), 0.01)
    made[np.arange(len(SCENE)), SCENE[:, 5].astype(int)] = SCENE[:, 4]
    return made


def padded(table: np.ndarray, count: int) -> np.ndarray:
    return np.concatenate([table, np.tile([5.0, 5, 2, 2], (count - len(table), 1))])


def columns(classes: int) -> list[np.ndarray]:
    return [np.concatenate([padded(middles(SCENE), CELLS), scores(CELLS, classes)], axis=1).T]


def rows(classes: int) -> list[np.ndarray]:
    sure = np.full((3 * CELLS, 1), 0.8)
    return [
        np.concatenate([padded(middles(SCENE), 3 * CELLS), sure, scores(3 * CELLS, classes) / 0.8], axis=1)
    ]


def final(_classes: int) -> list[np.ndarray]:
    return [np.concatenate([SCENE, np.zeros((297, 6))])]


def dets(_classes: int) -> list[np.ndarray]:
    table = np.concatenate([SCENE, np.zeros((97, 6))])
    return [table[:, :5], table[:, 5].astype(np.int64)]


def parts(_classes: int) -> list[np.ndarray]:
    table = np.concatenate([SCENE, np.full((97, 6), 7.0)])
    return [np.array([3], np.int32), table[:, :4], table[:, 4], table[:, 5].astype(np.int32)]


def queries(classes: int) -> list[np.ndarray]:
    logits = np.log(scores(300, classes)) - np.log(1 - scores(300, classes))
    return [logits, padded(middles(SCENE), 300) / [*SIZE, *SIZE]]


def query(classes: int) -> list[np.ndarray]:
    return [np.concatenate([padded(middles(SCENE), 300) / [*SIZE, *SIZE], scores(300, classes)], axis=1)]


@pytest.mark.parametrize("classes", [3, 80])
@pytest.mark.parametrize("write", [columns, rows, final, dets, parts, queries, query])
def test_each_layout_says_the_same(write, classes: int) -> None:
    batch = [np.stack([one, one]) for one in write(classes)]
    head = Head.of([one.shape for one in batch], SIZE, classes)
    assert head.layout == write.__name__
    made = head.rows(batch, 2, 0.1)
    assert len(made) == 2
    for found in made:
        assert np.abs(found - SCENE).max() < 1e-6


def test_a_list_over_the_batch_is_sorted_by_picture() -> None:
    table = np.array([[1, 1, 2, 3, 4, 0, 0.9], [0, 5, 6, 7, 8, 2, 0.8]], np.float32)
    first, second = Head.of([(2, 7)], SIZE).rows([table], 2, 0.1)
    assert first.round(3).tolist() == [[5, 6, 7, 8, 0.8, 2]]
    assert second.round(3).tolist() == [[1, 2, 3, 4, 0.9, 0]]


@pytest.mark.parametrize("classes", [1, 2])
def test_two_classes_are_not_taken_for_suppressed_boxes(classes: int) -> None:
    """Rows of six are also what YOLOv5 has for one class: their number tells."""
    batch = [one[None] for one in rows(3)]
    batch = [np.concatenate([one[..., :5], one[..., 5 : 5 + classes]], axis=-1) for one in batch]
    head = Head.of([one.shape for one in batch], SIZE)
    assert head.layout == "rows"
    assert head.classes == classes
    assert not head.suppresses


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e30])
def test_nonsense_is_left_out(bad: float) -> None:
    table = np.concatenate([SCENE, np.zeros((297, 6))])
    for column in range(6):
        broken = table.copy()
        broken[1, column] = bad
        found = Head.of([(1, 300, 6)], SIZE).rows([broken[None]], 1, 0.1)[0]
        assert np.isfinite(found).all()
        assert len(found) == 2


def test_boxes_turned_inside_out_are_left_out() -> None:
    table = np.concatenate([SCENE[:, [2, 3, 0, 1, 4, 5]], np.zeros((297, 6))])
    assert len(Head.of([(1, 300, 6)], SIZE).rows([table[None]], 1, 0.1)[0]) == 0


def test_outputs_that_change_their_shape_are_noticed() -> None:
    head = Head.of([(1, 300, 6)], SIZE)
    with pytest.raises(ValueError, match="shape"):
        head.rows([np.zeros((1, 300, 5))], 1, 0.1)
    with pytest.raises(ValueError, match="fewer than 2"):
        head.rows([np.zeros((1, 300, 6))], 2, 0.1)


@pytest.mark.parametrize(
    "shapes", [[(1, 1000)], [(1, 3, 64, 64)], [(1, 84, 8400), (1, 32, 160, 160)], [(1, 4)], [], [(1, 300, 4)]]
)
def test_what_is_no_head_is_refused_with_what_was_expected(shapes) -> None:
    with pytest.raises(ConfigurationError, match=r"expected is a YOLO head .* or a DETR head") as refused:
        Head.of(shapes, SIZE)
    assert "\n" not in str(refused.value)
