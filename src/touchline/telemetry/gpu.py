"""What the GPU has in memory and how busy it is, asked of whoever knows here: NVML, tegrastats or jetson-stats.

NVML was tried on an H100. The two ways of a Jetson follow the documented output of tegrastats and the interface of
jetson-stats 4; they have not been run on a Jetson.
"""

from __future__ import annotations

import ctypes
import importlib
import importlib.util
import logging
import re
import select
import shutil
import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

_LOG = logging.getLogger("touchline.gpu")
_KB, _MB = 1 << 10, 1 << 20
_NVML = "libnvidia-ml.so.1"
_NAME_BYTES = 96  # NVML_DEVICE_NAME_V2_BUFFER_SIZE
_TEGRASTATS_S = 2.0  # it writes a line every 100 ms as we call it
_RAM = re.compile(r"\bRAM (\d+)/(\d+)MB\b")
_LOAD = re.compile(r"\bGR3D(?:_FREQ)? (\d+)%")


@dataclass(frozen=True)
class GpuMemory:
    """A GPU, now.

    Args:
        used, total, free: bytes, of all processes together. On a Jetson the GPU has no memory of its own: this is the
            memory of the machine.
        utilisation: share of the time in which it was busy lately, 0 to 1; None where it is not told.
        name: of the GPU, for people.
        source: who was asked.
    """

    used: int
    total: int
    free: int
    utilisation: float | None
    name: str
    source: Literal["nvml", "tegrastats", "jtop"]


def get_gpu_memory_usage(index: int = 0) -> GpuMemory | None:
    """What a GPU has in memory and how busy it is.

    The first who knows is believed: NVML (the driver's library, if it is there), tegrastats (a program of the Jetson's
    Linux; takes 0.1 s or more), jetson-stats (the Python module ``jtop``, if it is installed and its service runs).

    Args:
        index: of the GPU as NVML counts; a Jetson has but one.

    Returns:
        None where there is no such GPU, or none that can be asked. Raises nothing for that.
    """
    return read_nvml(index) or read_tegrastats() or read_jtop()


class GpuProbe:
    """Asks for the GPU, at most once in a period, and remembers the most memory that was ever in use.

    Safe from several threads.

    Args:
        read: gives the figures.
        period_s: how old an answer may be.
    """

    def __init__(
        self, read: Callable[[], GpuMemory | None] = get_gpu_memory_usage, period_s: float = 2.0
    ) -> None:
        self._read = read
        self._period_s = period_s
        self._lock = threading.Lock()
        self._last: GpuMemory | None = None
        self._asked_at: float | None = None
        self._peak: int | None = None

    @property
    def peak_bytes(self) -> int | None:
        """The most memory in use that was seen, in bytes; None without a GPU."""
        return self._peak

    def now(self) -> GpuMemory | None:
        """The figures, not older than the period; None without a GPU."""
        with self._lock:
            now = time.monotonic()
            if self._asked_at is None or now - self._asked_at >= self._period_s:
                self._last, self._asked_at = self._read(), now
                if self._last is not None:
                    self._peak = max(self._peak or 0, self._last.used)
            return self._last


class _NvmlMemory(ctypes.Structure):
    _fields_ = [("total", ctypes.c_ulonglong), ("free", ctypes.c_ulonglong), ("used", ctypes.c_ulonglong)]


class _NvmlUtilization(ctypes.Structure):
    _fields_ = [("gpu", ctypes.c_uint), ("memory", ctypes.c_uint)]


