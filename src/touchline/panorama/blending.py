"""The multi-band way of a stitcher: both pictures of the overlap side by side in scratch memory, then their blend."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from touchline.geometry import Panorama
from touchline.gst.nv12 import Nv12
from touchline.panorama.fetches import Picture
from touchline.panorama.joint import Joint
from touchline.panorama.kernels import SKIP, warp_rows
from touchline.panorama.multiband import BAND, MultiBand, zone_of
from touchline.panorama.seam import SeamGround
from touchline.panorama.tone_kernels import Tones
from touchline.panorama.warp import StitchPlan, writable_picture_of


class OverlapBlend:
    """Blends what two cameras see in common.

    Args:
        panorama: what is made.
        plan: of the panorama.
        ground: where the seam may run.
        joint: in how many bands.
    """

    def __init__(self, panorama: Panorama, plan: StitchPlan, ground: SeamGround, joint: Joint) -> None:
        self._zone = zone = zone_of(panorama, ground, plan.left, plan.right, joint.levels)
        self._bands = None
        if zone is None:
            return
        self._bands = MultiBand(zone, ground, joint.levels, BAND)
        nothing = np.zeros(zone.left.inside.shape, np.bool_)
        self._kinds = [zone.kinds(side, nothing) for side in (0, 1)]
        self._weights = np.zeros((*zone.left.inside.shape, 4), np.int32)
        self._pictures = [Nv12.empty(zone.width, zone.height) for _ in range(2)]
        self._targets = [writable_picture_of(picture) for picture in self._pictures]

    @property
    def strips(self) -> int:
        """The pieces of work that :meth:`blend` can be cut into; 0 for cameras that have nothing in common."""
        return self._bands.strips if self._bands else 0

    def follow(self, kinds: NDArray[np.uint8], weights: NDArray[np.int32]) -> None:
        """Takes the seam from the panorama's weights, and marks in its kinds the blocks that are made here."""
        if self._bands is None or self._zone is None:
            return
        columns = self._zone.columns
        needed, made = self._bands.follow(np.ascontiguousarray(weights[:, columns]))
        self._kinds = [self._zone.kinds(side, needed) for side in (0, 1)]
        kinds[:, columns] = kinds[:, columns] & ~np.uint8(SKIP) | np.where(made, np.uint8(SKIP), np.uint8(0))

    def corrected(self, tones: Tones) -> Tones:
        """The correction of the blocks that are blended."""
        return self._zone.tones(tones) if self._zone else tones

    def warp(self, first: int, last: int, sources: tuple[Picture, Picture], tones: Tones) -> None:
        """Makes block rows ``first`` .. ``last - 1`` of both pictures; ``tones`` of :meth:`corrected`."""
        if self._zone is None:
            return
        own = self._zone.left.coefficients, self._zone.right.coefficients
        for kinds, target in zip(self._kinds, self._targets, strict=True):
            warp_rows(first, last, kinds, *sources, *own, self._weights, tones, target)

    def blend(self, first: int, last: int, out: Nv12) -> None:
        """Blends strips ``first`` .. ``last - 1`` into the panorama, once both pictures are complete."""
        if self._bands:
            self._bands.blend(first, last, self._pictures[0], self._pictures[1], out)
