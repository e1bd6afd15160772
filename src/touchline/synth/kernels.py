# mypy: disable-error-code="untyped-decorator,no-untyped-def,no-untyped-call"
"""Compiled: what moves, drawn over a copy of the still scene; frame numbers; sensor noise.

A figure is drawn in a plane of its own that faces the mast at its distance: each limb is a stadium shape (a
segment with a radius) there, and a pixel's cover follows from its distance to the outline, so that edges are
smooth without more than one ray per pixel. Limbs are painted from far to near.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from touchline.synth.backdrop_kernels import ray_at
from touchline.synth.pitch import EYE, SUN
from touchline.synth.surface_kernels import scramble

EX, EY, EZ = EYE
SHADOW_DEPTH = 0.42


@njit(nogil=True, cache=True, inline="always")
def to_segment(u, v, ax, ay, bx, by):
    """Distance of a point to a segment in the plane."""
    sx, sy = bx - ax, by - ay
    ss = sx * sx + sy * sy
    k = min(1.0, max(0.0, ((u - ax) * sx + (v - ay) * sy) / ss)) if ss > 1e-12 else 0.0
    gx, gy = u - ax - k * sx, v - ay - k * sy
    return math.sqrt(gx * gx + gy * gy)


@njit(nogil=True, cache=True)
def draw_shadows(y_plane, uv_plane, grid, step, boxes, feet):
    """Darkens the ground where bodies keep the sun off it.

    Args:
        boxes: int, shape (n, 4): left, top, right, bottom in pixels, even, inside the picture; empty ones are
            left out.
        feet: shape (n, 5): x, y of the body's foot point, height of its lower and upper end, radius; metres.
    """
    for n in range(boxes.shape[0]):
        left, top, right, bottom = boxes[n]
        if right <= left or bottom <= top:
            continue
        fx, fy, low, high, radius = feet[n]
        ax, ay, bx, by = -SUN[0] * low, -SUN[1] * low, -SUN[0] * high, -SUN[1] * high
        for row in range(top, bottom, 2):
            for column in range(left, right, 2):
                total = 0.0
                for k in range(4):
                    x, y = column + (k & 1), row + (k >> 1)
                    dx, dy, dz = ray_at(grid, step, x, y)
                    if dz > -1e-4:
                        continue
                    t = -EZ / dz
                    gx, gy = EX + t * dx - fx, EY + t * dy - fy
                    # Soft by the sun's own size and by the pixel's reach on the ground.
                    soft = 0.06 + 0.0015 * t
                    cover = min(1.0, max(0.0, 0.5 + (radius - to_segment(gx, gy, ax, ay, bx, by)) / soft))
                    if cover > 0:
                        value = 16.0 + (y_plane[y, x] - 16.0) * (1.0 - SHADOW_DEPTH * cover)
                        y_plane[y, x] = int(value + 0.5)
                        total += 0.25 * cover
                if total > 0:
                    keep = 1.0 - 0.5 * SHADOW_DEPTH * total
                    for c in range(2):
                        value = 128.0 + (uv_plane[row >> 1, column >> 1, c] - 128.0) * keep
                        uv_plane[row >> 1, column >> 1, c] = int(value + 0.5)


@njit(nogil=True, cache=True)
def paint_point(u, v, reach, limbs, inks, palette, paint):
    """Paints the limbs of one figure at one point of its plane; ``paint`` gets cover, then cover times Y, U, V."""
    paint[0], paint[1], paint[2], paint[3] = 0.0, 0.0, 0.0, 0.0
    for k in range(limbs.shape[0]):
        radius = limbs[k, 4]
        if radius <= 0:
            continue
        sx, sy = limbs[k, 2] - limbs[k, 0], limbs[k, 3] - limbs[k, 1]
        ox, oy = u - limbs[k, 0], v - limbs[k, 1]
        ss = sx * sx + sy * sy
        if ss > 1e-12:
            s = min(1.0, max(0.0, (ox * sx + oy * sy) / ss))
            ox, oy = ox - s * sx, oy - s * sy
        limit = radius + 0.5 * reach
        if ox * ox + oy * oy >= limit * limit:
            continue
        away = math.sqrt(ox * ox + oy * oy)
        cover = min(1.0, (limit - away) / reach)
        # Lit from the right and above, rounded towards the outline.
        rim = min(1.0, away / radius)
        light = 0.86 + 0.16 * (0.5 * ox + 0.85 * oy) / radius - 0.1 * rim * rim * rim
        ink = palette[inks[k]]
        paint[0] += cover * (1 - paint[0])
        paint[1] += cover * (16.0 + (ink[0] - 16.0) * light - paint[1])
        paint[2] += cover * ((ink[1] - 128.0) * light - paint[2])
        paint[3] += cover * ((ink[2] - 128.0) * light - paint[3])


@njit(nogil=True, cache=True, inline="always")
def on_plane(ray, frame):
    """Where a ray meets a figure's plane: metres to the right and up."""
    scale = ray[0] * frame[2, 0] + ray[1] * frame[2, 1] + ray[2] * frame[2, 2]
    if scale < 1e-9:
        return 1e9, 1e9
    u = ray[0] * frame[0, 0] + ray[1] * frame[0, 1] + ray[2] * frame[0, 2]
    v = ray[0] * frame[1, 0] + ray[1] * frame[1, 1] + ray[2] * frame[1, 2]
    return u / scale, v / scale


