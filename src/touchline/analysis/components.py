"""Connected parts of a mask that is nearly empty, with what a detector asks of each: in one pass over the picture.

Runs of pixels in each line are joined with those that they touch in the line above (8-connected), by union-find
(Hoshen and Kopelman 1976). Its time goes with the runs, beside one look at each pixel.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

MOST_RUNS = 60_000  # more than that is no scene with people in it

COMPONENT = np.dtype(
    [
        ("left", np.int32),
        ("top", np.int32),
        ("right", np.int32),
        ("bottom", np.int32),
        ("area", np.int32),
        ("x", np.float32),
        ("y", np.float32),
        ("highest", np.float32),
        ("contrast", np.float32),
        ("edge", np.float32),
        ("model_edge", np.float32),
    ]
)
"""Edges (the ends exclusive), pixels, the mean of their positions, the greatest difference from the background,
the mean of its amounts, and how sharp its left and right contour is in the picture and in the background: somebody who
has left is sharper in the background."""


class Components:
    """Finds them. For one thread at a time; its memory is used again."""

    def __init__(self) -> None:
        self._runs = np.empty((MOST_RUNS, 4), np.int32)

    def of(
        self,
        kinds: NDArray[np.uint8],
        least: int,
        luma: NDArray[np.uint8],
        background: NDArray[np.uint16],
        counts: NDArray[np.int32],
        edges: NDArray[np.int64],
    ) -> NDArray[np.void]:
        """The connected parts where ``kinds`` is at least ``least``.

        Args:
            kinds: shape (rows, width).
            luma, background: the same shape, the second with 8 bits below the level.
            counts: shape (rows, strips): where 0 there is nothing in a row between two edges of strips.
            edges: shape (strips + 1,): columns.

        Returns:
            Shape (n,) of :data:`COMPONENT`, by their first line; empty if there are too many to be people.
        """
        count = _runs(kinds, least, counts, edges, self._runs)
        if count < 0:
            return np.zeros(0, COMPONENT)
        number = _labels(self._runs, count)
        made = np.zeros(number, COMPONENT)
        _measure(self._runs, count, luma, background, made)
        return made


@njit(nogil=True, cache=True)
def _runs(kinds: Any, least: int, counts: Any, edges: Any, runs: Any) -> int:
    """Row, first and end column of each run, and what it hangs on (a run before it, or itself); -1 for too many."""
    count, before, before_end = 0, 0, 0
    for row in range(kinds.shape[0]):
        line, begin, above = kinds[row], count, before
        for strip in range(len(edges) - 1):
            if counts[row, strip] == 0:
                continue
            x, end = edges[strip], edges[strip + 1]
            while x < end:
                if line[x] < least:
                    x += 1
                    continue
                start = x
                while x < end and line[x] >= least:
                    x += 1
                if count == len(runs):
                    return -1
                # A run that a strip's edge cuts is two, which touch.
                hangs = runs[count - 1, 3] if count > begin and runs[count - 1, 2] == start else count
                runs[count, 0], runs[count, 1], runs[count, 2], runs[count, 3] = row, start, x, hangs
                while above < before_end and runs[above, 2] < start:
                    above += 1
                touching = above
                while touching < before_end and runs[touching, 1] <= x:
                    _join(runs, touching, count)
                    touching += 1
                count += 1
        before, before_end = begin, count
    return count


@njit(nogil=True, cache=True)
def _root(runs: Any, one: int) -> int:
    while runs[one, 3] != one:
        runs[one, 3] = runs[runs[one, 3], 3]
        one = runs[one, 3]
    return one


@njit(nogil=True, cache=True)
def _join(runs: Any, one: int, other: int) -> None:
    one, other = _root(runs, one), _root(runs, other)
    if one < other:
        runs[other, 3] = one
    else:
        runs[one, 3] = other


@njit(nogil=True, cache=True)
def _labels(runs: Any, count: int) -> int:
    """Numbers the parts: what a run hangs on becomes its part's number. Roots come before all that hang on them."""
    number = 0
    for one in range(count):
        hangs = runs[one, 3]
        if hangs == one:
            runs[one, 3] = number
            number += 1
        else:
            runs[one, 3] = runs[hangs, 3]
    return number


@njit(nogil=True, cache=True)
def _measure(runs: Any, count: int, luma: Any, background: Any, made: Any) -> None:
    for one in range(count):
        row, start, end, part = runs[one]
        p = made[part]
        if p.area == 0:
            p.left, p.top, p.right, p.bottom = start, row, end, row + 1
            p.highest = -256.0
        p.left, p.right, p.bottom = min(p.left, start), max(p.right, end), row + 1
        p.area += end - start
        p.x += np.float32((start + end - 1) * (end - start)) / 2
        p.y += np.float32(row * (end - start))
        for x in range(start, end):
            off = np.float32(luma[row, x]) - np.float32(background[row, x]) / 256
            p.highest = max(p.highest, off)
            p.contrast += abs(off)
        # From two pixels outside to one inside: blur and the coarser chroma put the contour a pixel off.
        for outside, inside in ((start - 2, min(start + 1, end - 1)), (end + 1, max(end - 2, start))):
            if 0 <= outside < luma.shape[1]:
                p.edge += abs(np.float32(luma[row, inside]) - np.float32(luma[row, outside]))
                before, after = np.float32(background[row, outside]), np.float32(background[row, inside])
                p.model_edge += abs(after - before) / 256
    for part in range(len(made)):
        p = made[part]
        p.x /= p.area
        p.y /= p.area
        p.contrast /= p.area
