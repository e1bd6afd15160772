"""What stands still in a camera's pictures, and whether that will do: steadiness and sharpness."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
Floats = NDArray[np.float64]

LONGEST_SIDE = 2000  # larger pictures are halved for the search: features that fine are noise
_ROWS = 64  # sorted at a time
_CELL = 12  # of the small pictures that steadiness is judged by
_SMALL = 480  # their longer side


def grey(image: Image) -> Image:
    """Luma of a grey or BGR picture, shape (h, w)."""
    return image if image.ndim == 2 else np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), dtype=np.uint8)


def halvings(picture: Image) -> tuple[Image, int]:
    """The picture no longer than 2000 pixels, and how many of its pixels make one."""
    scale = 1
    while max(picture.shape) > LONGEST_SIDE * scale:
        scale *= 2
    if scale == 1:
        return picture, 1
    small = cv2.resize(picture, None, fx=1 / scale, fy=1 / scale, interpolation=cv2.INTER_AREA)
    return np.asarray(small, dtype=np.uint8), scale


def still_picture(pictures: Sequence[Image]) -> Image:
    """What stands still: of each pixel the mean of the middle half of its values over time, grey, uint8.

    Players pass, and the noise of the sensor averages out. With one picture it is that picture.
    """
    levels = [grey(picture) for picture in pictures]
    if len(levels) == 1:
        return levels[0]
    out = np.empty_like(levels[0])
    quarter = round(len(levels) / 4)
    for row in range(0, len(out), _ROWS):
        block = np.sort(np.stack([level[row : row + _ROWS] for level in levels]), axis=0)
        middle = block[quarter : len(levels) - quarter]
        out[row : row + _ROWS] = np.rint(middle.mean(axis=0))
    return out


def steadiness(pictures: Sequence[Image]) -> float:
    """The share, 0 .. 1, of the detailed parts of a camera's pictures that look the same most of the time.

    A camera that stands still gives nearly 1, whoever runs through its picture; one that is carried about or
    turned, or footage that is cut together, gives little. 1 where there is no detail to judge by, or one picture.
    """
    small = [_small(grey(picture)) for picture in pictures]
    if len(small) < 2:
        return 1.0
    cells = [_cells(one) for one in small]
    spread = np.median([one.std(axis=1) for one in cells], axis=0)
    detailed = spread > max(2.0, float(np.median(spread)) / 2)
    if not detailed.any():
        return 1.0
    later = max(1, len(cells) // 2)
    pairs = zip(cells, cells[later:] + cells[:later], strict=True)
    alike = [_correlation(one[detailed], two[detailed]) for one, two in pairs]
    return float(np.mean(np.median(alike, axis=0) > 0.7))


def _small(level: Image) -> Floats:
    scale = min(1.0, _SMALL / max(level.shape))
    small = cv2.resize(level, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return np.asarray(small, dtype=np.float64)


def _cells(picture: Floats) -> Floats:
    """The values of each cell of a picture, shape (cells, values)."""
    rows, columns = (n // _CELL for n in picture.shape)
    cut = picture[: rows * _CELL, : columns * _CELL].reshape(rows, _CELL, columns, _CELL)
    return np.asarray(cut.transpose(0, 2, 1, 3).reshape(rows * columns, -1))


def _correlation(one: Floats, two: Floats) -> Floats:
    a, b = one - one.mean(axis=1, keepdims=True), two - two.mean(axis=1, keepdims=True)
    return np.asarray(
        (a * b).sum(axis=1) / np.maximum(np.sqrt((a * a).sum(axis=1) * (b * b).sum(axis=1)), 1e-9)
    )


def sharpness(picture: Image) -> float:
    """How much fine detail a picture has beside its coarse detail: about 1 in focus, below 0.2 blurred.

    The ratio of two bands two octaves apart of a difference-of-Gaussians pyramid (Burt and Adelson 1983), by their
    95th percentiles, so that empty sky and flat ground say nothing.
    """
    level = np.asarray(halvings(grey(picture))[0], dtype=np.float32)
    blurred = [cv2.GaussianBlur(level, (0, 0), sigma) for sigma in (0.8, 1.6, 3.2, 6.4)]
    fine = np.abs(blurred[0] - blurred[1])
    coarse = np.abs(blurred[2] - blurred[3])
    return float(np.percentile(fine, 95) / max(1e-6, float(np.percentile(coarse, 95))))
