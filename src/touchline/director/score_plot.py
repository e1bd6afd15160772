"""Pictures of camera work: pan and field of view over time with ball and players, and what hindsight buys."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from touchline.director.comparison import EXPONENTIAL, FIXED, KALMAN, OPTIMUM, PREVIEW, Take
from touchline.director.score import CameraPath
from touchline.errors import OutputError
from touchline.synth.course import Course

_INK, _GREY, _BALL = "#1b1f24", "#8c959f", "#1b1f24"
_COLOURS = ("#0b6bcb", "#e8590c", "#1a7f37", "#9c36b5", "#c2255c", "#0c8599", "#f2b705")
_PEERS = {EXPONENTIAL: "#e8590c", KALMAN: "#c2255c", PREVIEW: "#9c36b5", OPTIMUM: "#1a7f37", FIXED: _GREY}
_PLANNER = "#0b6bcb"
_PANELS: tuple[tuple[str, Callable[[Take], float]], ...] = (
    ("ball in frame, %", lambda take: 100 * take.score.ball_in_frame),
    ("near players in frame, %", lambda take: 100 * take.score.near_in_frame),
    ("field of view, degrees", lambda take: take.score.mean_fov_deg),
    ("jerk, degrees / s³", lambda take: take.score.jerk),
    ("reversals a minute", lambda take: take.score.reversals_per_min),
    ("the planner's cost", lambda take: take.cost),
)


def plot_paths(
    paths: Mapping[str, CameraPath], course: Course, path: Path, title: str, aspect: float = 16 / 9
) -> None:
    """Draws where cameras looked: pan above, tilt and field of view below; the first one's picture is shaded.

    Args:
        paths: by name; at least one.
        course: the ball, and the players in grey; where the ball is out of play it is dotted.
        path: of the PNG, 1600x1000.
        title: above it.
        aspect: of the first one's picture.

    Raises:
        OutputError: if the picture can't be written.
    """
    figure = _figure(10)
    pan, tilt, zoom = figure.subplots(3, 1, sharex=True, height_ratios=[5, 1.6, 1.6])
    for axes in (pan, tilt, zoom):
        _plain(axes)
    _players(pan, course)
    for k, (name, course_of) in enumerate(paths.items()):
        colour = _COLOURS[k % len(_COLOURS)]
        style = {"color": colour, "linewidth": 2.2 if not k else 1.3, "zorder": 5 if not k else 4}
        for axes, column in ((pan, 0), (tilt, 1), (zoom, 2)):
            axes.plot(course_of.times_s, course_of.angles_deg[:, column], label=name, **style)
        if not k:
            _shade(pan, tilt, course_of, colour, aspect)
    for axes, column in ((pan, 0), (tilt, 1)):
        _ball(axes, course, column)
    pan.set_ylabel("pan, degrees", color=_INK, fontsize=12)
    tilt.set_ylabel("tilt", color=_INK, fontsize=12)
    zoom.set_ylabel("field of view", color=_INK, fontsize=12)
    zoom.set_xlabel("seconds of the match", color=_INK)
    zoom.set_xlim(float(course.times_s[0]), float(course.times_s[-1]))
    handles, names = pan.get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower center", ncols=len(names), frameon=False, fontsize=11)
    _save(figure, path, title)


def plot_hindsight(by_name: Mapping[str, Sequence[Take]], path: Path, title: str) -> None:
    """Draws what the planner's delay buys: each figure over the delay, its peers as level lines.

    Args:
        by_name: the takes of the same matches by each camera, as :func:`~touchline.director.comparison.compare` has
            them; the planner's at two delays or more.
        path: of the PNG, 1600x900.
        title: above it.

    Raises:
        OutputError: if the picture can't be written.
    """
    figure = _figure(9)
    axes = figure.subplots(2, 3)
    planner = [takes for takes in by_name.values() if takes[0].delay_s is not None]
    delays = [takes[0].delay_s or 0.0 for takes in planner]
    for panel, (name, value) in zip(axes.flat, _PANELS, strict=True):
        mine = [float(np.nanmean([value(take) for take in takes])) for takes in planner]
        panel.plot(delays, mine, "o-", color=_PLANNER, linewidth=2.2, label="planner", zorder=5)
        peers = {
            peer: float(np.nanmean([value(t) for t in by_name[peer]]))
            for peer in (OPTIMUM, PREVIEW, EXPONENTIAL, KALMAN)
            if peer in by_name
        }
        for peer, level in peers.items():
            panel.axhline(level, color=_PEERS[peer], linestyle="--", linewidth=1.4, label=peer)
        if name.startswith(("jerk", "the planner")) and min([*mine, *peers.values()]) > 0:
            panel.set_yscale("log")
            panel.yaxis.set_major_formatter("{x:g}")
        panel.set_title(name, color=_INK, fontsize=12, loc="left")
        panel.set_xticks(delays, [f"{d:g}" if d == int(d) else "" for d in delays])
        panel.set_xlim(min(delays) - 0.3, max(delays) + 0.3)
        _plain(panel)
    for panel in axes[1]:
        panel.set_xlabel("delay, seconds", color=_INK)
    handles, names = axes.flat[0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower center", ncols=len(names), frameon=False, fontsize=11)
    _save(figure, path, title)


def _figure(height: float) -> Any:
    # Here, since it takes a second and memory, and only for those who want a picture.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(16, height), dpi=100, facecolor="white", layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def _plain(axes: Any) -> None:
    axes.grid(axis="y", color=_GREY, alpha=0.25, linewidth=0.8)
    axes.tick_params(colors=_INK, labelsize=11)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


def _players(axes: Any, course: Course) -> None:
    for k, person in enumerate(np.flatnonzero(course.players)):
        axes.plot(
            course.times_s,
            course.persons_deg[:, person, 0],
            color=_GREY,
            linewidth=0.7,
            alpha=0.5,
            zorder=1,
            label=None if k else "players",
        )


def _ball(axes: Any, course: Course, column: int) -> None:
    ball = course.ball_deg[:, column]
    playing = np.where(course.in_play, ball, np.nan)
    axes.plot(course.times_s, ball, ":", color=_BALL, linewidth=1, zorder=3)
    axes.plot(course.times_s, playing, color=_BALL, linewidth=1.2, zorder=3, label="ball in play")


def _shade(pan: Any, tilt: Any, path: CameraPath, colour: str, aspect: float) -> None:
    """What the picture covers in its middle."""
    half = path.angles_deg[:, 2] / 2
    upright = np.degrees(np.arctan(np.tan(np.radians(half)) / aspect))
    for axes, column, reach in ((pan, 0, half), (tilt, 1, upright)):
        middle = path.angles_deg[:, column]
        axes.fill_between(
            path.times_s, middle - reach, middle + reach, color=colour, alpha=0.12, linewidth=0, zorder=0
        )


def _save(figure: Any, path: Path, title: str) -> None:
    figure.suptitle(title, fontsize=15, color=_INK, x=0.01, ha="left")
    try:
        figure.savefig(path, format="png")
    except OSError as error:
        raise OutputError(f"the picture {path} can't be written: {error.strerror}") from error
