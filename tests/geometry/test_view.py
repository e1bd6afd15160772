"""The virtual camera never shows what is outside the panorama.

The reference is brute force: every direction on a dense outline of the picture, and the poles.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from touchline.geometry import Panorama, View, ViewLimits, rays_to_angles

PROJECTIONS: tuple[Any, ...] = ("equirectangular", "cylindrical")


@st.composite
def all_limits(draw: st.DrawFn) -> ViewLimits:
    low = draw(st.floats(-80, 60))
    high = draw(st.floats(low + 10, 82))
    left = draw(st.floats(-180, 170))
    right = draw(st.floats(left + 30, left + 359.9))
    panorama = Panorama(
        draw(st.sampled_from(PROJECTIONS)), 2000, 500, *(math.radians(a) for a in (left, right, low, high))
    )
    return ViewLimits(panorama, draw(st.sampled_from([16 / 9, 4 / 3, 1.0, 9 / 16, 2.4])))


all_views = st.builds(View, st.floats(-400, 400), st.floats(-85, 85), st.floats(1, 150))


def margin(limits: ViewLimits, view: View) -> float:
    """How far (radians) the picture stays inside the panorama at its worst place; negative if it does not."""
    width, height = 2.0 * limits.aspect, 2.0
    edge = np.linspace(0, 1, 401)
    x = np.concatenate([edge, edge, 0 * edge, 0 * edge + 1]) * width - 0.5
    y = np.concatenate([0 * edge, 0 * edge + 1, edge, edge]) * height - 0.5
    level = View(0.0, view.pitch_deg, view.fov_deg)
    yaw, pitch = rays_to_angles(level.rays(x, y, width, height))  # type: ignore[arg-type]
    for pole in (-math.pi / 2, math.pi / 2):
        px, py = level.pixels_of(np.array(0.0), np.array(pole), width, height)  # type: ignore[arg-type]
        if -0.5 <= px <= width - 0.5 and -0.5 <= py <= height - 0.5:
            pitch = np.append(pitch, pole)
    p, centre = limits.panorama, math.radians(view.yaw_deg)
    return float(
        min(
            centre + yaw.min() - p.yaw_min,
            p.yaw_max - centre - yaw.max(),
            pitch.min() - p.pitch_min,
            p.pitch_max - pitch.max(),
        )
    )


@settings(max_examples=400, deadline=None)
@given(limits=all_limits(), view=all_views)
@example(ViewLimits(Panorama("equirectangular", 2000, 500, -1.3, 1.3, -0.5, 0.3), 16 / 9), View(0, 9, 40))
def test_a_clamped_view_shows_nothing_outside(limits: ViewLimits, view: View) -> None:
    clamped = limits.clamp(view)
    assert margin(limits, clamped) > -2e-6
    assert limits.contains(clamped)
    assert clamped.fov_deg <= view.fov_deg


@settings(max_examples=400, deadline=None)
@given(limits=all_limits(), view=all_views)
def test_contains_agrees_with_brute_force(limits: ViewLimits, view: View) -> None:
    worst = margin(limits, view)
    assume(abs(worst) > 1e-4)  # the reference has gaps between its samples
    assert limits.contains(view) == (worst > 0)


@settings(max_examples=200, deadline=None)
@given(limits=all_limits(), view=all_views)
def test_a_view_inside_is_left_alone(limits: ViewLimits, view: View) -> None:
    inside = limits.clamp(view)
    assert limits.clamp(inside) == inside
    if limits.contains(view):
        assert inside == view


@settings(max_examples=200, deadline=None)
@given(limits=all_limits(), view=all_views)
def test_a_clamped_view_is_as_near_as_it_can_be(limits: ViewLimits, view: View) -> None:
    clamped = limits.clamp(view)
    step = 0.05
    middle = math.degrees(limits.panorama.yaw_min + limits.panorama.yaw_max) / 2
    if clamped.fov_deg < view.fov_deg:
        # Narrowed: then no direction at all holds a slightly wider view.
        for pitch in np.linspace(-84, 84, 85):
            wider = View(middle, float(pitch), min(150.0, clamped.fov_deg + step))
            assert margin(limits, wider) < 0
    tilt, pan = view.pitch_deg - clamped.pitch_deg, view.yaw_deg - clamped.yaw_deg
    if abs(tilt) > step:  # a little nearer to the pitch that was asked for, it fits at no yaw
        nearer = clamped.pitch_deg + math.copysign(step, tilt)
        assert margin(limits, View(middle, nearer, clamped.fov_deg)) < 0
    if abs(pan) > step:
        nearer = clamped.yaw_deg + math.copysign(step, pan)
        assert margin(limits, View(nearer, clamped.pitch_deg, clamped.fov_deg)) < 0


def test_the_middle_of_the_top_edge_counts() -> None:
    """It is the highest place of a level picture; 24 samples along the edge missed it by most of a degree."""
    limits = ViewLimits(Panorama("equirectangular", 2000, 1000, -1.5, 1.5, -1.0, 1.0), 16 / 9)
    view = limits.clamp(View(0.0, 60.0, 150.0))
    top = View(0.0, view.pitch_deg, view.fov_deg).rays(np.array(0.0), np.array(-0.5), 1, 9 / 16)  # type: ignore[arg-type]
    assert float(rays_to_angles(top)[1]) <= 1.0 + 1e-6


def test_widest_fills_the_panorama() -> None:
    limits = ViewLimits(Panorama("equirectangular", 2000, 500, -1.0, 1.0, -0.3, 0.3), 16 / 9)
    view = limits.widest(10, 3)
    assert view.pitch_deg == pytest.approx(0, abs=1e-3)
    assert math.tan(math.radians(view.fov_deg) / 2) == pytest.approx(16 / 9 * math.tan(0.3), rel=1e-6)


def test_a_panorama_smaller_than_any_view_is_refused() -> None:
    limits = ViewLimits(Panorama("equirectangular", 200, 50, -1.0, 1.0, 0.0, 0.005), 16 / 9)
    assert not limits.contains(View(0, 0, 1))
    with pytest.raises(ValueError, match="smaller than any view"):
        limits.clamp(View(0, 0, 50))


@pytest.mark.parametrize(
    "numbers", [(math.nan, 0, 40), (0, 86, 40), (0, 0, 0.9), (0, 0, 151), (0, 0, math.inf)]
)
def test_impossible_views_are_refused(numbers: Any) -> None:
    with pytest.raises(ValueError, match="view"):
        View(*numbers)


@pytest.mark.parametrize("aspect", [0.0, -1.0, math.nan])
def test_impossible_aspects_are_refused(aspect: float) -> None:
    with pytest.raises(ValueError, match="aspect"):
        ViewLimits(Panorama("equirectangular", 200, 50, -1.0, 1.0, -0.2, 0.2), aspect)


@given(view=st.builds(View, st.floats(-170, 170), st.floats(-80, 80), st.floats(5, 140)))
def test_pixels_and_rays_belong_together(view: View) -> None:
    x, y = np.meshgrid(np.linspace(0, 639, 9), np.linspace(0, 359, 7))
    yaw, pitch = rays_to_angles(view.rays(x, y, 640, 360))
    back = view.pixels_of(yaw, pitch, 640, 360)
    assert np.abs(back - np.stack([x, y], axis=-1)).max() < 1e-6
    behind = view.pixels_of(np.radians(view.yaw_deg + 180.0), np.radians(-view.pitch_deg), 640, 360)
    assert np.isnan(behind).all()


def test_the_middle_of_the_picture_looks_along_the_view() -> None:
    yaw, pitch = rays_to_angles(View(25, -12, 40).rays(np.array(319.5), np.array(179.5), 640, 360))
    assert (math.degrees(float(yaw)), math.degrees(float(pitch))) == pytest.approx((25, -12))
    left = View(0, 0, 40).rays(np.array(-0.5), np.array(179.5), 640, 360)
    assert math.degrees(float(rays_to_angles(left)[0])) == pytest.approx(-20)
