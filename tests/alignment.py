"""How well a rig that was found puts two cameras together."""

from __future__ import annotations

import numpy as np

from touchline.geometry import Rig, angles_to_rays


def misalignment(found: Rig, true: Rig, least: int = 500) -> np.ndarray:
    """How far apart, in pixels of the right picture, the found rig puts what both cameras truly see at one place.

    Args:
        found, true: the rigs.
        least: so many directions of the grid must be seen by both true cameras.
    """
    yaw, pitch = np.meshgrid(np.radians(np.arange(-30, 30, 0.5)), np.radians(np.arange(-50, 30, 0.5)))
    rays = angles_to_rays(yaw, pitch)
    left, seen_left = true.left.project(rays)
    right, seen_right = true.right.project(rays)
    both = seen_left & seen_right
    assert np.count_nonzero(both) > least
    there, _ = found.right.project(found.left.unproject(left[both]))
    return np.linalg.norm(there - right[both], axis=-1)
