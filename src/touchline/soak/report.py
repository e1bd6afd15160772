"""A soak as JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from touchline import __version__
from touchline.errors import OutputError
from touchline.soak.judge import Recovery
from touchline.soak.limits import SoakLimits
from touchline.soak.results import SoakResult
from touchline.soak.verdict import Promise, is_go, rss_growth


def as_dict(result: SoakResult, limits: SoakLimits, decided: Sequence[Promise]) -> dict[str, Any]:
    """Everything that a soak found out, of plain types."""
    settings = result.settings
    return {
        "version": __version__,
        "go": is_go(list(decided)),
        "promises": [asdict(promise) for promise in decided],
        "limits": limits.model_dump(),
        "settings": {
            "duration_s": settings.duration_s,
            "speed": settings.speed,
            "fault_seed": settings.fault_seed,
            "size": f"{settings.width}x{settings.height}",
            "fps": float(settings.fps),
            "delays_s": list(settings.delays_s),
            "plan": settings.plan.arithmetic(),
        },
        "reached_s": result.reached_s,
        "wall_s": result.wall_s,
        "cpu_s": result.cpu_s,
        "us_per_frame": result.us_per_frame,
        "filmed": result.filmed,
        "programmes": [asdict(programme) for programme in result.programmes],
        "violations": result.violations,
        "first_violations": [asdict(violation) for violation in result.first_violations],
        "faults": [_fault(recovery) for recovery in result.recoveries],
        "checks": result.checks,
        "held_peak_bytes": result.held_peak_bytes,
        "window_bytes": result.window_bytes,
        "rss_growth_bytes": rss_growth(result.samples),
        "pool_low": result.pool_low,
        "pool_missing": result.pool_missing,
        "buffers_left": result.buffers_left,
        "gpu_load": result.gpu_load,
        "furthest_placed_s": result.furthest_placed_s,
        "samples": [asdict(sample) for sample in result.samples],
    }


def write_json(report: dict[str, Any], path: Path) -> None:
    """Writes a report. Raises OutputError if it can't be written."""
    try:
        path.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise OutputError(f"the report {path} can't be written: {error.strerror}") from error


def _fault(recovery: Recovery) -> dict[str, Any]:
    fault = recovery.fault
    return {
        "kind": fault.kind.value,
        "start_s": fault.start_s,
        "length_s": fault.length_s,
        "programme": recovery.programme,
        "recovery_s": recovery.recovery_s,
        "lost": recovery.lost,
        "held": recovery.held,
        "slates": recovery.slates,
        "late": recovery.late,
    }
