"""The memory plan as a table."""

from __future__ import annotations

import json
import math

from rich.table import Table

from touchline.capture import parse_rate, parse_size
from touchline.cli.console import answers
from touchline.config import parse_bytes
from touchline.delay.plan import GB, MB, MemoryPlan
from touchline.errors import ConfigurationError, PlanError
from touchline.gst.caps import FORMATS
from touchline.telemetry.memory import available_bytes


def show_plan(size: str, fps: str, delay: float, history: float, limit: str | None, *, as_json: bool) -> None:
    """Prints the plan in every format. Raises PlanError if NV12 does not fit, ConfigurationError for nonsense."""
    width, height = parse_size(size)
    rate = parse_rate(fps)
    try:
        plans = [
            MemoryPlan(
                width,
                height,
                float(rate),
                delay,
                format,
                history,
                in_flight=3,
                reserve=max(4, math.ceil(rate / 4)),
            )
            for format in FORMATS
        ]
        free = parse_bytes(limit) if limit else available_bytes()
    except ValueError as error:
        raise ConfigurationError(str(error)) from error
    what = "are allowed (--memory-limit)" if limit else "are free"
    if as_json:
        print(json.dumps([_as_dict(plan, free) for plan in plans], indent=2))
    else:
        _print_table(plans, free, what)
    plans[0].check(free, what)


def _print_table(plans: list[MemoryPlan], free: int, what: str) -> None:
    first = plans[0]
    console = answers()
    console.print(
        f"{first.width}x{first.height} at {first.fps:g} fps, {first.delay_s:g} s late"
        + (f", {first.history_s:g} s of history" if first.history_s else "")
        + f": {first.window_frames} frames wait, {first.frames} are allocated "
        f"({first.in_flight} in flight, {first.reserve} in reserve)"
    )
    table = Table(
        "format", "a frame", f"window ({first.window_frames})", f"pool ({first.frames})", "longest delay"
    )
    for plan in plans:
        longest = plan.longest_delay(free)
        table.add_row(
            plan.format,
            f"{plan.frame_bytes / MB:.2f} MB",
            f"{plan.window_bytes / GB:.2f} GB",
            f"{plan.pool_bytes / GB:.2f} GB",
            "none" if longest is None else f"{longest:.1f} s",
        )
    console.print(table)
    console.print(f"{free / GB:.2f} GB {what}; Touchline holds NV12")


def _as_dict(plan: MemoryPlan, free: int) -> dict[str, object]:
    try:
        plan.check(free)
        fits = True
    except PlanError:
        fits = False
    return {
        "format": plan.format,
        "width": plan.width,
        "height": plan.height,
        "fps": plan.fps,
        "delay_s": plan.delay_s,
        "history_s": plan.history_s,
        "frame_bytes": plan.frame_bytes,
        "window_frames": plan.window_frames,
        "window_bytes": plan.window_bytes,
        "frames": plan.frames,
        "pool_bytes": plan.pool_bytes,
        "available_bytes": free,
        "fits": fits,
        "longest_delay_s": plan.longest_delay(free),
    }
