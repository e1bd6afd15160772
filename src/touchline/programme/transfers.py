"""The way of programme frames across the bus, where they lie in a GPU's memory."""

from __future__ import annotations

from typing import Any

from touchline.counters import BusBytes
from touchline.gst.caps import VideoCaps
from touchline.gst.crossings import Crossings
from touchline.gst.domains import Domain
from touchline.gst.elements import make
from touchline.gst.library import Gst

STAGE = "programme"
# For each domain: what uploads, what downloads, and what GStreamer calls its memory.
_ELEMENTS = {
    "cuda": ("cudaupload", "cudadownload", "gst.cuda.memory"),
    "gl": ("glupload", "gldownload", "GLMemory"),
}


def device_caps(caps: VideoCaps, domain: Domain | None) -> Any:
    """The same as Gst.Caps that name the domain's memory."""
    found = caps.to_gst()
    if domain is not None and domain.feature is not None:
        found.set_features_simple(Gst.CapsFeatures.from_string(domain.feature))
    return found


def upload_elements(domain: Domain, caps: VideoCaps) -> list[Any]:
    """From frames in plain memory to frames of the domain, to be linked in this order. Raises MissingElementError."""
    upload, _, _ = _ELEMENTS[domain.name]
    return [make(upload), make("capsfilter", caps=device_caps(caps, domain))]


def download_elements(domain: Domain, caps: VideoCaps, bus: BusBytes | None) -> list[Any]:
    """From frames of the domain to frames in plain memory, to be linked in this order; what comes down is counted.

    cudadownload passes a frame on as it is, on the GPU and in its pool, to whoever knows video metas, and it comes down
    when that maps it: into pinned memory that stays with the frame. An encoder that keeps more frames than the pool has
    would then wait for ever. Without an allocation query behind it, it copies.

    Raises:
        MissingElementError: if this GStreamer lacks one.
    """
    _, download, kind = _ELEMENTS[domain.name]
    element = make(download)
    if bus is not None:
        crossings = Crossings(kind)
        crossings.watch(element)
        bus.down.add_source(STAGE, lambda: crossings.bytes)
    alone = make("identity", drop_allocation=True)
    return [element, alone, make("capsfilter", caps=caps.to_gst())]
