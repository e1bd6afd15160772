"""The time between two recordings from what moves where both cameras look.

Both pictures are resampled to the same directions, coarsely and blurred, so that whatever runs through a cell changes
it over several frames. A rig is never quite right, and what runs to the right in a picture that lies too far to the
right looks early: so the one is first laid over the other by what stands still (Lucas and Kanade 1981). Then the signed
changes from frame to frame are correlated over whole frames, and the rest is found by the same method along time, on
all cells at once: the right camera's changes are the left one's, interpolated at other times, times a gain.
"""

from __future__ import annotations

import math
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline
from scipy.ndimage import uniform_filter1d

from touchline.errors import OffsetError
from touchline.panorama.offset import Estimate
from touchline.panorama.offset_overlap import Cells, Floats, Signals

REACH_S = 3.0  # how far apart recordings are looked for by default

_SHORTEST_S = 1.0
_RIVALS_FROM_S = 0.4  # two offsets that are closer together than this are one
_LEAST_LIKENESS, _MOST_RIVAL = 0.25, 0.8
_MOVING = 3000  # cells that are looked at more closely, those that change most
_DETAIL, _STILLS = 6.0, 60  # what stands still: structures up to so many cells, from so many pictures
_ALIGNING, _MOST_SHIFT = 5, 3.0  # steps, and cells that a rig may be off
_STEPS = 12
_HUBER = 2.5  # standard deviations from which a residual counts less and less
_BLOCKS = 12  # of time, for the jackknife
# Along time: noise, which is least half-way between two pictures, would pull the fit to half frames.
_SMOOTH = np.array([1, 4, 6, 4, 1], np.float32) / 16
_NOISE = 2.5  # standard deviations of a change that count as none
_AROUND = 5  # frames that say together whether a cell changes
_MOST_SIGMA = 0.5  # frames
_FINEST = 0.02  # frames: what a finite number of pixels leaves, however long one looks


def offset_from_pictures(
    left: Signals, right: Signals, seen: NDArray[np.bool_], *, reach_s: float = REACH_S
) -> Estimate:
    """How much later the right recording was started, from what moves where both cameras look.

    Gains may differ, and whatever stands still does not matter. Frame rates may differ; times need not be even.

    Args:
        left, right: at least a second each; ten to twenty are good.
        seen: :attr:`touchline.panorama.offset_overlap.Overlap.seen`.
        reach_s: offsets up to this are looked for, both ways.

    Raises:
        OffsetError: if too little moves, or several offsets fit nearly as well, or none does within reach.
    """
    if (
        min(len(left.times), len(right.times)) < 8
        or min(np.ptp(left.times), np.ptp(right.times)) < _SHORTEST_S
    ):
        raise OffsetError(f"less than {_SHORTEST_S:g} s of pictures of both cameras")
    frame_s = max(left.frame_s, right.frame_s)
    left, right = _aligned(_smoothed(left), right, seen), _smoothed(right)
    coarse, likeness, rival = _whole_frames(left, right, seen, reach_s, frame_s)
    offset, sigma = _Fine(left, right, seen).solve(coarse, frame_s)
    if not sigma < _MOST_SIGMA * frame_s or abs(offset - coarse) > 1.5 * frame_s:
        raise OffsetError(
            f"too little moves where both cameras look: {offset:.3f} s, give or take {sigma:.3f} s"
        )
    return Estimate(offset, sigma, likeness, rival)


