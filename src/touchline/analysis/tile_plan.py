"""Which tiles a detector needs to see the whole field: computed from panorama, field and the detector's input."""

from __future__ import annotations

import math

import numpy as np

from touchline.analysis.ground import MAST_M, Ground
from touchline.analysis.region import looked_at
from touchline.analysis.tiles import Tile, cover
from touchline.geometry import FieldOutline, Panorama

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
    mask = looked_at(panorama, field)
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
    mask = field.mask(panorama) if field is not None else looked_at(panorama, None)
    rows = np.nonzero(mask.any(axis=1))[0]
    top, bottom = float(rows[0]), float(rows[-1])
    wide, _, ball = ground.largest(top, bottom)
    far = float(ground.person(panorama.width / 2, top)[1])
    return math.ceil(_ROOM * max(wide, ball, far))


def _inside(tile: Tile, left: int, top: int, panorama: Panorama) -> Tile:
    """A tile of the part that is covered, in the panorama; moved inwards where that has room for it."""
    x = min(left + tile.x, max(0, panorama.width - tile.width))
    y = min(top + tile.y, max(0, panorama.height - tile.height))
    return Tile(x, y, tile.width, tile.height)


def _part(
    mask: np.ndarray[tuple[int, ...], np.dtype[np.bool_]], tile: Tile
) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    return mask[max(0, tile.y) : tile.y + tile.height, max(0, tile.x) : tile.x + tile.width]
