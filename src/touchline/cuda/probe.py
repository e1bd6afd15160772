"""What the GPU way needs below GStreamer, link by link: the driver, a GPU, the extra's packages, the compiler.

Can be imported everywhere: asks the driver's library itself, and the packages only where they are installed. Never
raises, and takes a millisecond where there is no driver.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version

from touchline.errors import TouchlineError

_LIBRARY = "libcuda.so.1"
_EXTRA = "in Touchline's folder: .venv/bin/pip install -e '.[cuda]'"


@dataclass(frozen=True)
class Link:
    """One link of the chain.

    Attributes:
        name: what it is.
        ok: whether it holds.
        detail: what was found, or what is wrong.
        remedy: what to do about it; empty if it holds.
        needed: False for what only makes things faster: the chain holds without it.
    """

    name: str
    ok: bool
    detail: str
    remedy: str = ""
    needed: bool = True


def links() -> list[Link]:
    """The chain below GStreamer, from the ground up."""
    driver, number = _driver()
    gpu = _gpu(driver.ok)
    return [driver, gpu, _packages(), _compiler(number, gpu.ok)]


def broken(chain: Sequence[Link]) -> Link | None:
    """The first link of a chain that is needed and does not hold; None if all is there."""
    return next((link for link in chain if link.needed and not link.ok), None)


def _driver() -> tuple[Link, int]:
    """And the CUDA version that it is for, as 1000 * major + 10 * minor."""
    remedy = "install NVIDIA's driver, 580 or newer (in a container: run it with --gpus all)"
    try:
        library = ctypes.CDLL(_LIBRARY)
        number = ctypes.c_int()
        status = library.cuDriverGetVersion(ctypes.byref(number))
    except (OSError, AttributeError) as error:
        return Link("NVIDIA driver", False, f"{_LIBRARY} can't be loaded ({error})", remedy), 0
    if status != 0:
        return Link("NVIDIA driver", False, f"{_LIBRARY} answers with status {status}", remedy), 0
    found = f"for CUDA {number.value // 1000}.{number.value % 1000 // 10}"
    return Link("NVIDIA driver", True, found), number.value


def _gpu(driver: bool) -> Link:
    if not driver:
        return Link("GPU", False, "can't be asked for without a driver", "see the driver")
    library, count, name = ctypes.CDLL(_LIBRARY), ctypes.c_int(), ctypes.create_string_buffer(128)
    status = library.cuInit(0) or library.cuDeviceGetCount(ctypes.byref(count))
    if status or not count.value:
        why = f"the driver answers with status {status}" if status else "the driver sees none"
        return Link("GPU", False, why, "ask nvidia-smi; is CUDA_VISIBLE_DEVICES empty?")
    device = ctypes.c_int()
    library.cuDeviceGet(ctypes.byref(device), 0)
    library.cuDeviceGetName(name, len(name), device)
    more = f" and {count.value - 1} more" if count.value > 1 else ""
    return Link("GPU", True, name.value.decode(errors="replace") + more)


def _packages() -> Link:
    # By its name alone: to look for a module inside would import what is around it.
    try:
        detail = f"cuda-bindings {version('cuda-bindings')}"
    except PackageNotFoundError:
        return Link("touchline[cuda]", False, "cuda-bindings is not installed", _EXTRA)
    return Link("touchline[cuda]", True, detail)


def _compiler(driver: int, gpu: bool) -> Link:
    """NVRTC; what one of a newer CUDA makes is refused by the driver. Nothing is imported where there is no GPU."""
    name = "NVRTC"
    if not gpu:
        return Link(name, False, "needs a GPU to be asked for", "see the GPU")
    if not _packages().ok:
        return Link(name, False, "can't be asked for without touchline[cuda]", _EXTRA)
    try:
        found: str = import_module("touchline.cuda.compiler").compiler_version()
    except (ImportError, OSError, TouchlineError) as error:
        return Link(name, False, str(error), _EXTRA)
    if driver and int(found.split(".")[0]) > driver // 1000:
        newer = f"{found} makes code that a driver for CUDA {driver // 1000} can't run"
        return Link(name, False, newer, "update NVIDIA's driver to 580 or newer")
    return Link(name, True, found)
