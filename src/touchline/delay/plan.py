"""The memory plan: what a delay costs, worked out and enforced before anything starts."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from touchline.errors import PlanError
from touchline.gst.caps import packed_bytes

GB = 1_000_000_000
MB = 1_000_000


@dataclass(frozen=True)
class MemoryPlan:
    """How many frames are held for a delay, and their bytes.

    Args:
        width, height: of the held frames, in pixels.
        format: ``NV12`` or ``RGBA``.
        fps: frames per second.
        delay_s: what is held before it is shown, in seconds.
        history_s: what stays held after it was shown, in seconds.
        in_flight: frames that are being written, rendered or encoded beside those that wait.
        reserve: frames kept free, for jitter.
        frame_bytes: of one frame as the pool allocates it; by default without padding.
        other: further memory that is planned for, by name.
        holds: what a frame is, in words, if it is more than a picture of that size, such as ``2 x 1280x720``.

    Raises:
        ValueError: for numbers that make no sense.
    """

    width: int
    height: int
    fps: float
    delay_s: float
    format: str = "NV12"
    history_s: float = 0.0
    in_flight: int = 4
    reserve: int = 4
    frame_bytes: int = 0
    other: tuple[tuple[str, int], ...] = ()
    holds: str = ""

    def __post_init__(self) -> None:
        if not (math.isfinite(self.fps) and self.fps > 0):
            raise ValueError(f"a plan needs a frame rate above zero, not {self.fps}")
        for name, seconds in (("delay", self.delay_s), ("history", self.history_s)):
            if not (math.isfinite(seconds) and seconds >= 0):
                raise ValueError(f"the {name} must be zero or more seconds, not {seconds}")
        if self.in_flight < 0 or self.reserve < 0:
            raise ValueError("frames in flight and in reserve can't be negative")
        if not self.frame_bytes:
            object.__setattr__(self, "frame_bytes", packed_bytes(self.format, self.width, self.height))

    @property
    def window_frames(self) -> int:
        """Frames that wait: ceil((delay + history) x fps)."""
        # The product of two decimal numbers may miss a whole number by a hair: 0.1 s x 30 fps is 3 frames.
        return math.ceil(round((self.delay_s + self.history_s) * self.fps, 6))

    @property
    def frames(self) -> int:
        """Frames in the pool: the window, what is in flight, the reserve."""
        return self.window_frames + self.in_flight + self.reserve

    @property
    def window_bytes(self) -> int:
        """Bytes of the frames that wait."""
        return self.window_frames * self.frame_bytes

    @property
    def pool_bytes(self) -> int:
        """Bytes of all frames of the pool."""
        return self.frames * self.frame_bytes

    @property
    def total_bytes(self) -> int:
        """Everything that is planned for."""
        return self.pool_bytes + sum(size for _, size in self.other)

    def longest_delay(self, available_bytes: int) -> float | None:
        """The longest delay in seconds that fits into so many bytes, or None if not even none does."""
        fixed = replace(self, delay_s=0.0)
        spare = available_bytes - fixed.total_bytes
        return None if spare < 0 else spare // self.frame_bytes / self.fps

    def arithmetic(self) -> str:
        """The plan in one line of sums."""
        history = f" + {self.history_s:g} s history" if self.history_s else ""
        delay = f"({self.delay_s:g} s{history})" if history else f"{self.delay_s:g} s"
        others = "".join(f" + {size / GB:.2f} GB {name}" for name, size in self.other)
        return (
            f"{delay} x {self.fps:g} fps = {self.window_frames} frames, "
            f"+ {self.in_flight} in flight + {self.reserve} in reserve = {self.frames} frames of "
            f"{self.frame_bytes / MB:.2f} MB ({self.holds or f'{self.width}x{self.height}'} {self.format}) = "
            f"{self.pool_bytes / GB:.2f} GB{others}{f' = {self.total_bytes / GB:.2f} GB' if others else ''}"
        )

    def check(self, available_bytes: int, what: str = "are free") -> None:
        """Refuses a plan that does not fit.

        Args:
            available_bytes: what there is.
            what: how the message goes on behind that figure.

        Raises:
            PlanError: with the arithmetic, and the delay that would fit.
        """
        if self.total_bytes <= available_bytes:
            return
        fits = self.longest_delay(available_bytes)
        if fits is None:
            smaller = "film smaller pictures" if self.holds else "make the panorama smaller (--panorama-size)"
            advice = f"no delay fits at this size; {smaller}"
        else:
            # Rounded down, so that what is advised does fit.
            advice = f"the longest delay that fits is {math.floor(fits * 10) / 10:g} s (--delay)"
        raise PlanError(
            f"the memory plan does not fit: {self.arithmetic()}, and {available_bytes / GB:.2f} GB {what}; {advice}"
        )
