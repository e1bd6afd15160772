"""The pitch projection: touchlines are level and straight, upright things upright, and nothing black is shown."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import Phase, assume, example, given, settings
from hypothesis import strategies as st

from touchline.errors import RigError
from touchline.geometry import Camera, Panorama, Rig, View, ViewLimits, fit_panorama, rays_to_angles
from touchline.geometry.fitting import coverage
from touchline.synth.pitch import HALF_LENGTH, HALF_WIDTH, world_to_rig
from touchline.synth.rig import default_rig

DEGREES = math.pi / 180


def pitchwise(
    normal_deg: float = 0.0, left: float = -75, right: float = 78, low: float = -36, high: float = 5
) -> Panorama:
    """2000x500 pixels; yaw limits counted from the normal, all in degrees."""
    normal = normal_deg * DEGREES
    yaw = normal + left * DEGREES, normal + right * DEGREES
    return Panorama("pitch", 2000, 500, *yaw, low * DEGREES, high * DEGREES, normal)


@given(x=st.floats(-0.5, 1999.5), y=st.floats(-0.5, 499.5), normal=st.floats(-180, 180))
def test_pixels_come_back(x: float, y: float, normal: float) -> None:
    panorama = pitchwise(normal)
    back = panorama.angles_to_pixels(*panorama.pixels_to_angles(x, y))
    assert (float(back[0]), float(back[1])) == pytest.approx((x, y), abs=1e-7)


@given(
    height=st.floats(-30, 30),
    away=st.floats(2, 120),
    normal=st.floats(-60, 60),
    reach=st.floats(5, 80),
)
def test_every_line_along_the_touchlines_is_level(
    height: float, away: float, normal: float, reach: float
) -> None:
    """Not on the ground alone: a crossbar, a board's upper edge, a roof."""
    panorama = pitchwise(normal)
    along = np.linspace(-math.tan(74 * DEGREES), math.tan(77 * DEGREES), 50) * away
    turn = normal * DEGREES
    ahead, aside = (
        np.array([math.sin(turn), 0, math.cos(turn)]),
        np.array([math.cos(turn), 0, -math.sin(turn)]),
    )
    rays = along[:, None] * aside + away * ahead + np.array([0, height, 0])
    x, y = panorama.angles_to_pixels(*rays_to_angles(rays))
    assert np.ptp(y) < 1e-6 * max(1.0, abs(height / away)) * 500
    assert (np.diff(x) > 0).all()


def test_upright_things_stand_upright() -> None:
    panorama = pitchwise(10)
    for yaw in (-50, 0, 70):
        x, y = panorama.angles_to_pixels(yaw * DEGREES, np.linspace(-30, 30, 20) * DEGREES)
        assert np.ptp(np.broadcast_to(x, y.shape)) == 0
        assert (np.diff(y) < 0).all()


def test_a_player_on_a_touchline_keeps_his_height() -> None:
    panorama = pitchwise()
    for side in (-1, 1):
        heights = []
        for x in (-45, -20, 0, 30, 50):
            feet, head = (world_to_rig((x, side * HALF_WIDTH, z)) for z in (0.0, 1.8))
            rows = [float(panorama.angles_to_pixels(*rays_to_angles(ray))[1]) for ray in (feet, head)]
            heights.append(rows[0] - rows[1])
        assert heights == pytest.approx([heights[0]] * 5, rel=1e-9)


def test_the_scale_is_as_documented() -> None:
    """About the horizon: 1 / cos upwards, 1 / cos(half)^2 across."""
    panorama = pitchwise()
    per_x, per_y = (
        np.diff(panorama.angles_to_pixels(*angles)[axis])[0]
        for axis, angles in ((0, ([-5e-6, 5e-6], 0.0)), (1, (0.0, [5e-6, -5e-6])))
    )
    for degrees in (0, 45, 60, 75):
        yaw = degrees * DEGREES
        across = np.diff(panorama.angles_to_pixels([yaw - 5e-6, yaw + 5e-6], 0.0)[0])[0] / per_x
        up = np.diff(panorama.angles_to_pixels(yaw, [5e-6, -5e-6])[1])[0] / per_y
        assert across == pytest.approx(1 / math.cos(yaw / 2) ** 2, rel=1e-6)
        assert up == pytest.approx(1 / math.cos(yaw), rel=1e-6)


def test_beside_and_behind_there_is_no_place() -> None:
    panorama = pitchwise(20)
    x, y = panorama.angles_to_pixels(np.array([-75, 115, 200, -160]) * DEGREES, -0.1)
    assert np.isnan(x).all()
    assert np.isnan(y).all()
    # A direction is the same however many turns are counted.
    one, two = (panorama.angles_to_pixels(yaw * DEGREES, -0.1) for yaw in (50, 50 - 360))
    assert [float(n) for n in one] == pytest.approx([float(n) for n in two])


