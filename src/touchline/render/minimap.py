"""A tactical top view: the field from above, everybody on it, and what the camera sees of it."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from touchline.analysis.play import Moment
from touchline.geometry import Ground, View, angles_to_rays, rays_to_angles
from touchline.gst.nv12 import Nv12
from touchline.render.drawing import Ink, Pen

Floats = NDArray[np.float64]
AROUND = Ink.rgb(22, 34, 26)
GRASS, LINE, SIGHT = Ink.rgb(34, 90, 44), Ink.rgb(190, 215, 190), Ink.rgb(255, 60, 160)
PLAYER, BALL, RIM = Ink.rgb(235, 240, 255), Ink.rgb(255, 220, 0), Ink.rgb(10, 25, 12)
MARGIN_M = 4.0
_CIRCLE_M = 9.15
_LOWEST_DEG = -1.0  # the horizon is nowhere on the ground: what is seen there ends just below it
_ALONG = 12  # points along each edge of the picture


class Minimap:
    """Draws top views of one size; the side of the cameras is below.

    Args:
        width, height: of the view, even; the field is as large in it as it can be.
        ground: where the field is.
        field_m: length and width of the field.
        aspect: of the programme's picture, whose sight is outlined.

    Raises:
        ValueError: for a size that NV12 can't have.
    """

    def __init__(
        self, width: int, height: int, ground: Ground, field_m: tuple[float, float], aspect: float
    ) -> None:
        self.size = width, height
        self._ground = ground
        self._field = field_m
        self._aspect = aspect
        self._scale = min(width / (field_m[0] + 2 * MARGIN_M), height / (field_m[1] + 2 * MARGIN_M))
        self._dot = max(2.0, 0.9 * self._scale)
        self._plain = Nv12.empty(width, height)
        self._lines(self._plain)

    def draw(self, picture: Nv12, view: View | None, now: Moment | None) -> None:
        """Writes the top view into a picture of this size.

        Args:
            picture: all of it is written.
            view: the camera's.
            now: where everybody is; None if nobody knows.
        """
        picture.y[:] = self._plain.y
        picture.uv[:] = self._plain.uv
        pen = Pen(picture)
        if view is not None:
            pen.line(self.pixels_of(self._sight(view)), SIGHT, 1, closed=True)
        if now is None:
            return
        for player in now.players:
            if player.place is not None:
                self._put(pen, player.place, PLAYER, self._dot)
        ball = now.ball
        place = None if ball is None else ball.place or self._ground.place_of(ball.yaw_deg, ball.pitch_deg)
        if place is not None:
            self._put(pen, place, BALL, 1.15 * self._dot)

    def pixels_of(self, places: Floats) -> Floats:
        """Where places on the ground, metres, shape (..., 2), are in the view."""
        middle = (np.array(self.size, dtype=np.float64) - 1) / 2
        return np.asarray(middle + np.asarray(places) * (self._scale, -self._scale))

    def _put(self, pen: Pen, place: tuple[float, float], ink: Ink, radius: float) -> None:
        x, y = self.pixels_of(np.array(place)).tolist()
        pen.dot(x, y, radius + 1, RIM)
        pen.dot(x, y, radius, ink)

    def _sight(self, view: View) -> Floats:
        """The picture's edges on the ground, shape (n, 2), cut off just below the horizon."""
        side = np.linspace(-0.5, 0.5, _ALONG)
        square = np.concatenate(
            [
                np.column_stack([side, np.full(_ALONG, 0.5)]),
                np.column_stack([np.full(_ALONG, 0.5), -side]),
                np.column_stack([-side, np.full(_ALONG, -0.5)]),
                np.column_stack([np.full(_ALONG, -0.5), side]),
            ]
        )
        height = 1000
        width = round(self._aspect * height)
        x, y = square[:, 0] * width + (width - 1) / 2, square[:, 1] * height + (height - 1) / 2
        yaw, pitch = rays_to_angles(view.rays(x, y, width, height))
        return self._ground.places(angles_to_rays(yaw, np.minimum(pitch, math.radians(_LOWEST_DEG))))

    def _lines(self, picture: Nv12) -> None:
        picture.fill(AROUND.y, AROUND.u, AROUND.v)
        pen = Pen(picture)
        half = np.array(self._field) / 2
        square = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)])
        pen.fill(self.pixels_of((half + MARGIN_M / 2) * square), GRASS)
        corners = half * square
        pen.line(self.pixels_of(corners), LINE, 1, closed=True)
        pen.line(self.pixels_of(half * np.array([(0, -1), (0, 1)])), LINE, 1)
        angle = np.linspace(0, 2 * np.pi, 49)
        radius = min(_CIRCLE_M, 0.3 * self._field[1])
        pen.line(self.pixels_of(radius * np.column_stack([np.cos(angle), np.sin(angle)])), LINE, 1)
