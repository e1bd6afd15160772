"""A snapshot of a run as Prometheus' metrics: base units, the prefix ``touchline_``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from touchline.counters import Durations
from touchline.delay.states import State
from touchline.telemetry.stats import ProgrammeStats, RunStats

Snapshot = Callable[[], RunStats]

_ERROR_BOUNDS = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0]
_STAGE_BOUNDS = [0.001, 0.002, 0.005, 0.01, 0.02, 0.033, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0]

# Gauges with one value for each programme.
_PROGRAMME_GAUGES: dict[str, tuple[str, Callable[[ProgrammeStats], float]]] = {
    "delay_seconds": ("The delay with which the last frame was shown.", lambda p: p.measured_delay_s),
    "delay_target_seconds": ("The delay that was asked for.", lambda p: p.delay_s),
    "freeze_longest_seconds": ("The longest freeze.", lambda p: p.longest_freeze_s),
    "lookahead_seconds": ("How far the analysis is ahead of what is shown.", lambda p: p.lookahead_s),
    "ready": ("1 if the window is full and the programme is on time.", lambda p: float(p.ready)),
    "store_window_frames": ("Frames that should wait once the window is full.", lambda p: p.window_frames),
    "store_window_ratio": ("Frames that wait over those that should.", lambda p: p.window_ratio),
}


class RunCollector(Collector):
    """Turns a snapshot into metrics.

    Args:
        snapshot: called at each scrape.
    """

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot

    def collect(self) -> Iterator[Metric]:
        """Every metric, with base units and the prefix ``touchline_``."""
        stats = self._snapshot()
        yield from _programmes(stats.all_programmes)
        yield from _frames(stats)
        yield from _window(stats)
        yield from _pools(stats)
        yield from _machine(stats)
        yield from _outputs(stats)
        yield from _drift(stats)


def _gauge(name: str, text: str, labels: list[str]) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"touchline_{name}", text, labels=labels)


def _counter(name: str, text: str, labels: list[str]) -> CounterMetricFamily:
    return CounterMetricFamily(f"touchline_{name}", text, labels=labels)


def _programmes(programmes: tuple[ProgrammeStats, ...]) -> Iterator[Metric]:
    for name, (text, value) in _PROGRAMME_GAUGES.items():
        gauge = _gauge(name, text, ["programme"])
        for programme in programmes:
            gauge.add_metric([programme.name], value(programme))
        yield gauge
    error = HistogramMetricFamily(
        "touchline_delay_error_seconds", "How late frames were shown, beyond the delay.", labels=["programme"]
    )
    freezes = _counter("freezes", "Intervals between shown frames over 1.5 frames.", ["programme"])
    pictures = _counter(
        "programme_pictures", "What was shown: new frames, held ones, slates.", ["programme", "shown"]
    )
    states = _gauge("state", "1 for the state that the player is in.", ["programme", "state"])
    for programme in programmes:
        name = programme.name
        _add_durations(error, [name], programme.delay_error, _ERROR_BOUNDS)
        freezes.add_metric([name], programme.freezes)
        shown = {"frame": programme.shown, "held": programme.held, "slate": programme.slates}
        for what, count in shown.items():
            pictures.add_metric([name, what], count)
        for state in State:
            states.add_metric([name, state.value], float(state is programme.state))
    yield from (error, freezes, pictures, states)


def _frames(stats: RunStats) -> Iterator[Metric]:
    counts = _counter("frames", "Frames that passed a stage.", ["stage"])
    frames = stats.frames
    names = ("left", "right") if len(frames.captured) == 2 else ("panorama",)
    for name, count in zip(names, frames.captured, strict=False):
        counts.add_metric([f"captured_{name}"], count)
    for stage in ("paired", "stitched", "played", "repeated"):
        counts.add_metric([stage], getattr(frames, stage))
    yield counts
    drops = _counter("frames_dropped", "Frames that were lost, by place and reason.", ["stage", "reason"])
    for (stage, reason), count in sorted(stats.dropped.items()):
        drops.add_metric([stage, reason], count)
    yield drops
    durations = HistogramMetricFamily(
        "touchline_stage_seconds", "How long a stage takes for a frame.", labels=["stage"]
    )
    for stage, measured in stats.stages.items():
        _add_durations(durations, [stage], measured, _STAGE_BOUNDS)
    yield durations


def _window(stats: RunStats) -> Iterator[Metric]:
    memory = stats.memory
    values = {
        "store_frames": ("Frames in the window.", memory.held_frames),
        "store_bytes": ("Bytes of the frames in the window.", memory.held_bytes),
        "store_oldest_age_seconds": ("Age of the oldest frame in the window.", memory.oldest_age_s),
    }
    for name, (text, value) in values.items():
        gauge = _gauge(name, text, [])
        gauge.add_metric([], value)
        yield gauge


def _pools(stats: RunStats) -> Iterator[Metric]:
    frames = _gauge("pool_frames", "Frames that a pool has.", ["pool"])
    free = _gauge("pool_free", "Frames of a pool that nobody has.", ["pool"])
    held = _gauge("pool_held", "Frames of a pool that somebody has.", ["pool", "holder"])
    for pool in stats.pools:
        frames.add_metric([pool.name], pool.frames)
        free.add_metric([pool.name], pool.free)
        for holder, count in pool.holders.items():
            held.add_metric([pool.name, holder], count)
    yield from (frames, free, held)


def _machine(stats: RunStats) -> Iterator[Metric]:
    memory, gpu = stats.memory, stats.gpu
    kinds = {
        "rss": memory.rss_bytes,
        "rss_peak": memory.rss_peak_bytes,
        "planned": memory.planned_bytes,
        "held": memory.held_bytes,
    }
    if gpu is not None:
        kinds |= {"gpu": gpu.used, "gpu_total": gpu.total}
    sizes = _gauge("memory_bytes", "Memory, by kind.", ["kind"])
    for kind, size in kinds.items():
        sizes.add_metric([kind], size)
    yield sizes
    crossed = _counter("bus_bytes", "Bytes that crossed the bus to or from a GPU.", ["direction", "stage"])
    for direction, stages in memory.bus.items():
        for stage, size in stages.items():
            crossed.add_metric([direction, stage], size)
    yield crossed
    if gpu is not None and gpu.utilisation is not None:
        busy = _gauge("gpu_utilization_ratio", "How busy the GPU is, 0 to 1.", [])
        busy.add_metric([], gpu.utilisation)
        yield busy


def _drift(stats: RunStats) -> Iterator[Metric]:
    drift = stats.drift
    if drift is None:
        return
    error = _gauge("reprojection_error_px", "Where both cameras see the same, in pixels, median.", [])
    if drift.reprojection_error_px is not None:
        error.add_metric([], drift.reprojection_error_px)
    turned = _gauge("camera_turned_px", "How far a camera has turned since the start.", ["camera"])
    turned.add_metric(["left"], drift.left_px)
    turned.add_metric(["right"], drift.right_px)
    knocks = _counter("camera_knocks", "Times that a camera was knocked.", [])
    knocks.add_metric([], drift.knocks)
    corrections = _counter("rig_corrections", "Times that the rig was turned after the cameras.", [])
    corrections.add_metric([], drift.corrections)
    yield from (error, turned, knocks, corrections)


def _outputs(stats: RunStats) -> Iterator[Metric]:
    frames = _counter("output_frames", "Frames that an output has taken.", ["output"])
    restarts = _counter("output_restarts", "Attempts to bring an output back.", ["output"])
    up = _gauge("output_up", "1 if the output works now.", ["output"])
    seen = Counter[str]()
    for output in stats.outputs:
        name = f"{output.kind} {output.uri}".rstrip()
        seen[name] += 1  # two programmes may each have a display: a series must be one
        label = [name if seen[name] == 1 else f"{name} {seen[name]}"]
        frames.add_metric(label, output.frames)
        restarts.add_metric(label, output.restarts)
        up.add_metric(label, float(output.error is None))
    yield from (frames, restarts, up)


def _add_durations(
    family: HistogramMetricFamily, labels: list[str], durations: Durations, bounds: list[float]
) -> None:
    # The buckets first: what comes in between may raise the total, never a bucket above it.
    counts = durations.cumulative(bounds)
    buckets = [(str(bound), float(count)) for bound, count in zip(bounds, counts, strict=True)]
    family.add_metric(labels, [*buckets, ("+Inf", float(durations.count))], durations.sum_s)
