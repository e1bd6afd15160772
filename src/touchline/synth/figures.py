"""Bodies for the players: limbs that swing with the stride, turned to face the mast, and the ball."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from touchline.geometry.angles import Floats
from touchline.synth.pitch import BALL_RADIUS, EYE
from touchline.synth.play import AWAY_KEEPER, HOME_KEEPER, PERSONS, REFEREE, PlayState

# Inks: rows of the palette.
HOME, HOME_SHORTS, AWAY, AWAY_SHORTS, KEEPER_1, KEEPER_2, BLACK, WHITE, BALL = range(9)
SKINS: Final = (9, 10, 11, 12)
HAIRS: Final = (13, 14, 15)
COLOURS: Final = np.array(
    [
        (206, 30, 38),  # home shirt
        (236, 236, 236),
        (40, 84, 190),  # away shirt
        (28, 34, 64),
        (240, 206, 40),  # home keeper
        (60, 196, 120),  # away keeper
        (34, 34, 38),
        (232, 232, 232),
        (248, 248, 244),
        (236, 190, 160),
        (208, 156, 122),
        (150, 102, 74),
        (96, 64, 48),
        (40, 30, 24),
        (104, 72, 40),
        (170, 140, 84),
    ],
    dtype=np.float64,
)

# Limbs: right arm, left arm, right shin, left shin, right thigh, left thigh, pelvis, torso, head, hair.
LIMBS: Final = 10
_RADII: Final = np.array([0.055, 0.055, 0.07, 0.07, 0.095, 0.095, 0.15, 0.19, 0.115, 0.1])


class Figures(NamedTuple):
    """Everything that moves in a frame, from far to near, ready for the kernels. n = persons + 1 (the ball).

    Attributes:
        frames: shape (n, 3, 3); see :func:`touchline.synth.kernels.draw_figures`.
        limbs: shape (n, LIMBS, 5).
        inks: shape (n, LIMBS).
        outlines: shape (n, 8, 3): points, in the world, around what each figure covers.
        feet: shape (n, 5); see :func:`touchline.synth.kernels.draw_shadows`.
        order: which person each one is; the ball is number ``PERSONS``.
    """

    frames: Floats
    limbs: Floats
    inks: NDArray[np.int64]
    outlines: Floats
    feet: Floats
    order: NDArray[np.int64]


def palette(gains: Floats, colours: Floats = COLOURS) -> Floats:
    """All inks as Y, U, V of BT.709 in video range, shape (16, 3), through a camera's R, G and B gains.

    Args:
        colours: R', G', B' of the inks, 0 .. 255, shape (16, 3).
    """
    r, g, b = (np.minimum(colours * gains, 255.0)).T
    luma = 0.2126 * r + 0.7152 * g + 0.0722 * b
    return np.stack(
        [
            16 + luma * (219 / 255),
            128 + (b - luma) / 1.8556 * (224 / 255),
            128 + (r - luma) / 1.5748 * (224 / 255),
        ],
        axis=-1,
    )


def dress(seed: int) -> NDArray[np.int64]:
    """The inks of all limbs, shape (PERSONS + 1, LIMBS): teams, keepers, referee, skin and hair by the seed."""
    rng = np.random.default_rng([seed, 5])
    inks = np.empty((PERSONS + 1, LIMBS), dtype=np.int64)
    for person in range(PERSONS):
        if person == REFEREE:
            shirt, shorts, socks = BLACK, BLACK, BLACK
        elif person in (HOME_KEEPER, AWAY_KEEPER):
            shirt = KEEPER_1 if person == HOME_KEEPER else KEEPER_2
            shorts, socks = BLACK, shirt
        elif person < AWAY_KEEPER:
            shirt, shorts, socks = HOME, HOME_SHORTS, HOME
        else:
            shirt, shorts, socks = AWAY, AWAY_SHORTS, WHITE
        skin, hair = int(rng.choice(SKINS)), int(rng.choice(HAIRS))
        inks[person] = (skin, skin, socks, socks, shorts, shorts, shorts, shirt, skin, hair)
    inks[PERSONS] = BALL
    return inks


def make_figures(state: PlayState, inks: NDArray[np.int64]) -> Figures:
    """Poses everybody and turns them towards the mast."""
    centres = np.concatenate([state.persons, np.full((PERSONS, 1), 0.95)], axis=1)
    centres = np.concatenate([centres, state.ball[None]])
    seen = centres - np.array(EYE)
    distance = np.linalg.norm(seen, axis=1)
    forward = seen / distance[:, None]
    right = np.stack([forward[:, 1], -forward[:, 0], np.zeros(len(forward))], axis=-1)
    right /= np.linalg.norm(right, axis=1, keepdims=True)
    up = np.cross(right, forward)
    limbs = np.zeros((PERSONS + 1, LIMBS, 5))
    ends = _pose(state) - np.array(EYE)
    depth = np.einsum("nkec,nc->nke", ends, forward[:PERSONS]) / distance[:PERSONS, None, None]
    limbs[:PERSONS, :, 0:4:2] = np.einsum("nkec,nc->nke", ends, right[:PERSONS]) / depth
    limbs[:PERSONS, :, 1:4:2] = np.einsum("nkec,nc->nke", ends, up[:PERSONS]) / depth
    limbs[:PERSONS, :, 4] = _RADII
    limbs[PERSONS, 0, 4] = BALL_RADIUS
    # What is nearer is painted later; the order of the named limbs breaks ties (hair over head, shirt over shorts).
    layer = depth.mean(axis=2) * distance[:PERSONS, None] - 0.02 * np.arange(LIMBS)
    limb_order = np.argsort(-layer, axis=1, kind="stable")
    limbs[:PERSONS] = np.take_along_axis(limbs[:PERSONS], limb_order[..., None], axis=1)
    worn = inks.copy()
    worn[:PERSONS] = np.take_along_axis(worn[:PERSONS], limb_order, axis=1)
    order = np.argsort(-distance, kind="stable")
    # Rays are scaled by their product with the last axis so that the plane lies at the figure's distance.
    frames = np.stack([right, up, forward / distance[:, None]], axis=1)
    outlines = _outlines(limbs, centres, right, up)
    return Figures(frames[order], limbs[order], worn[order], outlines[order], _feet(state)[order], order)


def _pose(state: PlayState) -> Floats:
    """Both ends of every limb in the world, shape (PERSONS, LIMBS, 2, 3)."""
    ahead = np.stack([np.cos(state.heading), np.sin(state.heading)], axis=-1)
    side = np.stack([ahead[:, 1], -ahead[:, 0]], axis=-1)
    swing = np.clip(state.speed / 6.5, 0.0, 1.0) * 0.85
    lean = 0.03 + 0.02 * state.speed
    pose = np.empty((PERSONS, LIMBS, 2, 3))

    def put(limb: int, end: int, out: float, forward: Floats | float, height: Floats | float) -> None:
        forward = np.broadcast_to(np.asarray(forward, dtype=np.float64), (PERSONS,))
        pose[:, limb, end, :2] = state.persons + side * out + ahead * forward[:, None]
        pose[:, limb, end, 2] = height

    for limb, sign in ((0, 1.0), (1, -1.0)):
        beat = sign * np.sin(state.stride)
        raised = np.where(state.arms_up, 1.0, 0.0)
        put(limb, 0, sign * 0.22, lean * 0.9, 1.42)
        reach = np.where(state.arms_up, 0.12, -0.32 * swing * beat + 0.16 * swing)
        put(limb, 1, sign * 0.26, reach, 1.02 + 0.1 * swing * np.abs(beat) + 0.98 * raised)
        thigh = swing * beat
        knee = swing * (0.35 + 0.9 * np.maximum(0.0, sign * np.cos(state.stride)))
        knee_x, knee_z = 0.45 * np.sin(thigh), 0.9 - 0.45 * np.cos(thigh)
        foot_x, foot_z = knee_x + 0.42 * np.sin(thigh - knee), knee_z - 0.42 * np.cos(thigh - knee)
        put(2 + limb, 0, sign * 0.1, knee_x, knee_z)
        put(2 + limb, 1, sign * 0.1, foot_x, np.maximum(0.06, foot_z))
        put(4 + limb, 0, sign * 0.09, 0.0, 0.9)
        put(4 + limb, 1, sign * 0.1, knee_x * 0.8, 0.9 - (0.9 - knee_z) * 0.8)
    put(6, 0, 0.0, 0.0, 0.93)
    put(6, 1, 0.0, 0.0, 0.98)
    put(7, 0, 0.0, lean * 0.3, 1.08)
    put(7, 1, 0.0, lean, 1.36)
    put(8, 0, 0.0, lean * 1.2, 1.66)
    put(8, 1, 0.0, lean * 1.2, 1.69)
    put(9, 0, 0.0, lean * 1.2 - 0.05, 1.73)
    put(9, 1, 0.0, lean * 1.2, 1.755)
    return pose


def _outlines(limbs: Floats, centres: Floats, right: Floats, up: Floats) -> Floats:
    """Points around what the limbs of each figure cover, in its plane in the world, shape (n, 8, 3)."""
    drawn = limbs[..., 4] > 0
    radius = limbs[..., 4]
    low = np.minimum(limbs[..., 0:2], limbs[..., 2:4]) - radius[..., None]
    high = np.maximum(limbs[..., 0:2], limbs[..., 2:4]) + radius[..., None]
    low = np.where(drawn[..., None], low, np.inf).min(axis=1)
    high = np.where(drawn[..., None], high, -np.inf).max(axis=1)
    share = np.array([(0, 0), (0.5, 0), (1, 0), (1, 0.5), (1, 1), (0.5, 1), (0, 1), (0, 0.5)])
    point = low[:, None] + share * (high - low)[:, None]
    across, rise = right[:, None] * point[..., 0:1], up[:, None] * point[..., 1:2]
    return np.asarray(centres[:, None] + across + rise)


def _feet(state: PlayState) -> Floats:
    """What throws each shadow, shape (PERSONS + 1, 5)."""
    feet = np.empty((PERSONS + 1, 5))
    feet[:PERSONS, :2] = state.persons
    feet[:PERSONS, 2:] = (0.0, 1.7, 0.2)
    feet[PERSONS] = (*state.ball[:2], state.ball[2], state.ball[2], BALL_RADIUS)
    return feet
