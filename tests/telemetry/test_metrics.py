"""Metrics as Prometheus gets them: scraped over HTTP and read by its own parser."""

from __future__ import annotations

import urllib.error
import urllib.request
from dataclasses import replace

import pytest
from prometheus_client.parser import text_string_to_metric_families

from touchline.counters import Durations
from touchline.delay.states import State
from touchline.errors import ConfigurationError
from touchline.panorama.drift_stats import DriftStats
from touchline.programme import OutputStatus
from touchline.telemetry import (
    FrameStats,
    GpuMemory,
    MemoryStats,
    MetricsServer,
    PoolUse,
    ProgrammeStats,
    RunStats,
)


def _durations(*seconds: float) -> Durations:
    durations = Durations()
    durations.extend(seconds)
    return durations


STATS = RunStats(
    delay_s=7.0,
    measured_delay_s=7.0004,
    delay_error=_durations(0.0004, 0.0006, 0.003, 0.7),
    freezes=2,
    longest_freeze_s=0.12,
    lookahead_s=6.9,
    ready=True,
    frames=FrameStats((301, 300), 299, 298, 220, 90, 1, {("player", "late"): 3, ("pairing", "alone"): 0}),
    memory=MemoryStats(
        held_frames=210,
        held_bytes=3_411_450_000,
        oldest_age_s=7.1,
        rss_bytes=4_000_000_000,
        planned_bytes=3_557_655_000,
        bus={"up": {"capture": 0, "slates": 4_000}, "down": {"programme": 3_110_400}},
    ),
    stages={"stitch": _durations(0.021, 0.024), "render": _durations(0.006)},
    outputs=(
        OutputStatus("record", "match.mp4", 90, 0, 0, None),
        OutputStatus("stream", "rtmp://a.b/live/***", 60, 4, 30, "Connection refused"),
    ),
    pools=(
        PoolUse("panorama pool", 219, 9, 16_245_000, {"player": 198, "in flight": 12}),
        PoolUse("programme pool", 20, 20, 1_382_400),
    ),
)


