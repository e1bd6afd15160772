"""Scores of camera work as tables that fit a terminal."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from rich.table import Table

from touchline.director.score import CameraScore

# What is shown: a short and a long name, how to get it, and how to write it.
Figure = tuple[str, str, Callable[[CameraScore], float], str]
SEEN: tuple[Figure, ...] = (
    ("ball", "ball in frame", lambda s: 100 * s.ball_in_frame, "{:.1f} %"),
    ("middle", "ball in the middle two thirds", lambda s: 100 * s.ball_in_middle, "{:.1f} %"),
    ("players", "near players in frame", lambda s: 100 * s.near_in_frame, "{:.1f} %"),
    ("error", "framing error", lambda s: s.framing_error_deg, "{:.2f}°"),
    ("loss", "longest loss of the ball", lambda s: s.longest_loss_s, "{:.1f} s"),
    ("view", "mean field of view", lambda s: s.mean_fov_deg, "{:.1f}°"),
)
MOVED: tuple[Figure, ...] = (
    ("jerk", "jerk, °/s³", lambda s: s.jerk, "{:.2f}"),
    ("pan", "  of pan", lambda s: s.pan_jerk, "{:.2f}"),
    ("tilt", "  of tilt", lambda s: s.tilt_jerk, "{:.2f}"),
    ("zoom", "  of zoom", lambda s: s.zoom_jerk, "{:.2f}"),
    ("turns", "reversals a minute", lambda s: s.reversals_per_min, "{:.1f}"),
    ("zooms", "zoom changes a minute", lambda s: s.zooms_per_min, "{:.1f}"),
    ("rest", "time at rest", lambda s: 100 * s.at_rest, "{:.0f} %"),
)


def one_table(found: CameraScore, title: str) -> Table:
    """One camera's, a line for each figure."""
    table = Table(title=title, title_justify="left", show_header=False)
    table.add_column()
    table.add_column(justify="right")
    for _, name, value, form in (*SEEN, *MOVED):
        table.add_row(name, _written([value(found)], form))
    return table


def tables(
    scores: Mapping[str, Sequence[CameraScore]], costs: Mapping[str, Sequence[float]], title: str
) -> list[Table]:
    """Several cameras', a line for each: what was in the picture, and how the camera moved.

    Args:
        scores: by camera, of the same matches: their means are shown, each match weighing the same; one in which there
            was nothing to see does not count.
        costs: likewise, in the planner's own.
        title: above the first one.
    """
    made = []
    for head, figures in ((f"{title}: in the picture", SEEN), ("How the camera moved, jerk in °/s³", MOVED)):
        table = Table("camera", title=head, title_justify="left")
        for short, *_ in figures:
            table.add_column(short, justify="right", no_wrap=True)
        if figures is SEEN:
            table.add_column("cost", justify="right", no_wrap=True)
        for camera, found in scores.items():
            row = [_written([value(one) for one in found], form) for _, _, value, form in figures]
            if figures is SEEN:
                row.append(_written(costs[camera], "{:.2f}"))
            table.add_row(camera, *row)
        made.append(table)
    return made


def mean(values: Sequence[float]) -> float:
    """Of those that are numbers; nan if none is."""
    known = [value for value in values if not math.isnan(value)]
    return float(np.mean(known)) if known else math.nan


def _written(values: Sequence[float], form: str) -> str:
    value = mean(values)
    return "-" if math.isnan(value) else form.format(value)
