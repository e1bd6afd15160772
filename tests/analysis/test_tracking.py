"""The play as the log tells it, against the truth of synthetic matches seen by a made-up detector."""

from __future__ import annotations

import math
import threading
from functools import lru_cache

import numpy as np
import pytest
from benchmarks.detecting import MAST, Faults, MadeUpDetector, Truth, corners, panorama_of
from benchmarks.tracking import measure
from hypothesis import given, settings
from hypothesis import strategies as st

from touchline.analysis.detections import Detection, Detections
from touchline.analysis.play import Moment, Play
from touchline.analysis.tracking import PlayLog
from touchline.analysis.tracking_settings import TrackSettings
from touchline.geometry import Ground

PANORAMA = panorama_of(1)
SECOND = 1_000_000_000
GOOD = Faults(0.85, 0.6, 0.15, telling=2.0)


@lru_cache(maxsize=4)
def watched(seed: int, seconds: float, hz: float = 10.0) -> tuple[tuple[Truth, Detections], ...]:
    return tuple(MadeUpDetector(seed, panorama_of(seed), GOOD).run(seconds, hz, 0.3))


@lru_cache(maxsize=1)
def filled(seed: int, seconds: float) -> PlayLog:
    log = PlayLog(panorama_of(seed), corners(), MAST)
    for _, detections in watched(seed, seconds):
        log.append(detections)
    return log


def test_the_ball_is_found_and_hindsight_helps() -> None:
    """With a good detector, and with one that misses the ball half of the time in spells of a second."""
    good = measure(panorama_of(1), watched(1, 40.0), every=5)
    poor = measure(panorama_of(2), tuple(MadeUpDetector(2, panorama_of(2)).run(30.0, 10, 0.3)), every=4)
    found = [good, poor]
    assert good.shares[-1] > max(0.93, good.bound - 0.05)
    assert poor.shares[-1] > poor.bound - 0.27
    assert poor.shares[2] > poor.shares[0] + 0.03
    assert np.mean([one.covered for one in found]) > 0.98
    assert np.mean([one.switches for one in found]) < 15  # for 23 persons
    sure = np.array([ok for one in found for said, ok in one.sureness if said > 0.8])
    unsure = np.array([ok for one in found for said, ok in one.sureness if said < 0.5])
    assert sure.mean() > 0.9
    assert len(unsure) < 10 or unsure.mean() < 0.7


@pytest.mark.parametrize("ground", [None, Ground.below_mast(14)])
def test_without_the_true_ground_the_ball_is_found_too(ground: Ground | None) -> None:
    """Lengths that are wrong by a factor bend no path so far that it is lost."""
    log = PlayLog(panorama_of(1), corners(), ground)
    right = []
    for _, detections in watched(1, 40.0):
        log.append(detections)
    for truth, _ in watched(1, 40.0):
        if truth.in_play and 5 * SECOND < truth.pts_ns < 33 * SECOND:
            ball = log.between(truth.pts_ns, truth.pts_ns + 5 * SECOND)[0].ball
            right.append(ball is not None and abs(ball.yaw_deg - truth.yaw_deg) < 2)
            if ball is not None and ball.pitch_deg < -1:  # a high ball is above no place
                assert (ball.place is None) == (ground is None)
    assert np.mean(right) > 0.8


def test_what_is_told_depends_on_nothing_later() -> None:
    """A fast run and a live one, and a director who asks twice, give the same film."""
    run = watched(2, 30.0)
    grown, whole = PlayLog(panorama_of(2), corners(), MAST), filled(2, 30.0)
    live: list[tuple[int, list[Moment]]] = []
    for k, (truth, detections) in enumerate(run):
        grown.append(detections)
        if k % 37 == 0:
            live.append((truth.pts_ns, grown.between(truth.pts_ns - 10 * SECOND, truth.pts_ns)))
    assert any(moment.ball is not None and moment.players for _, moments in live for moment in moments)
    for last, moments in reversed(live):
        assert whole.between(last - 10 * SECOND, last) == moments


def test_gaps_are_filled_from_both_sides_only_when_the_other_side_is_known() -> None:
    log = filled(2, 30.0)
    whole = {m.pts_ns: m for m in log.between(0, 30 * SECOND)}
    hidden = [m for m in whole.values() if m.ball is not None and not m.ball.seen]
    assert hidden
    changed = 0
    for moment in hidden:
        then = log.between(moment.pts_ns, moment.pts_ns)[0]
        changed += then.ball != moment.ball
    assert changed > len(hidden) / 2


def test_players_keep_their_places_while_they_are_not_seen() -> None:
    log = filled(2, 30.0)
    unseen = 0
    for truth, moment in zip((t for t, _ in watched(2, 30.0)), log.between(0, 30 * SECOND), strict=True):
        if truth.pts_ns < 2 * SECOND:
            continue
        for player in moment.players:
            unseen += not player.seen
            assert player.place is not None
            near = np.hypot(*(truth.persons - player.place).T).min()
            assert near < (4 if player.seen else 7)
        assert 18 <= len(moment.players) <= 27
        assert len({p.track for p in moment.players}) == len(moment.players)
    assert unseen > 50


