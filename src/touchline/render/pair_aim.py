"""Where the blocks of a view lie in two cameras' pictures, and which of the two each block shows.

The same as :mod:`touchline.panorama.warp` works out once for a panorama, quick enough to be done for each frame of a
camera that moves: 4000 block corners of 1280x720, in both pictures, in a fraction of a millisecond.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
from numba import njit
from numpy.typing import NDArray

from touchline.geometry import Camera
from touchline.panorama.kernels import BLOCK, LEFT, LEFT_INSIDE, ONE, RIGHT, RIGHT_INSIDE

Floats = NDArray[np.float64]
F = TypeVar("F", bound=Callable[..., Any])
_compiled: Callable[[F], F] = njit(nogil=True, cache=True)

_FAR = 1e4  # pixels: further outside a picture than this is not told apart
_STEEP = 10.0  # as in touchline.panorama.warp: the upper and lower edges count only from close by
_LEAST_SHARE = 1 / 256


def lens_of(camera: Camera) -> Floats:
    """A camera as numbers for :func:`project_rays`: rotation, focal lengths, centre, model, limit, coefficients."""
    lens = camera.distortion
    fisheye = lens.model == "fisheye"
    return np.array(
        [
            *camera.rotation.ravel(),
            *(camera.fx, camera.fy, camera.cx, camera.cy),
            *(1.0 if fisheye else 0.0, lens.limit if fisheye else math.tan(lens.limit)),
            *(*lens.coefficients, 0.0)[:5],
        ]
    )


@_compiled
def project_rays(rays: Floats, lens: Floats, nodes: Floats) -> None:
    """Where directions land in a camera's picture, also beyond its edges.

    The models of :class:`touchline.geometry.Distortion`.

    Args:
        rays: vectors of any length in the rig's frame, shape (rows, columns, 3).
        lens: of :func:`lens_of`.
        nodes: written, shape (rows, columns, 2): pixel coordinates; nan where the lens has none.
    """
    r, fx, fy, cx, cy = lens[:9], lens[9], lens[10], lens[11], lens[12]
    fisheye, limit = lens[13] > 0.0, lens[14]
    a, b, c, d, e = lens[15], lens[16], lens[17], lens[18], lens[19]
    for row in range(rays.shape[0]):
        for column in range(rays.shape[1]):
            p, q, s = rays[row, column, 0], rays[row, column, 1], rays[row, column, 2]
            x = r[0] * p + r[1] * q + r[2] * s
            y = r[3] * p + r[4] * q + r[5] * s
            z = r[6] * p + r[7] * q + r[8] * s
            across = math.sqrt(x * x + y * y)
            u = v = math.nan
            if fisheye:
                angle = math.atan2(across, z)
                if angle < limit:
                    t = angle * angle
                    reach = angle * (1 + t * (a + t * (b + t * (c + t * d))))
                    scale = reach / across if across > 1e-12 else 1 / abs(z)
                    u, v = x * scale, y * scale
            elif across < z * limit:  # never behind the lens
                x, y = x / z, y / z
                t = x * x + y * y
                radial = 1 + t * (a + t * (b + t * e))
                u = x * radial + 2 * c * x * y + d * (t + 2 * x * x)
                v = y * radial + c * (t + 2 * y * y) + 2 * d * x * y
            u, v = fx * u + cx, fy * v + cy
            nodes[row, column, 0] = u if u > -1e5 else math.nan
            nodes[row, column, 1] = v if v > -1e5 else math.nan


@_compiled
def _depth(x: float, y: float, width: int, height: int) -> float:
    """How far inside its picture a camera sees a position, in pixels; see ``panorama.warp.right_share``."""
    across = max(min(x, width - 1 - x), -_FAR) if x == x else -_FAR
    down = max(min(y, height - 1 - y), -_FAR) if y == y else -_FAR
    return min(across, _STEEP * down)


@_compiled
def share_nodes(
    left: Floats,
    right: Floats,
    sizes: tuple[int, int, int, int],
    feather: float,
    block: float,
    shares: Floats,
) -> None:
    """The right picture's share at the block corners: :func:`touchline.panorama.warp.right_share`.

    Args:
        left, right: positions in the pictures, shape (rows + 3, columns + 3, 2), nan where there is none.
        sizes: width and height of the left picture, then of the right one.
        feather: width of the band in which one picture fades into the other, in pixels of the pictures.
        block: how many of those lie along a block's side: between block corners the share is only interpolated.
        shares: written, shape (rows + 1, columns + 1), 0 .. 1.
    """
    for row in range(shares.shape[0]):
        for column in range(shares.shape[1]):
            p, q = left[row + 1, column + 1], right[row + 1, column + 1]
            one, two = _depth(p[0], p[1], sizes[0], sizes[1]), _depth(q[0], q[1], sizes[2], sizes[3])
            band = min(max(one + two - block, 1.0), max(1.0, feather))
            share = min(max(0.5 + 0.5 * (two - one) / band, 0.0), 1.0)
            shares[row, column] = 0.0 if share < _LEAST_SHARE else 1.0 if share > 1 - _LEAST_SHARE else share


@_compiled
def _step(nodes: Floats, row: int, column: int) -> float:
    """The longest step in a source, in samples, along a side of a block, for one sample of the output."""
    step = 0.0
    for axis in range(2):
        f00, f10 = nodes[row + 1, column + 1, axis], nodes[row + 1, column + 2, axis]
        f01, f11 = nodes[row + 2, column + 1, axis], nodes[row + 2, column + 2, axis]
        for side in (f10 - f00, f11 - f01, f01 - f00, f11 - f10):
            step = max(step, abs(side)) if side == side else step
    return step / BLOCK


@_compiled
def join_blocks(
    left: Floats,
    right: Floats,
    left_inside: NDArray[np.uint8],
    right_inside: NDArray[np.uint8],
    shares: Floats,
    kinds: NDArray[np.uint8],
    weights: NDArray[np.int32],
) -> float:
    """Which pictures each block shows, and how they are mixed: what ``warp_rows`` reads.

    Args:
        left, right, shares: of :func:`share_nodes`.
        left_inside, right_inside: blocks of which no fetch needs clamping, shape (rows, columns).
        kinds: written, shape (rows, columns).
        weights: written where both are shown, shape (rows, columns, 4).

    Returns:
        The longest step in a picture, in samples, that goes with one sample's step in the view.
    """
    coarsest = 0.0
    for row in range(kinds.shape[0]):
        for column in range(kinds.shape[1]):
            c00, c10 = shares[row, column], shares[row, column + 1]
            c01, c11 = shares[row + 1, column], shares[row + 1, column + 1]
            kind = 0
            if min(c00, c10, c01, c11) < 1.0:
                kind += LEFT + LEFT_INSIDE * left_inside[row, column]
                coarsest = max(coarsest, _step(left, row, column))
            if max(c00, c10, c01, c11) > 0.0:
                kind += RIGHT + RIGHT_INSIDE * right_inside[row, column]
                coarsest = max(coarsest, _step(right, row, column))
            kinds[row, column] = kind
            w = weights[row, column]
            w[0] = round(c00 * ONE)
            w[1] = round((c10 - c00) / BLOCK * ONE)
            w[2] = round((c01 - c00) / BLOCK * ONE)
            w[3] = round((c11 - c10 - c01 + c00) / (BLOCK * BLOCK) * ONE)
    return coarsest
