"""report.json: exactly the contract, whole or not at all."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

import touchline
from touchline.counters import Durations
from touchline.delay.states import State
from touchline.errors import OutputError
from touchline.programme import OutputStatus
from touchline.telemetry import (
    FrameStats,
    GpuMemory,
    MemoryStats,
    PoolUse,
    ProgrammeStats,
    RunStats,
    build_report,
    write_report,
)


def _stats() -> RunStats:
    error = Durations()
    error.extend([0.0004] * 98 + [0.002] * 2)
    stitch = Durations()
    stitch.add(0.025)
    return RunStats(
        delay_s=7.0,
        delay_error=error,
        freezes=1,
        longest_freeze_s=0.0712,
        frames=FrameStats((300, 301), 299, 298, 210, 297, 0, {("player", "late"): 1, ("store", "full"): 0}),
        memory=MemoryStats(
            holds="panorama 5700x1900",
            frame_bytes=16_245_000,
            planned_frames=219,
            planned_bytes=3_557_655_000,
            held_bytes_peak=3_411_450_000,
            rss_peak_bytes=4_000_000_000,
            bus={"up": {"slates": 3000}, "down": {}},
        ),
        stages={"stitch": stitch},
        outputs=(
            OutputStatus("record", "match.mp4", 297, 0, 0, None),
            OutputStatus("stream", "srt://a:1?passphrase=***", 200, 2, 97, None),
        ),
    )


def test_it_has_the_fields_of_the_contract_and_no_others(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    write_report(build_report(_stats()), path)
    data = json.loads(path.read_text())
    host = data.pop("host")
    assert set(host) == {"name", "system", "cpus", "python", "gstreamer"}
    assert host["cpus"] > 0
    assert data == {
        "delay_s": 7.0,
        "delay_error_ms": {
            "p50": pytest.approx(0.4, rel=0.012),
            "p99": pytest.approx(2.0, rel=0.012),
            "max": 2.0,
        },
        "freezes": {"count": 1, "longest_ms": 71.2},
        "frames": {
            "captured": [300, 301],
            "paired": 299,
            "stitched": 298,
            "held_peak": 210,
            "played": 297,
            "repeated": 0,
            "dropped": {"player late": 1, "stream output": 97},
        },
        "memory": {
            "domain": "system",
            "format": "NV12",
            "holds": "panorama 5700x1900",
            "frame_bytes": 16_245_000,
            "planned_frames": 219,
            "planned_bytes": 3_557_655_000,
            "held_bytes_peak": 3_411_450_000,
            "rss_peak_bytes": 4_000_000_000,
            "gpu_peak_bytes": 0,
            "pixel_copies": 0,
            "bus": {"up": {"slates": 3000}, "down": {}},
        },
        "stages": {"stitch": dict.fromkeys(("p50_ms", "p99_ms"), pytest.approx(25.0, rel=0.012))},
        "outputs": [
            {"kind": "record", "uri": "match.mp4", "frames": 297, "restarts": 0},
            {"kind": "stream", "uri": "srt://a:1?passphrase=***", "frames": 200, "restarts": 2},
        ],
        "programmes": [
            {
                "name": "main",
                "delay_s": 7.0,
                "delay_error_ms": data["delay_error_ms"],
                "freezes": {"count": 1, "longest_ms": 71.2},
                "shown": 297,
                "held": 0,
                "slates": 0,
                "state": "idle",
            }
        ],
        "pools": [],
        "gpu": None,
        "drift": None,
        "version": touchline.__version__,
    }


def test_the_first_of_several_programmes_stands_on_top() -> None:
    late = Durations()
    late.add(0.003)
    stats = replace(
        _stats(),
        programmes=(
            ProgrammeStats("coach", 2.0, delay_error=late, freezes=3, state=State.DONE, shown=80, slates=5),
            ProgrammeStats("follow", 7.0),
        ),
        pools=(PoolUse("panorama pool", 219, 9, 10, {"follow": 198, "in flight": 12}),),
        gpu=GpuMemory(4, 16, 12, None, "Orin", "nvml"),
    )
    told = json.loads(build_report(stats).to_json())
    assert told["delay_s"] == 2.0
    assert told["freezes"]["count"] == 3
    assert told["delay_error_ms"] == told["programmes"][0]["delay_error_ms"]
    assert told["delay_error_ms"]["max"] == 3.0
    assert [(p["name"], p["state"], p["slates"]) for p in told["programmes"]] == [
        ("coach", "done", 5),
        ("follow", "idle", 0),
    ]
    assert told["pools"] == [
        {
            "name": "panorama pool",
            "frames": 219,
            "free": 9,
            "held": 210,
            "allocated_bytes": 2190,
            "held_bytes": 2100,
            "holders": {"follow": 198, "in flight": 12},
        }
    ]
    assert told["gpu"] == {
        "used": 4,
        "total": 16,
        "free": 12,
        "utilisation": None,
        "name": "Orin",
        "source": "nvml",
    }


def test_a_run_without_frames_has_a_report_too(tmp_path: Path) -> None:
    write_report(build_report(RunStats(delay_s=0.0)), tmp_path / "report.json")
    assert json.loads((tmp_path / "report.json").read_text())["frames"]["played"] == 0


def test_an_earlier_report_stays_until_the_new_one_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    path.write_text("the last one")
    write_report(build_report(_stats()), path)
    assert json.loads(path.read_text())["delay_s"] == 7.0
    assert [entry.name for entry in tmp_path.iterdir()] == ["report.json"]


def test_a_report_that_cannot_be_written_is_an_output_error(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"nowhere/report\.json \(No such file or directory\)"):
        write_report(build_report(_stats()), tmp_path / "nowhere" / "report.json")
    (tmp_path / "folder").mkdir()
    with pytest.raises(OutputError, match="Is a directory"):
        write_report(build_report(_stats()), tmp_path / "folder")
    assert [entry.name for entry in tmp_path.iterdir()] == ["folder"]