def test_it_is_a_play() -> None:
    play: Play = PlayLog(PANORAMA)
    assert play.between(0, SECOND) == []


def test_moments_are_those_asked_for() -> None:
    log = filled(2, 30.0)
    pts = [t.pts_ns for t, _ in watched(2, 30.0)]
    assert [m.pts_ns for m in log.between(pts[3], pts[9])] == pts[3:10]
    assert [m.pts_ns for m in log.between(pts[3] + 1, pts[9] - 1)] == pts[4:9]
    assert log.between(pts[9], pts[3]) == []


def test_what_is_forgotten_is_gone_and_the_rest_stays() -> None:
    log = PlayLog(PANORAMA)
    for k in range(10):
        log.append(Detections(k * SECOND))
    log.forget_before(7 * SECOND)
    assert [m.pts_ns for m in log.between(0, 8 * SECOND)] == [7 * SECOND, 8 * SECOND]
    assert len(log) == 3
    assert log.newest_pts == 9 * SECOND


def test_the_log_refuses_what_comes_late_or_after_its_end() -> None:
    with PlayLog(PANORAMA) as log:
        log.append(Detections(SECOND))
        with pytest.raises(ValueError, match="can't follow"):
            log.append(Detections(SECOND))
    assert log.closed
    with pytest.raises(ValueError, match="closed"):
        log.append(Detections(2 * SECOND))
    assert len(log.between(0, SECOND)) == 1


def test_who_waits_goes_on_when_it_is_known_and_when_nothing_more_comes() -> None:
    log = PlayLog(PANORAMA)
    assert not log.wait_for(0, 0.01)
    told: list[bool] = []
    waiting = [
        threading.Thread(target=lambda p=pts: told.append(log.wait_for(p, 10)))
        for pts in (SECOND, 5 * SECOND)
    ]
    for thread in waiting:
        thread.start()
    log.append(Detections(SECOND))
    waiting[0].join(10)
    assert told == [True]
    log.close()
    waiting[1].join(10)
    assert told == [True, True]


def test_memory_stays_bounded_when_nobody_forgets() -> None:
    """A reader who never calls forget_before, and noise that never repeats, for a quarter of an hour of match."""
    rules = TrackSettings(keep_s=5.0, most_paths=12, most_candidates=3)
    log = PlayLog(PANORAMA, settings=rules)
    rng = np.random.default_rng(3)
    for k in range(900):
        x, y = rng.uniform((100, 150), (1900, 500), (4, 2)).T
        found = [Detection(a, b, a + 8, b + 20, "player", 0.9) for a, b in zip(x[:3], y[:3], strict=True)]
        log.append(Detections(k * SECOND, (*found, Detection(x[3], y[3], x[3] + 3, y[3] + 3, "ball", 0.5))))
    assert len(log) <= 6
    assert len(log._diaries) <= 3 * 4
    assert len(log._balls._clutter._still._rates) <= 300
    assert all(len(layer.kind) <= 12 for layer in log._layers)


def boxes() -> st.SearchStrategy[Detection]:
    edge = st.floats(-50, 3000)
    size = st.floats(0.5, 400)
    return st.builds(
        lambda x, y, w, h, kind, sure: Detection(x, y, x + w, y + h, kind, sure),
        edge, edge, size, size, st.sampled_from(("ball", "player")), st.floats(0, 1),
    )  # fmt: skip


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.tuples(st.integers(1, 4 * SECOND), st.lists(boxes(), max_size=6)), min_size=1, max_size=12),
    st.data(),
)
def test_anything_may_be_detected_at_any_time(
    steps: list[tuple[int, list[Detection]]], data: st.DataObject
) -> None:
    """Boxes above the horizon, outside the panorama, on top of each other: numbers stay finite, and what was told is
    told again."""
    log = PlayLog(PANORAMA, corners(), MAST)
    pts, asked = 7 * 3600 * SECOND, []
    begin = pts
    for gap, found in steps:
        pts += gap
        log.append(Detections(pts, tuple(found)))
        if data.draw(st.booleans()):
            asked.append((pts, log.between(begin, pts)))
    for last, moments in asked:
        assert log.between(begin, last) == moments
    for moment in log.between(begin, pts):
        numbers = [n for p in moment.players for n in (p.yaw_deg, p.pitch_deg, *(p.place or ()))]
        if moment.ball is not None:
            numbers += [moment.ball.yaw_deg, moment.ball.pitch_deg, *(moment.ball.place or ())]
            assert 0 <= moment.ball.sureness <= 1
        assert all(math.isfinite(number) for number in numbers)
