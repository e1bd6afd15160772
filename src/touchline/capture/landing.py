"""How a decoder's pictures come to lie where they are wanted: in plain memory, or on an NVIDIA GPU."""

from __future__ import annotations

from typing import Any, Protocol

from touchline.counters import BusBytes
from touchline.gst.crossings import Crossings
from touchline.gst.domains import Domain, SystemDomain
from touchline.gst.elements import has_property, make
from touchline.gst.library import Gst, GstVideo

STAGE = "capture"
CUDA = "memory:CUDAMemory"
CUDA_KIND = "gst.cuda.memory"

# Video range only: our kernels, and the encoder's label, take 16 for black. Full range (JPEG) is converted.
_RANGES = (
    "bt709,bt601,smpte240m,bt2020,2:4:5:1,2:4:7:1,2:4:16:1,2:4:16:4,2:3:5:1,2:3:7:1,2:4:5:3,2:4:5:4,2:4:6:1"
)
_FULL_RANGE = 1  # GST_VIDEO_COLOR_RANGE_0_255, whose name in Python begins with a digit
_ACCEPTED = f"video/x-raw,format=NV12,colorimetry=(string){{{_RANGES}}}"
# NVIDIA's decoders of GStreamer that leave a picture on the GPU. Not nvjpegdec: it calls its pictures video range, and
# they are full range (1.22); nobody behind it could tell.
_DECODERS = (
    "nvh264dec",
    "nvh265dec",
    "nvvp9dec",
    "nvav1dec",
    "nvvp8dec",
    "nvmpeg2videodec",
    "nvmpeg4videodec",
    "nvmpegvideodec",
)


class Landing(Protocol):
    """The end of a source's pipeline."""

    @property
    def domain(self) -> Domain:
        """Whose memory the pictures lie in then."""

    @property
    def caps(self) -> Any:
        """What the last element takes, as Gst.Caps."""

    def prepare(self, pipeline: Any) -> None:
        """Makes a Gst.Pipeline ready, before it starts."""

    def prefer(self, decoding: Any) -> None:
        """Tells a uridecodebin or a decodebin which decoders are wanted."""

    def elements(self, pad: Any) -> list[Any]:
        """What stands between a decoder's source pad and the end, to be linked in this order; one at least."""


class SystemLanding:
    """Pictures in plain memory."""

    domain: Domain = SystemDomain()

    @property
    def caps(self) -> Any:
        return Gst.Caps.from_string(_ACCEPTED)

    def prepare(self, pipeline: Any) -> None:
        """Nothing to do."""

    def prefer(self, decoding: Any) -> None:
        """GStreamer's own order."""

    def elements(self, pad: Any) -> list[Any]:
        return [_plain_converter()]


class CudaLanding:
    """Pictures on the GPU. What a decoder made there stays there; what lies in plain memory goes up once, as NV12.

    Args:
        domain: of the GPU that the stitch runs on.
        bus: counts what goes up.
    """

    def __init__(self, domain: Domain, bus: BusBytes) -> None:
        self.domain = domain
        self._bus = bus
        self._up = Crossings(CUDA_KIND)
        self._down: Crossings | None = None
        bus.up.add_source(STAGE, lambda: self._up.bytes)

    @property
    def caps(self) -> Any:
        return Gst.Caps.from_string(f"video/x-raw({CUDA}),format=NV12")

    def prepare(self, pipeline: Any) -> None:
        self.domain.prepare(pipeline)

    def prefer(self, decoding: Any) -> None:
        """By a signal of this very element: what else decodes in this process keeps GStreamer's order."""
        decoding.connect("autoplug-sort", _gpu_first)

    def elements(self, pad: Any) -> list[Any]:
        """By the pad's caps.

        ``cudaupload`` stands there in any case: before a decoder knows what is behind it, its first pictures may come
        in plain memory. Colours are converted where they have to be only, since ``cudaconvert`` needs NVRTC.
        """
        upload = make("cudaupload")
        self._up.watch(upload)
        nv12 = make("capsfilter", caps=Gst.Caps.from_string(_ACCEPTED))
        if not _on_gpu(pad):
            return [_plain_converter(), nv12, upload]
        format, full_range = _colours(pad)
        if full_range:
            # cudaconvert takes YUV for YUV, whatever its range, and by way of RGB it is levels off.
            return [*self._download(), _plain_converter(), nv12, upload]
        return [upload] if format == "NV12" else [upload, make("cudaconvert")]

    def _download(self) -> list[Any]:
        """The processor has to have a look: rare enough to be seen in the books."""
        download = make("cudadownload")
        if self._down is None:
            self._down = down = Crossings(CUDA_KIND)
            self._bus.down.add_source(STAGE, lambda: down.bytes)
        self._down.watch(download)
        return [download, make("identity", drop_allocation=True)]


def _plain_converter() -> Any:
    convert = make("videoconvert")
    if has_property(convert, "n-threads"):
        convert.set_property("n-threads", 2)
    return convert


def _gpu_first(_bin: Any, _pad: Any, _caps: Any, factories: list[Any]) -> list[Any] | None:
    """The same elements, NVIDIA's decoders before others; None, as GStreamer wants it, if nothing changes.

    A parser keeps its place, for it comes before any decoder.
    """

    def place(factory: Any) -> int:
        if not factory.list_is_type(Gst.ELEMENT_FACTORY_TYPE_DECODER):
            return 0
        return 1 if factory.get_name() in _DECODERS else 2

    order = sorted(factories, key=place)
    return None if order == list(factories) else order


def _on_gpu(pad: Any) -> bool:
    """True if what feeds this pad can leave its pictures on the GPU.

    A decoder that does not know yet what is behind it may have settled on plain memory for now.
    """
    known = [pad.get_current_caps(), pad.query_caps()]
    inner = pad
    while isinstance(inner, Gst.GhostPad) and inner.get_target() is not None:
        inner = inner.get_target()
    factory = element.get_factory() if (element := inner.get_parent_element()) is not None else None
    return (factory is not None and factory.get_name() in _DECODERS) or any(
        caps.get_features(place).contains(CUDA)
        for caps in known
        if caps is not None and not caps.is_any()
        for place in range(caps.get_size())
    )


def _colours(pad: Any) -> tuple[str, bool]:
    """Format of a pad's pictures, and whether they are of full range; NV12 of video range if it does not say yet."""
    caps = pad.get_current_caps()
    if caps is None or not caps.is_fixed():
        return "NV12", False
    colours = GstVideo.VideoInfo.new_from_caps(caps).colorimetry
    return str(caps.get_structure(0).get_string("format")), int(colours.range) == _FULL_RANGE
