"""Memory domains: one module for each kind of memory, behind one protocol, chosen here.

The store, the pools and the players know nothing of them. A frame that somebody else made is held by a share in every
domain; what differs is how its memory is told from another one's, and who can allocate and copy.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

from touchline.errors import ConfigurationError, MissingCudaError, TouchlineError
from touchline.gst.domains.gl import GlDomain
from touchline.gst.domains.nvmm import NvmmDomain
from touchline.gst.domains.protocol import Domain, Placement
from touchline.gst.domains.system import SystemDomain


def _cuda() -> Domain:
    """CUDA's domain, with all that it imports: only when it is asked for."""
    try:
        module = import_module("touchline.gst.domains.cuda")
    except ModuleNotFoundError as error:
        if not (error.name or "").startswith("cuda"):
            raise
        raise MissingCudaError(
            f"frames in CUDA memory need the package {error.name}: install touchline[cuda]"
        ) from error
    made: Domain = module.CudaDomain()
    return made


_DOMAINS: dict[str, Callable[[], Domain]] = {
    "system": SystemDomain,
    "gl": GlDomain,
    "cuda": _cuda,
    "nvmm": NvmmDomain,
}
_FEATURES = {
    None: "system",
    "memory:SystemMemory": "system",
    GlDomain.feature: "gl",
    "memory:CUDAMemory": "cuda",
    NvmmDomain.feature: "nvmm",
}
NAMES = tuple(_DOMAINS)


def domain(name: str) -> Domain:
    """The domain of this name.

    Raises:
        ConfigurationError: for an unknown one, or (as MissingCudaError) where what it needs is not installed.
    """
    if name not in _DOMAINS:
        raise ConfigurationError(f"unknown memory domain {name!r}; known are {', '.join(NAMES)}")
    return _DOMAINS[name]()


def domain_of(caps: Any) -> Domain:
    """The domain that caps ask for by their ``memory:`` feature.

    Raises:
        TouchlineError: for memory that we do not know.
    """
    features = caps.get_features(0)
    named = [features.get_nth(place) for place in range(features.get_size())] if features else []
    feature = next((one for one in named if one.startswith("memory:")), None)
    if feature not in _FEATURES:
        known = ", ".join(one for one in _FEATURES if one)
        raise TouchlineError(f"frames in {feature} can't be held; known are plain memory, {known}")
    return domain(_FEATURES[feature])


__all__ = ["NAMES", "Domain", "GlDomain", "NvmmDomain", "Placement", "SystemDomain", "domain", "domain_of"]
