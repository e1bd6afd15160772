"""The virtual camera straight from both cameras' pictures: one interpolation where a panorama costs two."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from touchline.geometry import Panorama, Rig, View
from touchline.gst.nv12 import Nv12
from touchline.panorama.pair import PairLayout
from touchline.panorama.reduce import reduce_luma
from touchline.panorama.tone import Light
from touchline.panorama.tone_kernels import Tones
from touchline.panorama.warp import node_positions
from touchline.panorama.workers import Workers
from touchline.render.pair_resample import PairResampler
from touchline.render.resample import COARSE

# Samples along each axis for one of the small panorama, at the most: from there on more of them change nothing that
# moves, only noise, and cost as much as the stitch that is saved.
_MOST_PARTS = 6

Luma = NDArray[np.uint8]


class DirectCamera:
    """Shows what two cameras filmed as one camera would that turns and zooms.

    What it shows is what :class:`touchline.render.camera.CpuVirtualCamera` shows of the panorama that the stitcher
    makes of the same pair, less the softness of the second interpolation: a sample of the panorama is a mean of four
    of a picture, and a sample of a view of it a mean of four of those.

    Args:
        rig: two cameras.
        width, height: size of the programme's picture, even.
        workers: the threads that do it.

    Raises:
        ValueError: for a size that NV12 can't have; when rendering, for pictures of other sizes.
    """

    def __init__(self, rig: Rig, width: int, height: int, workers: Workers) -> None:
        self.layout = PairLayout.of(rig)
        self._resampler = PairResampler(rig, width, height, workers)
        self._places = node_positions(width, height)

    @property
    def fetches(self) -> int:
        """How many bilinear fetches along each axis made one sample of the last view."""
        return self._resampler.fetches

    @property
    def mixed(self) -> float:
        """The share of the last view's blocks, 0 .. 1, that show both pictures."""
        return self._resampler.mixed

    def aim(self, view: View) -> None:
        """Looks somewhere. The view must lie where the cameras see; what lies outside is shown as the nearest edge."""
        width, height = self._resampler.size
        focal = width / 2 / math.tan(math.radians(view.fov_deg) / 2)
        self._resampler.aim(view.rays(*self._places, width, height), self._resampler.per_radian / focal)

    def render(self, pair: Nv12, view: View, light: Light, out: Nv12) -> None:
        """Writes the view of a pair into ``out``.

        Args:
            pair: both pictures, as :class:`~touchline.panorama.pair.PairLayout` lays them out.
            view: see :meth:`aim`.
            light: the difference between them that is corrected, of a :class:`~touchline.panorama.pair.LightLog`.
            out: written.
        """
        self.aim(view)
        self.show(pair, self._resampler.tones(light), out)

    def show(self, pair: Nv12, tones: Tones, out: Nv12) -> None:
        """Writes where it looks of a pair into ``out``, under a correction."""
        self._resampler.render(*self.layout.split(pair), tones, out)


class ReducedPanorama:
    """Makes the small panorama that the analysis looks at, which otherwise is reduced from the held one.

    A finer grid is made first, luma only, as coarse as one bilinear fetch can be or six times as fine as the small
    picture, and then reduced: blocks of 16 samples of the small one itself would be too large for the overlap and for
    the lenses.

    Args:
        rig: two cameras.
        panorama: what would be stitched.
        factor: how many of its pixels, along each axis, make one of the small one.
        workers: the threads that do it.

    Raises:
        ValueError: for a factor that leaves nothing.
    """

    def __init__(self, rig: Rig, panorama: Panorama, factor: int, workers: Workers) -> None:
        self.shape = (panorama.height // factor, panorama.width // factor)
        if min(self.shape) < 1:
            raise ValueError(f"a panorama of {panorama.width}x{panorama.height} can't be reduced by {factor}")
        self.layout = PairLayout.of(rig)
        coarse = _coarseness(rig, panorama, factor)
        self._parts = max(1, min(_MOST_PARTS, math.ceil(coarse / COARSE)))
        step = factor / self._parts  # pixels of the panorama from one sample of the grid to the next
        width, height = (size * self._parts + size * self._parts % 2 for size in self.shape[::-1])
        self._resampler = PairResampler(rig, width, height, workers, colour=False)
        x, y = node_positions(width, height)
        # A sample lies in the middle of the pixels that it stands for.
        rays = panorama.rays((x + 0.5) * step - 0.5, (y + 0.5) * step - 0.5)
        self._resampler.aim(rays, coarse / self._parts, most=1)
        self._grid = Nv12.empty(width, height)

    def render(self, pair: Nv12, light: Light) -> Luma:
        """The luma of a pair's small panorama, :attr:`shape`; a new array. For one thread at a time."""
        self._resampler.render(*self.layout.split(pair), self._resampler.tones(light), self._grid)
        rows, columns = (size * self._parts for size in self.shape)
        small = np.empty(self.shape, np.uint8)
        reduce_luma(self._grid.y[:rows, :columns], self._parts, small)
        return small


def _coarseness(rig: Rig, panorama: Panorama, factor: int) -> float:
    """Pixels of the cameras that one of the small panorama stands for."""
    per_radian = (rig.left.fx + rig.right.fx) / 2
    return factor * per_radian * (panorama.yaw_max - panorama.yaw_min) / panorama.width
