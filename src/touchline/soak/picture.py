"""Draws a soak: resident memory, held memory and delay error over time, with the faults behind them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from touchline.errors import OutputError
from touchline.soak.faults import Kind
from touchline.soak.results import SoakResult
from touchline.soak.verdict import rss_growth

_INK, _GREY = "#1b1f24", "#8c959f"
_CURVES = ("#0b6bcb", "#1a7f37", "#cf222e")
_FAULTS = dict(
    zip(
        Kind,
        ["#e8590c", "#f2b705", "#9c36b5", "#0c8599", "#c2255c", "#868e96", "#2f9e44", "#e03131", "#364fc7"],
        strict=True,
    )
)
_MB = 1_000_000
_UNITS = ((2 * 3600, 3600, "hours"), (180, 60, "minutes"), (0, 1, "seconds"))
_THINNEST = 1 / 400  # of the width: a fault of a second can be seen in a day


def draw(result: SoakResult, path: Path) -> None:
    """Writes a PNG of 1600x1000. Raises OutputError if it can't be written."""
    # Here, since it takes a second and memory, and only at the end.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(16, 10), dpi=100, facecolor="white", layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(3, 1, sharex=True)
    length, scale, unit = _scale(result.reached_s)
    samples = list(result.samples)
    times = [sample.at_s / scale for sample in samples]
    _curve(axes[0], times, [sample.rss_bytes / _MB for sample in samples], _CURVES[0], "resident memory, MB")
    _curve(axes[1], times, [sample.held_bytes / _MB for sample in samples], _CURVES[1], "held, MB")
    _curve(axes[2], times, [sample.error_s * 1000 for sample in samples], _CURVES[2], "worst delay error, ms")
    # A slow output makes errors a thousand times those of a quiet hour; both are to be seen.
    axes[2].set_yscale("symlog", linthresh=1)
    axes[2].yaxis.set_major_formatter("{x:g}")
    axes[2].set_ylim(0, max(10.0, 10 * max((sample.error_s * 1000 for sample in samples), default=0.0)))
    _annotate(axes, result, length)
    kinds = _mark_faults(axes, result, scale, length)
    axes[2].set_xlabel(f"{unit} of footage", color=_INK)
    axes[2].set_xlim(0, length)
    figure.align_ylabels(axes)
    _title(figure, result)
    if kinds:
        figure.legend(handles=kinds, loc="outside lower center", ncols=len(kinds), frameon=False, fontsize=11)
    try:
        figure.savefig(path, format="png")
    except OSError as error:
        raise OutputError(f"the picture {path} can't be written: {error.strerror}") from error


def _scale(seconds: float) -> tuple[float, int, str]:
    """The length in a unit that suits it, the seconds of that unit and its name."""
    scale, unit = next((scale, unit) for least, scale, unit in _UNITS if seconds >= least)
    return seconds / scale, scale, unit


def _curve(axes: Any, times: list[float], values: list[float], colour: str, label: str) -> None:
    axes.plot(times, values, color=colour, linewidth=1.4, zorder=3)
    axes.set_ylabel(label, color=_INK, fontsize=12)
    low, high = (min(values), max(values)) if values else (0.0, 1.0)
    margin = max(0.08 * (high - low), 0.02 * abs(high), 0.05)
    axes.set_ylim(min(low - margin, 0 if low < margin else low - margin), high + 3 * margin)
    axes.grid(axis="y", color=_GREY, alpha=0.25, linewidth=0.8)
    axes.tick_params(colors=_INK, labelsize=11)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


def _annotate(axes: Any, result: SoakResult, length: float) -> None:
    growth = rss_growth(result.samples)
    if growth is not None:
        axes[0].axvline(length / 10, color=_GREY, linestyle=":", linewidth=1.2)
        _note(axes[0], f"grows by {growth / _MB:.2f} MB at most after the first tenth")
    window = result.window_bytes / _MB
    axes[1].axhline(window, color=_INK, linestyle="--", linewidth=1)
    _note(axes[1], f"dashed: the window of the plan, {window:.2f} MB; {result.checks} checks of the books")
    p50, p99, most = (
        max(getattr(each, name) for each in result.programmes) * 1000
        for name in ("error_p50_s", "error_p99_s", "error_max_s")
    )
    _note(axes[2], f"outside faults: p50 {p50:.3f} ms, p99 {p99:.3f} ms, max {most:.3f} ms")


def _note(axes: Any, text: str) -> None:
    box = {"facecolor": "white", "edgecolor": "none", "alpha": 0.85, "pad": 3}
    axes.text(
        0.995, 0.95, text, transform=axes.transAxes, ha="right", va="top", color=_INK, bbox=box, zorder=4
    )


def _mark_faults(axes: Iterable[Any], result: SoakResult, scale: int, length: float) -> list[Any]:
    """Shades the time in which each fault is seen. Returns what the legend shows."""
    from matplotlib.patches import Patch

    delay_s = result.settings.longest_s
    seen = {recovery.fault: recovery.fault.seen(delay_s) for recovery in result.recoveries}
    for fault, (start, end) in seen.items():
        # From the capture, where a starved pool or a lost camera shows in what is held, to the programme.
        first, last = min(start, fault.start_s) / scale, end / scale
        for each in axes:
            wide = max(last, first + length * _THINNEST)
            each.axvspan(first, wide, color=_FAULTS[fault.kind], alpha=0.28, linewidth=0, zorder=1)
    present = [kind for kind in Kind if any(fault.kind is kind for fault in seen)]
    return [Patch(color=_FAULTS[kind], alpha=0.5, label=kind.value) for kind in present]


def _title(figure: Any, result: SoakResult) -> None:
    settings = result.settings
    hours = result.reached_s / 3600
    length = f"{hours:.3g} h" if hours >= 1 else f"{result.reached_s:.0f} s"
    delays = " and ".join(f"{delay:g} s" for delay in settings.delays_s)
    count = len({recovery.fault for recovery in result.recoveries})
    text = (
        f"Soak: {length} of footage, {result.filmed:,} frames of {settings.width}x{settings.height} at "
        f"{float(settings.fps):g} fps, {delays} late, faults: {count}, violations: {sum(result.violations.values())}"
    )
    figure.suptitle(text, fontsize=15, color=_INK, x=0.01, ha="left")
