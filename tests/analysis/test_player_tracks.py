"""Players from frame to frame: births, deaths, gaps, crossings, and frames that come when they come."""

from __future__ import annotations

import numpy as np
import pytest

from touchline.analysis.player_tracks import PlayerTracks, TracksNow
from touchline.analysis.sight import PlayersSeen
from touchline.analysis.tracking_settings import TrackSettings

RULES = TrackSettings()


def seen(*places: tuple[float, float], sure: float = 0.9, noise_m: float = 0.3) -> PlayersSeen:
    count = len(places)
    return PlayersSeen(
        np.array(places, dtype=np.float64).reshape(-1, 2),
        np.tile(np.eye(2) * noise_m**2, (count, 1, 1)),
        np.zeros((count, 2)),
        np.ones((count, 2)),
        np.full(count, sure),
    )


def watch(tracks: PlayerTracks, *steps: tuple[float, PlayersSeen]) -> list[TracksNow]:
    return [tracks.follow(found, time) for time, found in steps]


def steady(tracks: PlayerTracks, until: float, *places: tuple[float, float]) -> list[TracksNow]:
    return watch(tracks, *((0.1 * k, seen(*places)) for k in range(round(until * 10))))


def test_a_track_is_believed_when_it_has_been_seen_often_and_long_enough() -> None:
    told = steady(PlayerTracks(RULES), 1.0, (3.0, 4.0))
    assert [bool(now.believed.all()) for now in told[:5]] == [False, False, False, True, True]
    assert {int(now.number[0]) for now in told} == {1}
    assert told[-1].places[0] == pytest.approx([3, 4], abs=1e-6)


def test_who_is_seen_once_is_soon_forgotten() -> None:
    told = watch(
        PlayerTracks(RULES), (0.0, seen((0.0, 0.0))), *((0.1 * k, seen((30.0, 5.0))) for k in range(1, 8))
    )
    assert len(told[2].number) == 2
    assert len(told[-1].number) == 1


def test_a_believed_track_outlives_a_gap_and_no_longer_one() -> None:
    tracks = PlayerTracks(RULES)
    steady(tracks, 1.0, (0.0, 0.0))
    gap = watch(tracks, *((1 + 0.1 * k, seen()) for k in range(20)))
    assert all(len(now.number) == 1 and not now.seen[0] for now in gap)
    (back,) = watch(tracks, (3.0, seen((0.3, 0.0))))
    assert back.number[0] == 1
    assert back.seen[0]
    gone = watch(tracks, *((3 + 0.1 * k, seen()) for k in range(1, 30)))
    assert len(gone[-1].number) == 0
    (other,) = watch(tracks, (6.0, seen((0.3, 0.0))))
    assert other.number[0] == 2


@pytest.mark.parametrize("step_s", [0.1, 0.2, 0.25])
def test_players_who_cross_keep_their_numbers(step_s: float) -> None:
    """At eight metres a second they pass each other at one metre, at whatever rate frames come."""
    tracks = PlayerTracks(RULES)
    rng = np.random.default_rng(1)
    time, numbers = 0.0, []
    while time < 4:
        one, other = (-16 + 8 * time, 0.0), (16 - 8 * time, 1.0)
        now = tracks.follow(
            seen(*((x + rng.normal(0, 0.1), y + rng.normal(0, 0.1)) for x, y in (one, other))), time
        )
        if now.believed.all():
            nearest = [int(np.argmin(np.hypot(*(now.places - place).T))) for place in (one, other)]
            numbers.append(tuple(now.number[nearest].tolist()))
        time += step_s * rng.uniform(0.7, 1.3)
    assert len(numbers) > 5
    assert set(numbers) == {(1, 2)}


def test_a_doubtful_detection_carries_on_but_begins_nothing() -> None:
    tracks = PlayerTracks(RULES)
    steady(tracks, 1.0, (0.0, 0.0))
    (now,) = watch(tracks, (1.0, seen((0.1, 0.0), (20.0, 0.0), sure=0.15)))
    assert now.number.tolist() == [1]
    assert now.seen[0]


def test_a_sure_detection_is_given_before_a_doubtful_one_that_is_nearer() -> None:
    tracks = PlayerTracks(RULES)
    steady(tracks, 1.0, (0.0, 0.0))
    both = seen((0.0, 0.0), (0.5, 0.0))._replace(confidence=np.array([0.1, 0.9]))
    (now,) = watch(tracks, (1.0, both))
    assert now.detection.tolist() == [1]


def test_what_is_unseen_runs_on_and_comes_to_rest() -> None:
    tracks = PlayerTracks(RULES)
    watch(tracks, *((0.1 * k, seen((0.6 * k, 0.0))) for k in range(20)))
    told = watch(tracks, *((2 + 0.1 * k, seen()) for k in range(20)))
    way = np.diff([now.places[0, 0] for now in told])
    assert way[0] > 0.4
    assert (np.diff(way) < 0).all()
    assert way[-1] > 0


def test_numbers_rise_and_rows_follow_them() -> None:
    rng = np.random.default_rng(5)
    tracks = PlayerTracks(RULES)
    highest = 0
    for k in range(60):
        places = rng.uniform((-50, -30), (50, 30), (rng.integers(0, 6), 2))
        now = tracks.follow(seen(*map(tuple, places.tolist())), 0.1 * k)
        assert (np.diff(now.number) > 0).all()
        assert now.number.max(initial=0) >= highest
        highest = int(now.number.max(initial=highest))
        held = now.detection[now.seen]
        assert len(set(held.tolist())) == len(held) == len(places)
