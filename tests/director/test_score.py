"""The score of camera work: each figure where its value is known beforehand."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from touchline.director.score import CameraPath, in_picture, reversals, score
from touchline.geometry import View
from touchline.synth.course import Course

ASPECT = 16 / 9
FPS = 30
AHEAD = View(0.0, 0.0, 40.0)


def course_of(ball_deg: np.ndarray, in_play: np.ndarray | None = None, fps: float = FPS) -> Course:
    """A ball that goes this way; a player at its feet, one 10 m and one 30 m off, and the referee 1 m off."""
    count = len(ball_deg)
    aside = np.array([(0.0, 0.0), (40.0, 0.0), (60.0, 0.0), (-60.0, 0.0)])
    metres = np.array([(0.0, 0.0), (10.0, 0.0), (30.0, 0.0), (1.0, 0.0)])
    return Course(
        np.arange(count) / fps,
        ball_deg,
        np.zeros((count, 2)),
        np.ones(count, np.bool_) if in_play is None else in_play,
        ball_deg[:, None] + aside,
        np.tile(metres, (count, 1, 1)),
        np.array([True, True, True, False]),
    )


def still(seconds: float, view: View = AHEAD, fps: float = FPS) -> CameraPath:
    times = np.arange(round(seconds * fps)) / fps
    return CameraPath.of([view] * len(times), times)


def resting(yaw: float, pitch: float, seconds: float = 2.0) -> Course:
    return course_of(np.tile([yaw, pitch], (round(seconds * FPS), 1)))


def panned(yaw: np.ndarray, fps: float = FPS) -> CameraPath:
    angles = np.column_stack([yaw, np.zeros(len(yaw)), np.full(len(yaw), 40.0)])
    return CameraPath(np.arange(len(yaw)) / fps, angles)


@given(
    st.floats(-60, 60), st.floats(-30, 10), st.floats(10, 100), st.floats(-20, 20), st.floats(-20, 20),
    st.sampled_from([16 / 9, 9 / 16, 1.0]),
)  # fmt: skip
def test_places_are_those_of_the_virtual_camera(
    yaw: float, pitch: float, fov: float, right: float, up: float, aspect: float
) -> None:
    view = View(yaw, pitch, fov)
    seen = np.array([yaw + right, pitch + up])
    height = 360
    width = round(height * aspect)
    pixels = view.pixels_of(*np.radians(seen), width, height)
    place = in_picture(CameraPath.of([view], [0.0]), seen[None], width / height)[0]
    expected = [(pixels[0] + 0.5) / width * 2 - 1, 1 - (pixels[1] + 0.5) / height * 2]
    assert place == pytest.approx(expected, abs=1e-9)


def test_what_is_behind_the_camera_is_not_in_the_picture() -> None:
    found = score(still(2), resting(170, 0), ASPECT)
    assert found.ball_in_frame == 0
    assert found.framing_error_deg == pytest.approx(170)


@pytest.mark.parametrize(
    ("yaw", "pitch", "inside", "middle"),
    [
        (0, 0, 1, 1),
        (13.5, 0, 1, 1),
        (13.8, 0, 1, 0),
        (19.9, 0, 1, 0),
        (20.1, 0, 0, 0),
        (0, 11.4, 1, 0),
        (0, 11.7, 0, 0),
    ],
)
def test_ball_in_frame_and_in_the_middle(yaw: float, pitch: float, inside: float, middle: float) -> None:
    """40 degrees wide: the edge is at 20, two thirds of the tangent at 13.6; upwards at 11.57 and 7.77."""
    found = score(still(2), resting(yaw, pitch), ASPECT)
    assert (found.ball_in_frame, found.ball_in_middle) == (inside, middle)
    assert found.ball_off_deg == pytest.approx(max(yaw, pitch))
    assert found.longest_loss_s == pytest.approx(0 if inside else 2)


def test_the_framing_error_is_what_is_missing_to_the_middle() -> None:
    edge = math.degrees(math.atan(math.tan(math.radians(20)) * 2 / 3))
    assert score(still(2), resting(10, 0), ASPECT).framing_error_deg == 0
    assert score(still(2), resting(25, 0), ASPECT).framing_error_deg == pytest.approx(25 - edge)


def test_only_players_near_the_ball_count_and_no_referee() -> None:
    """Within 15 m: one at the ball, one 10 m off and 40 degrees aside, outside the picture."""
    found = score(still(2), resting(0, 0), ASPECT)
    assert found.near_in_frame == pytest.approx(0.5)
    assert score(still(2, View(0, 0, 100)), resting(0, 0), ASPECT).near_in_frame == 1
    assert score(still(2), resting(0, 0), ASPECT, near_m=5).near_in_frame == 1
    assert score(still(2), resting(0, 0), ASPECT, near_m=50).near_in_frame == pytest.approx(1 / 3)


def test_shares_are_of_the_time_in_play() -> None:
    """The ball is away for a second of three, of which half is out of play."""
    ball = np.zeros((90, 2))
    ball[30:60, 0] = 40
    playing = np.ones(90, np.bool_)
    playing[45:60] = False
    found = score(still(3), course_of(ball, playing), ASPECT)
    assert found.in_play_s == pytest.approx(2.5)
    assert found.ball_in_frame == pytest.approx(2 / 2.5)
    assert found.longest_loss_s == pytest.approx(0.5)


def test_without_play_there_is_nothing_to_see_but_the_camera_still_moves() -> None:
    found = score(
        panned(np.linspace(0, 20, 60)), course_of(np.zeros((60, 2)), np.zeros(60, np.bool_)), ASPECT
    )
    assert math.isnan(found.ball_in_frame)
    assert math.isnan(found.near_in_frame)
    assert found.at_rest == 0


@pytest.mark.parametrize("fps", [25, 30, 50, 60])
def test_jerk_is_the_third_derivative_at_any_frame_rate(fps: int) -> None:
    """A cubic has the same jerk everywhere; a parabola has none."""
    times = np.arange(4 * fps) / fps
    course = course_of(np.zeros((4 * fps, 2)), fps=fps)
    found = score(panned(2.0 * times**3, fps), course, ASPECT)
    assert found.pan_jerk == pytest.approx(12, rel=1e-6)
    assert found.tilt_jerk == found.zoom_jerk == 0
    assert found.jerk == pytest.approx(12, rel=1e-6)
    assert score(panned(3.0 * times**2, fps), course, ASPECT).jerk == pytest.approx(0, abs=1e-6)


def test_jerk_is_exact_at_uneven_times() -> None:
    """A live camera's frames do not come at even times: differences that take them for even see a shake there."""
    times = np.arange(120) / FPS + np.random.default_rng(1).uniform(-0.004, 0.004, 120)
    times[0], times[-1] = 0, 119 / FPS
    path = CameraPath(times, np.column_stack([times**3, np.zeros(120), np.full(120, 40.0)]))
    assert score(path, course_of(np.zeros((120, 2))), ASPECT).pan_jerk == pytest.approx(6, rel=1e-6)


