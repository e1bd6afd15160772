"""Memory in the log, on a period: one line for people, and one of JSON for machines."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, TextIO

from touchline.errors import OutputError
from touchline.telemetry.stats import RunStats

LOG = logging.getLogger("touchline.memory")

_GB = 1_000_000_000


def log_memory_snapshot(stats: RunStats) -> str:
    """Writes one line about memory and delay to the logger ``touchline.memory``, at level INFO, and returns it."""
    line = memory_line(stats)
    LOG.info("%s", line)
    return line


def memory_line(stats: RunStats) -> str:
    """Memory and delay in one line, such as ``RSS 4.00 GB; held 210 frames, 3.41 GB; panorama pool 9 of 219 free``."""
    memory, gpu = stats.memory, stats.gpu
    parts = [
        f"RSS {memory.rss_bytes / _GB:.2f} GB",
        f"held {memory.held_frames} frames, {memory.held_bytes / _GB:.2f} GB",
        *(f"{pool.name} {pool.free} of {pool.frames} free" for pool in stats.pools),
    ]
    if gpu is not None:
        busy = "" if gpu.utilisation is None else f", {gpu.utilisation:.0%} busy"
        parts.append(f"GPU {gpu.used / _GB:.2f} of {gpu.total / _GB:.2f} GB{busy}")
    for programme in stats.all_programmes:
        error = programme.delay_error
        figures = f"p50 {_ms(error.percentile(50)):g} ms, p99 {_ms(error.percentile(99)):g} ms"
        parts.append(f"{programme.name} delay error {figures if error.count else 'not measured'}")
    return "; ".join(parts)


def memory_record(stats: RunStats) -> dict[str, Any]:
    """The same as plain values for JSON. Bytes, frames, milliseconds."""
    memory, gpu = stats.memory, stats.gpu
    return {
        "rss_bytes": memory.rss_bytes,
        "held_frames": memory.held_frames,
        "held_bytes": memory.held_bytes,
        "pools": [pool.as_dict() for pool in stats.pools],
        "gpu": None
        if gpu is None
        else {"used": gpu.used, "total": gpu.total, "utilisation": gpu.utilisation},
        "delay_error_ms": {
            programme.name: {
                "p50": _ms(programme.delay_error.percentile(50)),
                "p99": _ms(programme.delay_error.percentile(99)),
                "max": _ms(programme.delay_error.max_s),
            }
            for programme in stats.all_programmes
        },
    }


class SnapshotLogger:
    """Logs memory on a period, from a thread of its own: at the start, every period, and once more at the end.

    Args:
        snapshot: called each time.
        period_s: between two lines, above 0.
        log: a file to which each snapshot is added as a line of JSON, with the time in seconds since 1970; None: none.

    Raises:
        ValueError: for a period that is not above zero.
    """

    def __init__(
        self, snapshot: Callable[[], RunStats], period_s: float = 60.0, log: Path | None = None
    ) -> None:
        if not period_s > 0:
            raise ValueError(f"a period must be above zero seconds, not {period_s}")
        self._snapshot = snapshot
        self._period_s = period_s
        self._path = log
        self._file: TextIO | None = None
        self._ending = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begins to log. Raises OutputError if the file can't be written."""
        if self._thread is not None:
            return
        if self._path is not None:
            try:
                self._file = self._path.open("a", encoding="utf-8")
            except OSError as error:
                raise OutputError(f"memory can't be logged to {self._path} ({error.strerror})") from error
        self._ending.clear()
        self._thread = threading.Thread(target=self._run, name="memory log", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Logs once more and ends. May be called again."""
        if self._thread is None:
            return
        self._ending.set()
        self._thread.join()
        self._thread = None
        if self._file is not None:
            self._file.close()
            self._file = None

    def __enter__(self) -> SnapshotLogger:
        self.start()
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.stop()

    def _run(self) -> None:
        self._log()
        while not self._ending.wait(self._period_s):
            self._log()
        self._log()

    def _log(self) -> None:
        try:
            stats = self._snapshot()
            log_memory_snapshot(stats)
            if self._file is not None:
                record = {"time": round(time.time(), 3), **memory_record(stats)}
                self._file.write(json.dumps(record, allow_nan=False) + "\n")
                self._file.flush()
        except Exception:
            # A full disk, say: the log tells it each time, and the run goes on.
            LOG.exception("this memory snapshot failed")


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 3)
