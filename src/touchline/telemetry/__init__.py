"""What is told about a run: memory probes, a snapshot of all counters, metrics for Prometheus and the report."""

from touchline.telemetry.memory import available_bytes, process_memory
from touchline.telemetry.metrics import MetricsServer
from touchline.telemetry.report import Report, build_report, write_report
from touchline.telemetry.stats import FrameStats, MemoryStats, RunStats

__all__ = [
    "FrameStats",
    "MemoryStats",
    "MetricsServer",
    "Report",
    "RunStats",
    "available_bytes",
    "build_report",
    "process_memory",
    "write_report",
]
