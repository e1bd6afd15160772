"""Renders a recorded panorama again, with a progress bar and a summary."""

from __future__ import annotations

import math
import time
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from touchline.analysis.line_file import last_line
from touchline.analysis.track_file import TrackedScene, TrackFile, tracks_beside
from touchline.capture import parse_size
from touchline.cli.console import problems
from touchline.cli.scoring import style_of
from touchline.cli.session import Stopper
from touchline.config import RunConfig, load_config
from touchline.director.path_file import PathInfo, PathWriter, path_beside
from touchline.engine.rerender import Rendering, RenderProduction, Where
from touchline.errors import ConfigurationError
from touchline.geometry import View
from touchline.gst.library import SECOND

_LOOK_S = 0.2
_LONGEST_AHEAD_S = 60.0
_NARROW_DEG = 60.0  # of any panorama, until its tracks have said what it really spans


@dataclass(frozen=True)
class Wanted:
    """What the command line asks for; see ``touchline render --help``."""

    panorama: Path
    record: Path
    tracks: Path | None = None
    size: str | None = None
    view: str = "follow"
    sport: str = "football"
    style: str = "standard"
    look_ahead_s: float = 7.0
    overlay: bool = False
    minimap: str | None = None
    duration: float | None = None
    overwrite: bool = False
    bitrate: int | None = None


class _Way:
    """Writes the path down, and keeps what the summary says of it."""

    def __init__(self, writer: PathWriter | None) -> None:
        self._writer = writer
        self.frames = 0
        self.fov_deg = 0.0

    def note(self, pts_ns: int, view: View) -> None:
        """Takes in the view of a frame."""
        self.frames += 1
        self.fov_deg += view.fov_deg
        if self._writer is not None:
            self._writer.append(pts_ns, view, "follow")


def render_again(wanted: Wanted) -> None:
    """Renders to the end, or until Ctrl-C.

    Raises:
        TouchlineError: of the kind that says what is wrong or what failed.
    """
    tracks = wanted.tracks or tracks_beside(wanted.panorama)
    _check(wanted)
    rendering = Rendering(
        tracks,
        style_of(wanted.sport, wanted.style),
        wanted.look_ahead_s,
        wanted.overlay,
        _where(wanted.minimap),
    )
    scene = TrackFile(tracks).scene
    config = _config(wanted, scene, rendering)
    size = parse_size(config.size or "1280x720")
    info = PathInfo(*size, scene.fps, scene.panorama)
    beside = path_beside(wanted.record)
    with PathWriter(beside, info) if wanted.view == "follow" else nullcontext() as writer:
        way = _Way(writer)
        _run(config, replace(rendering, on_view=way.note), way, _length_s(tracks, scene, wanted.duration))
    if wanted.view == "follow":
        problems().print(f"Path: {beside}", markup=False, soft_wrap=True)


def _check(wanted: Wanted) -> None:
    if not (math.isfinite(wanted.look_ahead_s) and 0 <= wanted.look_ahead_s <= _LONGEST_AHEAD_S):
        raise ConfigurationError(f"--look-ahead is 0 to {_LONGEST_AHEAD_S:g} s, not {wanted.look_ahead_s:g}")
    if wanted.view != "follow" and (wanted.overlay or wanted.minimap):
        raise ConfigurationError("--overlay and --minimap are for --view follow")
    folder = wanted.record.absolute().parent
    if not folder.is_dir():
        raise ConfigurationError(f"--record {wanted.record}: there is no folder {folder}")
    there = next((p for p in (wanted.record, path_beside(wanted.record)) if p.exists()), None)
    if there is not None and not wanted.overwrite:
        raise ConfigurationError(f"{there} is there already; --overwrite replaces recording and path")


def _where(minimap: str | None) -> Where | None:
    if minimap is None or minimap == "inside" or minimap == "beside":
        return minimap  # type: ignore[return-value]
    raise ConfigurationError(f"--minimap {minimap!r} is unknown; use inside or beside")


def _config(wanted: Wanted, scene: TrackedScene, rendering: Rendering) -> RunConfig:
    """That of a run of a panorama at fast pace, without a delay: the tracks know what comes."""
    return load_config(
        {
            "panorama": str(wanted.panorama),
            "panorama_fov": _NARROW_DEG,
            "projection": scene.panorama.projection,
            "pace": "fast",
            "delay": 0.0,
            "slate": "off",
            "view": wanted.view,
            "size": wanted.size,
            "record": [wanted.record],
            "overwrite": wanted.overwrite or None,
            "bitrate": wanted.bitrate,
            "duration": wanted.duration,
            "memory": "system" if rendering.drawn_on else None,
        }
    )


def _length_s(tracks: Path, scene: TrackedScene, duration_s: float | None) -> float | None:
    """How long the film is, by the last of its tracks; None if nobody can say."""
    last = last_line(tracks)
    pts = None if last is None else last.get("pts_ns")
    if not isinstance(pts, int):
        return duration_s
    seconds = max(0.0, (pts - scene.starts_ns) / SECOND)
    return seconds if duration_s is None else min(seconds, duration_s)


def _run(config: RunConfig, rendering: Rendering, way: _Way, length_s: float | None) -> None:
    console, began = problems(), time.monotonic()
    columns = (TextColumn("Rendering"), BarColumn(), TextColumn("{task.completed:.0f}/{task.total} s"))
    stop = Stopper()
    with stop.installed(), Progress(*columns, TimeRemainingColumn(), console=console, transient=True) as bar:
        task = bar.add_task("", total=None if length_s is None else round(length_s))
        production = RenderProduction(
            config, rendering, say=lambda text: bar.console.print(text, highlight=False, markup=False)
        )
        try:
            production.start()
            ending = 0
            while not production.wait(_LOOK_S):
                if production.player is not None and production.player.shown_pts is not None:
                    bar.update(task, completed=production.player.shown_pts / SECOND)
                if stop.count > ending:
                    ending = stop.count
                    production.end() if ending == 1 else production.abort()
            production.close()
        finally:
            production.close()
            production.release()
    if production.error:
        raise production.error
    _summarise(production, way, time.monotonic() - began)


def _summarise(production: RenderProduction, way: _Way, took_s: float) -> None:
    channel = production.main
    frames = sum(output.frames for output in channel.programme.outputs)
    seconds = frames / float(channel.caps.fps)
    table = Table.grid(padding=(0, 2))
    table.add_row("[bold]picture[/]", f"{channel.caps.width}x{channel.caps.height}")
    table.add_row("[bold]length[/]", f"{seconds:.1f} s, {frames} frames")
    table.add_row("[bold]took[/]", f"{took_s:.1f} s, {frames / took_s:.1f} frames a second")
    if way.frames:
        table.add_row("[bold]field of view[/]", f"{way.fov_deg / way.frames:.1f}°, mean")
    for output in channel.programme.outputs:
        table.add_row(f"[bold]{output.kind}[/]", escape(output.uri))
    problems().print(table)
