"""The near end of a soak: a camera that numbers its frames, and can lose them, delay them and mix them up."""

from __future__ import annotations

import heapq
import random
from typing import Any

from touchline.delay.intake import Intake
from touchline.delay.keepers import ReferenceKeeper
from touchline.delay.store import FrameStore
from touchline.delay.timeguard import Placed, TimeGuard
from touchline.gst.domains.system import SystemDomain
from touchline.gst.library import MILLISECOND, SECOND
from touchline.gst.pools import FramePool
from touchline.soak.faults import Fault, Kind
from touchline.soak.ledger import Ledger
from touchline.soak.witness import burn

_LATEST_FRAMES = 3.0  # by how much jitter holds a frame up
_TREMBLE_NS = 3 * MILLISECOND
_JUMPS_S = (60.0, 7200.0)  # by how much a clock jumps, either way
KEPT_FREE = 3  # frames that are left of the reserve under memory pressure
BALLAST_BYTES = 64_000_000


class NotingGuard(TimeGuard):
    """A time guard that tells where it has put the last frame."""

    last: Placed | None = None

    def place(self, pts: int | None, arrival: int | None = None) -> Placed | None:
        self.last = super().place(pts, arrival)
        return self.last


class Camera:
    """Films numbered frames into a store, through the intake. For one thread.

    Args:
        pools: of frames, and of frames of another size.
        store: where they are held.
        ledger: where what was made is written down.
        frames: how many it films.

    Attributes:
        number: of the next frame that is filmed.
    """

    def __init__(
        self,
        pools: tuple[FramePool, FramePool],
        store: FrameStore,
        ledger: Ledger,
        frames: int,
    ) -> None:
        self.number = 0
        self._frames = frames
        self.guard = NotingGuard(pools[0].caps.frame_ns)
        # No audit: the frames are from a pool of ours, and the witness reads whether they were written over.
        self.intake = Intake(
            store,
            ReferenceKeeper(),
            self.guard,
            SystemDomain(),
            on_trouble=self._note_trouble,
            name="soak",
        )
        self._pools = [(pool, pool.caps.to_gst(), pool.frame_bytes) for pool in pools]
        self._frame_ns: int = pools[0].caps.frame_ns
        self._dropped: dict[str, int] = {}  # by the intake, so far
        self._use = 0
        self._store = store
        self._ledger = ledger
        self._arrivals: list[tuple[int, int]] = []  # a heap of times and numbers
        self._fault: Fault | None = None
        self._chance = random.Random(0)
        self._jump = 0
        self._stolen: list[Any] = []
        self._ballast: bytearray | None = None
        self._trouble: Exception | None = None

    @property
    def ballast(self) -> bool:
        """Whether this process has memory now that is not the soak's."""
        return self._ballast is not None

    @property
    def stolen(self) -> int:
        """Frames of the pool that somebody keeps."""
        return len(self._stolen)

    def next_arrival(self) -> int | None:
        """When the next frame arrives, ns of running time; None after the last one."""
        arrivals = self._arrivals
        # A later frame may overtake this one, as long as it is filmed before this one arrives.
        while self.number < self._frames:
            filmed = self._ledger.filmed(self.number)
            if arrivals and filmed > arrivals[0][0]:
                break
            heapq.heappush(arrivals, (filmed + self._way(), self.number))
            self.number += 1
        return arrivals[0][0] if arrivals else None

    def stop(self) -> None:
        """Films no more; what is on its way still arrives."""
        self._frames = self.number

    def shoot(self, now: int) -> None:
        """The next frame arrives, now. Raises what the intake found wrong."""
        _, number = heapq.heappop(self._arrivals)
        kind = self._fault.kind if self._fault else None
        if kind is Kind.CAMERA_LOSS:
            self._ledger.lose(number, "camera_loss")
            return
        pool, caps, size = self._pools[self._use]
        if kind is Kind.STARVED_POOL:
            self._steal(0)
        buffer = None if kind is Kind.STARVED_POOL else pool.acquire()
        if buffer is None:
            self._ledger.lose(number, "pool_empty")
            return
        burn(buffer, number)
        pts = self._ledger.filmed(number) + self._jump + self._tremble()
        if self.intake.take(buffer, pts, self._frame_ns, now, caps):
            assert self.guard.last is not None
            self._ledger.stored(number, self.guard.last.pts, size)
        else:
            before, self._dropped = self._dropped, self.intake.dropped.as_dict()
            self._ledger.lose(number, _what_grew(before, self._dropped))
        if self._trouble:
            raise self._trouble

    def begin(self, fault: Fault) -> None:
        """From now on this is wrong."""
        self._fault = fault
        self._chance = random.Random(fault.seed)
        if fault.kind is Kind.CLOCK_JUMP:
            self._jump = round(self._chance.uniform(*_JUMPS_S) * SECOND)
        elif fault.kind is Kind.CAPS_CHANGE:
            self._use = 1
        elif fault.kind is Kind.MEMORY_PRESSURE:
            self._ballast = bytearray(BALLAST_BYTES)
            self._steal(KEPT_FREE)

    def end(self) -> None:
        """All is well again."""
        self._fault = None
        self._jump = self._use = 0
        self._stolen.clear()
        self._ballast = None

    def _way(self) -> int:
        """From the filming to the arrival, ns."""
        if self._fault is None or self._fault.kind is not Kind.JITTER:
            return 0
        return round(self._chance.uniform(0, _LATEST_FRAMES) * self._frame_ns)

    def _tremble(self) -> int:
        if self._fault is None or self._fault.kind is not Kind.JITTER:
            return 0
        most = min(_TREMBLE_NS, self._frame_ns // 4)
        return self._chance.randint(-most, most)

    def _steal(self, leave: int) -> None:
        """Somebody takes what is free, and is always quicker than we are."""
        pool = self._pools[0][0]
        while pool.stats().free > leave and (buffer := pool.acquire()) is not None:
            self._stolen.append(buffer)

    def _note_trouble(self, error: Exception) -> None:
        self._trouble = error


def _what_grew(before: dict[str, int], after: dict[str, int]) -> str:
    return next((name for name, count in after.items() if count > before.get(name, 0)), "unknown")