def read_nvml(index: int = 0, library: str = _NVML) -> GpuMemory | None:
    """A GPU as NVML sees it; None without the library, the GPU or its memory figures (as on a Jetson).

    Args:
        index: of the GPU.
        library: file name of NVML.
    """
    nvml = _load_nvml(library)
    if nvml is None:
        return None
    device, memory, busy = ctypes.c_void_p(), _NvmlMemory(), _NvmlUtilization()
    name = ctypes.create_string_buffer(_NAME_BYTES)
    if nvml.nvmlDeviceGetHandleByIndex_v2(index, ctypes.byref(device)):
        return None
    if nvml.nvmlDeviceGetMemoryInfo(device, ctypes.byref(memory)) or not memory.total:
        return None
    # Not told by every GPU: not by a MIG slice, for one.
    known = nvml.nvmlDeviceGetUtilizationRates(device, ctypes.byref(busy)) == 0
    named = nvml.nvmlDeviceGetName(device, name, _NAME_BYTES) == 0
    return GpuMemory(
        used=memory.used,
        total=memory.total,
        free=memory.free,
        utilisation=busy.gpu / 100 if known else None,
        name=name.value.decode(errors="replace") if named else f"GPU {index}",
        source="nvml",
    )


@cache
def _load_nvml(library: str) -> ctypes.CDLL | None:
    """NVML, initialised once for as long as the process lives; None where it can't be had."""
    try:
        nvml = ctypes.CDLL(library)
        signatures: dict[str, list[Any]] = {
            "nvmlInit_v2": [],
            "nvmlDeviceGetHandleByIndex_v2": [ctypes.c_uint, ctypes.POINTER(ctypes.c_void_p)],
            "nvmlDeviceGetMemoryInfo": [ctypes.c_void_p, ctypes.POINTER(_NvmlMemory)],
            "nvmlDeviceGetUtilizationRates": [ctypes.c_void_p, ctypes.POINTER(_NvmlUtilization)],
            "nvmlDeviceGetName": [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_uint],
        }
        for name, arguments in signatures.items():
            function = getattr(nvml, name)
            function.argtypes, function.restype = arguments, ctypes.c_int
        code = nvml.nvmlInit_v2()
    except (OSError, AttributeError) as error:
        _LOG.debug("no NVML: %s", error)
        return None
    if code:
        _LOG.debug("NVML can't be initialised: error %d", code)
        return None
    return nvml


def read_tegrastats() -> GpuMemory | None:
    """A Jetson as tegrastats sees it; None where there is no such program, or it says nothing."""
    program = shutil.which("tegrastats")
    if program is None:
        return None
    try:
        process = subprocess.Popen(
            [program, "--interval", "100"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
    except OSError as error:
        _LOG.debug("tegrastats can't be run: %s", error)
        return None
    with process:
        assert process.stdout is not None
        try:
            ready, _, _ = select.select([process.stdout], [], [], _TEGRASTATS_S)
            line = process.stdout.readline() if ready else b""
        finally:
            process.kill()  # it goes on for ever
    return parse_tegrastats(line.decode(errors="replace"))


def parse_tegrastats(line: str) -> GpuMemory | None:
    """One line of tegrastats; None if it does not tell the memory.

    Its MB are 2**20 bytes. The load is called ``GR3D_FREQ``, and ``GR3D`` on the oldest boards.
    """
    ram, load = _RAM.search(line), _LOAD.search(line)
    if ram is None:
        return None
    used, total = (int(figure) * _MB for figure in ram.groups())
    if not used <= total or not total:
        return None
    utilisation = min(1.0, int(load[1]) / 100) if load else None
    return GpuMemory(used, total, total - used, utilisation, "Jetson", "tegrastats")


def read_jtop() -> GpuMemory | None:
    """A Jetson as jetson-stats sees it; None where it is not installed or its service can't be asked."""
    if importlib.util.find_spec("jtop") is None:
        return None
    try:
        with importlib.import_module("jtop").jtop() as jetson:
            if not jetson.ok():
                return None
            ram, gpus = jetson.memory["RAM"], list(jetson.gpu.items())
            used, total = int(ram["used"]) * _KB, int(ram["tot"]) * _KB
            name, gpu = gpus[0] if gpus else ("Jetson", {})
            load = gpu.get("status", {}).get("load")
            utilisation = None if load is None else min(1.0, max(0.0, float(load) / 100))
            return GpuMemory(used, total, total - used, utilisation, str(name), "jtop")
    except Exception as error:  # noqa: BLE001 - a probe of somebody else's service: whatever it is, we know nothing
        _LOG.debug("jetson-stats can't be asked: %s", error)
        return None
