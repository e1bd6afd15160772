"""What the tracks say, drawn into a view: boxes around players, the ball and its way, and the way of the camera."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from touchline.analysis.play import BallAt, Moment, PlayerAt
from touchline.geometry import Ground, View
from touchline.gst.nv12 import Nv12
from touchline.render.drawing import Ink, Pen

Floats = NDArray[np.float64]
TRAIL_NS = 1_500_000_000  # of the ball, before and after the time shown
PLAYER, UNSEEN = Ink.rgb(60, 150, 255), Ink.rgb(150, 170, 190)
BALL, DOUBTED, TRAIL, CAMERA = (
    Ink.rgb(255, 220, 0),
    Ink.rgb(255, 120, 0),
    Ink.rgb(255, 160, 40),
    Ink.rgb(255, 60, 160),
)
_TALL_M, _SLENDER = 1.85, 0.2  # height of a body, half its width by its height
_HALF_DEG = 0.9  # half the height of a body where no ground is known
_WAY = 60  # views of the camera that are remembered


class Overlay:
    """Draws on views of one size.

    Args:
        width, height: of the pictures.
        ground: for how large players are; None: all alike.
    """

    def __init__(self, width: int, height: int, ground: Ground | None) -> None:
        self._size = width, height
        self._ground = ground
        self._thick = max(1, round(min(width, height) / 360))
        self._way: deque[tuple[float, float]] = deque(maxlen=_WAY)

    def draw(self, picture: Nv12, view: View, now: Moment | None, around: Sequence[Moment]) -> None:
        """Draws on a picture that shows a view; to be called for each frame, in order.

        Args:
            picture: drawn on.
            view: what it shows.
            now: where everybody is; None if nobody knows.
            around: moments before and after, for the ball's way.
        """
        pen = Pen(picture)
        self._way.append((view.yaw_deg, view.pitch_deg))
        self._line(pen, view, np.array(self._way), CAMERA)
        self._cross(pen)
        way = [(m.ball.yaw_deg, m.ball.pitch_deg) for m in around if m.ball is not None]
        self._line(pen, view, np.array(way).reshape(-1, 2), TRAIL)
        if now is None:
            return
        for player in now.players:
            self._player(pen, view, player)
        if now.ball is not None:
            self._ball(pen, view, now.ball)

    def _player(self, pen: Pen, view: View, player: PlayerAt) -> None:
        feet, head = body_of(player, self._ground)
        low, high = self._seen(view, np.array([feet, head]))
        half = _SLENDER * (low[1] - high[1])
        if math.isfinite(half) and half > 0:
            ink = PLAYER if player.seen else UNSEEN
            pen.box(low[0] - half, high[1], low[0] + half, low[1], ink, self._thick)

    def _ball(self, pen: Pen, view: View, ball: BallAt) -> None:
        x, y = self._seen(view, np.array([(ball.yaw_deg, ball.pitch_deg)]))[0]
        half = max(5.0, self._size[1] / 90)
        if math.isfinite(x):
            pen.box(x - half, y - half, x + half, y + half, BALL if ball.seen else DOUBTED, self._thick)

    def _line(self, pen: Pen, view: View, way_deg: Floats, ink: Ink) -> None:
        pen.line(self._seen(view, way_deg), ink, self._thick)

    def _cross(self, pen: Pen) -> None:
        x, y = (self._size[0] - 1) / 2, (self._size[1] - 1) / 2
        arm = self._size[1] / 60
        pen.line([(x - arm, y), (x + arm, y)], CAMERA, self._thick)
        pen.line([(x, y - arm), (x, y + arm)], CAMERA, self._thick)

    def _seen(self, view: View, angles_deg: Floats) -> Floats:
        yaw, pitch = np.radians(angles_deg).T
        return view.pixels_of(yaw, pitch, *self._size)


def body_of(player: PlayerAt, ground: Ground | None) -> tuple[tuple[float, float], tuple[float, float]]:
    """Yaw and pitch, degrees, of a player's feet and head."""
    if ground is not None and player.place is not None:
        return ground.direction_of(player.place), ground.direction_of(player.place, _TALL_M)
    yaw, pitch = player.yaw_deg, player.pitch_deg
    return (yaw, pitch - _HALF_DEG), (yaw, pitch + _HALF_DEG)
