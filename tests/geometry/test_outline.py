"""The field's outline: edges straight on the ground, insides exact in any projection, and nothing impossible."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from touchline.errors import RigError
from touchline.geometry import FieldOutline, Panorama, Rig, angles_to_rays, fit_panorama, rays_to_angles
from touchline.synth.pitch import EYE, HALF_LENGTH, HALF_WIDTH, rig_to_world, world_to_rig
from touchline.synth.rig import default_rig

RIG = default_rig(3)
CORNERS = tuple((x * HALF_LENGTH, y * HALF_WIDTH, 0.0) for x, y in ((-1, -1), (-1, 1), (1, 1), (1, -1)))


def outline_of(world: Any) -> FieldOutline:
    """The outline of places in the world, shape (n, 3)."""
    yaw, pitch = rays_to_angles(world_to_rig(np.array(world)))
    return FieldOutline(tuple(zip(np.degrees(yaw).tolist(), np.degrees(pitch).tolist(), strict=True)))


FIELD = outline_of(CORNERS)


def on_the_ground(rays: np.ndarray) -> np.ndarray:
    """Where directions meet the ground, x and y in metres; nan above the horizon."""
    world = rig_to_world(rays)
    down = np.where(world[..., 2] < -1e-9, -world[..., 2], np.nan)
    return np.array(EYE[:2]) + world[..., :2] * (EYE[2] / down)[..., None]


def truly_inside(rays: np.ndarray) -> np.ndarray:
    place = np.abs(on_the_ground(rays))
    return (place[..., 0] < HALF_LENGTH) & (place[..., 1] < HALF_WIDTH)


@pytest.mark.parametrize("projection", ["equirectangular", "cylindrical", "pitch"])
@pytest.mark.parametrize("scale", [1.0, 0.27])
def test_a_mask_is_the_field_on_the_ground(projection: Any, scale: float) -> None:
    """From four corners alone, though the near touchline is bent in two of the pictures."""
    panorama = fit_panorama(RIG, projection)
    panorama = panorama.scaled(round(panorama.width * scale / 2) * 2, round(panorama.height * scale / 2) * 2)
    mask = FIELD.mask(panorama)
    rays = panorama.rays(np.arange(panorama.width)[None, :], np.arange(panorama.height)[:, None])
    assert mask.shape == (panorama.height, panorama.width)
    assert 0.2 < mask.mean() < 0.9
    assert np.array_equal(mask, truly_inside(rays))


def test_a_margin_is_an_angle_all_around() -> None:
    panorama = Panorama("equirectangular", 900, 400, -1.5, 1.5, -0.9, 0.2)
    wide, mask = FIELD.mask(panorama, 2.0), FIELD.mask(panorama)
    assert (wide | mask).sum() == wide.sum() > mask.sum()
    edge = FIELD.path(0.05)
    rays = panorama.rays(np.arange(0, 900, 7)[None, :], np.arange(0, 400, 7)[:, None]).reshape(-1, 3)
    nearest = np.arccos(np.clip(rays @ edge.T, -1, 1).max(axis=1))
    reference = truly_inside(rays) | (nearest < math.radians(2.0))
    unsure = np.abs(nearest - math.radians(2.0)) < math.radians(0.1)
    assert np.array_equal(wide[::7, ::7].ravel()[~unsure], reference[~unsure])


def test_the_path_is_straight_on_the_ground() -> None:
    place = on_the_ground(FIELD.path(0.5))
    off = np.minimum(np.abs(np.abs(place[:, 0]) - HALF_LENGTH), np.abs(np.abs(place[:, 1]) - HALF_WIDTH))
    assert off.max() < 1e-6
    assert np.abs(place).max() < HALF_LENGTH + 1e-6


@settings(deadline=None)
@given(yaw=st.floats(-179, 179), pitch=st.floats(-84, 84), margin=st.floats(0, 5))
def test_a_direction_is_kept_on_the_field(yaw: float, pitch: float, margin: float) -> None:
    kept = FIELD.keep(yaw, pitch, margin)
    ray, there = (angles_to_rays(*(math.radians(a) for a in angles)) for angles in ((yaw, pitch), kept))
    off = float(FIELD.distance(ray))
    assert math.degrees(float(FIELD.distance(there))) <= margin + 1e-6
    if math.degrees(off) <= margin:
        assert kept == (yaw, pitch)
        return
    assume(math.degrees(off) < 170)
    moved = math.degrees(math.acos(float(np.clip(ray @ there, -1, 1))))
    assert moved == pytest.approx(math.degrees(off) - margin, abs=1e-3)  # no further than it must be


@pytest.mark.parametrize("turned", [-70, -30, 0, 12, 44])
def test_the_normal_crosses_the_touchlines(turned: float) -> None:
    yaw_pitch = [(yaw + turned, pitch) for yaw, pitch in FIELD.points]
    turned_field = FieldOutline(tuple(((yaw + 180) % 360 - 180, pitch) for yaw, pitch in yaw_pitch))
    wanted = (turned + 45) % 90 - 45  # of two directions at right angles the one that is more ahead
    assert turned_field.normal_deg == pytest.approx(wanted, abs=1e-6)


def test_above_the_horizon_nothing_says_where_the_touchlines_run() -> None:
    assert FieldOutline(((-20, 5), (20, 5), (0, 20))).normal_deg == 0


SQUARE = ((-20.0, -10.0), (20.0, -10.0), (20.0, -30.0), (-20.0, -30.0))


@pytest.mark.parametrize(
    ("points", "message"),
    [
        (SQUARE[:2], "3 to 500 corners, not 2"),
        (SQUARE[:1] * 501, "3 to 500 corners, not 501"),
        ((*SQUARE[:3], (math.nan, 0.0)), "corner 4 of the field, nan,0, is no direction"),
        ((*SQUARE[:3], (0.0, math.inf)), "corner 4"),
        ((*SQUARE[:3], (181.0, 0.0)), "corner 4 of the field, 181,0"),
        ((*SQUARE[:3], (0.0, -91.0)), "corner 4"),
        ((*SQUARE, SQUARE[3]), "corner 4 of the field is the next one too"),
        ((SQUARE[0], SQUARE[2], SQUARE[1], SQUARE[3]), "crosses itself: the edges after corners 1 and 3"),
        (((-120.0, 0.0), (0.0, 0.0), (120.0, 0.0)), "half a turn or more"),
        (((0.0, -10.0), (0.0, -20.0), (0.0, -30.0)), "encloses nothing"),
    ],
)
def test_impossible_outlines_are_refused(points: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        FieldOutline(points)


@given(
    st.lists(st.tuples(st.floats(-80, 80), st.floats(-60, -1)), min_size=3, max_size=7, unique=True).map(
        tuple
    )
)
def test_a_polygon_that_is_accepted_does_not_cross_itself(points: Any) -> None:
    """The reference walks along the edges and counts how often they come near each other."""
    try:
        field = FieldOutline(points)
    except ValueError:
        return
    rays, after = field.rays, np.roll(field.rays, -1, axis=0)
    for i in range(len(rays)):
        for j in range(i + 2, len(rays)):
            if (j + 1) % len(rays) == i:
                continue
            # Great circles meet in two points; neither may lie on both arcs.
            meet = np.cross(np.cross(rays[i], after[i]), np.cross(rays[j], after[j]))
            if np.linalg.norm(meet) < 1e-9:
                continue
            for place in (meet / np.linalg.norm(meet), -meet / np.linalg.norm(meet)):
                on = [min(place @ rays[k], place @ after[k]) > rays[k] @ after[k] + 1e-9 for k in (i, j)]
                assert not all(on)


def test_a_rig_keeps_its_field(tmp_path: Path) -> None:
    path = tmp_path / "rig.json"
    rig = replace(RIG, field=SQUARE)
    rig.save(path)
    again = Rig.load(path)
    assert again == rig
    assert again.field == SQUARE
    assert again.outline == FieldOutline(SQUARE)
    assert Rig(RIG.cameras).outline is None


def test_a_file_of_before_has_no_field(tmp_path: Path) -> None:
    path = tmp_path / "rig.json"
    data = RIG.to_dict()
    del data["field"]
    path.write_text(json.dumps(data))
    assert Rig.load(path).field == ()


@pytest.mark.parametrize(
    ("field", "message"),
    [
        ([[0, 0], [1, 1]], "3 to 500 corners"),
        ([[0, 0], [1, 1], [2]], "ValueError"),
        ([[0, 0], [1, 1], "ab"], "ValueError"),
        ([[0, 0], [1, 1], [float("nan"), 1]], "no direction"),
        (7, "TypeError"),
        ([1, 2, 3], "TypeError"),
    ],
)
def test_a_file_with_an_impossible_field_is_refused(tmp_path: Path, field: Any, message: str) -> None:
    path = tmp_path / "rig.json"
    path.write_text(json.dumps(RIG.to_dict() | {"field": field}))
    with pytest.raises(RigError, match=message) as caught:
        Rig.load(path)
    assert "\n" not in str(caught.value)
