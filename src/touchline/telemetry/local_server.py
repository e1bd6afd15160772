"""A small HTTP server of this machine: its life, and what its answers have in common."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler
from socketserver import ThreadingTCPServer
from types import TracebackType
from typing import Any, TypeVar

from touchline.errors import ConfigurationError

LOOPBACK = "127.0.0.1"  # nobody else's machine gets in
LONGEST = 100_000  # bytes that may be sent to us

_Itself = TypeVar("_Itself", bound="LocalServer")


class LocalServer:
    """Listens at a port from the moment that it is made until it is closed; each request gets a thread of its own.

    Args:
        handler: answers the requests.
        port: 0 for any free one.
        what: what can't be served if the port can't be had, for the message: "metrics".
        flag: by which another port is chosen, for the message: "--metrics-port".
        address: to listen at.

    Raises:
        ConfigurationError: if the port can't be had.
    """

    def __init__(
        self, handler: type[Answering], port: int, *, what: str, flag: str, address: str = LOOPBACK
    ) -> None:
        self._address = address
        try:
            self._server = _Server((address, port), handler)
        except (OSError, OverflowError) as error:
            reason = error.strerror if isinstance(error, OSError) else error
            raise ConfigurationError(
                f"{what} can't be served at {address}:{port} ({reason}); choose another {flag}"
            ) from error
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.1,), name=what, daemon=True
        )
        self._thread.start()

    @property
    def port(self) -> int:
        """The port that it listens at."""
        return int(self._server.server_address[1])

    @property
    def address(self) -> str:
        """What to open in a browser."""
        return f"http://{self._address}:{self.port}/"

    def close(self) -> None:
        """Stops listening. May be called again."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def __enter__(self: _Itself) -> _Itself:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.close()


class Answering(BaseHTTPRequestHandler):
    """Answers a request: a server gives it a ``get``, and a ``post`` if something may be sent to it."""

    def get(self, path: str) -> None:
        """Answers what is asked for; ``path`` is without what follows a question mark."""
        self.answer_text(404, "nothing is here")

    def post(self, path: str, sent: Any) -> None:
        """Takes JSON that this machine sent. ValueError and TypeError tell the sender what is wrong with it."""
        self.answer_text(404, "nothing is taken here")

    def answer(self, code: int, kind: str, body: bytes) -> None:
        """Sends all of an answer; ``kind`` is its MIME type."""
        self.send_response(code)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def answer_text(self, code: int, line: str) -> None:
        """Sends one line for a person."""
        self.answer(code, "text/plain; charset=utf-8", f"{line}\n".encode())

    def is_ours(self) -> bool:
        """Whether we were called by a name of this machine's: another site's page can have its own point at us."""
        port = self.connection.getsockname()[1]
        return self.headers.get("Host") in (f"{LOOPBACK}:{port}", f"localhost:{port}")

    def do_GET(self) -> None:
        """Called by the library."""
        self.get(self.path.partition("?")[0])

    def do_POST(self) -> None:
        """Called by the library."""
        # A page of another site may send plain forms here, but neither JSON nor another Host.
        if not self.is_ours() or self.headers.get_content_type() != "application/json":
            self.answer_text(403, "only JSON from this machine itself is taken")
            return
        try:
            length = int(self.headers.get("Content-Length", "0"))
            if not 0 < length <= LONGEST:
                raise ValueError(f"1 to {LONGEST} bytes may be sent, not {length}")
            self.post(self.path.partition("?")[0], json.loads(self.rfile.read(length)))
        except (ValueError, TypeError, RecursionError) as error:
            self.answer_text(400, str(error))

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: a request is no news."""


class _Server(ThreadingTCPServer):
    # Not http.server's own, which asks the name service for the name of this machine before it listens.
    allow_reuse_address = True
    daemon_threads = True
