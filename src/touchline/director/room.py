"""What the panorama leaves the camera, as planes: within them no view shows anything outside.

The limits of pan and tilt depend on each other and on the field of view, smoothly. A planner needs them linear; each
plane lies on the safe side of what it stands for, as near to it as one plane can (a linear programme finds it).
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linprog

from touchline.geometry import View, ViewLimits

Floats = NDArray[np.float64]
_STEPS = 7  # samples along each axis
_HALVINGS = 18
_SAFE_DEG = 0.02
_SAFE_BENT_DEG = 0.15  # where limits bend between the samples


def room_planes(limits: ViewLimits, narrowest_deg: float, widest_deg: float) -> tuple[Floats, Floats]:
    """Planes A x <= b for x = (yaw, pitch, field of view) in degrees; A of shape (n, 3), b of shape (n,).

    Args:
        limits: of the panorama and the programme's shape.
        narrowest_deg, widest_deg: between which fields of view the planes hold; a view that wide must fit.

    Raises:
        ValueError: if hardly any view fits.
    """
    fovs = np.linspace(narrowest_deg, widest_deg, _STEPS)
    left, right = (math.degrees(a) for a in (limits.panorama.yaw_min, limits.panorama.yaw_max))
    middle = limits.clamp(View((left + right) / 2, 0.0, widest_deg))
    bends = limits.panorama.projection == "pitch"  # elsewhere all yaws have the same room above and below
    rows: list[tuple[float, float, float, float]] = []
    for side in (-1, 1):
        half = [yaw for yaw in np.linspace(left, right, 2 * _STEPS) if (yaw - middle.yaw_deg) * side > 0]
        yaws = [float(yaw) for yaw in half] if bends else [middle.yaw_deg - 5, middle.yaw_deg + 5]
        if bends:  # the planes must hold as far to the side as anything fits
            yaws += [
                limits.clamp(View(middle.yaw_deg + side * 179.0, 0.0, float(fov))).yaw_deg for fov in fovs
            ]
        rows += [_tilt_plane(limits, fovs, [middle.yaw_deg, *yaws], up) for up in (-1, 1)]
        rows.append(_pan_plane(limits, fovs, middle.yaw_deg, side, bends))
    table = np.unique(np.round(np.array(rows), 9), axis=0)
    return table[:, :3], table[:, 3] - (_SAFE_BENT_DEG if bends else _SAFE_DEG)


def _tilt_plane(
    limits: ViewLimits, fovs: Floats, yaws: list[float], up: int
) -> tuple[float, float, float, float]:
    """up * pitch <= a + b * yaw + c * fov."""
    found = []
    for fov in (float(fov) for fov in fovs):
        for yaw in yaws:
            start = limits.clamp(View(yaw, 0.0, fov))
            if abs(start.yaw_deg - yaw) > 1e-6:
                continue  # so far to the side nothing that wide fits
            found.append((yaw, fov, up * _reach(limits, start, up * 84.9)))
    a, b, c = _lower_plane(np.array(found))
    return -b, float(up), -c, a


def _pan_plane(
    limits: ViewLimits, fovs: Floats, middle: float, side: int, bends: bool
) -> tuple[float, float, float, float]:
    """side * yaw <= a + b * pitch + c * fov."""
    found = []
    for fov in (float(fov) for fov in fovs):
        low, high = (limits.clamp(View(middle, pitch, fov)).pitch_deg for pitch in (-85.0, 85.0))
        edges = [
            limits.clamp(View(middle + side * 179.0, float(p), fov)) for p in np.linspace(low, high, _STEPS)
        ]
        if bends:  # the corners' room is what the planes above and below leave
            furthest = max(side * edge.yaw_deg for edge in edges)
            found += [(low, fov, furthest), (high, fov, furthest)]
        else:
            found += [(edge.pitch_deg, fov, side * edge.yaw_deg) for edge in edges]
    a, b, c = _lower_plane(np.array(found))
    return float(side), -b, -c, a


def _reach(limits: ViewLimits, start: View, end: float) -> float:
    """How far a view, which is inside, can be tilted towards the pitch ``end``; a little less."""
    inside = start.pitch_deg
    for _ in range(_HALVINGS):
        half = (inside + end) / 2
        inside, end = (
            (half, end) if limits.contains(View(start.yaw_deg, half, start.fov_deg)) else (inside, half)
        )
    return inside


def _lower_plane(samples: Floats) -> tuple[float, float, float]:
    """The plane a + b u + c v that lies nowhere above samples (u, v, height), and as near as it can."""
    terms = np.column_stack([np.ones(len(samples)), samples[:, :2]])
    solved = linprog(-terms.sum(axis=0), A_ub=terms, b_ub=samples[:, 2], bounds=(None, None))
    if solved.x is None:
        raise ValueError("the panorama is too small for the fields of view asked for")
    a, b, c = (float(value) for value in solved.x)
    return a, b, c
