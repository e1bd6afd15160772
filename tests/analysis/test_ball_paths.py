"""What the ball was: small scenes in which one thing is to be told from the ball, or the ball from nothing."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from benchmarks.detecting import MAST, corners, panorama_of

from touchline.analysis.detections import Detection, Detections
from touchline.analysis.play import BallAt, Moment
from touchline.analysis.tracking import PlayLog
from touchline.geometry import angles_to_rays, rays_to_angles

PANORAMA = panorama_of(1)
SECOND = 1_000_000_000
Place = tuple[float, float] | tuple[float, float, float]
Scene = Callable[[float], list[Detection]]


def pixel(place: Place) -> tuple[float, float]:
    up = place[2] if len(place) == 3 else 0.11
    yaw, pitch = rays_to_angles(MAST.rays(place[:2], up))
    x, y = PANORAMA.angles_to_pixels(yaw, pitch)
    return float(x) + 0.5, float(y) + 0.5


def ball(place: Place, confidence: float = 0.7) -> Detection:
    x, y = pixel(place)
    return Detection(x - 1.5, y - 1.5, x + 1.5, y + 1.5, "ball", confidence)


def player(x: float, y: float) -> Detection:
    foot, head = pixel((x, y, 0.0)), pixel((x, y, 1.8))
    half = (foot[1] - head[1]) / 6
    return Detection(foot[0] - half, head[1], foot[0] + half, foot[1], "player", 0.9)


def play(scene: Scene, seconds: float, hz: float = 10.0) -> list[Moment]:
    log = PlayLog(PANORAMA, corners(), MAST)
    for k in range(int(seconds * hz)):
        log.append(Detections(round(k / hz * SECOND), tuple(scene(k / hz))))
    return log.between(0, round(seconds * SECOND))


def off_m(at: BallAt | None, place: Place) -> float:
    """Metres on the ground, or degrees for high balls, between the ball and where it should be."""
    if at is None:
        return math.inf
    if len(place) == 3:
        yaw, pitch = (math.degrees(float(a)) for a in rays_to_angles(MAST.rays(place[:2], place[2])))
        return math.hypot(at.yaw_deg - yaw, at.pitch_deg - pitch)
    assert at.place is not None
    return math.hypot(at.place[0] - place[0], at.place[1] - place[1])


def at_time(moments: list[Moment], seconds: float) -> Moment:
    return min(moments, key=lambda m: abs(m.pts_ns - seconds * SECOND))


def rolling(time: float) -> tuple[float, float]:
    """To the right and back again, 8 m/s, three seconds each way."""
    phase = time % 6
    return -12 + 8 * min(phase, 6 - phase), 4.0


def test_a_ball_that_rolls_is_followed_through_a_gap() -> None:
    def scene(time: float) -> list[Detection]:
        return [] if 3.5 < time < 4.4 else [ball(rolling(time))]

    moments = play(scene, 6)
    for moment in moments[5:]:
        assert off_m(moment.ball, rolling(moment.pts_ns / SECOND)) < 1.5
        assert moment.ball is not None
        assert moment.ball.seen == (not 3.5 < moment.pts_ns / SECOND < 4.4)
    gap, seen = at_time(moments, 4.0).ball, at_time(moments, 2.0).ball
    assert gap is not None
    assert seen is not None
    assert gap.sureness < seen.sureness


def test_a_spare_ball_beside_the_pitch_is_not_the_ball() -> None:
    """It is seen in each frame, as clearly as the ball, which is seen in half of them and hidden for seconds."""
    rng = np.random.default_rng(4)

    def scene(time: float) -> list[Detection]:
        found = [ball((-20.0, -36.0), 0.9)]
        hidden = 12 < time < 14
        return found + ([ball(rolling(time), 0.6)] if rng.random() < 0.5 and not hidden else [])

    for moment in play(scene, 20)[20:]:
        assert moment.ball is None or moment.ball.place is None or moment.ball.place[1] > -20


def test_a_ball_that_rests_before_a_free_kick_is_the_ball() -> None:
    """A stationary ball was once thrown away as a duplicate."""

    def course(time: float) -> tuple[float, float]:
        return 10 - 6 * max(0.0, 3 - time) + 12 * max(0.0, time - 15), -3.0

    def scene(time: float) -> list[Detection]:
        return [player(10.8, -3.2), ball(course(time)), ball((40.0, 10.0), 0.7)]

    moments = play(scene, 17)
    for moment in moments[5:]:
        assert off_m(moment.ball, course(moment.pts_ns / SECOND)) < 2
    sure = [moment.ball.sureness for moment in moments[5:] if moment.ball]
    assert min(sure[:20]) > 0.8, "it rolls"
    assert max(sure[60:130]) < 0.5, "it lies, and might be a spare one: who plays is worth as much"
    assert min(sure[150:]) > 0.8, "it rolls again"


def test_what_shines_on_somebody_is_not_the_ball() -> None:
    """White shorts are seen in each frame; the ball, between two others, in two of three."""

    def scene(time: float) -> list[Detection]:
        x = -20 + 3 * math.sin(time)
        crowd = [player(x, -10.0), ball((x, -10.0, 0.8), 0.7)]
        return crowd + ([ball(rolling(time))] if round(time * 10) % 3 else [])

    right = [off_m(m.ball, rolling(m.pts_ns / SECOND)) < 2 for m in play(scene, 20)[50:]]
    assert np.mean(right) > 0.95


def test_a_ball_that_vanishes_at_a_player_is_with_him() -> None:
    """He runs with it, before his feet or behind them, for four seconds; then it leaves him."""

    def runner(time: float) -> tuple[float, float]:
        return -10 + 4 * time, 0.0

    def scene(time: float) -> list[Detection]:
        x, y = runner(time)
        found = [player(x, y), player(15.0, 12.0), player(-30.0, 5.0)]
        if time < 2:
            return [*found, ball((x - 6 * (2 - time), y))]
        return [*found, ball((runner(6)[0] + 4 * (time - 6), 14 * (time - 6)))] if time > 6 else found

    moments = play(scene, 7.5)
    for moment in moments[25:60]:
        assert off_m(moment.ball, runner(moment.pts_ns / SECOND)) < 3
        assert moment.ball is not None
        assert not moment.ball.seen


def test_a_high_ball_is_followed_above_the_horizon() -> None:
    """A clearance flies higher than the mast and is above no place on the ground."""

    def course(time: float) -> tuple[float, float, float]:
        flight = max(0.0, min(time - 2, 3.2))
        return -15 + 12 * flight, 5.0, 0.11 + 15.7 * flight - 4.905 * flight**2

    def scene(time: float) -> list[Detection]:
        return [player(-15.4, 5.2), ball(course(time))] if round(time * 10) % 4 else [player(-15.4, 5.2)]

    moments = play(scene, 5.2)
    assert max(course(m.pts_ns / SECOND)[2] for m in moments) > MAST.eye[2]
    for moment in moments[10:]:
        assert off_m(moment.ball, course(moment.pts_ns / SECOND)) < 1.8
    above = [m.ball for m in moments if m.ball is not None and m.ball.pitch_deg > 0]
    assert above
    assert all(b.place is None for b in above)


def test_nobody_knows_the_ball_while_there_is_none() -> None:
    moments = play(lambda time: [player(3 * math.sin(time), 4.0)], 5)
    assert all(m.ball is None for m in moments)
    assert len(moments[-1].players) == 1


def test_a_ball_that_is_lost_for_long_is_nowhere_between() -> None:
    def scene(time: float) -> list[Detection]:
        return [ball(rolling(time))] if time < 3 or time > 15 else []

    moments = play(scene, 18)
    assert at_time(moments, 9).ball is None
    assert off_m(at_time(moments, 3.5).ball, rolling(3.0)) < 5  # it was here
    assert off_m(at_time(moments, 14.6).ball, rolling(15.1)) < 3  # and will be there
    sure = [m.ball.sureness if m.ball else 0.0 for m in moments]
    assert sure[145] < 0.5 < sure[170]


@pytest.mark.parametrize("hz", [5.0, 25.0])
def test_the_rate_of_frames_changes_little(hz: float) -> None:
    rng = np.random.default_rng(2)

    def scene(time: float) -> list[Detection]:
        noise = [ball(tuple(rng.uniform((-50, -30), (50, 30)).tolist()), 0.4)]
        return noise + ([ball(rolling(time))] if rng.random() < 0.6 else [])

    right = [off_m(m.ball, rolling(m.pts_ns / SECOND)) < 2 for m in play(scene, 12, hz)[round(2 * hz) :]]
    assert np.mean(right) > 0.9


def test_directions_are_those_of_the_panorama() -> None:
    """A detection's edges count from the first pixel's edge, directions from its middle."""
    moments = play(lambda time: [ball(rolling(time))], 3)
    last = moments[-1].ball
    assert last is not None
    ray = angles_to_rays(math.radians(last.yaw_deg), math.radians(last.pitch_deg))
    yaw, pitch = rays_to_angles(MAST.rays(rolling(2.9), 0.11))
    assert float(ray @ angles_to_rays(yaw, pitch)) > math.cos(math.radians(0.1))
