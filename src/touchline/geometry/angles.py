"""Directions as yaw and pitch, and rotations as yaw, pitch and roll. Radians."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


def angles_to_rays(yaw: ArrayLike, pitch: ArrayLike) -> Floats:
    """Unit vectors in the rig's frame, shape (..., 3), for yaw and pitch in radians (broadcast together)."""
    yaw, pitch = np.broadcast_arrays(np.asarray(yaw, dtype=np.float64), np.asarray(pitch, dtype=np.float64))
    level = np.cos(pitch)
    return np.stack([level * np.sin(yaw), -np.sin(pitch), level * np.cos(yaw)], axis=-1)


def rays_to_angles(rays: ArrayLike) -> tuple[Floats, Floats]:
    """Yaw in (-pi, pi] and pitch in [-pi/2, pi/2] of vectors of any length, shape (..., 3)."""
    rays = np.asarray(rays, dtype=np.float64)
    x, y, z = rays[..., 0], rays[..., 1], rays[..., 2]
    return np.arctan2(x, z), np.arctan2(-y, np.hypot(x, z))


def rotation_from_angles(yaw: float, pitch: float, roll: float) -> Floats:
    """The matrix, shape (3, 3), that takes the rig's frame to the frame of a camera with these angles.

    The camera is first rolled about its own axis, then pitched up, then turned to the right; so
    ``rotation_from_angles(yaw, pitch, 0).T @ [0, 0, 1]`` equals ``angles_to_rays(yaw, pitch)``.
    """
    cy, sy = math.cos(yaw), math.sin(yaw)
    cp, sp = math.cos(pitch), math.sin(pitch)
    cr, sr = math.cos(roll), math.sin(roll)
    turn = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    tilt = np.array([[1, 0, 0], [0, cp, -sp], [0, sp, cp]])
    spin = np.array([[cr, -sr, 0], [sr, cr, 0], [0, 0, 1]])
    to_rig: Floats = turn @ tilt @ spin
    return np.ascontiguousarray(to_rig.T)


def rotation_to_angles(rotation: ArrayLike) -> tuple[float, float, float]:
    """Yaw, pitch and roll of a rotation: the inverse of :func:`rotation_from_angles` (|pitch| < pi/2)."""
    to_rig = np.asarray(rotation, dtype=np.float64).T
    yaw = math.atan2(to_rig[0, 2], to_rig[2, 2])
    pitch = math.asin(max(-1.0, min(1.0, -to_rig[1, 2])))
    roll = math.atan2(to_rig[1, 0], to_rig[1, 1])
    return yaw, pitch, roll
