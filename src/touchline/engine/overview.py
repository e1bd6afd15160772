"""One picture that shows what a run did: the panorama with the view drawn into it, beside the programme."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from touchline.geometry import Panorama, View, rays_to_angles

Image = NDArray[np.uint8]
_WIDE = 1400  # pixels of a row's panorama
_EDGE = 40  # points along each edge of the view
_YELLOW, _WHITE, _BLACK = (0, 220, 255), (255, 255, 255), (0, 0, 0)
_GAP = 6


@dataclass(frozen=True)
class OverviewRow:
    """One moment.

    Attributes:
        pts_s: when, in seconds of the match.
        panorama: BGR picture of the panorama.
        view: what the programme showed of it; None: all of it.
        programme: BGR picture of the programme at that time.
    """

    pts_s: float
    panorama: Image
    view: View | None
    programme: Image


def outline(panorama: Panorama, view: View, aspect: float) -> NDArray[np.float64]:
    """Where the edge of a view lies in the panorama: pixel coordinates, shape (n, 2), all around."""
    width, height = 1000.0, 1000.0 / aspect
    along, one = np.linspace(0, 1, _EDGE), np.ones(_EDGE)
    x = np.concatenate([along, one, along[::-1], 0 * one]) * (width - 1)
    y = np.concatenate([0 * one, along, one, along[::-1]]) * (height - 1)
    ahead = View(0.0, view.pitch_deg, view.fov_deg)
    yaw, pitch = rays_to_angles(ahead.rays(x, y, round(width), round(height)))
    return np.stack(panorama.angles_to_pixels(yaw + math.radians(view.yaw_deg), pitch), axis=-1)


def compose(panorama: Panorama, rows: Sequence[OverviewRow], title: str) -> Image:
    """The rows below each other, each with its time. Raises ValueError for no rows."""
    if not rows:
        raise ValueError("an overview needs a row at least")
    height = round(_WIDE * panorama.height / panorama.width)
    pictures = [_row(panorama, row, height) for row in rows]
    width = max(picture.shape[1] for picture in pictures)
    head = np.full((40, width, 3), 30, dtype=np.uint8)
    _write(head, title, (12, 27), 0.65)
    gap = np.full((_GAP, width, 3), 30, dtype=np.uint8)
    stack = [head]
    for picture in pictures:
        stack += [picture, gap]
    return np.vstack(stack)


def _row(panorama: Panorama, row: OverviewRow, height: int) -> Image:
    scale = _WIDE / panorama.width
    wide = _scaled(row.panorama, _WIDE, height)
    aspect = row.programme.shape[1] / row.programme.shape[0]
    if row.view is not None:
        corners = (outline(panorama, row.view, aspect) + 0.5) * scale - 0.5
        shape = np.round(corners * 16).astype(np.int32).reshape(-1, 1, 2)
        for colour, thickness in ((_BLACK, 4), (_YELLOW, 2)):
            cv2.polylines(wide, [shape], True, colour, thickness, cv2.LINE_AA, shift=4)
    _write(wide, f"{row.pts_s:.1f} s", (12, height - 14), 0.8)
    narrow = _scaled(row.programme, round(height * aspect), height)
    return np.hstack([wide, np.full((height, _GAP, 3), 30, dtype=np.uint8), narrow])


def _scaled(picture: Image, width: int, height: int) -> Image:
    return np.asarray(cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA), dtype=np.uint8)


def _write(picture: Image, text: str, at: tuple[int, int], size: float) -> None:
    """White with a shadow. One thickness for both, since the width of a letter depends on it."""
    for shift, colour in ((2, _BLACK), (1, _BLACK), (0, _WHITE)):
        place = (at[0] + shift, at[1] + shift)
        cv2.putText(picture, text, place, cv2.FONT_HERSHEY_SIMPLEX, size, colour, 2, cv2.LINE_AA)
