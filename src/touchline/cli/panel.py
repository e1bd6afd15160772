"""What a person sees while a run goes on, and at its end."""

from __future__ import annotations

import time

from rich.console import RenderableType
from rich.markup import escape
from rich.table import Table

from touchline.delay import State
from touchline.delay.plan import GB, MB
from touchline.engine.books import lost_frames, stage_counts
from touchline.engine.channel import Channel
from touchline.engine.production import Production
from touchline.gst.library import SECOND
from touchline.telemetry.memory import process_memory
from touchline.telemetry.report import Report


class Panel:
    """A live table about one production; Rich asks it again and again."""

    def __init__(self, production: Production, hint: str | None = None) -> None:
        self._production = production
        self._hint = hint
        self._last = (time.monotonic(), stage_counts(production))
        self._rates: dict[str, float] = {}

    def __rich__(self) -> RenderableType:
        table = Table.grid(padding=(0, 2))
        for name, value in self._facts():
            table.add_row(f"[bold]{name}[/]", escape(value))
        return table

    def line(self) -> str:
        """The same in one line, for where there is no terminal."""
        return " | ".join(f"{name} {value}" for name, value in self._facts())

    def _facts(self) -> list[tuple[str, str]]:
        production = self._production
        plan, store = production.plan, production.store
        lost = lost_frames(production)
        rss = process_memory().rss_bytes
        rates = ", ".join(f"{stage} {rate:.1f}" for stage, rate in self._stage_rates().items())
        facts = [fact for channel in production.channels for fact in self._channel_facts(channel)]
        facts += [
            ("window", f"{len(store)} of {plan.window_frames} frames, {store.held_bytes / GB:.2f} GB"),
            ("lost", f"{sum(lost.values())} ({_written(lost)})" if lost else "0"),
            ("fps", rates),
            ("memory", f"{rss / GB:.2f} GB"),
        ]
        for channel in production.channels:
            for output in channel.programme.outputs:
                trouble = f": {output.error}" if output.error else ""
                facts.append((output.kind, f"{output.frames} frames{trouble}"))
        return facts + ([("keys", self._hint)] if self._hint else [])

    def _channel_facts(self, channel: Channel) -> list[tuple[str, str]]:
        production, player = self._production, channel.player
        state = _describe(production, player.state if player else State.IDLE)
        if len(production.channels) == 1:
            return [("state", state), ("delay", self._delay(channel))]
        if channel.settings.shows_replays:
            return [(channel.name, state)]
        return [(channel.name, f"{state}, delay {self._delay(channel)}")]

    def _delay(self, channel: Channel) -> str:
        meter, player = channel.meter, channel.player
        wanted_s = player.delay_ns / SECOND if player else channel.settings.delay
        if self._production.config.pace == "fast":
            return f"{wanted_s:g} s ahead (fast pace: nothing is timed)"
        if meter is None or not meter.shown:
            return f"{wanted_s:g} s (filling)"
        errors = meter.errors
        return (
            f"{meter.shown_after_s:.3f} s, error p50 {errors.percentile(50) * 1000:.2f} ms, "
            f"p99 {errors.percentile(99) * 1000:.2f} ms, max {errors.max_s * 1000:.1f} ms"
        )

    def _stage_rates(self) -> dict[str, float]:
        now, counts = time.monotonic(), stage_counts(self._production)
        then, before = self._last
        if now - then >= 1.0 or not self._rates:
            elapsed = max(now - then, 1e-3)
            self._rates = {stage: (count - before.get(stage, 0)) / elapsed for stage, count in counts.items()}
            self._last = (now, counts)
        return self._rates


def summary(report: Report, production: Production) -> Table:
    """The end of a run in a table."""
    table = Table(title="What was shown", show_header=False, title_justify="left")
    frames, memory = report.frames, report.memory
    table.add_row("frames", f"{_written_captured(frames.captured)} captured, {frames.played} shown")
    lost = sum(frames.dropped.values())
    table.add_row("lost", f"{lost} ({_written(frames.dropped)})" if lost else "0")
    if production.config.pace == "live":
        error = report.delay_error_ms
        table.add_row(
            "delay",
            f"{report.delay_s:g} s; error p50 {error.p50:.2f} ms, p99 {error.p99:.2f} ms, max {error.max:.1f} ms",
        )
        table.add_row(
            "freezes",
            f"{report.freezes.count}"
            + (f", the longest {report.freezes.longest_ms:.0f} ms" if report.freezes.count else ""),
        )
    table.add_row(
        "memory",
        f"{memory.held_bytes_peak / GB:.2f} GB held at most (planned {memory.planned_bytes / GB:.2f} GB), "
        f"process {memory.rss_peak_bytes / GB:.2f} GB",
    )
    if memory.domain != "system":
        table.add_row("bus", "; ".join(_crossed(way, stages) for way, stages in memory.bus.items()))
    for name, stage in report.stages.items():
        table.add_row(name, f"p50 {stage.p50_ms:.1f} ms, p99 {stage.p99_ms:.1f} ms")
    for output in report.outputs:
        restarts = f", {output.restarts} restarts" if output.restarts else ""
        table.add_row(output.kind, escape(f"{output.uri}: {output.frames} frames{restarts}"))
    return table


def _describe(production: Production, state: State) -> str:
    if state is State.FILLING:
        waited = len(production.store) / max(1, production.plan.window_frames)
        return f"filling, {min(1.0, waited):.0%}"
    return str(state.value)


def _written(counts: dict[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.items())


def _crossed(way: str, stages: dict[str, int]) -> str:
    """What crossed the bus in one direction: "down 93.3 MB (programme 93.3 MB)"."""
    parts = ", ".join(f"{name} {size / MB:.1f} MB" for name, size in stages.items() if size)
    return f"{way} {sum(stages.values()) / MB:.1f} MB" + (f" ({parts})" if parts else "")


def _written_captured(captured: list[int]) -> str:
    return " + ".join(str(count) for count in captured)
