# mypy: disable-error-code="untyped-decorator,no-untyped-def,no-untyped-call,assignment"
"""Compiled: the part of the scene that does not move, cast ray by ray.

Coordinates are the world's (see :mod:`touchline.synth.pitch`); colours are R'G'B' 0 .. 255. A ray is a direction
from the mast, of any length.
"""

from __future__ import annotations

import math

from numba import njit

from touchline.synth.pitch import (
    BOARD_HEIGHT,
    BOARD_X,
    BOARD_Y,
    END_DEPTH,
    END_STAND,
    EYE,
    FAR_DEPTH,
    FAR_HALF,
    FAR_STAND,
    GOAL_DEPTH,
    GOAL_HALF_WIDTH,
    GOAL_HEIGHT,
    HALF_LENGTH,
    HALF_WIDTH,
    ROOF_HEIGHT,
    STAND_BASE,
    STAND_SLOPE,
)
from touchline.synth.surface_kernels import board, ground, heavens, stand_colour

EX, EY, EZ = EYE


@njit(nogil=True, cache=True)
def pillar(x):
    """True where a pillar carries the roof of the far stand."""
    return abs(x) < FAR_HALF and abs((x + 250.0) % 12.5 - 6.25) < 0.16


@njit(nogil=True, cache=True)
def far_side(dx, dy, dz):
    """The far stand and its roof: distance along the ray, which surface, and the place on it."""
    best, kind, u, v = 1e9, 0, 0.0, 0.0
    if dy <= 0:
        return best, kind, u, v
    t = (FAR_STAND - EY) / dy
    z, x = EZ + dz * t, EX + dx * t
    if 0 <= z < STAND_BASE and abs(x) < FAR_HALF:
        return t, 1, x, z
    # The slope z = base + (y - y0) * slope.
    fall = dz - dy * STAND_SLOPE
    t = (STAND_BASE + (EY - FAR_STAND) * STAND_SLOPE - EZ) / fall if abs(fall) > 1e-9 else -1.0
    deep = EY + dy * t - FAR_STAND
    if t > 0 and 0 <= deep < FAR_DEPTH and abs(EX + dx * t) < FAR_HALF:
        best, kind, u, v = t, 2, EX + dx * t, deep
    t = (FAR_STAND + FAR_DEPTH - EY) / dy
    z, x = EZ + dz * t, EX + dx * t
    if t < best and STAND_BASE + FAR_DEPTH * STAND_SLOPE <= z < ROOF_HEIGHT and abs(x) < FAR_HALF:
        best, kind, u, v = t, 3, x, z
    t = (FAR_STAND + 6.0 - EY) / dy
    z, x = EZ + dz * t, EX + dx * t
    if t < best and abs(x) < FAR_HALF + 1.0 and ROOF_HEIGHT <= z < ROOF_HEIGHT + 1.0:
        best, kind, u, v = t, 4, x, z
    elif t < best and STAND_BASE + 6.0 * STAND_SLOPE < z < ROOF_HEIGHT and pillar(x):
        best, kind, u, v = t, 5, x, z
    if dz > 0:
        t = (ROOF_HEIGHT - EZ) / dz
        y, x = EY + dy * t, EX + dx * t
        if t < best and FAR_STAND + 6.0 <= y < FAR_STAND + FAR_DEPTH and abs(x) < FAR_HALF + 1.0:
            best, kind, u, v = t, 6, x, y
    return best, kind, u, v


@njit(nogil=True, cache=True)
def end_side(dx, dy, dz):
    """The stand behind the goal on the ray's side: distance, surface (1 wall, 2 slope), place."""
    if abs(dx) < 1e-9:
        return 1e9, 0, 0.0, 0.0
    ax = abs(dx)
    t = END_STAND / ax
    y, z = EY + dy * t, EZ + dz * t
    if 0 <= z < STAND_BASE and abs(y) < HALF_WIDTH:
        return t, 1, y, z
    fall = dz - ax * STAND_SLOPE
    t = (STAND_BASE - END_STAND * STAND_SLOPE - EZ) / fall if abs(fall) > 1e-9 else -1.0
    deep, y = ax * t - END_STAND, EY + dy * t
    if t > 0 and 0 <= deep < END_DEPTH and abs(y) < HALF_WIDTH:
        return t, 2, y, deep
    return 1e9, 0, 0.0, 0.0


