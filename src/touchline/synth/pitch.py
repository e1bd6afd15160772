"""The ground that the synthetic match is played on, and where the mast stands.

World frame, in metres: x along the touchlines (the half-way line is x = 0), y away from the cameras (the near
touchline is y = -34), z up, the centre spot at the origin. Dimensions follow the Laws of the Game, law 1.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from touchline.geometry.angles import Floats, rays_to_angles
from touchline.geometry.outline import FieldOutline

HALF_LENGTH: Final = 52.5
HALF_WIDTH: Final = 34.0
GOAL_HALF_WIDTH: Final = 3.66
GOAL_HEIGHT: Final = 2.44
GOAL_DEPTH: Final = 2.0
CIRCLE_RADIUS: Final = 9.15
LINE_HALF_WIDTH: Final = 0.06
BALL_RADIUS: Final = 0.11

# The boards stop the ball at the far side and behind the goals; a fence out of sight stops it at the near side.
BOARD_X: Final = HALF_LENGTH + 5.0
BOARD_Y: Final = HALF_WIDTH + 4.5

# What stands around: boards, a roofed stand at the far side, one behind each goal. Slopes rise per metre of depth.
BOARD_HEIGHT: Final = 0.95
GRASS_X: Final = HALF_LENGTH + 4.6
GRASS_Y: Final = HALF_WIDTH + 4.0
STAND_SLOPE: Final = 0.55
STAND_BASE: Final = 1.5
FAR_STAND: Final = HALF_WIDTH + 8.0
FAR_DEPTH: Final = 16.0
FAR_HALF: Final = 50.0
ROOF_HEIGHT: Final = 12.6
END_STAND: Final = HALF_LENGTH + 9.0
END_DEPTH: Final = 11.0

MAST_SETBACK: Final = 16.0
MAST_HEIGHT: Final = 10.0
EYE: Final = (0.0, -HALF_WIDTH - MAST_SETBACK, MAST_HEIGHT)
"""Where all cameras of the rig are: on the half-way line, behind the near touchline."""

SUN: Final = (0.52, -0.46, 1.0)
"""Towards the sun, per metre of height: an object of height h throws its shadow to (-0.52 h, 0.46 h)."""


def world_to_rig(points: ArrayLike) -> Floats:
    """Directions in the rig's frame, shape (..., 3), in metres from the mast, of points in the world."""
    seen = np.asarray(points, dtype=np.float64) - np.array(EYE)
    return np.stack([seen[..., 0], -seen[..., 2], seen[..., 1]], axis=-1)


def rig_to_world(rays: ArrayLike) -> Floats:
    """Directions in the world, shape (..., 3), of directions in the rig's frame: axes only, no shift."""
    rays = np.asarray(rays, dtype=np.float64)
    return np.stack([rays[..., 0], rays[..., 2], -rays[..., 1]], axis=-1)


def field_outline() -> FieldOutline:
    """The field's four corners as the mast sees them."""
    corners = [(x * HALF_LENGTH, y * HALF_WIDTH, 0.0) for x, y in ((-1, -1), (-1, 1), (1, 1), (1, -1))]
    yaw, pitch = (np.degrees(angle) for angle in rays_to_angles(world_to_rig(corners)))
    return FieldOutline(tuple(zip(yaw.tolist(), pitch.tolist(), strict=True)))
