"""What the camera has made: which frame belongs where, written down apart from everything that is tested."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from touchline.gst.library import SECOND

_MARGIN = 1024


class Ledger:
    """Frames by number, as far back as one may still be on its way.

    Args:
        fps: frames per second; frame n is filmed at n / fps.
        window_frames: how many may be on their way at a time.
    """

    def __init__(self, fps: Fraction, window_frames: int) -> None:
        self._num, self._den = fps.numerator, fps.denominator
        self._room = window_frames + _MARGIN
        self._pts = np.full(self._room, -1, dtype=np.int64)
        self._bytes = np.zeros(self._room, dtype=np.int64)
        self._numbers: dict[int, int] = {}
        self.made = 0
        self.lost: dict[int, str] = {}
        self.furthest_moved = 0

    def filmed(self, number: int) -> int:
        """When a frame is filmed, ns of running time."""
        return (2 * number * SECOND * self._den + self._num) // (2 * self._num)

    def stored(self, number: int, pts: int, size: int) -> None:
        """A frame has been given to the store under this PTS."""
        place = number % self._room
        self._numbers.pop(int(self._pts[place]), None)
        self._pts[place], self._bytes[place] = pts, size
        self._numbers[pts] = number
        self.made += 1
        self.furthest_moved = max(self.furthest_moved, abs(pts - self.filmed(number)))

    def lose(self, number: int, reason: str) -> None:
        """A frame has not got into the store."""
        self.lost[number] = reason

    def number_of(self, pts: int) -> int:
        """The number of the frame that is stored under a PTS."""
        return self._numbers[pts]

    def look_up(self, numbers: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """PTS and bytes of stored frames."""
        places = numbers % self._room
        return self._pts[places], self._bytes[places]
