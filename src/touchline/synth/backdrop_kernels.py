# mypy: disable-error-code="untyped-decorator,no-untyped-def,no-untyped-call,assignment"
"""Compiled: the part of the scene that does not move, cast ray by ray.

Coordinates are the world's (see :mod:`touchline.synth.pitch`); colours are R'G'B' 0 .. 255. A ray is a direction
from the mast, of any length.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from touchline.synth.pitch import (
    BOARD_X,
    BOARD_Y,
    CIRCLE_RADIUS,
    EYE,
    GOAL_DEPTH,
    GOAL_HALF_WIDTH,
    GOAL_HEIGHT,
    HALF_LENGTH,
    HALF_WIDTH,
    LINE_HALF_WIDTH,
)
from touchline.synth.textures import SKYLINE_HALF_DEG, SKYLINE_TOP_DEG

EX, EY, EZ = EYE
BOARD_HEIGHT = 0.95
STAND_SLOPE = 0.55
STAND_BASE = 1.5
FAR_STAND = HALF_WIDTH + 8.0
FAR_DEPTH = 16.0
FAR_HALF = 50.0
ROOF_HEIGHT = 12.6
END_STAND = HALF_LENGTH + 9.0
END_DEPTH = 11.0
GRASS_X = HALF_LENGTH + 4.6
GRASS_Y = HALF_WIDTH + 4.0


@njit(nogil=True, cache=True, inline="always")
def noise_at(noise, u, v):
    """The tiling noise at any place, between its samples linearly."""
    fu, fv = math.floor(u), math.floor(v)
    a, b = u - fu, v - fv
    i, j = int(fu) & 511, int(fv) & 511
    k, m = (i + 1) & 511, (j + 1) & 511
    return (noise[j, i] * (1 - a) + noise[j, k] * a) * (1 - b) + (noise[m, i] * (1 - a) + noise[m, k] * a) * b


@njit(nogil=True, cache=True)
def scramble(a, b, c):
    """32 bits that look random, a function of three whole numbers (the finaliser of MurmurHash3)."""
    h = np.uint32(a * 73856093 ^ b * 19349663 ^ c * 83492791)
    h ^= h >> np.uint32(16)
    h = np.uint32(h * np.uint32(0x85EBCA6B))
    h ^= h >> np.uint32(13)
    h = np.uint32(h * np.uint32(0xC2B2AE35))
    return h ^ (h >> np.uint32(16))


@njit(nogil=True, cache=True)
def on_line(x, y):
    """True on the white of a line of the pitch, which is the same in all four quarters."""
    ax, ay, w = abs(x), abs(y), LINE_HALF_WIDTH
    if ax > HALF_LENGTH + w or ay > HALF_WIDTH + w:
        return False
    if ax < w or ax > HALF_LENGTH - w or ay > HALF_WIDTH - w:
        return True
    centre = math.hypot(x, y)
    if abs(centre - CIRCLE_RADIUS) < w or centre < 0.16:
        return True
    if math.hypot(HALF_LENGTH - ax, HALF_WIDTH - ay) < 1.0 + w:
        return math.hypot(HALF_LENGTH - ax, HALF_WIDTH - ay) > 1.0 - w
    deep = HALF_LENGTH - ax
    if deep > 22.0:
        return False
    if (abs(deep - 16.5) < w and ay < 20.16 + w) or (abs(ay - 20.16) < w and deep < 16.5 + w):
        return True
    if (abs(deep - 5.5) < w and ay < 9.16 + w) or (abs(ay - 9.16) < w and deep < 5.5 + w):
        return True
    spot = math.hypot(deep - 11.0, y)
    return spot < 0.16 or (deep > 16.5 and abs(spot - CIRCLE_RADIUS) < w)


@njit(nogil=True, cache=True)
def apron(x, y, level):
    """What lies around the grass: a running track at the near side, paving near the stands, a meadow beyond."""
    lane = -GRASS_Y - 1.5 - y
    if 0.0 < lane < 9.76 and abs(x) < 95.0:
        if lane % 1.22 < 0.06 or lane > 9.7:
            return 214.0 * level, 208.0 * level, 204.0 * level
        return 164.0 * level, 84.0 * level, 66.0 * level
    if abs(x) > END_STAND + 14.0 or y < -GRASS_Y - 14.0:
        return 92.0 * level, 118.0 * level, 66.0 * level
    if math.floor(x / 2.5) % 2 == math.floor(y / 2.5) % 2:
        level *= 0.96
    return 148.0 * level, 142.0 * level, 134.0 * level


@njit(nogil=True, cache=True)
def ground(x, y, noise):
    """Grass in mown stripes with patches and wear, and what lies around it."""
    # Detail finer than a pixel would only flicker: far away the noise of large patches alone is left.
    coarse = noise_at(noise, x * 2.2 + 31.0, y * 2.2 + 7.0)
    fine = noise_at(noise, x * 13.0, y * 13.0)
    if abs(x) > GRASS_X or abs(y) > GRASS_Y:
        return apron(x, y, 1.0 + 0.05 * coarse + 0.03 * fine)
    if on_line(x, y):
        level = 1.0 + 0.025 * fine
        return 226.0 * level, 230.0 * level, 222.0 * level
    stripe = 1.0 if math.floor((x + HALF_LENGTH) / 5.25) % 2 == 0 else 0.86
    cross = 1.0 if math.floor((y + HALF_WIDTH) / 6.8) % 2 == 0 else 0.965
    level = stripe * cross * (1.0 + 0.055 * coarse + 0.07 * fine)
    # Worn where the play is: the goal mouths, the centre, the assistant referees' paths.
    mouth = math.hypot((abs(x) - 49.5) / 4.0, y / 4.5)
    worn = max(0.0, 1.0 - mouth) * 0.9 + max(0.0, 1.0 - math.hypot(x, y) / 7.0) * 0.45
    if abs(abs(y) - 35.2) < 0.5:
        worn += 0.4
    worn = min(0.8, max(0.0, worn * (0.8 + 0.45 * coarse)))
    red = 72.0 * (1 - worn) + 128.0 * worn
    green = 122.0 * (1 - worn) + 116.0 * worn
    blue = 50.0 * (1 - worn) + 76.0 * worn
    yellow = 1.0 + 0.05 * coarse
    return red * level * yellow, green * level, blue * level


@njit(nogil=True, cache=True)
def crowd(along, depth, bank):
    """People on the rows of a stand: ``along`` and ``depth`` in metres on its slope."""
    row = math.floor(depth / 0.85)
    up = depth / 0.85 - row
    if along % 14.0 < 1.2:
        level = 172.0 - 34.0 * (up > 0.5)
        return level, level, level * 0.97
    shifted = along + 0.27 * (row % 2)
    seat = math.floor(shifted / 0.62)
    across = shifted / 0.62 - seat - 0.5
    h = scramble(seat, row, bank)
    if h % np.uint32(100) < np.uint32(14):
        return (58.0, 88.0, 150.0) if 0.15 < up < 0.75 else (120.0, 120.0, 118.0)
    lean = (float((h >> np.uint32(8)) & np.uint32(15)) - 7.5) * 0.02
    if math.hypot(across - lean, (up - 0.78) * 1.25) < 0.2:
        tone = 0.55 + 0.45 * float((h >> np.uint32(12)) & np.uint32(7)) / 7.0
        return 222.0 * tone, 176.0 * tone, 148.0 * tone
    if abs(across - lean) < 0.36 and up < 0.62:
        kind = (h >> np.uint32(16)) % np.uint32(10)
        light = 0.7 + 0.3 * float((h >> np.uint32(20)) & np.uint32(7)) / 7.0
        if kind < np.uint32(3):
            return 206.0 * light, 44.0 * light, 48.0 * light
        if kind < np.uint32(5):
            return 236.0 * light, 236.0 * light, 232.0 * light
        if kind < np.uint32(7):
            return 44.0 * light, 66.0 * light, 140.0 * light
        if kind < np.uint32(8):
            return 236.0 * light, 196.0 * light, 60.0 * light
        return 70.0 * light, 70.0 * light, 76.0 * light
    return (104.0, 104.0, 102.0) if up > 0.12 else (72.0, 72.0, 70.0)


@njit(nogil=True, cache=True)
def board(along, height, bank, boards):
    """An advertising board of 6.4 m, its picture by its number."""
    if height > BOARD_HEIGHT - 0.04:
        return 70.0, 70.0, 72.0
    number = math.floor(along / 6.4)
    place = along / 6.4 - number
    if place < 0.006:
        return 60.0, 60.0, 60.0
    picture = boards[int(number * 3 + bank) % boards.shape[0]]
    row = int((1.0 - height / BOARD_HEIGHT) * picture.shape[0])
    texel = picture[min(max(row, 0), picture.shape[0] - 1), int(place * picture.shape[1])]
    return float(texel[0]), float(texel[1]), float(texel[2])


@njit(nogil=True, cache=True)
def heavens(dx, dy, dz, skyline, noise):
    """Sky with clouds, and in front of it houses and trees; everything beyond the ground's reach."""
    level = math.hypot(dx, dy)
    tangent = dz / max(level, 1e-9)
    pitch = math.degrees(math.atan(tangent))
    r, g, b = 168.0, 200.0, 228.0
    if tangent > 0:
        high = min(1.0, tangent * 1.7)
        r, g, b = 200.0 - 98.0 * high, 216.0 - 60.0 * high, 230.0 - 10.0 * high
        reach = 42.0 / (tangent + 0.12) / max(level, 1e-9)
        cloud = noise_at(noise, 0.6 * dx * reach, dy * reach) + 0.4 * noise_at(
            noise, 2 * dx * reach, 3 * dy * reach
        )
        veil = min(0.9, max(0.0, 0.4 * cloud - 0.05))
        r, g, b = r + (240 - r) * veil, g + (241 - g) * veil, b + (243 - b) * veil
    yaw = math.degrees(math.atan2(dx, dy))
    if pitch < SKYLINE_TOP_DEG and abs(yaw) < SKYLINE_HALF_DEG:
        rows, columns = skyline.shape[0], skyline.shape[1]
        column = min(columns - 1, int((yaw + SKYLINE_HALF_DEG) / (2 * SKYLINE_HALF_DEG) * columns))
        row = int((1.0 - pitch / SKYLINE_TOP_DEG) * rows)
        texel = skyline[min(max(row, 0), rows - 1), column]
        a = texel[3] / 255.0
        r, g, b = r + (texel[0] - r) * a, g + (texel[1] - g) * a, b + (texel[2] - b) * a
    return r, g, b


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
def stand_colour(kind, u, v, bank):
    """The colour of a place on a stand; the far one (bank 0) has a roof over it."""
    if kind == 1:
        seam = abs(u % 4.0) < 0.08 or v > STAND_BASE - 0.1
        return (88.0, 96.0, 112.0) if seam else (126.0, 140.0, 162.0)
    if kind == 2:
        r, g, b = crowd(u + 100.0 * bank, v, bank)
        light = 1.0 if bank else (1.0 if v < 7.0 else 0.66)
        return r * light, g * light, b * light
    if kind == 3:
        return (66.0, 70.0, 80.0) if u % 6.0 < 5.4 else (44.0, 48.0, 56.0)
    if kind == 4:
        return (196.0, 40.0, 48.0) if v < ROOF_HEIGHT + 0.3 else (214.0, 216.0, 220.0)
    if kind == 5:
        return 150.0, 154.0, 160.0
    rib = 0.82 if u % 3.0 < 0.4 else 1.0
    return 84.0 * rib, 88.0 * rib, 98.0 * rib


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
