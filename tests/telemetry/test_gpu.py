"""What is told of a GPU, from stand-ins for those who know: a shared library, a program, a module."""

from __future__ import annotations

import shutil
import stat
import subprocess
import sys
import time
import types
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from touchline.telemetry.gpu import (
    GpuMemory,
    GpuProbe,
    get_gpu_memory_usage,
    parse_tegrastats,
    read_jtop,
    read_nvml,
    read_tegrastats,
)

MB = 1 << 20

# As boards write them, oldest first.
TX1 = (
    "RAM 533/3995MB (lfb 817x4MB) cpu [0%,0%,0%,0%]@102 EMC 2%@40 AVP 0%@12 NVDEC 268 MSENC 268 "
    "GR3D 7%@76 EDP limit 0"
)
NANO = (
    "RAM 1903/3964MB (lfb 10x4MB) SWAP 0/1982MB (cached 0MB) CPU [12%@921,4%@921,3%@921,1%@921] "
    "EMC_FREQ 1%@1600 GR3D_FREQ 0%@76 VIC_FREQ 0%@192 APE 25 PLL@24.5C CPU@26C PMIC@100C GPU@25.5C"
)
XAVIER = (
    "07-09-2024 13:31:31 RAM 3168/6851MB (lfb 2x4MB) SWAP 161/3426MB (cached 0MB) "
    "CPU [23%@1397,17%@1192,16%@1190,13%@1190,23%@1190,10%@1190] EMC_FREQ 2%@204 GR3D_FREQ 31%@[114] "
    "VIC_FREQ 115 APE 150 AUX@45C CPU@46.5C VDD_IN 2763mW/2846mW"
)
ORIN = (
    "04-11-2025 10:36:27 RAM 4321/62801MB (lfb 1759x4MB) SWAP 19/31400MB (cached 0MB) "
    "CPU [0%@729,0%@729,off,off] EMC_FREQ 0%@2133 GR3D_FREQ 99%@[1300,1300] NVENC 79%@166 NVDEC off "
    "VIC_FREQ 729 APE 174 CPU@44.562C tj@44.343C VDD_GPU_SOC 2340mW/2340mW"
)
ORIN_NANO = (
    "RAM 3162/7620MB (lfb 8x4MB) SWAP 0/3810MB (cached 0MB) CPU [1%@1510,0%@1510] GR3D_FREQ 12% "
    "cpu@50.031C tj@50.031C VDD_IN 4952mW/4952mW"
)

STAND_IN = r"""
#include <string.h>
static int begun = 0;
struct memory { unsigned long long total, free, used; };
struct utilization { unsigned int gpu, memory; };
int nvmlInit_v2(void) { begun = 1; return INIT; }
int nvmlDeviceGetHandleByIndex_v2(unsigned int index, void **device) {
    if (!begun) return 1;
    if (index > 1) return 2;
    *device = (void *)(0x7fff00000000ULL + index);
    return 0;
}
int nvmlDeviceGetMemoryInfo(void *device, struct memory *memory) {
    if (((unsigned long long)device >> 32) != 0x7fff) return 2;
    memory->total = 85520809984ULL; memory->used = 10000000000ULL; memory->free = 75520809984ULL;
    return MEMORY;
}
int nvmlDeviceGetUtilizationRates(void *device, struct utilization *rates) {
    rates->gpu = 37; rates->memory = 5;
    return ((unsigned long long)device & 1) ? 3 : 0;
}
int nvmlDeviceGetName(void *device, char *name, unsigned int length) {
    if (length < 24) return 7;
    strcpy(name, "Stand-in GPU");
    return 0;
}
"""


def _nvml(folder: Path, init: int = 0, memory: int = 0) -> str:
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("needs a C compiler to make a stand-in for NVML")
    source, library = folder / "nvml.c", folder / "libnvml-stand-in.so"
    source.write_text(STAND_IN)
    subprocess.run(
        [compiler, "-shared", "-fPIC", f"-DINIT={init}", f"-DMEMORY={memory}", "-o", library, source],
        check=True,
    )
    return str(library)


def test_nvml_tells_memory_load_and_name(tmp_path: Path) -> None:
    """Handles are 64 bits wide: without argument types they would be cut."""
    library = _nvml(tmp_path)
    known = GpuMemory(10_000_000_000, 85_520_809_984, 75_520_809_984, 0.37, "Stand-in GPU", "nvml")
    assert read_nvml(0, library) == known
    second = read_nvml(1, library)  # as with a slice of a GPU, nobody knows how busy it is
    assert second is not None
    assert second.utilisation is None
    assert read_nvml(2, library) is None


@pytest.mark.parametrize(("init", "memory"), [(9, 0), (0, 3)])
def test_an_nvml_that_refuses_is_none(tmp_path: Path, init: int, memory: int) -> None:
    """A library without its driver, and a Jetson, whose NVML does not know the memory."""
    assert read_nvml(0, _nvml(tmp_path, init, memory)) is None


def test_a_library_that_is_not_nvml_is_none() -> None:
    assert read_nvml(0, "libc.so.6") is None
    assert read_nvml(0, "libnothing-of-this-name.so.1") is None


