"""How much may speak for what has not moved since it was first seen."""

from __future__ import annotations

import numpy as np

from touchline.analysis.ball_credit import Credit, credited
from touchline.analysis.ball_layers import nowhere
from touchline.analysis.clutter import Candidates
from touchline.analysis.tracking_settings import TrackSettings

METRE = 1.5  # degrees
MOST, REST, SHARE = 3.0, 6.0, 0.25
RULES = TrackSettings(unmoved=MOST, rested=REST, rested_share=SHARE)


def paths(*born: tuple[float, float, int, float], legs: int = 0):
    """The lost path, and one for each yaw, pitch and track at which it was first seen, and credit."""
    count = 1 + len(born)
    return nowhere(0.0)._replace(
        born=np.array([(np.nan, np.nan), *(one[:2] for one in born)]),
        owner=np.array([-1, *(one[2] for one in born)]),
        credit=np.array([0.0, *(one[3] for one in born)]),
        legs=np.array([0, *(legs for _ in born)]),
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


def step(last, seen: Candidates, way: float, off_deg: float = 0.0) -> Credit:
    shape = len(last.score), len(seen.at)
    return credited(
        last, seen, np.full(shape[0], METRE), np.full(shape, off_deg**2), np.full(shape, way), RULES
    )


def test_what_stays_where_it_was_first_seen_is_worth_only_so_much() -> None:
    """A keeper's shoe that was seen twenty times was surer than the ball, which was hidden meanwhile."""
    last, seen = paths((10, -8, -1, 0.0)), candidates((10.2, -8, -1))
    total = 0.0
    for _ in range(20):
        way, credit, *_ = step(last, seen, 2.0)
        total += way[1, 0]
        last = last._replace(credit=np.array([0.0, credit[1, 0]]))
    assert total == MOST
    assert credit[1, 0] == MOST


def test_what_speaks_against_it_counts_in_full_and_can_be_made_up_for() -> None:
    last, seen = paths((10, -8, -1, MOST)), candidates((10.2, -8, -1))
    way, credit, *_ = step(last, seen, -2.0)
    assert (way[1, 0], credit[1, 0]) == (-2.0, MOST - 2.0)
    last = last._replace(credit=np.array([0.0, credit[1, 0]]))
    assert step(last, seen, 5.0)[0][1, 0] == 2.0


def test_what_has_moved_begins_anew_where_it_is() -> None:
    """Two metres from where it was first seen, three degrees here; in full when it has done so twice."""
    seen = candidates((12.9, 0, -1), (13.1, 0, -1))
    for before, most in ((0, MOST), (1, 5.0)):
        way, credit, moved, legs = step(paths((10, 0, -1, MOST), legs=before), seen, 5.0)
        assert moved[1].tolist() == [False, True]
        assert legs[1].tolist() == [before, before + 1]
        assert way[1].tolist() == [0.0, most]
        assert credit[1].tolist() == [MOST, most]


def test_what_lies_where_the_ball_has_been_is_worth_ever_less() -> None:
    """The ball was played off a foot, and the shoe, which went on being seen there, was told as the ball for ten

    seconds, each sighting of it as good as one of a ball that rolls.
    """
    last, seen, ways = paths((10, -8, -1, 0.0), legs=2), candidates((10.2, -8, -1)), []
    for _ in range(5):
        way, credit, moved, legs = step(last, seen, 4.0)
        assert (bool(moved[1, 0]), int(legs[1, 0])) == (False, 2)
        ways.append(float(way[1, 0]))
        last = last._replace(credit=np.array([0.0, credit[1, 0]]))
    assert ways == [4.0, 2.0 + 2.0 * SHARE, 4.0 * SHARE, 4.0 * SHARE, 4.0 * SHARE]
    assert step(last, seen, -2.0).way[1, 0] == -2.0, "what speaks against it counts in full"
    assert step(last, candidates((20, -8, -1)), 4.0).way[1, 0] == 4.0, "and so does what moves"


def test_what_leaps_has_yet_to_show_that_it_moves() -> None:
    """The ball was carried in hands; something far away passed for one that had been kicked there, and then it lay.

    It was told as the ball for five seconds: it had moved, so that all its sightings counted.
    """
    here, away = (10, -8, -1, 0.0), (25, -8, -1)
    credit = step(paths(here, legs=2), candidates(away), 4.0, off_deg=14.0)
    assert (bool(credit.moved[1, 0]), int(credit.legs[1, 0])) == (True, 1)
    assert credit.way[1, 0] == MOST
    last = paths((*away, MOST), legs=1)
    assert step(last, candidates((25.5, -8, -1)), 4.0).way[1, 0] == 0.0
    gone_on = step(last, candidates((29, -8, -1)), 4.0, off_deg=2.0)
    assert (int(gone_on.legs[1, 0]), gone_on.way[1, 0]) == (2, 4.0)


def test_what_somebody_carries_has_not_moved() -> None:
    """White shoes run as fast as the ball; they stay at the body at which they were first seen."""
    last = paths((10, 0, 4, MOST), legs=1)
    way, *_ = step(last, candidates((30, 0, 4), (30, 0, 5), (30, 0, -1)), 5.0)
    assert way[1].tolist() == [0.0, 5.0, 5.0]


def test_what_is_first_seen_now_begins_with_no_more_than_that() -> None:
    way, credit, *_ = step(paths(), candidates((10, 0, -1)), 7.0)
    assert (way[0, 0], credit[0, 0]) == (MOST, MOST)
