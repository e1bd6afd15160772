"""The ball: how it flies, bounces and rolls, and how hard to kick it to get somewhere.

Flight with quadratic drag (a size 5 ball: 0.43 kg, 22 cm, drag coefficient 0.25), bounces that lose height and
speed, rolling that slows steadily; nets, boards and the fence at the near side hold it on the ground.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from touchline.geometry.angles import Floats
from touchline.synth.pitch import (
    BALL_RADIUS,
    BOARD_X,
    BOARD_Y,
    GOAL_DEPTH,
    GOAL_HALF_WIDTH,
    GOAL_HEIGHT,
    HALF_LENGTH,
)

GRAVITY: Final = 9.81
DRAG: Final = 0.5 * 1.2 * 0.25 * math.pi * BALL_RADIUS**2 / 0.43  # per metre
ROLLING: Final = 0.9  # m/s^2
BOUNCE: Final = 0.58
SKID: Final = 0.8
TOP_SPEED: Final = 32.0


class Ball:
    """A ball on its own: position and velocity in the world, in metres and m/s."""

    def __init__(self) -> None:
        self.x, self.y, self.z = 0.0, 0.0, BALL_RADIUS
        self.vx, self.vy, self.vz = 0.0, 0.0, 0.0

    @property
    def speed(self) -> float:
        return math.sqrt(self.vx**2 + self.vy**2 + self.vz**2)

    @property
    def rolling(self) -> bool:
        """On the ground and staying there."""
        return self.z <= BALL_RADIUS + 1e-6 and self.vz == 0.0

    def kick(self, vx: float, vy: float, vz: float = 0.0) -> None:
        """Gives it a velocity, no higher than a good shot's."""
        scale = min(1.0, TOP_SPEED / max(1e-9, math.sqrt(vx * vx + vy * vy + vz * vz)))
        self.vx, self.vy, self.vz = vx * scale, vy * scale, vz * scale

    def step(self, dt: float) -> None:
        """Lets ``dt`` seconds pass (a hundredth or so)."""
        level = math.hypot(self.vx, self.vy)
        if self.rolling:
            slower = (ROLLING + DRAG * level * level) * dt
            keep = max(0.0, 1.0 - slower / level) if level > 1e-9 else 0.0
            self.vx, self.vy = self.vx * keep, self.vy * keep
        else:
            drag = DRAG * self.speed
            self.vx -= drag * self.vx * dt
            self.vy -= drag * self.vy * dt
            self.vz -= (GRAVITY + drag * self.vz) * dt
        self.x += self.vx * dt
        self.y += self.vy * dt
        self.z += self.vz * dt
        if self.z < BALL_RADIUS:
            self._touch_ground()
        self._hit_fences()

    def _touch_ground(self) -> None:
        self.z = BALL_RADIUS
        rise = -BOUNCE * self.vz
        # A slow bounce is the last one; a skidding ball loses speed to the grass only when it comes down hard.
        self.vz = rise if rise > 0.7 else 0.0
        keep = SKID if rise > 0.7 else 1.0
        self.vx, self.vy = self.vx * keep, self.vy * keep

    def _hit_fences(self) -> None:
        """Nets, boards and fence. They are not seen to be tall, but nobody climbs into the crowd for a ball."""
        if self.in_goal():
            edge = HALF_LENGTH + GOAL_DEPTH - 0.2
            if abs(self.x) > edge:
                self.x = math.copysign(edge, self.x)
                self.vx, self.vy, self.vz = -0.03 * self.vx, 0.2 * self.vy, min(0.0, 0.2 * self.vz)
            if abs(self.y) > GOAL_HALF_WIDTH - 0.15:
                self.y = math.copysign(GOAL_HALF_WIDTH - 0.15, self.y)
                self.vy *= -0.1
            if self.z > GOAL_HEIGHT - 0.15:
                self.z, self.vz = GOAL_HEIGHT - 0.15, min(0.0, self.vz)
            return
        if abs(self.x) > BOARD_X - 0.2:
            self.x = math.copysign(BOARD_X - 0.2, self.x)
            self.vx, self.vy = -0.25 * self.vx, 0.5 * self.vy
        if abs(self.y) > BOARD_Y - 0.2:
            self.y = math.copysign(BOARD_Y - 0.2, self.y)
            self.vy, self.vx = -0.25 * self.vy, 0.5 * self.vx

    def in_goal(self) -> bool:
        """Between the posts, under the bar and over the line."""
        over = HALF_LENGTH + BALL_RADIUS < abs(self.x) < HALF_LENGTH + GOAL_DEPTH + 0.8
        return over and abs(self.y) < GOAL_HALF_WIDTH and self.z < GOAL_HEIGHT

    def foresee(self, steps: int, dt: float) -> Floats:
        """Where it will be after 1 .. ``steps`` times ``dt`` seconds if nobody touches it; shape (steps, 3)."""
        ghost = Ball()
        ghost.__dict__.update(self.__dict__)
        path = np.empty((steps, 3))
        for row in path:
            ghost.step(dt)
            row[:] = ghost.x, ghost.y, ghost.z
        return path


def roll_speed(distance: float, arriving: float) -> float:
    """The speed to kick a rolling ball with so that it still does ``arriving`` m/s after ``distance`` metres.

    Exact: with a = rolling deceleration and k = drag, d(v^2)/ds = -2 (a + k v^2).
    """
    grown = math.exp(2 * DRAG * distance)
    return min(TOP_SPEED, math.sqrt(arriving**2 * grown + ROLLING / DRAG * (grown - 1)))


def loft_speed(distance: float, elevation: float) -> float:
    """The speed for a flight of ``distance`` metres at that elevation in radians, drag allowed for."""
    plain = math.sqrt(GRAVITY * distance / math.sin(2 * elevation))
    return min(TOP_SPEED, plain * (1 + 0.5 * DRAG * distance))
