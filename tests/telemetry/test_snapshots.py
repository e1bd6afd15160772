"""Memory in the log: one line in each period, and one of JSON."""

from __future__ import annotations

import itertools
import json
import logging
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from touchline.counters import Durations
from touchline.errors import OutputError
from touchline.telemetry import (
    GpuMemory,
    MemoryStats,
    PoolUse,
    ProgrammeStats,
    RunStats,
    SnapshotLogger,
    log_memory_snapshot,
)


def _stats() -> RunStats:
    error = Durations()
    error.extend([0.0005] * 98 + [0.002] * 2)
    return RunStats(
        delay_s=7.0,
        memory=MemoryStats(held_frames=210, held_bytes=3_411_450_000, rss_bytes=4_003_000_000),
        programmes=(ProgrammeStats("main", 7.0, delay_error=error), ProgrammeStats("coach", 2.0)),
        pools=(PoolUse("panorama pool", 219, 9, 16_245_000, {"main": 210}),),
        gpu=GpuMemory(4_000_000_000, 16_000_000_000, 12_000_000_000, 0.25, "Orin", "nvml"),
    )


def test_a_line_says_what_counts(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "touchline.memory"):
        line = log_memory_snapshot(_stats())
        log_memory_snapshot(RunStats(delay_s=7.0))
    # The figures of the delay error are read from bins that are 1.2 % wide.
    before, _, after = line.partition("main delay error ")
    assert before == (
        "RSS 4.00 GB; held 210 frames, 3.41 GB; panorama pool 9 of 219 free; GPU 4.00 of 16.00 GB, 25% busy; "
    )
    assert after.startswith("p50 0.")
    assert after.endswith("p99 2 ms; coach delay error not measured")
    assert [record.getMessage() for record in caplog.records] == [
        line,
        "RSS 0.00 GB; held 0 frames, 0.00 GB; main delay error not measured",
    ]


class _Counted:
    """A snapshot that counts how often it is asked, and lets a test wait for that."""

    def __init__(self, fails_at: int = -1) -> None:
        self.asked = 0
        self.fails_at = fails_at
        self._changed = threading.Condition()

    def __call__(self) -> RunStats:
        with self._changed:
            self.asked += 1
            self._changed.notify_all()
            if self.asked == self.fails_at:
                raise RuntimeError("nobody home")
            return replace(_stats(), memory=replace(_stats().memory, held_frames=self.asked))

    def wait_for(self, count: int) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: self.asked >= count, 30)


def test_every_period_has_its_line(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path, snapshot = tmp_path / "memory.jsonl", _Counted()
    with (
        caplog.at_level(logging.INFO, "touchline.memory"),
        SnapshotLogger(snapshot, 0.02, path) as logger,
    ):
        snapshot.wait_for(5)
    logger.stop()
    records = [json.loads(line) for line in path.read_text().splitlines()]
    assert [record["held_frames"] for record in records] == list(range(1, snapshot.asked + 1))
    assert len(caplog.records) == snapshot.asked
    assert all(a["time"] <= b["time"] for a, b in itertools.pairwise(records))
    assert records[0]["pools"][0]["holders"] == {"main": 210}
    assert records[0]["gpu"]["utilisation"] == 0.25
    assert records[0]["delay_error_ms"]["main"]["p99"] == pytest.approx(2.0, rel=0.012)
    assert not [thread for thread in threading.enumerate() if thread.name == "memory log"]


def test_it_logs_at_start_and_end_whatever_the_period() -> None:
    snapshot = _Counted()
    with SnapshotLogger(snapshot, 3600):
        snapshot.wait_for(1)
    assert snapshot.asked == 2


def test_it_may_be_started_again_and_adds_to_its_file(tmp_path: Path) -> None:
    path, snapshot = tmp_path / "memory.jsonl", _Counted()
    logger = SnapshotLogger(snapshot, 3600, path)
    for _ in range(2):
        logger.start()
        logger.start()
        logger.stop()
        logger.stop()
    assert len(path.read_text().splitlines()) == snapshot.asked == 4


def test_a_snapshot_that_fails_is_told_and_the_next_one_comes(caplog: pytest.LogCaptureFixture) -> None:
    snapshot = _Counted(fails_at=2)
    with caplog.at_level(logging.INFO, "touchline.memory"), SnapshotLogger(snapshot, 0.01):
        snapshot.wait_for(4)
    failed = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert [record.getMessage() for record in failed] == ["this memory snapshot failed"]
    assert len(caplog.records) >= 4


def test_a_file_that_cannot_be_written_is_an_output_error(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"nowhere/memory\.jsonl \(No such file or directory\)"):
        SnapshotLogger(_stats, 1, tmp_path / "nowhere" / "memory.jsonl").start()


@pytest.mark.parametrize("period_s", [0, -1, float("nan")])
def test_a_period_is_above_zero(period_s: float) -> None:
    with pytest.raises(ValueError, match="above zero"):
        SnapshotLogger(_stats, period_s)
