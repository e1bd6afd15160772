"""A ball that is told to be elsewhere for a moment and then back where it was has not been there."""

from __future__ import annotations

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from touchline.analysis.ball_detours import detours
from touchline.analysis.ball_layers import HIDDEN, LOST, SEEN

PIECES = st.lists(
    st.tuples(st.integers(1, 40), st.floats(-60, 60), st.floats(-30, 5), st.integers(1, 4)),
    min_size=1,
    max_size=9,
)


def story(*pieces: tuple[int, float, float, int]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """So many layers at a yaw and pitch, then so many on which it is lost; ten layers a second."""
    at, kind = [], []
    for count, yaw, pitch, lost in pieces:
        at += [(yaw, pitch)] * count + [(np.nan, np.nan)] * lost
        kind += [SEEN] * count + [LOST] * lost
    return np.arange(len(kind)) / 10, np.array(at), np.array(kind)


def test_a_jump_across_the_field_and_back_is_a_detour() -> None:
    """A keeper's shoe on the far side was the ball for a second and a half, and the camera went to look at it."""
    times, at, kind = story((30, 46, -19, 1), (16, -44, -8, 1), (30, 43, -18, 1))
    assert detours(times, at, kind) == [(31, 47)]


def test_who_does_not_come_back_has_gone() -> None:
    times, at, kind = story((30, 46, -19, 1), (16, -44, -8, 1), (30, -40, -9, 1))
    assert detours(times, at, kind) == []


def test_what_lasts_is_no_detour() -> None:
    times, at, kind = story((30, 46, -19, 1), (33, -44, -8, 1), (30, 43, -18, 1))
    assert detours(times, at, kind) == []


def test_of_two_places_it_is_the_one_that_lasts() -> None:
    """Something else for half a second, the ball for two, and the other thing again."""
    times, at, kind = story((5, -44, -8, 1), (20, 43, -18, 1), (5, -44, -8, 1), (30, 43, -18, 1))
    assert detours(times, at, kind) == [(27, 32)]


def test_a_short_jump_is_none() -> None:
    """A ball that is headed on while nobody sees it."""
    times, at, kind = story((30, 10, -10, 1), (10, 15, -10, 1), (30, 10, -10, 1))
    assert detours(times, at, kind) == []


def test_what_was_before_the_first_and_after_the_last_is_not_known() -> None:
    assert detours(*story((30, -44, -8, 1), (40, 43, -18, 1), (30, -44, -8, 1))) == []
    assert detours(*story((10, -44, -8, 1))) == []
    times, at, kind = story((1, 0, 0, 5))
    kind[:] = LOST
    assert detours(times, at, kind) == []


def test_where_it_is_hidden_counts_as_known() -> None:
    times, at, kind = story((30, 46, -19, 1), (16, -44, -8, 1), (30, 43, -18, 1))
    kind[:25] = HIDDEN
    assert detours(times, at, kind) == [(31, 47)]


def test_one_after_the_other_are_found() -> None:
    times, at, kind = story((20, 40, -9, 1), (8, -44, -8, 1), (5, 41, -9, 1), (8, 0, -5, 1), (20, 42, -9, 1))
    assert detours(times, at, kind) == [(21, 29), (36, 44)]


@given(PIECES)
@example(
    [(1, 0.0, -2.0, 1), (1, -1.0, 4.0, 1), (1, 12.0, 0.0, 1), (1, 0.0, -2.0, 1)]
)  # came in another order
def test_detours_are_whole_stretches_between_others(pieces: list[tuple[int, float, float, int]]) -> None:
    times, at, kind = story(*pieces)
    found = detours(times, at, kind)
    assert found == sorted(found)
    for first, end in found:
        assert (kind[first:end] != LOST).all()
        assert kind[first - 1] == kind[end] == LOST
        assert times[end - 1] - times[first] <= 3.0
    left = kind.copy()
    for first, end in found:
        left[first:end] = LOST
    known = np.flatnonzero(left != LOST)
    assert len(known)
    assert all(known[0] < first and end <= known[-1] for first, end in found), "the ends stand"
