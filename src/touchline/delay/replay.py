"""Instant replay: a piece of the history once more, slower or faster, beside the programmes, which go on.

The frames of the piece are shared at once and let go of one by one, so that the store goes on as if nothing was;
the plan has room for as many frames as the history has.
"""

from __future__ import annotations

import threading
from bisect import bisect_right
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from touchline.counters import Tally
from touchline.delay.cues import Cue, Shown
from touchline.delay.frame import Frame
from touchline.delay.states import State, StateMachine
from touchline.delay.store import FrameStore
from touchline.delay.timeline import Timeline
from touchline.errors import ConfigurationError
from touchline.gst.library import MILLISECOND, SECOND, Gst
from touchline.gst.shares import share

SLOWEST, FASTEST = 0.25, 2.0


def longest_replay_ns(history_ns: int) -> int:
    """How far behind the programmes replays may be, at the most: a whole history, shown as slowly as may be."""
    return history_ns + round(history_ns / SLOWEST)


@dataclass
class _Piece:
    """A piece that is being shown: its frames, when it began (running time, ns) and how fast it is."""

    frames: list[Frame]
    first_pts: int
    begins: int
    speed: float

    def frame_at(self, running: int) -> Frame | None:
        """The frame for a running time; lets go of those before it. None when it is over."""
        # Durations are rounded to nanoseconds: what is nearly due is due.
        slack = self.frames[0].duration // 16
        pts = self.first_pts + round((running - self.begins) * self.speed) + slack
        place = bisect_right([frame.pts for frame in self.frames], pts) - 1
        del self.frames[: max(0, place)]
        frame = self.frames[0]
        over = len(self.frames) == 1 and pts >= frame.pts + frame.duration
        return None if over else frame


