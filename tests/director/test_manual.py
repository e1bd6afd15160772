"""The manual hand: taken and given back without a jump, within what the head can do."""

from __future__ import annotations

import math
import threading

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from director.plays import FPS, LIMITS, SECOND, angles, times
from touchline.director import FixedDirector, ManualHand, Style
from touchline.geometry import View

STYLE = Style()
FRAME = SECOND // FPS


class Swinging:
    """A director who pans to and fro."""

    def __init__(self) -> None:
        self.asked: list[int] = []

    def view(self, pts_ns: int) -> View:
        self.asked.append(pts_ns)
        return self.at(pts_ns)

    @staticmethod
    def at(pts_ns: int) -> View:
        return LIMITS.clamp(View(25 * math.sin(pts_ns / SECOND / 1.6), -10.0, 40.0))


def smooth(views: list[View]) -> None:
    speed = np.diff(angles(views), axis=0) * FPS
    assert (np.abs(speed).max(axis=0) <= np.array(STYLE.speeds) * 1.02 + 0.2).all()
    assert (np.abs(np.diff(speed, axis=0)).max(axis=0) * FPS <= np.array(STYLE.pushes) * 1.1 + 1).all()


def test_untouched_it_is_the_director() -> None:
    hand = ManualHand(Swinging(), LIMITS, STYLE)
    assert [hand.view(pts) for pts in times(3)] == [Swinging.at(pts) for pts in times(3)]
    assert hand.state.mode == "director"
    assert hand.state.wanted is None


def test_taken_it_goes_there_and_released_it_comes_back_to_a_director_who_has_gone_on() -> None:
    director = Swinging()
    hand = ManualHand(director, LIMITS, STYLE)
    views = []
    for pts in times(16):
        if pts == 2 * SECOND:
            hand.take(-50, -12, 30)
        if pts == 8 * SECOND:
            assert hand.state.mode == "hand"
            hand.release()
        views.append(hand.view(pts))
    smooth(views)
    assert angles(views)[7 * FPS] == pytest.approx([-50, -12, 30], abs=0.2)
    assert hand.state.mode == "director"
    assert views[-FPS:] == [Swinging.at(pts) for pts in times(16)[-FPS:]]  # to the last bit
    assert director.asked == times(16)  # he has always known where the play is


def test_a_nudge_starts_from_what_is_shown_and_nudges_add_up() -> None:
    hand = ManualHand(FixedDirector(View(10, -10, 40), LIMITS), LIMITS, STYLE)
    hand.view(0)
    assert hand.nudge(yaw_deg=3) == View(13, -10, 40)
    assert hand.nudge(yaw_deg=3, fov_deg=-5) == View(16, -10, 35)
    assert hand.take(pitch_deg=-12) == View(16, -12, 35)
    views = [hand.view(pts) for pts in times(5)[1:]]
    assert angles(views)[-1] == pytest.approx([16, -12, 35], abs=0.1)
    smooth(views)


def test_what_lies_outside_the_panorama_is_wanted_as_near_as_it_can_be() -> None:
    hand = ManualHand(FixedDirector(View(0, -10, 40), LIMITS), LIMITS, STYLE)
    wanted = hand.take(170, 60, 50)
    assert wanted == LIMITS.clamp(View(170, 60, 50))
    assert hand.view(0) == wanted  # nothing has been shown before: there is nothing to travel from
    with pytest.raises(ValueError, match="field of view"):
        hand.take(fov_deg=0.0)
    assert hand.state.wanted == wanted


def test_releasing_what_is_not_held_changes_nothing() -> None:
    hand = ManualHand(Swinging(), LIMITS, STYLE)
    hand.release()
    assert hand.view(0) == Swinging.at(0)
    assert hand.state.mode == "director"


def test_after_a_gap_it_is_there() -> None:
    hand = ManualHand(Swinging(), LIMITS, STYLE)
    hand.view(0)
    hand.take(-50, -12, 30)
    hand.view(FRAME)
    assert hand.view(20 * SECOND) == View(-50, -12, 30)
    hand.release()
    assert hand.view(40 * SECOND) == Swinging.at(40 * SECOND)
    assert hand.state.mode == "director"


def test_it_is_held_from_another_thread_while_frames_are_made() -> None:
    hand = ManualHand(Swinging(), LIMITS, STYLE)
    stop = threading.Event()

    def play_about() -> None:
        rng = np.random.default_rng(1)
        while not stop.is_set():
            hand.nudge(*(float(a) for a in rng.normal(0, 3, 3)))
            hand.release()

    other = threading.Thread(target=play_about)
    other.start()
    try:
        views = [hand.view(pts) for pts in times(20)]
    finally:
        stop.set()
        other.join()
    assert all(LIMITS.contains(view) for view in views)
    smooth(views)


class Handling(RuleBasedStateMachine):
    """Whatever is done with the hand and whenever, nothing jumps and nothing outside is shown."""

    def __init__(self) -> None:
        super().__init__()
        self.hand = ManualHand(Swinging(), LIMITS, STYLE)
        self.views: list[View] = []

    @rule(yaw=st.floats(-60, 60), pitch=st.floats(-20, 0), fov=st.floats(15, 60))
    def take(self, yaw: float, pitch: float, fov: float) -> None:
        self.hand.take(yaw, pitch, fov)

    @precondition(lambda self: self.views)
    @rule(yaw=st.floats(-5, 5))
    def nudge(self, yaw: float) -> None:
        self.hand.nudge(yaw_deg=yaw)

    @rule()
    def release(self) -> None:
        self.hand.release()

    @rule(frames=st.integers(1, 90))
    def show(self, frames: int) -> None:
        for _ in range(frames):
            self.views.append(self.hand.view(len(self.views) * FRAME))

    @invariant()
    def nothing_jumps(self) -> None:
        assert all(LIMITS.contains(view) for view in self.views[-90:])
        if len(self.views) > 2:
            speed = np.abs(np.diff(angles(self.views), axis=0)).max(axis=0) * FPS
            assert (speed <= np.array(STYLE.speeds) * 1.02 + 2).all()

    @invariant()
    def it_knows_who_holds_it(self) -> None:
        state = self.hand.state
        assert (state.mode == "hand") == (state.wanted is not None)
        assert state.shown == (self.views[-1] if self.views else None)


TestHandling = Handling.TestCase
TestHandling.settings = settings(max_examples=20, stateful_step_count=15, deadline=None)
