"""The books of a production: what its parts have counted, gathered for the panel, the metrics and the report."""

from __future__ import annotations

from dataclasses import replace

from touchline.delay import FrameStore, Player, ReplayPlayer, State
from touchline.engine.channel import Channel
from touchline.engine.holding import EncodedWindow, LoanedWindow
from touchline.engine.production import Production
from touchline.gst.library import SECOND
from touchline.gst.pipelines import system_clock
from touchline.telemetry.memory import process_memory
from touchline.telemetry.pools import get_buffer_pool_stats
from touchline.telemetry.report import Report, build_report
from touchline.telemetry.stats import FrameStats, MemoryStats, ProgrammeStats, RunStats

_ON_TIME_S = 0.02
_AT_ONCE_S = 0.5


def stats_of(production: Production) -> RunStats:
    """A snapshot; may be called from any thread, also after the end."""
    stages = {"stitch": production.stitching.durations}
    for channel in production.channels:
        stages["render" if channel is production.main else f"render_{channel.name}"] = (
            channel.showing.durations
        )
    if production.watch:
        stages["analysis"] = production.watch.worker.durations
    drift = production.scene.drift
    if drift:
        stages["drift"] = drift.durations
    return RunStats(
        delay_s=production.main.settings.delay,
        frames=_frames(production),
        memory=_memory(production),
        stages={name: durations for name, durations in stages.items() if durations.count},
        outputs=tuple(output for channel in production.channels for output in channel.programme.outputs),
        programmes=tuple(_programme(production, channel) for channel in production.channels),
        pools=get_buffer_pool_stats(production.pools, _stores(production)),
        gpu=production.gpu.now(),
        drift=drift.stats if drift else None,
    )


def report_of(production: Production) -> Report:
    """The report of a run."""
    return build_report(stats_of(production))


def stage_counts(production: Production) -> dict[str, int]:
    """Frames that have passed each stage so far."""
    return {
        "captured": max(production.scene.feed.captured),
        "stitched": production.stitching.stitched,
        "shown": _let_out(production.main),
    }


def lost_frames(production: Production) -> dict[str, int]:
    """Every loss so far, by "place reason"."""
    stats = stats_of(production)
    return {f"{place} {reason}": count for (place, reason), count in sorted(stats.dropped.items())}


def _programme(production: Production, channel: Channel) -> ProgrammeStats:
    player, meter, settings = channel.player, channel.meter, channel.settings
    delay_s = player.delay_ns / SECOND if player else settings.delay
    told = ProgrammeStats(
        channel.name,
        delay_s,
        lookahead_s=_lookahead_s(production, channel),
        ready=_ready(channel),
        state=player.state if player else State.IDLE,
        shown=player.played if player else 0,
        held=player.held if player else 0,
        slates=player.slates if player else 0,
        waiting_frames=_waiting_frames(production, player),
        window_frames=round((delay_s - settings.lead_s) * production.scene.caps.fps),
    )
    if player is None or meter is None or production.config.pace != "live":  # at fast pace nothing is timed
        return told
    return replace(
        told,
        measured_delay_s=meter.shown_after_s if meter.shown else 0.0,
        delay_error=meter.errors,
        freezes=meter.freezes + player.breaks,
        longest_freeze_s=max(meter.longest_freeze_s, player.longest_break_s),
    )


def _waiting_frames(production: Production, player: Player | ReplayPlayer | None) -> int:
    """Frames in the store that the player has not taken."""
    names = {player.name, f"{player.name} decoding"} if player else set()
    return sum(reader.waiting for reader in production.store.readers if reader.name in names)


def _frames(production: Production) -> FrameStats:
    main, player = production.main, production.player
    tallies = [("capture", production.scene.feed.dropped), ("stitch", production.stitching.dropped)]
    if isinstance(production.window, EncodedWindow):
        tallies += [(worker.name.replace(" ", "_"), worker.dropped) for worker in production.window.workers]
    for channel in production.channels:
        behind = "" if channel is main else f"_{channel.name}"
        tallies.append((f"programme{behind}", channel.programme.dropped))
        if channel.player:
            tallies.append((f"player{behind}", channel.player.dropped))
    return FrameStats(
        captured=tuple(production.scene.feed.captured),
        paired=production.stitching.paired,
        stitched=production.stitching.stitched,
        held_peak=production.store.peak_frames,
        played=_let_out(main),
        repeated=player.held if player else 0,
        dropped={(place, reason): n for place, tally in tallies for reason, n in tally.as_dict().items()},
    )


def _let_out(channel: Channel) -> int:
    """New frames that have passed the pacing: all that has, without what only filled gaps and was let out."""
    if channel.meter is None or channel.player is None:
        return 0
    fillers = channel.player.held + channel.player.slates - channel.showing.unseen
    return max(0, channel.meter.shown - fillers)


def _memory(production: Production) -> MemoryStats:
    store, plan, process = production.store, production.plan, process_memory()
    return MemoryStats(
        domain=production.backend.domain.name,
        format=plan.format,
        holds=production.scene.holds,
        frame_bytes=store.frame_bytes,
        planned_frames=plan.frames,
        planned_bytes=plan.total_bytes,
        held_frames=len(store),
        held_bytes=production.window.held_bytes,
        held_bytes_peak=production.window.peak_bytes,
        oldest_age_s=_oldest_age_s(production),
        rss_bytes=process.rss_bytes,
        rss_peak_bytes=process.peak_bytes,
        gpu_peak_bytes=production.gpu.peak_bytes,
        pixel_copies=_copies(production),
        bus=production.backend.bus.as_dict(),
    )


def _stores(production: Production) -> dict[str, FrameStore]:
    """The store that holds the first pool's frames, by the name of that pool; frames on loan have none."""
    return {pool.name: production.window.raw for pool in production.window.pools[:1]}


def _copies(production: Production) -> int:
    """Frames that were copied on their way to where they wait."""
    window = production.window
    if isinstance(window, LoanedWindow):
        return window.keeper.copies
    return production.scene.copies * production.stitching.stitched


def _oldest_age_s(production: Production) -> float:
    """How long ago the oldest held frame was captured."""
    oldest, start = production.store.oldest_pts, production.base_time
    if oldest is None or start is None:
        return 0.0
    if production.config.pace == "fast":
        return ((production.store.newest_pts or oldest) - oldest) / SECOND
    return max(0.0, float(system_clock().get_time() - start - oldest) / SECOND)


def _lookahead_s(production: Production, channel: Channel) -> float:
    """How far what has been observed is ahead of what is shown."""
    observed = production.watch.log.newest_pts if production.watch else None
    if observed is None or channel.meter is None:
        return 0.0
    shown = channel.meter.last_pts if channel.meter.last_pts is not None else 0
    return max(0.0, (observed - shown) / SECOND)


def _ready(channel: Channel) -> bool:
    """The window is full, and what was shown last was on time: for replays, which have no window, that they run."""
    player, meter = channel.player, channel.meter
    if player is None or meter is None or not meter.shown:
        return False
    if isinstance(player, ReplayPlayer):
        return player.state in (State.PLAYING, State.SLATE)
    # Without time to work ahead a frame is as late as it takes to be made.
    late_s = _ON_TIME_S if channel.settings.lead_s else _AT_ONCE_S
    return player.state is State.PLAYING and meter.last_error_s < late_s
