"""The whole panorama, scaled into the programme's picture."""

from __future__ import annotations

import numpy as np

from touchline.gst.nv12 import Nv12
from touchline.panorama.warp import node_positions
from touchline.panorama.workers import Workers
from touchline.render.resample import Resampler


class WholePanorama:
    """Shows all of a panorama: scaled without aliasing, its shape kept, black above and below or beside it.

    Args:
        source_size: width and height of the panorama.
        width, height: size of the programme's picture, even.
        workers: the threads that do it.

    Raises:
        ValueError: for a size that NV12 can't have; when rendering, for pictures of other sizes.
    """

    def __init__(self, source_size: tuple[int, int], width: int, height: int, workers: Workers) -> None:
        self.size = (width, height)
        scale = min(width / source_size[0], height / source_size[1])
        inner = [
            max(2, min(full, round(s * scale / 2) * 2))
            for s, full in zip(source_size, self.size, strict=True)
        ]
        self._left, self._top = ((full - size) // 4 * 2 for full, size in zip(self.size, inner, strict=True))
        self._resampler = Resampler(source_size, inner[0], inner[1], workers)
        x, y = node_positions(*inner)
        at = [(n + 0.5) * (s / i) - 0.5 for n, s, i in zip((x, y), source_size, inner, strict=True)]
        self._resampler.aim(np.stack(np.broadcast_arrays(*at), axis=-1))

    def render(self, panorama: Nv12, out: Nv12) -> None:
        """Writes the picture into ``out``."""
        if (out.width, out.height) != self.size:
            raise ValueError(f"this picture is {self.size[0]}x{self.size[1]}, not {out.width}x{out.height}")
        width, height = self._resampler.size
        rows, columns = slice(self._top, self._top + height), slice(self._left, self._left + width)
        self._blacken(out, rows, columns)
        half_rows, half_columns = (slice(part.start // 2, part.stop // 2) for part in (rows, columns))
        self._resampler.render(panorama, Nv12(out.y[rows, columns], out.uv[half_rows, half_columns]))

    @staticmethod
    def _blacken(out: Nv12, rows: slice, columns: slice) -> None:
        """Video black all around the given part of the picture."""
        for plane, level, part in ((out.y, 16, 1), (out.uv, 128, 2)):
            plane[: rows.start // part] = level
            plane[rows.stop // part :] = level
            plane[:, : columns.start // part] = level
            plane[:, columns.stop // part :] = level
