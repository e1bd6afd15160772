"""Holding the camera over HTTP, with real requests."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from typing import Any

import pytest

from director.plays import LIMITS, times
from touchline.cli.hand_server import HandServer
from touchline.director import FixedDirector, ManualHand
from touchline.errors import ConfigurationError
from touchline.geometry import View

HOME = View(0.0, -10.0, 40.0)


@pytest.fixture
def hand() -> ManualHand:
    made = ManualHand(FixedDirector(HOME, LIMITS), LIMITS)
    made.view(0)
    return made


@pytest.fixture
def server(hand: ManualHand) -> Iterator[HandServer]:
    with HandServer({"main": hand}) as running:
        yield running


def ask(
    server: HandServer, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
) -> tuple[int, str]:
    """Status and body of a request; what is no text is sent as JSON."""
    sent = body if body is None or isinstance(body, str) else json.dumps(body)
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    try:
        connection.request(method, path, sent, {"Content-Type": "application/json", **(headers or {})})
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def test_the_camera_is_taken_nudged_and_given_back(server: HandServer, hand: ManualHand) -> None:
    status, text = ask(server, "GET", "/state")
    assert status == 200
    assert json.loads(text) == {
        "main": {"mode": "director", "shown": {"yaw": 0.0, "pitch": -10.0, "fov": 40.0}, "wanted": None}
    }
    status, text = ask(server, "POST", "/main/take", {"yaw": -20, "fov": 35})
    assert status == 200
    assert json.loads(text)["mode"] == "hand"
    assert json.loads(text)["wanted"] == {"yaw": -20.0, "pitch": -10.0, "fov": 35.0}
    assert ask(server, "POST", "/main/nudge", {"pitch": -2.5})[0] == 200
    assert hand.state.wanted == View(-20.0, -12.5, 35.0)
    for pts in times(5):
        hand.view(pts)
    assert json.loads(ask(server, "GET", "/state")[1])["main"]["shown"]["yaw"] == pytest.approx(-20, abs=0.1)
    assert json.loads(ask(server, "POST", "/main/release", {})[1])["mode"] == "returning"
    assert hand.state.wanted is None


def test_the_page_knows_the_programmes(server: HandServer) -> None:
    status, text = ask(server, "GET", "/")
    assert status == 200
    assert 'names = ["main"]' in text
    assert "release" in text


@pytest.mark.parametrize(
    ("path", "body", "status", "says"),
    [
        ("/main/take", {"yaw": 200}, 400, "yaw"),
        ("/main/take", {"fov": "wide"}, 400, "fov"),
        ("/main/take", {"roll": 3}, 400, "roll"),
        ("/main/take", '{"yaw": NaN}', 400, "yaw"),
        ("/main/nudge", "[1, 2]", 400, "object"),
        ("/main/nudge", "{", 400, "Expecting"),
        ("/main/nudge", '{"yaw": ' + "1" * 100_000 + "}", 400, "100000 bytes"),
        ("/main/release", {"now": True}, 400, "now"),
        ("/main/jump", {}, 404, "/NAME/take"),
        ("/second/take", {}, 404, "/NAME/take"),
        ("/", {}, 404, "/NAME/take"),
    ],
)
def test_what_can_not_be_is_refused(
    server: HandServer, hand: ManualHand, path: str, body: Any, status: int, says: str
) -> None:
    answered, text = ask(server, "POST", path, body)
    assert answered == status
    assert says in text
    assert hand.state.mode == "director"


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Type": "text/plain"},
        {"Content-Type": "application/x-www-form-urlencoded"},
        {"Host": "evil.example"},
    ],
)
def test_pages_of_other_sites_get_nowhere(
    server: HandServer, hand: ManualHand, headers: dict[str, str]
) -> None:
    assert ask(server, "POST", "/main/take", {"yaw": 10}, headers)[0] == 403
    assert hand.state.mode == "director"
    if "Host" in headers:
        assert ask(server, "GET", "/state", headers=headers)[0] == 403


def test_other_paths_are_not_there(server: HandServer) -> None:
    assert ask(server, "GET", "/main/take")[0] == 404


def test_a_port_that_is_taken_is_named(server: HandServer, hand: ManualHand) -> None:
    with pytest.raises(ConfigurationError, match=str(server.port)):
        HandServer({"main": hand}, server.port)
    with pytest.raises(ConfigurationError, match="70000"):
        HandServer({"main": hand}, 70_000)


def test_without_a_camera_there_is_nothing_to_serve() -> None:
    with pytest.raises(ValueError, match="no camera"):
        HandServer({})


def test_closed_it_can_be_closed_again(hand: ManualHand) -> None:
    server = HandServer({"main": hand})
    assert server.address == f"http://127.0.0.1:{server.port}/"
    server.close()
    server.close()
    with pytest.raises(ConnectionRefusedError):
        ask(server, "GET", "/state")
