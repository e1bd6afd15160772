"""Whole soaks in seconds: good ones are good, every fault is survived, and whatever is planted is found."""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest

from touchline.delay.cues import Cue
from touchline.errors import ConfigurationError, TouchlineError
from touchline.gst.library import MILLISECOND
from touchline.gst.mapping import address
from touchline.gst.shares import share
from touchline.soak.clock import StepClock
from touchline.soak.faults import EFFECTS, STEPPED, Kind
from touchline.soak.limits import SoakLimits
from touchline.soak.picture import draw
from touchline.soak.results import Progress, SoakResult
from touchline.soak.settings import SoakSettings
from touchline.soak.soak import Soak
from touchline.soak.verdict import promises
from touchline.soak.witness import burn

SHORT = SoakSettings(12, delays_s=(2.0,))
LOST = {Kind.CAMERA_LOSS, Kind.STARVED_POOL, Kind.SLOW_OUTPUT, Kind.DEAD_OUTPUT}


def soaked(settings: SoakSettings) -> SoakResult:
    result = Soak(settings, SoakLimits()).run()
    assert result.pool_missing == 0
    return result


def test_a_soak_without_faults_is_faultless() -> None:
    result = soaked(SHORT)
    (programme,) = result.programmes
    assert result.violations == {}
    assert (result.filmed, programme.shown) == (360, 360)
    assert (programme.held, programme.slates, programme.late, programme.lost) == (0, 0, 0, {})
    assert programme.error_max_s == 0, "on a clock that waits for everybody nothing is late by a nanosecond"
    assert result.checks == 12
    assert 60 <= result.held_peak_bytes / 4608 <= 61
    assert result.pool_low > 0


@pytest.mark.parametrize("fps", [Fraction(30000, 1001), Fraction(25), Fraction(50)])
def test_any_frame_rate_will_do(fps) -> None:
    result = soaked(replace(SHORT, fps=fps, duration_s=6))
    assert result.violations == {}
    assert result.programmes[0].shown == result.filmed
    assert result.programmes[0].error_max_s == 0


@pytest.mark.parametrize("kind", STEPPED)
def test_every_kind_of_fault_is_survived(kind) -> None:
    settings = SoakSettings(30, fault_seed=2, delays_s=(2.0,), kinds=(kind,))
    result = soaked(settings)
    (programme,) = result.programmes
    assert result.first_violations == ()
    assert len(result.recoveries) == len(settings.faults) >= 2
    assert all(recovery.recovery_s < 0.2 for recovery in result.recoveries)
    assert set(programme.lost) <= EFFECTS[kind].losses
    assert bool(programme.lost) == (kind in LOST), "a fault that is not felt proves nothing"
    assert programme.shown + sum(programme.lost.values()) == result.filmed
    assert (programme.opened > 1) == (kind is Kind.DEAD_OUTPUT)
    if kind is Kind.JITTER:
        assert result.furthest_placed_s > 0.001


def test_several_programmes_hold_each_frame_once() -> None:
    settings = SoakSettings(60, fault_seed=5, delays_s=(3.0, 1.0))
    result = soaked(settings)
    assert result.first_violations == ()
    assert 90 <= result.held_peak_bytes / 4608 <= 91
    for programme in result.programmes:
        assert programme.shown + sum(programme.lost.values()) == result.filmed
    struck = {recovery.programme for recovery in result.recoveries if recovery.fault.one_output}
    assert struck <= {programme.name for programme in result.programmes}
    assert len(result.recoveries) > len(settings.faults)


def test_two_soaks_of_one_seed_are_the_same() -> None:
    settings = SoakSettings(
        40, fault_seed=9, delays_s=(2.0,), kinds=(Kind.SLOW_OUTPUT, Kind.JITTER, Kind.STARVED_POOL)
    )
    first, second = soaked(settings), soaked(settings)
    assert first.programmes == second.programmes
    assert first.recoveries == second.recoveries


def test_live_with_a_stall_of_python() -> None:
    """On a machine that does other things too, so: what is shown, not how exactly."""
    settings = SoakSettings(7.2, "live", 4, delays_s=(0.5,), kinds=(Kind.STALL,))
    result = Soak(settings, SoakLimits(delay_error_max_ms=400)).run()
    (programme,) = result.programmes
    assert result.pool_missing == 0
    assert programme.shown + sum(programme.lost.values()) == result.filmed == 216
    assert "repeated" not in result.violations
    assert "out of order" not in result.violations
    assert "torn" not in result.violations
    assert [recovery.fault.kind for recovery in result.recoveries] == [Kind.STALL]
    assert 0 <= programme.error_p50_s < 0.2


Show = Callable[[Cue], None]


def planted(trick: Callable[[Soak, Cue, Show], None]) -> tuple[Soak, SoakResult]:
    """A soak between whose player and pipeline somebody plays a trick."""
    soak = Soak(replace(SHORT, duration_s=8), SoakLimits())
    player = soak.players[0]
    show = player._show
    player._show = lambda cue: trick(soak, cue, show)
    return soak, soak.run()


