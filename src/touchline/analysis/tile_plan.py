"""Which tiles a detector needs to see the whole field: computed from panorama, field and the detector's input."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from touchline.analysis.ground import MAST_M, Ground
from touchline.analysis.region import looked_at
from touchline.analysis.tiles import Tile, cover
from touchline.geometry import FieldOutline, Panorama

Mask = NDArray[np.bool_]

_COARSE = 1300  # pixels across, of a picture in which the field is found quickly
_ROOM = 1.25  # of what must be whole in one tile
_MOST_SHARED = 0.4  # of a tile


def plan_tiles(
    panorama: Panorama,
    field: FieldOutline | None,
    input_size: tuple[int, int],
    *,
    zoom: float = 1.0,
    height_m: float | None = None,
) -> tuple[Tile, ...]:
    """Tiles that cover the field, what lies a little beside it, and the air above it.

    Neighbours share more than the largest ball, more than a player is wide, and more than a far player is high: each of
    these is whole in at least one tile, wherever it is. Larger ones are cut, and put together again by
    :func:`touchline.analysis.merging.merge`. Tiles that show nothing of the field are left out.

    Args:
        panorama: what is cut.
        field: where the field is; None: all below the horizon is covered.
        input_size: width and height of the detector's input, in samples.
        zoom: the detector's samples for one of the panorama's pixels: above 1 small things are enlarged.
        height_m: of the cameras above the ground; None: a usual mast's.

    Raises:
        ValueError: for an empty input or a zoom that is not above zero.
    """
    if min(input_size) < 1 or not (math.isfinite(zoom) and zoom > 0):
        raise ValueError(f"an input of {input_size[0]}x{input_size[1]} at zoom {zoom:g} can't be cut")
    mask = _whole_cells(looked_at(_coarse(panorama), field), panorama)
    rows, columns = (np.nonzero(mask.any(axis=axis))[0] for axis in (1, 0))
    left, top = int(columns[0]) // 4 * 4, int(rows[0]) // 2 * 2
    size = int(columns[-1]) + 1 - left, int(rows[-1]) + 1 - top
    side = max(8, round(input_size[0] / zoom)), max(8, round(input_size[1] / zoom))
    shared = least_overlap(panorama, field, height_m)
    tiles = cover(size, side, min(shared, int(min(side) * _MOST_SHARED)))
    placed = [_inside(tile, left, top, panorama) for tile in tiles]
    return tuple(tile for tile in placed if _part(mask, tile).any())


def least_overlap(panorama: Panorama, field: FieldOutline | None, height_m: float | None = None) -> int:
    """Pixels that neighbours have to share: see :func:`plan_tiles`."""
    ground = Ground(panorama, MAST_M if height_m is None else height_m)
    coarse = _coarse(panorama)
    mask = field.mask(coarse) if field is not None else looked_at(coarse, None)
    rows = np.nonzero(mask.any(axis=1))[0] * (panorama.height / coarse.height)
    top, bottom = float(rows[0]), float(rows[-1])
    wide, _, ball = ground.largest(top, bottom)
    far = float(ground.person(panorama.width / 2, top)[1])
    return math.ceil(_ROOM * max(wide, ball, far))


def _coarse(panorama: Panorama) -> Panorama:
    """The same part of the sphere, small enough for a mask of it to be quick: one of 5700 x 1900 takes seconds."""
    share = min(1.0, _COARSE / panorama.width)
    width, height = (max(2, round(size * share / 2) * 2) for size in (panorama.width, panorama.height))
    return panorama if share == 1 else panorama.scaled(width, height)


def _whole_cells(mask: Mask, panorama: Panorama) -> Mask:
    """A mask of :func:`_coarse` as one of the panorama, with a cell more around it: none of its pixels is left out."""
    size = panorama.width, panorama.height
    if mask.shape == size[::-1]:
        return mask
    grown = cv2.dilate(mask.astype(np.uint8), np.ones((3, 3), np.uint8))
    return np.asarray(cv2.resize(grown, size, interpolation=cv2.INTER_NEAREST) > 0)


def _inside(tile: Tile, left: int, top: int, panorama: Panorama) -> Tile:
    """A tile of the part that is covered, in the panorama; moved inwards where that has room for it."""
    x = min(left + tile.x, max(0, panorama.width - tile.width))
    y = min(top + tile.y, max(0, panorama.height - tile.height))
    return Tile(x, y, tile.width, tile.height)


def _part(mask: Mask, tile: Tile) -> Mask:
    return mask[max(0, tile.y) : tile.y + tile.height, max(0, tile.x) : tile.x + tile.width]
