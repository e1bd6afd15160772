"""Elements by name: created with properties set on them, never pasted into a pipeline text.

What is missing is named together with the Debian package that has it.
"""

from __future__ import annotations

from typing import Any

from touchline.errors import MissingElementError
from touchline.gst.library import Gst

_PACKAGES = {
    "gstreamer1.0-libav": ("avdec_", "avenc_"),
    "gstreamer1.0-plugins-ugly": ("x264enc",),
    "gstreamer1.0-plugins-bad": (
        "h264parse",
        "h265parse",
        "mpegtsmux",
        "tsdemux",
        "srtsink",
        "srtsrc",
        "rtmp2sink",
        "openh264enc",
        "voaacenc",
        "faac",
        "fdkaac",
        "nvh264enc",
        "nvh264dec",
        "va",
    ),
    "gstreamer1.0-plugins-good": (
        "mp4mux",
        "matroskamux",
        "flvmux",
        "aacparse",
        "rtspsrc",
        "udpsrc",
        "udpsink",
        "v4l2",
        "autovideosink",
    ),
    "gstreamer1.0-alsa": ("alsasrc",),
    "gstreamer1.0-pulseaudio": ("pulsesrc",),
    "gstreamer1.0-plugins-base": (
        "uridecodebin",
        "videoconvert",
        "videoscale",
        "videorate",
        "videotestsrc",
        "audioconvert",
        "audioresample",
        "audiotestsrc",
        "appsink",
        "appsrc",
    ),
}


def available(factory: str) -> bool:
    """True if GStreamer knows an element of this name."""
    return Gst.ElementFactory.find(factory) is not None


def package_of(factory: str) -> str | None:
    """The Debian package that has the element, where we know it."""
    for package, prefixes in _PACKAGES.items():
        if factory.startswith(prefixes):
            return package
    return None


def make(factory: str, name: str | None = None, **properties: Any) -> Any:
    """A new element.

    Args:
        factory: the element's type, as in ``gst-inspect-1.0``.
        name: its name in the pipeline; by default GStreamer numbers it.
        properties: set on it; underscores stand for hyphens, and one at the end for nothing (``async_``). A string
            for an enumeration is its nick.

    Raises:
        MissingElementError: if this GStreamer has no such element.
    """
    element = Gst.ElementFactory.make(factory, name)
    if element is None:
        package = package_of(factory)
        hint = f"install the package {package}" if package else "no package of ours has it"
        raise MissingElementError(f"GStreamer has no element {factory!r}: {hint}")
    for key, value in properties.items():
        set_property(element, key.rstrip("_").replace("_", "-"), value)
    return element


def has_property(element: Any, name: str) -> bool:
    """True if the element has this property; versions of GStreamer differ in what theirs have."""
    return element.find_property(name) is not None


def set_property(element: Any, name: str, value: Any) -> None:
    """Sets one property; text for anything that is not text is read as GStreamer would in a pipeline."""
    if isinstance(value, str) and element.find_property(name).value_type.name != "gchararray":
        Gst.util_set_object_arg(element, name, value)
    else:
        element.set_property(name, value)
