"""What is drawn of the tracks lies where the virtual camera shows it, and where the field has it."""

from __future__ import annotations

import numpy as np
import pytest

from touchline.analysis.play import BallAt, Moment, PlayerAt
from touchline.geometry import Ground, View
from touchline.gst.nv12 import Nv12
from touchline.render.minimap import BALL as MAP_BALL
from touchline.render.minimap import PLAYER as MAP_PLAYER
from touchline.render.minimap import SIGHT, Minimap
from touchline.render.overlay import BALL, CAMERA, PLAYER, TRAIL, Overlay
from touchline.synth.pitch import EYE

GROUND = Ground.below_mast(EYE[2], (EYE[0], EYE[1]))
VIEW = View(4.0, -9.0, 40.0)
SIZE = (640, 360)


def seen(place: tuple[float, float], up_m: float = 0.0) -> tuple[float, float]:
    return GROUND.direction_of(place, up_m)


def moment(ball: tuple[float, float], *players: tuple[float, float], pts: int = 0) -> Moment:
    return Moment(
        pts,
        BallAt(*seen(ball, 0.11), 1.0, True, ball),
        tuple(PlayerAt(k, *seen(place, 0.95), True, place) for k, place in enumerate(players)),
    )


def has(picture: Nv12, ink: object, x: float, y: float, reach: int = 2) -> bool:
    """Whether there is some of an ink about a pixel, by its chroma."""
    rows = slice(max(0, round(y) // 2 - reach), round(y) // 2 + reach + 1)
    columns = slice(max(0, round(x) // 2 - reach), round(x) // 2 + reach + 1)
    found = picture.uv[rows, columns].reshape(-1, 2)
    return bool((found == (ink.u, ink.v)).all(axis=1).any())  # type: ignore[attr-defined]


def grey(width: int, height: int) -> Nv12:
    picture = Nv12.empty(width, height)
    picture.fill(100, 128, 128)
    return picture


@pytest.mark.parametrize("ground", [GROUND, None])
def test_boxes_stand_around_players_and_ball(ground: Ground | None) -> None:
    """From the feet to the head, by the virtual camera's own geometry; without a ground about as large."""
    picture, now = grey(*SIZE), moment((2.0, 5.0), (-3.0, 0.0))
    Overlay(*SIZE, ground).draw(picture, VIEW, now, [])
    feet, head, middle = (
        VIEW.pixels_of(*np.radians(seen((-3.0, 0.0), up)), *SIZE) for up in (0.0, 1.85, 0.95)
    )
    if ground is not None:
        assert has(picture, PLAYER, *feet)
        assert has(picture, PLAYER, *head)
    assert not has(picture, PLAYER, *middle, reach=1)
    ball = VIEW.pixels_of(*np.radians(seen((2.0, 5.0), 0.11)), *SIZE)
    assert has(picture, BALL, ball[0] - 5, ball[1])
    assert has(picture, BALL, ball[0] + 5, ball[1])
    assert not has(picture, BALL, ball[0] - 60, ball[1])


def test_the_way_of_the_ball_and_of_the_camera() -> None:
    """A ball that rolls along x, and a camera that has panned by two degrees."""
    way = [moment((x, 2.0), pts=int(x)) for x in np.linspace(0, 12, 13)]
    overlay = Overlay(*SIZE, GROUND)
    overlay.draw(grey(*SIZE), View(2.0, -9.0, 40.0), None, [])
    picture = grey(*SIZE)
    overlay.draw(picture, VIEW, None, way)
    between = VIEW.pixels_of(*np.radians(seen((6.5, 2.0), 0.11)), *SIZE)
    assert has(picture, TRAIL, *between)
    assert has(picture, CAMERA, 640 / 2 - 20, 180)
    assert not has(picture, CAMERA, 640 / 2 + 20, 180)


def test_nothing_is_drawn_of_what_is_elsewhere() -> None:
    picture = grey(*SIZE)
    Overlay(*SIZE, GROUND).draw(picture, View(60.0, -9.0, 30.0), moment((-40.0, 0.0), (-45.0, 3.0)), [])
    colours = {tuple(c) for c in picture.uv.reshape(-1, 2).tolist()}
    assert colours == {(128, 128), (CAMERA.u, CAMERA.v)}


def test_the_map_shows_everybody_at_his_place() -> None:
    picture = Nv12.empty(240, 160)
    top = Minimap(240, 160, GROUND, (105.0, 68.0), 16 / 9)
    top.draw(picture, VIEW, moment((20.0, 10.0), (-30.0, -15.0), (40.0, 30.0)))
    assert has(picture, MAP_BALL, *top.pixels_of(np.array([20.0, 10.0])))
    for place in ((-30.0, -15.0), (40.0, 30.0)):
        x, y = top.pixels_of(np.array(place))
        assert picture.y[round(y), round(x)] == pytest.approx(MAP_PLAYER.y, abs=3)
    x, y = top.pixels_of(np.array([20.0, -25.0]))
    assert picture.y[round(y), round(x)] < 100
    left, right = top.pixels_of(np.array([(-30.0, 0.0), (30.0, 0.0)]))
    assert left[0] < right[0]
    near, far = top.pixels_of(np.array([(0.0, -30.0), (0.0, 30.0)]))
    assert near[1] > far[1]


def test_the_map_shows_what_the_camera_sees() -> None:
    """The picture's bottom corners meet the ground where the map's outline has its corners."""
    picture = Nv12.empty(240, 160)
    top = Minimap(240, 160, GROUND, (105.0, 68.0), 16 / 9)
    view = View(0.0, -16.0, 50.0)
    top.draw(picture, view, None)
    rays = view.rays(np.array([-0.5, SIZE[0] - 0.5]), np.array([SIZE[1] - 0.5] * 2), *SIZE)
    for corner in GROUND.places(rays / np.linalg.norm(rays, axis=-1, keepdims=True)):
        assert has(picture, SIGHT, *top.pixels_of(corner))
    before = picture.y.copy()
    top.draw(picture, view, None)
    assert (picture.y == before).all()
