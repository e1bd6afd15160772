"""Tiles of a panorama as the batch that a detector reads: planar RGB numbers, (tiles, 3, height, width).

A tile is a rectangle of the panorama. It is sampled as the virtual camera samples: bilinear, and where a tile is
coarser than the panorama the mean of n x n fetches for each sample; chroma lies in the middle of its four luma
samples. These means are turned into RGB, 0 .. 1, clipped, and normalised. A sample whose centre lies outside the
panorama is black; fetches at the edge repeat it.

The mapping is straight, so the rows and the columns of a tile are resampled one after the other: two sparse
matrices for each plane do it all.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from touchline.gst.nv12 import Nv12

COARSE = 1.5  # source samples for one of a tile above which a bilinear fetch skips too much
MOST = 16  # fetches along one axis at most

Number = Literal["float16", "float32"]
Colorimetry = Literal["bt709", "bt601"]
Triple = tuple[float, float, float]

_RED_AND_BLUE = {"bt709": (0.2126, 0.0722), "bt601": (0.299, 0.114)}  # shares in the brightness


@dataclass(frozen=True)
class Tile:
    """A rectangle of the panorama, in its pixels; it may reach outside.

    Raises:
        ValueError: for an empty rectangle.
    """

    x: int
    y: int
    width: int
    height: int

    def __post_init__(self) -> None:
        if self.width < 1 or self.height < 1:
            raise ValueError(f"a tile needs a size above zero, not {self.width}x{self.height}")


@dataclass(frozen=True)
class BatchFormat:
    """What a detector wants its tiles to be.

    Args:
        width, height: of each tile in the batch, in samples.
        number: the type of the numbers.
        colorimetry: of the stream, whose range is the limited one: luma 16 .. 235.
        mean, std: for red, green and blue: a number is (colour - mean) / std, the colour 0 .. 1.

    Raises:
        ValueError: for sizes, types or deviations that can't be.
    """

    width: int
    height: int
    number: Number = "float32"
    colorimetry: Colorimetry = "bt709"
    mean: Triple = (0.0, 0.0, 0.0)
    std: Triple = (1.0, 1.0, 1.0)

    def __post_init__(self) -> None:
        if self.width < 1 or self.height < 1:
            raise ValueError(f"a detector's input needs a size above zero, not {self.width}x{self.height}")
        if self.number not in ("float16", "float32"):
            raise ValueError(f"a batch is of float16 or float32, not {self.number!r}")
        if self.colorimetry not in _RED_AND_BLUE:
            raise ValueError(f"unknown colorimetry {self.colorimetry!r}: bt709 or bt601")
        if len(self.mean) != 3 or len(self.std) != 3 or not all(s > 0 for s in self.std):
            raise ValueError("mean and deviation are three numbers each, the deviations above zero")

    def shape(self, tiles: int) -> tuple[int, int, int, int]:
        """The shape of a batch of so many tiles."""
        return tiles, 3, self.height, self.width


class RgbFactors(NamedTuple):
    """Red = luma * y - black + red_v * v and so on, from levels 0 .. 255, those of u and v less 128."""

    luma: float
    black: float
    red_v: float
    green_u: float
    green_v: float
    blue_u: float


def rgb_factors(colorimetry: Colorimetry) -> RgbFactors:
    """ITU-R BT.709 and BT.601, limited range, as factors that give RGB 0 .. 1."""
    red, blue = _RED_AND_BLUE[colorimetry]
    green = 1 - red - blue
    return RgbFactors(
        luma=1 / 219,
        black=16 / 219,
        red_v=2 * (1 - red) / 224,
        green_u=-2 * (1 - blue) * blue / green / 224,
        green_v=-2 * (1 - red) * red / green / 224,
        blue_u=2 * (1 - blue) / 224,
    )


def fetches_of(tile: Tile, batch: BatchFormat) -> int:
    """How many bilinear fetches along each axis make one sample of a tile."""
    coarsest = max(tile.width / batch.width, tile.height / batch.height)
    return max(1, min(MOST, math.ceil(coarsest / COARSE)))


def cover(size: tuple[int, int], tile: tuple[int, int], overlap: int) -> tuple[Tile, ...]:
    """Tiles of one size that cover a picture evenly, row by row; the outer ones lie flush with its edges.

    Args:
        size: width and height of the picture.
        tile: width and height of a tile. Where it is larger than the picture it begins at the edge and reaches
            outside.
        overlap: how many pixels neighbours share at least, less than a tile's sides.

    Raises:
        ValueError: for sizes that are not positive or an overlap that is too large.
    """
    if min(*size, *tile) < 1 or not 0 <= overlap < min(tile):
        raise ValueError(
            f"{tile[0]}x{tile[1]} tiles that share {overlap} pixels can't cover {size[0]}x{size[1]}"
        )
    columns, rows = _starts(size[0], tile[0], overlap, 4), _starts(size[1], tile[1], overlap, 2)
    return tuple(Tile(x, y, *tile) for y in rows for x in columns)


def _starts(full: int, part: int, overlap: int, whole: int) -> list[int]:
    """Where tiles begin along one axis: at multiples of ``whole``, where a GPU reads best, if the overlap allows."""
    room = full - part
    if room <= 0:
        return [0]
    gaps = -(-room // (part - overlap))
    even = [i * room // gaps for i in range(gaps + 1)]
    aligned = [start // whole * whole for start in even[:-1]] + [room]
    steps = (after - before for before, after in itertools.pairwise(aligned))
    return aligned if max(steps) <= part - overlap else even


class CpuTiles:
    """Cuts tiles on the processor.

    Args:
        panorama_size: width and height of the panoramas.
        tiles: at least one.
        batch: what to make of them.

    Raises:
        ValueError: without tiles; when cutting, for a panorama of another size.
    """

    def __init__(self, panorama_size: tuple[int, int], tiles: Sequence[Tile], batch: BatchFormat) -> None:
        self.panorama_size, self.tiles, self.batch = panorama_size, checked(tiles), batch
        self._parts = [_Part.of(tile, batch, panorama_size) for tile in self.tiles]

    def cut(self, panorama: Nv12) -> NDArray[np.float16] | NDArray[np.float32]:
        """The batch, shape (tiles, 3, height, width), in new memory."""
        check_size(self.panorama_size, (panorama.width, panorama.height))
        made = np.empty(self.batch.shape(len(self.tiles)), np.dtype(self.batch.number))
        for part, one in zip(self._parts, made, strict=True):
            y = _resampled(part.luma, panorama.y)
            u, v = (_resampled(part.chroma, panorama.uv[..., k]) - np.float32(128) for k in (0, 1))
            one[:] = normalised(y, u, v, part.outside, self.batch)
        return made


class _Axes(NamedTuple):
    """Weights of source rows (height, source rows) and columns (width, source columns)."""

    rows: csr_array
    columns: csr_array


class _Part(NamedTuple):
    luma: _Axes
    chroma: _Axes
    outside: NDArray[np.bool_]

    @classmethod
    def of(cls, tile: Tile, batch: BatchFormat, size: tuple[int, int]) -> _Part:
        count = fetches_of(tile, batch)
        y, x = (
            (tile.y, tile.height / batch.height, batch.height, size[1]),
            (tile.x, tile.width / batch.width, batch.width, size[0]),
        )
        luma, chroma = (_Axes(_weights(*y, count, s), _weights(*x, count, s)) for s in (1, 2))
        beyond = [
            (at < 0) | (at > full)
            for start, step, samples, full in (y, x)
            for at in [start + step * (np.arange(samples) + 0.5)]
        ]
        return cls(luma, chroma, beyond[0][:, None] | beyond[1])


def _weights(start: float, step: float, samples: int, full: int, count: int, part: int) -> csr_array:
    """What each of a plane's samples along one axis counts in each of the tile's.

    Args:
        start, step, samples: where the tile begins, how far apart its samples are, in luma samples; how many.
        full: the picture's luma samples along this axis.
        count: fetches for one sample.
        part: 1 for luma, 2 for chroma.
    """
    size = full // part
    corner = start + step * (np.arange(samples)[:, None] + (np.arange(count) + 0.5) / count)
    at = np.clip(corner / part - 0.5, 0, size - 1)
    before = np.minimum(np.floor(at).astype(np.int64), max(0, size - 2))
    after = at - before
    values = np.stack([1 - after, after], axis=-1) / count
    columns = np.minimum(np.stack([before, before + 1], axis=-1), size - 1)
    rows = np.broadcast_to(np.arange(samples)[:, None, None], columns.shape)
    where = (rows.ravel(), columns.ravel())
    return csr_array((values.astype(np.float32).ravel(), where), shape=(samples, size))


def _resampled(axes: _Axes, plane: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Rows first, of those columns alone that are read."""
    first, last = int(axes.columns.indices.min()), int(axes.columns.indices.max()) + 1
    top, bottom = int(axes.rows.indices.min()), int(axes.rows.indices.max()) + 1
    source = np.asarray(plane[top:bottom, first:last], np.float32)
    lines = axes.rows[:, top:bottom] @ source
    return np.asarray((axes.columns[:, first:last] @ lines.T).T)


