"""Multi-band blending of the overlap: coarse differences fade widely, fine ones narrowly.

Burt and Adelson, "A multiresolution spline with application to image mosaics" (ACM Transactions on Graphics, 1983).
A pyramid is linear, so that with left picture A, right picture B, D = B - A, and the seam's mask M,

    blend = A + sum over the levels of expanded (M_l * Laplacian_l(D)),

one Laplacian pyramid instead of two. Where the mask is 0 on all levels that is A, where it is 1 it is B, to the bit:
away from the seam nothing changes.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from touchline.geometry import Panorama
from touchline.gst.nv12 import Nv12
from touchline.panorama.kernels import BLOCK, LEFT, LEFT_INSIDE, ONE, RIGHT, RIGHT_INSIDE, SKIP
from touchline.panorama.multiband_kernels import mask_rows
from touchline.panorama.multiband_plane import Limits, Plane, Single, blend_plane
from touchline.panorama.seam import SeamGround
from touchline.panorama.tone_kernels import Tones
from touchline.panorama.warp import Blocks, block_count

_STRIP = 512  # luma rows that are worked on together: what is made of them stays in the cache
_FADE = 16.0  # luma samples from the overlap's edge within which the blend yields to the plain picture
_SHARP = 2.0  # luma samples in which the mask goes from 0 to 1 on the finest level
BAND = 2 * BLOCK  # luma samples in which the shares change that the mask is made from


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

    def kinds(self, side: int, needed: NDArray[np.bool_]) -> NDArray[np.uint8]:
        """The kinds of its blocks when those that are needed show the left (0) or the right (1) picture alone."""
        one, inside = ((LEFT, LEFT_INSIDE), (RIGHT, RIGHT_INSIDE))[side]
        kinds = one + inside * (self.left, self.right)[side].inside
        return np.where(needed, kinds, SKIP).astype(np.uint8)

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


class _Strip(NamedTuple):
    """What is blended in one go: some rows, and in them the columns that the seam changes.

    Attributes:
        rows: those that are written, luma.
        around: those and the ones that they depend on.
        columns: of the zone, luma.
        masks, masks_uv: the right picture's share on each level, finest first; of chroma U and V take turns.
        fade, fade_uv: how much of the blend is shown, in the rows that are written.
        common, common_uv: the columns from the first to behind the last that both cameras see, in all rows around.
    """

    rows: slice
    around: slice
    columns: slice
    masks: list[Single]
    masks_uv: list[Single]
    fade: Single
    fade_uv: Single
    common: Limits
    common_uv: Limits


class MultiBand:
    """Blends a zone.

    Args:
        zone: where.
        ground: where the seam may run, and where the overlap ends.
        levels: 2 .. 6.
        band: luma samples in which the shares change; the mask is made as sharp as it has to be from them.
    """

    def __init__(self, zone: Zone, ground: SeamGround, levels: int, band: float) -> None:
        self.zone = zone
        self._levels = levels
        self._steepness = max(1.0, band / _SHARP)
        self._edges = _edges(zone, ground)
        self._fade = _fades(zone, self._edges)
        self._whole = self._blocks_shown()
        self._grain = max(
            BLOCK, 1 << levels
        )  # what begins at a multiple of it is halved as in the whole picture
        self._halo = -(-reach_of(levels) // self._grain) * self._grain
        self._strips: list[_Strip] = []

    @property
    def strips(self) -> int:
        """Into how many strips the work is cut, whoever does it."""
        return len(self._strips)

    def follow(self, weights: NDArray[np.int32]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Takes where the seam lies from the zone's weights, shape (rows, columns, 4).

        Returns:
            Which blocks have to be there of both pictures, and which ones the blend makes entirely, so that nobody else
            needs to; shape (rows, columns) each.
        """
        height = self.zone.height
        edges = [*(range(0, height - _STRIP // 2, _STRIP) or [0]), height]
        self._strips = [self._strip(weights, *rows) for rows in itertools.pairwise(edges)]
        needed, made = np.zeros_like(self._whole), np.zeros_like(self._whole)
        for strip in self._strips:
            columns = _blocks(strip.columns)
            needed[_blocks(strip.around), columns] = True
            made[_blocks(strip.rows), columns] = True
        return needed, made & self._whole

    def blend(self, first: int, last: int, left: Nv12, right: Nv12, out: Nv12) -> None:
        """Blends strips ``first`` .. ``last - 1`` of the zone; strips may be blended at the same time.

        Args:
            first, last: numbers of strips.
            left, right: what each camera shows of the zone, corrected.
            out: the panorama; what lies beyond the overlap must be in it.
        """
        made = self.zone.of(out)
        for strip in self._strips[first:last]:
            parts = [picture.y[strip.around, strip.columns] for picture in (left, right)]
            shown = made.y[strip.rows, strip.columns]
            skipped = strip.rows.start - strip.around.start
            blend_plane(parts, strip.common, strip.masks, strip.fade, skipped, shown, 1)
            half = slice(strip.columns.start // 2, strip.columns.stop // 2)
            rows, around = (slice(s.start // 2, s.stop // 2) for s in (strip.rows, strip.around))
            parts = [_side_by_side(picture.uv[around, half]) for picture in (left, right)]
            shown = _side_by_side(made.uv[rows, half])
            blend_plane(parts, strip.common_uv, strip.masks_uv, strip.fade_uv, skipped // 2, shown, 2)

    def _strip(self, weights: NDArray[np.int32], begin: int, end: int) -> _Strip:
        around = slice(max(0, begin - self._halo), min(self.zone.height, end + self._halo))
        shares = weights[_blocks(around), :, 0]
        # The block columns in which any row shows some of the right picture, and any row some of the left one.
        right, left = np.flatnonzero(shares.max(0) > 0), np.flatnonzero(shares.min(0) < ONE)
        places = [int(right[0]) if len(right) else shares.shape[1], int(left[-1]) if len(left) else 0]
        # Twice the reach: what a mask takes of a level must not depend on the strip's own edge.
        first = max(0, (min(places) - 1) * BLOCK - 2 * self._halo) // self._grain * self._grain
        last = min(self.zone.width, (max(places) + 2) * BLOCK + 2 * self._halo)
        columns = slice(first, max(last, min(self.zone.width, first + BLOCK)))
        mask = np.empty((around.stop - around.start, columns.stop - columns.start), np.float32)
        mask_rows(np.ascontiguousarray(weights[_blocks(around), _blocks(columns)]), self._steepness, mask)
        masks = [mask]
        for _ in range(self._levels):
            masks.append(cv2.pyrDown(masks[-1]))
        fade = np.ascontiguousarray(self._fade[begin:end, columns])
        # A colour difference has half of luma's samples: one level less, and the masks of the next ones.
        chroma = [_pairs(mask) for mask in masks[1:-1]]
        common = self._common(around, columns)
        half = common[0][::2] // 2, common[1][::2] // 2
        fades = fade, _pairs(fade[::2, ::2])
        return _Strip(slice(begin, end), around, columns, masks[:-1], chroma, *fades, common, half)

    def _common(self, rows: slice, columns: slice) -> Limits:
        """What both cameras see of a piece of the zone: even columns."""
        begins, ends = (
            np.clip(edge[rows] - columns.start, 0, columns.stop - columns.start) for edge in self._edges
        )
        return (begins + 1) // 2 * 2, ends // 2 * 2

    def _blocks_shown(self) -> NDArray[np.bool_]:
        """Which blocks lie entirely where the blend is shown, shape (rows, columns)."""
        rows, columns = self.zone.left.inside.shape
        shown = np.ones((rows * BLOCK, columns * BLOCK), np.bool_)
        shown[: self.zone.height, : self.zone.width] = self._fade == 1
        return np.asarray(shown.reshape(rows, BLOCK, columns, BLOCK).all((1, 3)))


def _edges(zone: Zone, ground: SeamGround) -> Limits:
    """The columns of the zone from the first to behind the last that both cameras see; none: 0, 0. Shape (height,)."""
    corners = np.arange(len(ground.edges)) * float(BLOCK)
    # Beside a row without overlap there is none either: nan spreads to the rows between.
    begin, end = (np.interp(np.arange(zone.height), corners, ground.edges[:, k]) - zone.x for k in (0, 1))
    nothing = np.isnan(begin) | np.isnan(end)
    places = [np.where(nothing, 0, np.nan_to_num(edge)) for edge in (np.ceil(begin), np.floor(end) + 1)]
    return places[0].astype(np.int32), places[1].astype(np.int32)


def _fades(zone: Zone, edges: Limits) -> Single:
    """How much of the blend is shown: 1 within the overlap, 0 outside, shape (height, width)."""
    x = np.arange(zone.width)[None, :]
    inside = np.minimum(x - edges[0][:, None], edges[1][:, None] - 1 - x) / _FADE
    return np.asarray(np.clip(inside, 0.0, 1.0), dtype=np.float32)


def _pairs(plane: Single) -> Single:
    """Every sample twice, as U and V need it."""
    return np.repeat(plane, 2, axis=1)


def _side_by_side(chroma: Plane) -> Plane:
    """Both colour differences as bytes of one row, a view: shape (rows, 2 columns)."""
    pairs: Any = chroma.view(np.uint16)
    return np.asarray(pairs[..., 0].view(np.uint8))


def _blocks(samples: slice) -> slice:
    """The blocks that luma samples lie in."""
    return slice(samples.start // BLOCK, -(-samples.stop // BLOCK))
