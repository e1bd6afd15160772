"""What does not move at all, though people pass before it: a hole in the background, a bag, no person.

A background that held somebody shows a hole when he has gone, and somebody puts down a bag: both differ from the
background as people do. But people breathe, shift their weight and look about. Each place that differs has a candidate
for what it looks like when nobody is before it, by majority in time (the vote of Boyer and Moore, 1991): as long as the
picture agrees the vote rises, else it falls, and at zero another candidate is taken. Pictures are compared once a
second, in luma and in chroma, reduced so far that noise averages out.
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
_DIFFERS: Final = 0.25  # share of a cell that is foreground, from which on it differs
_MOST_S: Final = 60.0
_PART: Final = 0.1  # of what differs in a box, that may have moved


class Stillness:
    """For how long each cell of a picture has differed from the background and mostly looked as it does now.

    Args:
        height, width: of the pictures' luma, even. What is left over by whole cells, at the right and below, is not
            looked at.
    """

    def __init__(self, height: int, width: int) -> None:
        self._rows, self._columns = height // _CELL, width // _CELL
        shape = self._rows, self._columns
        self._votes_s: Floats = np.zeros(shape, np.float32)
        self._agrees: NDArray[np.bool_] = np.zeros(shape, np.bool_)
        self._differs: NDArray[np.bool_] = np.zeros(shape, np.bool_)
        self._usual: Floats = np.full((*shape, 3), -1.0, np.float32)
        self._passed_s = 0.0

    def observe(
        self,
        luma: NDArray[np.uint8],
        chroma: NDArray[np.uint8],
        foreground: NDArray[np.bool_],
        elapsed_s: float,
    ) -> bool:
        """Takes in the next picture, ``elapsed_s`` seconds after the one before; true if it was compared.

        Args:
            luma: shape (height, width).
            chroma: shape (height / 2, width / 2, 2).
            foreground: what differs from the background, shape (height, width).
        """
        self._passed_s += elapsed_s
        if self._passed_s < 0.999 * _EVERY_S or not self._votes_s.size:
            return False
        now = np.dstack([self._reduced(luma, _CELL), self._reduced(chroma, _CELL // 2)])
        self._differs = self._reduced(foreground.astype(np.uint8) * np.uint8(255), _CELL) >= 255 * _DIFFERS
        same = (np.abs(now - self._usual) <= _SAME).all(axis=-1)
        self._agrees = same & self._differs
        votes = np.minimum(self._votes_s + np.where(self._agrees, self._passed_s, -self._passed_s), _MOST_S)
        lost = votes < 0
        self._usual[lost] = now[lost]
        self._votes_s = np.where(lost, 0, votes).astype(np.float32)
        self._passed_s = 0.0
        return True

    def since_s(self, left: int, top: int, right: int, bottom: int) -> float:
        """For how long what differs in a box, in pixels, has looked as it does now, but for a tenth of it.

        *Now* is when pictures were last compared. 0 if it mostly looks otherwise, or nothing differs.
        """
        box = (
            slice(max(top, 0) // _CELL, -(-bottom // _CELL)),
            slice(max(left, 0) // _CELL, -(-right // _CELL)),
        )
        differs = self._differs[box]
        still = np.where(self._agrees[box], self._votes_s[box], 0)[differs]
        return float(np.quantile(still, _PART, method="lower")) if still.size else 0.0

    def _reduced(self, picture: NDArray[np.uint8], cell: int) -> Floats:
        """The means of whole cells."""
        whole = picture[: self._rows * cell, : self._columns * cell]
        made = cv2.resize(whole, (self._columns, self._rows), interpolation=cv2.INTER_AREA)
        return np.asarray(made, np.float32)
