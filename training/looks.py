"""What a match may look like: kits, skin, ball and floor in random colours."""

from __future__ import annotations

import colorsys
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from touchline.synth.figures import (
    AWAY,
    AWAY_SHORTS,
    BALL,
    BLACK,
    COLOURS,
    HOME,
    HOME_SHORTS,
    KEEPER_1,
    KEEPER_2,
    WHITE,
)

Floats = NDArray[np.float64]

GRASS = np.array([72.0, 122.0, 50.0])  # R'G'B' of the synthetic match's grass in the light
# Hue (degrees), saturation and value of floors that games are played on, and how often each is drawn.
_FLOORS = (
    (0.45, (75, 125), (0.35, 0.75), (0.25, 0.65)),  # grass
    (0.15, (40, 75), (0.25, 0.55), (0.35, 0.7)),  # dry grass
    (0.10, (140, 175), (0.3, 0.7), (0.2, 0.5)),  # green and teal courts
    (0.10, (200, 230), (0.35, 0.75), (0.3, 0.65)),  # blue courts
    (0.08, (5, 22), (0.35, 0.65), (0.4, 0.7)),  # clay
    (0.12, (25, 40), (0.25, 0.55), (0.5, 0.85)),  # wood
)


@dataclass(frozen=True)
class Look:
    """Colours of one match.

    Attributes:
        inks: R', G', B' of everything that :mod:`touchline.synth.figures` draws, 0 .. 255, shape (16, 3).
        floor: R', G', B' of the floor, 0 .. 255, shape (3,); None: grass as it is drawn.
        ball: R', G', B' of the ball, shape (3,).
    """

    inks: Floats
    floor: Floats | None

    @property
    def ball(self) -> Floats:
        return np.asarray(self.inks[BALL])


PLAIN = Look(COLOURS, None)


def random_look(rng: np.random.Generator) -> Look:
    """Kits of any colours, a floor of any that games are played on, a ball that is white more often than not."""
    inks = COLOURS.copy()
    for ink in (HOME, HOME_SHORTS, AWAY, AWAY_SHORTS, KEEPER_1, KEEPER_2, BLACK, WHITE):
        inks[ink] = _cloth(rng)
    if rng.random() < 0.3:
        inks[BLACK] = COLOURS[BLACK]
    if rng.random() < 0.25:
        inks[HOME_SHORTS] = inks[HOME]
    inks[BALL + 1 :] = np.clip(COLOURS[BALL + 1 :] * rng.uniform(0.8, 1.15), 0, 255)
    inks[BALL] = _ball(rng)
    return Look(inks, _floor(rng) if rng.random() < 0.75 else None)


def _rgb(hue_deg: float, saturation: float, value: float) -> Floats:
    return 255.0 * np.array(colorsys.hsv_to_rgb(hue_deg / 360 % 1.0, saturation, value))


def _cloth(rng: np.random.Generator) -> Floats:
    kind = rng.random()
    if kind < 0.2:
        return _rgb(0, 0, rng.uniform(0.8, 0.97))
    if kind < 0.35:
        return _rgb(rng.uniform(0, 360), rng.uniform(0, 0.3), rng.uniform(0.08, 0.25))
    return _rgb(rng.uniform(0, 360), rng.uniform(0.35, 0.95), rng.uniform(0.3, 0.95))


def _ball(rng: np.random.Generator) -> Floats:
    kind = rng.random()
    if kind < 0.65:
        return _rgb(rng.uniform(20, 70), rng.uniform(0, 0.08), rng.uniform(0.8, 1.0))
    if kind < 0.85:
        return _rgb(rng.uniform(50, 75), rng.uniform(0.4, 0.9), rng.uniform(0.8, 1.0))
    return _rgb(rng.choice([15.0, 25.0, 335.0, 200.0]), rng.uniform(0.5, 0.85), rng.uniform(0.75, 1.0))


def _floor(rng: np.random.Generator) -> Floats:
    shares = np.array([floor[0] for floor in _FLOORS])
    _, hue, saturation, value = _FLOORS[rng.choice(len(_FLOORS), p=shares / shares.sum())]
    return _rgb(rng.uniform(*hue), rng.uniform(*saturation), rng.uniform(*value))
