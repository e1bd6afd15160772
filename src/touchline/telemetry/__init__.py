"""What is told about a run: memory probes, a snapshot of all counters, metrics for Prometheus and the report."""

from touchline.telemetry.collector import RunCollector
from touchline.telemetry.gpu import GpuMemory, GpuProbe, get_gpu_memory_usage
from touchline.telemetry.memory import available_bytes, process_memory
from touchline.telemetry.metrics import MetricsServer
from touchline.telemetry.pools import PoolUse, get_buffer_pool_stats
from touchline.telemetry.report import Report, build_report, write_report
from touchline.telemetry.snapshots import SnapshotLogger, log_memory_snapshot
from touchline.telemetry.stats import FrameStats, MemoryStats, ProgrammeStats, RunStats

__all__ = [
    "FrameStats",
    "GpuMemory",
    "GpuProbe",
    "MemoryStats",
    "MetricsServer",
    "PoolUse",
    "ProgrammeStats",
    "Report",
    "RunCollector",
    "RunStats",
    "SnapshotLogger",
    "available_bytes",
    "build_report",
    "get_buffer_pool_stats",
    "get_gpu_memory_usage",
    "log_memory_snapshot",
    "process_memory",
    "write_report",
]
