"""The overview: the view's outline lies where the view looks, and every row is drawn."""

from __future__ import annotations

import math

import numpy as np
import pytest

from touchline.engine.overview import OverviewRow, compose, outline
from touchline.geometry import Panorama, View

WIDE = 1400  # pixels of a row's panorama
YELLOW = (0, 220, 255)
HALF, TOP, BOTTOM = math.radians(85), math.radians(20), math.radians(-45)


def panorama(projection: str = "equirectangular") -> Panorama:
    half = min(HALF, math.radians(80)) if projection == "pitch" else HALF
    return Panorama(projection, 700, 260, -half, half, BOTTOM, TOP)


def row(pts_s: float, grey: int, view: View | None, size: tuple[int, int] = (320, 180)) -> OverviewRow:
    shown = np.full((size[1], size[0], 3), (grey, 255 - grey, 60), np.uint8)
    return OverviewRow(pts_s, np.full((260, 700, 3), grey, np.uint8), view, shown)


def yellow(picture: np.ndarray) -> np.ndarray:
    """The places of the outline, shape (n, 2): x and y."""
    found = (np.abs(picture.astype(int) - YELLOW).max(axis=-1) < 40).nonzero()
    return np.stack(found[::-1], axis=-1)


@pytest.mark.parametrize("projection", ["equirectangular", "cylindrical", "pitch"])
@pytest.mark.parametrize("view", [View(0, -10, 50), View(-40, -20, 30), View(55, 5, 24), View(10, -12, 100)])
def test_an_outline_is_the_edge_of_the_picture(projection: str, view: View) -> None:
    """Every point, taken back to the programme's picture, lies on its edge; all four edges and corners are there."""
    whole = panorama(projection)
    points = outline(whole, view, 16 / 9)
    yaw, pitch = whole.pixels_to_angles(points[:, 0], points[:, 1])
    width, height = 1600, 900
    x, y = view.pixels_of(yaw, pitch, width, height).T
    # The picture's edge as its first and last pixel, which are a pixel of whatever size the outline was taken at.
    tolerance = 2.0
    out = np.minimum.reduce([np.abs(x), np.abs(width - 1 - x), np.abs(y), np.abs(height - 1 - y)])
    assert out.max() < tolerance
    assert -tolerance < x.min() < tolerance
    assert -tolerance < y.min() < tolerance
    assert abs(x.max() - (width - 1)) < tolerance
    assert abs(y.max() - (height - 1)) < tolerance
    around = np.hypot(*np.diff(np.vstack([points, points[:1]]), axis=0).T)
    assert around.max() < 30, "a gap, or a jump across the picture"


def test_an_outline_goes_round_behind_the_seam_without_a_jump() -> None:
    """A panorama of more than 180 degrees, a view at its end: yaw goes on past 180 degrees."""
    whole = Panorama("equirectangular", 1000, 200, math.radians(-100), math.radians(260), BOTTOM, TOP)
    points = outline(whole, View(178, -10, 60), 16 / 9)
    assert np.hypot(*np.diff(points, axis=0).T).max() < 10
    middle = whole.angles_to_pixels(math.radians(178), math.radians(-10))
    assert points.mean(axis=0) == pytest.approx(middle, abs=5)


def test_each_row_is_drawn_with_its_view() -> None:
    views = [View(-40, -20, 30), View(0, -10, 50), View(45, -12, 24)]
    rows = [row(2.0 * i, 40 * (i + 1), view) for i, view in enumerate(views)]
    whole = panorama()
    picture = compose(whole, rows, "three rows")
    height = round(WIDE * whole.height / whole.width)
    assert picture.dtype == np.uint8
    assert picture.shape == (40 + 3 * (height + 6), WIDE + 6 + round(height * 16 / 9), 3)
    assert yellow(picture[:40]).size == 0
    for index, (one, view) in enumerate(zip(rows, views, strict=True)):
        part = picture[40 + index * (height + 6) :][:height]
        grey = one.panorama[0, 0, 0]
        assert np.mean(np.all(part[:, :WIDE] == grey, axis=-1)) > 0.9, "the panorama"
        assert (part[5:-5, WIDE + 10 : -5] == one.programme[0, 0]).all(), "the programme"
        drawn = yellow(part[:, :WIDE])
        wanted = (outline(whole, view, 16 / 9) + 0.5) * (WIDE / whole.width) - 0.5
        near = np.hypot(*(drawn[:, None] - wanted[None]).transpose(2, 0, 1))
        assert near.min(axis=1).max() < 12, "yellow somewhere else"
        assert near.min(axis=0).max() < 3, "an edge is missing"
        text = part[height - 40 :, :120]
        assert (text == 255).all(axis=-1).sum() > 40, "the time"


def test_a_row_without_a_view_has_no_outline() -> None:
    whole = panorama()
    assert yellow(compose(whole, [row(0.0, 90, None)], "all of it")).size == 0
    assert yellow(compose(whole, [row(0.0, 90, View(0, -10, 50))], "a view")).size > 0


def test_the_pictures_of_a_row_are_left_as_they_are() -> None:
    one = row(1.5, 90, View(0, -10, 50), (WIDE, 520))
    before = one.panorama.copy(), one.programme.copy()
    compose(panorama(), [one], "a row")
    assert (one.panorama == before[0]).all()
    assert (one.programme == before[1]).all()


def test_no_rows_are_refused() -> None:
    with pytest.raises(ValueError, match="a row at least"):
        compose(panorama(), [], "nothing")
