"""What it would cost to lay the seam through each place of the overlap, learnt from a few small looks a second.

Three things make a place dear: the pictures differ there, in level, colour or slope (parallax, flare), averaged over
some seconds; there is detail, on which a seam shows more than on grass; and somebody moves or stands there who was
not there before, in either picture. The last is worth more than any difference.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from touchline.geometry import Panorama, Rig
from touchline.gst.nv12 import Nv12
from touchline.panorama.kernels import BLOCK
from touchline.panorama.plane_kernels import sample_points
from touchline.panorama.seam import SeamGround
from touchline.panorama.seam_path import FORBIDDEN
from touchline.panorama.tone_kernels import UNITY, Tones
from touchline.panorama.warp import block_count, edge_distance, picture_of, source_positions

Floats = NDArray[np.float64]
Small = NDArray[np.float32]

STEP = 8  # luma samples between the columns that a path may take
DEAR = 100.0  # what somebody costs in a place, in levels
_STANDING_S, _GROUND_S, _HELD_S = (
    4.0,
    20.0,
    0.6,
)  # time constants: of differences, of what is always there, of movement
_QUIET, _LOUD = (
    10.0,
    25.0,
)  # levels from what is always there: nobody below the first, surely somebody above the second
_SLOPES, _DETAIL = 0.5, 0.15  # weight of a difference in slope, and of detail, to one in level
_COLOURS = 0.5  # weight of the colours to that of luma
_MARGIN = 4.0  # pixels that a sample stays inside its picture
_MOST_COLUMNS = 3000  # of a panorama that is sampled at every fourth column; larger ones at every eighth


@dataclass(frozen=True)
class _Grid:
    """Samples of the overlap, ``step`` luma samples apart, from the panorama's first row and from column ``x`` on.

    Attributes:
        shape: rows and columns; the rows fill whole blocks.
        seen: which of them both cameras see, flat indices.
        left, right: chroma coordinates of those, shape (n, 2).
    """

    step: int
    x: int
    shape: tuple[int, int]
    seen: NDArray[np.intp]
    left: NDArray[np.int32]
    right: NDArray[np.int32]


def _grid(rig: Rig, panorama: Panorama, ground: SeamGround) -> _Grid:
    step = 4 if panorama.width <= _MOST_COLUMNS else 8
    begin, end = int(ground.x[0]), min(int(ground.x[-1]), panorama.width)
    rows = block_count(panorama.width, panorama.height)[0] * (BLOCK // step)
    x = np.arange(begin, end, step, dtype=np.float64)
    y = np.minimum(np.arange(rows, dtype=np.float64) * step, panorama.height - 1.0)
    rays = panorama.rays(x[None, :], y[:, None]).reshape(-1, 3)
    seen = np.flatnonzero(np.minimum(*(edge_distance(c, rays) for c in (rig.left, rig.right))) >= _MARGIN)
    places = [
        np.rint((source_positions(camera, rays[seen]) - 0.5) / 2).astype(np.int32)
        for camera in (rig.left, rig.right)
    ]
    return _Grid(step, begin, (rows, len(x)), seen, places[0], places[1])


class SeamWatch:
    """Looks at pairs of pictures and knows the costs.

    Args:
        rig: two cameras.
        panorama: what is made.
        ground: where the seam may run.

    Attributes:
        places: the columns of the costs, luma samples of the panorama, shape (k,).
    """

    def __init__(self, rig: Rig, panorama: Panorama, ground: SeamGround) -> None:
        self._ground = ground
        self._grid = grid = _grid(rig, panorama, ground)
        self.places = np.arange(np.min(ground.first), np.max(ground.last) + 1, STEP)
        self._samples = np.zeros((len(grid.seen), 6), np.int32)
        self._standing: Small | None = None
        self._always: Small | None = None
        self._looks = 1
        self._moving = np.zeros(grid.shape, np.float32)
        allowed = self.places[None, :] >= ground.first[:, None] - STEP / 2
        allowed &= self.places[None, :] <= ground.last[:, None] + STEP / 2
        allowed |= np.isnan(ground.edges[:, :1])  # where there is no overlap, the path means nothing
        self._closed = np.where(allowed, 0.0, FORBIDDEN)

    def look(self, left: Nv12, right: Nv12, tones: Tones, since_s: float) -> None:
        """Takes a pair of pictures in, ``since_s`` seconds after the last one, under the correction ``tones``."""
        grid = self._grid
        sample_points(picture_of(left), picture_of(right), grid.left, grid.right, self._samples)
        pair = _corrected(self._samples, tones)
        seen = np.zeros((2, 3, grid.shape[0] * grid.shape[1]), np.float32)
        seen[..., grid.seen] = pair
        self._learn_standing(seen.reshape(2, 3, *grid.shape), since_s)
        self._learn_moving(pair, since_s)

    def costs(self) -> Floats:
        """The cost of each place, shape (rows + 1, k): of all that lies in the band around it, in levels."""
        if self._standing is None:
            raise RuntimeError("there are no costs before the first look")
        grid = self._grid
        band = max(1, round(float(np.median(self._ground.bands)) / grid.step))
        standing = _by_corner(self._standing, BLOCK // grid.step, np.mean)
        moving = _by_corner(self._moving, BLOCK // grid.step, np.max)
        near = ndimage.uniform_filter1d(standing, band, axis=1, mode="nearest")
        near += DEAR * ndimage.maximum_filter1d(moving, band + 2, axis=1, mode="nearest")
        at = np.clip(np.rint((self.places - grid.x) / grid.step).astype(int), 0, grid.shape[1] - 1)
        return np.asarray(near[:, at] + self._closed)

    def _learn_standing(self, seen: Small, since_s: float) -> None:
        apart = seen[0] - seen[1]
        cost = np.abs(apart[0]) + _COLOURS * (np.abs(apart[1]) + np.abs(apart[2]))
        cost += _SLOPES * _slopes(apart[0])
        cost += _DETAIL * _slopes(0.5 * (seen[0, 0] + seen[1, 0]))
        if self._standing is None:
            self._standing = cost
        else:
            self._standing += _share(since_s, _STANDING_S) * (cost - self._standing)

    def _learn_moving(self, pair: Small, since_s: float) -> None:
        if self._always is None:
            self._always = pair.copy()
            return
        away = pair - self._always
        # What changes everywhere is the light.
        away -= np.median(away[..., :: max(1, pair.shape[-1] // 2000)], axis=-1, keepdims=True)
        size = np.abs(away[:, 0]) + _COLOURS * (np.abs(away[:, 1]) + np.abs(away[:, 2]))
        somebody = np.clip((size.max(0) - _QUIET) / (_LOUD - _QUIET), 0.0, 1.0)
        held = self._moving.reshape(-1)
        held *= math.exp(-since_s / _HELD_S)
        held[self._grid.seen] = np.maximum(held[self._grid.seen], somebody)
        # At first a mean of all looks, so that who stood there in the first one is not taken for the ground.
        self._looks += 1
        share = max(1 / self._looks, _share(since_s, _GROUND_S))
        self._always += share * (pair - self._always)


def _corrected(samples: NDArray[np.int32], tones: Tones) -> Small:
    """Levels of luma and of both colour differences (about 0), shape (2, 3, n), as the panorama will show them."""
    made = np.empty((2, 3, len(samples)), np.float32)
    for side in range(2):
        luma, u, v = samples[:, 3 * side : 3 * side + 3].T
        tint_u, tint_v, there = tones.tints[side]
        if not there:
            made[side] = luma / 4, u / 2 - 128, v / 2 - 128
            continue
        level = tones.luma[side][luma] * np.float32(1 / 256)
        gain = tones.chroma[side][np.rint(level).astype(np.intp)] * np.float32(1 / UNITY)
        made[side, 0] = level
        for plane, colour, tint in ((1, u, tint_u), (2, v, tint_v)):
            made[side, plane] = (colour / 2 - 128) * gain + (level - 16) * (tint / UNITY)
    return made


def _slopes(plane: Small) -> Small:
    """Sum of the sizes of the steps to the next sample across and down, shape as it was."""
    made = np.zeros_like(plane)
    made[:, :-1] += np.abs(np.diff(plane, axis=1))
    made[:-1] += np.abs(np.diff(plane, axis=0))
    return made


def _by_corner(plane: Small, rows: int, reduce: Callable[..., Any]) -> Small:
    """What lies within a block above and below each row of corners, shape (blocks + 1, columns).

    Args:
        plane: shape (blocks * rows, columns).
        rows: of the plane to a block.
        reduce: ``numpy.mean`` or ``numpy.max``.
    """
    blocks = reduce(plane.reshape(-1, rows, plane.shape[1]), axis=1)
    padded = np.concatenate([blocks[:1], blocks, blocks[-1:]])
    return np.asarray(reduce(np.stack([padded[:-1], padded[1:]]), axis=0))


def _share(since_s: float, constant_s: float) -> float:
    return -math.expm1(-since_s / constant_s)