@njit(nogil=True, cache=True)
def near_segment(dx, dy, dz, ax, ay, az, bx, by, bz):
    """Squared distance between a ray from the mast and a segment, and the squared length along the ray."""
    px, py, pz = ax - EX, ay - EY, az - EZ
    sx, sy, sz = bx - ax, by - ay, bz - az
    dd = dx * dx + dy * dy + dz * dz
    ss = sx * sx + sy * sy + sz * sz
    ds = dx * sx + dy * sy + dz * sz
    dp = dx * px + dy * py + dz * pz
    sp = sx * px + sy * py + sz * pz
    lean = dd * ss - ds * ds
    s = min(1.0, max(0.0, (ds * dp - dd * sp) / lean)) if lean > 1e-12 else 0.0
    t = max(0.0, (dp + s * ds) / dd)
    gx, gy, gz = px + s * sx - t * dx, py + s * sy - t * dy, pz + s * sz - t * dz
    return gx * gx + gy * gy + gz * gz, t


@njit(nogil=True, cache=True)
def netting(u, v):
    """How much of what is behind a net's mesh is covered at this place."""
    return 0.75 if (u + 50.0) % 0.24 < 0.035 or (v + 50.0) % 0.24 < 0.035 else 0.07


@njit(nogil=True, cache=True)
def goal(dx, dy, dz):
    """How opaque the goal frame and its net are along the ray, and how far away: (cover, white, distance)."""
    if dx == 0.0 or dy == 0.0 or dz == 0.0:
        return 0.0, 1e9  # along an axis a plane is never met; no goal lies there
    side = 1.0 if dx > 0 else -1.0
    line, back, w, h = side * HALF_LENGTH, side * (HALF_LENGTH + GOAL_DEPTH), GOAL_HALF_WIDTH, GOAL_HEIGHT
    cx, cy, cz = line + side - EX, -EY, 1.2 - EZ
    dd = dx * dx + dy * dy + dz * dz
    t = (dx * cx + dy * cy + dz * cz) / dd
    if t <= 0 or cx * cx + cy * cy + cz * cz - t * t * dd > 20.0:
        return 0.0, 1e9
    radius = 0.06**2
    for k in range(3):
        ya, yb = (-w, w) if k == 2 else ((2 * k - 1) * w, (2 * k - 1) * w)
        gap, t = near_segment(dx, dy, dz, line, ya, h if k == 2 else 0.0, line, yb, h)
        if gap < radius:
            return 1.0, t
    clear, near = 1.0, 1e9
    t = (back - EX) / dx
    y, z = EY + dy * t, EZ + dz * t
    if abs(y) < w and 0 < z < h:
        clear, near = clear * (1 - netting(y, z)), min(near, t)
    for k in (-1.0, 1.0):
        t = (k * w - EY) / dy
        x, z = EX + dx * t - line, EZ + dz * t
        if 0 < x * side < GOAL_DEPTH and 0 < z < h:
            clear, near = clear * (1 - netting(x, z)), min(near, t)
    t = (h - EZ) / dz
    x, y = EX + dx * t - line, EY + dy * t
    if 0 < x * side < GOAL_DEPTH and abs(y) < w:
        clear, near = clear * (1 - netting(x, y)), min(near, t)
    return 1.0 - clear, near


@njit(nogil=True, cache=True)
def solid(dx, dy, dz, noise, boards, skyline):
    """Colour and distance of the nearest surface: stands, boards, ground or sky."""
    far, far_kind, far_u, far_v = far_side(dx, dy, dz)
    end, end_kind, end_u, end_v = end_side(dx, dy, dz)
    bank = 1 if dx < 0 else 2
    down = -EZ / dz if dz < -1e-9 else 1e9
    best = min(far, end, down)
    if dy > 0:
        t = (BOARD_Y - EY) / dy
        x, z = EX + dx * t, EZ + dz * t
        if t < best and 0 <= z < BOARD_HEIGHT and abs(x) < BOARD_X:
            r, g, b = board(x, z, 0, boards)
            return r, g, b, t
    if abs(dx) > 1e-9:
        t = BOARD_X / abs(dx)
        y, z = EY + dy * t, EZ + dz * t
        if t < best and 0 <= z < BOARD_HEIGHT and abs(y) < BOARD_Y:
            r, g, b = board(y if dx < 0 else -y, z, bank, boards)
            return r, g, b, t
    if best >= 400.0 / max(math.hypot(dx, dy), 1e-9):
        r, g, b = heavens(dx, dy, dz, skyline, noise)
        return r, g, b, 1e9
    if best == down:
        r, g, b = ground(EX + dx * down, EY + dy * down, noise)
    elif best == far:
        r, g, b = stand_colour(far_kind, far_u, far_v, 0)
    else:
        r, g, b = stand_colour(end_kind, end_u, end_v, bank)
    return r, g, b, best


