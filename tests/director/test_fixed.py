"""A fixed view stays, and shows nothing outside the panorama."""

from __future__ import annotations

import math

from touchline.director import FixedDirector
from touchline.geometry import Panorama, View, ViewLimits

LIMITS = ViewLimits(
    Panorama(
        "cylindrical", 1800, 480, math.radians(-70), math.radians(70), math.radians(-30), math.radians(6)
    ),
    16 / 9,
)


def test_a_view_inside_is_shown_as_asked() -> None:
    director = FixedDirector(View(-20, -10, 40), LIMITS)
    assert [director.view(pts) for pts in (0, 10**9)] == [View(-20, -10, 40)] * 2


def test_a_view_that_reaches_outside_is_moved_in() -> None:
    view = FixedDirector(View(80, 20, 50), LIMITS).view(0)
    assert LIMITS.contains(view)
    assert view == LIMITS.clamp(View(80, 20, 50))
    assert view.fov_deg == 50
