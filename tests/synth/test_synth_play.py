"""The match itself: does the ball move as a ball does, do people run as people do, does play go on?"""

from __future__ import annotations

import itertools
import math
from functools import lru_cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from touchline.synth.ball import GRAVITY, TOP_SPEED, Ball, loft_speed, roll_speed
from touchline.synth.pitch import BALL_RADIUS, BOARD_X, BOARD_Y, GOAL_HALF_WIDTH, HALF_LENGTH, HALF_WIDTH
from touchline.synth.play import _KEPT_CHUNKS, CHUNK_TICKS, REFEREE, Play, PlayState
from touchline.synth.simulation import CARRY_SPEED
from touchline.synth.teams import KEEPER_ACCELERATION
from touchline.synth.teams import TOP_SPEED as RUNNING_SPEED

MINUTES = 6
STEP = 0.1


@lru_cache(maxsize=3)
def watched(seed: int) -> list[PlayState]:
    play = Play(seed)
    return [play.at(k * STEP) for k in range(int(MINUTES * 60 / STEP))]


SEEDS = (1, pytest.param(2, marks=pytest.mark.slow))


@pytest.mark.parametrize("seed", SEEDS)
def test_nobody_runs_faster_than_a_man(seed: int) -> None:
    states = watched(seed)
    place = np.stack([s.persons for s in states])
    speed = np.linalg.norm(np.diff(place, axis=0), axis=2) / STEP
    assert speed.max() <= RUNNING_SPEED + 1e-6
    assert speed.max() > 6, "somebody ought to sprint"
    told = np.stack([s.velocity for s in states])
    push = np.linalg.norm(np.diff(told, axis=0), axis=2) / STEP
    assert push.max() <= KEEPER_ACCELERATION + 1e-6
    assert np.abs(place[..., 0]).max() < BOARD_X
    assert np.abs(place[..., 1]).max() < BOARD_Y


@pytest.mark.parametrize("seed", SEEDS)
def test_the_ball_never_jumps_and_never_leaves_the_ground(seed: int) -> None:
    ball = np.stack([s.ball for s in watched(seed)])
    speed = np.linalg.norm(np.diff(ball, axis=0), axis=1) / STEP
    assert speed.max() <= max(TOP_SPEED, CARRY_SPEED + RUNNING_SPEED) + 1
    assert ball[:, 2].min() >= BALL_RADIUS - 1e-9
    assert 4 < ball[:, 2].max() < 25, "high balls, but none to the moon"
    assert np.abs(ball[:, 0]).max() < BOARD_X
    assert np.abs(ball[:, 1]).max() < BOARD_Y


@pytest.mark.parametrize("seed", SEEDS)
def test_a_ball_in_the_air_falls(seed: int) -> None:
    """In free flight, away from everybody's reach, the second difference of the height is gravity and some drag."""
    play, checked = Play(seed), 0
    for state in watched(seed):
        h = 0.05
        if state.ball[2] < 4.5 or state.holder >= 0:
            continue
        z = [float(play.at(max(0.0, state.time + k * h)).ball[2]) for k in (-1, 0, 1)]
        fall = (z[0] - 2 * z[1] + z[2]) / h**2
        rising_drag = 0.02 * float(np.linalg.norm(state.ball_velocity)) * abs(float(state.ball_velocity[2]))
        assert fall == pytest.approx(-GRAVITY, abs=0.6 + rising_drag)
        checked += 1
    assert checked > 20


@pytest.mark.parametrize("seed", SEEDS)
def test_the_ball_goes_out_and_comes_back(seed: int) -> None:
    states = watched(seed)
    assert not states[0].in_play
    assert states[0].phase == "kick-off"
    changes = [b for a, b in itertools.pairwise(states) if a.in_play != b.in_play]
    assert len(changes) >= 6
    stopped = 0.0
    for state in states:
        stopped = 0.0 if state.in_play else stopped + STEP
        assert stopped < 45, f"play stands still at {state.time:.0f} s ({state.phase})"
        if state.in_play:
            # A throw-in starts from over the line; nothing else does.
            assert abs(state.ball[0]) < HALF_LENGTH + BALL_RADIUS + 1.2
            assert abs(state.ball[1]) < HALF_WIDTH + BALL_RADIUS + 1.2


@pytest.mark.parametrize("seed", SEEDS)
def test_both_teams_play_and_the_ball_travels(seed: int) -> None:
    states = watched(seed)
    owners = {s.owner for s in states}
    assert len([o for o in owners if o < 11]) >= 8
    assert len([o for o in owners if 11 <= o < 22]) >= 8
    ball = np.stack([s.ball for s in states])
    assert np.ptp(ball[:, 0]) > 60
    assert np.ptp(ball[:, 1]) > 40
    far = np.linalg.norm(np.stack([s.persons[REFEREE] for s in states]) - ball[:, :2], axis=1)
    assert np.median(far) < 20


