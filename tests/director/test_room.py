"""The planes within which no view shows anything outside the panorama."""

from __future__ import annotations

import math

import numpy as np
import pytest

from touchline.director.room import room_planes
from touchline.geometry import Panorama, View, ViewLimits
from touchline.geometry.projection import Projection


@pytest.mark.parametrize("aspect", [16 / 9, 9 / 16])
@pytest.mark.parametrize(
    ("projection", "left", "lost"),
    [("equirectangular", -85, 0.06), ("cylindrical", -60, 0.06), ("pitch", -75, 0.35)],
)
def test_they_are_safe_and_give_little_away(
    projection: Projection, left: float, lost: float, aspect: float
) -> None:
    panorama = Panorama(projection, 1800, 480, *(math.radians(a) for a in (left, 72, -34, 12)))
    limits = ViewLimits(panorama, aspect)
    narrow, wide = (26.0, 50.0) if aspect > 1 else (12.0, 24.0)
    planes, heights = room_planes(limits, narrow, wide)
    rng = np.random.default_rng(3)
    wanted = rng.uniform([-90, -36, narrow], [80, 15, wide], (3000, 3))
    shown = np.array([limits.contains(View(*(float(a) for a in one))) for one in wanted])
    inside = (wanted @ planes.T <= heights).all(axis=1)
    assert not (inside & ~shown).any()
    assert (shown & ~inside).sum() < lost * shown.sum()


def test_a_panorama_that_hardly_any_view_fits_into_is_refused() -> None:
    tiny = Panorama("equirectangular", 64, 64, *(math.radians(a) for a in (-0.2, 0.2, -0.2, 0.2)))
    with pytest.raises(ValueError, match=r"smaller than any view|too small"):
        room_planes(ViewLimits(tiny, 16 / 9), 26.0, 50.0)
