"""Views of a board: a chessboard or a ChArUco board found in pictures, and those of them that say most."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from touchline.errors import ConfigurationError

Image = NDArray[np.uint8]
Floats = NDArray[np.float64]

MOST_VIEWS = 30  # more of them say hardly more
_MARKER = 0.75  # of a square
_LEAST_CORNERS = 8  # of a ChArUco board that is seen in part
_SHARP = 0.6  # of the usual sharpness
_WINDOW = 5  # pixels around a corner in which its edges are looked at
_PERSPECTIVE = 2.0  # how much a tilt counts against a place in the picture


@dataclass(frozen=True)
class Board:
    """A flat board of black and white squares.

    Args:
        columns, rows: how many squares it has (not corners), 4 .. 40.
        dictionary: OpenCV's name of the ArUco markers in its white squares (``DICT_4X4_50`` ...); None: a plain
            chessboard.

    Raises:
        ConfigurationError: for fewer or more squares, an unknown dictionary, or one with too few markers.
    """

    columns: int
    rows: int
    dictionary: str | None = None

    def __post_init__(self) -> None:
        if not (4 <= self.columns <= 40 and 4 <= self.rows <= 40):
            raise ConfigurationError(
                f"a board has 4 to 40 squares along each side, not {self.columns}x{self.rows}"
            )
        if self.dictionary is None:
            return
        names = [name for name in dir(cv2.aruco) if name.startswith("DICT_")]
        if self.dictionary not in names:
            raise ConfigurationError(
                f"unknown ArUco dictionary {self.dictionary}; known are {', '.join(sorted(names))}"
            )
        markers = len(self._aruco_dictionary.bytesList)
        if markers < self.columns * self.rows // 2:
            raise ConfigurationError(
                f"{self.dictionary} has {markers} markers, and a board of {self.columns}x{self.rows} needs "
                f"{self.columns * self.rows // 2}"
            )

    @cached_property
    def corners(self) -> Floats:
        """The inner corners in squares, from the middle of the board, row by row, shape (n, 3)."""
        across, down = np.meshgrid(np.arange(1, self.columns), np.arange(1, self.rows))
        flat = np.stack([across - self.columns / 2, down - self.rows / 2, np.zeros(across.shape)], axis=-1)
        return flat.reshape(-1, 3)

    @cached_property
    def _aruco_dictionary(self) -> Any:
        return cv2.aruco.getPredefinedDictionary(getattr(cv2.aruco, str(self.dictionary)))

    @cached_property
    def _charuco(self) -> Any:
        return cv2.aruco.CharucoBoard((self.columns, self.rows), 1.0, _MARKER, self._aruco_dictionary)

    @cached_property
    def _detector(self) -> Any:
        return cv2.aruco.CharucoDetector(self._charuco)

    def picture(self, width: int) -> Image:
        """The board for printing, about so many pixels wide, grey, with a white edge of half a square around it."""
        square = max(8, width // (self.columns + 1))
        inner = self.columns * square, self.rows * square
        if self.dictionary is not None:
            drawn = np.asarray(self._charuco.generateImage(inner, marginSize=0))
        else:
            row, column = np.indices((inner[1], inner[0])) // square
            drawn = np.where((row + column) % 2 == 0, 0, 255).astype(np.uint8)
        return np.pad(drawn, square // 2, constant_values=255)

    def find(self, grey: Image) -> View | None:
        """The board in a grey picture; None if it is not there. A plain chessboard has to be seen whole."""
        if self.dictionary is not None:
            places, numbers = self._detector.detectBoard(grey)[:2]
            if places is None or numbers is None or len(numbers) < _LEAST_CORNERS:
                return None
            known = np.asarray(numbers).ravel()
            if len(np.unique(self.corners[known, 0])) < 3 or len(np.unique(self.corners[known, 1])) < 3:
                return None  # too narrow a strip to say how the board stands
        else:
            flags = cv2.CALIB_CB_NORMALIZE_IMAGE | cv2.CALIB_CB_ACCURACY
            found, places = cv2.findChessboardCornersSB(grey, (self.columns - 1, self.rows - 1), flags=flags)
            if not found:
                return None
            known = np.arange(len(self.corners))
        pixels = np.asarray(places, dtype=np.float64).reshape(-1, 2)
        return View(pixels, self.corners[known], _sharpness(grey, pixels))


@dataclass(frozen=True)
class View:
    """A board in one picture.

    Attributes:
        pixels: places of its corners, shape (n, 2).
        points: the same corners on the board, in squares, shape (n, 3).
        sharpness: how steep its edges are, in shares of their contrast per pixel.
    """

    pixels: Floats
    points: Floats
    sharpness: float

    def pose(self, size: tuple[int, int]) -> Floats:
        """What tells it from other views: place, size and tilt, each about 0 .. 1, shape (5,)."""
        matrix, _ = cv2.findHomography(self.points[:, :2], self.pixels)
        reach = np.abs(self.points[:, :2]).max(axis=0)
        tilt = np.zeros(2) if matrix is None else matrix[2, :2] / matrix[2, 2] * reach
        middle = self.pixels.mean(axis=0) / size
        extent = np.sqrt(np.prod(np.ptp(self.pixels, axis=0)) / (size[0] * size[1]))
        return np.array([*middle, extent, *np.clip(tilt * _PERSPECTIVE, -1, 1)])


def _sharpness(grey: Image, pixels: Floats) -> float:
    """The median over the corners of the steepest slope near by, as a share of the contrast there."""
    found = []
    for x, y in np.rint(pixels).astype(int):
        part = grey[max(0, y - _WINDOW) : y + _WINDOW + 1, max(0, x - _WINDOW) : x + _WINDOW + 1].astype(
            np.float32
        )
        if min(part.shape) < 3:
            continue
        slope = np.hypot(cv2.Sobel(part, cv2.CV_32F, 1, 0), cv2.Sobel(part, cv2.CV_32F, 0, 1)) / 8
        found.append(float(slope[1:-1, 1:-1].max()) / max(1.0, float(np.ptp(part))))
    return float(np.median(found)) if found else 0.0


def choose_views(views: Sequence[View], size: tuple[int, int], most: int = MOST_VIEWS) -> list[View]:
    """The sharp ones of many views, as unlike one another in place, size and tilt as can be.

    Each next one is that which is furthest from all that were taken (Gonzalez 1985).
    """
    if not views:
        return []
    usual = float(np.median([view.sharpness for view in views]))
    sharp = [view for view in views if view.sharpness >= _SHARP * usual]
    poses = np.array([view.pose(size) for view in sharp])
    taken = [int(np.argmax([view.sharpness for view in sharp]))]
    apart = np.linalg.norm(poses - poses[taken[0]], axis=1)
    while len(taken) < min(most, len(sharp)):
        taken.append(int(np.argmax(apart)))
        apart = np.minimum(apart, np.linalg.norm(poses - poses[taken[-1]], axis=1))
    return [sharp[number] for number in sorted(taken)]
