"""The virtual camera: a rectilinear view out of a panorama."""

from __future__ import annotations

import math
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from touchline.geometry import Panorama, View, rays_to_angles
from touchline.gst.nv12 import Nv12
from touchline.panorama.warp import node_positions
from touchline.panorama.workers import Workers
from touchline.render.resample import Resampler


class VirtualCamera(Protocol):
    """Shows a panorama as a camera would that turns and zooms."""

    def render(self, panorama: Nv12, view: View, out: Nv12) -> None:
        """Writes the view of a panorama into ``out``.

        The view must lie inside the panorama (:meth:`touchline.geometry.ViewLimits.clamp` sees to that); what lies
        outside is shown as the nearest edge.
        """


class CpuVirtualCamera:
    """Renders on the processor: bilinear, and where the view is coarser than the panorama, means of several fetches.

    Args:
        panorama: what the panoramas show, and their size.
        width, height: size of the programme's picture, even.
        workers: the threads that do it.

    Raises:
        ValueError: for a size that NV12 can't have; when rendering, for pictures of other sizes.
    """

    def __init__(self, panorama: Panorama, width: int, height: int, workers: Workers) -> None:
        self.panorama = panorama
        self._resampler = Resampler((panorama.width, panorama.height), width, height, workers)

    @property
    def fetches(self) -> int:
        """How many bilinear fetches along each axis made one sample of the last view."""
        return self._resampler.fetches

    def render(self, panorama: Nv12, view: View, out: Nv12) -> None:
        """See :class:`VirtualCamera`."""
        size = self._resampler.size
        self._resampler.aim(view_nodes(self.panorama, view, *size))
        self._resampler.render(panorama, out)


def view_nodes(panorama: Panorama, view: View, width: int, height: int) -> NDArray[np.float64]:
    """Panorama positions, shape (rows + 3, columns + 3, 2), of the block corners of a view of that size."""
    x, y = node_positions(width, height)
    # Yaw is taken against the view's own, so that it does not jump at half a turn inside the picture.
    ahead = View(0.0, view.pitch_deg, view.fov_deg)
    yaw, pitch = rays_to_angles(ahead.rays(x, y, width, height))
    return np.stack(panorama.angles_to_pixels(yaw + math.radians(view.yaw_deg), pitch), axis=-1)
