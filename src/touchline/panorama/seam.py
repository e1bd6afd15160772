"""Where the seam between the two pictures may run, and the shares that follow from where it runs.

A seam is a path from the top of the panorama to its bottom: for every row of block corners one place x. The shares of
the right picture change from 0 to 1 in a band around it. At a picture's edge they are held at what that picture can
show, whatever the path says.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from touchline.geometry import Panorama, Rig
from touchline.panorama.kernels import BLOCK
from touchline.panorama.warp import Floats, block_count, depth_inside, edge_distance, right_share, settled

_FINE = 4  # luma samples between the places at which the overlap's edges are sought
_INSIDE = 6.0  # pixels by which a direction must lie inside both pictures to count as seen by both


@dataclass(frozen=True)
class SeamGround:
    """The room that a rig's overlap gives to the seam. Places in luma samples of the panorama.

    Attributes:
        columns: the block corners whose shares depend on the path.
        x: where those corners are, shape (k,).
        first, last: the path lies between these, shape (rows + 1,); both the same where there is no choice.
        middle: the fixed seam, between them, shape (rows + 1,).
        bands: how wide the shares change, shape (rows + 1,).
        edges: where the overlap begins and ends in each row, shape (rows + 1, 2); nan where there is none.
        lows, highs: least and most of the right picture that may be shown at those corners, shape (rows + 1, k).
        shares: those of the fixed seam, at all corners, shape (rows + 1, columns + 1).
    """

    columns: slice
    x: Floats
    first: Floats
    last: Floats
    middle: Floats
    bands: Floats
    edges: Floats
    lows: Floats
    highs: Floats
    shares: Floats

    @property
    def free(self) -> bool:
        """Whether there is any choice."""
        return bool((self.last - self.first > BLOCK).any())

    def shares_along(self, path: Floats) -> Floats:
        """The right picture's shares at the corners of :attr:`columns`, shape (rows + 1, k), for a path (rows + 1,)."""
        share = 0.5 + (self.x[None, :] - path[:, None]) / self.bands[:, None]
        return settled(np.clip(share, self.lows, self.highs))


def seam_ground(rig: Rig, panorama: Panorama, feather_deg: float, reach: float = 0.0) -> SeamGround:
    """The ground of a rig.

    Args:
        rig: two cameras.
        panorama: what is made.
        feather_deg: width of the band in degrees; less where the overlap is narrow.
        reach: luma samples to either side of the path that the blending needs of both pictures, if they are more.
    """
    rows, columns = block_count(panorama.width, panorama.height)
    per_degree = samples_per_degree(panorama)
    y = np.arange(rows + 1, dtype=np.float64)[:, None] * BLOCK
    corners = panorama.rays(np.arange(columns + 1, dtype=np.float64)[None, :] * BLOCK, y)
    shares = right_share(rig, corners, feather_deg)
    fine = np.arange(0, panorama.width, _FINE, dtype=np.float64)
    rays = panorama.rays(fine[None, :], y)
    both = np.minimum(edge_distance(rig.left, rays), edge_distance(rig.right, rays)) >= _INSIDE
    edges = np.array([_longest_run(row) for row in both]) * _FINE
    wide = edges[:, 1] - edges[:, 0]
    # One block to either side: between corners the share is only interpolated.
    bands = np.clip(np.nan_to_num(wide, nan=0.0) - 2 * BLOCK, BLOCK, max(BLOCK, feather_deg * per_degree))
    room = np.maximum(bands / 2, reach) + BLOCK
    middle = _crossings(shares)
    begins, ends = _narrowest(edges)
    first, last = begins + room, ends - room
    stuck = ~(first < last)
    middle = np.where(stuck, middle, np.clip(middle, first, last))
    first, last = np.where(stuck, middle, first), np.where(stuck, middle, last)
    part = _columns_touched(shares, first - bands / 2, last + bands / 2)
    x = np.arange(part.start, part.stop, dtype=np.float64) * BLOCK
    lows, highs = _limits(rig, corners[:, part], shares[:, part], ~np.isnan(wide))
    return SeamGround(part, x, first, last, middle, bands, edges, lows, highs, shares)


def samples_per_degree(panorama: Panorama) -> float:
    """Luma samples of the panorama for a degree of yaw."""
    return panorama.width / math.degrees(panorama.yaw_max - panorama.yaw_min)


def _longest_run(row: NDArray[np.bool_]) -> tuple[float, float]:
    """First and last index of the longest run of true; nan where there is none."""
    steps = np.flatnonzero(np.diff(np.concatenate([[False], row, [False]]).astype(np.int8)))
    if not len(steps):
        return math.nan, math.nan
    begins, ends = steps[::2], steps[1::2]
    longest = int(np.argmax(ends - begins))
    return float(begins[longest]), float(ends[longest] - 1)


def _narrowest(edges: Floats) -> tuple[Floats, Floats]:
    """Where the overlap begins and ends in each row and in both beside it, for shares are interpolated between rows.

    nan also beside a row that has no overlap.
    """
    padded = np.concatenate([edges[:1], edges, edges[-1:]])
    around = np.stack([padded[:-2], edges, padded[2:]])
    return np.max(around[..., 0], axis=0), np.min(around[..., 1], axis=0)


def _crossings(shares: Floats) -> Floats:
    """Where the shares of each row of corners pass one half, in luma samples."""
    over = shares >= 0.5
    after = np.where(over.any(1), over.argmax(1), shares.shape[1] - 1)
    before = np.maximum(after - 1, 0)
    rows = np.arange(len(shares))
    low, high = shares[rows, before], shares[rows, after]
    part = np.where(high > low, (0.5 - low) / np.where(high > low, high - low, 1.0), 0.0)
    return np.asarray((before + np.clip(part, 0.0, 1.0)) * BLOCK)


def _columns_touched(shares: Floats, least: Floats, most: Floats) -> slice:
    """The corners from the first to the last that any path, or the fixed seam, mixes, and one more on either side."""
    mixed = np.flatnonzero(((shares > 0) & (shares < 1)).any(0))
    places = np.concatenate([mixed, [np.min(least) // BLOCK, -(-np.max(most) // BLOCK)]])
    return slice(max(0, int(places.min()) - 1), min(shares.shape[1], int(places.max()) + 2))


def _limits(rig: Rig, rays: Floats, shares: Floats, overlaps: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """Least and most of the right picture, so that none is shown beyond its edge or in its outermost pixels."""
    left, right = (
        np.clip((depth_inside(camera, rays) - BLOCK / 2) / (2 * BLOCK), 0.0, 1.0)
        for camera in (rig.left, rig.right)
    )
    lows, highs = 1.0 - left, right
    fixed = (lows > highs) | ~overlaps[:, None]  # where neither reaches, what the fixed seam does is as good
    return np.where(fixed, shares, lows), np.where(fixed, shares, highs)
