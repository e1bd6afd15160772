"""Completes the moments of cameras of which one is lost."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

from touchline.capture import Moment, Picture, PlainPicture
from touchline.gst.library import SECOND
from touchline.gst.nv12 import Nv12
from touchline.panorama.standin import StandIn, black, dimmed

_STILL_NS = 1 * SECOND  # a picture is shown on for so long as it was, as the player does with a gap


class Substitutes(Protocol):
    """Makes what stands in for a picture. Each is marked as such: nobody may learn from it."""

    def again(self, planes: Any) -> Any:
        """A picture that is being read, as its own stand-in."""

    def dimmed(self, picture: Picture) -> Picture:
        """A copy with a quarter of its light and of its colour."""

    def black(self, width: int, height: int) -> Picture:
        """Nothing at all."""


class PlainSubstitutes:
    """In plain memory."""

    def again(self, planes: Nv12) -> Nv12:
        return StandIn(*planes)

    def dimmed(self, picture: Picture) -> Picture:
        with picture.read() as planes:
            return PlainPicture(dimmed(planes))

    def black(self, width: int, height: int) -> Picture:
        return PlainPicture(black(width, height))


@dataclass(frozen=True)
class _Still:
    """A picture that is shown once more."""

    picture: Picture
    substitutes: Substitutes

    @contextmanager
    def read(self) -> Iterator[Any]:
        with self.picture.read() as planes:
            yield self.substitutes.again(planes)


class StandIns:
    """Puts something in the place of a lost camera's picture.

    Its last picture, as it was for a second, then dimmed: so it can be told from what is live, and the seam stays
    where it is. The dimmed copy is made once, and the camera's own memory is let go of then. A camera that never
    sent a picture is black.

    Args:
        sizes: width and height of each camera's pictures, from left to right; without, those of another camera are
            taken for one that never sent a picture.
        substitutes: makes them, in the memory of the pictures; by default plain memory.
    """

    def __init__(self, sizes: Sequence[tuple[int, int]] = (), substitutes: Substitutes | None = None) -> None:
        self._sizes = sizes
        self._substitutes = substitutes or PlainSubstitutes()
        self._last: dict[int, tuple[int, Picture]] = {}  # by side: PTS and picture
        self._dark: dict[int, Picture] = {}

    def complete(self, moment: Moment) -> list[Picture]:
        """The pictures of a moment, from left to right, with something for each that is missing."""
        if len(moment.pictures) == 1:
            return [picture for picture in moment.pictures if picture]
        return [
            self._stand_in(side, moment) if picture is None else self._live(side, moment.pts, picture)
            for side, picture in enumerate(moment.pictures)
        ]

    def forget(self) -> None:
        """Lets go of every picture."""
        self._last.clear()
        self._dark.clear()

    def _live(self, side: int, pts: int, picture: Picture) -> Picture:
        self._last[side] = pts, picture
        self._dark.pop(side, None)
        return picture

    def _stand_in(self, side: int, moment: Moment) -> Picture:
        if side not in self._dark:
            last = self._last.get(side)
            if last and abs(moment.pts - last[0]) < _STILL_NS:
                return _Still(last[1], self._substitutes)
            self._dark[side] = self._darken(side, moment)
            self._last.pop(side, None)
        return self._dark[side]

    def _darken(self, side: int, moment: Moment) -> Picture:
        if side in self._last:
            return self._substitutes.dimmed(self._last[side][1])
        return self._substitutes.black(*(self._sizes[side] if self._sizes else self._size_of_another(moment)))

    @staticmethod
    def _size_of_another(moment: Moment) -> tuple[int, int]:
        with next(picture for picture in moment.pictures if picture).read() as planes:
            return planes.width, planes.height