def _whole_frames(
    left: Signals, right: Signals, seen: NDArray[np.bool_], reach_s: float, frame_s: float
) -> tuple[float, float, float]:
    """The best offset among whole frames, its likeness, and the best rival's share of it."""
    first = [math.ceil(signals.times[0] / frame_s) for signals in (left, right)]
    one, two = (
        _changes(signals, seen, begin, frame_s) for signals, begin in zip((left, right), first, strict=True)
    )
    if not (one.any() and two.any()):
        raise OffsetError("nothing moves where both cameras look")
    reach = math.ceil(reach_s / frame_s)
    least = max(2, min(len(one), len(two)) // 4, round(_SHORTEST_S / 2 / frame_s))
    lags = np.arange(-reach, reach + 1)
    likeness = np.array([_correlation(one, two, int(lag) + first[1] - first[0], least) for lag in lags])
    best = int(np.argmax(likeness))
    top = float(likeness[best])
    others = np.abs(lags - lags[best]) * frame_s >= _RIVALS_FROM_S
    rival = float(likeness[others].max(initial=0.0)) / max(top, 1e-9)
    if top < _LEAST_LIKENESS or rival > _MOST_RIVAL:
        raise OffsetError(
            f"what moves in one picture is not found in the other within {reach_s:g} s (likeness {top:.2f}, elsewhere "
            f"{rival * top:.2f}); more of the match, or a wider search, may help"
        )
    return float(lags[best]) * frame_s, top, rival


def _changes(signals: Signals, seen: NDArray[np.bool_], first: int, frame_s: float) -> Cells:
    """Changes from frame to frame at even times, from number ``first`` on; what changes everywhere is left out."""
    even = np.arange(first, math.floor(signals.times[-1] / frame_s) + 1) * frame_s
    place = np.clip(np.searchsorted(signals.times, even, side="right") - 1, 0, len(signals.times) - 2)
    share = ((even - signals.times[place]) / (signals.times[place + 1] - signals.times[place])).astype(
        np.float32
    )
    cells = signals.cells[:, seen]
    levels = cells[place] * (1 - share[:, None]) + cells[place + 1] * share[:, None]
    steps = np.diff(levels, axis=0)
    steps -= steps.mean(axis=1, keepdims=True)
    # Most cells do not change at most times: what they do is noise.
    return np.ascontiguousarray(np.sign(steps) * np.maximum(np.abs(steps) - _NOISE * _noise(steps), 0.0))


def _noise(steps: NDArray[Any]) -> float:
    """Standard deviation of changes that are none."""
    return 1.4826 * float(np.median(np.abs(steps)))


def _smoothed(signals: Signals) -> Signals:
    """The same, averaged over five frames each; two frames at either end are lost."""
    half, count = len(_SMOOTH) // 2, len(signals.times) - len(_SMOOTH) + 1
    cells = sum(weight * signals.cells[first : first + count] for first, weight in enumerate(_SMOOTH))
    return Signals(signals.times[half : half + count], np.asarray(cells, np.float32))


def _aligned(left: Signals, right: Signals, seen: NDArray[np.bool_]) -> Signals:
    """The left signals, moved to where the right camera shows the same still things: a shift linear in the row."""
    one, two = (_still(signals) for signals in (left, right))
    row = np.linspace(-1, 1, seen.shape[0])[:, None] * np.ones(seen.shape[1])
    shift = np.zeros((2, 2))  # across and down: in the middle row, and from there to the last
    weights: Floats | None = None
    for _ in range(_ALIGNING):
        moved = _moved(one, shift, row)
        down, across = (np.gradient(moved, axis=axis) for axis in (0, 1))
        terms = (moved, across, across * row, down, down * row)
        columns = np.stack([np.asarray(term[seen], np.float64) for term in terms], axis=1)
        solved, weights = _robust(np.asarray(two[seen], np.float64), columns, weights)
        if not solved[0] > 0.2:
            return left  # nothing in common that stands still: the rig has to be believed
        shift += (solved[1:] / solved[0]).reshape(2, 2)
        if np.abs(shift).sum(axis=1).max() > _MOST_SHIFT:
            return left
    return Signals(left.times, np.stack([_moved(cells, shift, row) for cells in left.cells]))


def _still(signals: Signals) -> Cells:
    """The details of what stands still."""
    picks = np.linspace(0, len(signals.times) - 1, min(_STILLS, len(signals.times))).astype(int)
    usual = np.asarray(np.median(signals.cells[picks], axis=0), dtype=np.float32)
    return np.asarray(usual - cv2.GaussianBlur(usual, (0, 0), _DETAIL))


def _moved(cells: Cells, shift: Floats, row: Floats) -> Cells:
    """The cells a little further right and down."""
    y, x = np.indices(cells.shape)
    across, down = (first + more * row for first, more in shift)
    places = (x + across).astype(np.float32), (y + down).astype(np.float32)
    return np.asarray(cv2.remap(cells, *places, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE))


def _correlation(one: Cells, two: Cells, lag: int, least: int) -> float:
    """Normalised correlation of ``one[t + lag]`` with ``two[t]``; -1 where they share too little time."""
    begin, end = max(0, -lag), min(len(two), len(one) - lag)
    if end - begin < least:
        return -1.0
    a, b = one[begin + lag : end + lag].ravel(), two[begin:end].ravel()
    return float(a @ b / max(1e-9, math.sqrt(float(a @ a) * float(b @ b))))


class _Fine:
    """The fit of a fraction of a frame, on the cells that change most."""

    def __init__(self, left: Signals, right: Signals, seen: NDArray[np.bool_]) -> None:
        energy = np.minimum(*(np.square(np.diff(s.cells, axis=0)).mean(axis=0) for s in (left, right)))
        energy[~seen] = -1.0
        picks = np.argsort(energy.ravel())[::-1][: min(_MOVING, np.count_nonzero(seen))]
        self._times = right.times
        self._right = np.asarray(np.diff(_flat(right.cells)[:, picks], axis=0), dtype=np.float64)
        energy = uniform_filter1d(np.square(self._right), _AROUND, axis=0, mode="nearest")
        self._moving = energy > np.square(_NOISE * _noise(self._right))
        self._span = float(left.times[0]), float(left.times[-1])
        self._left = CubicSpline(left.times, _flat(left.cells)[:, picks].astype(np.float64))

    def solve(self, offset: float, frame_s: float) -> tuple[float, float]:
        """The offset and its standard deviation, from a start that is right to a frame or so."""
        weights: Floats | None = None
        for _ in range(_STEPS):
            target, columns, _ = self._system(offset)
            if weights is not None and len(weights) != len(target):
                weights = None  # another frame came in at an end
            solved, weights = _robust(target, columns, weights)
            if solved[0] < 0.05:  # the gain: what is seen on the left does not show on the right
                return offset, math.inf
            step = float(np.clip(solved[1] / solved[0], -frame_s, frame_s))
            offset += step
            if abs(step) < 1e-3 * frame_s:
                break
        target, columns, blocks = self._system(offset)
        _, weights = _robust(target, columns, None)
        return offset, math.hypot(_FINEST * frame_s, _jackknife(target, columns, weights, blocks))

    def _system(self, offset: float) -> tuple[Floats, Floats, NDArray[np.int64]]:
        """The right camera's changes, what makes them up, shape (n, terms), and the block of time of each."""
        at = self._times + offset
        inside = (at >= self._span[0]) & (at <= self._span[1])
        whole = inside[:-1] & inside[1:]
        if np.count_nonzero(whole) < 4:
            raise OffsetError("the two recordings share too little time")
        terms = self._right, *(np.diff(self._left(at, order), axis=0) for order in (0, 1))
        moving = self._moving[whole]
        if np.count_nonzero(moving) < 100:
            raise OffsetError("too little moves where both cameras look")
        target, gain, time = ((term - term.mean(axis=1, keepdims=True))[whole][moving] for term in terms)
        moments = np.arange(len(moving)) * _BLOCKS // len(moving)
        return target, np.stack([gain, time], axis=1), np.repeat(moments, moving.sum(axis=1))


def _flat(cells: Cells) -> Cells:
    return cells.reshape(len(cells), -1)


def _robust(target: Floats, columns: Floats, weights: Floats | None) -> tuple[Floats, Floats]:
    """One weighted least squares solution, and the weights that its residuals deserve (Huber 1964)."""
    used = columns if weights is None else columns * weights[:, None]
    solved = _solve(used.T @ columns, used.T @ target)
    residual = np.abs(target - columns @ solved)
    scale = 1.4826 * float(np.median(residual)) + 1e-9
    return solved, np.minimum(1.0, _HUBER * scale / np.maximum(residual, 1e-12))


def _solve(normal: Floats, right: Floats) -> Floats:
    """Normal equations, with a little against columns in which nothing happens."""
    scale = np.sqrt(np.maximum(np.diag(normal), 1e-12))
    scaled = normal / np.outer(scale, scale) + 1e-6 * np.eye(len(scale))
    return np.asarray(np.linalg.solve(scaled, right / scale) / scale)


def _jackknife(target: Floats, columns: Floats, weights: Floats, blocks: NDArray[np.int64]) -> float:
    """Standard deviation of the time term by leaving out one block of time after the other (Quenouille 1956)."""
    parts = []
    for block in range(int(blocks.max()) + 1):
        own = blocks == block
        used = columns[own] * weights[own, None]
        parts.append((used.T @ columns[own], used.T @ target[own]))
    normal, right = sum(part[0] for part in parts), sum(part[1] for part in parts)
    left_out = []
    for part in parts:
        solved = _solve(normal - part[0], right - part[1])
        left_out.append(solved[1] / max(abs(solved[0]), 1e-9))
    spread = np.var(left_out)
    return float(math.sqrt((len(parts) - 1) * spread))
