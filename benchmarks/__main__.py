"""Prints the tables of docs/performance.md, measured here and now."""

from __future__ import annotations

import sys

from rich.console import Console

from benchmarks import (
    blending,
    camera_work,
    delay,
    detection,
    direct,
    holding,
    live,
    live_delay,
    offsets,
    pacing,
    planning,
    rendering,
    stitching,
    tracking,
)

TABLES = {
    "stitching": stitching.main,
    "blending": blending.main,
    "rendering": rendering.main,
    "direct": direct.main,
    "delay": delay.main,
    "live_delay": live_delay.main,
    "holding": holding.main,
    "offsets": offsets.main,
    "pacing": pacing.main,
    "planning": planning.main,
    "detection": detection.main,
    "camera_work": camera_work.main,
    "live": live.main,
    "tracking": tracking.main,
}


def main(names: list[str]) -> None:
    unknown = [name for name in names if name not in TABLES]
    if unknown:
        sys.exit(f"unknown: {', '.join(unknown)}; known are {', '.join(TABLES)}")
    for name in names or list(TABLES):
        Console(stderr=True).print(f"Measuring: {name} ...")
        TABLES[name]()


main(sys.argv[1:])
