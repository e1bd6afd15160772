"""The report of a run, for machines: report.json."""

from __future__ import annotations

import json
import os
import platform
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import touchline
from touchline.counters import Durations
from touchline.errors import OutputError
from touchline.gst.library import version as gstreamer_version
from touchline.panorama.drift_stats import DriftStats
from touchline.telemetry.gpu import GpuMemory
from touchline.telemetry.stats import ProgrammeStats, RunStats


@dataclass(frozen=True)
class DelayError:
    """How late frames were shown, in milliseconds."""

    p50: float
    p99: float
    max: float


@dataclass(frozen=True)
class Freezes:
    """Intervals between shown frames over 1.5 frames."""

    count: int
    longest_ms: float


@dataclass(frozen=True)
class Frames:
    """Frames, counted on their way; ``dropped`` by "place reason"."""

    captured: list[int]
    paired: int
    stitched: int
    held_peak: int
    played: int
    repeated: int
    dropped: dict[str, int]


@dataclass(frozen=True)
class Memory:
    """Memory, in bytes and frames; ``bus``: bytes that crossed it, up to a GPU and down from it, by stage.

    ``holds`` is what a frame is: a panorama, or the cameras' pictures.
    """

    domain: str
    format: str
    holds: str
    frame_bytes: int
    planned_frames: int
    planned_bytes: int
    held_bytes_peak: int
    rss_peak_bytes: int
    gpu_peak_bytes: int
    pixel_copies: int
    bus: dict[str, dict[str, int]]


@dataclass(frozen=True)
class Stage:
    """How long a stage takes for a frame, in milliseconds."""

    p50_ms: float
    p99_ms: float


@dataclass(frozen=True)
class Output:
    """What an output got; its URI without secrets."""

    kind: str
    uri: str
    frames: int
    restarts: int


@dataclass(frozen=True)
class Programme:
    """One programme of several; ``held`` frames were shown again, ``slates`` are cards shown instead of frames."""

    name: str
    delay_s: float
    delay_error_ms: DelayError
    freezes: Freezes
    shown: int
    held: int
    slates: int
    state: str


@dataclass(frozen=True)
class Host:
    """Where the run took place."""

    name: str
    system: str
    cpus: int
    python: str
    gstreamer: str


@dataclass(frozen=True)
class Report:
    """What a run did. Field by field what report.json holds; ``delay_s`` to ``freezes`` are the first programme's."""

    delay_s: float
    delay_error_ms: DelayError
    freezes: Freezes
    frames: Frames
    memory: Memory
    stages: dict[str, Stage]
    outputs: list[Output]
    programmes: list[Programme]
    pools: list[dict[str, Any]]
    gpu: GpuMemory | None
    drift: DriftStats | None
    version: str
    host: Host

    def to_json(self) -> str:
        """The report as JSON, indented."""
        return json.dumps(asdict(self), indent=2, allow_nan=False) + "\n"


def build_report(stats: RunStats) -> Report:
    """The report of a run from its last snapshot."""
    frames, memory = stats.frames, stats.memory
    programmes = [_programme(programme) for programme in stats.all_programmes]
    return Report(
        delay_s=programmes[0].delay_s,
        delay_error_ms=programmes[0].delay_error_ms,
        freezes=programmes[0].freezes,
        frames=Frames(
            captured=list(frames.captured),
            paired=frames.paired,
            stitched=frames.stitched,
            held_peak=frames.held_peak,
            played=frames.played,
            repeated=frames.repeated,
            dropped={f"{place} {reason}": n for (place, reason), n in sorted(stats.dropped.items())},
        ),
        memory=Memory(
            domain=memory.domain,
            format=memory.format,
            holds=memory.holds,
            frame_bytes=memory.frame_bytes,
            planned_frames=memory.planned_frames,
            planned_bytes=memory.planned_bytes,
            held_bytes_peak=memory.held_bytes_peak,
            rss_peak_bytes=memory.rss_peak_bytes,
            gpu_peak_bytes=memory.gpu_peak_bytes or 0,
            pixel_copies=memory.pixel_copies,
            bus={direction: dict(stages) for direction, stages in memory.bus.items()},
        ),
        stages={name: _stage(durations) for name, durations in stats.stages.items()},
        outputs=[Output(o.kind, o.uri, o.frames, o.restarts) for o in stats.outputs],
        programmes=programmes,
        pools=[pool.as_dict() for pool in stats.pools],
        gpu=stats.gpu,
        drift=stats.drift,
        version=touchline.__version__,
        host=_host(),
    )


def write_report(report: Report, path: Path) -> None:
    """Writes report.json: whole, or not at all.

    Raises:
        OutputError: if the file can't be written.
    """
    draft = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        draft.write_text(report.to_json(), encoding="utf-8")
        draft.replace(path)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise OutputError(f"the report can't be written to {path} ({error.strerror})") from error


def _programme(stats: ProgrammeStats) -> Programme:
    error = stats.delay_error
    return Programme(
        name=stats.name,
        delay_s=stats.delay_s,
        delay_error_ms=DelayError(_ms(error.percentile(50)), _ms(error.percentile(99)), _ms(error.max_s)),
        freezes=Freezes(stats.freezes, _ms(stats.longest_freeze_s)),
        shown=stats.shown,
        held=stats.held,
        slates=stats.slates,
        state=stats.state.value,
    )


def _stage(durations: Durations) -> Stage:
    return Stage(_ms(durations.percentile(50)), _ms(durations.percentile(99)))


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 3)


def _host() -> Host:
    return Host(
        name=platform.node(),
        system=f"{platform.system()} {platform.release()} {platform.machine()}",
        cpus=len(os.sched_getaffinity(0)),
        python=platform.python_version(),
        gstreamer=gstreamer_version(),
    )
