"""Metrics for Prometheus, and whether we are ready, over HTTP; read from a snapshot whenever somebody asks."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler
from socketserver import ThreadingTCPServer
from types import TracebackType

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from touchline.errors import ConfigurationError
from touchline.telemetry.collector import RunCollector, Snapshot


class MetricsServer:
    """Serves ``/metrics`` and ``/ready`` (200, or 503 until every programme has its window full and is on time).

    Args:
        snapshot: called at each request, from a thread of the server's.
        port: 0 for any free one.
        address: to listen at; by default nobody else's machine gets in.

    Raises:
        ConfigurationError: if the port can't be had.
    """

    def __init__(self, snapshot: Snapshot, port: int, address: str = "127.0.0.1") -> None:
        registry = CollectorRegistry()
        registry.register(RunCollector(snapshot))
        try:
            self._server = _Server((address, port), _handler(registry, snapshot))
        except (OSError, OverflowError) as error:
            reason = error.strerror if isinstance(error, OSError) else error
            raise ConfigurationError(
                f"metrics can't be served at {address}:{port} ({reason}); choose another --metrics-port"
            ) from error
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.1,), name="metrics", daemon=True
        )
        self._thread.start()

    @property
    def port(self) -> int:
        """The port that it listens at."""
        return int(self._server.server_address[1])

    def close(self) -> None:
        """Stops listening. May be called again."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def __enter__(self) -> MetricsServer:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.close()


class _Server(ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


def _handler(registry: CollectorRegistry, snapshot: Snapshot) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            if path in ("/", "/metrics"):
                self._answer(200, CONTENT_TYPE_LATEST, generate_latest(registry))
            elif path == "/ready":
                ready = snapshot().all_ready
                self._answer(200 if ready else 503, "text/plain", b"ready\n" if ready else b"not ready\n")
            else:
                self._answer(404, "text/plain", b"there are /metrics and /ready\n")

        def _answer(self, code: int, kind: str, body: bytes) -> None:
            self.send_response(code)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Nothing: a scrape is no news."""

    return Handler
