# mypy: disable-error-code="untyped-decorator,no-untyped-def,no-untyped-call,assignment"
"""Compiled: what the surfaces of the scene look like: grass and lines, crowd, boards, sky.

Places are in metres, in the world (see :mod:`touchline.synth.pitch`) or along a surface; colours are R'G'B',
0 .. 255.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from touchline.synth.pitch import (
    BOARD_HEIGHT,
    CIRCLE_RADIUS,
    END_STAND,
    GRASS_X,
    GRASS_Y,
    HALF_LENGTH,
    HALF_WIDTH,
    LINE_HALF_WIDTH,
    ROOF_HEIGHT,
    STAND_BASE,
)
from touchline.synth.textures import SKYLINE_HALF_DEG, SKYLINE_TOP_DEG


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
