"""Sizes on the ground, against the figures that are drawn there."""

from __future__ import annotations

import math

import numpy as np
import pytest

from touchline.analysis.ground import Ground, HeightEstimate, height_from
from touchline.geometry import FieldOutline, Panorama, rays_to_angles
from touchline.synth.pitch import HALF_LENGTH, HALF_WIDTH, MAST_HEIGHT, world_to_rig

ANGLES = tuple(math.radians(a) for a in (-75, 75, -34, 12))
PANORAMAS = [Panorama(kind, 2000, 600, *ANGLES) for kind in ("equirectangular", "cylindrical", "pitch")]


def pixels(panorama: Panorama, points: list[tuple[float, float, float]]) -> np.ndarray:
    return np.stack(panorama.angles_to_pixels(*rays_to_angles(world_to_rig(np.array(points)))), axis=-1)


@pytest.mark.parametrize("panorama", PANORAMAS, ids=lambda p: p.projection)
@pytest.mark.parametrize(("x", "y"), [(0, 0), (0, -33), (45, 30), (-50, -10), (20, 34)])
def test_people_and_balls_have_the_size_that_their_outlines_have(
    panorama: Panorama, x: float, y: float
) -> None:
    ground = Ground(panorama, MAST_HEIGHT)
    foot, head = pixels(panorama, [(x, y, 0.0), (x, y, 1.8)])
    wide, tall = ground.person(foot[0], foot[1])
    assert float(tall) == pytest.approx(foot[1] - head[1], rel=0.03, abs=0.3)
    away = math.hypot(x, y + HALF_WIDTH + 16)
    beside = np.array([y + HALF_WIDTH + 16, -x]) / away
    sides = [(x + s * beside[0], y + s * beside[1], 0.9) for s in (-0.3, 0.3)]
    left, right = pixels(panorama, sides)
    assert float(wide) == pytest.approx(right[0] - left[0], rel=0.03, abs=0.1)
    assert float(ground.distance(foot[0], foot[1])) == pytest.approx(away, rel=0.01)
    left, right = pixels(panorama, [(x + s * beside[0], y + s * beside[1], 0.11) for s in (-0.11, 0.11)])
    assert float(ground.ball(*foot)) == pytest.approx(right[0] - left[0], rel=0.12, abs=0.05)


def test_the_sky_is_as_far_away_as_can_be() -> None:
    ground = Ground(PANORAMAS[0], MAST_HEIGHT)
    assert float(ground.distance(1000, 0)) == pytest.approx(130)
    assert float(ground.ball(1000, 0)) == pytest.approx(ground.smallest_ball)
    with pytest.raises(ValueError, match="60 m above the ground, not 0"):
        Ground(PANORAMAS[0], 0)


def test_the_height_follows_from_the_fields_length() -> None:
    corners = [(a * HALF_LENGTH, b * HALF_WIDTH, 0.0) for a, b in ((-1, -1), (-1, 1), (1, 1), (1, -1))]
    yaw, pitch = rays_to_angles(world_to_rig(np.array(corners)))
    field = FieldOutline(tuple(zip(np.degrees(yaw).tolist(), np.degrees(pitch).tolist(), strict=True)))
    assert height_from(field, 2 * HALF_LENGTH) == pytest.approx(MAST_HEIGHT, rel=1e-6)
    assert height_from(field, 10_000) is None
    assert height_from(FieldOutline(((-20, -10), (20, -10), (0, 0))), 100) is None


def test_the_height_is_learnt_from_people_among_much_else() -> None:
    rng = np.random.default_rng(1)
    estimate = HeightEstimate(7.0)
    for _ in range(30):
        used = estimate.height_m
        # What is expected at the height believed; seen are persons from the true one, groups, and half ones.
        expected = rng.uniform(10, 60, 12)
        seen = expected * used / 11.0 * rng.normal(1, 0.05, 12)
        seen[:3] *= rng.uniform(1.3, 2.5, 3)
        seen[3:6] *= rng.uniform(0.3, 0.8, 3)
        estimate.observe(seen, expected, used)
    assert estimate.height_m == pytest.approx(11.0, rel=0.08)