@njit(nogil=True, cache=True)
def draw_figures(y_plane, uv_plane, grid, step, boxes, frames, limbs, inks, palette):
    """Draws figures from far to near, in the order given.

    Args:
        boxes: int, shape (n, 4), as for :func:`draw_shadows`.
        frames: shape (n, 3, 3): right, up and forward axes of each figure's plane; forward has the length
            1 / distance, so that a ray's product with it scales the others to metres.
        limbs: shape (n, k, 5): both ends (right, up) in metres and the radius; painted in order; radius 0: none.
        inks: int, shape (n, k): index of each limb's colour.
        palette: shape (m, 3): Y, U, V in video range.
    """
    paint = np.empty(4)
    chroma = np.empty((y_plane.shape[1] // 2, 3))
    for n in range(boxes.shape[0]):
        left, top, right, bottom = boxes[n]
        if right <= left or bottom <= top:
            continue
        for row in range(top, bottom, 2):
            chroma[left >> 1 : right >> 1] = 0.0
            for y in range(row, row + 2):
                # Exact at both ends of the row, evenly spaced between: the lens bends less than a tenth of a
                # pixel over the width of a body.
                u0, v0 = on_plane(ray_at(grid, step, left, y), frames[n])
                u1, v1 = on_plane(ray_at(grid, step, right, y), frames[n])
                du, dv = (u1 - u0) / (right - left), (v1 - v0) / (right - left)
                reach = math.sqrt(du * du + dv * dv)
                for x in range(left, right):
                    u, v = u0 + du * (x - left), v0 + dv * (x - left)
                    paint_point(u, v, reach, limbs[n], inks[n], palette, paint)
                    if paint[0] > 0:
                        # The mix began with nothing: what is not covered shows what is behind.
                        value = y_plane[y, x] * (1 - paint[0]) + paint[1]
                        y_plane[y, x] = int(min(255.0, max(0.0, value + 0.5)))
                        pair = chroma[x >> 1]
                        pair[0] += 0.25 * paint[0]
                        pair[1] += 0.25 * paint[2]
                        pair[2] += 0.25 * paint[3]
            for k in range(left >> 1, right >> 1):
                if chroma[k, 0] > 0:
                    for c in range(2):
                        old = uv_plane[row >> 1, k, c] - 128.0
                        value = 128.5 + old * (1 - chroma[k, 0]) + chroma[k, 1 + c]
                        uv_plane[row >> 1, k, c] = int(min(255.0, max(0.0, value)))


@njit(nogil=True, cache=True)
def stamp(y_plane, uv_plane, left, top, shares, cells, dark, light):
    """Paints the cells of a frame number over a picture; the colour there becomes grey.

    Args:
        left, top: of the painted block, in pixels, even.
        shares: int16, shape (height, width, k): the cell under each of a pixel's k samples, -1 outside.
        cells: bool, shape (n,): which cells are light.
        dark, light: luma of the cells.
    """
    height, width, samples = shares.shape
    for row in range(height):
        for column in range(width):
            inside, bright = 0, 0
            for k in range(samples):
                cell = shares[row, column, k]
                if cell >= 0:
                    inside += 1
                    bright += cells[cell]
            if inside:
                own = dark * (inside - bright) + light * bright
                old = y_plane[top + row, left + column] * (samples - inside)
                y_plane[top + row, left + column] = int((own + old) / samples + 0.5)
                if inside == samples:
                    uv_plane[(top + row) >> 1, (left + column) >> 1, 0] = 128
                    uv_plane[(top + row) >> 1, (left + column) >> 1, 1] = 128


@njit(nogil=True, cache=True)
def add_noise(plane, noise, key, frame):
    """Adds to every sample of a plane (height, width) a value of ``noise``, from another place in each row.

    Args:
        noise: int8, longer than a row by 65536 at least.
        key: tells planes and cameras apart.
        frame: tells frames apart.
    """
    width = plane.shape[1]
    for row in range(plane.shape[0]):
        start = int(scramble(row, frame, key) & np.uint32(65535))
        piece = noise[start : start + width]
        line = plane[row]
        for column in range(width):
            value = np.int16(line[column]) + np.int16(piece[column])
            line[column] = np.uint8(min(np.int16(255), max(np.int16(0), value)))
