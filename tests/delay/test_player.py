"""The player on the delayed timeline: every frame once, in order, on time, through a real clocksync."""

from __future__ import annotations

import threading
from fractions import Fraction

import numpy as np
import pytest

from touchline.delay.cues import Cue
from touchline.delay.meter import DelayMeter
from touchline.delay.player import Player
from touchline.delay.states import State
from touchline.delay.store import FrameStore
from touchline.delay.timeline import FastTimeline, LiveTimeline
from touchline.errors import TouchlineError
from touchline.gst.caps import VideoCaps
from touchline.gst.elements import make
from touchline.gst.library import MILLISECOND, SECOND, Gst
from touchline.gst.mapping import read_nv12, write_nv12
from touchline.gst.pipelines import Pipeline, system_clock
from touchline.gst.pools import FramePool
from touchline.gst.probes import PassageProbe

CAPS = VideoCaps(64, 48, Fraction(30))


class Rig:
    """A pool, a store, and a programme that reads the numbers back behind its clocksync."""

    def __init__(self, delay_s: float, frames: int = 200, sync: bool = True) -> None:
        self.delay_ns = round(delay_s * SECOND)
        self.pool = FramePool(CAPS, frames)
        self.pool.start()
        self.store = FrameStore(frames, self.pool.frame_bytes)
        self.seen: list[tuple[int, int]] = []
        self.pipeline = Pipeline("programme")
        self.source = make("appsrc", caps=CAPS.to_gst(), format="time", is_live=True, max_bytes=0)
        clocksync = make("clocksync", sync=sync)
        sink = make("appsink", sync=False, emit_signals=True)
        sink.connect("new-sample", self._read)
        self.pipeline.add(self.source, clocksync, sink)
        self.probe = PassageProbe(clocksync.get_static_pad("src"), system_clock())
        self.base = system_clock().get_time()
        self.pipeline.play(self.base + self.delay_ns)

    def _read(self, sink: object) -> object:
        sample = sink.emit("pull-sample")
        with read_nv12(sample.get_buffer(), self.pool.layout) as picture:
            self.seen.append((int(picture.y[0, 0]), sample.get_buffer().pts))
        return Gst.FlowReturn.OK

    def capture(self, number: int, pts: int) -> None:
        buffer = self.pool.acquire(wait=True)
        with write_nv12(buffer, self.pool.layout) as picture:
            picture.fill(number, 128, 128)
        buffer.pts = pts
        self.store.append(buffer, pts)

    def capture_live(self, count: int) -> None:
        for number in range(count):
            pts = number * SECOND // 30
            left = self.base + pts - system_clock().get_time()
            if left > 0:
                threading.Event().wait(left / SECOND)
            self.capture(number, pts)
        self.store.end()

    def push(self, cue: Cue) -> None:
        self.source.emit("push-buffer", cue.frame.buffer)

    def close(self) -> None:
        self.store.close()
        self.pipeline.stop()
        self.pool.stop()


@pytest.fixture
def rig():
    made: list[Rig] = []

    def make_rig(*args, **kwargs) -> Rig:
        made.append(Rig(*args, **kwargs))
        return made[-1]

    yield make_rig
    for each in made:
        each.close()


def live(rig: Rig, lead_ms: int = 100) -> LiveTimeline:
    return LiveTimeline(system_clock(), rig.base, lead_ms * MILLISECOND)


