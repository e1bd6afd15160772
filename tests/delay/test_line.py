"""The delay line by itself: what it plans, holds and gives out, on a clock of ours."""

from __future__ import annotations

import subprocess
import sys
import threading
from fractions import Fraction

import pytest

from counted import CAPS, NVMM, Frames
from touchline.delay.halting import HaltingTimeline
from touchline.delay.line import HOLDS, MARK, DelayLine, check_plan, plan_of
from touchline.errors import ConfigurationError, PlanError
from touchline.gst.caps import VideoCaps
from touchline.gst.library import SECOND, Gst

FRAME = SECOND // 30
DELAY = 10 * FRAME


class StillClock:
    """Shows what it is told."""

    def __init__(self) -> None:
        self.time = 0

    def get_time(self) -> int:
        return self.time


class Rig:
    def __init__(self, **options) -> None:
        self.frames = Frames()
        self.clock = StillClock()
        self.timeline = HaltingTimeline(0)
        self.timeline.run(self.clock, 0)
        self.shown: list[tuple[object, int]] = []
        self.troubles: list[Exception] = []
        caps = self.frames.caps
        self.plan = plan_of(caps, self.frames.make(0, 0), DELAY / SECOND, 0)
        self.line = DelayLine(
            self.plan,
            caps,
            self.timeline,
            self._show,
            **{"delay_ns": DELAY, "on_trouble": self.troubles.append, "exact": True} | options,
        )

    def _show(self, frame) -> None:
        mark = frame.caps is MARK
        self.shown.append(("mark" if mark else self.frames.number(frame.buffer), frame.pts))
        if mark:
            self.line.passed(1)

    def take(self, number: int) -> bool:
        return self.line.take(self.frames.make(number, number * FRAME), number * FRAME, self.frames.caps)

    def until(self, time: int, count: int) -> None:
        """Lets time go to ``time``, and waits until so much has been shown."""
        self.clock.time = time
        for _ in range(500):
            if len(self.shown) >= count:
                break
            threading.Event().wait(0.01)

    def close(self) -> None:
        self.line.stop()
        self.frames.pool.stop()


@pytest.fixture
def rig():
    made = []

    def make(**options) -> Rig:
        made.append(Rig(**options))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.mark.parametrize("hold", [hold for hold in HOLDS if hold != "encoded"])
def test_frames_and_marks_come_out_in_their_order_one_delay_later(rig, hold) -> None:
    one = rig(hold=hold)
    one.line.play()
    for number in range(8):
        assert one.take(number)
        if number == 3:
            assert one.line.mark(number * FRAME + 1)
    assert (one.line.held_frames, one.line.marks) == (8, 1)
    assert one.line.held_bytes == 8 * one.frames.pool.frame_bytes
    assert one.line.span_ns == 7 * FRAME
    one.until(DELAY + 4 * FRAME - 1, 5)
    expected = [(number, number * FRAME) for number in range(8)]
    expected.insert(4, ("mark", 3 * FRAME + 1))
    assert one.shown == expected[:5]
    one.until(DELAY + 7 * FRAME, 9)
    assert one.shown == expected
    assert (one.line.held_frames, one.line.marks, one.line.dropped) == (0, 0, {})
    assert one.line.copies == (8 if hold == "copy" else 0)


def test_it_has_room_for_its_plan_and_no_more(rig) -> None:
    one = rig()
    taken = 0
    while one.line.has_room(taken * FRAME):
        assert one.take(taken)
        taken += 1
    assert taken == one.plan.frames == 10 + 3 + 4
    assert one.line.mark(taken * FRAME)  # what is no frame takes no frame's room
    assert one.line.peak_frames == taken + 1


def test_what_is_cleared_is_not_shown(rig) -> None:
    one = rig()
    one.line.play()
    for number in range(5):
        one.take(number)
    assert one.line.clear() == 5
    assert one.line.held_frames == 0
    one.take(5)
    one.until(DELAY + 5 * FRAME, 1)
    assert one.shown == [(5, 5 * FRAME)]


