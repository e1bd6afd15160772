"""A server of this machine: what it takes, from whom, and that nothing of it is left."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from touchline.errors import ConfigurationError
from touchline.telemetry.local_server import LONGEST, Answering, LocalServer


class Echo(Answering):
    def get(self, path: str) -> None:
        self.answer_text(200, path)

    def post(self, path: str, sent: Any) -> None:
        self.answer_text(200, f"{path} {10 / sent['by']:g}" if sent["by"] else "")


@pytest.fixture
def server() -> Iterator[LocalServer]:
    with LocalServer(Echo, 0, what="echo", flag="--echo-port") as made:
        yield made


def ask(
    server: LocalServer, method: str, path: str, body: bytes | None = None, **headers: str
) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    try:
        connection.request(
            method, path, body, {key.replace("_", "-"): value for key, value in headers.items()}
        )
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def test_it_answers(server: LocalServer) -> None:
    assert server.address == f"http://127.0.0.1:{server.port}/"
    assert ask(server, "GET", "/where?when=now") == (200, "/where\n")
    body = json.dumps({"by": 4}).encode()
    assert ask(server, "POST", "/d", body, Content_Type="application/json") == (200, "/d 2.5\n")
    assert (
        ask(server, "POST", "/d", body, Content_Type="application/json", Host=f"localhost:{server.port}")[0]
        == 200
    )


@pytest.mark.parametrize(
    "headers", [{}, {"Content_Type": "text/plain"}, {"Host": "evil.example"}, {"Host": "localhost"}]
)
def test_another_site_can_change_nothing(server: LocalServer, headers: dict[str, str]) -> None:
    """A page of elsewhere in the same browser may post forms here, and may have its own name point at us."""
    headers = {"Content_Type": "application/json"} | headers if "Host" in headers else headers
    assert ask(server, "POST", "/d", b'{"by": 4}', **headers)[0] == 403


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "bytes"),
        (b" " * (LONGEST + 1), "bytes"),
        (b"{", "Expecting"),
        (b"[" * 50_000, ""),
        (b'{"by": "x"}', ""),
    ],
)
def test_the_sender_is_told_what_is_wrong(server: LocalServer, body: bytes, said: str) -> None:
    code, text = ask(server, "POST", "/d", body, Content_Type="application/json")
    assert code == 400
    assert said in text
    assert ask(server, "GET", "/")[0] == 200  # and it goes on


def test_what_a_server_does_not_have(server: LocalServer) -> None:
    with LocalServer(Answering, 0, what="nothing", flag="--port") as empty:
        assert ask(empty, "GET", "/")[0] == 404
        assert ask(empty, "POST", "/", b"1", Content_Type="application/json")[0] == 404


def test_a_port_that_cannot_be_had_is_one_line(server: LocalServer) -> None:
    with pytest.raises(
        ConfigurationError, match=rf"^echo can't be served at 127\.0\.0\.1:{server.port} \(Address"
    ) as caught:
        LocalServer(Echo, server.port, what="echo", flag="--echo-port")
    assert str(caught.value).endswith("choose another --echo-port")
    with pytest.raises(ConfigurationError, match="70000"):
        LocalServer(Echo, 70_000, what="echo", flag="--echo-port")


def test_its_thread_ends_and_its_port_is_free_again() -> None:
    before = threading.active_count()
    server = LocalServer(Echo, 0, what="echo", flag="--echo-port")
    server.close()
    server.close()
    assert threading.active_count() == before
    with LocalServer(Echo, server.port, what="echo", flag="--echo-port") as again:
        assert ask(again, "GET", "/")[0] == 200
