"""A snapshot of a run: everything that the metrics and the report tell, gathered by whoever owns the parts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from touchline.counters import Durations
from touchline.delay.states import State
from touchline.panorama.drift_stats import DriftStats
from touchline.programme.outputs import OutputStatus
from touchline.telemetry.gpu import GpuMemory
from touchline.telemetry.pools import PoolUse

MAIN = "main"


@dataclass(frozen=True)
class FrameStats:
    """Frames, counted on their way.

    Args:
        captured: by each camera: left and right, or the one panorama.
        paired: left and right together, as a stitcher gets them.
        stitched: written into the window.
        held_peak: most frames that were held at once.
        played: let out by the programme's pacing.
        repeated: shown again for want of a newer one.
        dropped: lost, by the place where it happened and the reason.
    """

    captured: tuple[int, ...] = ()
    paired: int = 0
    stitched: int = 0
    held_peak: int = 0
    played: int = 0
    repeated: int = 0
    dropped: Mapping[tuple[str, str], int] = field(default_factory=dict)


@dataclass(frozen=True)
class MemoryStats:
    """Memory, in bytes where not said otherwise.

    Args:
        domain: ``system``, ``gl``, ``cuda`` or ``nvmm``.
        format: of the held frames, such as ``NV12``.
        holds: what a held frame is, such as ``panorama 2096x568`` or ``2 x 1280x720``.
        frame_bytes: of one held frame.
        planned_frames, planned_bytes: by the memory plan.
        held_frames, held_bytes: in the window now.
        held_bytes_peak: in the window at its fullest.
        oldest_age_s: age of the oldest held frame, in seconds.
        rss_bytes, rss_peak_bytes: of the process.
        gpu_peak_bytes: the most GPU memory in use that was seen; None without a GPU.
        pixel_copies: copies of pixels made between capture and programme beside those that make a new picture.
        bus: bytes that crossed the bus to a GPU, by direction (``up`` to it, ``down`` from it) and stage.
    """

    domain: str = "system"
    format: str = "NV12"
    holds: str = ""
    frame_bytes: int = 0
    planned_frames: int = 0
    planned_bytes: int = 0
    held_frames: int = 0
    held_bytes: int = 0
    held_bytes_peak: int = 0
    oldest_age_s: float = 0.0
    rss_bytes: int = 0
    rss_peak_bytes: int = 0
    gpu_peak_bytes: int | None = None
    pixel_copies: int = 0
    bus: Mapping[str, Mapping[str, int]] = field(default_factory=lambda: {"up": {}, "down": {}})


@dataclass(frozen=True)
class ProgrammeStats:
    """One programme, now.

    Args:
        name: of the programme, for people and for the label of its metrics.
        delay_s: that was asked for.
        measured_delay_s: with which the last frame was shown.
        delay_error: what frames were shown late, in seconds.
        freezes: intervals between shown frames over 1.5 frames.
        longest_freeze_s: the longest of them.
        lookahead_s: how far the analysis is ahead of what is shown.
        ready: its window is full and it is on time.
        state: of its player.
        shown: frames that were let out by its pacing.
        held: frames that were shown again for want of a newer one.
        slates: cards that were shown instead of frames.
        waiting_frames: frames that wait for it in the store.
        window_frames: how many should wait once its window is full; 0 if nothing is to wait.
    """

    name: str
    delay_s: float
    measured_delay_s: float = 0.0
    delay_error: Durations = field(default_factory=Durations)
    freezes: int = 0
    longest_freeze_s: float = 0.0
    lookahead_s: float = 0.0
    ready: bool = False
    state: State = State.IDLE
    shown: int = 0
    held: int = 0
    slates: int = 0
    waiting_frames: int = 0
    window_frames: int = 0

    @property
    def window_ratio(self) -> float:
        """What waits over what should wait; 1 if nothing is to wait."""
        return self.waiting_frames / self.window_frames if self.window_frames else 1.0


@dataclass(frozen=True)
class RunStats:
    """A run, now.

    Args:
        delay_s, measured_delay_s, delay_error, freezes, longest_freeze_s, lookahead_s, ready: of the one programme; see
            there. Not looked at where ``programmes`` are given.
        frames, memory: see there.
        stages: how long each stage takes for a frame, by name.
        outputs: as the programme gives them.
        programmes: each with its own delay.
        pools: every pool of frames.
        gpu: None without one.
        drift: of the cameras; None if nobody watches it.
    """

    delay_s: float
    measured_delay_s: float = 0.0
    delay_error: Durations = field(default_factory=Durations)
    freezes: int = 0
    longest_freeze_s: float = 0.0
    lookahead_s: float = 0.0
    ready: bool = False
    frames: FrameStats = field(default_factory=FrameStats)
    memory: MemoryStats = field(default_factory=MemoryStats)
    stages: Mapping[str, Durations] = field(default_factory=dict)
    outputs: tuple[OutputStatus, ...] = ()
    programmes: tuple[ProgrammeStats, ...] = ()
    pools: tuple[PoolUse, ...] = ()
    gpu: GpuMemory | None = None
    drift: DriftStats | None = None

    @property
    def all_programmes(self) -> tuple[ProgrammeStats, ...]:
        """The programmes; without any, the one of which the fields above tell, by the name of ``main``."""
        if self.programmes:
            return self.programmes
        only = ProgrammeStats(
            MAIN,
            self.delay_s,
            self.measured_delay_s,
            self.delay_error,
            self.freezes,
            self.longest_freeze_s,
            self.lookahead_s,
            self.ready,
            shown=self.frames.played,
            held=self.frames.repeated,
            waiting_frames=self.memory.held_frames,
        )
        return (only,)

    @property
    def all_ready(self) -> bool:
        """Every programme has its window full and is on time."""
        return all(programme.ready for programme in self.all_programmes)

    @property
    def dropped(self) -> dict[tuple[str, str], int]:
        """Every loss by place and reason, those of the outputs among them."""
        losses = {key: count for key, count in self.frames.dropped.items() if count}
        for output in self.outputs:
            if output.dropped:
                key = (output.kind, "output")
                losses[key] = losses.get(key, 0) + output.dropped
        return losses
