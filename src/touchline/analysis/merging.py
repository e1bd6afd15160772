"""What a detector found in each tile, put together: everything once, and whole."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from touchline.analysis.detections import Detection
from touchline.analysis.tiles import Tile
from touchline.geometry import Panorama

Floats = NDArray[np.float64]

_SAME = 0.5  # of two boxes' union that they share if they are one object
_WITHIN = 0.75  # of the smaller one, where a tile's edge may have cut it anywhere
_AT_EDGE = 2.0  # pixels from a tile's edge within which a box may have been cut by it


def merge(boxes: Floats, tile_of: NDArray[np.intp], tiles: Sequence[Tile], size: tuple[int, int]) -> Floats:
    """Boxes from overlapping tiles as boxes of the panorama.

    Two boxes of one class from two tiles are the same object if they look alike in what both tiles show, as they do
    if both are whole, one is cut or both are. Their object has those of their edges that no tile has cut: the mean by
    confidence, as in weighted boxes fusion (Solovyev et al. 2021); where all are cut, the outermost. What then still
    covers a better one of its class is left out (greedy non-maximum suppression).

    Args:
        boxes: shape (n, 6): left, top, right, bottom in the panorama's pixels, confidence, class.
        tile_of: shape (n,): which tile each is from.
        tiles: as they were cut.
        size: of the panorama: its own edges cut nothing that could be put together.

    Returns:
        The same columns, shape (m, 6), by falling confidence.
    """
    if not len(boxes):
        return np.zeros((0, 6))
    frames = np.array([(t.x, t.y, t.x + t.width, t.y + t.height) for t in tiles], np.float64)[tile_of]
    cut = _cut(boxes, frames, size)
    groups = _components(_same(boxes, frames, cut, tile_of))
    joined = np.array([_joined(boxes[mine], cut[mine]) for mine in groups])
    return suppressed(joined)


def suppressed(boxes: Floats, same: float = _SAME) -> Floats:
    """Greedy non-maximum suppression, class by class. Rows as of :func:`merge`, by falling confidence."""
    boxes = boxes[np.argsort(-boxes[:, 4], kind="stable")]
    if not len(boxes):
        return boxes
    alike = _over_union(boxes) > same
    kept = np.ones(len(boxes), np.bool_)
    for one in range(len(boxes)):
        if kept[one]:
            kept[one + 1 :] &= ~alike[one, one + 1 :]
    return np.asarray(boxes[kept])


def in_angles(found: Detection, panorama: Panorama) -> tuple[float, float, float, float]:
    """A box as yaw of its left edge, pitch of its upper one, yaw and pitch of the other two, in degrees.

    Where rows are not of one pitch (the pitch projection), at the middle of the box.
    """
    x = np.array([found.left, (found.left + found.right) / 2, found.right]) - 0.5
    yaw, _ = panorama.pixels_to_angles(x, found.top - 0.5)
    _, pitch = panorama.pixels_to_angles(x[1], np.array([found.top, found.bottom]) - 0.5)
    return (
        math.degrees(float(yaw[0])),
        math.degrees(float(pitch[0])),
        math.degrees(float(yaw[2])),
        math.degrees(float(pitch[1])),
    )


def _cut(boxes: Floats, frames: Floats, size: tuple[int, int]) -> NDArray[np.bool_]:
    """Which edges of each box, shape (n, 4), lie where a tile ends and the panorama does not."""
    at_edge = np.abs(boxes[:, :4] - frames) <= _AT_EDGE
    inside = np.stack(
        [frames[:, 0] > 0, frames[:, 1] > 0, frames[:, 2] < size[0], frames[:, 3] < size[1]], axis=-1
    )
    return np.asarray(at_edge & inside)


def _same(
    boxes: Floats, frames: Floats, cut: NDArray[np.bool_], tile_of: NDArray[np.intp]
) -> NDArray[np.bool_]:
    """Which pairs are one object, shape (n, n)."""
    same = np.zeros((len(boxes), len(boxes)), np.bool_)
    i, j = _overlapping(boxes)
    i, j = (each[tile_of[i] != tile_of[j]] for each in (i, j))
    # In what both tiles show: what the one and what the other has there.
    first = np.maximum(frames[i, :2], frames[j, :2])
    last = np.minimum(frames[i, 2:], frames[j, 2:])
    low, high = np.maximum(boxes[:, :2][[i, j]], first), np.minimum(boxes[:, 2:4][[i, j]], last)
    own, its = np.clip(high - low, 0, None).prod(axis=-1)
    common = np.clip(high.min(axis=0) - low.max(axis=0), 0, None).prod(axis=-1)
    alike = common > _SAME * (own + its - common)
    alike |= cut[[i, j]].any(axis=(0, 2)) & (common > _WITHIN * np.minimum(own, its))
    same[i, j] = alike & (common > 0)
    return np.asarray(same | same.T)


def _overlapping(boxes: Floats) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """The pairs, by their two places, of boxes of one class that share anything: few of all that there are."""
    left, top, right, bottom, _, kind = boxes.T
    begins = (left[:, None] < right) & (top[:, None] < bottom)  # the one before the other ends
    i, j = np.nonzero(np.triu(begins & begins.T & (kind[:, None] == kind), 1))
    return i, j


def _components(same: NDArray[np.bool_]) -> list[NDArray[np.intp]]:
    """Sets of indices that hang together."""
    label = np.arange(len(same))
    while True:
        lowest = np.where(same, label[None, :], label[:, None]).min(axis=1, initial=len(same))
        lowest = np.minimum(lowest, label)
        if (lowest == label).all():
            break
        label = lowest
    return [np.nonzero(label == each)[0] for each in np.unique(label)]


def _joined(boxes: Floats, cut: NDArray[np.bool_]) -> Floats:
    if len(boxes) == 1:
        return np.asarray(boxes[0])
    made = boxes[int(np.argmax(boxes[:, 4]))].copy()
    for edge in range(4):
        whole = ~cut[:, edge]
        if whole.any():
            weights = boxes[whole, 4] + 1e-9
            made[edge] = boxes[whole, edge] @ weights / weights.sum()
        else:
            made[edge] = boxes[:, edge].min() if edge < 2 else boxes[:, edge].max()
    return np.asarray(made)


def _over_union(boxes: Floats) -> Floats:
    """The share of two boxes' union that both cover, shape (n, n); 0 for those of two classes, and for itself."""
    made = np.zeros((len(boxes), len(boxes)))
    i, j = _overlapping(boxes)
    low, high = np.maximum(boxes[i, :2], boxes[j, :2]), np.minimum(boxes[i, 2:4], boxes[j, 2:4])
    common = (high - low).prod(axis=-1)
    area = (boxes[:, 2:4] - boxes[:, :2]).prod(axis=-1)
    made[i, j] = made[j, i] = common / np.maximum(area[i] + area[j] - common, 1e-12)
    return made
