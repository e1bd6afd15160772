"""GStreamer, initialised once by whoever imports it from here first."""

from __future__ import annotations

import ctypes

from touchline.errors import ConfigurationError

try:
    import gi

    gi.require_version("Gst", "1.0")
    gi.require_version("GstApp", "1.0")
    gi.require_version("GstVideo", "1.0")
    from gi.repository import GLib, Gst, GstApp, GstVideo
except (ImportError, ValueError) as error:
    raise ConfigurationError(
        f"GStreamer's Python binding can't be loaded ({error}); install the packages of debian-packages.txt "
        "and run in a virtual environment on /usr/bin/python3 made with --system-site-packages (`make setup`)"
    ) from error

Gst.init(None)

SECOND: int = int(Gst.SECOND)
MILLISECOND: int = int(Gst.MSECOND)
NONE: int = int(Gst.CLOCK_TIME_NONE)


def native() -> ctypes.CDLL:
    """libgstreamer-1.0 itself, the one that PyGObject has already loaded, for the few calls that it hides."""
    return ctypes.CDLL("libgstreamer-1.0.so.0")


def version() -> str:
    """GStreamer's version, for people; never test for it."""
    return ".".join(str(part) for part in Gst.version()[:3])


__all__ = ["MILLISECOND", "NONE", "SECOND", "GLib", "Gst", "GstApp", "GstVideo", "native", "version"]
