"""Memory as Linux counts it: what this process has, and what it may still take."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

_PROC = Path("/proc")
_CGROUPS = Path("/sys/fs/cgroup")
_KB = 1024


class ProcessMemory(NamedTuple):
    """Resident memory of this process in bytes: now, and at its highest."""

    rss_bytes: int
    peak_bytes: int


def process_memory(proc: Path = _PROC) -> ProcessMemory:
    """What this process has in memory."""
    fields = _fields((proc / "self/status").read_text())
    rss = fields["VmRSS"] * _KB
    # The kernel brings its highest mark up to date only now and then.
    return ProcessMemory(rss, max(rss, fields["VmHWM"] * _KB))


def available_bytes(proc: Path = _PROC, cgroups: Path = _CGROUPS) -> int:
    """What may still be taken without swapping: of the machine, and of every control group that we are in.

    The kernel's MemAvailable counts the machine only; in a container the limit of its control group (version 1 or 2,
    or one of its ancestors) is what kills us. Cached file pages that the kernel would give up count as free.
    """
    machine = _fields((proc / "meminfo").read_text())["MemAvailable"] * _KB
    return min([machine, *_left_in_groups(proc, cgroups)])


def _left_in_groups(proc: Path, cgroups: Path) -> Iterator[int]:
    memberships = proc / "self/cgroup"
    if not memberships.exists():
        return
    for line in memberships.read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers == "":
            yield from _left_on_the_way(cgroups, path, "memory.max", "memory.current", "inactive_file")
        elif "memory" in controllers.split(","):
            names = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
            yield from _left_on_the_way(cgroups / "memory", path, *names)


def _left_on_the_way(root: Path, path: str, limit: str, usage: str, reclaimable: str) -> Iterator[int]:
    """What is left under each limit from a group up to the root; the path of a container may not be visible to us."""
    group = root / path.strip("/")
    while True:
        if (group / limit).exists() and (group / usage).exists():
            most = (group / limit).read_text().strip()
            if most != "max":
                stat = group / "memory.stat"
                cached = _fields(stat.read_text()).get(reclaimable, 0) if stat.exists() else 0
                yield max(0, int(most) - int((group / usage).read_text()) + cached)
        if group == root or root not in group.parents:
            return
        group = group.parent


def _fields(text: str) -> dict[str, int]:
    """The numbers of lines such as ``VmRSS:   1234 kB`` or ``inactive_file 1234``."""
    found = {}
    for line in text.splitlines():
        words = line.replace(":", " ").split()
        if len(words) >= 2 and words[1].isdigit():
            found[words[0]] = int(words[1])
    return found
