"""What is known of the cameras' drift, in numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Mode = Literal["report", "correct"]


@dataclass(frozen=True)
class DriftStats:
    """What is known of the cameras' drift.

    Attributes:
        mode: ``report`` or ``correct``.
        looks: how often was looked.
        reprojection_error_px: where both cameras see the same, at the last look; None if nothing was matched then.
        first_error_px, worst_error_px: of the first look, and the largest one.
        left_px, right_px: how far each camera has turned since the start, in pixels of its picture's middle.
        knocks: times that a camera was knocked.
        corrections: times that the rig was turned.
    """

    mode: Mode = "report"
    looks: int = 0
    reprojection_error_px: float | None = None
    first_error_px: float | None = None
    worst_error_px: float | None = None
    left_px: float = 0.0
    right_px: float = 0.0
    knocks: int = 0
    corrections: int = 0
