"""Where the work on pixels is done, behind one protocol, and the one place that chooses: --memory.

:class:`CpuBackend` is here; that of NVIDIA GPUs is in :mod:`touchline.engine.backend_cuda`, which is imported only
when it was chosen, and with it everything of CUDA. NVMM has pipelines of its own, whose elements do all of this.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from touchline.analysis.detections import Detector
from touchline.analysis.detectors import build_detector
from touchline.capture import Picture, PlainPicture, SourceInfo
from touchline.capture.landing import Landing, SystemLanding
from touchline.config import RunConfig
from touchline.counters import BusBytes
from touchline.delay.keepers import same_picture
from touchline.engine.memory import choose_memory
from touchline.engine.overlook import Overlook, PlainOverlook
from touchline.engine.pairs import CpuPairs, Pairs
from touchline.engine.standins import PlainSubstitutes, Substitutes
from touchline.geometry import FieldOutline, Panorama, Rig, View
from touchline.gst.caps import PlaneLayout, VideoCaps, packed_bytes
from touchline.gst.domains import Domain, SystemDomain
from touchline.gst.nv12 import Nv12
from touchline.panorama.joint import Joint
from touchline.panorama.standin import StandIn
from touchline.panorama.stitch import Stitcher as PlainStitcher
from touchline.panorama.stitch import make_stitcher
from touchline.panorama.workers import Workers
from touchline.render.camera import CpuVirtualCamera
from touchline.render.whole import WholePanorama
from touchline.telemetry.memory import available_bytes

# Left to the rest of the machine when a plan is compared with what is free.
HEADROOM_BYTES = 256_000_000

Same = Callable[[Any, Any], bool]
# The luma of a held frame, reduced: the frame's buffer in, an array of shape (height // factor, width // factor) out.
Reduce = Callable[[Any], NDArray[np.uint8]]


class Stitcher(Protocol):
    """Makes panoramas."""

    def stitch(self, left: Any, right: Any, out: Any, pts_s: float) -> None:
        """See :class:`touchline.panorama.stitch.Stitcher`."""

    def plan(self, rig: Rig) -> Any:
        """See :class:`touchline.panorama.stitch.Stitcher`."""

    def use(self, planned: Any) -> None:
        """See :class:`touchline.panorama.stitch.Stitcher`."""

    def warm_up(self, left: Any, right: Any, out: Any) -> None:
        """Does the same work on pictures of nothing, so that the kernels are there; nothing is learnt of them."""


class Camera(Protocol):
    """Renders a view of a panorama."""

    def render(self, panorama: Any, view: View, out: Any) -> None:
        """See :class:`touchline.render.camera.VirtualCamera`."""


class Whole(Protocol):
    """Renders all of a panorama."""

    def render(self, panorama: Any, out: Any) -> None:
        """See :class:`touchline.render.whole.WholePanorama`."""


class Backend(Protocol):
    """What a production needs of the place where its pixels are.

    "A picture" is what ``domain.reading`` and ``domain.writing`` give: an Nv12, or what stands for it on a GPU.

    Attributes:
        name: ``system`` or ``cuda``.
        place: where that is, for people.
        domain: whose memory all frames lie in.
        bus: bytes that crossed the bus, by stage.
        substitutes: makes what is shown in the place of a lost camera's picture.
    """

    name: str
    place: str
    domain: Domain
    bus: BusBytes
    substitutes: Substitutes

    def landing(self) -> Landing:
        """How decoded pictures come here."""

    def bring(self, picture: Nv12) -> Picture:
        """A picture that was drawn in plain memory, here. May wait for room."""

    def stitcher(self, rig: Rig, panorama: Panorama) -> Stitcher:
        """Joins two pictures into one."""

    def pairs(self, rig: Rig, panorama: Panorama) -> Pairs | None:
        """Holds and renders the cameras' pictures themselves; None: panoramas alone can be rendered here."""

    def camera(self, panorama: Panorama, width: int, height: int) -> Camera:
        """Renders views."""

    def whole(self, size: tuple[int, int], width: int, height: int) -> Whole:
        """Renders all of a panorama of this size."""

    def copy(self, source: Any, out: Any) -> None:
        """Copies every pixel of a picture."""

    def luma(self, picture: Any) -> NDArray[np.uint8] | None:
        """A copy of a picture's luma in plain memory; None for one that stands in for a lost camera's."""

    def reducer(self, layout: PlaneLayout, factor: int) -> Reduce | None:
        """Reduces the luma of held frames for the analysis; None: it can map them and does so itself."""

    def overlook(self, layout: PlaneLayout, panorama: Panorama, factor: int) -> Overlook:
        """Shows held frames to a detector, reduced by ``factor`` where that is made of pixels in plain memory."""

    def detector(
        self, name: str, panorama: Panorama, field: FieldOutline | None, length_m: float | None
    ) -> Detector:
        """A detector for what :meth:`overlook` shows: see :func:`touchline.analysis.detectors.build_detector`.

        Raises:
            ConfigurationError: for one that can't be had here.
        """

    def same_picture(self, layout: PlaneLayout) -> Same:
        """Whether two held frames show the same, pixel by pixel."""

    def blank(self, width: int, height: int) -> AbstractContextManager[Any]:
        """A black picture to try things on."""

    def frame_bytes(self, caps: VideoCaps) -> int:
        """Bytes that a frame of the programme takes, as the plan reckons them."""

    def picture_bytes(self, info: SourceInfo) -> int:
        """Bytes that one of a camera's decoded pictures takes, as the plan reckons them."""

    def left_bytes(self) -> int:
        """Bytes that are free now."""

    def free_bytes(self) -> int:
        """Bytes that may be planned with: what is free, less what is left to others."""

    def close(self) -> None:
        """Lets go of everything. May be called again."""


