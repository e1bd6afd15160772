"""What a soak tells, while it runs and at its end."""

from __future__ import annotations

from dataclasses import dataclass

from touchline.soak.books import Sample
from touchline.soak.judge import Recovery, Violation
from touchline.soak.settings import SoakSettings


@dataclass(frozen=True)
class Progress:
    """How far a soak is: seconds of the capture, done and in all; frames shown; violations and faults so far."""

    done_s: float
    total_s: float
    shown: int
    violations: int
    faults: int


@dataclass(frozen=True)
class ProgrammeBooks:
    """What one programme did. Errors of the delay in seconds, outside faults."""

    name: str
    delay_s: float
    shown: int
    held: int
    slates: int
    late: int
    lost: dict[str, int]
    unexplained: int
    error_p50_s: float
    error_p99_s: float
    error_max_s: float
    opened: int


@dataclass(frozen=True)
class SoakResult:
    """Everything that a soak found out.

    Attributes:
        reached_s: seconds of the capture; less than asked for if it was ended early.
        wall_s, cpu_s: that it took.
        held_peak_bytes, window_bytes: held at most outside faults, and what the window takes.
        pool_low: the fewest free frames outside faults.
        pool_missing: frames that have not come back at the end.
        buffers_left: GstBuffers alive at the end; None if nobody counted.
        gpu_load: mean, 0 to 1; None without a GPU.
        furthest_placed_s: by how much the place of a frame differs from when it was filmed, at most.
    """

    settings: SoakSettings
    reached_s: float
    wall_s: float
    cpu_s: float
    filmed: int
    programmes: tuple[ProgrammeBooks, ...]
    violations: dict[str, int]
    first_violations: tuple[Violation, ...]
    recoveries: tuple[Recovery, ...]
    samples: tuple[Sample, ...]
    checks: int
    held_peak_bytes: int
    window_bytes: int
    pool_low: int
    pool_missing: int
    buffers_left: int | None
    gpu_load: float | None
    furthest_placed_s: float

    @property
    def us_per_frame(self) -> float:
        """Real time for each frame filmed, in microseconds."""
        return self.wall_s / max(1, self.filmed) * 1e6
