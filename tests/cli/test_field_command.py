"""``touchline field``: corners from the command line or from the page, kept in the rig, and nothing from elsewhere."""

from __future__ import annotations

import http.client
import json
import math
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runs import refused, touchline, touchline_here
from touchline.cli.field_page import FieldPage
from touchline.cli.fielding import parse_points, written
from touchline.errors import ConfigurationError
from touchline.geometry import Panorama, Rig

PANORAMA = Panorama(
    "equirectangular", 400, 200, math.radians(-80), math.radians(80), math.radians(-60), math.radians(20)
)
CORNERS = ((-60.0, -9.0), (-32.0, -5.5), (32.0, -5.5), (60.0, -9.0), (0.0, -40.0))


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(-80, 80), st.integers(-70, -1)), min_size=3, max_size=6, unique=True))
def test_points_come_back(corners: list[tuple[int, int]]) -> None:
    text = written(tuple((float(yaw), float(pitch)) for yaw, pitch in corners))
    try:
        points = parse_points(text)
    except ConfigurationError:
        return  # crossed
    assert points == tuple((float(yaw), float(pitch)) for yaw, pitch in corners)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "3 to 500 corners, not 0"),
        ("1,2 3,4", "not 2"),
        ("1,2 3,4 5", "'5' is no corner"),
        ("1,2 3,4 5,x", "'5,x' is no corner"),
        ("1,2 3,4 5,6,7", "'5,6,7' is no corner"),
        ("1,2 3,4 5,nan", "no direction"),
        ("-20,-10 20,-30 20,-10 -20,-30", "crosses itself"),
    ],
)
def test_what_is_no_outline_is_refused(text: str, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message) as caught:
        parse_points(text)
    assert str(caught.value).startswith("--points: ")


@pytest.fixture
def page():
    picture = np.full((200, 400, 3), (30, 120, 60), np.uint8)
    with FieldPage(PANORAMA, picture, CORNERS) as made:
        yield made


def ask(
    page: FieldPage, method: str, path: str, body: bytes | None = None, **headers: str
) -> tuple[int, bytes]:
    place = page.address.removeprefix("http://").rstrip("/")
    connection = http.client.HTTPConnection(place, timeout=10)
    connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
    answer = connection.getresponse()
    read = answer.status, answer.read()
    connection.close()
    return read


def test_the_page_shows_the_panorama(page: FieldPage) -> None:
    status, text = ask(page, "GET", "/")
    assert status == 200
    settings = json.loads(text.decode().split("const settings = ")[1].split(";\n")[0])
    assert settings["corners"] == [list(corner) for corner in CORNERS]
    assert settings["yaw"] == pytest.approx([-80, 80])
    assert settings["pitch"] == pytest.approx([20, -60])
    status, data = ask(page, "GET", "/panorama.jpg")
    picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    assert picture.shape == (200, 400, 3)
    assert np.abs(picture.astype(int) - (30, 120, 60)).max() < 8
    assert ask(page, "GET", "/../secret")[0] == 404


def test_corners_that_are_clicked_are_taken(page: FieldPage) -> None:
    body = json.dumps([list(corner) for corner in CORNERS]).encode()
    assert ask(page, "POST", "/field", body, Content_Type="application/json")[0] == 200
    assert page.wait() == CORNERS


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"[[1,2],[3,4]]", b"3 to 500 corners"),
        (b"[[-20,-10],[20,-30],[20,-10],[-20,-30]]", b"crosses itself"),
        (b"nonsense", b"Expecting value"),
        (b"{}", b"3 to 500"),
        (b"7", b"iterable"),
        (b"[" * 50_000, b""),
        (b" " * 100_001, b"bytes"),
        (b"", b"bytes"),
    ],
)
def test_the_page_is_told_what_is_wrong(page: FieldPage, body: bytes, said: bytes) -> None:
    status, text = ask(page, "POST", "/field", body, Content_Type="application/json")
    assert status == 400
    assert said in text
    # And it goes on listening.
    assert ask(page, "GET", "/")[0] == 200


def test_other_pages_are_not_listened_to(page: FieldPage) -> None:
    body = json.dumps([list(corner) for corner in CORNERS]).encode()
    assert ask(page, "POST", "/field", body, Content_Type="text/plain")[0] == 403
    assert ask(page, "POST", "/field", body, Content_Type="application/json", Host="evil.example")[0] == 403
    assert ask(page, "GET", "/", Host="evil.example")[0] == 403


def test_a_port_that_is_taken(page: FieldPage) -> None:
    port = int(page.address.rstrip("/").rsplit(":", 1)[1])
    with pytest.raises(ConfigurationError, match="choose another --port"):
        FieldPage(PANORAMA, np.zeros((200, 400, 3), np.uint8), port=port)


@pytest.fixture(scope="module")
def footage(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("match")
    done = touchline_here("synth", folder, "--seconds", "2", "--size", "640x360", "--seed", "1")
    assert done.returncode == 0, done.stderr
    return folder


def test_points_are_kept_in_the_rig_and_drawn(footage: Path) -> None:
    text = written(CORNERS)
    done = touchline(
        "field", footage / "left.mp4", footage / "right.mp4", "--rig", footage / "rig.json", "--points", text
    )
    assert done.returncode == 0, done.stderr
    assert f"Field: {text}" in done.stdout
    assert Rig.load(footage / "rig.json").field == CORNERS
    picture = cv2.imread(str(footage / "rig.field.jpg"))
    yellow = np.abs(picture.astype(int) - (40, 210, 255)).max(axis=-1) < 60
    assert yellow.sum() > 500


def test_one_line_for_what_cannot_be(footage: Path, tmp_path: Path) -> None:
    inputs = footage / "left.mp4", footage / "right.mp4"
    rig = footage / "rig.json"
    said = refused(touchline_here("field", *inputs, "--rig", rig, "--points", "1,2"), 2)
    assert "3 to 500 corners" in said
    said = refused(touchline_here("field", *inputs, "--rig", tmp_path / "none.json"), 2)
    assert "can't be read" in said
    said = refused(touchline_here("field", *inputs, "--rig", rig, "--points", "1,2", "--draw"), 2)
    assert "not both" in said
