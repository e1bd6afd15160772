"""What a detection network's numbers mean: rows of left, top, right, bottom, confidence and class.

========  ================================================================  ========================================
layout    outputs, for a batch of B                                         from
========  ================================================================  ========================================
columns   (B, 4 + classes, N): middle and size in samples, scores           YOLOv8, v9, v11, v12
rows      (B, N, 5 + classes): the same, with an objectness before          YOLOv5, YOLOv7
final     (B, N, 6): edges in samples, score, class                         YOLOv10, built-in suppression
listed    (M, 7): place in the batch, edges, class, score                   YOLOv7 with its end to end export
parts     (B, N, 4) edges, (B, N) scores, (B, N) classes, maybe (B, 1)      EfficientNMS, and others
dets      (B, N, 5) edges and score, (B, N) classes                         MMDeploy
queries   (B, N, 4) middle and size, 0 .. 1, (B, N, classes) logits         DETR, RT-DETR, RF-DETR
query     (B, N, 4 + classes): the same in one, with probabilities          RT-DETR as Ultralytics exports it
========  ================================================================  ========================================
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from touchline.errors import ConfigurationError

Floats = NDArray[np.float64]
Layout = Literal["columns", "rows", "final", "listed", "parts", "dets", "queries", "query"]

EXPECTED = (
    "a YOLO head (1 x 4+classes x n, 1 x n x 5+classes, or 1 x n x 6 with built-in suppression) "
    "or a DETR head (boxes 1 x n x 4 and logits 1 x n x classes)"
)
_MOST_FINAL = 1000  # rows that a built-in suppression leaves at most
_STRIDES = ((8, 16, 32), (4, 8, 16, 32), (8, 16, 32, 64), (8, 16), (16, 32), (4, 8, 16))
_MOST_CLASSES = 100_000
_MOST = 1000  # rows of one picture that are looked at


@dataclass(frozen=True)
class Head:
    """How to read a network.

    Attributes:
        layout: see the table above.
        order: which of the outputs are the layout's, in its order.
        classes: how many there are; None where the numbers don't say.
        suppresses: whether the network has left out what it found twice.
        size: width and height of the input, in samples.
    """

    layout: Layout
    order: tuple[int, ...]
    classes: int | None
    suppresses: bool
    size: tuple[int, int]

    @classmethod
    def of(cls, shapes: Sequence[tuple[int, ...]], size: tuple[int, int], classes: int | None = None) -> Head:
        """The head whose outputs have these shapes.

        Args:
            shapes: for a batch, in the network's order.
            size: of the input, in samples.
            classes: if they are known otherwise.

        Raises:
            ConfigurationError: for shapes of no head that is known.
        """
        found = _single(shapes[0], size, classes) if len(shapes) == 1 else _several(shapes)
        if found is None:
            told = ", ".join(" x ".join(str(n) for n in shape) for shape in shapes) or "nothing"
            raise ConfigurationError(f"its outputs are {told}; expected is {EXPECTED}")
        layout, order, told_classes = found
        suppresses = layout not in ("columns", "rows")
        return cls(layout, order, told_classes if told_classes is not None else classes, suppresses, size)

    def rows(self, outputs: Sequence[NDArray[np.generic]], pictures: int, least: float) -> list[Floats]:
        """What was found in each picture of a batch, shape (n, 6) each, edges in samples of the input.

        What is not finite, empty or less sure than ``least`` is left out.

        Raises:
            ValueError: for outputs of other shapes than the head was made for.
        """
        chosen = [np.asarray(outputs[place], np.float64) for place in self.order]
        if self.layout == "listed":
            table = _checked(chosen[0], 2, 7)
            made = [table[table[:, 0] == k][:, [1, 2, 3, 4, 6, 5]] for k in range(pictures)]
        else:
            if any(len(one) < pictures for one in chosen):
                raise ValueError(f"the network's outputs are for fewer than {pictures} pictures")
            made = [self._read([one[k] for one in chosen]) for k in range(pictures)]
        return [_sound(rows, least) for rows in made]

    def _read(self, parts: list[Floats]) -> Floats:
        width, height = self.size
        if self.layout in ("columns", "rows", "query"):
            table = _checked(parts[0].T if self.layout == "columns" else parts[0], 2, None)
            scores = table[:, 5:] * table[:, 4:5] if self.layout == "rows" else table[:, 4:]
            boxes = table[:, :4] * ([width, height] * 2) if self.layout == "query" else table[:, :4]
            return _best(_edges(boxes), scores)
        if self.layout == "final":
            return _checked(parts[0], 2, 6)
        if self.layout == "dets":
            return np.concatenate([_checked(parts[0], 2, 5), parts[1].reshape(-1, 1)], axis=1)
        if self.layout == "parts":
            boxes = _checked(parts[0], 2, 4)
            table = np.concatenate([boxes, parts[1].reshape(-1, 1), parts[2].reshape(-1, 1)], axis=1)
            return table[: int(parts[3].item())] if len(parts) > 3 else table
        boxes, logits = _checked(parts[0], 2, 4), _checked(parts[1], 2, None)
        with np.errstate(over="ignore", invalid="ignore"):
            inside = ((logits >= 0) & (logits <= 1)).all()
            scores = logits if inside else 1 / (1 + np.exp(-logits))
        return _best(_edges(boxes * ([width, height] * 2)), scores)


def _single(
    shape: tuple[int, ...], size: tuple[int, int], classes: int | None
) -> tuple[Layout, tuple[int, ...], int | None] | None:
    if len(shape) == 2 and shape[1] == 7:
        return "listed", (0,), None
    if len(shape) != 3:
        return None
    _, first, last = shape
    cells = _cells(size)
    if last in cells or (first >= 5 and last > first and last not in (6,) and last > _MOST_FINAL):
        return ("columns", (0,), first - 4) if first >= 5 and _fits(first - 4, classes) else None
    if first in {3 * n for n in cells} or (
        classes is not None and last == classes + 5 and first > _MOST_FINAL
    ):
        return ("rows", (0,), last - 5) if last >= 6 and _fits(last - 5, classes) else None
    if last == 6 and first <= _MOST_FINAL:
        return "final", (0,), None
    if last >= 5 and first <= _MOST_FINAL and _fits(last - 4, classes):
        return "query", (0,), last - 4
    if first >= 5 and classes is not None and first == classes + 4:
        return "columns", (0,), classes
    return None


def _several(shapes: Sequence[tuple[int, ...]]) -> tuple[Layout, tuple[int, ...], int | None] | None:
    flat = [k for k, shape in enumerate(shapes) if len(shape) == 2 and shape[1] > 1]
    single = [k for k, shape in enumerate(shapes) if len(shape) == 1 or (len(shape) == 2 and shape[1] == 1)]
    deep = [k for k, shape in enumerate(shapes) if len(shape) == 3]
    four = [k for k in deep if shapes[k][2] == 4]
    if len(shapes) == 2 and len(deep) == 2 and four and shapes[deep[0]][1] == shapes[deep[1]][1]:
        # Of two that have four columns the boxes come first: four classes are rarer.
        boxes = four[0]
        logits = next(k for k in deep if k != boxes)
        return "queries", (boxes, logits), shapes[logits][2]
    if len(shapes) == 2 and len(deep) == 1 and shapes[deep[0]][2] == 5 and len(flat) == 1:
        return "dets", (deep[0], flat[0]), None
    if len(deep) == 1 and four and len(flat) == 2 and len(single) <= 1:
        return "parts", (four[0], *flat, *single), None
    return None


def _cells(size: tuple[int, int]) -> set[int]:
    """How many places a YOLO of the usual strides looks at."""
    return {sum(-(-size[0] // stride) * -(-size[1] // stride) for stride in strides) for strides in _STRIDES}


def _fits(told: int, classes: int | None) -> bool:
    return classes is None or told == classes


def _edges(boxes: Floats) -> Floats:
    """From middle and size."""
    half = boxes[:, 2:] / 2
    return np.concatenate([boxes[:, :2] - half, boxes[:, :2] + half], axis=1)


def _best(edges: Floats, scores: Floats) -> Floats:
    """With the best class of each."""
    label = scores.argmax(axis=1)
    best = scores[np.arange(len(scores)), label]
    return np.concatenate([edges, best[:, None], label[:, None].astype(np.float64)], axis=1)


def _sound(rows: Floats, least: float) -> Floats:
    """The rows that can be boxes, the surest."""
    with np.errstate(invalid="ignore"):
        good = np.isfinite(rows).all(axis=1) & (rows[:, 4] >= max(least, 1e-6)) & (rows[:, 4] <= 1.0 + 1e-3)
        good &= (
            (rows[:, 2] > rows[:, 0]) & (rows[:, 3] > rows[:, 1]) & (np.abs(rows[:, :4]) < 1e6).all(axis=1)
        )
    with np.errstate(invalid="ignore"):
        good &= (rows[:, 5] >= 0) & (rows[:, 5] < _MOST_CLASSES)
    rows = rows[good]
    rows[:, 4] = np.minimum(rows[:, 4], 1.0)
    return np.asarray(rows[np.argsort(-rows[:, 4], kind="stable")[:_MOST]])


def _checked(table: Floats, axes: int, columns: int | None) -> Floats:
    if table.ndim != axes or (columns is not None and table.shape[1] != columns) or table.shape[1] < 1:
        raise ValueError(f"an output has the shape {table.shape}, which its head does not have")
    return table
