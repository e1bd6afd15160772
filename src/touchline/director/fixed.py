"""A director who never moves."""

from __future__ import annotations

from touchline.geometry import View, ViewLimits


class FixedDirector:
    """Always shows one view, or the nearest that shows nothing outside the panorama.

    Args:
        view: what is wanted.
        limits: of the panorama and the programme's shape.
    """

    def __init__(self, view: View, limits: ViewLimits) -> None:
        self._view = limits.clamp(view)

    def view(self, pts_ns: int) -> View:
        return self._view
