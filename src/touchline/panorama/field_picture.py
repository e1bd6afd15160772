"""The field's outline drawn into a picture of the panorama, for a person to judge."""

from __future__ import annotations

import cv2
import numpy as np

from touchline.geometry import FieldOutline, Panorama, rays_to_angles
from touchline.panorama.calibrate_still import Image

_LINE, _EDGE = (40, 210, 255), (24, 28, 32)
_OUTSIDE = 0.55  # of its light


def draw_field(panorama: Panorama, picture: Image, outline: FieldOutline) -> Image:
    """A copy of a picture with the outline in it, and all outside it darker.

    Args:
        panorama: what the picture shows.
        picture: BGR, of the panorama's size.
    """
    inside = outline.mask(panorama)[..., None]
    return draw_outline(panorama, np.where(inside, picture, (picture * _OUTSIDE).astype(np.uint8)), outline)


def draw_outline(
    panorama: Panorama, picture: Image, outline: FieldOutline, colour: tuple[int, int, int] = _LINE
) -> Image:
    """A copy of a picture with the outline in it; ``panorama`` and ``picture`` as in :func:`draw_field`."""
    drawn = picture.copy()
    path = np.stack(panorama.angles_to_pixels(*rays_to_angles(outline.path())), axis=-1)
    shown = path[np.isfinite(path).all(axis=1) & (np.abs(path) < 30_000).all(axis=1)]
    corners = np.round(shown * 16).astype(np.int32).reshape(-1, 1, 2)
    for ink, thickness in ((_EDGE, 4), (colour, 2)):
        cv2.polylines(drawn, [corners], True, ink, thickness, cv2.LINE_AA, shift=4)
    return np.asarray(drawn, dtype=np.uint8)
