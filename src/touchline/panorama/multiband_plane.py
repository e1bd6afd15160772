"""One piece of one plane, blended: the pyramid of a difference, taken apart and put together under a mask."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from touchline.panorama.multiband_kernels import add_band, difference, finish

Single = NDArray[np.float32]
Plane = NDArray[np.uint8]
Limits = tuple[NDArray[np.int32], NDArray[np.int32]]


def blend_plane(
    parts: list[Plane],
    common: Limits,
    masks: list[Single],
    fade: Single,
    skipped: int,
    out: Plane,
    channels: int,
) -> None:
    """Blends a piece of a plane; of chroma two ``channels`` take turns.

    Args:
        parts: the piece in the left and in the right picture, shape (rows, columns) each.
        common: the columns that both show, from the first to behind the last, in each row.
        masks: the right picture's share on each level.
        fade: how much is shown, shape (fewer rows, columns).
        skipped: rows of the parts above those that are written.
        out: written, the shape of ``fade``.
        channels: 1 or 2.
    """
    # Kernels are fast where they know that samples lie side by side.
    left, right, made = (np.ascontiguousarray(plane) for plane in (*parts, out))
    levels: list[Single] = [np.empty(left.shape, np.float32)]
    difference(left, right, *common, channels, levels[0])
    for _ in masks[1:]:
        levels.append(_flat(cv2.pyrDown(_channels(levels[-1], channels))))
    change = levels[-1] * masks[-1]
    for k in range(len(masks) - 2, -1, -1):
        size = levels[k].shape[1] // channels, levels[k].shape[0]
        change = _flat(cv2.pyrUp(_channels(change, channels), dstsize=size))
        blurred = _flat(cv2.pyrUp(_channels(levels[k + 1], channels), dstsize=size))
        add_band(levels[k], blurred, masks[k], change)
    mine = slice(skipped, skipped + len(fade))
    finish(left[mine], change[mine], fade, made)
    out[...] = made


def _channels(plane: Single, count: int) -> Single:
    return plane if count == 1 else plane.reshape(len(plane), -1, count)


def _flat(plane: NDArray[np.float32]) -> Single:
    return plane.reshape(len(plane), -1)
