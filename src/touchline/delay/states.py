"""The states of a player, and which may follow which. Every transition that is not in the table is a fault."""

from __future__ import annotations

import threading
from collections.abc import Callable
from enum import Enum

from touchline.errors import TouchlineError


class State(Enum):
    """What a player is doing."""

    IDLE = "idle"  # made, not started
    FILLING = "filling"  # frames wait; the first one is not due yet
    PLAYING = "playing"  # each frame leaves when it is due
    HOLDING = "holding"  # none is due: the last one is shown again
    SLATE = "slate"  # none has been due for too long: a card instead
    PAUSED = "paused"  # the last one is shown on purpose
    DRAINING = "draining"  # no more frames come; those that wait are still shown, on time
    DONE = "done"  # the last frame has left
    STOPPED = "stopped"  # ended on purpose before the last frame
    FAILED = "failed"  # ended by an error


_ENDS = frozenset({State.STOPPED, State.FAILED})
_RUNNING = frozenset(
    {State.FILLING, State.PLAYING, State.HOLDING, State.SLATE, State.PAUSED, State.DRAINING} | _ENDS
)

TRANSITIONS: dict[State, frozenset[State]] = {
    State.IDLE: frozenset({State.FILLING, State.STOPPED}),
    # Filling comes again after a dump, and when the delay is made longer.
    State.FILLING: _RUNNING - {State.FILLING, State.HOLDING},
    State.PLAYING: _RUNNING - {State.PLAYING},
    State.HOLDING: _RUNNING - {State.HOLDING},
    State.SLATE: _RUNNING - {State.SLATE, State.HOLDING},
    State.PAUSED: _RUNNING - {State.PAUSED},
    State.DRAINING: frozenset({State.DONE}) | _ENDS,
    State.DONE: frozenset(),
    State.STOPPED: frozenset(),
    State.FAILED: frozenset(),
}
FINAL = frozenset(state for state, following in TRANSITIONS.items() if not following)


class StateMachine:
    """The state of one player; safe from several threads.

    Args:
        on_change: called with the old and the new state, in the thread that made the change.
    """

    def __init__(self, on_change: Callable[[State, State], None] | None = None) -> None:
        self._state = State.IDLE
        self._changed = threading.Condition()
        self._on_change = on_change

    @property
    def state(self) -> State:
        return self._state

    def go(self, state: State) -> None:
        """Changes the state. Raises TouchlineError for a transition that is not in the table."""
        with self._changed:
            before = self._state
            if state not in TRANSITIONS[before]:
                raise TouchlineError(f"a player can't go from {before.value} to {state.value}")
            self._state = state
            self._changed.notify_all()
        if self._on_change:
            self._on_change(before, state)

    def go_if_possible(self, state: State) -> bool:
        """Changes the state if the table allows it from wherever we are; says whether it did."""
        with self._changed:
            if state not in TRANSITIONS[self._state]:
                return False
            self.go(state)
            return True

    def wait_final(self, timeout_s: float | None = None) -> bool:
        """Waits for a state that nothing follows. False when time is over."""
        with self._changed:
            return self._changed.wait_for(lambda: self._state in FINAL, timeout_s)
