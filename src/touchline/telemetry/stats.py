"""A snapshot of a run: everything that the metrics and the report tell, gathered by whoever owns the parts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from touchline.counters import Durations
from touchline.programme.outputs import OutputStatus


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
        frame_bytes: of one held frame.
        planned_frames, planned_bytes: by the memory plan.
        held_frames, held_bytes: in the window now.
        held_bytes_peak: in the window at its fullest.
        oldest_age_s: age of the oldest held frame, in seconds.
        pool_free: frames of the pool that nobody has.
        rss_bytes, rss_peak_bytes: of the process.
        gpu_bytes, gpu_peak_bytes: of GPU memory; None without a GPU.
        pixel_copies: copies of pixels made between capture and programme beside those that make a new picture.
    """

    domain: str = "system"
    format: str = "NV12"
    frame_bytes: int = 0
    planned_frames: int = 0
    planned_bytes: int = 0
    held_frames: int = 0
    held_bytes: int = 0
    held_bytes_peak: int = 0
    oldest_age_s: float = 0.0
    pool_free: int = 0
    rss_bytes: int = 0
    rss_peak_bytes: int = 0
    gpu_bytes: int | None = None
    gpu_peak_bytes: int | None = None
    pixel_copies: int = 0


@dataclass(frozen=True)
class RunStats:
    """A run, now.

    Args:
        delay_s: that was asked for.
        measured_delay_s: with which the last frame was shown.
        delay_error: what frames were shown late, in seconds.
        freezes: intervals between shown frames over 1.5 frames.
        longest_freeze_s: the longest of them.
        lookahead_s: how far the analysis is ahead of what is shown.
        ready: the window is full and the programme is on time.
        frames, memory: see there.
        stages: how long each stage takes for a frame, by name.
        outputs: as the programme gives them.
        gpu_utilization: 0 to 1; None without a GPU.
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
    gpu_utilization: float | None = None

    @property
    def dropped(self) -> dict[tuple[str, str], int]:
        """Every loss by place and reason, those of the outputs among them."""
        losses = {key: count for key, count in self.frames.dropped.items() if count}
        for output in self.outputs:
            if output.dropped:
                key = (output.kind, "output")
                losses[key] = losses.get(key, 0) + output.dropped
        return losses
