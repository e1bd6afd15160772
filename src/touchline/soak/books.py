"""The books of a soak: what is held and by whom, checked all the time, and curves of it over the run."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from touchline.delay.store import FrameStore
from touchline.gst.library import SECOND
from touchline.gst.pools import FramePool
from touchline.soak.camera import Camera
from touchline.soak.judge import Violations
from touchline.soak.outlet import Outlet
from touchline.telemetry.gpu import get_gpu_memory_usage
from touchline.telemetry.memory import process_memory

_POINTS = 2000  # of each curve
_GPU_EVERY_S = 10.0  # real time; some ways of asking take a while
_RETRIES = 5  # a frame may be on its way from one holder to the next
_RETRY_S = 0.003
_COUNTS = 100  # until one is found during which nothing moved


@dataclass(frozen=True)
class Sample:
    """A moment: seconds of running time; bytes resident and held; free frames; worst delay error since the last, s."""

    at_s: float
    rss_bytes: int
    held_bytes: int
    free: int
    error_s: float
    ballast: bool


class Books:
    """Checks what is held.

    Args:
        store, pools, outlets: of the soak; the first pool is the one that must never be empty.
        camera: knows what faults have taken.
        window_frames: delay x fps, of the longest delay.
        live: whether others go on while we look.
        violations: where to write them down.
        duration_s: of the whole run, for the curves.
    """

    def __init__(
        self,
        store: FrameStore,
        pools: Sequence[FramePool],
        outlets: Sequence[Outlet],
        camera: Camera,
        window_frames: float,
        live: bool,
        violations: Violations,
        duration_s: float,
    ) -> None:
        self.samples: list[Sample] = []
        self.gpu_loads: list[float] = []
        self.held_peak = 0
        self.pool_low = pools[0].frames
        self.checks = 0
        self._store = store
        self._pools = pools
        self._outlets = outlets
        self._camera = camera
        self._window = window_frames
        self._live = live
        self._violations = violations
        self._every_s = duration_s / _POINTS
        self._held = self._free = 0
        self._gpu_asked: float | None = None
        self._gpu_there = True

    def check(self, now: int, steady: bool) -> None:
        """Compares what is held with what should be.

        Args:
            now: running time, ns.
            steady: the window is full and nothing is wrong.
        """
        self.checks += 1
        for _ in range(_RETRIES if self._live else 1):
            broken = self._look(steady)
            if not broken:
                return
            time.sleep(_RETRY_S if self._live else 0)
        for rule, detail in broken:
            self._violations.add(rule, now / SECOND, detail)

    def _look(self, steady: bool) -> list[tuple[str, str]]:
        """What does not hold now; live, that may be because something has moved between two questions."""
        self._held, busy, self._free = self._count()
        held, taken = self._held, self._camera.stolen
        slack = len(self._outlets) + 1  # each player's last picture, and one that is just being let go of
        gone = sum(outlet.dying for outlet in self._outlets)
        broken = []
        if not -gone <= busy - held - taken <= slack:
            broken.append(("shares", f"{busy} frames are out, {held} held, {taken} taken by a fault"))
        if steady:
            self.held_peak = max(self.held_peak, held)
            self.pool_low = min(self.pool_low, self._free)
            if abs(held - self._window) > 1:
                broken.append(("held", f"{held} frames are held, delay x fps is {self._window:g}"))
            if not self._free:
                broken.append(("pool empty", f"none of {self._pools[0].frames} frames is free"))
        return broken

    def sample(self, now: int, error_s: Callable[[], float]) -> None:
        """Adds a point to the curves, if it is time: what the last check has found."""
        at_s = now / SECOND
        if self.samples and at_s - self.samples[-1].at_s < self._every_s:
            return
        held_bytes = self._held * self._pools[0].frame_bytes
        rss = process_memory().rss_bytes
        self.samples.append(
            Sample(round(at_s, 3), rss, held_bytes, self._free, error_s(), self._camera.ballast)
        )
        self._ask_gpu()

    def _count(self) -> tuple[int, int, int]:
        """Frames that are held for the delay, frames that are out of the pools, and frames that are free.

        All at one moment: live, a count during which a frame came or went is thrown away and taken again.
        """
        for _ in range(_COUNTS if self._live else 1):
            before = self._place()
            stats = [pool.stats() for pool in self._pools]
            held, *rest = self._place()
            if before == (held, *rest):
                break
        busy = sum(each.frames - each.free for each in stats)
        return held, busy, stats[0].free

    def _place(self) -> tuple[int, ...]:
        """Frames that are held, and what changes whenever one comes or goes."""
        oldest = self._store.oldest_pts
        beyond: set[int] = set()
        for outlet in self._outlets:
            beyond |= {pts for pts in outlet.waiting() if oldest is None or pts < oldest}
        return len(self._store) + len(beyond), self._store.appended, oldest or 0, *sorted(beyond)

    def _ask_gpu(self) -> None:
        now = time.monotonic()
        if not self._gpu_there or (self._gpu_asked and now - self._gpu_asked < _GPU_EVERY_S):
            return
        self._gpu_asked = now
        usage = get_gpu_memory_usage()
        self._gpu_there = usage is not None
        if usage is not None and usage.utilisation is not None:
            self.gpu_loads.append(usage.utilisation)
