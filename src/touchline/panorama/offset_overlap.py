"""What both cameras of a rig look at, as a coarse grid of cells: the same directions in both pictures."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from touchline.errors import OffsetError
from touchline.geometry import Camera, Rig, angles_to_rays
from touchline.panorama.warp import edge_distance

Floats = NDArray[np.float64]
Cells = NDArray[np.float32]

_CELLS = 12000  # that the overlap is divided into, about
_BLUR = 1.0  # cells
_EDGE_PX = 3.0  # what is nearer to the edge of a picture is left out


class Overlap:
    """The directions that both cameras of a rig see, as a grid of cells in yaw and pitch.

    Args:
        rig: two cameras.

    Attributes:
        seen: which cells both cameras see whole, shape (rows, columns).

    Raises:
        OffsetError: if the cameras have too little in common.
    """

    def __init__(self, rig: Rig) -> None:
        self._cameras = (rig.left, rig.right)
        yaw, pitch = _common_range(rig)
        cell = math.sqrt((yaw[1] - yaw[0]) * (pitch[1] - pitch[0]) / _CELLS)
        grid = _Grid(
            yaw[0], pitch[1], cell, *(math.ceil(float(np.diff(one)[0]) / cell) for one in (pitch, yaw))
        )
        self._rays = grid.rays(1)
        inside = np.minimum(*(edge_distance(camera, self._rays) for camera in self._cameras)) > _EDGE_PX
        self.seen: NDArray[np.bool_] = np.asarray(
            cv2.erode(inside.astype(np.uint8), np.ones((3, 3)), borderValue=0) > 0
        )
        if np.count_nonzero(self.seen) < _CELLS // 50:
            raise OffsetError("the cameras see too little in common to compare what moves there")
        self._samplers = tuple(_Sampler(camera, grid) for camera in self._cameras)

    def sample(self, side: int, luma: NDArray[np.uint8]) -> Cells:
        """The cells of a picture of camera 0 (left) or 1 (right), blurred, shape (rows, columns).

        Raises:
            ValueError: for a picture of another size than the rig's camera has.
        """
        camera = self._cameras[side]
        if luma.shape != (camera.height, camera.width):
            raise ValueError(
                f"the picture has {luma.shape[1]}x{luma.shape[0]}, not {camera.width}x{camera.height}"
            )
        return np.asarray(
            cv2.GaussianBlur(self._samplers[side](luma), (0, 0), _BLUR, borderType=cv2.BORDER_REPLICATE)
        )


@dataclass(frozen=True)
class _Grid:
    """Cells in yaw and pitch, radians: where the upper left corner is, how large one is, and how many there are."""

    west: float
    top: float
    cell: float
    rows: int
    columns: int

    def rays(self, times: int) -> Floats:
        """Directions of the middles of cells that are so many times finer, shape (rows, columns, 3) times that."""
        across, down = ((np.arange(n * times) + 0.5) / times * self.cell for n in (self.columns, self.rows))
        return angles_to_rays((self.west + across)[None, :], (self.top - down)[:, None])


class _Sampler:
    """The mean of a picture in each cell of a grid, by looking it up more finely than its pixels, shrunk if need be."""

    def __init__(self, camera: Camera, grid: _Grid) -> None:
        pixels_of_cell = grid.cell * (camera.fx + camera.fy) / 2
        self._shrink = max(1, int(pixels_of_cell / 3))
        self._cells = grid.columns, grid.rows
        rays = grid.rays(max(1, math.ceil(pixels_of_cell / self._shrink)))
        pixels = np.clip(camera.project(rays)[0], 0, (camera.width - 1, camera.height - 1))
        low = np.floor(pixels.min(axis=(0, 1))).astype(int)
        size = np.ceil(pixels.max(axis=(0, 1))).astype(int) + 1 - low
        # Whole groups of pixels, as far as the picture goes.
        self._size = np.maximum(1, size // self._shrink)
        high = low + self._size * self._shrink
        self._part = slice(low[1], high[1]), slice(low[0], high[0])
        places = ((pixels - low + 0.5) / self._shrink - 0.5).astype(np.float32)
        self._places = np.ascontiguousarray(places[..., 0]), np.ascontiguousarray(places[..., 1])

    def __call__(self, luma: NDArray[np.uint8]) -> Cells:
        part = np.ascontiguousarray(luma[self._part]).astype(np.float32)
        if self._shrink > 1:
            part = cv2.resize(part, (int(self._size[0]), int(self._size[1])), interpolation=cv2.INTER_AREA)
        fine = cv2.remap(part, *self._places, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        return np.asarray(cv2.resize(fine, self._cells, interpolation=cv2.INTER_AREA), dtype=np.float32)


def _common_range(rig: Rig) -> tuple[tuple[float, float], tuple[float, float]]:
    """Limits of yaw and of pitch of what both cameras see, radians. Raises OffsetError if there is nothing."""
    step = math.radians(0.5)
    yaw, pitch = np.meshgrid(np.arange(-math.pi, math.pi, step), np.arange(-1.5, 1.5, step))
    rays = angles_to_rays(yaw, pitch)
    both = np.minimum(edge_distance(rig.left, rays), edge_distance(rig.right, rays)) > _EDGE_PX
    if not both.any():
        raise OffsetError("the cameras see nothing in common")
    return (
        (float(yaw[both].min()), float(yaw[both].max()) + step),
        (float(pitch[both].min()), float(pitch[both].max()) + step),
    )


@dataclass(frozen=True)
class Signals:
    """What one camera saw of the overlap.

    Args:
        times: of the pictures, seconds, growing, shape (n,).
        cells: from :meth:`Overlap.sample`, shape (n, rows, columns).
    """

    times: Floats
    cells: Cells

    @classmethod
    def in_order(cls, times: Sequence[float], cells: Sequence[Cells]) -> Signals:
        """Of pictures as they came: a stream may give one twice, or late. One at least."""
        growing, first = np.unique(np.asarray(times, dtype=np.float64), return_index=True)
        return cls(growing, np.stack([cells[number] for number in first]))

    @property
    def frame_s(self) -> float:
        """Usual time from one picture to the next."""
        return float(np.median(np.diff(self.times)))
