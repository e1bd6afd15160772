"""Lines, boxes and dots on NV12 pictures, by OpenCV on each plane."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from touchline.gst.nv12 import Nv12

_SHIFT = 4  # bits of a pixel's fraction
_FARTHEST = 8192.0  # pixels: what lies further outside is not drawn, for OpenCV counts in 32 bits


@dataclass(frozen=True)
class Ink:
    """A colour of video range: luma 16 .. 235, chroma 16 .. 240."""

    y: int
    u: int
    v: int

    @classmethod
    def rgb(cls, red: int, green: int, blue: int) -> Ink:
        """Of red, green and blue, 0 .. 255, by BT.709."""
        r, g, b = red / 255, green / 255, blue / 255
        luma = 0.2126 * r + 0.7152 * g + 0.0722 * b
        return cls(
            round(16 + 219 * luma),
            round(128 + 224 * (b - luma) / 1.8556),
            round(128 + 224 * (r - luma) / 1.5748),
        )


class Pen:
    """Draws on one picture. Points are (x, y); (0, 0) is the centre of the first pixel. What is outside is cut off.

    Args:
        picture: written to; rows may be padded.
    """

    def __init__(self, picture: Nv12) -> None:
        self._picture = picture

    def line(self, points: ArrayLike, ink: Ink, width: int = 2, *, closed: bool = False) -> None:
        """A line through points, shape (n, 2); pieces with a point that is not finite or far outside are left out."""
        given = np.asarray(points, dtype=np.float64).reshape(-1, 2)
        good = (np.abs(np.where(np.isfinite(given), given, np.inf)) < _FARTHEST).all(axis=1)
        if closed and good.all():
            self._pieces([given], ink, width, closed=True)
            return
        edges = np.flatnonzero(np.diff(np.r_[False, good, False]))
        self._pieces([given[a:b] for a, b in zip(edges[::2], edges[1::2], strict=True)], ink, width)

    def box(self, left: float, top: float, right: float, bottom: float, ink: Ink, width: int = 2) -> None:
        """The outline of a rectangle."""
        self.line([(left, top), (right, top), (right, bottom), (left, bottom)], ink, width, closed=True)

    def dot(self, x: float, y: float, radius: float, ink: Ink) -> None:
        """A filled circle."""
        if not (abs(x) < _FARTHEST and abs(y) < _FARTHEST):
            return
        luma, chroma = self._picture.y, self._picture.uv
        cv2.circle(luma, _fixed((x, y)), round(radius * 16), ink.y, -1, cv2.LINE_AA, _SHIFT)
        middle = _fixed(((x - 0.5) / 2, (y - 0.5) / 2))
        cv2.circle(chroma, middle, max(8, round(radius * 8)), (ink.u, ink.v), -1, cv2.LINE_8, _SHIFT)

    def fill(self, points: ArrayLike, ink: Ink) -> None:
        """A convex polygon, shape (n, 2)."""
        given = np.asarray(points, dtype=np.float64).reshape(-1, 2)
        if len(given) < 3 or not (np.abs(given) < _FARTHEST).all():
            return
        cv2.fillConvexPoly(self._picture.y, _fixed_all(given), ink.y, cv2.LINE_AA, _SHIFT)
        cv2.fillConvexPoly(
            self._picture.uv, _fixed_all((given - 0.5) / 2), (ink.u, ink.v), cv2.LINE_8, _SHIFT
        )

    def _pieces(self, pieces: list[NDArray[np.float64]], ink: Ink, width: int, closed: bool = False) -> None:
        lumas = [_fixed_all(piece) for piece in pieces if len(piece) > 1]
        chromas = [_fixed_all((piece - 0.5) / 2) for piece in pieces if len(piece) > 1]
        if not lumas:
            return
        cv2.polylines(self._picture.y, lumas, closed, ink.y, width, cv2.LINE_AA, _SHIFT)
        half = max(1, (width + 1) // 2)
        cv2.polylines(self._picture.uv, chromas, closed, (ink.u, ink.v), half, cv2.LINE_8, _SHIFT)


def part_of(picture: Nv12, left: int, top: int, width: int, height: int) -> Nv12:
    """A rectangle of a picture, as a picture over the same memory; all numbers even.

    Raises:
        ValueError: for odd numbers, or a rectangle that is empty or reaches outside.
    """
    if any(number % 2 for number in (left, top, width, height)):
        raise ValueError(f"NV12 is cut at even pixels, not at {left},{top} {width}x{height}")
    inside = left >= 0 and top >= 0 and left + width <= picture.width and top + height <= picture.height
    if not (inside and width > 0 and height > 0):
        raise ValueError(f"{width}x{height} at {left},{top} is no part of {picture.width}x{picture.height}")
    rows, columns = slice(top, top + height), slice(left, left + width)
    halves = slice(top // 2, (top + height) // 2), slice(left // 2, (left + width) // 2)
    return Nv12(picture.y[rows, columns], picture.uv[halves])


def _fixed(point: tuple[float, float]) -> tuple[int, int]:
    return round(point[0] * 16), round(point[1] * 16)


def _fixed_all(points: NDArray[np.float64]) -> NDArray[np.int32]:
    return np.asarray(np.rint(points * 16), dtype=np.int32)
