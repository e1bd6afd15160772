"""What the GPU way needs of GStreamer, link by link: its CUDA library, the plugin nvcodec, and its elements.

Can be imported everywhere; never raises.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from touchline.cuda import probe
from touchline.cuda.probe import Link
from touchline.gst.library import Gst, version

_BAD = "install gstreamer1.0-plugins-bad"
_BINDING = "install GStreamer 1.22 or newer with gir1.2-gst-plugins-bad-1.0"
_RESCAN = "the plugin finds no GPU; if there is one now, remove ~/.cache/gstreamer-1.0/registry.*.bin"

# Of each kind the names that versions and settings give it; the first that is there is meant.
DECODERS = {
    "h264": ("nvh264dec", "nvh264sldec"),
    "h265": ("nvh265dec", "nvh265sldec"),
    "av1": ("nvav1dec",),
    "vp9": ("nvvp9dec", "nvvp9sldec"),
    "jpeg": ("nvjpegdec",),
}
ENCODERS = {
    "h264": ("nvh264enc", "nvcudah264enc", "nvautogpuh264enc"),
    "h265": ("nvh265enc", "nvcudah265enc", "nvautogpuh265enc"),
    "av1": ("nvav1enc", "nvautogpuav1enc"),
}
CONVERTERS = {"convert": ("cudaconvertscale", "cudaconvert"), "scale": ("cudaconvertscale", "cudascale")}


def chain() -> list[Link]:
    """All that the GPU way needs, from the driver up."""
    return [*probe.links(), *links()]


def links() -> list[Link]:
    """GStreamer's part of the chain."""
    plugin = _plugin()
    bridges = [_element(name) for name in ("cudaupload", "cudadownload")]
    return [
        _library(),
        plugin,
        *bridges,
        _kinds("converters on the GPU", CONVERTERS, "other formats than NV12 are converted on the CPU"),
        _kinds("decoders on the GPU", DECODERS, "what is missing is decoded on the CPU and uploaded"),
        _kinds("encoders on the GPU", ENCODERS, "the programme is downloaded and encoded on the CPU"),
    ]


def found_of(kinds: Iterable[str]) -> str | None:
    """The first element of these names that is there."""
    return next((name for name in kinds if Gst.ElementFactory.find(name) is not None), None)


def _library() -> Link:
    name = "GstCuda"
    try:
        import gi

        gi.require_version("GstCuda", "1.0")
        from gi.repository import GstCuda
    except (ImportError, ValueError) as error:
        return Link(name, False, f"GStreamer {version()}: {error}", _BINDING)
    if not GstCuda.cuda_load_library():
        return Link(name, False, "is there, and finds no driver", "see the driver")
    return Link(name, True, f"GStreamer {version()}")


def _plugin() -> Link:
    plugin = Gst.Registry.get().find_plugin("nvcodec")
    if plugin is None:
        return Link("plugin nvcodec", False, "is not installed", _BAD)
    return Link("plugin nvcodec", True, str(plugin.get_version()))


def _element(name: str) -> Link:
    if Gst.ElementFactory.find(name) is None:
        return Link(name, False, "is missing", _RESCAN)
    return Link(name, True, "is there")


def _kinds(title: str, kinds: Mapping[str, tuple[str, ...]], otherwise: str) -> Link:
    there = {kind: found_of(names) for kind, names in kinds.items()}
    have = [kind for kind, element in there.items() if element]
    lack = [kind for kind, element in there.items() if not element]
    detail = ", ".join(have) if have else "none"
    if lack and have:
        detail += f"; without {', '.join(lack)}"
    return Link(title, not lack, detail, otherwise if lack else "", needed=False)
