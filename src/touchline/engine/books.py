"""The books of a production: what its parts have counted, gathered for the panel, the metrics and the report."""

from __future__ import annotations

from touchline.delay import Player, State
from touchline.engine.production import Production
from touchline.gst.library import SECOND
from touchline.gst.pipelines import system_clock
from touchline.telemetry.memory import process_memory
from touchline.telemetry.report import Report, build_report
from touchline.telemetry.stats import FrameStats, MemoryStats, RunStats

_ON_TIME_S = 0.02


def stats_of(production: Production) -> RunStats:
    """A snapshot; may be called from any thread, also after the end."""
    meter = production.meter
    config = production.config
    analysis = production.viewing.analysis
    stages = {"stitch": production.stitching.durations, "render": production.showing.durations}
    if analysis:
        stages["analysis"] = analysis.durations
    base = RunStats(delay_s=config.delay)
    if meter is not None and config.pace == "live":
        base = RunStats(
            delay_s=config.delay,
            measured_delay_s=meter.delay_s if meter.shown else 0.0,
            delay_error=meter.errors,
            freezes=meter.freezes,
            longest_freeze_s=meter.longest_freeze_s,
        )
    return RunStats(
        delay_s=base.delay_s,
        measured_delay_s=base.measured_delay_s,
        delay_error=base.delay_error,
        freezes=base.freezes,
        longest_freeze_s=base.longest_freeze_s,
        lookahead_s=_lookahead_s(production),
        ready=_ready(production),
        frames=_frames(production),
        memory=_memory(production),
        stages={name: durations for name, durations in stages.items() if durations.count},
        outputs=tuple(production.programme.outputs),
    )


def report_of(production: Production) -> Report:
    """The report of a run."""
    return build_report(stats_of(production))


def stage_counts(production: Production) -> dict[str, int]:
    """Frames that have passed each stage so far."""
    meter = production.meter
    return {
        "captured": max(production.scene.feed.captured),
        "stitched": production.stitching.stitched,
        "shown": meter.shown if meter else 0,
    }


def lost_frames(production: Production) -> dict[str, int]:
    """Every loss so far, by "place reason"."""
    stats = stats_of(production)
    return {f"{place} {reason}": count for (place, reason), count in sorted(stats.dropped.items())}


def _frames(production: Production) -> FrameStats:
    player, meter = production.player, production.meter
    places = {
        "capture": production.scene.feed.dropped,
        "stitch": production.stitching.dropped,
        "programme": production.programme.dropped,
    }
    if player:
        places["player"] = player.dropped
    return FrameStats(
        captured=tuple(production.scene.feed.captured),
        paired=production.stitching.paired,
        stitched=production.stitching.stitched,
        held_peak=production.store.peak_frames,
        played=meter.shown if meter else 0,
        repeated=meter.repeated if meter else 0,
        dropped={
            (place, reason): n for place, tally in places.items() for reason, n in tally.as_dict().items()
        },
    )


def _memory(production: Production) -> MemoryStats:
    store, plan, process = production.store, production.plan, process_memory()
    return MemoryStats(
        domain="system",
        format=plan.format,
        frame_bytes=production.pool.frame_bytes,
        planned_frames=plan.frames,
        planned_bytes=plan.total_bytes,
        held_frames=len(store),
        held_bytes=store.held_bytes,
        held_bytes_peak=store.peak_frames * store.frame_bytes,
        oldest_age_s=_oldest_age_s(production),
        pool_free=production.pool.stats().free,
        rss_bytes=process.rss_bytes,
        rss_peak_bytes=process.peak_bytes,
        pixel_copies=production.scene.copies * production.stitching.stitched,
    )


def _oldest_age_s(production: Production) -> float:
    """How long ago the oldest held frame was captured."""
    oldest, start = production.store.oldest_pts, production.base_time
    if oldest is None or start is None:
        return 0.0
    if production.config.pace == "fast":
        return ((production.store.newest_pts or oldest) - oldest) / SECOND
    return max(0.0, float(system_clock().get_time() - start - oldest) / SECOND)


def _lookahead_s(production: Production) -> float:
    """How far what has been observed is ahead of what is shown."""
    observed, meter = production.viewing.observed_pts(), production.meter
    if observed is None or meter is None:
        return 0.0
    shown = meter.last_pts if meter.last_pts is not None else 0
    return max(0.0, (observed - shown) / SECOND)


def _ready(production: Production) -> bool:
    """The window is full, and what was shown last was on time."""
    player: Player | None = production.player
    meter = production.meter
    playing = player is not None and player.state is State.PLAYING
    return bool(playing and meter and meter.shown and meter.last_error_s < _ON_TIME_S)
