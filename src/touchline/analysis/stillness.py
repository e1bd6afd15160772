"""What does not move at all, though people pass before it: a hole in the background, a bag, no person.

A background that held somebody shows a hole when he has gone, and somebody puts down a bag: both differ from the
background as people do. But people breathe, shift their weight and look about. Each place has a candidate for what it
looks like when nobody is before it, by majority in time (the vote of Boyer and Moore, 1991): as long as the picture
agrees the vote rises, else it falls, and at zero another candidate is taken. Pictures are compared once a second,
reduced so far that noise averages out.
"""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

_CELL: Final = 4  # pixels, each way
_EVERY_S: Final = 1.0
_SAME: Final = 2.5  # levels that a cell's mean may be off
_MOST_S: Final = 60.0
_PART: Final = 0.1  # of a box that may have moved


class Stillness:
    """Since when each cell of a picture mostly looks as it does now.

    Args:
        height, width: of the pictures' luma.
    """

    def __init__(self, height: int, width: int) -> None:
        self._size = (max(1, width // _CELL), max(1, height // _CELL))
        self._votes_s: Floats = np.zeros(self._size[::-1], np.float32)
        self._agrees: NDArray[np.bool_] = np.zeros(self._size[::-1], np.bool_)
        self._usual: Floats | None = None
        self._passed_s = 0.0

    def observe(self, luma: NDArray[np.uint8], elapsed_s: float) -> bool:
        """Takes in the next picture, ``elapsed_s`` seconds after the one before; true if it was compared."""
        self._passed_s += elapsed_s
        if self._usual is not None and self._passed_s < 0.999 * _EVERY_S:
            return False
        now = cv2.resize(luma, self._size, interpolation=cv2.INTER_AREA).astype(np.float32)
        if self._usual is None:
            self._usual, self._passed_s = now, 0.0
            return False
        same = np.abs(now - self._usual) <= _SAME
        votes = np.minimum(self._votes_s + np.where(same, self._passed_s, -self._passed_s), _MOST_S)
        lost = votes < 0
        self._usual[lost] = now[lost]
        self._votes_s = np.where(lost, 0, votes).astype(np.float32)
        self._agrees = same
        self._passed_s = 0.0
        return True

    def since_s(self, left: int, top: int, right: int, bottom: int) -> float:
        """For how long all but a tenth of a box, in pixels, has looked as it does now; 0 if it mostly looks otherwise.

        *Now* is when pictures were last compared.
        """
        box = (
            slice(top // _CELL, max(top // _CELL + 1, -(-bottom // _CELL))),
            slice(left // _CELL, max(left // _CELL + 1, -(-right // _CELL))),
        )
        still = np.where(self._agrees[box], self._votes_s[box], 0)
        return float(np.quantile(still, _PART, method="lower")) if still.size else 0.0
