"""A play that is known, and who is where between two moments of it."""

from __future__ import annotations

import pytest

from touchline.analysis.known_play import KnownPlay, moment_at
from touchline.analysis.play import BallAt, Moment, PlayerAt

S = 10**8


def at(k: int, ball: float | None, *tracks: int) -> Moment:
    found = None if ball is None else BallAt(ball, -8.0, 0.5, False, (ball, 0.0))
    return Moment(k * S, found, tuple(PlayerAt(n, 10.0 * n + k, -9.0, True) for n in tracks))


def test_between_is_from_the_first_to_the_last() -> None:
    play = KnownPlay(at(k, 1.0) for k in range(10))
    assert [m.pts_ns // S for m in play.between(3 * S, 6 * S)] == [3, 4, 5, 6]
    assert play.between(11 * S, 12 * S) == ()
    with pytest.raises(ValueError, match="ascend"):
        KnownPlay([at(1, 1.0), at(1, 1.0)])


def test_between_two_moments_everybody_is_between() -> None:
    play = KnownPlay([at(0, 4.0, 1, 2), at(1, 8.0, 2, 3)])
    found = moment_at(play, S // 4)
    assert found is not None
    assert found.ball is not None
    assert found.ball.yaw_deg == pytest.approx(5)
    assert found.ball.place == pytest.approx((5, 0))
    assert {p.track: p.yaw_deg for p in found.players} == pytest.approx({1: 10, 2: 20.25, 3: 31})
    assert moment_at(play, S) == at(1, 8.0, 2, 3)


def test_a_ball_that_is_lost_is_where_it_was_known_last() -> None:
    play = KnownPlay([at(0, 4.0), at(1, None), at(2, None)])
    found = moment_at(play, S // 2)
    assert found is not None
    assert found.ball == at(0, 4.0).ball
    assert moment_at(play, 3 * S // 2) == Moment(3 * S // 2, None, ())


def test_in_a_hole_nobody_says_anything() -> None:
    play = KnownPlay([at(0, 4.0), at(9, 5.0)])
    assert moment_at(play, 4 * S) is None
    assert moment_at(play, 10 * S) is None
    assert moment_at(KnownPlay([]), 0) is None