def test_scaled_and_told() -> None:
    panorama = pitchwise(12)
    half = panorama.scaled(1000, 250)
    assert half.rays(10, 20) == pytest.approx(panorama.rays(20.5, 40.5), abs=1e-12)
    assert half.to_dict()["normal_deg"] == pytest.approx(12)
    assert "normal_deg" not in Panorama("cylindrical", 20, 10, -1, 1, -0.5, 0.5).to_dict()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"right": 81}, "at most 80 degrees to either side of its normal, not -75.0 to 81.0"),
        ({"left": -90}, "at most 80 degrees"),
        ({"low": -86}, "poles"),
        ({"low": 6}, "in order"),
    ],
)
def test_impossible_panoramas_are_refused(changes: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        pitchwise(**changes)


def test_only_the_pitch_projection_has_a_normal() -> None:
    with pytest.raises(ValueError, match="normal"):
        Panorama("cylindrical", 20, 10, -1, 1, -0.5, 0.5, 0.1)


@pytest.mark.parametrize(
    ("projection", "fov", "size"),
    [("pitch", 150, (3000, 500)), ("cylindrical", 180, (3000, 700)), ("equirectangular", 360, (4000, 900))],
)
def test_a_panorama_of_others_has_square_pixels_in_its_middle(
    projection: Any, fov: float, size: tuple[int, int]
) -> None:
    panorama = Panorama.centred(projection, size, fov)
    assert math.degrees(panorama.yaw_max - panorama.yaw_min) == pytest.approx(fov)
    middle = size[0] / 2 - 0.5, size[1] / 2 - 0.5
    yaw = panorama.pixels_to_angles([middle[0] - 0.5, middle[0] + 0.5], middle[1])[0]
    pitch = panorama.pixels_to_angles(middle[0], [middle[1] + 0.5, middle[1] - 0.5])[1]
    # Rows of a cylindrical one are told by its limits' angles, not by their tangents.
    assert np.diff(yaw)[0] == pytest.approx(
        np.diff(pitch)[0], rel=0.05 if projection == "cylindrical" else 1e-4
    )


@pytest.mark.parametrize(
    ("fov", "size", "message"),
    [(180, (2000, 500), "at most 160 degrees, not 180"), (150, (500, 2000), "can't span 150 degrees")],
)
def test_a_panorama_of_others_may_be_too_wide(fov: float, size: tuple[int, int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Panorama.centred("pitch", size, fov)


def uncovered(rig: Rig, panorama: Panorama, columns: int = 900, rows: int = 300) -> int:
    """How many directions of a fine grid right up to the edges no camera sees."""
    x = np.linspace(-0.5, panorama.width - 0.5, columns)
    y = np.linspace(-0.5, panorama.height - 0.5, rows)
    yaw, pitch = panorama.pixels_to_angles(x[None, :], y[:, None])
    return int((~coverage(rig, *np.broadcast_arrays(yaw, pitch))).sum())


@settings(max_examples=4, deadline=None, phases=[Phase.generate])
@given(
    fov=st.floats(50, 90),
    share=st.floats(0.5, 0.85),
    tilt=st.floats(-20, 3),
    rolls=st.tuples(st.floats(-5, 5), st.floats(-5, 5)),
    normal=st.floats(-25, 25),
)
def test_a_fitted_panorama_is_covered_and_cannot_grow(
    fov: float, share: float, tilt: float, rolls: tuple[float, float], normal: float
) -> None:
    rig = Rig(
        tuple(
            Camera.from_fov(1600, 1000, fov, yaw_deg=side * fov * share / 2, pitch_deg=tilt, roll_deg=roll)
            for side, roll in zip((-1, 1), rolls, strict=True)
        )
    )
    panorama = fit_panorama(rig, "pitch", normal_deg=normal)
    assert (panorama.width % 16, panorama.height % 4) == (0, 0)
    assert panorama.normal == pytest.approx(normal * DEGREES)
    assert uncovered(rig, panorama) == 0
    limits = {name: getattr(panorama, name) for name in ("yaw_min", "yaw_max", "pitch_min", "pitch_max")}
    for name, value in limits.items():
        grown = limits | {name: value + (DEGREES if name.endswith("max") else -DEGREES)}
        if name.startswith("yaw") and abs(grown[name] - panorama.normal) > 80 * DEGREES:
            continue  # as far as this projection goes
        wider = Panorama("pitch", panorama.width, panorama.height, **grown, normal=panorama.normal)
        assert uncovered(rig, wider) > 0, name


def every_pixel(panorama: Panorama) -> tuple[np.ndarray, np.ndarray]:
    return np.arange(panorama.width)[None, :], np.arange(panorama.height)[:, None]


def test_the_synthetic_match_shows_its_field_between_level_lines() -> None:
    rig = default_rig(1)
    panorama = fit_panorama(rig, "pitch")
    assert math.degrees(panorama.yaw_max - panorama.yaw_min) > 140
    assert coverage(rig, *np.broadcast_arrays(*panorama.pixels_to_angles(*every_pixel(panorama)))).all()
    x = np.linspace(-HALF_LENGTH, HALF_LENGTH, 60)
    rows = []
    for y in (-HALF_WIDTH, HALF_WIDTH):
        line = world_to_rig(np.stack([x, np.full(60, y), np.zeros(60)], axis=-1))
        columns, row = panorama.angles_to_pixels(*rays_to_angles(line))
        shown = (columns > 0) & (columns < panorama.width - 1)
        assert np.ptp(row[shown]) < 1e-6
        rows.append(float(row[shown][0]))
    assert rows[1] < rows[0]


def test_a_normal_that_no_camera_looks_along_is_refused() -> None:
    rig = Rig((Camera.from_fov(640, 360, 60, yaw_deg=-20), Camera.from_fov(640, 360, 60, yaw_deg=20)))
    with pytest.raises(RigError, match="about yaw 150"):
        fit_panorama(rig, "pitch", normal_deg=150)


# Views.


@st.composite
def all_limits(draw: st.DrawFn) -> ViewLimits:
    left = draw(st.floats(-80, 45))
    right = draw(st.floats(left + 30, 80))
    low = draw(st.floats(-70, 40))
    high = draw(st.floats(low + 10, 75))
    panorama = pitchwise(draw(st.sampled_from([0.0, -25.0, 170.0])), left, right, low, high)
    return ViewLimits(panorama, draw(st.sampled_from([16 / 9, 4 / 3, 1.0, 9 / 16, 2.4])))


all_views = st.builds(View, st.floats(-400, 400), st.floats(-85, 85), st.floats(1, 150))


def margin(limits: ViewLimits, view: View) -> float:
    """How far inside the panorama's pixels (of 2000x500) the picture's outline stays at its worst; negative: outside.

    The panorama has no pole and is convex: what its outline shows is inside says that for all of the picture.
    """
    width, height = 2.0 * limits.aspect, 2.0
    edge = np.linspace(0, 1, 61)
    x = np.concatenate([edge, edge, 0 * edge, 0 * edge + 1]) * width - 0.5
    y = np.concatenate([0 * edge, 0 * edge + 1, edge, edge]) * height - 0.5
    yaw, pitch = rays_to_angles(view.rays(x, y, width, height))  # type: ignore[arg-type]
    px, py = limits.panorama.angles_to_pixels(yaw, pitch)
    inside = np.minimum(np.minimum(px + 0.5, 1999.5 - px), np.minimum(py + 0.5, 499.5 - py))
    return float(np.nan_to_num(inside, nan=-1e9).min())


@settings(max_examples=120, deadline=None)
@given(limits=all_limits(), view=all_views)
@example(ViewLimits(pitchwise(), 16 / 9), View(70, -20, 40))
def test_a_clamped_view_shows_nothing_outside(limits: ViewLimits, view: View) -> None:
    clamped = limits.clamp(view)
    assert margin(limits, clamped) > -0.02  # of a pixel: a millionth of a radian where it is stretched most
    assert limits.contains(clamped)
    assert clamped.fov_deg <= view.fov_deg
    assert limits.clamp(clamped) == clamped


@settings(max_examples=250, deadline=None)
@given(limits=all_limits(), view=all_views)
def test_contains_agrees_with_brute_force(limits: ViewLimits, view: View) -> None:
    worst = margin(limits, view)
    assume(abs(worst) > 0.05)
    assert limits.contains(view) == (worst > 0)


@settings(max_examples=40, deadline=None)
@given(limits=all_limits(), view=all_views)
def test_a_clamped_view_is_as_near_as_it_can_be(limits: ViewLimits, view: View) -> None:
    clamped = limits.clamp(view)
    panorama, step = limits.panorama, 0.1
    if clamped.fov_deg < view.fov_deg - 1e-9:
        wider = min(150.0, clamped.fov_deg + step)
        for yaw in np.degrees(np.linspace(panorama.yaw_min, panorama.yaw_max, 25)):
            for pitch in np.linspace(-84, 84, 43):
                assert margin(limits, View(float(yaw), float(pitch), wider)) < 0
        return
    off = (view.yaw_deg - clamped.yaw_deg + 180) % 360 - 180
    if abs(off) > step:  # a little nearer to the yaw that was asked for, no pitch will do
        nearer = clamped.yaw_deg + math.copysign(step, off)
        for pitch in np.linspace(-85, 85, 69):
            assert margin(limits, View(nearer, float(pitch), clamped.fov_deg)) < 0
    tilt = view.pitch_deg - clamped.pitch_deg
    if abs(tilt) > step:
        nearer = clamped.pitch_deg + math.copysign(step, tilt)
        assert margin(limits, View(clamped.yaw_deg, nearer, clamped.fov_deg)) < 0


def test_towards_a_side_the_camera_tilts_rather_than_turns_away() -> None:
    limits = ViewLimits(pitchwise(), 16 / 9)
    view = limits.clamp(View(55, -25, 20))
    assert view.yaw_deg == pytest.approx(55)
    assert view.pitch_deg > -20


def test_a_panorama_smaller_than_any_view_is_refused() -> None:
    limits = ViewLimits(pitchwise(low=0, high=0.3), 16 / 9)
    assert not limits.contains(View(0, 0, 1))
    with pytest.raises(ValueError, match="smaller than any view"):
        limits.clamp(View(0, 0, 50))
