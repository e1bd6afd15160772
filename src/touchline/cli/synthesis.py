"""Writes the synthetic match with a progress bar."""

from __future__ import annotations

import math
from pathlib import Path

from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from touchline.capture import parse_rate, parse_size
from touchline.cli.console import answers, problems
from touchline.errors import ConfigurationError
from touchline.synth import SyntheticMatch
from touchline.synth.files import write_match


def write_synthetic(directory: Path, seconds: float, size: str, fps: str, seed: int, *, codes: bool) -> None:
    """Renders a match into a folder. Raises ConfigurationError or OutputError."""
    if not (math.isfinite(seconds) and seconds > 0):
        raise ConfigurationError(f"--seconds must be above zero, not {seconds}")
    columns = (TextColumn("Filming the match"), BarColumn(), TextColumn("{task.completed}/{task.total}"))
    with Progress(*columns, TimeRemainingColumn(), console=problems(), transient=True) as progress:
        task = progress.add_task("", total=None)
        match = SyntheticMatch(seed, parse_size(size), parse_rate(fps), codes=codes)
        write_match(
            directory,
            match,
            seconds,
            progress=lambda done, total: progress.update(task, completed=done, total=total),
        )
    for name in ("left.mp4", "right.mp4", "rig.json", "truth.json"):
        answers().print(f"{directory / name}", markup=False, soft_wrap=True)
