"""GStreamer, initialised once by whoever imports it from here first."""

from __future__ import annotations

import contextlib
import ctypes

from touchline.errors import ConfigurationError


def _prefer_libgcc() -> None:
    """Makes C++ exceptions inside plug-ins find their own unwinder.

    Debian's libgstreamer brings libunwind, whose _Unwind_Resume then hides libgcc's from every library that is
    loaded later; libsrt throws, catches, and crashes in it when a connection is closed. What stands in the global
    scope is found first.
    """
    with contextlib.suppress(OSError):  # no libgcc_s, as with musl: then there is nothing to hide either
        ctypes.CDLL("libgcc_s.so.1", mode=ctypes.RTLD_GLOBAL)


_prefer_libgcc()
try:
    import gi

    gi.require_version("Gst", "1.0")
    gi.require_version("GstApp", "1.0")
    gi.require_version("GstVideo", "1.0")
    from gi.repository import GLib, GObject, Gst, GstApp, GstVideo
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


__all__ = [
    "MILLISECOND",
    "NONE",
    "SECOND",
    "GLib",
    "GObject",
    "Gst",
    "GstApp",
    "GstVideo",
    "native",
    "version",
]
