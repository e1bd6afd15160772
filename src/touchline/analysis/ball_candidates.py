"""What may be the ball among the small blobs and the bright spots of a foreground, and how likely each is."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from touchline.analysis.detections import Detection
from touchline.analysis.ground import BALL_M, Ground
from touchline.analysis.small_objects import SmallObjects, bell, sigmoid

Floats = NDArray[np.float64]

MOST = 10  # in one frame
_CONSIDERED = 60
_BLUR = 0.8  # pixels that optics and compression add to a diameter
_LARGEST = 3.2  # of the diameter expected on the ground: high up and near, or drawn out by its speed
_AIR = 0.65  # of that, up to which a size is as good as the one on the ground
_FEET = 0.6  # of a person's height, from the top: a ball within a box is mostly lower than that
_TOUCHED = 2.2  # pixels that a ball's blob may be larger than the ball
_FAR = 1.7  # of the smallest ball that can be seen: below that a ball may be one that flies high and near
_NEARBY = 0.6  # of a good one's worth, for what is where it was
_LEAST = 0.05


class BallCandidates:
    """Finds and remembers them. For one thread."""

    def __init__(self) -> None:
        self._objects = SmallObjects()

    def find(
        self, parts: NDArray[np.void], spots: Floats, people: Floats, ground: Ground, now_s: float
    ) -> list[Detection]:
        """The likeliest, at most :data:`MOST`.

        Args:
            parts: connected parts of the foreground, in the panorama's pixels.
            spots: bright spots of people: see :func:`~touchline.analysis.peaks.bright_spots`.
            people: boxes of persons, shape (n, 4).
            ground: what is how large.
            now_s: the frame's time.
        """
        boxes, alone = _blobs(parts, people, ground)
        spots = _not_in(spots, boxes)
        at_people = np.minimum(spots[:, 3] / 40.0, 1.0) * _on_body(spots[:, 0], spots[:, 1], people)
        half = np.maximum(spots[:, 2:3], 1.0) / 2
        middle = spots[:, :2] + 0.5
        boxes = np.concatenate([boxes, np.concatenate([middle - half, middle + half], axis=1)])
        first = np.concatenate([alone, at_people])
        at = (boxes[:, :2] + boxes[:, 2:]) / 2
        metre = ground.ball(at[:, 0] - 0.5, at[:, 1] - 0.5) / BALL_M
        worth = self._objects.follow(at, metre, now_s, first)
        sure = np.maximum(first * self._moved(len(alone)), _NEARBY * worth)
        best = np.argsort(-sure, kind="stable")[:MOST]
        found = []
        for left, top, right, bottom, confidence in np.c_[boxes, sure][best].tolist():
            if confidence > _LEAST:
                found.append(Detection(left, top, right, bottom, "ball", min(1.0, confidence)))
        return found

    def _moved(self, alone: int) -> Floats:
        """What has moved is likelier than what has not, and still is when it comes to rest. People always move."""
        objects = self._objects
        moved = np.maximum(sigmoid(objects.speed, 2.0, 1.0), sigmoid(objects.way, 1.5, 0.5))
        share = 0.4 + 0.6 * moved * np.minimum(objects.age, 3) / 3
        share[alone:] = 0.4
        return np.asarray(share)


def _blobs(parts: NDArray[np.void], people: Floats, ground: Ground) -> tuple[Floats, Floats]:
    """Boxes, shape (n, 4), of the blobs that are no larger than a ball may look, and how much each looks like one."""
    x, y = parts["x"].astype(np.float64), parts["y"].astype(np.float64)
    size = ground.ball(x, y)
    edges = np.stack([parts[name] for name in ("left", "top", "right", "bottom")], axis=-1).astype(np.float64)
    longest = (edges[:, 2:] - edges[:, :2]).max(axis=1, initial=0)
    area, highest, contrast = (parts[name].astype(np.float64) for name in ("area", "highest", "contrast"))
    largest = np.maximum(_LARGEST * size, np.where(size < _FAR * ground.smallest_ball, ground.high_ball, 0.0))
    chosen = np.nonzero((longest <= largest + 2.0) & ((area > 1) | (highest > 30)))[0]
    order = np.argsort(-parts["contrast"][chosen] * np.sqrt(area[chosen]), kind="stable")
    chosen = np.sort(chosen[order[:_CONSIDERED]])
    size, largest, edges, longest, area, highest, contrast, x, y = (
        a[chosen] for a in (size, largest, edges, longest, area, highest, contrast, x, y)
    )
    off = np.log(np.sqrt(area * 4 / np.pi) / (size + _BLUR))
    off = np.where(
        off > 0, np.maximum(off - np.log(largest * _AIR / size), 0), off
    )  # one in the air is larger, none is smaller
    # Bright mostly; a dark or a coloured one has to stand out the more.
    light = np.maximum(sigmoid(highest, 28.0, 8.0), 0.4 * sigmoid(contrast, 30.0, 6.0))
    round_ = np.clip(1.35 * area / np.maximum(longest, 1) ** 2, 0.2, 1.0)
    looks = bell(off, 0.5) * light * np.sqrt(round_)
    middle = np.stack([x, y], axis=-1) + 0.5
    # Where it fits, the ball's own size: a blob of a few pixels has as many again that it only touches.
    blob = np.maximum(edges[:, 2:] - edges[:, :2] - 1, size[:, None])
    half = np.where((longest <= size + _TOUCHED)[:, None], size[:, None], blob) / 2
    own = 0.25 + 0.75 * ~_inside(x, y, people).any(axis=1)
    return np.concatenate([middle - half, middle + half], axis=1), np.asarray(looks * own)


def _inside(x: Floats, y: Floats, people: Floats) -> NDArray[np.bool_]:
    """Shape (n, people): whose box a point lies in."""
    left, top, right, bottom = people.T
    return np.asarray(
        (x[:, None] >= left) & (x[:, None] < right) & (y[:, None] >= top) & (y[:, None] < bottom)
    )


def _on_body(x: Floats, y: Floats, people: Floats) -> Floats:
    """Beside somebody, at his feet, or higher up: there shirts and shorts shine."""
    inside = _inside(x, y, people)
    _, top, _, bottom = people.T
    low = y[:, None] >= top + _FEET * (bottom - top)
    return np.where(~inside.any(axis=1), 0.6, np.where((inside & low).any(axis=1), 0.35, 0.15))


def _not_in(spots: Floats, boxes: Floats) -> Floats:
    """Without the spots of blobs that are there already."""
    if not len(spots) or not len(boxes):
        return spots
    x, y = spots[:, 0:1] + 0.5, spots[:, 1:2] + 0.5
    inside = (x > boxes[:, 0] - 1) & (x < boxes[:, 2] + 1) & (y > boxes[:, 1] - 1) & (y < boxes[:, 3] + 1)
    return np.asarray(spots[~inside.any(axis=1)])
