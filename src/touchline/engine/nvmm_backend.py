"""The backend of NVMM memory: only what knows nothing of pixels, since NVIDIA's elements do the rest."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any, NoReturn

from touchline.analysis.detections import Detector
from touchline.capture import Picture, SourceInfo
from touchline.capture.landing import Landing
from touchline.counters import BusBytes
from touchline.deepstream.front import NvmmFront
from touchline.engine.backend import HEADROOM_BYTES, Reduce, Same
from touchline.engine.overlook import Overlook
from touchline.engine.standins import PlainSubstitutes, Substitutes
from touchline.errors import TouchlineError
from touchline.geometry import FieldOutline, Panorama, Rig, View
from touchline.gst.caps import PlaneLayout, VideoCaps, packed_bytes
from touchline.gst.domains import Domain, NvmmDomain
from touchline.gst.nv12 import Nv12
from touchline.telemetry.gpu import read_nvml
from touchline.telemetry.memory import available_bytes


class Aim:
    """Stands where a virtual camera would: the picture is rendered by an element, later; here it is told where to look.

    Args:
        front: has the element.
    """

    def __init__(self, front: NvmmFront) -> None:
        self._front = front

    def render(self, panorama: Any, view: View, out: int) -> None:
        """``out`` is the programme time of the frame, ns."""
        self._front.aim(out, view)


class Scaled:
    """Stands where the whole panorama would be scaled: a converter does that."""

    def render(self, panorama: Any, out: Any) -> None:
        """Nothing to do."""


class NvmmBackend:
    """NVMM memory: a Jetson's, which is the machine's, or that of a discrete GPU.

    Args:
        front: of the programme that asks; its camera is aimed.
    """

    name = "nvmm"
    place = "NVMM memory"

    def __init__(self, front: NvmmFront | None = None) -> None:
        self.domain: Domain = NvmmDomain()
        self.bus = BusBytes()
        self.substitutes: Substitutes = PlainSubstitutes()
        self._front = front

    def camera(self, panorama: Panorama, width: int, height: int) -> Aim:
        if self._front is None:
            _refuse()
        return Aim(self._front)

    def whole(self, size: tuple[int, int], width: int, height: int) -> Scaled:
        return Scaled()

    def frame_bytes(self, caps: VideoCaps) -> int:
        return packed_bytes("NV12", caps.width, caps.height)

    def picture_bytes(self, info: SourceInfo) -> int:
        return packed_bytes("NV12", info.width, info.height)

    def left_bytes(self) -> int:
        gpu = read_nvml()
        return available_bytes() if gpu is None else gpu.free

    def free_bytes(self) -> int:
        return self.left_bytes() - HEADROOM_BYTES

    def close(self) -> None:
        """Nothing to let go of."""

    def landing(self) -> Landing:
        _refuse()

    def bring(self, picture: Nv12) -> Picture:
        _refuse()

    def stitcher(self, rig: Rig, panorama: Panorama) -> NoReturn:
        _refuse()

    def pairs(self, rig: Rig, panorama: Panorama) -> None:
        """None: elements render panoramas here."""

    def copy(self, source: Any, out: Any) -> None:
        _refuse()

    def luma(self, picture: Any) -> NoReturn:
        _refuse()

    def reducer(self, layout: PlaneLayout, factor: int) -> Reduce | None:
        _refuse()

    def overlook(self, layout: PlaneLayout, panorama: Panorama, factor: int) -> Overlook:
        _refuse()

    def detector(
        self, name: str, panorama: Panorama, field: FieldOutline | None, length_m: float | None
    ) -> Detector:
        _refuse()

    def same_picture(self, layout: PlaneLayout) -> Same:
        _refuse()

    def blank(self, width: int, height: int) -> AbstractContextManager[Any]:
        _refuse()


def _refuse() -> NoReturn:
    raise TouchlineError("in NVMM memory NVIDIA's elements do this, not we")
