"""Scores a path, or compares the planner with its peers, and shows it."""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from pathlib import Path
from typing import Any, get_args

from rich.progress import Progress, SpinnerColumn, TextColumn

from touchline.analysis.known_play import KnownPlay
from touchline.cli.console import answers, problems
from touchline.cli.score_tables import one_table, tables
from touchline.config import ProgrammeSettings
from touchline.director.comparison import EXPONENTIAL, OPTIMUM, Match, Take, compare, moments_of
from touchline.director.path_file import read_path
from touchline.director.score import CameraPath, CameraScore, score
from touchline.director.score_plot import plot_paths
from touchline.director.style import Pace, Sport, Style
from touchline.engine.viewing import horizon_s
from touchline.errors import ConfigurationError, InputError, OutputError
from touchline.geometry import ViewLimits, fit_panorama
from touchline.synth.course import Course, read_course
from touchline.synth.pitch import field_outline
from touchline.synth.rig import default_rig

DELAYS_S = (0.0, 2.0, 7.0)
_ASPECT = 16 / 9
_LEAST_S, _LONGEST_S = 2.0, 3600.0


def score_file(
    path: Path | None,
    truth: Path | None,
    offset_s: float,
    near_m: float,
    plot: Path | None,
    report: Path | None,
) -> None:
    """Scores a path file against a truth file.

    Raises:
        ConfigurationError: if one of them is not given, or for numbers that make no sense.
        InputError: if one can't be read, or they have nothing in common.
        OutputError: if the plot or the report can't be written.
    """
    if path is None or truth is None:
        raise ConfigurationError(
            "give a path and --truth FILE to score it by, or --synthetic SEED to compare"
        )
    _check_near(near_m)
    if not math.isfinite(offset_s):
        raise ConfigurationError(f"--offset is a time in seconds, not {offset_s}")
    recorded = read_path(path)
    course = read_course(truth).course
    shifted = CameraPath(recorded.path.times_s + offset_s, recorded.path.angles_deg)
    try:
        found = score(shifted, course, recorded.info.aspect, near_m=near_m)
    except ValueError as error:
        raise InputError(f"{path} can't be scored by {truth}: {error}") from error
    title = f"{path.name}: {found.seconds:.1f} s, the ball in play for {found.in_play_s:.1f} s"
    answers().print(one_table(found, title))
    if plot is not None:
        plot_paths(
            {path.name: shifted}, course, plot, f"{path.name}: pan, tilt and zoom", recorded.info.aspect
        )
        problems().print(f"Drawn: {plot}", markup=False, soft_wrap=True)
    _write(report, [{"camera": path.name} | told(found)])


def compare_synthetic(
    seed: int,
    path: Path | None,
    truth: Path | None,
    duration_s: float,
    delays_s: list[float],
    sport: str,
    pace: str,
    near_m: float,
    plot: Path | None,
    report: Path | None,
) -> None:
    """Compares the planner with its peers on a synthetic match of which all are told the truth.

    Raises:
        ConfigurationError: for numbers or names that make no sense, or a path or a truth beside the seed.
        OutputError: if the plot or the report can't be written.
    """
    if path is not None or truth is not None:
        raise ConfigurationError(
            "--synthetic brings its own truth and its own cameras: leave PATH and --truth away"
        )
    if not _LEAST_S <= duration_s <= _LONGEST_S:
        raise ConfigurationError(f"--duration is {_LEAST_S:g} to {_LONGEST_S:g} s, not {duration_s:g}")
    _check_near(near_m)
    style = style_of(sport, pace)
    horizons = {delay: horizon_s(_settings(delay)) for delay in sorted(set(delays_s or DELAYS_S))}
    columns = (SpinnerColumn(), TextColumn("Filming the match: {task.description}"))
    with Progress(*columns, console=problems(), transient=True) as progress:
        task = progress.add_task("the truth", total=None)
        course = Course.of_match(seed, duration_s)
        play = KnownPlay(moments_of(course))
        limits = ViewLimits(fit_panorama(default_rig(seed)), _ASPECT)
        match = Match(course, play, limits, style, field_outline(), near_m)
        takes = compare(
            match, horizons, horizons.__getitem__, lambda what: progress.update(task, description=what)
        )
    title = f"Match {seed}, {duration_s:g} s, the ball in play for {takes[0].score.in_play_s:.1f} s"
    scores, costs = {t.name: [t.score] for t in takes}, {t.name: [t.cost] for t in takes}
    for table in tables(scores, costs, title):
        answers().print(table)
    if plot is not None:
        plot_paths(chosen(takes), course, plot, f"Match {seed}: pan, ball and players")
        problems().print(f"Drawn: {plot}", markup=False, soft_wrap=True)
    _write(report, [{"camera": t.name, "delay_s": t.delay_s, "cost": t.cost} | told(t.score) for t in takes])


def chosen(takes: list[Take]) -> dict[str, CameraPath]:
    """What a plot shows: the planner with the longest delay, the causal smoother, and the optimum."""
    planner = max((take for take in takes if take.delay_s is not None), key=lambda take: take.delay_s or 0.0)
    shown = [planner.name, EXPONENTIAL, OPTIMUM]
    return {take.name: take.path for name in shown for take in takes if take.name == name}


def style_of(sport: str, pace: str) -> Style:
    """A preset by its names. Raises ConfigurationError for one that there is none for."""
    if sport not in get_args(Sport):
        raise ConfigurationError(f"--sport {sport!r} is unknown; known are {', '.join(get_args(Sport))}")
    if pace not in get_args(Pace):
        raise ConfigurationError(f"--style {pace!r} is unknown; known are {', '.join(get_args(Pace))}")
    return Style.of(sport, pace)  # type: ignore[arg-type]


def told(found: CameraScore) -> dict[str, float | None]:
    """A score as plain data for JSON, which knows no nan."""
    numbers = asdict(found) | {"jerk": found.jerk}
    return {name: None if math.isnan(value) else value for name, value in numbers.items()}


def _settings(delay_s: float) -> ProgrammeSettings:
    if not 0 <= delay_s <= 60:
        raise ConfigurationError(f"--delay is 0 to 60 s here, not {delay_s:g}")
    return ProgrammeSettings.model_validate({"delay": delay_s})


def _check_near(near_m: float) -> None:
    if not (math.isfinite(near_m) and near_m > 0):
        raise ConfigurationError(f"--near is a distance in metres, not {near_m:g}")


def _write(path: Path | None, rows: list[dict[str, Any]]) -> None:
    if path is None:
        return
    try:
        path.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        raise OutputError(f"the report {path} can't be written: {error.strerror or error}") from error
    problems().print(f"Report: {path}", markup=False, soft_wrap=True)
