"""A lens from a board: boards drawn through known cameras, and the camera found again; poor footage is refused."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pytest

from studio import Shot, Studio, pose, shots
from touchline.errors import CalibrationError, ConfigurationError
from touchline.geometry import Camera, Distortion
from touchline.panorama.board_views import Board, View, choose_views
from touchline.panorama.boards import calibrate_lens

SIZE = (640, 480)
BROWN = Camera(*SIZE, 520.0, 523.0, 327.0, 233.0, Distortion("brown", (-0.21, 0.06, 0.0008, -0.0012, 0.0)))
FISHEYE = Camera(*SIZE, 260.0, 261.0, 315.0, 246.0, Distortion("fisheye", (-0.02, 0.004, -0.001, 0.0)))
CHESS = Board(9, 6)
CHARUCO = Board(9, 6, "DICT_4X4_50")
studio_of = lru_cache(Studio)  # its rays take a second


def astray(found: Camera, true: Camera) -> tuple[float, float]:
    """How far two lenses put the same direction apart, pixels, over 95 % of the picture and at most.

    After the best turn of one of them: a board says nothing of where the camera looks, and a moved centre and a turned
    camera are nearly the same.
    """
    x, y = np.meshgrid(np.linspace(0, true.width - 1, 24), np.linspace(0, true.height - 1, 18))
    pixels = np.stack([x, y], axis=-1).reshape(-1, 2)
    ours, theirs = found.unproject(pixels), true.unproject(pixels)
    u, _, vt = np.linalg.svd(ours.T @ theirs)
    turn = u @ np.diag([1, 1, np.linalg.det(u @ vt)]) @ vt
    back, _ = found.project(theirs @ turn.T)
    apart = np.linalg.norm(back - pixels, axis=1)
    return float(np.percentile(apart, 95)), float(apart.max())


def near(found: Camera, true: Camera, px: float = 0.35) -> None:
    usual, most = astray(found, true)
    assert usual < px
    assert most < 3 * px


def ideal(camera: Camera, taken: list[Shot]) -> list[View]:
    """What would be found in pictures: the true places of the corners, to a twentieth of a pixel."""
    rng = np.random.default_rng(2)
    views = []
    for shot in taken:
        middle, to_camera = pose(camera, shot)
        pixels, seen = camera.project(CHESS.corners @ to_camera.T + middle)
        views.append(View((pixels + rng.normal(0, 0.05, pixels.shape))[seen], CHESS.corners[seen], 0.3))
    return views


@pytest.fixture(scope="module")
def brown_charuco() -> list[View]:
    return studio_of(BROWN, CHARUCO).views(shots(SIZE, 0.12, 13))


def test_corners_are_found_where_they_are() -> None:
    """To a twentieth of a pixel, by the geometry that drew them."""
    studio = studio_of(BROWN, CHESS)
    shot = (300.0, 260.0), 14.0, (10.0, -15.0, 5.0)
    view = CHESS.find(studio.photo(shot))
    assert view is not None
    assert len(view.pixels) == 8 * 5
    middle, to_camera = pose(BROWN, shot)
    true, _ = BROWN.project(view.points @ to_camera.T + middle)
    turned, _ = BROWN.project(view.points * (-1, -1, 1) @ to_camera.T + middle)
    off = min((np.linalg.norm(view.pixels - places, axis=1) for places in (true, turned)), key=np.median)
    assert np.median(off) < 0.05
    assert off.max() < 0.2


def test_brown_lens_from_a_charuco_board(brown_charuco: list[View]) -> None:
    found = calibrate_lens(brown_charuco, SIZE)
    assert found.camera.distortion.model == "brown"
    assert found.error_px < 0.15
    assert found.camera.fx == pytest.approx(BROWN.fx, rel=0.003)
    assert found.camera.fy == pytest.approx(BROWN.fy, rel=0.003)
    assert (found.camera.cx, found.camera.cy) == pytest.approx((BROWN.cx, BROWN.cy), abs=1.0)
    near(found.camera, BROWN)
    off = {name: getattr(found.camera, name) - getattr(BROWN, name) for name in ("fx", "fy", "cx", "cy")}
    assert all(abs(value) < 5 * found.deviations[name] for name, value in off.items()), (
        off,
        found.deviations,
    )
    assert found.deviations["fx"] < 0.01 * BROWN.fx
    assert "views of the board" in dict(found.facts())


def test_brown_lens_from_a_chessboard() -> None:
    found = calibrate_lens(studio_of(BROWN, CHESS).views(shots(SIZE, 0.27, 13.5)), SIZE, model="brown")
    assert found.used >= 12
    assert found.camera.fx == pytest.approx(BROWN.fx, rel=0.003)
    near(found.camera, BROWN)


def test_fisheye_lens_is_told_from_the_other_one() -> None:
    views = Studio(FISHEYE, CHARUCO).views(shots(SIZE, 0.1, 7.5))
    found = calibrate_lens(views, SIZE)
    assert found.camera.distortion.model == "fisheye"
    assert found.camera.fx == pytest.approx(FISHEYE.fx, rel=0.003)
    near(found.camera, FISHEYE)
    off = {name: getattr(found.camera, name) - getattr(FISHEYE, name) for name in ("fx", "fy", "cx", "cy")}
    assert all(abs(value) < 5 * found.deviations[name] for name, value in off.items()), (
        off,
        found.deviations,
    )


def test_a_view_that_fits_nothing_is_left_out(brown_charuco: list[View]) -> None:
    """As one is in which the board was moved while it was filmed."""
    bad = brown_charuco[3]
    bent = View(bad.pixels + 4 * np.sin(bad.points[:, :2] * 3), bad.points, bad.sharpness)
    found = calibrate_lens([*brown_charuco[:3], bent, *brown_charuco[4:]], SIZE, model="brown")
    assert found.used == len(brown_charuco) - 1
    near(found.camera, BROWN)


def test_views_that_say_most_are_chosen(brown_charuco: list[View]) -> None:
    blurred = [View(v.pixels + 1, v.points, 0.2 * v.sharpness) for v in brown_charuco[:4]]
    same = [
        View(brown_charuco[5].pixels + 0.1 * k, brown_charuco[5].points, brown_charuco[5].sharpness)
        for k in range(20)
    ]
    chosen = choose_views([*blurred, *same, *brown_charuco], SIZE, most=12)
    assert len(chosen) == 12
    assert not any(view is one for view in chosen for one in blurred)
    assert sum(any(view is one for one in same) for view in chosen) <= 2
    assert choose_views([], SIZE) == []


def test_too_few_views(brown_charuco: list[View]) -> None:
    with pytest.raises(CalibrationError, match=r"only 7 sharp views .* 8 are needed: film it"):
        calibrate_lens(brown_charuco[:7], SIZE)


def test_no_board_at_all() -> None:
    with pytest.raises(
        CalibrationError, match=r"not found in any of 40 pictures: are its squares \(not its corners\)"
    ):
        calibrate_lens([], SIZE, looked_at=40)


def test_always_in_the_middle() -> None:
    with pytest.raises(CalibrationError, match=r"too small a part of the picture .* into the corners"):
        calibrate_lens(ideal(BROWN, shots(SIZE, 0.44, 22)), SIZE)


def test_never_tilted() -> None:
    """The corners fit as well as can be, and the focal length means nothing."""
    flat = [(pixel, 13.0, (0.0, 0.0, 0.0)) for pixel, _, _ in shots(SIZE, 0.12, 13)]
    studio = Studio(Camera(*SIZE, 520.0, 520.0, 319.5, 239.5), CHARUCO)
    # Parallel to the picture, not facing the camera: all of one plane.
    views = []
    for pixel, away, _ in flat:
        ray = studio.camera.unproject(np.array(pixel))
        points = CHARUCO.corners + ray / ray[2] * away
        places, seen = studio.camera.project(points)
        places = places + np.random.default_rng(len(views)).normal(0, 0.1, places.shape)
        views.append(View(places[seen], CHARUCO.corners[seen], 0.3))
    with pytest.raises(CalibrationError, match=r"always held alike .* tilt it to all sides"):
        calibrate_lens(views, SIZE, model="brown")


def test_corners_that_do_not_fit(brown_charuco: list[View]) -> None:
    rng = np.random.default_rng(4)
    shaken = [View(v.pixels + rng.normal(0, 3, v.pixels.shape), v.points, v.sharpness) for v in brown_charuco]
    with pytest.raises(
        CalibrationError, match=r"fit to \d\.\d\d px only, and 1\.00 are allowed: is the board flat"
    ):
        calibrate_lens(shaken, SIZE, model="brown")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Board(3, 6), "4 to 40 squares"),
        (lambda: Board(9, 41), "4 to 40 squares"),
        (lambda: Board(9, 6, "DICT_9X9_9"), "unknown ArUco dictionary DICT_9X9_9; known are DICT_4X4_100"),
        (lambda: Board(20, 20, "DICT_4X4_50"), "has 50 markers, and a board of 20x20 needs 200"),
    ],
)
def test_boards_that_there_are_not(make, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        make()


@pytest.mark.parametrize("board", [CHESS, CHARUCO, Board(10, 7)], ids=["chessboard", "charuco", "even"])
def test_what_is_printed_is_found(board: Board) -> None:
    picture = board.picture(1000)
    view = board.find(picture)
    assert view is not None
    assert len(view.pixels) == (board.columns - 1) * (board.rows - 1)
    steps = np.linalg.norm(np.diff(view.pixels.reshape(board.rows - 1, -1, 2), axis=1), axis=-1)
    assert steps == pytest.approx(1000 // (board.columns + 1), abs=0.3)
    assert board.find(np.full((480, 640), 128, np.uint8)) is None
