"""Two pictures into one panorama."""

from __future__ import annotations

from typing import Any, Protocol

from touchline.geometry import Panorama, Rig
from touchline.gst.nv12 import Nv12
from touchline.panorama.blending import OverlapBlend
from touchline.panorama.gain import Gain
from touchline.panorama.joint import Joint
from touchline.panorama.kernels import warp_rows
from touchline.panorama.lighting import Lighting
from touchline.panorama.multiband import BAND, reach_of
from touchline.panorama.seam import SeamGround, samples_per_degree, seam_ground
from touchline.panorama.seam_follow import SeamFollower
from touchline.panorama.standin import StandIn
from touchline.panorama.tone_kernels import Tones, plain_tones
from touchline.panorama.warp import (
    Floats,
    StitchPlan,
    block_count,
    lay_shares,
    picture_of,
    plan_stitch,
    writable_picture_of,
)
from touchline.panorama.workers import Workers


class Stitcher(Protocol):
    """Makes panoramas. What it makes depends on the frames and times it was given, in their order, and nothing else."""

    def stitch(self, left: Nv12, right: Nv12, out: Nv12, pts_s: float) -> None:
        """Writes the panorama of a pair of frames of time ``pts_s`` (seconds) into ``out``.

        A :class:`~touchline.panorama.standin.StandIn` is shown like a frame, but nothing is learnt from it.
        """

    def plan(self, rig: Rig) -> Any:
        """Whatever it needs to know of another rig of the same cameras; from any thread."""

    def use(self, planned: Any) -> None:
        """Stitches by that from now on; from the thread that stitches."""


class Correction(Protocol):
    """Knows the difference between the cameras."""

    @property
    def tones(self) -> Tones:
        """What undoes it."""

    def follow(self, left: Nv12, right: Nv12, pts_s: float) -> object:
        """Looks at a pair of frames of time ``pts_s`` (seconds)."""


class Laid:
    """A plan, and what moves over it.

    Attributes:
        rig, plan: of the panorama.
        ground: where the seam may run; None for one that is fixed and has a feather only.
        seam: moves it; None for a fixed one.
        blend: blends in bands; None for a feather.
        shares, kinds, weights: of the plan, with the seam where it lies now.
    """

    def __init__(
        self,
        rig: Rig,
        plan: StitchPlan,
        ground: SeamGround | None,
        seam: SeamFollower | None,
        blend: OverlapBlend | None,
    ) -> None:
        self.rig = rig
        self.plan = plan
        self.ground = ground
        self.seam = seam
        self.blend = blend
        self.shares, self.kinds, self.weights = plan.shares.copy(), plan.kinds.copy(), plan.weights.copy()

    def lay(self) -> None:
        """Takes the seam from where it lies now."""
        if self.seam and self.ground:
            columns = self.ground.columns
            self.shares[:, columns] = self.ground.shares_along(self.seam.path)
            blocks = slice(columns.start, columns.stop - 1)
            inside = self.plan.left.inside[:, blocks], self.plan.right.inside[:, blocks]
            kinds, weights = lay_shares(self.shares[:, columns], *inside)
            self.kinds[:, blocks], self.weights[:, blocks] = kinds, weights
        if self.blend:
            self.blend.follow(self.kinds, self.weights)


