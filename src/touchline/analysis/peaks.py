"""A ball before, behind or at the feet of somebody: no blob of its own, but a bright spot of its size."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from touchline.analysis.ground import Ground

Floats = NDArray[np.float64]

_BLUR = 0.8  # pixels that optics and compression add to a diameter
_LEAST = 14.0  # levels
_EACH = 4  # of one person
_MOST = np.float32(90)  # levels above the background: white is white


def bright_spots(
    people: Floats, luma: NDArray[np.uint8], background: NDArray[np.uint16], top_row: int, ground: Ground
) -> Floats:
    """Spots about as large as the ball and brighter than what is around them, in and just beside people's boxes.

    The mean over a disc of that size less that over the ring around it, of what the picture is brighter than the
    background: lines of the pitch are in both. Each is the largest within a ball's diameter.

    Args:
        people: boxes, shape (n, 4), in the panorama's pixels.
        luma, background: shape (rows, width), the second with 8 bits below the level; row 0 is the panorama's
            ``top_row``.
        ground: how large the ball is.

    Returns:
        Shape (n, 4): x, y, diameter, and the difference in levels.
    """
    if not len(people):
        return np.zeros((0, 4))
    sizes = ground.ball((people[:, 0] + people[:, 2]) / 2, people[:, 3])
    found = np.empty((_EACH * len(people), 4))
    count = 0
    for box, size in zip(people, sizes.tolist(), strict=True):
        beside = 1.5 * size + 2
        area = np.array(
            [box[0] - beside, box[1] - top_row - size, box[2] + beside, box[3] - top_row + beside]
        )
        area = np.clip(area, 0, [luma.shape[1], luma.shape[0]] * 2).astype(np.int64)
        count += _spots(luma, background, area, size + _BLUR, found[count : count + _EACH])
    found = found[:count]
    found[:, 1] += top_row
    found[:, 2] -= _BLUR
    _, first = np.unique(found[:, :2], axis=0, return_index=True)  # two people's boxes may have it
    return np.asarray(found[np.sort(first)])


@njit(nogil=True, cache=True)
def _spots(luma: Any, background: Any, area: Any, size: float, found: Any) -> int:
    """The best spots in an area, with their rows from the top of the pictures; returns how many."""
    left, top, right, bottom = area
    if right <= left or bottom <= top:
        return 0
    answer = np.zeros((bottom - top, right - left), np.float32)
    for row in range(top, bottom):
        for x in range(left, right):
            if _light(luma, background, row, x) > 0.5 * _LEAST:
                answer[row - top, x - left] = _answer(luma, background, row, x, size)
    reach, count = max(1, int(0.6 * size)), 0
    for r in range(answer.shape[0]):
        for c in range(answer.shape[1]):
            here = answer[r, c]
            if here <= _LEAST or not _is_peak(answer, r, c, reach):
                continue
            place = count
            if count < len(found):
                count += 1
            else:
                place = int(np.argmin(found[:count, 3]))
                if found[place, 3] >= here:
                    continue
            found[place, 0], found[place, 1], found[place, 2], found[place, 3] = left + c, top + r, size, here
    return count


@njit(nogil=True, cache=True)
def _light(luma: Any, background: Any, row: int, x: int) -> Any:
    off = np.float32(luma[row, x]) - np.float32(background[row, x]) * np.float32(1 / 256)
    return min(max(off, np.float32(0)), _MOST)


@njit(nogil=True, cache=True)
def _answer(luma: Any, background: Any, row: int, x: int, size: float) -> Any:
    """The mean over a disc of that diameter, less that over a ring around it of about its width."""
    inner, outer = size / 2, size / 2 + max(1.2, 0.4 * size)
    reach = int(outer) + 1
    disc, around, in_disc, in_ring = np.float32(0), np.float32(0), 0, 0
    for r in range(max(0, row - reach), min(luma.shape[0], row + reach + 1)):
        for c in range(max(0, x - reach), min(luma.shape[1], x + reach + 1)):
            away = (r - row) ** 2 + (c - x) ** 2
            if away <= inner * inner:
                disc += _light(luma, background, r, c)
                in_disc += 1
            elif away <= outer * outer:
                around += _light(luma, background, r, c)
                in_ring += 1
    return disc / max(in_disc, 1) - around / max(in_ring, 1)


@njit(nogil=True, cache=True)
def _is_peak(answer: Any, r: int, c: int, reach: int) -> bool:
    for y in range(max(0, r - reach), min(answer.shape[0], r + reach + 1)):
        for x in range(max(0, c - reach), min(answer.shape[1], c + reach + 1)):
            above = y < r or (y == r and x < c)
            if answer[y, x] > answer[r, c] or (above and answer[y, x] == answer[r, c]):
                return False
    return True
