"""One soak: pool, intake, store, players and real pipelines, from the first frame to the last."""

from __future__ import annotations

import ctypes
import threading
import time
from collections.abc import Callable

from touchline.delay.cues import Rules
from touchline.delay.player import Player
from touchline.delay.states import State
from touchline.delay.store import FrameStore
from touchline.delay.timeline import LiveTimeline
from touchline.errors import TouchlineError
from touchline.gst.library import MILLISECOND, SECOND
from touchline.gst.pools import FramePool
from touchline.soak.books import Books
from touchline.soak.camera import Camera
from touchline.soak.clock import RealClock, StepClock
from touchline.soak.faults import GRACE_S, Fault, Kind
from touchline.soak.judge import Judge, Violations
from touchline.soak.leaks import buffers_alive
from touchline.soak.ledger import Ledger
from touchline.soak.limits import SoakLimits
from touchline.soak.outlet import Outlet
from touchline.soak.results import ProgrammeBooks, Progress, SoakResult
from touchline.soak.settings import SoakSettings

_START_NS = SECOND  # from the clock's time now to the first frame
_LOOK_NS = SECOND
_JOIN_S = 30.0
_LEAVING = (State.DONE, State.FAILED)


class Soak:
    """Runs once.

    Args:
        settings: what to do.
        limits: from where on a frame is late, at live speed; on the stepped clock none may be late at all.
    """

    def __init__(self, settings: SoakSettings, limits: SoakLimits) -> None:
        self.settings = settings
        self.violations = Violations()
        tolerance = round(limits.delay_error_max_ms * MILLISECOND) if settings.live else 0
        self.pools = (
            FramePool(settings.caps, settings.plan.frames, "soak"),
            FramePool(settings.other_caps, settings.other_frames, "soak, other caps"),
        )
        for pool in self.pools:
            pool.start()
        self.clock = RealClock() if settings.live else StepClock()
        self._base = self.clock.get_time() + _START_NS
        window = settings.plan.window_frames
        self.store = FrameStore(settings.plan.frames + settings.other_frames, self.pools[0].frame_bytes)
        self.ledger = Ledger(settings.fps, window + settings.ahead_frames)
        self.camera = Camera(self.pools, self.store, self.ledger, settings.frames)
        self.outlets = [self._outlet(index) for index in range(len(settings.delays_s))]
        self.players = [self._player(index) for index in range(len(settings.delays_s))]
        self._faults = settings.faults
        self._judges = [self._judge(index, tolerance) for index in range(len(settings.delays_s))]
        self.books = Books(
            self.store,
            self.pools,
            self.outlets,
            self.camera,
            float(settings.longest_s * settings.fps),
            settings.live,
            self.violations,
            settings.duration_s,
        )
        self._failure: Exception | None = None
        self._steps = sorted(
            [(round(fault.start_s * SECOND), True, fault) for fault in self._faults]
            + [(round(fault.end_s * SECOND), False, fault) for fault in self._faults],
            key=lambda step: step[0],
        )
        self._current: Fault | None = None
        self._unsteady_until = 0
        self._begun = 0

    def run(
        self, progress: Callable[[Progress], None] | None = None, stop: threading.Event | None = None
    ) -> SoakResult:
        """Films to the end, or until ``stop`` is set; shows everything that was filmed; judges.

        Raises:
            TouchlineError: if something fails that no fault explains, so that the soak can't go on.
        """
        stop = stop or threading.Event()
        wall, cpu = time.monotonic(), time.process_time()
        try:
            for player in self.players:
                if isinstance(self.clock, StepClock):
                    self.clock.admit(player.start)
                else:
                    player.start()
            reached = self._film(progress, stop)
            self._drain()
        finally:
            self._close()
        return self._result(reached, time.monotonic() - wall, time.process_time() - cpu)

    def _film(self, progress: Callable[[Progress], None] | None, stop: threading.Event) -> int:
        """Returns how long was filmed, ns."""
        clock, camera, base = self.clock, self.camera, self._base
        look = 0
        while (arrival := camera.next_arrival()) is not None:
            while self._steps and self._steps[0][0] <= arrival and not stop.is_set():
                self._step(stop)
            if stop.is_set():
                camera.stop()
                self._steps.clear()
                self._put_right()
                stop = threading.Event()
                continue
            if clock.wait_until(base + arrival, stop):
                camera.shoot(arrival if not self.settings.live else clock.get_time() - base)
            if arrival >= look:
                look = arrival + _LOOK_NS
                self._look(arrival)
                if progress:
                    progress(self._progress(arrival))
        return self.ledger.filmed(camera.number)

    def _step(self, stop: threading.Event) -> None:
        """Begins or ends a fault."""
        when, begins, fault = self._steps[0]
        if not self.clock.wait_until(self._base + when, stop):
            return
        del self._steps[0]
        if begins:
            self._begun += 1
            self._current = fault
            latest = fault.seen(self.settings.longest_s)[1] + GRACE_S
            self._unsteady_until = round(latest * SECOND)
            self._go_wrong(fault)
        else:
            self._put_right()

    def _go_wrong(self, fault: Fault) -> None:
        outlet = self.outlets[self._hit(fault)]
        if fault.kind is Kind.SLOW_OUTPUT:
            outlet.block()
        elif fault.kind is Kind.DEAD_OUTPUT:
            outlet.kill()
        elif fault.kind is Kind.STALL:
            # A C call that keeps the interpreter's lock, as PyDLL does.
            ctypes.PyDLL(None).usleep(round(fault.length_s * 1e6))
        else:
            self.camera.begin(fault)

    def _put_right(self) -> None:
        """Ends the fault that is on, if one is."""
        fault, self._current = self._current, None
        if fault is None:
            return
        outlet = self.outlets[self._hit(fault)]
        if fault.kind is Kind.SLOW_OUTPUT:
            outlet.unblock()
        elif fault.kind is Kind.DEAD_OUTPUT:
            outlet.reopen()
        self.camera.end()

    def _hit(self, fault: Fault) -> int:
        """Which programme a fault of an output strikes."""
        return fault.seed % len(self.outlets)

    def _look(self, now: int) -> None:
        """Reads and judges what has left, and checks the books."""
        if self._failure:
            raise self._failure
        if isinstance(self.clock, StepClock):
            self.clock.settle()
        for outlet, judge in zip(self.outlets, self._judges, strict=True):
            judge.feed(outlet.read())
            judge.look(now)
        steady = now > round(self.settings.longest_s * SECOND) + _LOOK_NS and now > self._unsteady_until
        self.books.check(now, steady)
        self.books.sample(now, lambda: max(judge.take_worst() for judge in self._judges))

    def _drain(self) -> None:
        """Shows what waits, to the last frame."""
        self.camera.intake.end()
        longest = round(self.settings.longest_s * SECOND)
        end = self.clock.get_time() + longest + SECOND
        if isinstance(self.clock, StepClock):
            self.clock.wait_until(end, threading.Event())
        for player in self.players:
            if not player.wait(self.settings.longest_s + _JOIN_S):
                raise TouchlineError(f"{player.name} does not come to its end")
            player.stop()
        if self._failure:
            raise self._failure
        for outlet, judge in zip(self.outlets, self._judges, strict=True):
            outlet.finish()
            judge.feed(outlet.read())
            judge.finish(self.camera.number)

    def _close(self) -> None:
        if isinstance(self.clock, StepClock):
            self.clock.close()
        self.camera.end()
        self.camera.intake.stop()
        for player in self.players:
            player.stop()
        self.store.close()
        for outlet in self.outlets:
            outlet.close()

    def _progress(self, now: int) -> Progress:
        return Progress(
            now / SECOND,
            self.settings.duration_s,
            sum(judge.shown for judge in self._judges),
            self.violations.counts.total,
            self._begun,
        )

    def _failed(self, error: Exception) -> None:
        self._failure = error

    def _outlet(self, index: int) -> Outlet:
        settings = self.settings
        base = self._base + settings.delay_ns(index)
        name = f"programme {settings.delays_s[index]:g} s"
        outlet = Outlet(name, self.pools[0], self.clock, base, settings.ahead_frames, self.ledger.number_of)
        if isinstance(self.clock, StepClock):
            self.clock.pace(outlet)
        return outlet

    def _player(self, index: int) -> Player:
        def changed(_before: State, state: State) -> None:
            if state in _LEAVING and isinstance(self.clock, StepClock):
                self.clock.leave()

        timeline = LiveTimeline(
            self.clock if isinstance(self.clock, StepClock) else self.clock.gst,
            self._base,
            round(self.settings.lead_s * SECOND),
        )
        return Player(
            self.store,
            timeline,
            self.outlets[index].show,
            delay_ns=self.settings.delay_ns(index),
            frame_ns=self.settings.frame_ns,
            rules=Rules(fill=True, slate_first=True),
            name=f"player {self.settings.delays_s[index]:g} s",
            on_failed=self._failed,
            on_change=changed,
        )

    def _judge(self, index: int, tolerance: int) -> Judge:
        outlet = self.outlets[index]
        return Judge(
            outlet.name,
            self.settings.delay_ns(index),
            self._base,
            self.ledger,
            [f for f in self._faults if not f.one_output or self._hit(f) == index],
            self.violations,
            lambda number: self.ledger.lost.get(number) or outlet.lost.get(number),
            tolerance,
            self.settings.frame_ns,
        )

    def _result(self, reached: int, wall_s: float, cpu_s: float) -> SoakResult:
        settings, books = self.settings, self.books
        missing = sum(pool.frames - pool.stats().free for pool in self.pools)
        return SoakResult(
            settings=settings,
            reached_s=reached / SECOND,
            wall_s=wall_s,
            cpu_s=cpu_s,
            filmed=self.camera.number,
            programmes=tuple(self._programme(index) for index in range(len(self.outlets))),
            violations=self.violations.counts.as_dict(),
            first_violations=tuple(self.violations.first),
            recoveries=tuple(recovery for judge in self._judges for recovery in judge.recoveries),
            samples=tuple(books.samples),
            checks=books.checks,
            held_peak_bytes=books.held_peak * self.pools[0].frame_bytes,
            window_bytes=settings.plan.window_frames * self.pools[0].frame_bytes,
            pool_low=books.pool_low,
            pool_missing=missing,
            buffers_left=buffers_alive(),
            gpu_load=sum(books.gpu_loads) / len(books.gpu_loads) if books.gpu_loads else None,
            furthest_placed_s=self.ledger.furthest_moved / SECOND,
        )

    def _programme(self, index: int) -> ProgrammeBooks:
        judge = self._judges[index]
        return ProgrammeBooks(
            name=judge.name,
            delay_s=self.settings.delays_s[index],
            shown=judge.shown,
            held=judge.held,
            slates=judge.slates,
            late=judge.late,
            lost=judge.lost.as_dict(),
            unexplained=judge.unexplained.total,
            error_p50_s=judge.errors.percentile(50),
            error_p99_s=judge.errors.percentile(99),
            error_max_s=judge.errors.max_s,
            opened=self.outlets[index].opened,
        )