def _get(port: int, path: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def _scrape(stats: RunStats) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    with MetricsServer(lambda: stats, 0) as server:
        code, text = _get(server.port, "/metrics")
    assert code == 200
    return {
        (sample.name.removeprefix("touchline_"), tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name.startswith("touchline_")
    }


def test_every_metric_has_its_value() -> None:
    samples = _scrape(STATS)
    plain = {name: value for (name, labels), value in samples.items() if not labels}
    assert plain == {
        "store_frames": 210,
        "store_bytes": 3_411_450_000,
        "store_oldest_age_seconds": 7.1,
    }
    labelled = {
        (name, *(value for _, value in labels)): value for (name, labels), value in samples.items() if labels
    }
    assert {key[0]: value for key, value in labelled.items() if key[1:] == ("main",)} == {
        "delay_seconds": 7.0004,
        "delay_target_seconds": 7.0,
        "delay_error_seconds_count": 4,
        "delay_error_seconds_sum": pytest.approx(0.704),
        "freezes_total": 2,
        "freeze_longest_seconds": 0.12,
        "lookahead_seconds": 6.9,
        "ready": 1,
        "store_window_frames": 0,
        "store_window_ratio": 1,
    }
    assert labelled["frames_total", "captured_left"] == 301
    assert labelled["frames_total", "captured_right"] == 300
    assert labelled["frames_total", "played"] == 90
    assert labelled["frames_dropped_total", "late", "player"] == 3
    assert labelled["frames_dropped_total", "output", "stream"] == 30
    assert labelled["memory_bytes", "rss"] == 4_000_000_000
    assert labelled["output_restarts_total", "stream rtmp://a.b/live/***"] == 4
    assert labelled["output_up", "stream rtmp://a.b/live/***"] == 0
    assert labelled["output_up", "record match.mp4"] == 1
    assert labelled["output_frames_total", "record match.mp4"] == 90
    crossed = {key[1:]: value for key, value in labelled.items() if key[0] == "bus_bytes_total"}
    assert crossed == {("up", "capture"): 0, ("up", "slates"): 4_000, ("down", "programme"): 3_110_400}
    assert labelled["stage_seconds_count", "stitch"] == 2
    assert labelled["pool_frames", "panorama pool"] == 219
    assert labelled["pool_free", "panorama pool"] == 9
    assert labelled["pool_free", "programme pool"] == 20
    held = {key[1:]: value for key, value in labelled.items() if key[0] == "pool_held"}
    assert held == {("player", "panorama pool"): 198, ("in flight", "panorama pool"): 12}


def test_each_programme_has_its_own_figures() -> None:
    follow = ProgrammeStats(
        "follow",
        7.0,
        7.001,
        _durations(0.001),
        freezes=1,
        ready=True,
        state=State.PLAYING,
        shown=90,
        held=4,
        slates=2,
        waiting_frames=150,
        window_frames=200,
    )
    coach = ProgrammeStats("coach", 2.0, state=State.FILLING, window_frames=60)
    samples = _scrape(replace(STATS, programmes=(follow, coach)))

    def of(metric: str, programme: str, **labels: str) -> float:
        return samples[metric, tuple(sorted({"programme": programme, **labels}.items()))]

    assert of("delay_target_seconds", "follow") == 7.0
    assert of("delay_target_seconds", "coach") == 2.0
    assert of("delay_seconds", "follow") == 7.001
    assert of("store_window_ratio", "follow") == 0.75
    assert of("store_window_ratio", "coach") == 0.0
    assert (of("ready", "follow"), of("ready", "coach")) == (1, 0)
    assert of("delay_error_seconds_count", "follow") == 1
    assert of("delay_error_seconds_count", "coach") == 0
    shown = [of("programme_pictures_total", "follow", shown=what) for what in ("frame", "held", "slate")]
    assert shown == [90, 4, 2]
    for programme, state in (("follow", "playing"), ("coach", "filling")):
        states = {
            dict(labels)["state"]: value
            for (name, labels), value in samples.items()
            if name == "state" and dict(labels)["programme"] == programme
        }
        assert set(states) == {state.value for state in State}
        assert {name for name, value in states.items() if value} == {state}


def test_outputs_of_one_name_are_told_apart() -> None:
    """Two programmes with a display each: two series of one name would be an invalid answer."""
    screens = tuple(OutputStatus("display", "", frames, 0, 0, None) for frames in (10, 20))
    samples = _scrape(replace(STATS, outputs=screens))
    assert samples["output_frames_total", (("output", "display"),)] == 10
    assert samples["output_frames_total", (("output", "display 2"),)] == 20


def test_histograms_are_cumulative() -> None:
    samples = _scrape(STATS)
    buckets = {
        dict(labels)["le"]: value
        for (name, labels), value in samples.items()
        if name == "delay_error_seconds_bucket"
    }
    assert (buckets["0.0005"], buckets["0.001"], buckets["0.005"], buckets["0.5"]) == (1, 2, 3, 3)
    assert buckets["+Inf"] == 4


def test_a_gpu_is_told_only_where_there_is_one() -> None:
    assert ("gpu_utilization_ratio", ()) not in _scrape(STATS)
    samples = _scrape(replace(STATS, gpu=GpuMemory(7, 16, 9, 0.25, "Orin", "tegrastats")))
    assert samples["gpu_utilization_ratio", ()] == 0.25
    assert samples["memory_bytes", (("kind", "gpu"),)] == 7
    assert samples["memory_bytes", (("kind", "gpu_total"),)] == 16
    # A slice of a GPU has memory, and nobody knows how busy it is.
    samples = _scrape(replace(STATS, gpu=GpuMemory(7, 16, 9, None, "Orin", "nvml")))
    assert ("gpu_utilization_ratio", ()) not in samples
    assert samples["memory_bytes", (("kind", "gpu"),)] == 7


def test_ready_is_asked_anew_each_time() -> None:
    now = [replace(STATS, ready=False)]
    with MetricsServer(lambda: now[0], 0) as server:
        assert _get(server.port, "/ready") == (503, "not ready\n")
        now[0] = STATS
        assert _get(server.port, "/ready") == (200, "ready\n")
        # One programme that is not ready is enough.
        both = ProgrammeStats("a", 7.0, ready=True), ProgrammeStats("b", 2.0)
        now[0] = replace(STATS, programmes=both)
        assert _get(server.port, "/ready") == (503, "not ready\n")
        assert _get(server.port, "/secrets")[0] == 404


def test_a_port_in_use_is_said_in_one_line() -> None:
    with MetricsServer(lambda: STATS, 0) as first:
        with pytest.raises(
            ConfigurationError, match=rf"127\.0\.0\.1:{first.port} \(Address already in use\)"
        ) as caught:
            MetricsServer(lambda: STATS, first.port)
        assert "\n" not in str(caught.value)
        port = first.port
    with MetricsServer(lambda: STATS, port) as again:
        assert _get(again.port, "/ready")[0] == 200


def test_nothing_is_left_running() -> None:
    server = MetricsServer(lambda: STATS, 0)
    server.close()
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(f"http://127.0.0.1:{server.port}/ready", timeout=2)


def test_the_cameras_drift() -> None:
    """Nobody watches: nothing is told. Nothing was matched yet: no error, rather than none."""
    assert not [name for name, _ in _scrape(STATS) if "camera" in name or "reprojection" in name]
    drift = DriftStats("correct", 9, 0.7, 0.4, 12.0, 0.1, 14.5, 1, 3)
    found = _scrape(replace(STATS, drift=drift))
    assert found["reprojection_error_px", ()] == 0.7
    assert found["camera_turned_px", (("camera", "left"),)] == 0.1
    assert found["camera_turned_px", (("camera", "right"),)] == 14.5
    assert found["camera_knocks_total", ()] == 1
    assert found["rig_corrections_total", ()] == 3
    unmatched = _scrape(replace(STATS, drift=replace(drift, reprojection_error_px=None)))
    assert ("reprojection_error_px", ()) not in unmatched
