"""How much may speak for what has not moved since it was first seen."""

from __future__ import annotations

import numpy as np

from touchline.analysis.ball_credit import credited
from touchline.analysis.ball_layers import nowhere
from touchline.analysis.clutter import Candidates

METRE = 1.5  # degrees
MOST = 3.0


def paths(*born: tuple[float, float, int, float]):
    """The lost path, and one for each yaw, pitch and track at which it was first seen, and credit."""
    count = 1 + len(born)
    return nowhere(0.0)._replace(
        born=np.array([(np.nan, np.nan), *(one[:2] for one in born)]),
        owner=np.array([-1, *(one[2] for one in born)]),
        credit=np.array([np.inf, *(one[3] for one in born)]),
        score=np.zeros(count),
    )


def candidates(*seen: tuple[float, float, int]) -> Candidates:
    count = len(seen)
    return Candidates(
        np.array([one[:2] for one in seen], np.float64),
        np.full(count, 0.1),
        np.zeros(count),
        np.array([one[2] for one in seen]),
        np.ones(count),
        np.zeros((count, 2)),
    )


def step(last, seen: Candidates, way: float) -> tuple[np.ndarray, np.ndarray]:
    shape = len(last.score), len(seen.at)
    return credited(last, seen, np.full(shape[0], METRE), np.full(shape, way), MOST)


def test_what_stays_where_it_was_first_seen_is_worth_only_so_much() -> None:
    """A keeper's shoe that was seen twenty times was surer than the ball, which was hidden meanwhile."""
    last, seen = paths((10, -8, -1, 0.0)), candidates((10.2, -8, -1))
    total = 0.0
    for _ in range(20):
        way, credit = step(last, seen, 2.0)
        total += way[1, 0]
        last = last._replace(credit=np.array([np.inf, credit[1, 0]]))
    assert total == MOST
    assert credit[1, 0] == MOST


def test_what_speaks_against_it_counts_in_full_and_can_be_made_up_for() -> None:
    last, seen = paths((10, -8, -1, MOST)), candidates((10.2, -8, -1))
    way, credit = step(last, seen, -2.0)
    assert (way[1, 0], credit[1, 0]) == (-2.0, MOST - 2.0)
    last = last._replace(credit=np.array([np.inf, credit[1, 0]]))
    assert step(last, seen, 5.0)[0][1, 0] == 2.0


def test_what_has_moved_is_believed_from_then_on() -> None:
    """Two metres from where it was first seen, three degrees here."""
    last = paths((10, 0, -1, MOST), (10, 0, -1, np.inf))
    way, credit = step(last, candidates((12.9, 0, -1), (13.1, 0, -1)), 7.0)
    assert way[1].tolist() == [0.0, 7.0]
    assert credit[1].tolist() == [MOST, np.inf]
    assert way[2].tolist() == [7.0, 7.0], "and does not have to move again"


def test_what_somebody_carries_has_not_moved() -> None:
    """White shoes run as fast as the ball; they stay at the body at which they were first seen."""
    last = paths((10, 0, 4, MOST))
    way, _ = step(last, candidates((30, 0, 4), (30, 0, 5), (30, 0, -1)), 7.0)
    assert way[1].tolist() == [0.0, 7.0, 7.0]


def test_what_is_first_seen_now_begins_with_no_more_than_that() -> None:
    way, credit = step(paths(), candidates((10, 0, -1)), 7.0)
    assert (way[0, 0], credit[0, 0]) == (MOST, MOST)
