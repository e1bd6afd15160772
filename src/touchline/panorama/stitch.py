"""Two pictures into one panorama."""

from __future__ import annotations

from typing import Any, Protocol

from touchline.geometry import Panorama, Rig
from touchline.gst.nv12 import Nv12
from touchline.panorama.gain import Difference, Gain
from touchline.panorama.kernels import warp_rows
from touchline.panorama.standin import StandIn
from touchline.panorama.warp import StitchPlan, block_count, picture_of, plan_stitch, writable_picture_of
from touchline.panorama.workers import Workers

FEATHER_DEG = 3.0


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


class CpuStitcher:
    """Stitches on the processor.

    Args:
        rig: two cameras.
        panorama: what to make.
        workers: the threads that do it.
        feather_deg: width in degrees of the band in which one picture fades into the other.
        gain: correct the difference in exposure and white balance between the cameras.

    Raises:
        RigError: (when stitching) for pictures of other sizes than the rig's.
        ValueError: (when stitching) for an output of another size than the panorama's.
    """

    def __init__(
        self,
        rig: Rig,
        panorama: Panorama,
        workers: Workers,
        *,
        feather_deg: float = FEATHER_DEG,
        gain: bool = True,
    ) -> None:
        self.rig = rig
        self.panorama = panorama
        self._workers = workers
        self._feather_deg = feather_deg
        self._plan = plan_stitch(rig, panorama, feather_deg)
        self._gain = Gain(rig, panorama) if gain else None
        self._rows = block_count(panorama.width, panorama.height)[0]

    @property
    def difference(self) -> Difference:
        """The difference between the cameras that is corrected now."""
        return Difference() if self._gain is None else self._gain.difference

    def plan(self, rig: Rig) -> tuple[Rig, StitchPlan]:
        """The plan for another rig of the same cameras, turned a little; from any thread."""
        return rig, plan_stitch(rig, self.panorama, self._feather_deg)

    def use(self, planned: tuple[Rig, StitchPlan]) -> None:
        """Stitches by a plan of :meth:`plan` from now on; from the thread that stitches."""
        self.rig, self._plan = planned

    def stitch(self, left: Nv12, right: Nv12, out: Nv12, pts_s: float) -> None:
        """See :class:`Stitcher`."""
        self.rig.check_sizes((left.width, left.height), (right.width, right.height))
        if (out.width, out.height) != (self.panorama.width, self.panorama.height):
            raise ValueError(
                f"the panorama is {self.panorama.width}x{self.panorama.height}, not {out.width}x{out.height}"
            )
        sources, target = (picture_of(left), picture_of(right)), writable_picture_of(out)
        if self._gain and not isinstance(left, StandIn) and not isinstance(right, StandIn):
            self._gain.follow(left, right, pts_s)
        tones = self.difference.tones()
        plan = self._plan

        def rows(first: int, last: int) -> None:
            warp_rows(
                first,
                last,
                plan.kinds,
                *sources,
                plan.left.coefficients,
                plan.right.coefficients,
                plan.weights,
                tones,
                target,
            )

        self._workers.run(rows, self._rows)


def make_stitcher(rig: Rig, panorama: Panorama, workers: Workers) -> Stitcher:
    """The stitcher for this machine and the frames' memory; there is one for system memory."""
    return CpuStitcher(rig, panorama, workers)
