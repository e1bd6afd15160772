"""The state machine: the table is the law."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from touchline.delay.states import FINAL, TRANSITIONS, State, StateMachine
from touchline.errors import TouchlineError


@given(st.lists(st.sampled_from(State), max_size=12))
def test_only_transitions_of_the_table_happen(wishes: list[State]) -> None:
    seen: list[tuple[State, State]] = []
    machine = StateMachine(lambda before, after: seen.append((before, after)))
    state = State.IDLE
    for wish in wishes:
        if wish in TRANSITIONS[state]:
            machine.go(wish)
            state = wish
        else:
            with pytest.raises(TouchlineError, match=f"from {state.value} to {wish.value}"):
                machine.go(wish)
            assert not machine.go_if_possible(wish)
        assert machine.state is state
        assert machine.wait_final(0) == (state in FINAL)
    assert all(after in TRANSITIONS[before] for before, after in seen)


def test_every_state_can_be_reached_and_an_end_is_always_near() -> None:
    reached = {State.IDLE}
    while True:
        more = {after for state in reached for after in TRANSITIONS[state]} | reached
        if more == reached:
            break
        reached = more
    assert reached == set(State)
    assert all(State.STOPPED in TRANSITIONS[state] for state in State if state not in FINAL)
