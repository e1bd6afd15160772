"""Metrics for Prometheus, and whether we are ready, over HTTP; read from a snapshot whenever somebody asks."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from socketserver import ThreadingTCPServer
from types import TracebackType

from prometheus_client import CollectorRegistry
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector

from touchline.counters import Durations
from touchline.errors import ConfigurationError
from touchline.telemetry.stats import RunStats

Snapshot = Callable[[], RunStats]

_ERROR_BOUNDS = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0]
_STAGE_BOUNDS = [0.001, 0.002, 0.005, 0.01, 0.02, 0.033, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0]


class RunCollector(Collector):
    """Turns a snapshot into metrics.

    Args:
        snapshot: called at each scrape.
    """

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot

    def collect(self) -> Iterator[Metric]:
        """Every metric, with base units and the prefix ``touchline_``."""
        stats = self._snapshot()
        yield from _delay(stats)
        yield from _frames(stats)
        yield from _window(stats)
        yield from _outputs(stats)


class MetricsServer:
    """Serves ``/metrics`` and ``/ready`` (200, or 503 until the window is full and the programme is on time).

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
                ready = snapshot().ready
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


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(f"touchline_{name}", text, value=value)


def _delay(stats: RunStats) -> Iterator[Metric]:
    yield _gauge("delay_seconds", "The delay with which the last frame was shown.", stats.measured_delay_s)
    error = HistogramMetricFamily(
        "touchline_delay_error_seconds", "How late frames were shown, beyond the delay.", labels=[]
    )
    _add_durations(error, [], stats.delay_error, _ERROR_BOUNDS)
    yield error
    yield CounterMetricFamily(
        "touchline_freezes", "Intervals between shown frames over 1.5 frames.", value=stats.freezes
    )
    yield _gauge("lookahead_seconds", "How far the analysis is ahead of what is shown.", stats.lookahead_s)
    yield _gauge("ready", "1 if the window is full and the programme is on time.", float(stats.ready))


def _frames(stats: RunStats) -> Iterator[Metric]:
    counts = CounterMetricFamily("touchline_frames", "Frames that passed a stage.", labels=["stage"])
    frames = stats.frames
    names = ("left", "right") if len(frames.captured) == 2 else ("panorama",)
    for name, count in zip(names, frames.captured, strict=False):
        counts.add_metric([f"captured_{name}"], count)
    for stage in ("paired", "stitched", "played", "repeated"):
        counts.add_metric([stage], getattr(frames, stage))
    yield counts
    drops = CounterMetricFamily(
        "touchline_frames_dropped", "Frames that were lost, by place and reason.", labels=["stage", "reason"]
    )
    for (stage, reason), count in sorted(stats.dropped.items()):
        drops.add_metric([stage, reason], count)
    yield drops
    durations = HistogramMetricFamily(
        "touchline_stage_seconds", "How long a stage takes for a frame.", labels=["stage"]
    )
    for stage, measured in stats.stages.items():
        _add_durations(durations, [stage], measured, _STAGE_BOUNDS)
    yield durations


def _window(stats: RunStats) -> Iterator[Metric]:
    memory = stats.memory
    yield _gauge("store_frames", "Frames in the window.", memory.held_frames)
    yield _gauge("store_bytes", "Bytes of the frames in the window.", memory.held_bytes)
    yield _gauge("store_oldest_age_seconds", "Age of the oldest frame in the window.", memory.oldest_age_s)
    yield _gauge("pool_free", "Frames of the pool that nobody has.", memory.pool_free)
    kinds = {
        "rss": memory.rss_bytes,
        "rss_peak": memory.rss_peak_bytes,
        "planned": memory.planned_bytes,
        "held": memory.held_bytes,
        "gpu": memory.gpu_bytes,
    }
    family = GaugeMetricFamily("touchline_memory_bytes", "Memory, by kind.", labels=["kind"])
    for kind, size in kinds.items():
        if size is not None:
            family.add_metric([kind], size)
    yield family
    if stats.gpu_utilization is not None:
        yield _gauge("gpu_utilization_ratio", "How busy the GPU is, 0 to 1.", stats.gpu_utilization)


def _outputs(stats: RunStats) -> Iterator[Metric]:
    family = CounterMetricFamily(
        "touchline_output_restarts", "Attempts to bring an output back.", labels=["output"]
    )
    for output in stats.outputs:
        family.add_metric([f"{output.kind} {output.uri}".rstrip()], output.restarts)
    yield family


def _add_durations(
    family: HistogramMetricFamily, labels: list[str], durations: Durations, bounds: list[float]
) -> None:
    # The buckets first: what comes in between may raise the total, never a bucket above it.
    counts = durations.cumulative(bounds)
    buckets = [(str(bound), float(count)) for bound, count in zip(bounds, counts, strict=True)]
    family.add_metric(labels, [*buckets, ("+Inf", float(durations.count))], durations.sum_s)
