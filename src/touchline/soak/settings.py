"""What a soak is to do."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from touchline.delay.plan import MemoryPlan
from touchline.errors import ConfigurationError
from touchline.gst.caps import VideoCaps, packed_bytes
from touchline.gst.library import SECOND
from touchline.soak.faults import EFFECTS, STEPPED, Fault, Kind, schedule

Speed = Literal["max", "live"]
_LEAD_FRAMES = 3
_QUEUED_FRAMES = 12  # that may wait in a programme beyond the lead
_RESERVE_FRAMES = 8


@dataclass(frozen=True)
class SoakSettings:
    """A soak.

    Args:
        duration_s: of the capture.
        speed: ``max``: on a clock that is stepped from one thing to the next; ``live``: on the machine's own.
        fault_seed: of the faults; None: without.
        width, height: of the frames, in pixels.
        fps: frames per second.
        delays_s: one programme for each, in seconds.
        kinds: of faults to choose from; None: all that can be at this speed.

    Raises:
        ConfigurationError: for numbers that make no sense together.
    """

    duration_s: float = 24 * 3600.0
    speed: Speed = "max"
    fault_seed: int | None = None
    width: int = 64
    height: int = 48
    fps: Fraction = Fraction(30)
    delays_s: tuple[float, ...] = (7.0,)
    kinds: tuple[Kind, ...] | None = None

    def __post_init__(self) -> None:
        if not self.delays_s or len(set(self.delays_s)) < len(self.delays_s):
            raise ConfigurationError("give one or more delays, each but once (--delay)")
        if min(self.delays_s) < self.lead_s:
            raise ConfigurationError(f"a soak needs delays of {self.lead_s:.2f} s or more (--delay)")
        if not math.isfinite(self.duration_s) or self.duration_s < self.longest_s + 1:
            raise ConfigurationError(
                f"a soak takes longer than its delay: {self.longest_s + 1:g} s or more (--hours)"
            )
        if self.width < 16 or self.height < 16 or self.width % 4 or self.height % 4:
            raise ConfigurationError(
                "the frames' size must be 16x16 or more, in fours, since faults halve it (--size)"
            )

    @property
    def live(self) -> bool:
        return self.speed == "live"

    @property
    def longest_s(self) -> float:
        """The longest delay."""
        return max(self.delays_s)

    @property
    def caps(self) -> VideoCaps:
        return VideoCaps(self.width, self.height, self.fps)

    @property
    def other_caps(self) -> VideoCaps:
        """What the frames change to and back."""
        return VideoCaps(self.width // 2, self.height // 2, self.fps)

    @property
    def lead_s(self) -> float:
        """How long before its time a frame is given to its pipeline."""
        # Live it hides stalls of Python, so as long as a real run has it; stepped it need not.
        return min(0.5, min(self.delays_s) / 2) if self.live else float(_LEAD_FRAMES / self.fps)

    @property
    def ahead_frames(self) -> int:
        """The most frames in a programme's pipeline."""
        return math.ceil(self.lead_s * self.fps) + _QUEUED_FRAMES

    @property
    def frames(self) -> int:
        """Frames that are filmed in all."""
        return math.ceil(round(self.duration_s * float(self.fps), 6))

    @property
    def plan(self) -> MemoryPlan:
        """What is allocated."""
        other = packed_bytes("NV12", self.other_caps.width, self.other_caps.height)
        return MemoryPlan(
            self.width,
            self.height,
            float(self.fps),
            self.longest_s,
            in_flight=_QUEUED_FRAMES + len(self.delays_s) + 1,
            reserve=_RESERVE_FRAMES,
            other=(("of the other size", self.other_frames * other),) if self.other_frames > 1 else (),
        )

    @property
    def other_frames(self) -> int:
        """Frames of the other size: as many as come while the caps are changed, and one if they never are."""
        if not any(fault.kind is Kind.CAPS_CHANGE for fault in self.faults):
            return 1
        return math.ceil(EFFECTS[Kind.CAPS_CHANGE].longest_s * self.fps) + self.ahead_frames + _RESERVE_FRAMES

    @property
    def faults(self) -> tuple[Fault, ...]:
        """The schedule."""
        if self.fault_seed is None:
            return ()
        kinds = self.kinds or (tuple(Kind) if self.live else STEPPED)
        return schedule(self.fault_seed, self.duration_s, self.longest_s, kinds)

    @property
    def frame_ns(self) -> int:
        return self.caps.frame_ns

    def delay_ns(self, index: int) -> int:
        """Of one programme."""
        return round(self.delays_s[index] * SECOND)
