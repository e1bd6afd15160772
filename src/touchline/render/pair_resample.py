"""Two cameras' pictures joined into one of any mapping, without a panorama between them."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from touchline.geometry import Rig
from touchline.gst.nv12 import Nv12
from touchline.panorama.joint import FEATHER_DEG
from touchline.panorama.kernels import BLOCK, warp_rows
from touchline.panorama.shading import radius_squared, shade_table
from touchline.panorama.tone import Light
from touchline.panorama.tone_kernels import Tones, plain_tones
from touchline.panorama.warp import Blocks, block_count, picture_of, writable_picture_of
from touchline.panorama.workers import Workers
from touchline.render.kernels import MOST
from touchline.render.pair_aim import join_blocks, lens_of, project_rays, share_nodes
from touchline.render.pair_kernels import average_pair_rows
from touchline.render.resample import COARSE


class PairResampler:
    """Joins pairs of pictures through a mapping that may change with each frame, each sample interpolated once.

    Where both pictures show something they are mixed as the stitcher mixes them: the same seam, the same feather.

    Args:
        rig: two cameras.
        width, height: size of what is written, even.
        workers: the threads that do it.
        feather_deg: width in degrees of the band in which one picture fades into the other.
        colour: without, only luma is written.

    Raises:
        ValueError: for a size that NV12 can't have; when rendering, for an output of another size.
        RigError: (when rendering) for pictures of other sizes than the rig's.
    """

    def __init__(
        self,
        rig: Rig,
        width: int,
        height: int,
        workers: Workers,
        *,
        feather_deg: float = FEATHER_DEG,
        colour: bool = True,
    ) -> None:
        if width < 2 or height < 2 or width % 2 or height % 2:
            raise ValueError(f"a programme needs an even size above zero, not {width}x{height}")
        self.rig = rig
        self.size = (width, height)
        self.fetches = 1
        self.per_radian = (rig.left.fx + rig.right.fx) / 2
        self._feather = feather_deg * math.radians(self.per_radian)
        self._colour = colour
        self._workers = workers
        self._sizes = (rig.left.width, rig.left.height, rig.right.width, rig.right.height)
        self._lenses = lens_of(rig.left), lens_of(rig.right)
        rows, columns = block_count(width, height)
        self._nodes = np.empty((2, rows + 3, columns + 3, 2))
        self._shares = np.empty((rows + 1, columns + 1))
        self._blocks = Blocks.empty(width, height), Blocks.empty(width, height)
        self._kinds = np.zeros((rows, columns), np.uint8)
        self._weights = np.zeros((rows, columns, 4), np.int32)

    @property
    def mixed(self) -> float:
        """The share of the picture's blocks, 0 .. 1, that show both pictures."""
        return float(np.mean(self._kinds & 3 == 3))

    @property
    def shares(self) -> NDArray[np.float64]:
        """The right picture's share at the block corners, 0 .. 1, shape (rows + 1, columns + 1)."""
        return self._shares

    def aim(self, rays: NDArray[np.float64], coarse: float, most: int = MOST) -> None:
        """Takes what the block corners show.

        Args:
            rays: directions of any length in the rig's frame at the nodes of
                :func:`touchline.panorama.warp.node_positions`, shape (rows + 3, columns + 3, 3).
            coarse: about how many pixels of the cameras one sample stands for.
            most: fetches along one axis for a sample, at the most.
        """
        left, right = self._nodes
        for lens, nodes in zip(self._lenses, (left, right), strict=True):
            project_rays(rays, lens, nodes)
        share_nodes(left, right, self._sizes, self._feather, BLOCK * max(1.0, coarse), self._shares)
        if self._shares.min() < 1:
            self._blocks[0].fit(left, self._sizes[:2])
        if self._shares.max() > 0:
            self._blocks[1].fit(right, self._sizes[2:])
        inside = self._blocks[0].inside, self._blocks[1].inside
        step = join_blocks(left, right, *inside, self._shares, self._kinds, self._weights)
        self.fetches = max(1, min(most, math.ceil(step / COARSE)))

    def tones(self, light: Light) -> Tones:
        """What undoes a difference in light where :meth:`aim` last aimed."""
        if light == Light():
            return plain_tones()
        falloffs = light.falloff_left, light.falloff_right
        shades = np.zeros((2, 0, 0, 3), np.int32)
        if any(falloffs):
            radii = [
                radius_squared(camera, nodes[1:-1, 1:-1]).astype(np.float32)
                for camera, nodes in zip((self.rig.left, self.rig.right), self._nodes, strict=True)
            ]
            shades = np.stack([shade_table(one, k) for one, k in zip(radii, falloffs, strict=True)])
        return light.tones(shades)

    def render(self, left: Nv12, right: Nv12, tones: Tones, out: Nv12) -> None:
        """Writes ``out`` with the mapping of the last :meth:`aim`.

        Args:
            left, right: the pictures.
            tones: their correction, of :meth:`tones`.
            out: written.
        """
        self.rig.check_sizes((left.width, left.height), (right.width, right.height))
        if (out.width, out.height) != self.size:
            raise ValueError(f"this camera makes {self.size[0]}x{self.size[1]}, not {out.width}x{out.height}")
        sources, target = (picture_of(left), picture_of(right)), writable_picture_of(out)
        blocks = self._blocks[0].coefficients, self._blocks[1].coefficients
        plain = self.fetches == 1 and self._colour

        def rows(first: int, last: int) -> None:
            joined = (first, last, self._kinds, *sources, *blocks, self._weights, tones)
            if plain:
                warp_rows(*joined, target)
            else:
                average_pair_rows(*joined, self.fetches, self._colour, target)

        self._workers.run(rows, block_count(*self.size)[0])
