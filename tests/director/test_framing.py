"""What is wanted in the picture, from moments."""

from __future__ import annotations

import numpy as np
import pytest

from director.plays import LIMITS, field, moment
from touchline.analysis.play import Moment
from touchline.director.framing import Framing
from touchline.director.ground import Ground
from touchline.director.style import Style
from touchline.geometry import FieldOutline, View

HOME = View(0.0, -10.0, 50.0)
STYLE = Style()


def framing(outline: FieldOutline | None = None) -> Framing:
    return Framing(STYLE, Ground(outline, 105.0), HOME)


def still(
    players: list[tuple[float, float]], ball: tuple[float, float] | None = (0.0, -10.0)
) -> list[Moment]:
    return [moment(t, ball, players) for t in np.arange(0, 4, 1 / 6)]


def test_the_picture_grows_with_the_spread_of_those_near_the_ball() -> None:
    at = np.array([2.0])
    sizes = [
        framing().wishes(still([(-s, -10), (s, -10), (0, -9)]), at).size_deg[0] for s in (2.0, 8.0, 14.0)
    ]
    assert STYLE.closest_deg <= sizes[0] < sizes[1] < sizes[2] <= STYLE.widest_deg
    far = framing().wishes(still([(-2, -10), (2, -10), (0, -9), (60, -10)]), at)
    assert far.size_deg[0] == pytest.approx(sizes[0], abs=0.5)  # nobody cares for somebody far away
    assert far.play[0, 0] == pytest.approx(0, abs=1)


def test_there_is_room_in_front_of_a_moving_ball() -> None:
    moments = [moment(t, (8 * t - 20, -10)) for t in np.arange(0, 5, 1 / 6)]
    wishes = framing().wishes(moments, np.array([2.5]))
    assert wishes.ball[0, 0] == pytest.approx(0, abs=0.2)
    assert 0.5 < wishes.play[0, 0] < 8 * STYLE.lead_s
    assert wishes.settle[0] == 1


def test_a_ball_that_lies_makes_moving_dear() -> None:
    assert framing().wishes(still([]), np.array([2.0])).settle[0] > 2


def test_a_short_gap_is_bridged_and_a_lost_ball_widens_the_picture_towards_the_players() -> None:
    players = [(yaw, -9.0) for yaw in (20.0, 24.0, 28.0)]
    seen = [moment(t, (10 * t - 20, -10), players) for t in np.arange(0, 8, 1 / 6)]
    short = [m if not 2.2 < m.pts_ns / 1e9 < 2.8 else moment(m.pts_ns / 1e9, None, players) for m in seen]
    at = np.array([2.5])
    whole, bridged = framing().wishes(seen, at), framing().wishes(short, at)
    assert bridged.ball[0] == pytest.approx(whole.ball[0], abs=0.1)
    assert bridged.keep_ball[0] > 0.8
    lost = framing().wishes([moment(t, None, players) for t in np.arange(0, 8, 1 / 6)], at)
    assert lost.keep_ball[0] == 0
    assert lost.play[0, 0] == pytest.approx(24, abs=0.5)
    assert lost.size_deg[0] > whole.size_deg[0] + 5
    assert lost.keep_play[0] < 0.5  # a drift, not a pan


def test_a_doubtful_ball_is_not_followed() -> None:
    players = [(-20.0, -9.0), (-22.0, -9.0)]
    doubtful = [moment(t, (50.0, -10.0), players, sureness=0.05) for t in np.arange(0, 4, 1 / 6)]
    wishes = framing().wishes(doubtful, np.array([2.0]))
    assert wishes.play[0, 0] == pytest.approx(-21, abs=1)
    assert wishes.keep_ball[0] == 0


def test_without_anything_known_there_is_home() -> None:
    for moments in ([], [moment(0, None)]):
        wishes = framing().wishes(moments, np.array([0.0, 1.0]))
        assert wishes.play[0] == pytest.approx([HOME.yaw_deg, HOME.pitch_deg])
        assert wishes.size_deg == pytest.approx(50.0)
        assert wishes.keep_ball == pytest.approx(0)


def test_a_goal_belongs_to_the_play_near_it() -> None:
    near = still([(-37.0, -9.5)], ball=(-37.0, -10.0))
    at = np.array([2.0])
    without, with_goal = framing().wishes(near, at), framing(field()).wishes(near, at)
    goal = np.degrees(np.arctan2(-52.5, 50.0))
    assert goal < with_goal.play[0, 0] < without.play[0, 0] - 0.5
    middle = still([(0.0, -11.0)], ball=(0.0, -11.0))
    assert framing(field()).wishes(middle, at).play[0] == pytest.approx(
        framing().wishes(middle, at).play[0], abs=0.1
    )


def test_the_middle_of_the_picture_stays_on_the_field() -> None:
    outside = still([], ball=(-70.0, -4.0))
    wishes = framing(field()).wishes(outside, np.array([2.0]))
    assert field().keep(*wishes.play[0], 1.9) == pytest.approx(tuple(wishes.play[0]))
    assert wishes.keep_ball[0] == pytest.approx(0.5)


def test_the_mast_is_as_high_as_the_field_is_long() -> None:
    """Distances come out in metres: the mast of the synthetic match is 10 m high, and nobody says so."""
    ground = Ground(field(), 105.0)
    persons = np.array([[[0.0, -np.degrees(np.arctan2(10, 50))], [0.0, -np.degrees(np.arctan2(10, 60))]]])
    apart = ground.apart(persons, persons[:, :1], np.ones((1, 2)))
    assert apart[0] == pytest.approx([0, 10], abs=0.1)


def test_long_matches_are_framed_as_short_ones_are() -> None:
    """Speeds are told in pieces, or an hour and a half of moments would need gigabytes."""
    moments = [moment(t, (30 * np.sin(t / 3), -10.0)) for t in np.arange(0, 80, 1 / 6)]
    at = np.arange(30, 50, 0.5)
    whole = framing().wishes(moments, at)
    part = framing().wishes([m for m in moments if 25 < m.pts_ns / 1e9 < 55], at)
    np.testing.assert_allclose(whole.play, part.play, atol=1e-3)
    assert LIMITS.contains(HOME)
