"""Rays of pixels and pixels of rays, compiled: the search for a rig asks for both ten thousand times."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
from numba import njit
from numpy.typing import NDArray

F = TypeVar("F", bound=Callable[..., Any])
_compiled: Callable[[F], F] = njit(nogil=True, cache=True)
Floats = NDArray[np.float64]

STEEPEST = 1.45  # radians from the axis; tangents mean nothing beyond
LEAST_GROWTH = 0.2  # slopes of the polynomials are cut here, where they would fold back
_ROUNDS, _EXACT = 8, 1e-9  # of Newton's method


@_compiled
def _straight(bent: float, k1: float, k2: float, k3: float) -> float:
    """The radius (or angle) before distortion, by Newton's method."""
    r = bent
    for _ in range(_ROUNDS):
        r2 = r * r
        slope = 1 + r2 * (3 * k1 + r2 * (5 * k2 + r2 * 7 * k3))
        step = (r * (1 + r2 * (k1 + r2 * (k2 + r2 * k3))) - bent) / max(slope, LEAST_GROWTH)
        r = min(max(r - step, 0.0), 8.0)
        if abs(step) < _EXACT:
            break
    return r


@_compiled
def _sideways(x: float, y: float, p1: float, p2: float) -> tuple[float, float]:
    """What the tangential terms add."""
    r2 = x * x + y * y
    return 2 * p1 * x * y + p2 * (r2 + 2 * x * x), p1 * (r2 + 2 * y * y) + 2 * p2 * x * y


@_compiled
def rays_of(fisheye: bool, numbers: tuple[float, ...], pixels: Floats) -> Floats:
    """Unit vectors, shape (n, 3), of pixels, shape (n, 2).

    Args:
        fisheye: the model; else ``brown``.
        numbers: focal length, centre x and y in pixels, k1, k2, k3, p1, p2.
        pixels: coordinates.
    """
    focal, cx, cy, k1, k2, k3, p1, p2 = numbers
    out = np.empty((len(pixels), 3))
    for n in range(len(pixels)):
        u, v = (pixels[n, 0] - cx) / focal, (pixels[n, 1] - cy) / focal
        bent = math.hypot(u, v)
        straight = _straight(bent, k1, k2, k3)
        if fisheye:
            share = math.sin(straight) / max(bent, 1e-12)
            out[n, 0], out[n, 1], out[n, 2] = u * share, v * share, math.cos(straight)
            continue
        share = straight / max(bent, 1e-12)
        x, y = u * share, v * share
        if p1 != 0 or p2 != 0:
            # The tangential terms are small: they are taken off as they are at the place found so far.
            for _ in range(3):
                aside, down = _sideways(x, y, p1, p2)
                bent = math.hypot(u - aside, v - down)
                share = _straight(bent, k1, k2, k3) / max(bent, 1e-12)
                x, y = (u - aside) * share, (v - down) * share
        length = math.sqrt(x * x + y * y + 1.0)
        out[n, 0], out[n, 1], out[n, 2] = x / length, y / length, 1.0 / length
    return out


@_compiled
def pixels_of(fisheye: bool, numbers: tuple[float, ...], rays: Floats) -> Floats:
    """Pixels, shape (n, 2), of vectors, shape (n, 3); arguments as of :func:`rays_of`.

    Far from the axis the polynomials mean nothing: positions grow on, for a solver's sake.
    """
    focal, cx, cy, k1, k2, k3, p1, p2 = numbers
    out = np.empty((len(rays), 2))
    for n in range(len(rays)):
        across = math.hypot(rays[n, 0], rays[n, 1])
        r = math.atan2(across, rays[n, 2])
        if not fisheye:
            r = math.tan(min(r, STEEPEST))
        r2 = r * r
        growth = max(1 + r2 * (k1 + r2 * (k2 + r2 * k3)), LEAST_GROWTH)
        share = r / max(across, 1e-12)
        x, y = rays[n, 0] * share, rays[n, 1] * share
        u, v = x * growth, y * growth
        if not fisheye and (p1 != 0 or p2 != 0):
            aside, down = _sideways(x, y, p1, p2)
            u, v = u + aside, v + down
        out[n, 0], out[n, 1] = u * focal + cx, v * focal + cy
    return out
