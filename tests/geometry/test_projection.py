"""A panorama's pixels and angles belong together, and a fitted one shows no black."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from touchline.errors import RigError
from touchline.geometry import Camera, Distortion, Panorama, Rig, fit_panorama
from touchline.geometry.fitting import coverage

PROJECTIONS: tuple[Any, ...] = ("equirectangular", "cylindrical")  # the third: test_pitch_projection.py


def small(projection: Any = "equirectangular", **changes: Any) -> Panorama:
    limits = {"yaw_min": -1.0, "yaw_max": 1.0, "pitch_min": -0.4, "pitch_max": 0.2}
    return Panorama(**({"projection": projection, "width": 400, "height": 100} | limits | changes))


@pytest.mark.parametrize("projection", PROJECTIONS)
@given(x=st.floats(-0.5, 399.5), y=st.floats(-0.5, 99.5))
def test_pixels_come_back(projection: Any, x: float, y: float) -> None:
    panorama = small(projection)
    back = panorama.angles_to_pixels(*panorama.pixels_to_angles(x, y))
    assert (float(back[0]), float(back[1])) == pytest.approx((x, y), abs=1e-9)


@pytest.mark.parametrize("projection", PROJECTIONS)
def test_the_edges_of_the_picture_are_the_limits(projection: Any) -> None:
    panorama = small(projection)
    yaw, pitch = panorama.pixels_to_angles([-0.5, 399.5], [-0.5, 99.5])
    assert yaw == pytest.approx([-1.0, 1.0])
    assert pitch == pytest.approx([0.2, -0.4])  # the first row is the highest


def test_rows_are_even_in_pitch_or_in_its_tangent() -> None:
    rows = np.arange(100.0)
    even = small("equirectangular").pixels_to_angles(0, rows)[1]
    assert np.diff(even) == pytest.approx(np.full(99, -0.6 / 100))
    tall = np.tan(small("cylindrical").pixels_to_angles(0, rows)[1])
    assert np.diff(tall) == pytest.approx(np.full(99, (math.tan(-0.4) - math.tan(0.2)) / 100))


def test_rays_and_scaled_agree_with_the_angles() -> None:
    panorama = small("cylindrical")
    half = panorama.scaled(200, 50)
    # The middle of a pixel of the small picture lies between four pixels of the large one.
    assert half.rays(10, 20) == pytest.approx(panorama.rays(20.5, 40.5), abs=1e-12)
    assert half.to_dict()["yaw_deg"] == pytest.approx([math.degrees(-1.0), math.degrees(1.0)])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"projection": "mercator"}, "unknown projection"),
        ({"width": 401}, "even size"),
        ({"height": 0}, "even size"),
        ({"yaw_min": 1.0}, "yaw limits"),
        ({"yaw_max": 6.0}, "full turn"),
        ({"yaw_max": math.nan}, "yaw limits"),
        ({"pitch_min": 0.3}, "pitch limits"),
        ({"pitch_max": 1.6}, "poles"),
        ({"projection": "cylindrical", "pitch_max": 1.5}, "poles"),
    ],
)
def test_impossible_panoramas_are_refused(changes: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        small(**changes)


def two_cameras(
    fov: float, apart: float, pitch: float, rolls: tuple[float, float], lens: Distortion | None = None
) -> Rig:
    return Rig(
        tuple(
            Camera.from_fov(1600, 1000, fov, lens, yaw_deg=side * apart / 2, pitch_deg=pitch, roll_deg=roll)
            for side, roll in zip((-1, 1), rolls, strict=True)
        )
    )


@st.composite
def rigs(draw: st.DrawFn) -> Rig:
    k1 = draw(st.floats(-0.2, 0.05))
    lens = Distortion("brown", (k1,)) if draw(st.booleans()) else Distortion("fisheye", (k1 / 4,))
    roll = st.floats(-6, 6)
    fov = draw(st.floats(40, 80))
    return two_cameras(
        fov, fov * draw(st.floats(0.5, 0.85)), draw(st.floats(-20, 5)), (draw(roll), draw(roll)), lens
    )


def uncovered(rig: Rig, panorama: Panorama, columns: int = 800, rows: int = 300) -> int:
    """How many directions of a fine grid right up to the edges no camera sees."""
    x = np.linspace(-0.5, panorama.width - 0.5, columns)
    y = np.linspace(-0.5, panorama.height - 0.5, rows)
    yaw, pitch = panorama.pixels_to_angles(x[None, :], y[:, None])
    return int((~coverage(rig, *np.broadcast_arrays(yaw, pitch))).sum())


@pytest.mark.parametrize(
    "projection", ["equirectangular", pytest.param("cylindrical", marks=pytest.mark.slow)]
)
@settings(max_examples=8, deadline=None, phases=[Phase.generate])  # to shrink an example takes minutes
@given(rig=rigs())
def test_a_fitted_panorama_is_covered_and_cannot_grow(projection: Any, rig: Rig) -> None:
    panorama = fit_panorama(rig, projection)
    assert panorama.width % 16 == 0
    assert panorama.height % 4 == 0
    assert uncovered(rig, panorama) == 0
    degree = math.radians(1)
    limits = {name: getattr(panorama, name) for name in ("yaw_min", "yaw_max", "pitch_min", "pitch_max")}
    for name, value in limits.items():
        grown = limits | {name: value + (degree if name.endswith("max") else -degree)}
        assert uncovered(rig, Panorama(projection, panorama.width, panorama.height, **grown)) > 0, name


def test_a_notch_between_two_rolled_cameras_is_left_out() -> None:
    """Where the upper edges of two cameras cross between two samples there was a black pixel."""
    rig = two_cameras(69.7, 44.0, -8.0, (5.0, -5.0))
    panorama = fit_panorama(rig, "cylindrical")
    assert uncovered(rig, panorama, columns=4000, rows=40) == 0


def test_pixels_are_as_fine_as_the_cameras() -> None:
    rig = two_cameras(60, 40, -5, (0, 0))
    panorama = fit_panorama(rig)
    pixels_per_radian = panorama.width / (panorama.yaw_max - panorama.yaw_min)
    assert pixels_per_radian == pytest.approx(rig.left.fx, rel=0.01)
    assert fit_panorama(rig, size=(1280, 320)).width == 1280


def test_cameras_that_cover_nothing_are_refused() -> None:
    with pytest.raises(RigError, match="calibrate it again"):
        fit_panorama(Rig((Camera.from_fov(100, 100, 4),)))
