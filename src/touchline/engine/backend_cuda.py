"""Pixels on an NVIDIA GPU, from the decoder to the encoder. Imported only where CUDA was chosen."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from touchline.analysis.cuda_detector import CudaDetector
from touchline.analysis.detections import Detector
from touchline.analysis.detectors import OWN, build_detector, own_model
from touchline.capture import Picture, SourceInfo, waiting_pictures
from touchline.capture.frames import BufferPicture
from touchline.capture.landing import STAGE as CAPTURE
from touchline.capture.landing import CudaLanding
from touchline.counters import BusBytes
from touchline.cuda.copies import copy_picture, download
from touchline.cuda.device import Device
from touchline.cuda.picture import DevicePicture
from touchline.engine.overlook import Overlook, overlook_factor
from touchline.engine.standins import Substitutes
from touchline.errors import ConfigurationError, TouchlineError
from touchline.geometry import FieldOutline, Panorama, Rig
from touchline.gst.caps import PlaneLayout, VideoCaps, packed_bytes
from touchline.gst.domains import Domain
from touchline.gst.domains.cuda import CudaDomain
from touchline.gst.nv12 import Nv12
from touchline.gst.pools import FramePool
from touchline.panorama.cuda_reduce import CudaReducer
from touchline.panorama.cuda_standin import DeviceStandIn, DeviceStandIns, still
from touchline.panorama.cuda_stitch import CudaStitcher
from touchline.render.cuda_camera import CudaVirtualCamera
from touchline.render.cuda_whole import CudaWholePanorama
from touchline.telemetry.gpu import read_nvml

# Left to the rest of the GPU's users when a plan is compared with what is free: the kernels, the decoders' own
# surfaces, a screen.
RESERVE_BYTES = 256_000_000
RESERVE_SHARE = 0.05  # of all its memory, if that is more
_GRAIN = 2 << 20  # the driver gives memory of a megabyte and more in pieces of this size
_LARGE = 1 << 20
_DRAWN_MORE = (
    4  # pictures of a drawn camera beside those that wait: being drawn, stitched, kept in case it is lost
)
_ANY_RATE = Fraction(0)


class _Part(Protocol):
    def close(self) -> None:
        """Lets go of everything."""


Part = TypeVar("Part", bound=_Part)


class CudaBackend:
    """One GPU.

    Args:
        index: as CUDA counts.

    Raises:
        MissingCudaError: in one line, if it can't be used.
    """

    name = "cuda"

    def __init__(self, index: int = 0) -> None:
        self._open = ExitStack()
        self.device = Device(index)
        self._open.callback(self.device.close)
        self.place = f"GPU memory ({self.device.name})"
        self.domain: Domain = CudaDomain(self.device)
        self.bus = BusBytes()
        self._stream = self._keep(self.device.stream())
        self.substitutes: Substitutes = _Substitutes(self._keep(DeviceStandIns(self.device)))
        self._drawn: dict[tuple[int, int], FramePool] = {}

    def landing(self) -> CudaLanding:
        return CudaLanding(self.domain, self.bus)

    def bring(self, picture: Nv12) -> Picture:
        """One upload, counted; waits for a frame of the pool that is made for pictures of this size."""
        size = picture.width, picture.height
        if size not in self._drawn:
            waiting = waiting_pictures(SourceInfo(*size, _ANY_RATE))
            self._drawn[size] = self._pool(size, 2 * (waiting + _DRAWN_MORE), "drawn pictures")
        pool = self._drawn[size]
        frame = pool.acquire(wait=True)
        if frame is None:
            raise TouchlineError("the drawn pictures have nowhere to go: the run was stopped")
        self.domain.write(frame, picture, pool.gst_caps)
        self.bus.up.add(CAPTURE, packed_bytes("NV12", *size))
        return BufferPicture(frame, pool.layout, self.domain)

    def stitcher(self, rig: Rig, panorama: Panorama) -> _CountedStitcher:
        self.bus.down.add("gain", 0)
        return _CountedStitcher(self._keep(CudaStitcher(self.device, rig, panorama)), self.bus)

    def pairs(self, rig: Rig, panorama: Panorama) -> None:
        """None: panoramas alone are rendered on a GPU."""

    def camera(self, panorama: Panorama, width: int, height: int) -> CudaVirtualCamera:
        return self._keep(CudaVirtualCamera(self.device, panorama, width, height))

    def whole(self, size: tuple[int, int], width: int, height: int) -> CudaWholePanorama:
        return self._keep(CudaWholePanorama(self.device, size, width, height))

    def copy(self, source: Any, out: Any) -> None:
        copy_picture(self.device, source, out, self._stream)
        self._stream.wait()

    def luma(self, picture: DevicePicture) -> NDArray[np.uint8] | None:
        """One download, counted."""
        if isinstance(picture, DeviceStandIn):
            return None
        self.bus.down.add("drift", picture.width * picture.height)
        return self._down(picture.luma)

    def overlook(self, layout: PlaneLayout, panorama: Panorama, factor: int) -> Overlook:
        """As they are: tiles are reduced where they are cut."""
        return _DeviceOverlook(self.domain, layout, panorama)

    def detector(
        self, name: str, panorama: Panorama, field: FieldOutline | None, length_m: float | None
    ) -> Detector:
        path = own_model(".pt") if name == OWN else Path(name).expanduser()
        if path.suffix in (".pt", ".pth", ".ts", ".torchscript"):
            zoom = 1 / overlook_factor(panorama)
            detector = CudaDetector(self.device, path, panorama, field, zoom=zoom)
            self.bus.down.add("analysis", 0)
            detector.on_down = lambda size: self.bus.down.add("analysis", size)
            return detector
        if name == "none" or path.suffix == ".jsonl":
            return build_detector(name, panorama, field, length_m=length_m)
        raise ConfigurationError(
            f"--detector {name} can't be had on a GPU: there are own, none, a TorchScript file (.pt), detections "
            "(.jsonl), and movement; or use --memory system"
        )

    def reducer(self, layout: PlaneLayout, factor: int) -> Callable[[Any], NDArray[np.uint8]]:
        reducer = self._keep(CudaReducer(self.device, (layout.width, layout.height), factor))
        self.bus.down.add("analysis", 0)

        def reduce(buffer: Any) -> NDArray[np.uint8]:
            small = np.empty(reducer.shape, np.uint8)
            with self.domain.reading(buffer, layout) as picture:
                reducer.reduce(picture, small)
            self.bus.down.add("analysis", reducer.bytes_down)
            return small

        return reduce

    def same_picture(self, layout: PlaneLayout) -> Callable[[Any, Any], bool]:
        """Both are brought down: it is asked only for frames that were rescued from a producer."""

        def same(one: Any, other: Any) -> bool:
            with self.domain.reading(one, layout) as first, self.domain.reading(other, layout) as second:
                planes = [(first.luma, second.luma), (first.chroma, second.chroma)]
                return all(np.array_equal(self._down(a), self._down(b)) for a, b in planes)

        return same

    @contextmanager
    def blank(self, width: int, height: int) -> Iterator[Any]:
        pool = self._pool((width, height), 1, "blank")
        frame = pool.acquire()
        black = Nv12.empty(width, height)
        black.fill(16, 128, 128)
        self.domain.write(frame, black, pool.gst_caps)
        try:
            with self.domain.writing(frame, pool.layout) as picture:
                yield picture
        finally:
            pool.stop()

    def frame_bytes(self, caps: VideoCaps) -> int:
        return FramePool(caps, 1, domain=self.domain).frame_bytes

    def picture_bytes(self, info: SourceInfo) -> int:
        """What a decoder takes for its pictures is told by the first of them; ours, for drawn ones."""
        size = info.frame_bytes or self.frame_bytes(VideoCaps(info.width, info.height, info.fps))
        return -(-size // _GRAIN) * _GRAIN if size >= _LARGE else size

    def left_bytes(self) -> int:
        """By the driver and by NVML, whichever is less."""
        free, _ = self.device.memory()
        told = read_nvml(self.device.index)
        return free if told is None else min(free, told.free)

    def free_bytes(self) -> int:
        _, total = self.device.memory()
        return self.left_bytes() - max(RESERVE_BYTES, round(total * RESERVE_SHARE))

    def close(self) -> None:
        for pool in self._drawn.values():
            pool.stop()
        self._open.close()

    def _pool(self, size: tuple[int, int], frames: int, name: str) -> FramePool:
        pool = FramePool(VideoCaps(*size, _ANY_RATE), frames, name, self.domain)
        pool.start()
        return pool

    def _down(self, array: Any) -> NDArray[Any]:
        return download(self.device, array, self._stream)

    def _keep(self, part: Part) -> Part:
        """It is closed with us."""
        self._open.callback(part.close)
        return part


class _CountedStitcher:
    """A stitcher whose downloads, for the cameras' difference, are counted."""

    def __init__(self, stitcher: CudaStitcher, bus: BusBytes) -> None:
        self._stitcher = stitcher
        self._bus = bus

    def stitch(self, left: DevicePicture, right: DevicePicture, out: DevicePicture, pts_s: float) -> None:
        """See :class:`CudaStitcher`."""
        self._stitcher.stitch(left, right, out, pts_s)
        if not isinstance(left, DeviceStandIn) and not isinstance(right, DeviceStandIn):
            self._bus.down.add("gain", self._stitcher.bytes_down)

    def plan(self, rig: Rig) -> Any:
        return self._stitcher.plan(rig)

    def use(self, planned: Any) -> None:
        self._stitcher.use(planned)

    def warm_up(self, left: DevicePicture, right: DevicePicture, out: DevicePicture) -> None:
        """Only the kernel: the first pair that is stitched has to be the first one that something is learnt of."""
        self._stitcher.queue(left, right, out)
        self._stitcher.stream.wait()


class _DeviceOverlook:
    """Held frames, where they are."""

    def __init__(self, domain: Domain, layout: PlaneLayout, panorama: Panorama) -> None:
        self.panorama = panorama
        self.read_only = True
        self._domain, self._layout = domain, layout

    def look(self, buffer: Any) -> AbstractContextManager[Any]:
        return self._domain.reading(buffer, self._layout)


@dataclass(frozen=True)
class _MadePicture:
    """A picture in memory of its own."""

    planes: DevicePicture

    def read(self) -> AbstractContextManager[DevicePicture]:
        return nullcontext(self.planes)


class _Substitutes:
    """What stands in for a lost camera's picture."""

    def __init__(self, makes: DeviceStandIns) -> None:
        self._makes = makes

    def again(self, planes: DevicePicture) -> DeviceStandIn:
        return still(planes)

    def dimmed(self, picture: Picture) -> Picture:
        with picture.read() as planes:
            return _MadePicture(self._makes.dimmed(planes))

    def black(self, width: int, height: int) -> Picture:
        return _MadePicture(self._makes.black(width, height))