def test_every_frame_leaves_once_in_order_one_delay_after_its_capture(rig) -> None:
    r = rig(0.7)
    states: list[State] = []
    player = Player(
        r.store, live(r), r.push, delay_ns=r.delay_ns, on_change=lambda _, state: states.append(state)
    )
    player.start()
    r.capture_live(45)
    assert player.wait(10)
    r.source.emit("end-of-stream")
    assert r.pipeline.wait_eos(10)
    assert r.seen == [(n, n * SECOND // 30) for n in range(45)]
    meter = DelayMeter(r.base + r.delay_ns, CAPS.frame_ns, 0.7)
    meter.note(r.probe.read())
    assert (meter.shown, meter.repeated, meter.out_of_order) == (45, 0, 0)
    # Never early, and the median is far below a frame even on a busy machine.
    assert (meter.errors.percentile(50)) < 0.01
    assert meter.first_pts == 0
    assert states == [State.FILLING, State.PLAYING, State.DRAINING, State.DONE]
    assert player.played == 45
    assert player.dropped.total == 0


def test_a_player_that_shows_more_slowly_than_frames_are_due_says_that_it_is_hurried(rig) -> None:
    r = rig(0.5, sync=False)
    slow = threading.Event()

    def show(cue: Cue) -> None:
        if slow.is_set():
            threading.Event().wait(0.05)

    player = Player(r.store, live(r, 300), show, delay_ns=r.delay_ns, frame_ns=CAPS.frame_ns, patience_s=10)
    assert not player.hurried, "nothing is shown yet"
    told = []
    for number in range(90):
        pts = number * SECOND // 30
        left = r.base + pts - system_clock().get_time()
        threading.Event().wait(max(0, left) / SECOND)
        r.capture(number, pts)
        if number == 0:
            player.start()
        if number == 25:
            told.append(player.hurried)
            slow.set()
        if number == 50:
            told.append(player.hurried)
            slow.clear()
    told.append(player.hurried)
    assert player.state is State.PLAYING, "or it would say nothing"
    r.store.end()
    assert player.wait(10)
    assert told == [False, True, False]


def test_the_end_is_drained_in_real_time(rig) -> None:
    """The earlier attempt dropped the last seven seconds; squeezing them out at once would be no better."""
    r = rig(0.5)
    player = Player(r.store, live(r), r.push, delay_ns=r.delay_ns)
    player.start()
    r.capture_live(10)
    ended = system_clock().get_time()
    assert player.wait(10)
    r.source.emit("end-of-stream")
    assert r.pipeline.wait_eos(10)
    times = r.probe.read()[:, 1]
    assert len(times) == 10
    assert (times[-1] - ended) / SECOND > 0.3
    assert (np.diff(times) > 0.5 * CAPS.frame_ns).sum() >= 8


def test_fast_pace_plays_when_the_window_is_full(rig) -> None:
    r = rig(1.0, sync=False)
    ahead: list[int] = []

    def show(cue: Cue) -> None:
        ahead.append((r.store.newest_pts or 0) - cue.pts)
        r.push(cue)

    played = Player(r.store, FastTimeline(r.store, 100), show, delay_ns=r.delay_ns)
    played.start()
    for number in range(90):
        r.capture(number, number * SECOND // 30)
    r.store.end()
    assert played.wait(10)
    r.source.emit("end-of-stream")
    assert r.pipeline.wait_eos(10)
    assert [n for n, _ in r.seen] == list(range(90))
    assert min(ahead[:59]) >= SECOND, "shown only when the capture is one delay ahead"


def test_what_is_hopelessly_late_is_dropped_and_counted(rig) -> None:
    r = rig(0.2)
    r.base -= 10 * SECOND
    player = Player(r.store, live(r), r.push, delay_ns=r.delay_ns)
    for number in range(5):
        r.capture(number, number * SECOND // 30)
    r.store.end()
    player.start()
    assert player.wait(5)
    assert player.dropped.as_dict() == {"late": 4}
    assert player.played == 1, "the newest frame is shown rather than nothing"
    assert player.state is State.DONE


def test_stop_lets_go_of_the_frames_that_wait(rig) -> None:
    r = rig(60)
    player = Player(r.store, live(r), r.push, delay_ns=r.delay_ns)
    player.start()
    for number in range(20):
        r.capture(number, number * SECOND // 30)
    player.stop()
    assert player.state is State.STOPPED
    assert r.seen == []
    r.store.close()
    assert r.pool.stats().free == 200


def test_an_error_while_showing_ends_the_player_and_is_told(rig) -> None:
    r = rig(0)
    errors: list[Exception] = []

    def fail(_cue: Cue) -> None:
        raise TouchlineError("no screen")

    player = Player(r.store, live(r), fail, delay_ns=r.delay_ns, on_failed=errors.append)
    player.start()
    r.capture(0, 0)
    assert player.wait(5)
    assert player.state is State.FAILED
    assert [str(e) for e in errors] == ["no screen"]


def test_footage_that_is_faster_than_it_says_does_not_stop_for_ever(rig) -> None:
    """The player waited for a frame one delay ahead, the pool for a frame that the player would let go."""
    r = rig(1.0, frames=20, sync=False)
    player = Player(r.store, FastTimeline(r.store, 16), r.push, delay_ns=r.delay_ns)
    player.start()
    for number in range(100):
        r.capture(number, number * SECOND // 60)
    r.store.end()
    assert player.wait(10)
    assert player.played == 100


def test_the_end_may_come_at_any_moment(rig) -> None:
    """It came between two questions, and the player went from filling to done, which it may not."""
    for _ in range(30):
        r = rig(0)
        player = Player(r.store, live(r), lambda _: None, delay_ns=0)
        player.start()
        r.capture(1, 0)
        r.store.end()
        assert player.wait(5)
        assert player.state is State.DONE
        player.stop()


def test_what_waits_at_a_stop_is_counted(rig) -> None:
    r = rig(60)
    player = Player(r.store, live(r), r.push, delay_ns=r.delay_ns)
    player.start()
    for number in range(7):
        r.capture(number, number * SECOND // 30)
    player.stop()
    player.stop()
    assert player.dropped.as_dict() == {"stopped": 7}