def normalised(
    y: NDArray[np.floating],
    u: NDArray[np.floating],
    v: NDArray[np.floating],
    outside: NDArray[np.bool_],
    batch: BatchFormat,
) -> NDArray[np.floating]:
    """Numbers, shape (3, height, width), of levels 0 .. 255, those of ``u`` and ``v`` less 128."""
    f = rgb_factors(batch.colorimetry)
    bright = y * f.luma - f.black
    colours = np.stack([bright + f.red_v * v, bright + f.green_u * u + f.green_v * v, bright + f.blue_u * u])
    np.clip(colours, 0, 1, out=colours)
    colours[:, outside] = 0
    for colour, mean, std in zip(colours, batch.mean, batch.std, strict=True):
        colour -= mean
        colour /= std
    return colours


def reference(panorama: Nv12, tiles: Sequence[Tile], batch: BatchFormat) -> NDArray[np.float64]:
    """The batch in float64, fetch by fetch, as the definition says it: slow, what the others are compared with."""
    made = np.empty(batch.shape(len(tiles)))
    for tile, one in zip(tiles, made, strict=True):
        count = fetches_of(tile, batch)
        sums = np.zeros((3, batch.height, batch.width))
        for fetch in range(count * count):
            across, down = ((k + 0.5) / count for k in (fetch % count, fetch // count))
            x = tile.x + (np.arange(batch.width) + across) * (tile.width / batch.width)
            y = tile.y + (np.arange(batch.height)[:, None] + down) * (tile.height / batch.height)
            sums[0] += bilinear(panorama.y, x - 0.5, y - 0.5)
            for k in (0, 1):
                sums[1 + k] += bilinear(panorama.uv[..., k], x / 2 - 0.5, y / 2 - 0.5)
        levels = sums / count**2
        x = tile.x + (np.arange(batch.width) + 0.5) * (tile.width / batch.width)
        y = tile.y + (np.arange(batch.height)[:, None] + 0.5) * (tile.height / batch.height)
        outside = (x < 0) | (x > panorama.width) | (y < 0) | (y > panorama.height)
        one[:] = normalised(levels[0], levels[1] - 128, levels[2] - 128, outside, batch)
    return made


def bilinear(
    plane: NDArray[np.uint8], x: NDArray[np.floating], y: NDArray[np.floating]
) -> NDArray[np.float64]:
    """A plane at positions x, y (broadcast), its edges repeated, in float64."""
    height, width = plane.shape
    x, y = np.clip(x, 0, width - 1), np.clip(y, 0, height - 1)
    left, top = np.minimum(x.astype(int), width - 2), np.minimum(y.astype(int), height - 2)
    fx, fy = x - left, y - top
    upper = plane[top, left] * (1 - fx) + plane[top, left + 1] * fx
    lower = plane[top + 1, left] * (1 - fx) + plane[top + 1, left + 1] * fx
    return np.asarray(upper * (1 - fy) + lower * fy)


def checked(tiles: Sequence[Tile]) -> tuple[Tile, ...]:
    """The tiles, if there are any. Raises ValueError without."""
    if not tiles:
        raise ValueError("a batch needs at least one tile")
    return tuple(tiles)


def check_size(wanted: tuple[int, int], given: tuple[int, int]) -> None:
    """Raises ValueError for a panorama of another size."""
    if wanted != given:
        raise ValueError(
            f"these tiles are of a panorama of {wanted[0]}x{wanted[1]}, not {given[0]}x{given[1]}"
        )
