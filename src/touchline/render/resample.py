"""A picture resampled into another one, as finely as it takes not to flicker."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from touchline.gst.nv12 import Nv12
from touchline.panorama.kernels import LEFT, LEFT_INSIDE, warp_rows
from touchline.panorama.tone_kernels import plain_tones
from touchline.panorama.warp import Blocks, block_count, picture_of, writable_picture_of
from touchline.panorama.workers import Workers
from touchline.render.kernels import MOST, average_rows

COARSE = 1.5  # source samples for one of the output above which a bilinear fetch skips too much


class Resampler:
    """Resamples pictures of one size into pictures of another through a mapping that may change with each frame.

    Args:
        source_size: width and height of what is read.
        width, height: size of what is written, even.
        workers: the threads that do it.

    Raises:
        ValueError: for a size that NV12 can't have; when rendering, for pictures of other sizes.
    """

    def __init__(self, source_size: tuple[int, int], width: int, height: int, workers: Workers) -> None:
        if width < 2 or height < 2 or width % 2 or height % 2:
            raise ValueError(f"a programme needs an even size above zero, not {width}x{height}")
        self.source_size = source_size
        self.size = (width, height)
        self.fetches = 1
        self._workers = workers
        self._blocks = Blocks.empty(width, height)
        self._kinds = np.zeros_like(self._blocks.inside)
        self._tones = plain_tones()
        self._weights = np.zeros((*self._kinds.shape, 4), np.int32)

    def aim(self, nodes: NDArray[np.float64]) -> None:
        """Takes the source positions of the block corners, shape (rows + 3, columns + 3, 2)."""
        self._blocks.fit(nodes, self.source_size)
        np.add(self._blocks.inside * LEFT_INSIDE, LEFT, out=self._kinds)
        self.fetches = max(1, min(MOST, math.ceil(_coarsest(nodes) / COARSE)))

    def render(self, source: Nv12, out: Nv12) -> None:
        """Writes ``out`` with the mapping of the last :meth:`aim`."""
        if (source.width, source.height) != self.source_size or (out.width, out.height) != self.size:
            raise ValueError(
                f"this camera turns {_written(*self.source_size)} into {_written(*self.size)}, "
                f"not {_written(source.width, source.height)} into {_written(out.width, out.height)}"
            )
        picture, target = picture_of(source), writable_picture_of(out)
        blocks, kinds = self._blocks.coefficients, self._kinds

        def plain(first: int, last: int) -> None:
            weights, tones = self._weights, self._tones
            warp_rows(first, last, kinds, picture, picture, blocks, blocks, weights, tones, target)

        def averaged(first: int, last: int) -> None:
            average_rows(first, last, self._blocks.inside, picture, blocks, self.fetches, target)

        self._workers.run(plain if self.fetches == 1 else averaged, block_count(*self.size)[0])


def _coarsest(nodes: NDArray[np.float64]) -> float:
    """The longest step in the source, in samples, that goes with one sample's step in the output."""
    inner = nodes[1:-1, 1:-1]
    # A block at the picture's edge may reach to where the panorama has no place any more.
    steps = (np.nan_to_num(np.abs(np.diff(inner, axis=axis))).max() for axis in (0, 1))
    return float(max(steps)) / 16


def _written(width: int, height: int) -> str:
    return f"{width}x{height}"