@njit(nogil=True, cache=True)
def shade(dx, dy, dz, noise, boards, skyline):
    """The colour of the still scene along a ray."""
    r, g, b, best = solid(dx, dy, dz, noise, boards, skyline)
    cover, near = goal(dx, dy, dz)
    if cover > 0 and near < best:
        r, g, b = r + (236 - r) * cover, g + (238 - g) * cover, b + (236 - b) * cover
    for sx in (-1.0, 1.0):
        for sy in (-1.0, 1.0):
            gap, t = near_segment(
                dx, dy, dz, sx * HALF_LENGTH, sy * HALF_WIDTH, 0.0, sx * HALF_LENGTH, sy * HALF_WIDTH, 1.6
            )
            if gap < 0.0016 and t < best:
                return 240.0, 220.0, 60.0
    return r, g, b


@njit(nogil=True, cache=True, inline="always")
def ray_at(grid, step, x, y):
    """The ray of a pixel, from the grid of rays at every ``step`` pixels that begins ``step`` outside."""
    gx, gy = x / step + 1.0, y / step + 1.0
    i, j = int(gx), int(gy)
    a, b = gx - i, gy - j
    p, q, r, s = (1 - a) * (1 - b), a * (1 - b), (1 - a) * b, a * b
    e, f, g, h = grid[j, i], grid[j, i + 1], grid[j + 1, i], grid[j + 1, i + 1]
    return (
        p * e[0] + q * f[0] + r * g[0] + s * h[0],
        p * e[1] + q * f[1] + r * g[1] + s * h[1],
        p * e[2] + q * f[2] + r * g[2] + s * h[2],
    )


@njit(nogil=True, cache=True)
def cast(grid, step, gains, supers, first, last, noise, boards, skyline, y_plane, uv_plane):
    """Casts the rows ``first`` .. ``last`` (even) of a picture into its NV12 planes (BT.709, limited range).

    Args:
        grid: rays, shape (rows, columns, 3), as for :func:`ray_at`.
        gains: exposure and white balance: what R', G' and B' are multiplied by.
        supers: rays per pixel along each axis.
    """
    per = 1.0 / (supers * supers)
    for row in range(first, last, 2):
        for column in range(0, y_plane.shape[1], 2):
            tr, tg, tb = 0.0, 0.0, 0.0
            for k in range(4):
                x, y = column + (k & 1), row + (k >> 1)
                r, g, b = 0.0, 0.0, 0.0
                for m in range(supers * supers):
                    ox = (m % supers + 0.5) / supers - 0.5
                    oy = (m // supers + 0.5) / supers - 0.5
                    dx, dy, dz = ray_at(grid, step, x + ox, y + oy)
                    cr, cg, cb = shade(dx, dy, dz, noise, boards, skyline)
                    r, g, b = r + cr, g + cg, b + cb
                r = min(255.0, r * per * gains[0])
                g = min(255.0, g * per * gains[1])
                b = min(255.0, b * per * gains[2])
                y_plane[y, x] = int(16.5 + (0.2126 * r + 0.7152 * g + 0.0722 * b) * (219.0 / 255.0))
                tr, tg, tb = tr + 0.25 * r, tg + 0.25 * g, tb + 0.25 * b
            luma = 0.2126 * tr + 0.7152 * tg + 0.0722 * tb
            uv_plane[row >> 1, column >> 1, 0] = int(128.5 + (tb - luma) / 1.8556 * (224.0 / 255.0))
            uv_plane[row >> 1, column >> 1, 1] = int(128.5 + (tr - luma) / 1.5748 * (224.0 / 255.0))
