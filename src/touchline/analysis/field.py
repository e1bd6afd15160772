"""Which parts of a panorama are worth a detector's time: those that show the field."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from touchline.analysis.tiles import Tile
from touchline.geometry import FieldOutline, Panorama

_STEP = 16  # pixels between the directions of a tile that are asked for


def tiles_on(
    tiles: Sequence[Tile], panorama: Panorama, field: FieldOutline, margin_deg: float
) -> tuple[Tile, ...]:
    """Those of the tiles that show anything of the field, or of what lies at most ``margin_deg`` beside it."""
    return tuple(tile for tile in tiles if _shows(tile, panorama, field, math.radians(margin_deg)))


def _shows(tile: Tile, panorama: Panorama, field: FieldOutline, margin: float) -> bool:
    ranges = [
        np.unique(
            np.append(np.arange(max(first, 0), min(first + size, full), _STEP), min(first + size, full) - 1)
        )
        for first, size, full in (
            (tile.x, tile.width, panorama.width),
            (tile.y, tile.height, panorama.height),
        )
    ]
    if (
        min(tile.x + tile.width, tile.y + tile.height) <= 0
        or tile.x >= panorama.width
        or tile.y >= panorama.height
    ):
        return False
    rays = panorama.rays(ranges[0][None, :], ranges[1][:, None])
    return bool((field.distance(rays) <= margin).any())
