"""A whole run through the command line: its report, its memory, its pace."""

from __future__ import annotations

import json
import signal
import subprocess
import time
import urllib.request
from fractions import Fraction
from pathlib import Path

import pytest

from footage import hash_of, read_frames
from runs import MEMORY, PROGRAM, Coded, run, touchline, touchline_here


@pytest.fixture(scope="module")
def footage(coded) -> Coded:
    return coded(Fraction(30))


def test_the_report_says_what_the_contract_wants(footage: Coded, tmp_path: Path) -> None:
    report, one, other = tmp_path / "report.json", tmp_path / "one.mp4", tmp_path / "other.ts"
    done = touchline(
        "run",
        "--left",
        footage.inputs["left"],
        "--right",
        footage.inputs["right"],
        "--rig",
        footage.inputs["rig"],
        "--delay",
        0.5,
        "--record",
        one,
        "--record",
        other,
        "--report",
        report,
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(report.read_text())
    assert set(told) == {
        "delay_s",
        "delay_error_ms",
        "freezes",
        "frames",
        "memory",
        "drift",
        "stages",
        "outputs",
        "programmes",
        "pools",
        "gpu",
        "version",
        "host",
    }
    assert told["delay_s"] == 0.5
    assert set(told["delay_error_ms"]) == {"p50", "p99", "max"}
    frames, memory = told["frames"], told["memory"]
    assert frames["captured"] == [30, 30]
    assert frames["paired"] == frames["stitched"] == frames["played"] == 30
    assert frames["dropped"] == {}
    assert frames["repeated"] == 0
    panorama = footage.panorama
    pixels = panorama.width * panorama.height * 3 // 2
    assert memory["domain"] == MEMORY
    assert memory["frame_bytes"] == pixels if MEMORY == "system" else memory["frame_bytes"] >= pixels
    assert memory["held_bytes_peak"] == frames["held_peak"] * memory["frame_bytes"]
    assert memory["pixel_copies"] == 0
    if MEMORY == "system":  # elsewhere the plan speaks of the GPU's
        assert memory["rss_peak_bytes"] <= memory["planned_bytes"] + 700_000_000
    assert [output["frames"] for output in told["outputs"]] == [30, 30]
    assert {"stitch", "render", "analysis"} <= set(told["stages"])
    assert "shown" in done.stderr


def test_fast_and_live_make_the_same_film(footage: Coded, tmp_path: Path) -> None:
    """Following, too: what a view depends on is decided by timestamps, not by what was ready.

    As long as the machine keeps up, that is: else it looks at fewer frames for the sake of the programme.
    """

    def film(pace: str) -> tuple[list[tuple[str, int]], int]:
        video = tmp_path / f"{pace}.mp4"
        made = run(**footage.inputs, delay=1.0, pace=pace, record=[video], size="640x360", overwrite=True)
        return read_frames(video, hash_of), made.watch.worker.observed

    fast, looks = film("fast")
    live, seen = film("live")
    for _ in range(4):
        if seen < looks:
            live, seen = film("live")
    assert len(fast) == footage.frames
    assert seen == looks == 10
    assert fast == live


def test_held_frames_are_accounted_for_while_running(footage: Coded, tmp_path: Path) -> None:
    """Held bytes are held frames times frame bytes; the pool has as many frames free as are not out."""
    from touchline.config import load_config
    from touchline.engine.books import stats_of
    from touchline.engine.production import Production

    production = Production(
        load_config({**footage.inputs, "delay": 0.9, "lead": 0.2, "view": "fixed:0,-10,40"})
    )
    try:
        before = {hash(one) for frame in production.pool._memories for one in frame}
        production.start()
        seen = []
        while not production.wait(0.05):
            stats = stats_of(production)
            seen.append(stats.memory.held_frames)
            assert stats.memory.held_bytes % stats.memory.frame_bytes == 0
            panorama_pool = stats.pools[0]
            assert 0 <= panorama_pool.free <= panorama_pool.frames == production.plan.frames
            assert sum(panorama_pool.holders.values()) == panorama_pool.held
        assert max(seen) <= production.plan.window_frames + 1
        assert max(seen) >= production.plan.window_frames - 8
        after = {hash(one) for frame in production.pool._memories for one in frame}
        assert after == before, "allocated after the start"
        production.close()
        assert production.error is None
        assert production.pool.stats().free == production.plan.frames, "every frame is back"
    finally:
        production.close()
        production.release()


def test_a_coded_panorama_goes_through(tmp_path: Path) -> None:
    """Frames of a panorama that others stitched, at its own size and as a view."""
    from footage import number_of, write_numbered

    source = write_numbered(tmp_path / "panorama.mp4", 40, Fraction(30), (960, 320))
    for pace in ("live", "fast"):
        video = tmp_path / f"{pace}.mp4"
        production = run(panorama=str(source), view="panorama", pace=pace, record=[video])
        found = read_frames(video)
        assert [number for number, _ in found] == list(range(40))
        assert production.scene.copies == 1
    small = tmp_path / "small.mp4"
    run(panorama=str(source), view="panorama", size="480x160", pace="fast", record=[small])
    assert [number for number, _ in read_frames(small, number_of)] == list(range(40))


def _start(*arguments: object) -> subprocess.Popen[str]:
    return subprocess.Popen([*PROGRAM, *map(str, arguments)], stderr=subprocess.PIPE, text=True)


def _wait_until_recorded(video: Path, process: subprocess.Popen[str]) -> None:
    """Waits for the first frames of a recording: before them a machine may have to compile for many seconds."""
    until = time.monotonic() + 90
    while not (video.exists() and video.stat().st_size) and time.monotonic() < until:
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)


