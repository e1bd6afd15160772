"""Multi-band blending of the overlap: coarse differences fade widely, fine ones narrowly.

Burt and Adelson, "A multiresolution spline with application to image mosaics" (ACM Transactions on Graphics, 1983).
A pyramid is linear, so that with left picture A, right picture B, D = B - A, and the seam's mask M,

    blend = A + sum over the levels of expanded (M_l * Laplacian_l(D)),

one Laplacian pyramid instead of two. Where the mask is 0 on all levels that is A, where it is 1 it is B, to the bit:
away from the seam nothing changes.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from touchline.geometry import Panorama
from touchline.gst.nv12 import Nv12
from touchline.panorama.kernels import BLOCK, LEFT, LEFT_INSIDE, RIGHT, RIGHT_INSIDE, SKIP, Tones
from touchline.panorama.multiband_kernels import add_band, difference, finish, mask_rows
from touchline.panorama.seam import SeamGround
from touchline.panorama.warp import Blocks, block_count

Single = NDArray[np.float32]
Plane = NDArray[np.uint8]

_STRIP = 512  # luma rows that are worked on together: what is made of them stays in the cache
_FADE = 16.0  # luma samples from the overlap's edge within which the blend yields to the plain picture
_SHARP = 2.0  # luma samples in which the mask goes from 0 to 1 on the finest level


def reach_of(levels: int) -> int:
    """Luma samples to either side of the seam that a blend of so many levels changes.

    Halving with five taps looks two samples further at each level, and so does doubling.
    """
    return 4 * ((1 << levels - 1) - 1) + round(_SHARP)


@dataclass(frozen=True)
class Zone:
    """The piece of the panorama that is blended: whole block columns over its full height.

    Attributes:
        columns: those of blocks.
        x, width, height: in luma samples.
        left, right: where its blocks come from.
    """

    columns: slice
    x: int
    width: int
    height: int
    left: Blocks
    right: Blocks

    def kinds(self, side: int) -> NDArray[np.uint8]:
        """The kinds of its blocks when they show the left (0) or the right (1) picture alone."""
        one, inside = ((LEFT, LEFT_INSIDE), (RIGHT, RIGHT_INSIDE))[side]
        return np.asarray(one + inside * (self.left, self.right)[side].inside, dtype=np.uint8)

    def tones(self, tones: Tones) -> Tones:
        """The correction of the zone."""
        if not tones.shades.size:
            return tones
        return tones._replace(shades=np.ascontiguousarray(tones.shades[:, :, self.columns]))

    def of(self, picture: Nv12) -> Nv12:
        """The zone in a picture of the panorama's size."""
        end = self.x + self.width
        return Nv12(picture.y[:, self.x : end], picture.uv[:, self.x // 2 : end // 2])


def zone_of(panorama: Panorama, ground: SeamGround, left: Blocks, right: Blocks, levels: int) -> Zone | None:
    """Where a panorama is blended, or None if its pictures have nothing in common."""
    common = ~np.isnan(ground.edges[:, 0])
    if not common.any():
        return None
    reach = reach_of(levels)
    least = max(float(np.min(ground.edges[common, 0])), float(np.min(ground.first[common])) - reach)
    most = min(float(np.max(ground.edges[common, 1])), float(np.max(ground.last[common])) + reach)
    columns = slice(
        max(0, int(least) // BLOCK),
        min(block_count(panorama.width, panorama.height)[1], int(most) // BLOCK + 1),
    )
    x = columns.start * BLOCK
    width = min(columns.stop * BLOCK, panorama.width) - x
    cut = [
        Blocks(
            np.ascontiguousarray(blocks.coefficients[:, columns]),
            np.ascontiguousarray(blocks.inside[:, columns]),
        )
        for blocks in (left, right)
    ]
    return Zone(columns, x, width, panorama.height, cut[0], cut[1])


class MultiBand:
    """Blends a zone.

    Args:
        zone: where.
        ground: where the seam may run, and where the overlap ends.
        levels: 2 .. 6.
        band: luma samples in which the shares change (at least); the mask is made as sharp as it has to be from them.

    Attributes:
        strips: into how many strips of rows the work is cut, whoever does it.
    """

    def __init__(self, zone: Zone, ground: SeamGround, levels: int, band: float) -> None:
        self.zone = zone
        self.levels = levels
        self._steepness = max(1.0, band / _SHARP)
        self._fade = _fades(zone, ground)
        self._fade_uv = _pairs(self._fade[::2, ::2])
        self._masks: list[Single] = []
        self._masks_uv: list[Single] = []
        self._halo = -(-reach_of(levels) // 2**levels) * 2**levels
        edges = list(range(0, zone.height - _STRIP // 2, _STRIP)) or [0]
        self._edges = [*edges, zone.height]
        self.strips = len(edges)

    def spare(self) -> NDArray[np.bool_]:
        """Which blocks of the zone the blend makes entirely: nobody else needs to, shape (rows, columns)."""
        rows, columns = self.zone.left.inside.shape
        whole = np.ones((rows * BLOCK, columns * BLOCK), np.bool_)
        whole[: self.zone.height, : self.zone.width] = self._fade == 1
        return np.asarray(whole.reshape(rows, BLOCK, columns, BLOCK).all((1, 3)))

    def skip(self, kinds: NDArray[np.uint8]) -> None:
        """Marks those in the panorama's kinds, shape (rows, columns)."""
        kinds[:, self.zone.columns] |= np.where(self.spare(), SKIP, 0).astype(np.uint8)

    def follow(self, weights: NDArray[np.int32]) -> None:
        """Takes where the seam lies from the panorama's weights, shape (rows, columns, 4)."""
        mask = np.empty((self.zone.height, self.zone.width), np.float32)
        mask_rows(np.ascontiguousarray(weights[:, self.zone.columns]), self._steepness, mask)
        self._masks = [mask]
        for _ in range(self.levels):
            self._masks.append(cv2.pyrDown(self._masks[-1]))
        # A colour difference has half of luma's samples: one level less, and the masks of the next ones.
        self._masks_uv = [_pairs(mask) for mask in self._masks[1:]]

    def blend(self, first: int, last: int, left: Nv12, right: Nv12, out: Nv12) -> None:
        """Blends strips ``first`` .. ``last - 1`` of the zone; strips may be blended at the same time.

        Args:
            first, last: numbers of strips.
            left, right: what each camera shows of the zone, corrected.
            out: the panorama; what lies beyond the overlap must be in it.
        """
        made = self.zone.of(out)
        for strip in range(first, last):
            rows = self._edges[strip], self._edges[strip + 1]
            self._blend_plane(left.y, right.y, (self._masks[:-1], self._fade), rows, made.y, 1)
            flat = [picture.uv.reshape(picture.uv.shape[0], -1) for picture in (left, right)]
            chroma = made.uv.view(np.uint16)[..., 0].view(np.uint8)
            half = rows[0] // 2, rows[1] // 2
            self._blend_plane(flat[0], flat[1], (self._masks_uv[:-1], self._fade_uv), half, chroma, 2)

    def _blend_plane(
        self,
        left: Plane,
        right: Plane,
        shares: tuple[list[Single], Single],
        rows: tuple[int, int],
        out: Plane,
        channels: int,
    ) -> None:
        """Rows of one plane, of which ``channels`` are next to each other: for chroma U and V take turns."""
        masks, fade = shares
        begin, end = max(0, rows[0] - self._halo), min(len(left), rows[1] + self._halo)
        levels = [np.empty((end - begin, left.shape[1]), np.float32)]
        difference(left[begin:end], right[begin:end], levels[0])
        for _ in masks[1:]:
            levels.append(_flat(cv2.pyrDown(_channels(levels[-1], channels))))
        cut = [mask[begin >> k : (begin >> k) + len(levels[k])] for k, mask in enumerate(masks)]
        change = levels[-1] * cut[-1]
        for k in range(len(masks) - 2, -1, -1):
            size = levels[k].shape[1] // channels, levels[k].shape[0]
            change = _flat(cv2.pyrUp(_channels(change, channels), dstsize=size))
            blurred = _flat(cv2.pyrUp(_channels(levels[k + 1], channels), dstsize=size))
            add_band(levels[k], blurred, cut[k], change)
        inner = slice(rows[0] - begin, rows[1] - begin)
        mine = slice(*rows)
        made = np.ascontiguousarray(out[mine])  # kernels are fast where they know that samples lie together
        finish(left[mine], change[inner], fade[mine], made)
        out[mine] = made


def _fades(zone: Zone, ground: SeamGround) -> Single:
    """How much of the blend is shown: 1 within the overlap, 0 outside, shape (height, width)."""
    corners = np.arange(len(ground.edges)) * float(BLOCK)
    y = np.arange(zone.height)
    # Beside a row without overlap there is none either: nan spreads to the rows between.
    begin, end = (np.interp(y, corners, ground.edges[:, k]) for k in (0, 1))
    x = np.arange(zone.x, zone.x + zone.width)[None, :]
    inside = np.minimum(x - begin[:, None], end[:, None] - x) / _FADE
    return np.nan_to_num(np.clip(inside, 0.0, 1.0), nan=0.0).astype(np.float32)


def _pairs(plane: Single) -> Single:
    """Every sample twice, as U and V need it."""
    return np.repeat(plane, 2, axis=1)


def _channels(plane: Single, count: int) -> Single:
    return plane if count == 1 else plane.reshape(len(plane), -1, count)


def _flat(plane: NDArray[np.float32]) -> Single:
    return plane.reshape(len(plane), -1)