class CpuStitcher:
    """Stitches on the processor.

    Args:
        rig: two cameras.
        panorama: what to make.
        workers: the threads that do it.
        joint: how the pictures are joined.
        gain: correct the difference in light and white balance between the cameras.
        correction: who knows that difference; by default a :class:`~touchline.panorama.lighting.Lighting`.

    Raises:
        RigError: (when stitching) for pictures of other sizes than the rig's.
        ValueError: for a number of levels that can't be; (when stitching) for an output of another size than the
            panorama's.
    """

    def __init__(
        self,
        rig: Rig,
        panorama: Panorama,
        workers: Workers,
        joint: Joint | None = None,
        *,
        gain: bool = True,
        correction: Correction | None = None,
    ) -> None:
        self.panorama = panorama
        self.correction = correction or (Lighting(rig, panorama) if gain else None)
        self._joint = joint or Joint()
        self._workers = workers
        self._plain = plain_tones()
        self._rows = block_count(panorama.width, panorama.height)[0]
        self._laid = self.plan(rig)
        self._laid.lay()

    @property
    def rig(self) -> Rig:
        """The cameras, as they are taken to stand now."""
        return self._laid.rig

    @property
    def tones(self) -> Tones:
        """What both pictures' levels become now."""
        return self._plain if self.correction is None else self.correction.tones

    @property
    def path(self) -> Floats | None:
        """Where an adaptive seam lies now: x at each row of block corners, shape (rows + 1,); None for a fixed one."""
        return None if self._laid.seam is None else self._laid.seam.path

    def plan(self, rig: Rig) -> Laid:
        """The plan for another rig of the same cameras, turned a little; from any thread."""
        panorama, joint = self.panorama, self._joint
        feather = BAND / samples_per_degree(panorama) if joint.levels else joint.feather_deg
        plan, ground = plan_stitch(rig, panorama, feather), None
        if joint.adaptive or joint.levels:
            # The coarsest levels may reach beyond the overlap, where they find what is at its edge.
            reach = reach_of(joint.levels) / 3 if joint.levels else 0
            ground = seam_ground(rig, panorama, feather, reach)
        seam = SeamFollower(rig, panorama, ground) if ground and joint.adaptive else None
        blend = OverlapBlend(panorama, plan, ground, joint) if ground and joint.levels else None
        return Laid(rig, plan, ground, seam, blend)

    def use(self, planned: Laid) -> None:
        """Stitches by a plan of :meth:`plan` from now on; from the thread that stitches."""
        if planned.seam and self._laid.seam:
            planned.seam.resume(self._laid.seam)
        self._laid = planned
        planned.lay()

    def stitch(self, left: Nv12, right: Nv12, out: Nv12, pts_s: float) -> None:
        """See :class:`Stitcher`."""
        self.rig.check_sizes((left.width, left.height), (right.width, right.height))
        if (out.width, out.height) != (self.panorama.width, self.panorama.height):
            raise ValueError(
                f"the panorama is {self.panorama.width}x{self.panorama.height}, not {out.width}x{out.height}"
            )
        sources, target = (picture_of(left), picture_of(right)), writable_picture_of(out)
        if not isinstance(left, StandIn) and not isinstance(right, StandIn):
            self._learn(left, right, pts_s)
        tones, laid, blend = self.tones, self._laid, self._laid.blend
        own = (laid.plan.left.coefficients, laid.plan.right.coefficients)
        blended = blend.corrected(tones) if blend else tones

        def rows(first: int, last: int) -> None:
            warp_rows(first, last, laid.kinds, *sources, *own, laid.weights, tones, target)
            if blend:
                blend.warp(first, last, sources, blended)

        self._workers.run(rows, self._rows)
        if blend:
            self._workers.run(lambda first, last: blend.blend(first, last, out), blend.strips)

    def _learn(self, left: Nv12, right: Nv12, pts_s: float) -> None:
        if self.correction:
            self.correction.follow(left, right, pts_s)
        seam = self._laid.seam
        if seam and seam.follow(left, right, self.tones, pts_s):
            self._laid.lay()


def make_stitcher(
    rig: Rig, panorama: Panorama, workers: Workers, joint: Joint | None = None, *, in_light: bool = True
) -> Stitcher:
    """The stitcher for this machine and the frames' memory; there is one for system memory.

    Args:
        rig, panorama, workers, joint: see :class:`CpuStitcher`.
        in_light: match the cameras in light; otherwise as factors of the signal, as the GPU's stitcher does.
    """
    correction = None if in_light else Gain(rig, panorama)
    return CpuStitcher(rig, panorama, workers, joint, correction=correction)