def test_ctrl_c_drains_and_finishes_the_file(tmp_path: Path) -> None:
    video, report = tmp_path / "out.mp4", tmp_path / "report.json"
    process = _start(
        *(
            "run",
            "--synthetic",
            3,
            "--synthetic-size",
            "640x360",
            "--codes",
            "--delay",
            1.5,
            "--view",
            "panorama",
        ),
        *("--record", video, "--report", report),
    )
    _wait_until_recorded(video, process)
    time.sleep(1.5)
    process.send_signal(signal.SIGINT)
    _, rest = process.communicate(timeout=30)
    assert process.returncode == 0, rest
    frames = json.loads(report.read_text())["frames"]
    assert frames["played"] == frames["stitched"] > 45, "what had been captured was shown to its end"
    assert len(read_frames(video, lambda y: 0)) == frames["played"]


def test_ctrl_c_twice_stops_at_once_and_keeps_the_file(tmp_path: Path) -> None:
    video = tmp_path / "out.mp4"
    process = _start(
        *("run", "--synthetic", 3, "--synthetic-size", "640x360", "--delay", 1, "--view", "panorama"),
        *("--record", video),
    )
    _wait_until_recorded(video, process)
    time.sleep(1.5)
    process.send_signal(signal.SIGINT)
    time.sleep(0.4)
    process.send_signal(signal.SIGINT)
    began = time.monotonic()
    process.communicate(timeout=30)
    assert time.monotonic() - began < 8
    assert process.returncode == 0
    assert len(read_frames(video, lambda y: 0)) > 20


def test_metrics_are_served_while_running(tmp_path: Path) -> None:
    process = _start(
        *("run", "--synthetic", 3, "--synthetic-size", "640x360", "--delay", 0.5, "--duration", 3),
        *("--metrics-port", 0, "--view", "fixed:0,-10,40"),
    )
    assert process.stderr is not None
    address, played = "", 'touchline_frames_total{stage="played"}'
    for line in process.stderr:
        if line.startswith("Metrics:"):
            address = line.split()[1]
            break
    values: dict[str, float] = {}
    deadline = time.monotonic() + 20
    # Asked until it runs as it should: when that is depends on how busy the machine is.
    while values.get("touchline_store_frames", 0) <= 5 or values.get(played, 0) <= 5:
        assert time.monotonic() < deadline, values
        time.sleep(0.2)
        with urllib.request.urlopen(address, timeout=5) as answer:
            text = answer.read().decode()
        values = {
            line.rpartition(" ")[0]: float(line.rpartition(" ")[2])
            for line in text.splitlines()
            if line[0] != "#"
        }
    process.communicate(timeout=30)
    assert 0.5 <= values['touchline_delay_seconds{programme="main"}'] < 2
    assert values['touchline_delay_error_seconds_count{programme="main"}'] > 5
    assert values['touchline_pool_free{pool="panorama pool"}'] > 0
    assert "touchline_store_oldest_age_seconds" in values
    assert values['touchline_ready{programme="main"}'] in (0.0, 1.0)


@pytest.mark.parametrize(
    "command", ["run", "demo", "synth", "calibrate", "offset", "board", "rig import", "plan", "doctor"]
)
def test_every_command_helps_with_exit_codes(command: str) -> None:
    done = touchline_here(*command.split(), "--help")
    assert done.returncode == 0
    assert "Exit codes" in done.stdout


def test_plan_prints_the_figures_of_the_design() -> None:
    done = touchline_here("plan", "--size", "5700x1900", "--fps", 30, "--delay", 7)
    assert done.returncode == 0, done.stderr
    assert "3.41 GB" in done.stdout
    assert "9.10 GB" in done.stdout
    told = json.loads(
        touchline_here("plan", "--size", "5700x1900", "--fps", 30, "--delay", 7, "--json").stdout
    )
    assert told[0]["window_bytes"] == 3_411_450_000


def test_doctor_finds_what_a_run_needs() -> None:
    done = touchline_here("doctor", "--json")
    assert done.returncode == 0, done.stderr
    checks = {check["name"]: check for check in json.loads(done.stdout)}
    assert checks["GStreamer"]["verdict"] == "ok"
    assert checks["H.264 encoder"]["verdict"] == "ok"


def test_doctor_names_what_is_missing() -> None:
    done = touchline(
        "doctor", GST_PLUGIN_SYSTEM_PATH_1_0="/nonexistent", GST_REGISTRY_1_0="/tmp/none.registry"
    )
    assert done.returncode == 2
    assert "missing" in done.stderr
    assert "make setup" in done.stderr
