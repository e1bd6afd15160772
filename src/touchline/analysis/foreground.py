"""What of a whole panorama is not its background, pixel by pixel: for a detector that needs every one of them.

A running mean and deviation of each pixel (Wren et al., "Pfinder", 1997), updated quickly where they fit and slowly
where they don't. The light of each strip of the picture is followed by the median of its brightness over the model's,
as :mod:`touchline.analysis.background` does: neither clouds nor one camera's exposure make a foreground. Cast shadows
(darker, with the colour of what they fall on; Cucchiara et al. 2003) are told from what casts them.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from touchline.analysis.foreground_kernels import compare, relit
from touchline.gst.nv12 import Nv12

Bytes = NDArray[np.uint8]

_BLACK = 16.0
_DARK = 24.0  # levels above black below which a ratio says little
_STRIPS = 16
_SAMPLE = 8  # of so many rows and columns one is asked for the light
_UNSURE = 512  # levels of deviation that a new model has, 8.8 fixed point
_FLOOR = (7.0, 24.0)  # levels, at least and at most
# Parts that a million pixels have at most where the floor is right, and what is too much.
_SPECKS = (250, 600)
_SIGMAS = 4.5
_SETTLE_S = 8.0
_ABSORB_S = 90.0
_WARM_UP_S = 2.0
_STEP = 0.06  # a change of light within one frame that a strip may have met in one half only
_SAME_LIGHT = 0.02
_ODD = (
    0.08  # share of a strip that does not fit after a step, above which the step was not one of light alone
)
_FLOODED = 0.4  # share of a strip that can't be players
_UNSETTLED_S = 1.0


class Region(NamedTuple):
    """What is looked at: rows ``top`` .. (even) of a picture, and chroma columns of each pair of them."""

    top: int
    rows: int
    first: NDArray[np.int64]
    last: NDArray[np.int64]

    @classmethod
    def of(cls, mask: NDArray[np.bool_]) -> Region:
        """The region around the pixels of a mask, shape (height, width), both even. Raises ValueError without any."""
        pairs: NDArray[np.bool_] = np.any(
            mask.reshape(mask.shape[0] // 2, 2, mask.shape[1] // 2, 2), axis=(1, 3)
        )
        lines: NDArray[np.bool_] = np.any(pairs, axis=1)
        used = np.nonzero(lines)[0]
        if not used.size:
            raise ValueError("nothing of the panorama is to be looked at")
        inside = pairs[used[0] : used[-1] + 1]
        filled = lines[used[0] : used[-1] + 1]
        first = np.where(filled, inside.argmax(axis=1), 0)
        last = np.where(filled, inside.shape[1] - inside[:, ::-1].argmax(axis=1), 0)
        return cls(2 * int(used[0]), 2 * len(inside), first.astype(np.int64), last.astype(np.int64))


class Foreground:
    """The background of the panoramas of fixed cameras.

    Args:
        region: what is looked at.
        width: of the panorama.

    Attributes:
        kinds: of the last picture, shape (rows of the region, width): see
            :mod:`touchline.analysis.foreground_kernels`; where the region is not, 0.
        counts: how many pixels of it are different, by row and strip, shape (rows of the region, strips).
        quiet: false where the light has only just jumped, shape (width,): what is different there means little.
    """

    def __init__(self, region: Region, width: int) -> None:
        self.region = region
        shape = (region.rows, width)
        self.kinds: Bytes = np.zeros(shape, np.uint8)
        strips = min(_STRIPS, width // 2)
        self.counts: NDArray[np.int32] = np.zeros((region.rows, strips), np.int32)
        self.quiet: NDArray[np.bool_] = np.ones(width, np.bool_)
        self._model = np.full(shape, _UNSURE, np.uint32)
        self._mean = self._model.view(np.uint16)[:, 1::2]
        self._tint = np.zeros((region.rows // 2, width // 2, 2), np.uint16)
        self._edges = np.linspace(0, width // 2, strips + 1).round().astype(np.int64)
        columns = np.arange(0, width, _SAMPLE)
        self._inside = (columns // 2 >= region.first[:: _SAMPLE // 2, None]) & (
            columns // 2 < region.last[:: _SAMPLE // 2, None]
        )
        low = np.maximum(region.first[:, None], self._edges[:-1])
        high = np.minimum(region.last[:, None], self._edges[1:])
        self._pixels = np.maximum(4 * np.clip(high - low, 0, None).sum(axis=0), 1)
        self._gains = np.ones(len(self._edges) - 1)
        self._unsettled_s = np.zeros(len(self._edges) - 1)
        self._floor = _FLOOR[0]
        self._age_s = 0.0
        self._frames = 0

    @property
    def ready(self) -> bool:
        """Whether the model knows enough to say anything."""
        return self._age_s >= _WARM_UP_S / 4

    @property
    def edges(self) -> NDArray[np.int64]:
        """Columns that the strips begin at, and the end."""
        return np.asarray(2 * self._edges)

    def lit_mean(self) -> NDArray[np.uint16]:
        """The background's luma in the light of the last picture, shape (rows of the region, width), 8.8 fixed point.

        Where the light is the model's own it is the model, not a copy.
        """
        if np.abs(self._gains - 1).max() < _SAME_LIGHT:
            return self._mean
        return np.asarray(relit(self._model, self._edges, self._gains.astype(np.float32)))

    def observe(self, picture: Nv12, elapsed_s: float) -> Bytes:
        """Takes in the next picture, ``elapsed_s`` seconds after the one before; gives :attr:`kinds`."""
        region, self._frames = self.region, self._frames + 1
        luma = picture.y[region.top : region.top + region.rows]
        chroma = picture.uv[region.top // 2 : (region.top + region.rows) // 2]
        if self._frames == 1:
            self._mean[:] = luma.astype(np.uint16) << 8
            self._tint[:] = chroma.astype(np.uint16) << 8
            return self.kinds
        self._age_s += elapsed_s
        stepped = self._follow_light(luma)
        self._unsettled_s = np.maximum(self._unsettled_s - elapsed_s, 0)
        settle, absorb = self._rates(elapsed_s)
        compare(
            picture.y,
            picture.uv,
            self._model,
            self._tint,
            self._edges,
            self._gains.astype(np.float32),
            settle.astype(np.float32),
            absorb.astype(np.float32),
            region.first,
            region.last,
            region.top,
            self.kinds,
            self.counts,
            np.float32(self._floor),
            np.float32(_SIGMAS),
        )
        self._see_floods(luma, chroma, stepped)
        return self.kinds

    def hear_of(self, parts: int) -> bool:
        """How many connected parts the last foreground had: too many are noise, and the floor rises above it.

        Returns:
            False where they are so many that none of them can be believed.
        """
        share = parts / (self.kinds.size / 1e6)
        if share > _SPECKS[1]:
            self._floor = min(self._floor * 1.15, _FLOOR[1])
        elif share < _SPECKS[0]:
            self._floor = max(self._floor * 0.995, _FLOOR[0])
        return share < 3 * _SPECKS[1]

    def forget(self, picture: Nv12, left: int, top: int, right: int, bottom: int) -> None:
        """What the picture shows in a box (columns of it, rows of the region) is the background from now on."""
        left, right = left // 2 * 2, right + right % 2
        top, bottom = max(0, top // 2 * 2), min(self.region.rows, bottom + bottom % 2)
        rows = slice(self.region.top + top, self.region.top + bottom)
        gains = self._spread(self._gains)[left:right]
        luma = (picture.y[rows, left:right] - np.float32(_BLACK)) / gains + np.float32(_BLACK)
        self._mean[top:bottom, left:right] = np.clip(luma * 256, 0, 65535).astype(np.uint16)
        colours = picture.uv[rows.start // 2 : rows.stop // 2, left // 2 : right // 2] - np.float32(128)
        colours = colours / gains[::2, None] + np.float32(128)
        self._tint[top // 2 : bottom // 2, left // 2 : right // 2] = np.clip(colours * 256, 0, 65535).astype(
            np.uint16
        )

    def _follow_light(self, luma: Bytes) -> NDArray[np.bool_]:
        """Finds the light of each strip over the model's; true where it jumped, or a neighbour's did."""
        picture = luma[::_SAMPLE, ::_SAMPLE].astype(np.float32) - np.float32(_BLACK)
        model = self._mean[::_SAMPLE, ::_SAMPLE] * np.float32(1 / 256) - np.float32(_BLACK)
        usable = self._inside & (model > _DARK)
        stepped = np.zeros(len(self._gains), np.bool_)
        for i, (left, right) in enumerate(zip(self._edges[:-1], self._edges[1:], strict=True)):
            columns = slice(-(-2 * left // _SAMPLE), -(-2 * right // _SAMPLE))
            chosen = usable[:, columns]
            if np.count_nonzero(chosen) < 16:
                continue
            ratio = float(np.median(picture[:, columns][chosen] / model[:, columns][chosen]))
            gain = min(max(ratio, 0.2), 5.0)
            stepped[i] = abs(gain / self._gains[i] - 1) > _STEP
            self._gains[i] = gain
        # The strip at the seam belongs to both cameras: half of it may have jumped without moving its median.
        around: NDArray[np.bool_] = stepped.copy()
        around[1:] |= stepped[:-1]
        around[:-1] |= stepped[1:]
        return np.asarray(around)

    def _rates(self, elapsed_s: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Shares of the new, by strip, for background and foreground."""
        young = self._age_s < _WARM_UP_S
        settle = max(_share(elapsed_s, _SETTLE_S), 1 / self._frames if young else 0.0)
        absorb = _share(elapsed_s, _ABSORB_S)
        soon = _share(elapsed_s, _UNSETTLED_S / 4)
        unsettled = self._unsettled_s > 0
        return np.where(unsettled, max(soon, settle), settle), np.where(unsettled, soon, absorb)

    def _see_floods(self, luma: Bytes, chroma: Bytes, stepped: NDArray[np.bool_]) -> None:
        """A strip that changed all over has another background: what is there now.

        One whose light jumped, and where much does not fit even so, takes in what it sees for a second.
        """
        self._unsettled_s[stepped & self._covered(_ODD)] = _UNSETTLED_S
        quiet, flooded = self._unsettled_s <= 0, self._covered(_FLOODED)
        for i in np.nonzero(flooded)[0]:
            left, right = self._edges[i], self._edges[i + 1]
            wide = slice(2 * left, 2 * right)
            self._mean[:, wide] = luma[:, wide].astype(np.uint16) << 8
            self._tint[:, left:right] = chroma[:, left:right].astype(np.uint16) << 8
            self.kinds[:, wide] = 0
            self.counts[:, i] = 0
            self._gains[i], self._unsettled_s[i], quiet[i] = 1.0, _UNSETTLED_S, False
        self.quiet = np.repeat(quiet, 2 * np.diff(self._edges))

    def _covered(self, share: float) -> NDArray[np.bool_]:
        """In which strips more than a share of what is looked at is different."""
        return np.asarray(self.counts.sum(axis=0) > share * self._pixels)

    def _spread(self, by_strip: NDArray[np.float64]) -> NDArray[np.float32]:
        return np.repeat(by_strip.astype(np.float32), 2 * np.diff(self._edges))


def _share(elapsed_s: float, time_constant_s: float) -> float:
    return 1 - math.exp(-elapsed_s / time_constant_s)
