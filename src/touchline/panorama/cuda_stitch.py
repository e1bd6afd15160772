"""Two pictures into one panorama on a GPU."""

from __future__ import annotations

from importlib.resources import files
from types import TracebackType

import numpy as np
from numpy.typing import NDArray

from touchline.cuda.device import Device, DeviceMemory
from touchline.cuda.kernels import Kernels
from touchline.cuda.picture import DevicePicture
from touchline.cuda.textures import Textures
from touchline.geometry import Panorama, Rig
from touchline.panorama.cuda_gain import GainMeter
from touchline.panorama.cuda_standin import DeviceStandIn
from touchline.panorama.cuda_tables import (
    Planes,
    Source,
    StitchTables,
    Tables,
    Target,
    check_pieces,
    stitch_tables,
)
from touchline.panorama.gain import Difference, Gain
from touchline.panorama.joint import FEATHER_DEG
from touchline.panorama.warp import plan_stitch

_FILE = "cuda_stitch.cu"
_BLOCK = (32, 4)  # threads, as in the kernel


class CudaStitcher:
    """Stitches on a GPU: :class:`touchline.panorama.stitch.CpuStitcher` for pictures in its memory.

    One kernel reads both pictures and writes luma and chroma. Where a sample comes from is computed from the
    polynomials of :mod:`touchline.panorama.warp`, of which a block of 16x16 luma samples shares one. How a camera is
    mounted is a matter of the rig: one that hangs upside down is rolled by 180 degrees there, and its polynomials
    run backwards.

    The pictures are joined by a feather in the middle of the overlap, and the difference between the cameras is
    corrected in the signal (:mod:`touchline.panorama.gain`); the other ways are the processor's.

    What is learnt from a pair about the difference between the cameras is used from the next pair on, except
    after the first one, which is read before it is stitched: so the host waits once for each pair.

    For one thread at a time.

    Args:
        device: where the pictures are.
        rig: two cameras.
        panorama: what to make.
        feather_deg: width in degrees of the band in which one picture fades into the other.
        gain: correct the difference in exposure and white balance between the cameras.

    Attributes:
        rig, panorama: the same.
        stream: in whose order the work is done.
        bytes_down: what comes down to the host for each pair.

    Raises:
        RigError: (when stitching) for pictures of other sizes than the rig's.
        ValueError: (when stitching) for an output of another size than the panorama's, or one whose
            rows begin at odd addresses.
        CudaError: (when stitching) for pictures that lie so that they can't be read as textures, or whose rows don't
            begin at multiples of 16 bytes.
    """

    def __init__(
        self,
        device: Device,
        rig: Rig,
        panorama: Panorama,
        *,
        feather_deg: float = FEATHER_DEG,
        gain: bool = True,
    ) -> None:
        self.rig = rig
        self.panorama = panorama
        self.stream = device.stream()
        self._kernels = Kernels(device, files(__package__).joinpath(_FILE), _FILE)
        self._textures = Textures(device)
        self._device = device
        self._feather_deg = feather_deg
        self._memory: list[DeviceMemory] = []
        self.use(self.plan(rig))
        self._gain = Gain(rig, panorama) if gain else None
        self._meter = GainMeter(device, self.stream, self._gain.points) if self._gain else None
        self._first = True
        self.bytes_down = self._meter.bytes_down if self._meter else 0

    @property
    def difference(self) -> Difference:
        """The difference between the cameras that is corrected now."""
        return Difference() if self._gain is None else self._gain.difference

    def plan(self, rig: Rig) -> tuple[Rig, StitchTables]:
        """The tables for another rig of the same cameras, turned a little; from any thread."""
        return rig, stitch_tables(plan_stitch(rig, self.panorama, self._feather_deg))

    def use(self, planned: tuple[Rig, StitchTables]) -> None:
        """Stitches by the tables of :meth:`plan` from now on; from the thread that stitches."""
        self.rig, made = planned
        before = self._memory
        self._memory = [DeviceMemory.of(self._device, table, self.stream) for table in made]
        self._tiles = len(made.tiles)
        self._tables = Tables(*(memory.pointer for memory in self._memory))
        if before:
            self.stream.wait()  # whoever read the old ones is done
            for memory in before:
                memory.close()

    def stitch(self, left: DevicePicture, right: DevicePicture, out: DevicePicture, pts_s: float) -> None:
        """Writes the panorama of a pair of frames of time ``pts_s`` (seconds) into ``out``; complete when it returns.

        The pictures must be complete. A :class:`DeviceStandIn` is shown like a frame, but nothing is learnt from it.
        """
        self._check(left, right, out)
        gain, meter = self._gain, self._meter
        stands_in = isinstance(left, DeviceStandIn) or isinstance(right, DeviceStandIn)
        if gain is None or meter is None or stands_in:
            self.queue(left, right, out)
            self.stream.wait()
            return
        meter.queue(left, right)
        if self._first:
            self._first = False
            self.stream.wait()
            gain.learn(meter.seen(), pts_s)
        self.queue(left, right, out)
        self.stream.wait()
        gain.learn(meter.seen(), pts_s)  # the first pair's a second time, which changes nothing

    def queue(self, left: DevicePicture, right: DevicePicture, out: DevicePicture) -> None:
        """Only the kernel, under the difference known now, in the order of :attr:`stream`; nobody waits or checks."""
        size = out.width, out.height
        self._kernels.launch(
            "stitch",
            (self._tiles,),
            _BLOCK,
            self.stream,
            self._tables,
            *(
                self._source(one, tone)
                for one, tone in zip((left, right), self.difference.tones(), strict=True)
            ),
            Target.over(_planes(out), size),
        )

    def close(self) -> None:
        """Lets go of everything. May be called again."""
        self.stream.close()
        self._textures.close()
        self._kernels.close()
        for memory in self._memory:
            memory.close()
        if self._meter:
            self._meter.close()

    def __enter__(self) -> CudaStitcher:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _source(self, picture: DevicePicture, tone: NDArray[np.int32]) -> Source:
        size = picture.width, picture.height
        luma = self._textures.of(picture.y, picture.y_pitch, *size)
        return Source.toned(_planes(picture), size, luma, tone)

    def _check(self, left: DevicePicture, right: DevicePicture, out: DevicePicture) -> None:
        self.rig.check_sizes((left.width, left.height), (right.width, right.height))
        wanted = self.panorama.width, self.panorama.height
        if (out.width, out.height) != wanted:
            raise ValueError(f"the panorama is {wanted[0]}x{wanted[1]}, not {out.width}x{out.height}")
        if (out.y | out.uv | out.y_pitch | out.uv_pitch) % 2:
            raise ValueError("a panorama's rows must begin at even addresses")
        for picture in (left, right):
            check_pieces(_planes(picture))


def _planes(picture: DevicePicture) -> Planes:
    return Planes(picture.y, picture.uv, picture.y_pitch, picture.uv_pitch)