def test_the_end_is_told_when_the_last_frame_has_left(rig) -> None:
    done = threading.Event()
    one = rig(on_done=done.set)
    one.line.play()
    one.take(0)
    one.line.end()
    assert not done.wait(0.1)
    one.until(DELAY, 1)
    assert done.wait(5)
    assert one.shown == [(0, 0)]


def test_while_time_stands_still_nothing_is_shown(rig) -> None:
    one = rig()
    one.timeline.halt()
    one.line.play()
    one.take(0)
    one.until(DELAY + SECOND, 0)
    threading.Event().wait(0.1)
    assert one.shown == []
    one.timeline.run(one.clock, SECOND + 1)
    threading.Event().wait(0.1)
    assert one.shown == []
    one.clock.time += 1
    one.until(one.clock.time, 1)
    assert one.shown == [(0, 0)]


@pytest.mark.parametrize("hold", ["reference", "copy", "auto", "encoded"])
def test_stopping_gives_every_frame_back(rig, hold) -> None:
    one = rig(hold=hold)
    one.line.play()
    for number in range(3):
        one.take(number)
    one.line.stop()
    one.line.stop()
    assert one.frames.all_free
    assert hold == "encoded" or one.line.dropped == {"stopped": 3}


def test_a_way_to_hold_that_nobody_knows_is_refused(rig) -> None:
    with pytest.raises(ConfigurationError, match="known are reference"):
        rig(hold="perhaps")


def test_only_nv12_in_plain_memory_can_be_encoded() -> None:
    caps = Gst.Caps.from_string(NVMM)
    plan = plan_of(caps, Gst.Buffer.new(), 1.0, 0.0)
    with pytest.raises(ConfigurationError, match="only NV12 in plain memory"):
        DelayLine(plan, caps, HaltingTimeline(0), print, delay_ns=SECOND, hold="encoded", on_trouble=print)


def test_a_plan_counts_pixels_whatever_the_buffer_says() -> None:
    """A buffer in NVMM memory has 64 bytes, and its pixels three million."""
    plan = plan_of(Gst.Caps.from_string(NVMM), Gst.Buffer.new_wrapped(bytes(64)), 7.0, 0.15, 30)
    assert plan.frame_bytes == 1920 * 1080 * 3 // 2
    assert (plan.window_frames, plan.in_flight, plan.fps) == (210, 8, 30)
    faster = plan_of(VideoCaps(64, 48, Fraction(60)).to_gst(), Gst.Buffer.new(), 1.0, 0.0, 30)
    assert faster.window_frames == 60
    unknown = plan_of(VideoCaps(64, 48, Fraction(0)).to_gst(), Gst.Buffer.new(), 1.0, 0.0)
    assert unknown.fps == 60


def test_a_plan_of_sound_goes_by_the_first_chunk() -> None:
    caps = Gst.Caps.from_string("audio/x-raw,format=S16LE,rate=48000,channels=2,layout=interleaved")
    chunk = Gst.Buffer.new_wrapped(bytes(1920))
    chunk.duration = SECOND // 100
    plan = plan_of(caps, chunk, 7.0, 0.0)
    assert (plan.window_frames, plan.frame_bytes, plan.format) == (700, 1920, "audio/x-raw")


def test_a_plan_that_does_not_fit_says_what_would() -> None:
    plan = plan_of(CAPS.to_gst(), Gst.Buffer.new(), 1.0, 0.0)
    check_plan(plan, 0, plan.total_bytes)
    with pytest.raises(PlanError, match=r"memory-limit.*0\.5 s"):
        check_plan(plan, plan.total_bytes - 15 * plan.frame_bytes, 10**12)


def test_the_package_itself_stays_light() -> None:
    code = "import sys, touchline; touchline.__version__; sys.exit('gi' in sys.modules or 'numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
