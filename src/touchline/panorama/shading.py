"""What a lens takes from the light towards the edge of its picture, given back block by block."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from touchline.geometry import Camera, Panorama, Rig
from touchline.panorama.kernels import BLOCK
from touchline.panorama.tone import POWER
from touchline.panorama.tone_kernels import SHADE_UNITY
from touchline.panorama.warp import block_count, source_positions

Floats = NDArray[np.float64]

_FURTHEST = 1.3  # of the square of the half diagonal: beyond the picture nothing is asked for
_MOST = 1.99
_NOTICED = (
    0.002  # a change of a falloff that is worth making the table again: a tenth of a level in the corner
)


def radius_squared(camera: Camera, pixels: Floats) -> Floats:
    """Squared distance of pixels, shape (..., 2), from the optical centre; the half diagonal's square is one."""
    diagonal = (camera.width**2 + camera.height**2) / 4
    away = ((pixels - [camera.cx, camera.cy]) ** 2).sum(-1) / diagonal
    return np.asarray(np.clip(np.nan_to_num(away, nan=0.0), 0.0, _FURTHEST))


class Shading:
    """The table of :attr:`touchline.panorama.tone_kernels.Tones.shades`, made again when a lens is known better.

    Args:
        rig: two cameras.
        panorama: what is made.
    """

    def __init__(self, rig: Rig, panorama: Panorama) -> None:
        rows, columns = block_count(panorama.width, panorama.height)
        x = np.arange(columns + 1, dtype=np.float64)[None, :] * BLOCK
        y = np.arange(rows + 1, dtype=np.float64)[:, None] * BLOCK
        rays = panorama.rays(x, y)
        self._radii = [
            radius_squared(camera, source_positions(camera, rays)).astype(np.float32)
            for camera in (rig.left, rig.right)
        ]
        self._known = (0.0, 0.0)
        self._shades = np.zeros((2, 0, 0, 3), np.int32)

    def shades(self, falloff_left: float, falloff_right: float) -> NDArray[np.int32]:
        """The table for two falloffs; see :class:`touchline.panorama.tone.Light`."""
        asked = (falloff_left, falloff_right)
        if max(abs(one - other) for one, other in zip(asked, self._known, strict=True)) >= _NOTICED:
            self._known = asked
            tables = [shade_table(radii, k) for radii, k in zip(self._radii, asked, strict=True)]
            self._shades = np.ascontiguousarray(np.stack(tables))
        return self._shades


def shade_table(radii: NDArray[np.float32], falloff: float) -> NDArray[np.int32]:
    """``s + si i + sr r`` of each block, from the exact factors at its corners.

    Args:
        radii: of :func:`radius_squared`, at the corners of the blocks, shape (rows + 1, columns + 1).
        falloff: of the lens; see :class:`touchline.panorama.tone.Light`.
    """
    factor = np.exp(np.minimum(np.float32(POWER * falloff) * radii, np.float32(math.log(_MOST))))
    c00, c10, c01, c11 = factor[:-1, :-1], factor[:-1, 1:], factor[1:, :-1], factor[1:, 1:]
    across = (c10 - c00 + c11 - c01) / (2 * BLOCK)
    down = (c01 - c00 + c11 - c10) / (2 * BLOCK)
    middle = (c00 + c10 + c01 + c11) / 4
    start = middle - (across + down) * (BLOCK / 2)
    made = np.rint(np.stack([start, across, down], axis=-1) * SHADE_UNITY)
    return np.asarray(made, dtype=np.int32)
