"""A run on the command line: what is told before, shown while it runs, and summed up at the end."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from rich.live import Live
from rich.progress import BarColumn, Progress, TextColumn

from touchline.cli.console import problems
from touchline.cli.hand_server import HandServer
from touchline.cli.keys import HELP, keys
from touchline.cli.panel import Panel, summary
from touchline.config import RunConfig
from touchline.engine.books import report_of, stats_of
from touchline.engine.nvmm import NvmmProduction
from touchline.engine.production import Production
from touchline.errors import ConfigurationError
from touchline.telemetry.metrics import MetricsServer
from touchline.telemetry.report import write_report
from touchline.telemetry.snapshots import SnapshotLogger

_LOOK_S = 0.25
_SNAPSHOT_S = 60.0
_PLAIN_S = 5.0  # between two lines where there is no terminal to draw on


def run_session(config: RunConfig) -> Production:
    """Runs to the end, or until Ctrl-C, and reports.

    Returns:
        The production, closed; its books can still be read.

    Raises:
        TouchlineError: of the kind that says what failed; once frames have come, the report is written all the same.
        KeyboardInterrupt: if Ctrl-C comes before anything has been filmed.
    """
    production = _prepare(config)
    stop = Stopper()
    # Until everything is closed and told: a Ctrl-C in the last moments must not cost the end of a recording.
    with stop.installed():
        try:
            with _metrics(config, production), _memory_log(config, production), _hand(config, production):
                production.start()
                _watch(production, stop)
            production.close()
            _tell(config, production)
        finally:
            production.close()
            production.release()
    if production.error:
        raise production.error
    return production


def _tell(config: RunConfig, production: Production) -> None:
    """Writes the report, then shows what is in it."""
    report = report_of(production)
    if config.report is not None:
        write_report(report, config.report)
    problems().print(summary(report, production))
    if config.report is not None:
        problems().print(f"Report: {config.report}", markup=False, soft_wrap=True)


def _prepare(config: RunConfig) -> Production:
    """Builds the production and says what it will do."""
    console = problems()
    kind = NvmmProduction if config.memory == "nvmm" else Production
    columns = (TextColumn("Allocating frames"), BarColumn(), TextColumn("{task.completed}/{task.total}"))
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("", total=None)
        production = kind(
            config,
            say=lambda text: progress.console.print(text, highlight=False, markup=False, soft_wrap=True),
            progress=lambda done, total: progress.update(task, completed=done, total=total),
        )
    scene = production.scene
    cameras = " and ".join(f"{info.width}x{info.height}" for info in scene.infos)
    console.print(
        f"Cameras: {cameras}, panorama {scene.panorama.width}x{scene.panorama.height} at {float(scene.caps.fps):g} fps",
        soft_wrap=True,
    )
    if scene.render is not None:
        console.print(f"Render: {scene.render}", soft_wrap=True)
    console.print(f"Memory: {production.plan.arithmetic()} ({production.window.how})", soft_wrap=True)
    for channel in production.channels:
        settings, programme = channel.settings, channel.programme
        late = "replays" if settings.shows_replays else f"{settings.view}, {settings.delay:g} s late"
        console.print(f"Programme {channel.name}: {channel.caps.width}x{channel.caps.height}, {late}")
        if programme.encoder:
            console.print(f"Encoder: {programme.encoder}")
        for output in programme.outputs:
            console.print(f"Output: {output.kind} {output.uri}", markup=False, soft_wrap=True)
    return production


def _watch(production: Production, stop: Stopper) -> None:
    with keys(production) as heard:
        _show(production, stop, Panel(production, HELP if heard else None))


def _show(production: Production, stop: Stopper, panel: Panel) -> None:
    console = problems()
    if console.is_terminal:
        with Live(panel, console=console, refresh_per_second=4, transient=True):
            _wait(production, stop, lambda: None)
    else:
        lines = _every(_PLAIN_S, lambda: console.print(panel.line(), markup=False, soft_wrap=True))
        _wait(production, stop, lines)


def _wait(production: Production, stop: Stopper, tick: Any) -> None:
    told = 0
    while not production.wait(_LOOK_S):
        tick()
        if stop.count > told:
            told = stop.count
            if told == 1:
                problems().print(
                    "Stopping: showing what has been filmed to its end (Ctrl-C again stops at once)"
                )
                production.end()
            else:
                production.abort()


def _every(seconds: float, action: Any) -> Any:
    """A function that does the action at most once in so many seconds."""
    last = time.monotonic()

    def tick() -> None:
        nonlocal last
        if time.monotonic() - last >= seconds:
            last = time.monotonic()
            action()

    return tick


class Stopper:
    """Counts the interrupts, so that the first one drains and the second one stops."""

    def __init__(self) -> None:
        self.count = 0

    @contextmanager
    def installed(self) -> Iterator[None]:
        """While this lasts Ctrl-C and a polite kill are counted here."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.signal(number, self._note) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _note(self, _number: int, _frame: FrameType | None) -> None:
        self.count += 1


@contextmanager
def _metrics(config: RunConfig, production: Production) -> Iterator[None]:
    if config.metrics_port is None:
        yield
        return
    with MetricsServer(lambda: stats_of(production), config.metrics_port, config.metrics_address) as server:
        problems().print(f"Metrics: http://{config.metrics_address}:{server.port}/metrics")
        yield


@contextmanager
def _hand(config: RunConfig, production: Production) -> Iterator[None]:
    """A page by which a person takes the camera over, if one is wanted."""
    if config.hand_port is None:
        yield
        return
    hands = {
        channel.name: channel.viewing.hand
        for channel in production.channels
        if channel.viewing.hand is not None
    }
    if not hands:
        raise ConfigurationError(
            "--hand-port takes over a camera that follows: no programme has --view follow"
        )
    with HandServer(hands, config.hand_port) as server:
        problems().print(f"Hand: {server.address}")
        yield


@contextmanager
def _memory_log(config: RunConfig, production: Production) -> Iterator[None]:
    if config.memory_log is None:
        yield
        return
    with SnapshotLogger(lambda: stats_of(production), _SNAPSHOT_S, config.memory_log):
        yield