@pytest.mark.parametrize(
    ("line", "used", "total", "load"),
    [
        (TX1, 533, 3995, 0.07),
        (NANO, 1903, 3964, 0.0),
        (XAVIER, 3168, 6851, 0.31),
        (ORIN, 4321, 62801, 0.99),
        (ORIN_NANO, 3162, 7620, 0.12),
        ("RAM 2448/7772MB (lfb 3x4MB) CPU [1%@1190,off]", 2448, 7772, None),
    ],
)
def test_lines_of_real_boards_are_read(line: str, used: int, total: int, load: float | None) -> None:
    found = parse_tegrastats(line)
    assert found == GpuMemory(used * MB, total * MB, (total - used) * MB, load, "Jetson", "tegrastats")


@pytest.mark.parametrize(
    "line", ["", "tegrastats: permission denied", "SWAP 5/9MB", "RAM 9/5MB", "RAM 0/0MB"]
)
def test_a_line_without_the_memory_is_none(line: str) -> None:
    assert parse_tegrastats(line) is None


@given(st.text())
def test_no_line_breaks_the_parser(text: str) -> None:
    assert parse_tegrastats(text) is None or "RAM" in text


@given(
    st.integers(1, 10**6), st.floats(0, 1), st.integers(0, 100), st.sampled_from(["", "@76", "@[305,305]"])
)
def test_whatever_it_says_is_read_back(total: int, share: float, load: int, clock: str) -> None:
    used = int(total * share)
    found = parse_tegrastats(f"RAM {used}/{total}MB (lfb 1x4MB) SWAP 1/2MB GR3D_FREQ {load}%{clock} x")
    assert found is not None
    assert (found.used, found.total, found.free) == (used * MB, total * MB, (total - used) * MB)
    assert found.utilisation == load / 100


def _program(folder: Path, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    program = folder / "tegrastats"
    program.write_text(f"#!/bin/sh\n{text}\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")


def test_tegrastats_is_run_for_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It goes on for ever by itself: it is ended, and nothing of it is left."""
    _program(tmp_path, f"echo $$ >{tmp_path}/pid\necho '{ORIN}'\nexec sleep 60", monkeypatch)
    found = read_tegrastats()
    assert found is not None
    assert (found.used, found.source) == (4321 * MB, "tegrastats")
    assert not Path("/proc", (tmp_path / "pid").read_text().strip()).exists()
    assert get_gpu_memory_usage() is not None


def test_a_silent_tegrastats_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("touchline.telemetry.gpu._TEGRASTATS_S", 0.2)
    _program(tmp_path, "exec sleep 60", monkeypatch)
    began = time.monotonic()
    assert read_tegrastats() is None
    assert time.monotonic() - began < 30
    _program(tmp_path, "exit 1", monkeypatch)
    assert read_tegrastats() is None


class _Jtop:
    """jetson-stats 4, as far as it is asked."""

    works = True

    def __enter__(self) -> _Jtop:
        if not self.works:
            raise RuntimeError("The jtop.service is not active")
        return self

    def __exit__(self, *_error: object) -> None:
        pass

    def ok(self) -> bool:
        return True

    memory = {"RAM": {"tot": 7_802_880, "used": 3_000_000, "free": 4_500_000, "shared": 90_000}}  # noqa: RUF012
    gpu = {"ga10b": {"type": "integrated", "status": {"railgate": False, "load": 45.5}}}  # noqa: RUF012


def test_jetson_stats_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    module = types.ModuleType("jtop")
    module.__spec__ = types.SimpleNamespace(name="jtop")  # type: ignore[assignment]
    module.jtop = _Jtop  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "jtop", module)
    used, total = 3_000_000 * 1024, 7_802_880 * 1024
    assert read_jtop() == GpuMemory(used, total, total - used, 0.455, "ga10b", "jtop")
    monkeypatch.setattr(_Jtop, "gpu", {})
    without = read_jtop()
    assert without is not None
    assert without.utilisation is None
    monkeypatch.setattr(_Jtop, "works", False)
    assert read_jtop() is None


def test_without_anybody_to_ask_there_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert read_tegrastats() is None
    assert read_jtop() is None


def test_a_probe_asks_once_in_a_period_and_remembers_the_peak() -> None:
    answers = [GpuMemory(used, 9, 9 - used, None, "x", "nvml") for used in (3, 7, 2)]
    asked = []

    def read() -> GpuMemory:
        asked.append(len(asked))
        return answers[asked[-1]]

    slow = GpuProbe(read, period_s=1000)
    assert slow.peak_bytes is None
    assert [slow.now() for _ in range(5)] == [answers[0]] * 5
    assert len(asked) == 1
    asked.clear()
    eager = GpuProbe(read, period_s=0)
    assert [eager.now() for _ in range(3)] == answers
    assert eager.peak_bytes == 7
    nobody = GpuProbe(lambda: None, period_s=0)
    assert nobody.now() is None
    assert nobody.peak_bytes is None
