"""Touchline: two fixed cameras in, the delayed programme of a virtual camera out.

The delay by itself, for other programs: :class:`NVMMBufferManager` (also called ``BufferManager``), and
:func:`register`, which makes the element ``touchlinedelay`` known to GStreamer in this process.
"""

from importlib import import_module
from importlib.metadata import version
from typing import Any

__version__ = version("touchline")
__all__ = ["BufferManager", "NVMMBufferManager", "__version__", "register"]

_ELSEWHERE = {
    "BufferManager": "touchline.delay.manager",
    "NVMMBufferManager": "touchline.delay.manager",
    "register": "touchline.delay.element",
}


def __getattr__(name: str) -> Any:
    # Loaded when it is asked for: whoever imports the package for its version alone needs no GStreamer.
    if name not in _ELSEWHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_ELSEWHERE[name]), name)
