"""The intake: what every arriving frame passes on its way into the store.

It gets a place on the timeline, the audit looks at its memory, the keeper says what is held of it, and the store takes
it together with the caps that it came with. Nothing is left out without being counted.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from touchline.delay.audit import Audit, Fault, Verdict
from touchline.delay.keepers import CarefulKeeper, Keeper
from touchline.delay.plan import GB, MB
from touchline.delay.store import FrameStore
from touchline.delay.timeguard import TimeGuard
from touchline.errors import InputError, PlanError, TouchlineError
from touchline.gst.depth import video_bytes
from touchline.gst.domains import Domain
from touchline.gst.library import NONE

_WATCH_S = 0.2  # how often a producer is looked at that has stopped
_ROOM_S = 0.002  # how often a frame looks whether the full store has room
_MOST_VERDICTS = 20

Reformat = Callable[[Any, Any], Any]


class Intake:
    """Takes the frames of one producer into a store.

    :meth:`take`, :meth:`flush` and :meth:`end` belong to the thread that frames come in; the rest to any.

    Args:
        store: what is filled.
        keeper: what is held of a frame.
        guard: where a frame lies in time.
        domain: of the frames' memory.
        audit: looks for producers that can't be held by reference; None: they are trusted.
        on_trouble: called once with what the delay must end with, in the thread that found it; nothing is taken from
            then on, and nothing is raised into the producer.
        on_notice: called with each verdict that was dealt with, or is no more than a suspicion.
        on_caps: called with the caps of the first frame and with every change of them.
        reformat: makes of a frame and its caps, of another size or format than the first, one like the first.
        window_frames: frames that are to be held, for the bytes.
        limit_bytes: the most that the window may take; 0: no limit.
        name: of the source, in messages.
        wait: for room in the store and in the pool (fast pace), instead of leaving the frame out.

    Raises:
        ValueError: for a keeper that waits for the audit's word, and no audit.

    Attributes:
        taken: frames that got into the store.
        dropped: frames that did not, or were lost later, by reason: ``repeated`` and ``no_room`` of the guard,
            ``too_late`` (everybody has passed their place), ``pool_empty``, ``store_full``, ``reused`` (written over
            while held), ``after_end``, ``refused`` (after trouble).
        verdicts: what the audit found, the first twenty.
    """

    def __init__(
        self,
        store: FrameStore,
        keeper: Keeper,
        guard: TimeGuard,
        domain: Domain,
        *,
        audit: Audit | None = None,
        on_trouble: Callable[[Exception], None],
        on_notice: Callable[[Verdict], None] | None = None,
        on_caps: Callable[[Any], None] | None = None,
        reformat: Reformat | None = None,
        window_frames: int = 0,
        limit_bytes: int = 0,
        name: str = "source",
        wait: bool = False,
    ) -> None:
        if isinstance(keeper, CarefulKeeper) and audit is None:
            raise ValueError("a keeper that may change over to copies needs an audit")
        self.taken = 0
        self.dropped = guard.dropped
        self.verdicts: list[Verdict] = []
        self._store = store
        self._keeper = keeper
        self._careful = keeper if isinstance(keeper, CarefulKeeper) else None
        self._guard = guard
        self._domain = domain
        self._audit = audit
        self._on_trouble = on_trouble
        self._on_notice = on_notice
        self._on_caps = on_caps
        self._reformat = reformat
        self._window = window_frames
        self._limit = limit_bytes
        self._name = name
        self._wait = wait
        self._caps: Any = None
        self._shape: tuple[Any, ...] = ()
        self._failed = False
        self._failing = threading.Lock()
        self._stopped = threading.Event()
        self._interrupted = threading.Event()
        self._watcher: threading.Thread | None = None

    def start(self) -> None:
        """Begins to watch for a producer that stalls, in a thread of its own, if there is an audit."""
        if self._audit is not None and self._watcher is None:
            self._watcher = threading.Thread(target=self._watch, name=f"{self._name}-audit", daemon=True)
            self._watcher.start()

    def stop(self) -> None:
        """Ends the watching, and wakes a frame that waits for room. May be called again, from any thread."""
        self._stopped.set()
        self._interrupted.set()
        if self._audit is not None:
            self._audit.ended()
        if self._watcher is not None and self._watcher is not threading.current_thread():
            self._watcher.join()

    def take(
        self, buffer: Any, pts: int | None, duration: int = 0, arrival: int | None = None, caps: Any = None
    ) -> bool:
        """Takes a frame into the store, or counts why not. Raises nothing.

        Args:
            buffer: the frame; the caller lets go of it.
            pts: its running time, ns; None or GST_CLOCK_TIME_NONE if it has none.
            duration: ns; 0 or GST_CLOCK_TIME_NONE if unknown.
            arrival: the capture's running time now, ns, if the source is live.
            caps: of the frame; None if they are known to be the same for all.

        Returns:
            Whether it is held.
        """
        if self._failed or self._store.ended:
            self.dropped.add("refused" if self._failed else "after_end")
            return False
        try:
            return self._take(
                buffer, None if pts == NONE else pts, 0 if duration == NONE else duration, arrival, caps
            )
        except Exception as error:  # noqa: BLE001 - whatever it is, it must not run on into the producer
            self.dropped.add("refused")
            self._fail(error)
            return False
        finally:
            if self._audit is not None:
                self._audit.settled()

    def interrupt(self) -> None:
        """A flush has begun: a frame that waits for room lets go, and is counted. From any thread."""
        self._interrupted.set()

    def flush(self) -> None:
        """The source was flushed: what is held belongs to the past, and the next PTS may be anything."""
        if not self._stopped.is_set():
            self._interrupted.clear()
        self._guard.reset()
        if self._audit is not None:
            self._audit.reset()
        if self._careful is not None:
            self._careful.forget()
        self._store.restart()

    def end(self) -> None:
        """The source has ended; what is held will still be shown."""
        if self._audit is not None:
            self._audit.ended()
        self._store.end()

    def check(self) -> None:
        """Looks once whether the producer has stalled; :meth:`start` has it done all the time."""
        verdict = self._audit.check() if self._audit is not None and not self._failed else None
        if verdict is None:
            return
        try:
            self._deal_with(verdict)
        except Exception as error:  # noqa: BLE001 - whatever it is, the owner must know
            self._fail(error)

    def _take(self, buffer: Any, pts: int | None, duration: int, arrival: int | None, caps: Any) -> bool:
        key = self._domain.identity(buffer) if self._audit is not None else 0
        if self._audit is not None and (verdict := self._audit.arrived(buffer, key)) is not None:
            self._deal_with(verdict)
        if (
            caps is not None
            and caps is not self._caps
            and (self._caps is None or not caps.is_equal(self._caps))
        ):
            self._learn(caps)
        placed = self._guard.place(pts, arrival)
        if placed is None or not self._has_room(placed.pts):
            return False
        if self._reformat is not None and caps is not None and _shape(caps) != self._shape:
            buffer, key = self._reformat(buffer, caps), 0
        while (kept := self._keeper.keep(buffer, key)) is None:
            if not self._wait_for_room():
                self.dropped.add("pool_empty")
                return False
        if kept is not buffer:
            if self._careful is not None:
                self._careful.look_back(self._store, key, kept, self.dropped)
            key = 0  # ours: it does not come again while it is held
        return self._append(kept, placed.pts, duration, key)

    def _has_room(self, pts: int) -> bool:
        """Whether the store takes a frame of this time now; waits for room where that is wanted."""
        if not self._store.accepts(pts):
            self.dropped.add("too_late")
            return False
        while len(self._store) >= self._store.capacity:
            if not self._wait_for_room():
                self.dropped.add("store_full")
                return False
        return True

    def _wait_for_room(self) -> bool:
        """Gives others a moment to take frames out. False if that is not wanted, or no longer."""
        return self._wait and not self._store.ended and not self._interrupted.wait(_ROOM_S)

    def _append(self, kept: Any, pts: int, duration: int, key: int) -> bool:
        try:
            self._store.append(kept, pts, duration, key=key, caps=self._caps)
        except TouchlineError:
            # There was room, so it was passed, or the end came, since we asked.
            self.dropped.add("after_end" if self._store.ended else "too_late")
            return False
        self.taken += 1
        return True

    def _learn(self, caps: Any) -> None:
        """New caps have come. Of the same size and format they are taken as they are; others only where they can be."""
        shape = _shape(caps)
        if self._shape and shape != self._shape:
            if self._reformat is not None:
                return
            if not self._keeper.by_reference:
                raise InputError(
                    f"{self._name}: its pictures have changed from {_said(self._shape)} to {_said(shape)}, and "
                    "copies are held of one size; use --hold reference, or scale them before the delay"
                )
        self._check_bytes(caps, shape)
        self._caps, self._shape = caps, shape
        if self._on_caps:
            self._on_caps(caps)

    def _check_bytes(self, caps: Any, shape: tuple[Any, ...]) -> None:
        size = video_bytes(caps)
        needed = self._window * size
        if self._limit and needed > self._limit:
            raise PlanError(
                f"{self._name}: its pictures have become {_said(shape)}: {self._window} frames of "
                f"{size / MB:.2f} MB = {needed / GB:.2f} GB, and the limit is {self._limit / GB:.2f} GB; "
                "choose a shorter delay, a higher limit, or scale them before the delay"
            )
        self._store.frame_bytes = max(self._store.frame_bytes, size)

    def _deal_with(self, verdict: Verdict) -> None:
        """Changes over to copies if we may, or raises what the delay ends with; a mere suspicion ends nothing."""
        if len(self.verdicts) < _MOST_VERDICTS:
            self.verdicts.append(verdict)
        try:
            self._mend(verdict)
        except TouchlineError:
            if verdict.fault is Fault.REUSED:
                # Whatever is held may be written over by now, and must not be shown until somebody stops us.
                self.dropped.add("reused", self._store.clear())
            if verdict.fault is not Fault.SUSPECTED:
                raise
        if self._on_notice:
            self._on_notice(verdict)

    def _mend(self, verdict: Verdict) -> None:
        if self._careful is None:
            raise InputError(verdict.line)
        try:
            self._careful.change_over(self._store, verdict, self.dropped)
        except PlanError:
            raise
        except TouchlineError as error:
            raise InputError(f"{verdict.line}; copies can't be made here: {error}") from error

    def _fail(self, error: Exception) -> None:
        with self._failing:
            if self._failed:
                return
            self._failed = True
        self._on_trouble(error)

    def _watch(self) -> None:
        while not self._stopped.wait(_WATCH_S):
            self.check()


def _shape(caps: Any) -> tuple[Any, ...]:
    """What decides a picture's place in memory: memory feature, format, width, height."""
    fields = caps.get_structure(0)
    features = caps.get_features(0)
    return (
        features.to_string() if features is not None else "",
        fields.get_string("format"),
        fields.get_int("width")[1],
        fields.get_int("height")[1],
    )


def _said(shape: tuple[Any, ...]) -> str:
    _, format, width, height = shape
    return f"{width}x{height} {format}"
