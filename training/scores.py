"""How good found boxes are: average precision, and precision and recall at the best threshold."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.filming import BALL, Boxes, area

Floats = NDArray[np.float32]
Likeness = Callable[[Floats, Floats], NDArray[np.float64]]


@dataclass(frozen=True)
class Score:
    """Of one kind of thing.

    Attributes:
        average_precision: area under the curve of precision over recall, each precision the best at that recall
            or a higher one.
        threshold: the score at which precision and recall are in best balance (F1).
        precision, recall: there.
        truths: how many things there were to be found.
    """

    average_precision: float
    threshold: float
    precision: float
    recall: float
    truths: int


def overlap(one: Floats, other: Floats) -> NDArray[np.float64]:
    """Intersection over union of all pairs of boxes (n, 4) and (m, 4), shape (n, m)."""
    low = np.maximum(one[:, None, :2], other[None, :, :2])
    high = np.minimum(one[:, None, 2:], other[None, :, 2:])
    both = np.maximum(high - low, 0).prod(axis=2)
    union = area(one)[:, None] + area(other)[None, :] - both
    return np.asarray(both / np.maximum(union, 1e-9), np.float64)


def nearness(one: Floats, other: Floats) -> NDArray[np.float64]:
    """1 where the middles of boxes are the same, 0.5 where they are a diameter of the other or 3 pixels apart,
    whichever is more; shape (n, m). A ball of two pixels that is found half a pixel off overlaps by a third only."""
    middles = [(edges[:, :2] + edges[:, 2:]) / 2 for edges in (one, other)]
    gap = np.linalg.norm(middles[0][:, None] - middles[1][None], axis=2)
    reach = np.maximum((other[:, 2:] - other[:, :2]).max(axis=1, initial=0), 3.0)
    return np.asarray(np.clip(1 - 0.5 * gap / reach[None], 0, 1), np.float64)


def score(found: Sequence[Floats], truths: Sequence[Boxes], kind: int, likeness: Likeness = overlap) -> Score:
    """Scores the boxes found in pictures, a found one being right if it is like a truth by 0.5 at least.

    Args:
        found: for each picture left, top, right, bottom, score, kind, shape (n, 6).
        truths: of the same pictures. What is like an ignored one is neither right nor wrong.
    """
    marks: list[tuple[float, bool]] = []
    count = 0
    for boxes, truth in zip(found, truths, strict=True):
        mine = boxes[(boxes[:, 5] == kind) & (boxes[:, 4] > 0)]
        marks += _marked(mine[np.argsort(-mine[:, 4], kind="stable")], truth, kind, likeness)
        count += int(((truth.kinds == kind) & ~truth.ignored).sum())
    if not marks or not count:
        return Score(0.0, 1.0, 0.0, 0.0, count)
    scores, right = (np.array(column) for column in zip(*sorted(marks, reverse=True), strict=True))
    hits = np.cumsum(right)
    precision, recall = hits / np.arange(1, len(hits) + 1), hits / count
    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    average = float(np.sum(np.diff(recall, prepend=0.0) * envelope))
    best = int(np.argmax(2 * precision * recall / np.maximum(precision + recall, 1e-9)))
    return Score(average, float(scores[best]), float(precision[best]), float(recall[best]), count)


def _marked(boxes: Floats, truth: Boxes, kind: int, likeness: Likeness) -> list[tuple[float, bool]]:
    """Score of each box, the likeliest first, and whether it is right; without those that don't count."""
    own = truth.edges[(truth.kinds == kind) & ~truth.ignored]
    other = truth.edges[(truth.kinds == kind) & truth.ignored]
    likes, likes_ignored = likeness(boxes[:, :4], own), likeness(boxes[:, :4], other)
    free = np.ones(len(own), bool)
    marks = []
    for box, like, near in zip(boxes, likes, likes_ignored, strict=True):
        candidates = np.where(free, like, -1.0)
        best = int(np.argmax(candidates)) if len(own) else -1
        if best >= 0 and candidates[best] >= 0.5:
            free[best] = False
            marks.append((float(box[4]), True))
        elif not (near >= 0.5).any():
            marks.append((float(box[4]), False))
    return marks


def all_scores(found: Sequence[Floats], truths: Sequence[Boxes]) -> dict[str, Score]:
    """Ball and players by overlap, and the ball by its place."""
    return {
        "ball": score(found, truths, BALL),
        "ball by place": score(found, truths, BALL, nearness),
        "player": score(found, truths, 1 - BALL),
    }