class ReplayPlayer:
    """A programme of replays, and of slates in between.

    Args:
        store: whose history is shown.
        timeline: when; its running times are those of the programme, from ``origin_ns`` on.
        show: called with each cue, ahead of its time, once in every frame's time.
        frame_ns: between two pictures.
        origin_ns: running time at which the programme begins.
        name, on_failed, on_change: as for a :class:`Player`.

    Attributes:
        played, held, slates: cues so far, by kind: a frame that is shown again at slow speed counts as held.
        replays: how many pieces have been shown.
        breaks, longest_break_s: none: what it shows is complete.
        shown_pts: of the last frame, ns.
    """

    def __init__(
        self,
        store: FrameStore,
        timeline: Timeline,
        show: Callable[[Cue], None],
        *,
        frame_ns: int,
        origin_ns: int = 0,
        name: str = "replay",
        on_failed: Callable[[Exception], None] | None = None,
        on_change: Callable[[State, State], None] | None = None,
    ) -> None:
        self.name = name
        self.states = StateMachine(on_change)
        self.played = self.held = self.slates = self.replays = 0
        self.breaks = 0
        self.longest_break_s = 0.0
        self.shown_pts: int | None = None
        self.dropped = Tally()
        self._store = store
        self._timeline = timeline
        self._show = show
        self._frame_ns = frame_ns or 40 * MILLISECOND
        self._origin = origin_ns
        self._on_failed = on_failed
        self._asked: deque[tuple[list[Frame], float]] = deque()
        self._asking = threading.Lock()
        self._piece: _Piece | None = None
        self._last: Frame | None = None
        self._dumped = threading.Event()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    @property
    def state(self) -> State:
        return self.states.state

    def start(self) -> None:
        """Begins with a slate."""
        self.states.go(State.FILLING)
        self._thread.start()

    @property
    def delay_ns(self) -> int:
        """None of its own: it shows what it is told to."""
        return 0

    def dump(self) -> None:
        """Shows no more of what it was asked for."""
        with self._asking:
            self._asked.clear()
            self._dumped.set()

    def replay(self, first_pts: int, last_pts: int, speed: float = 1.0) -> int:
        """Shows a piece as soon as those before it are over.

        Args:
            first_pts, last_pts: of the capture, ns, both included.
            speed: 0.25 to 2.

        Returns:
            How many frames it has.

        Raises:
            ConfigurationError: if the speed is out of range, nothing of that time is held any more, or the replays
                that are not over would hold more frames than the history has.
        """
        if not SLOWEST <= speed <= FASTEST:
            raise ConfigurationError(
                f"a replay runs at {SLOWEST:g} to {FASTEST:g} times the speed, not {speed:g}"
            )
        frames = self._store.between(first_pts, last_pts)
        if not frames:
            oldest = self._store.oldest_pts
            since = "nothing is held" if oldest is None else f"what is held begins at {oldest / SECOND:.1f} s"
            raise ConfigurationError(
                f"nothing can be replayed of {first_pts / SECOND:.1f} to {last_pts / SECOND:.1f} s: {since} (--history)"
            )
        with self._asking:
            piece = self._piece
            held = sum(len(asked) for asked, _ in self._asked) + (len(piece.frames) if piece else 0)
            if held and held + len(frames) > self._store.history_ns // self._frame_ns + 1:
                raise ConfigurationError(
                    "the replays that are not over are as long as the history already; ask again when one is over, or "
                    "give a longer --history"
                )
            self._asked.append((frames, speed))
        return len(frames)

    def stop(self) -> None:
        """Stops at once. May be called again, from any thread."""
        self._stop.set()
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join()
        self.states.go_if_possible(State.STOPPED)

    def wait(self, timeout_s: float | None = None) -> bool:
        """Waits until it is over: the store has ended, every player has shown all of it, and every replay too."""
        return self.states.wait_final(timeout_s)

    def _run(self) -> None:
        try:
            running = self._origin
            while not self._stop.is_set() and self._timeline.wait_to_prepare(running, self._stop):
                if not self._step(running):
                    self.states.go_if_possible(State.DRAINING)
                    self.states.go(State.DONE)
                    return
                running += self._frame_ns
        except Exception as error:  # noqa: BLE001 - whatever it is, it ends this thread: the owner must know
            self.states.go_if_possible(State.FAILED)
            if self._on_failed:
                self._on_failed(error)
        finally:
            self._piece = None
            self._last = None
            self._asked.clear()

    def _step(self, running: int) -> bool:
        """One picture. False when nothing will come any more."""
        if self._dumped.is_set():
            self._dumped.clear()
            self._piece = None
        frame = self._piece.frame_at(running) if self._piece else None
        if frame is None:
            self._piece = self._next_piece(running)
            frame = self._piece.frame_at(running) if self._piece else None
        if frame is None:
            self._last = None
            over = self._store.ended and not any(reader.holds for reader in self._store.readers)
            if not over:
                self._go(State.SLATE)
                self.slates += 1
                self._show(Cue(Shown.SLATE, None, running - self._origin))
            return not over
        self._go(State.PLAYING)
        self._give(frame, running - self._origin)
        return True

    def _next_piece(self, running: int) -> _Piece | None:
        with self._asking:
            if not self._asked:
                return None
            frames, speed = self._asked.popleft()
        self.replays += 1
        return _Piece(frames, frames[0].pts, running, speed)

    def _give(self, frame: Frame, at: int) -> None:
        again = self._last is not None and frame.pts == self._last.pts
        self._last = frame
        self.shown_pts = frame.pts
        buffer = share(frame.buffer)
        buffer.pts, buffer.duration = at, self._frame_ns
        if again:
            buffer.set_flags(Gst.BufferFlags.DROPPABLE)
        self.held += again
        self.played += not again
        kind = Shown.HELD if again else Shown.FRAME
        self._show(Cue(kind, Frame(buffer, frame.pts, frame.duration, frame.sequence, frame.caps), at))

    def _go(self, state: State) -> None:
        if self.state is not state:
            self.states.go_if_possible(state)
