"""Which part of a panorama players and balls may be in."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from touchline.analysis.ground import PERSON_M, Ground
from touchline.geometry import FieldOutline, Panorama

BESIDE_DEG = 2.0  # beside the field that players and balls are looked for
ABOVE_M = 12.0  # above the field that balls fly


def looked_at(panorama: Panorama, field: FieldOutline | None) -> NDArray[np.bool_]:
    """The pixels that players and balls may be in, shape (height, width): the field, a little around it, and above it.

    Without a field: what is below the horizon.

    Raises:
        ValueError: if the panorama shows nothing of the field, or nothing below the horizon.
    """
    if field is None:
        x, y = np.arange(panorama.width)[None, :], np.arange(panorama.height)[:, None]
        _, pitch = panorama.pixels_to_angles(x, y)
        mask = np.broadcast_to(pitch < 0, (panorama.height, panorama.width)).copy()
    else:
        mask = field.mask(panorama, BESIDE_DEG)
    if not mask.any():
        raise ValueError(
            "the panorama shows nothing of the field" if field else "the panorama shows no ground"
        )
    if field is None:
        return np.asarray(mask)
    _, tall = Ground(panorama).person(panorama.width / 2, np.nonzero(mask)[0].min())
    above = math.ceil(float(tall) * ABOVE_M / PERSON_M)
    rows = np.arange(panorama.height)[:, None]
    first = np.where(mask.any(axis=0), mask.argmax(axis=0), panorama.height)
    made: NDArray[np.bool_] = mask | ((rows < first) & (rows >= first - above))
    return made
