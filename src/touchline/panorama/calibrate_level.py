"""Which way is down when no line says so."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares

from touchline.geometry import Rig, rotation_from_angles, rotation_to_angles
from touchline.panorama.calibrate_adjust import unlikely_mast

Floats = NDArray[np.float64]


def level(rig: Rig) -> Rig:
    """The same two cameras, turned together so that the rig is as level as can be told from how they stand.

    Two pictures of one viewpoint say nothing of where down is. Cameras on a mast, however, are mounted level:
    the direction at right angles to both their horizontal axes is down (as in Brown and Lowe 2007, section 5). The
    closer together they look, the less that says about their common tilt; then it counts that steep tilts are
    rare.
    """
    turns = level_turns((rig.left.rotation, rig.right.rotation))
    cameras = (rig.left.rotated(turns[0]), rig.right.rotated(turns[1]))
    return replace(rig, cameras=cameras)


def level_turns(turns: tuple[Floats, Floats]) -> tuple[Floats, Floats]:
    """:func:`level` for two rotations from the rig's frame to a camera's, shape (3, 3) each."""
    left, right = turns
    between = right @ left.T

    def turned(p: Floats) -> tuple[Floats, Floats]:
        one = rotation_from_angles(*(float(a) for a in p))
        return one, np.asarray(between @ one)

    start = np.array([-rotation_to_angles(between)[0] / 2, 0.0, 0.0])

    def unlikely(p: Floats) -> Floats:
        return unlikely_mast(turned(p))

    found = least_squares(unlikely, start, x_scale=0.1)
    return turned(found.x)