def test_goals_are_counted_where_they_are_scored() -> None:
    """When the score changes the ball is in a goal, and the side that it is in decides who gets it."""
    play, seen = Play(13), 0
    states = [play.at(k / 10) for k in range(1200)]
    for before, after in itertools.pairwise(states):
        if after.score == before.score:
            continue
        moment = next(
            s for s in (play.at(before.time + k / 100) for k in range(12)) if s.score == after.score
        )
        scorer = 0 if after.score[0] > before.score[0] else 1
        assert math.copysign(1, moment.ball[0]) == (1 if scorer == 0 else -1)
        assert (
            abs(moment.ball[0]) > HALF_LENGTH - 1.5
        )  # the score is noted by the tick, the ball moves on in it
        assert abs(moment.ball[1]) < GOAL_HALF_WIDTH
        assert sum(after.score) == sum(before.score) + 1
        assert after.phase == "kick-off"
        seen += 1
    assert seen


def test_any_order_gives_the_same_match() -> None:
    """Also for times whose pieces have been let go of and must be simulated again."""
    late = (_KEPT_CHUNKS + 2) * CHUNK_TICKS * 0.04
    times = [0.0, 3.21, 9.999, 10.0, 10.001, 47.7, late, 3.21]
    straight, back = Play(5), Play(5)
    forwards = [straight.at(t) for t in times]
    backwards = [back.at(t) for t in reversed(times)][::-1]
    for one, other in zip(forwards, backwards, strict=True):
        for name in ("persons", "velocity", "heading", "stride", "ball", "ball_velocity"):
            assert np.array_equal(getattr(one, name), getattr(other, name)), name
        assert (one.phase, one.owner, one.holder, one.score) == (
            other.phase,
            other.owner,
            other.holder,
            other.score,
        )
    assert not np.array_equal(forwards[5].persons, Play(6).at(47.7).persons)


def test_there_is_nothing_before_the_start() -> None:
    with pytest.raises(ValueError, match="starts at 0 s"):
        Play(1).at(-0.01)


@settings(deadline=None, max_examples=60)
@given(
    vx=st.floats(-25, 25),
    vy=st.floats(-25, 25),
    vz=st.floats(-5, 18),
    x=st.floats(-50, 50),
    y=st.floats(-33, 33),
)
def test_a_ball_left_alone_only_loses_energy_and_comes_to_rest(
    vx: float, vy: float, vz: float, x: float, y: float
) -> None:
    ball = Ball()
    ball.x, ball.y, ball.z = x, y, 1.0
    ball.kick(vx, vy, vz)
    energy = ball.speed**2 / 2 + GRAVITY * ball.z
    for _ in range(4000):
        ball.step(0.01)
        now = ball.speed**2 / 2 + GRAVITY * ball.z
        # Explicit steps of 10 ms may gain what one step of gravity is worth.
        assert now <= energy + GRAVITY**2 * 0.01**2
        energy = now
        assert ball.z >= BALL_RADIUS
    assert ball.speed < 0.05
    assert ball.rolling


@given(distance=st.floats(3, 40), arriving=st.floats(1, 8))
@settings(deadline=None, max_examples=40)
def test_a_rolling_pass_arrives_as_fast_as_it_was_meant_to(distance: float, arriving: float) -> None:
    ball = Ball()
    ball.x = -distance / 2
    ball.kick(roll_speed(distance, arriving), 0.0)
    while ball.x < distance / 2 and ball.speed > 0:
        ball.step(0.002)
    assert ball.speed == pytest.approx(arriving, abs=0.15)


@given(distance=st.floats(12, 45), elevation=st.floats(0.4, 0.85))
@settings(deadline=None, max_examples=40)
def test_a_high_ball_comes_down_about_where_it_should(distance: float, elevation: float) -> None:
    ball = Ball()
    ball.x = -distance / 2
    speed = loft_speed(distance, elevation)
    ball.kick(speed * math.cos(elevation), 0.0, speed * math.sin(elevation))
    before = math.inf
    while ball.vz <= before:  # until it bounces
        before = ball.vz
        ball.step(0.01)
    assert ball.x + distance / 2 == pytest.approx(distance, rel=0.12)


def test_the_ball_stays_in_the_net() -> None:
    ball = Ball()
    ball.x, ball.y, ball.z = HALF_LENGTH - 5, 1.0, 0.5
    ball.kick(28, 0.5, 1.0)
    for _ in range(600):
        ball.step(0.01)
    assert ball.in_goal()
    assert ball.speed < 0.5
