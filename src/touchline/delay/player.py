"""The player: takes each frame out of the store when its time comes and hands it to the programme.

C paces, Python decides: the player prepares a frame ``lead`` ahead of its due time and pushes it into a pipeline
whose clocksync lets it out on time. Its position follows the clock, never a counter or a request.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from touchline.counters import Tally
from touchline.delay.states import State, StateMachine
from touchline.delay.store import Frame, FrameStore
from touchline.delay.timeline import Timeline

_WAIT_S = 0.1  # how long to wait for a frame before looking whether we are stopped


class Player:
    """Plays a store, delayed.

    Args:
        store: what is played.
        timeline: when.
        show: called in the player's thread with each frame, in order, ahead of its due time; renders and pushes.
        name: of the thread, and for people.
        patience_s: a frame that is later than this when its turn comes is left out and counted, so that a machine
            that is too slow loses frames instead of delay.
        on_failed: called with the exception if ``show`` raises; the player has stopped then.
        on_change: called with each change of state.
    """

    def __init__(
        self,
        store: FrameStore,
        timeline: Timeline,
        show: Callable[[Frame], None],
        *,
        name: str = "player",
        patience_s: float = 0.5,
        on_failed: Callable[[Exception], None] | None = None,
        on_change: Callable[[State, State], None] | None = None,
    ) -> None:
        self.name = name
        self.states = StateMachine(on_change)
        self.played = 0
        self.dropped = Tally()
        self._store = store
        self._timeline = timeline
        self._show = show
        self._patience_s = patience_s
        self._on_failed = on_failed
        self._reader = store.reader(name)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    @property
    def state(self) -> State:
        return self.states.state

    def start(self) -> None:
        """Begins to fill. The first frame leaves exactly one delay after its capture."""
        self.states.go(State.FILLING)
        self._thread.start()

    def stop(self) -> None:
        """Stops at once; frames that wait are not shown, and are counted. May be called again, from any thread."""
        self._stop.set()
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join()
        self.states.go_if_possible(State.STOPPED)
        self._reader.close()
        waiting = 0 if self.state is State.DONE else self._store.appended - self._reader.position
        if waiting and not self.dropped["stopped"]:
            self.dropped.add("stopped", waiting)

    def wait(self, timeout_s: float | None = None) -> bool:
        """Waits until the last frame has left, or the player has stopped or failed. False when time is over."""
        return self.states.wait_final(timeout_s)

    def _run(self) -> None:
        try:
            while not self._stop.is_set():
                # Asked first: the end may come between the two questions.
                at_end = self._reader.at_end
                if self._store.ended:
                    self.states.go_if_possible(State.DRAINING)
                if at_end:
                    self.states.go(State.DONE)
                    return
                pts = self._reader.wait(_WAIT_S)
                if pts is not None and self._timeline.wait_to_prepare(pts, self._stop):
                    self._play_next()
        except Exception as error:  # noqa: BLE001 - whatever it is, it ends this thread: the owner must know
            self.states.go_if_possible(State.FAILED)
            if self._on_failed:
                self._on_failed(error)
        finally:
            self._reader.close()

    def _play_next(self) -> None:
        frame = self._reader.take()
        if frame is None:  # closed between the wait and now
            return
        if self._timeline.overdue_s(frame.pts) > self._patience_s and self._reader.wait(0) is not None:
            self.dropped.add("late")
            return
        if self.state is State.FILLING:
            self.states.go(State.PLAYING)
        self._show(frame)
        self.played += 1
