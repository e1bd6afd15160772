"""Metrics for Prometheus, and whether we are ready, over HTTP; read from a snapshot whenever somebody asks."""

from __future__ import annotations

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from touchline.telemetry.collector import RunCollector, Snapshot
from touchline.telemetry.local_server import LOOPBACK, Answering, LocalServer


class MetricsServer(LocalServer):
    """Serves ``/metrics`` and ``/ready`` (200, or 503 until every programme has its window full and is on time).

    Args:
        snapshot: called at each request, from a thread of the server's.
        port: 0 for any free one.
        address: to listen at; by default nobody else's machine gets in.

    Raises:
        ConfigurationError: if the port can't be had.
    """

    def __init__(self, snapshot: Snapshot, port: int, address: str = LOOPBACK) -> None:
        registry = CollectorRegistry()
        registry.register(RunCollector(snapshot))
        handler = _handler(registry, snapshot)
        super().__init__(handler, port, what="metrics", flag="--metrics-port", address=address)


def _handler(registry: CollectorRegistry, snapshot: Snapshot) -> type[Answering]:
    class Handler(Answering):
        def get(self, path: str) -> None:
            if path in ("/", "/metrics"):
                self.answer(200, CONTENT_TYPE_LATEST, generate_latest(registry))
            elif path == "/ready":
                ready = snapshot().all_ready
                self.answer_text(200 if ready else 503, "ready" if ready else "not ready")
            else:
                self.answer_text(404, "there are /metrics and /ready")

    return Handler