class _CpuStitching:
    """A stitcher, and the way to another one of its kind."""

    def __init__(self, make: Callable[[], PlainStitcher]) -> None:
        self._make = make
        self._stitcher = make()
        self.stitch = self._stitcher.stitch
        self.plan = self._stitcher.plan
        self.use = self._stitcher.use

    def warm_up(self, left: Nv12, right: Nv12, out: Nv12) -> None:
        # Another one, for this one remembers what it has seen of the light.
        self._make().stitch(left, right, out, 0.0)


class CpuBackend:
    """The processor and plain memory.

    Args:
        joint: how pictures are joined.
        in_light: match the cameras' exposures in light; otherwise as factors of the signal, as a GPU's stitch does.
    """

    name = "system"
    place = "plain memory"

    def __init__(self, joint: Joint | None = None, *, in_light: bool = True) -> None:
        self._joint = joint
        self._in_light = in_light
        self.domain: Domain = SystemDomain()
        self.bus = BusBytes()
        self.substitutes: Substitutes = PlainSubstitutes()
        self._workers = Workers()

    def landing(self) -> Landing:
        return SystemLanding()

    def bring(self, picture: Nv12) -> Picture:
        return PlainPicture(picture)

    def stitcher(self, rig: Rig, panorama: Panorama) -> Stitcher:
        return _CpuStitching(
            lambda: make_stitcher(rig, panorama, self._workers, self._joint, in_light=self._in_light)
        )

    def pairs(self, rig: Rig, panorama: Panorama) -> Pairs | None:
        return CpuPairs(rig, panorama, self._workers)

    def camera(self, panorama: Panorama, width: int, height: int) -> Camera:
        return CpuVirtualCamera(panorama, width, height, self._workers)

    def whole(self, size: tuple[int, int], width: int, height: int) -> Whole:
        return WholePanorama(size, width, height, self._workers)

    def copy(self, source: Nv12, out: Nv12) -> None:
        out.copy_from(source)

    def luma(self, picture: Nv12) -> NDArray[np.uint8] | None:
        return None if isinstance(picture, StandIn) else picture.y.copy()

    def reducer(self, layout: PlaneLayout, factor: int) -> Reduce | None:
        return None

    def overlook(self, layout: PlaneLayout, panorama: Panorama, factor: int) -> Overlook:
        return PlainOverlook(layout, panorama, factor)

    def detector(
        self, name: str, panorama: Panorama, field: FieldOutline | None, length_m: float | None
    ) -> Detector:
        return build_detector(name, panorama, field, length_m=length_m)

    def same_picture(self, layout: PlaneLayout) -> Same:
        return same_picture(layout)

    @contextmanager
    def blank(self, width: int, height: int) -> Iterator[Nv12]:
        picture = Nv12.empty(width, height)
        picture.fill(16, 128, 128)
        yield picture

    def frame_bytes(self, caps: VideoCaps) -> int:
        return packed_bytes("NV12", caps.width, caps.height)

    def picture_bytes(self, info: SourceInfo) -> int:
        return packed_bytes("NV12", info.width, info.height)

    def left_bytes(self) -> int:
        return available_bytes()

    def free_bytes(self) -> int:
        return self.left_bytes() - HEADROOM_BYTES

    def close(self) -> None:
        self._workers.close()


def choose_backend(config: RunConfig, say: Callable[[str], None]) -> Backend:
    """The backend for --memory.

    Args:
        config: what is wanted.
        say: told in one line what was chosen, and why, if that was ours to choose.

    Raises:
        ConfigurationError: in one line, if what is asked for is not there: the missing link, and what to do.
    """
    choice = choose_memory(config)
    if config.memory == "auto":
        say(f"Memory: {choice}")
    if choice.name == "cuda":
        from touchline.engine.backend_cuda import CudaBackend

        return CudaBackend()
    return CpuBackend(config.joint, in_light=config.exposure != "signal")