def number(cue: Cue) -> int:
    assert cue.frame is not None
    return int.from_bytes(cue.frame.buffer.extract_dup(0, 8), "little")


def test_a_dropped_frame_is_found() -> None:
    def drop(_: Soak, cue: Cue, show: Show) -> None:
        if number(cue) != 77:
            show(cue)

    _, result = planted(drop)
    assert result.violations == {"lost": 1, "freeze": 1}
    assert result.programmes[0].unexplained == 1
    assert result.first_violations[0].detail.endswith("frame 77: unknown")


def test_swapped_frames_are_found() -> None:
    kept: list[Cue] = []

    def swap(_: Soak, cue: Cue, show: Show) -> None:
        if number(cue) == 77:
            kept.append(cue)
        else:
            show(cue)
            while kept:
                show(kept.pop())

    _, result = planted(swap)
    assert result.violations["out of order"] == 1
    assert result.violations["lost"] == 1


def test_a_frame_that_is_shown_twice_is_found() -> None:
    def twice(_: Soak, cue: Cue, show: Show) -> None:
        show(cue)
        if number(cue) == 77:
            show(replace(cue, frame=replace(cue.frame, buffer=share(cue.frame.buffer))))

    assert planted(twice)[1].violations == {"repeated": 1}


def test_a_late_frame_is_found() -> None:
    def dawdle(soak: Soak, cue: Cue, show: Show) -> None:
        if number(cue) == 77:
            soak.clock.wait_until(soak.clock.get_time() + 150 * MILLISECOND, threading.Event())
        show(cue)

    _, result = planted(dawdle)
    assert result.violations["late"] >= 1
    assert result.programmes[0].late >= 1


def test_shares_that_are_kept_are_found() -> None:
    kept: list[Any] = []

    def keep(_: Soak, cue: Cue, show: Show) -> None:
        if 70 <= number(cue) < 76:
            kept.append(share(cue.frame.buffer))
        show(cue)

    soak, result = planted(keep)
    assert result.violations["shares"] > 1
    assert result.pool_missing == 6
    assert any(promise.go is False and "pools" in promise.name for promise in promises(result, SoakLimits()))
    kept.clear()
    assert all(pool.stats().free == pool.frames for pool in soak.pools)


def test_memory_that_is_written_over_while_it_is_held_is_found() -> None:
    """Counters and timestamps were right all the time in the attempt that failed; only the pictures were not."""

    def overwrite(soak: Soak, cue: Cue, show: Show) -> None:
        if number(cue) == 77:
            # Past every check, as a device would.
            ctypes.c_int64.from_address(address(soak.store.held()[10].buffer)).value = 500
        show(cue)

    _, result = planted(overwrite)
    assert result.violations["torn"] >= 1


def test_what_fails_for_no_reason_ends_the_soak() -> None:
    def fail(_: Soak, cue: Cue, show: Show) -> None:
        if number(cue) == 77:
            raise TouchlineError("no screen")
        show(cue)

    with pytest.raises(TouchlineError, match="no screen"):
        planted(fail)


def test_an_interrupt_reports_what_was_reached() -> None:
    stop = threading.Event()
    seen: list[Progress] = []

    def look(progress: Progress) -> None:
        seen.append(progress)
        if progress.done_s > 20:
            stop.set()

    settings = SoakSettings(3600, fault_seed=1, delays_s=(2.0,))
    result = Soak(settings, SoakLimits()).run(look, stop)
    assert result.violations == {}
    assert 20 < result.reached_s < 25
    assert result.programmes[0].shown + sum(result.programmes[0].lost.values()) == result.filmed
    assert result.pool_missing == 0
    assert seen[-1].total_s == 3600
    assert [progress.done_s for progress in seen] == sorted(progress.done_s for progress in seen)


@pytest.mark.parametrize("faults", [None, 1])
def test_the_picture_is_one(tmp_path, faults) -> None:
    import cv2

    result = soaked(SoakSettings(60, fault_seed=faults, delays_s=(2.0,)))
    draw(result, tmp_path / "soak.png")
    picture = cv2.imread(str(tmp_path / "soak.png"))
    assert picture.shape == (1000, 1600, 3)
    assert picture.std() > 5, "something is drawn"


@pytest.mark.parametrize(
    "wrong",
    [
        {"delays_s": ()},
        {"delays_s": (2.0, 2.0)},
        {"delays_s": (0.01,)},
        {"duration_s": 2.0},
        {"duration_s": float("nan")},
        {"width": 30},
        {"height": 8},
    ],
)
def test_settings_that_make_no_sense_are_refused(wrong) -> None:
    with pytest.raises(ConfigurationError):
        replace(SHORT, **wrong)


def test_a_frame_that_others_hold_is_not_written() -> None:
    soak = Soak(replace(SHORT, duration_s=4), SoakLimits())
    buffer = soak.pools[0].acquire()
    other = share(buffer)
    with pytest.raises(TouchlineError, match="others hold"):
        burn(buffer, 1)
    del other, buffer
    soak.run()
    assert isinstance(soak.clock, StepClock)
