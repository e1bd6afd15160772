"""Which memory a run works in: the one that was asked for, or the best that is whole here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from touchline.config import RunConfig
from touchline.cuda.probe import Link, broken
from touchline.errors import MissingCudaError
from touchline.gst import cuda_links
from touchline.gst.elements import available

# Either pair lets frames wait as a bitstream without leaving the GPU.
_CODECS = (("nvh264enc", "nvh264dec"), ("nvh265enc", "nvh265dec"))


@dataclass(frozen=True)
class Choice:
    """A kind of memory, and in words why it was taken."""

    name: str
    reason: str

    def __str__(self) -> str:
        return f"{self.name} ({self.reason})"


def choose_memory(config: RunConfig, links: Sequence[Link] | None = None) -> Choice:
    """Decides what --memory means here. Nothing of CUDA is looked at where it is not wanted.

    Args:
        config: what is wanted.
        links: of CUDA's chain; by default as they are found.

    Raises:
        MissingCudaError: if CUDA was asked for, and a link is missing or it can't do what else was asked for.
    """
    if config.memory not in ("auto", "cuda"):
        return Choice(config.memory, "as asked for")
    chain = cuda_links.chain() if links is None else links
    link = broken(chain)
    lacks = _lacks(config) if link is None else f"{link.name}: {link.detail}; {link.remedy}"
    if lacks is None:
        return Choice("cuda", ", ".join(f"{one.name} {one.detail}" for one in chain[:2]))
    if config.memory == "cuda":
        raise MissingCudaError(f"--memory cuda can't be had here: {lacks}")
    return Choice("system", f"not cuda: {lacks}")


def _lacks(config: RunConfig) -> str | None:
    """What can't be done on this GPU of what else was asked for."""
    if config.render == "direct":
        return "views are rendered from panoramas on it; use --render panorama"
    if config.exposure == "light":
        return "its stitch matches exposures as factors of the signal, and light is asked for"
    if not config.joint.plain:
        return "its stitch knows a fixed seam with a feather only, and another joint is asked for"
    if config.hold == "encoded" and not any(available(one) and available(other) for one, other in _CODECS):
        return "its frames can't wait encoded, for GStreamer finds no encoder on it; use --hold reference"
    return None
