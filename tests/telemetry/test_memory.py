"""Memory probes, on this machine and on made-up ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import psutil
import pytest

from touchline.telemetry.memory import available_bytes, process_memory

MB = 1_000_000


def test_what_we_take_is_seen() -> None:
    before = process_memory()
    block = np.ones(100 * MB, dtype=np.uint8)
    during = process_memory()
    assert during.rss_bytes - before.rss_bytes > 80 * MB
    del block
    after = process_memory()
    assert after.rss_bytes < during.rss_bytes - 80 * MB
    assert after.peak_bytes > before.rss_bytes + 80 * MB
    assert abs(after.rss_bytes - psutil.Process().memory_info().rss) < 20 * MB


def test_this_machine_has_some_left() -> None:
    assert 0 < available_bytes() <= psutil.virtual_memory().total


def _machine(root: Path, membership: str) -> tuple[Path, Path]:
    proc, cgroups = root / "proc", root / "cgroup"
    (proc / "self").mkdir(parents=True)
    (proc / "meminfo").write_text("MemTotal: 16000000 kB\nMemAvailable: 8000000 kB\n")
    (proc / "self/cgroup").write_text(membership)
    return proc, cgroups


def _group(folder: Path, **files: object) -> None:
    folder.mkdir(parents=True)
    for name, content in files.items():
        (folder / name.replace("__", ".")).write_text(f"{content}\n")


def test_a_container_of_version_2_may_have_less(tmp_path: Path) -> None:
    proc, cgroups = _machine(tmp_path, "0::/pod/touchline\n")
    _group(cgroups / "pod/touchline", memory__max=6000 * MB, memory__current=1000 * MB)
    assert available_bytes(proc, cgroups) == 5000 * MB
    (cgroups / "pod/touchline/memory.stat").write_text("anon 1\ninactive_file 400000000\n")
    assert available_bytes(proc, cgroups) == 5400 * MB
    # The limit of an ancestor binds, too.
    _group(tmp_path / "other", memory__max="max", memory__current=0)
    (cgroups / "pod/memory.max").write_text(str(3000 * MB))
    (cgroups / "pod/memory.current").write_text(str(2000 * MB))
    assert available_bytes(proc, cgroups) == 1000 * MB


def test_a_container_of_version_1_may_have_less(tmp_path: Path) -> None:
    proc, cgroups = _machine(tmp_path, "5:cpu,cpuacct:/\n4:memory:/docker/abc\n")
    # Inside a container the group's own path is often not to be seen: its files are at the root.
    _group(cgroups / "memory", memory__limit_in_bytes=2000 * MB, memory__usage_in_bytes=500 * MB)
    assert available_bytes(proc, cgroups) == 1500 * MB


@pytest.mark.parametrize("limit", ["max", 9223372036854771712])
def test_without_a_limit_the_machine_counts(tmp_path: Path, limit: object) -> None:
    proc, cgroups = _machine(tmp_path, "0::/\n")
    _group(cgroups, memory__max=limit, memory__current=1)
    assert available_bytes(proc, cgroups) == 8_000_000 * 1024