def test_a_hole_in_the_film_is_no_jerk() -> None:
    """Frames that were lost, and a camera elsewhere after them."""
    whole = panned(np.r_[np.zeros(60), np.full(60, 30.0)])
    holed = CameraPath(
        np.delete(whole.times_s, slice(50, 70)), np.delete(whole.angles_deg, slice(50, 70), axis=0)
    )
    course = course_of(np.zeros((120, 2)))
    assert score(holed, course, ASPECT).jerk == 0
    assert score(holed, course, ASPECT).at_rest == 1
    assert score(whole, course, ASPECT).jerk > 100


def test_a_shake_of_a_hundredth_of_a_degree_shows() -> None:
    shaking = 0.01 * np.where(np.arange(120) % 2, 1.0, -1.0)
    assert score(panned(shaking), course_of(np.zeros((120, 2))), ASPECT).pan_jerk > 10


def test_time_at_rest() -> None:
    """Still for two seconds, then on at 2 degrees a second; what is slower than half a degree a second rests."""
    yaw = np.r_[np.zeros(60), np.arange(1, 61) * 2 / FPS]
    assert score(panned(yaw), course_of(np.zeros((120, 2))), ASPECT).at_rest == pytest.approx(0.5, abs=0.03)
    assert score(panned(np.arange(120) * 0.4 / FPS), course_of(np.zeros((120, 2))), ASPECT).at_rest == 1


@pytest.mark.parametrize(
    ("course", "turns"),
    [([0, 5, 0], 1), ([0, 5, 4.2, 9], 0), ([0, 5, 0, 5, 0], 3), ([0, 1, 2, 3], 0), ([0], 0), ([], 0),
     ([0, 0.5, 0, 0.5], 0), ([0, -3, -1.9, -6], 2)],
)  # fmt: skip
def test_reversals_are_of_a_degree_or_more(course: list[float], turns: int) -> None:
    assert reversals(np.array(course)) == turns


@given(st.lists(st.floats(-50, 50), max_size=60))
def test_reversals_are_the_same_mirrored(values: list[float]) -> None:
    assert reversals(np.array(values)) == reversals(-np.array(values))


def test_zoom_changes_are_counted_once_each() -> None:
    """Closer by 5 degrees, a rest, wider by 5, a rest, and a change of half a degree that nobody counts."""
    one = np.linspace(0, -5, 60)
    fov = 40 + np.r_[np.zeros(30), one, np.full(60, -5.0), one[::-1], np.zeros(60), np.linspace(0, 0.5, 15)]
    angles = np.column_stack([np.zeros((len(fov), 2)), fov])
    path = CameraPath(np.arange(len(fov)) / FPS, angles)
    found = score(path, course_of(np.zeros((len(fov), 2))), ASPECT)
    assert found.zooms_per_min == pytest.approx(2 / (len(fov) / FPS / 60))
    assert found.mean_fov_deg == pytest.approx(fov.mean())


def test_only_what_both_cover_is_judged() -> None:
    path = still(10)
    course = resting(0, 0, 4)
    assert score(path, course, ASPECT).seconds == pytest.approx(4)
    late = CameraPath(path.times_s + 3.5, path.angles_deg)
    with pytest.raises(ValueError, match="less than a second in common"):
        score(late, course, ASPECT)


def test_nonsense_is_refused() -> None:
    with pytest.raises(ValueError, match="aspect"):
        score(still(2), resting(0, 0), 0.0)
    with pytest.raises(ValueError, match="ascend"):
        CameraPath(np.array([0.0, 0.0]), np.tile([0.0, 0.0, 40.0], (2, 1)))
    with pytest.raises(ValueError, match="views"):
        CameraPath(np.array([0.0]), np.array([[0.0, 0.0, 170.0]]))
    with pytest.raises(ValueError, match="shape"):
        replace(resting(0, 0), ball_m=np.zeros((3, 2)))
