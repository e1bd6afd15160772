"""Players from the blobs of a foreground: torn ones put together, groups taken apart, by a person's size there.

Groups are taken apart at their heads: peaks of the outline from above (Haritaoglu, Harwood and Davis, "W4", 2000).
"""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from touchline.analysis.detections import Detection
from touchline.analysis.ground import Ground

Floats = NDArray[np.float64]

_FILLED = 0.42  # of a person's box, when standing with the arms down
_PART = 0.05  # of that area, below which a blob is no part of anybody
_DENSE = 0.2  # of its box, below which it is scattered noise
_LEAST = (0.4, 0.22)  # of a person's height and area, below which nobody is there
_GROUP = (1.25, 1.35)  # of a person's width and height, above which there may be more than one
_DEEP = 0.22  # of a person's height, how far the outline falls between two heads
_BESIDE = 0.8  # of a person's width, from the middle: what belongs to the same one
_UNSURE = 0.12
_FEWEST = 6  # pixels that are anybody
_MOST_IN_GROUP = 6


class Crowd:
    """Persons, as boxes in pixels: shape (n, 4), and how sure each is."""

    def __init__(self, boxes: Floats, sure: Floats) -> None:
        self.boxes, self.sure = boxes, sure

    def detections(self) -> list[Detection]:
        return [
            Detection(left, top, right, bottom, "player", confidence)
            for (left, top, right, bottom), confidence in zip(
                self.boxes.tolist(), self.sure.tolist(), strict=True
            )
        ]


def find_people(parts: NDArray[np.void], mask: NDArray[np.bool_], top_row: int, ground: Ground) -> Crowd:
    """Persons of a foreground.

    Args:
        parts: of :data:`~touchline.analysis.components.COMPONENT`, in the panorama's pixels.
        mask: the foreground, shape (rows, width), of which row 0 is the panorama's row ``top_row``.
        ground: how large people are.
    """
    if not len(parts):
        return Crowd(np.zeros((0, 4)), np.zeros(0))
    left, top, right, bottom, area, x = (
        parts[name].astype(np.float64) for name in ("left", "top", "right", "bottom", "area", "x")
    )
    wide, tall = ground.person(x, bottom - 0.5)
    full = _FILLED * wide * tall
    # The nearest first: whoever stands lowest has feet of his own.
    order = np.argsort(-bottom, kind="stable")
    groups = _grouped(order, area >= _PART * full, x, top, bottom, area, wide, tall)
    boxes, sure = [], []
    for group in range(groups.max(initial=-1) + 1):
        mine = groups == group
        box = np.array([left[mine].min(), top[mine].min(), right[mine].max(), bottom[mine].max()])
        for each, covered in _apart(box, float(area[mine].sum()), mask, top_row, ground):
            confidence = _fit(each, covered, ground)
            if confidence >= _UNSURE:
                boxes.append(each)
                sure.append(confidence)
    return Crowd(np.array(boxes).reshape(-1, 4), np.array(sure))


@njit(nogil=True, cache=True)
def _grouped(
    order: Any, usable: Any, x: Any, top: Any, bottom: Any, area: Any, wide: Any, tall: Any
) -> NDArray[np.int64]:
    """Whose body each part belongs to, as far as the threshold has torn it: a number, or -1.

    To one that has the lowest part belongs what is above it, not higher than a person, nor further beside its middle
    than half a person.
    """
    groups = np.full(len(order), -1, np.int64)
    count = 0
    for one in order:
        if not usable[one] or groups[one] >= 0:
            continue
        middle = x[one]
        for last in range(2):
            weight, total = 0.0, 0.0
            for other in order:
                near = usable[other] and groups[other] < 0
                near = near and abs(x[other] - middle) <= _BESIDE * wide[one] and bottom[other] <= bottom[one]
                near = near and (top[other] + bottom[other]) / 2 >= bottom[one] - 1.1 * tall[one]
                if near or other == one:
                    weight += area[other]
                    total += area[other] * x[other]
                    if last:
                        groups[other] = count
            middle = total / weight
        count += 1
    return groups


def _apart(
    box: Floats, area: float, mask: NDArray[np.bool_], top_row: int, ground: Ground
) -> list[tuple[Floats, float]]:
    """Boxes of one person each, and how many pixels each covers: a group is cut between its heads."""
    left, top, right, bottom = box
    w, h = (float(n) for n in ground.person((left + right) / 2, bottom - 0.5))
    if right - left < _GROUP[0] * w and bottom - top < _GROUP[1] * h:
        return [(box, area)]
    rows, columns = slice(int(top) - top_row, int(bottom) - top_row), slice(int(left), int(right))
    inside = mask[rows, columns]
    heads = _heads(inside, w, _DEEP * h).tolist()
    if len(heads) < 2:
        return [(box, area)]
    marks = [0, *((a + b + 1) // 2 for a, b in itertools.pairwise(heads)), inside.shape[1]]
    found = []
    for first, last in itertools.pairwise(marks):
        part = inside[:, first:last]
        filled, sides = np.nonzero(part.any(axis=1))[0], np.nonzero(part.any(axis=0))[0]
        end = min(float(filled[-1]) + 1, float(filled[0]) + 1.2 * h)
        one = np.array([left + first + sides[0], top + filled[0], left + first + sides[-1] + 1, top + end])
        found.append((one, float(np.count_nonzero(part[: int(end)]))))
    return found


@njit(nogil=True, cache=True)
def _heads(inside: Any, width: float, deep: float) -> Any:
    """Columns in which the outline has its peaks, with valleys of at least ``deep`` pixels between them, in order."""
    rows, columns = inside.shape
    height = np.zeros(columns)
    for c in range(columns):
        for r in range(rows):
            if inside[r, c]:
                height[c] = rows - r
                break
    # What few pixels stick out is an arm or noise: a peak is about as wide as a head.
    reach = max(1, int(width / 12 + 0.5))
    found = np.empty(_MOST_IN_GROUP, np.int64)
    count, highest, lowest, place, rising = 0, -1.0, 0.0, 0, True
    for c in range(columns + 1):
        here = 0.0
        if c < columns:
            here = height[max(0, c - reach) : min(columns, c + reach + 1)].min()
        if rising:
            if here > highest:
                highest, place = here, c
            elif here < highest - deep or (c == columns and highest > deep):
                if count < _MOST_IN_GROUP and (count == 0 or place - found[count - 1] >= 0.5 * width):
                    found[count] = place
                    count += 1
                lowest, rising = here, False
        else:
            lowest = min(lowest, here)
            if here > lowest + deep:
                highest, place, rising = here, c, True
    return found[:count]


def _fit(box: Floats, area: float, ground: Ground) -> float:
    """How sure it is that a box holds a person, 0 .. 1, by its size there."""
    left, top, right, bottom = box
    w, h = (float(n) for n in ground.person((left + right) / 2, bottom - 0.5))
    if area < _FEWEST or area < _DENSE * (bottom - top) * (right - left):
        return 0.0
    if bottom - top < _LEAST[0] * h or area < _LEAST[1] * _FILLED * w * h:
        return 0.0
    off = np.log((bottom - top) / h) / 0.45, np.log((right - left) / w) / 0.9
    filled = min(1.0, area / (0.7 * _FILLED * w * h))
    return float(np.exp(-0.5 * (off[0] ** 2 + off[1] ** 2)) * (0.3 + 0.7 * filled))
