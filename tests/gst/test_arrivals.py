"""What arrives on a pad through machine code: every buffer, in order, whatever Python does meanwhile."""

from __future__ import annotations

import ctypes
import gc
import threading
import time
import weakref

import pytest

from counted import Frames
from touchline.gst.arrivals import Arrivals
from touchline.gst.elements import make
from touchline.gst.library import SECOND, Gst
from touchline.gst.pipelines import Pipeline

OK, FLUSHING, ERROR = Gst.FlowReturn.OK, Gst.FlowReturn.FLUSHING, Gst.FlowReturn.ERROR


class Taker(Gst.Element):
    """An element with a sink pad."""

    __gtype_name__ = "TouchlineTestTaker"

    def __init__(self) -> None:
        super().__init__()
        pad = Gst.Pad.new("sink", Gst.PadDirection.SINK)
        self.add_pad(pad)
        Gst.Object.set_name(self, "taker")


class End:
    """Takes buffers as far as there is room, and notes what it takes and which thread brought it."""

    def __init__(self, room: int = 10**9) -> None:
        self.frames = Frames()
        self.element = Taker()
        self.pad = self.element.get_static_pad("sink")
        self.row: list[object] = []
        self.threads: list[threading.Thread] = []
        self.looks = 0
        self.more = threading.Condition()
        self.room = room
        self.arrivals = Arrivals(self.pad, self.take, idle=self.look)
        self.pad.set_event_function_full(self.event, None)

    def take(self, buffer: Gst.Buffer, arrived: int, behind: int, wait: bool) -> bool:
        assert abs(time.monotonic_ns() - arrived) < 5 * SECOND
        with self.more:
            while self.room <= 0:
                if not wait:
                    return False
                if self.arrivals.flow != OK:
                    return True
                self.more.wait(0.02)
            self.room -= 1
        self.row.append(self.frames.number(buffer) if buffer.get_size() else buffer.pts)
        self.threads.append(threading.current_thread())
        return True

    def look(self) -> None:
        self.looks += 1

    def event(self, _pad: Gst.Pad, _parent: object, event: Gst.Event) -> bool:
        self.arrivals.catch_up()
        if event.type == Gst.EventType.CUSTOM_DOWNSTREAM:
            self.row.append(event.get_structure().get_name())
        return True

    def give(self, room: int) -> None:
        with self.more:
            self.room += room
            self.more.notify_all()

    def begin(self) -> None:
        """As what is upstream would."""
        self.pad.set_active(True)
        for event in (
            Gst.Event.new_stream_start("s"),
            Gst.Event.new_caps(self.frames.caps),
            Gst.Event.new_segment(_segment()),
        ):
            self.pad.send_event(event)

    def push(self, number: int) -> Gst.FlowReturn:
        return self.pad.chain(self.frames.make(number, number * SECOND // 30))

    def wait(self, count: int, timeout_s: float = 10) -> None:
        until = time.monotonic() + timeout_s
        while len(self.row) < count and time.monotonic() < until:
            time.sleep(0.005)

    def stop(self) -> int:
        self.arrivals.flow = FLUSHING
        self.give(0)
        gone = self.arrivals.stop()
        self.pad.set_active(False)
        return gone


def _segment() -> Gst.Segment:
    segment = Gst.Segment()
    segment.init(Gst.Format.TIME)
    return segment


@pytest.fixture
def end():
    made = []

    def make_end(**options) -> End:
        made.append(End(**options))
        made[-1].begin()
        return made[-1]

    yield make_end
    for one in made:
        one.stop()
        assert one.frames.all_free
        one.frames.pool.stop()


def test_at_first_each_buffer_is_taken_in_the_thread_that_brings_it(end) -> None:
    one = end()
    for number in range(3):
        assert one.push(number) == OK
        assert one.row[-1] == number
    assert one.threads == [threading.current_thread()] * 3
    assert one.arrivals.received == 3
    assert one.frames.all_free  # nobody holds on to what was taken


def test_a_batch_is_taken_in_order_in_one_waking(end) -> None:
    one = end()
    one.arrivals.start()
    one.arrivals.batch(0.1, 60)
    time.sleep(0.02)
    looks = one.looks
    for number in range(30):
        assert one.push(number) == OK
    assert one.arrivals.received == 30
    assert one.arrivals.waiting == 30
    one.wait(30)
    assert one.row == list(range(30))
    assert one.looks - looks <= 2
    assert threading.current_thread() not in one.threads
    assert one.arrivals.waiting == 0
    assert one.frames.all_free


def test_events_and_buffers_keep_their_order(end) -> None:
    one = end()
    one.arrivals.start()
    one.arrivals.batch(5.0, 100)
    time.sleep(0.02)
    for number in range(20):
        one.push(number)
        if number % 5 == 4:
            one.pad.send_event(Gst.Event.new_custom(Gst.EventType.CUSTOM_DOWNSTREAM, Gst.Structure("goal")))
    fives = [[*range(first, first + 5), "goal"] for first in range(0, 20, 5)]
    assert one.row == [item for five in fives for item in five]


def test_back_to_each_at_once_in_order(end) -> None:
    one = end()
    one.arrivals.start()
    one.arrivals.batch(5.0, 100)
    time.sleep(0.02)
    for number in range(5):
        one.push(number)
    assert one.row == []
    one.arrivals.batch(0)
    one.push(5)
    assert one.row == [0, 1, 2, 3, 4, 5]


def test_a_flow_reaches_upstream_with_the_next_buffer(end) -> None:
    """And that buffer is let go of."""
    one = end()
    one.arrivals.start()
    one.arrivals.batch(5.0, 100)
    assert one.push(0) == OK
    for flow in (Gst.FlowReturn.EOS, Gst.FlowReturn.NOT_NEGOTIATED, ERROR):
        one.arrivals.flow = flow
        assert one.push(1) == flow
        one.arrivals.batch(0)
        assert one.push(2) == flow
        one.arrivals.batch(5.0, 100)
    assert one.arrivals.received <= 2
    one.arrivals.flow = OK
    assert one.push(3) == OK
    one.arrivals.catch_up()
    assert one.row == [0, 3]


def test_whoever_brings_too_many_waits_until_there_is_room(end) -> None:
    one = end(room=3)
    one.arrivals.start()
    one.arrivals.batch(0.05, 4)
    done: list[int] = []

    def produce() -> None:
        for number in range(20):
            assert one.push(number) == OK
            done.append(number)

    producer = threading.Thread(target=produce, daemon=True)
    producer.start()
    one.wait(3)
    producer.join(0.3)
    assert producer.is_alive()
    assert one.row == [0, 1, 2]
    assert len(done) == 7  # three were taken, four wait
    assert one.arrivals.waiting == 4
    began = time.monotonic()
    one.arrivals.catch_up(wait=False)  # whoever only wants to look does not have to wait
    assert time.monotonic() - began < 0.1
    one.give(100)
    producer.join(10)
    one.wait(20)
    assert one.row == list(range(20))


def test_whoever_waits_is_woken_by_the_end(end) -> None:
    one = end(room=0)
    one.arrivals.start()
    one.arrivals.batch(0.05, 2)
    flows: list[Gst.FlowReturn] = []
    producer = threading.Thread(
        target=lambda: flows.extend(one.push(number) for number in range(3)), daemon=True
    )
    producer.start()
    producer.join(0.2)
    assert producer.is_alive()
    gone = one.stop()
    producer.join(5)
    assert flows == [OK, OK, FLUSHING]
    assert gone <= 2
    assert one.row == []
    assert one.frames.all_free


def test_stopping_lets_go_of_what_waits(end) -> None:
    one = end()
    one.arrivals.start()
    one.arrivals.batch(5.0, 100)
    time.sleep(0.05)
    for number in range(10):
        one.push(number)
    assert not one.frames.all_free
    assert one.stop() == 10
    assert one.frames.all_free
    assert one.row == []
    one.arrivals.flow = OK
    one.begin()
    assert one.push(11) == OK  # it can go on
    assert one.row == [11]


def test_a_fast_pipeline_is_not_throttled() -> None:
    """A ring that is looked at four times a second would let 64 buffers a second through."""
    one = End()
    source = make("fakesrc", num_buffers=3000, format="time", do_timestamp=True)
    pipeline = Pipeline("fast")
    pipeline.add(source, one.element)
    one.arrivals.start()
    one.arrivals.batch(0.25, 16)
    began = time.monotonic()
    pipeline.play()
    one.wait(3000, 20)
    took = time.monotonic() - began
    pipeline.stop()
    one.stop()
    assert len(one.row) == 3000
    assert took < 5


def test_frames_come_in_while_python_is_locked() -> None:
    """A chain function in Python stood still with it."""
    one = End()
    source = make("videotestsrc", is_live=True, num_buffers=60)
    pipeline = Pipeline("locked")
    caps = make(
        "capsfilter", caps=Gst.Caps.from_string("video/x-raw,format=NV12,width=64,height=48,framerate=60/1")
    )
    pipeline.add(source, caps, one.element)
    one.frames.number = lambda buffer: buffer.pts * 60 // SECOND  # type: ignore[method-assign]
    one.arrivals.start()
    one.arrivals.batch(0.1, 64)
    pipeline.play()
    one.wait(5)
    before = one.arrivals.received
    ctypes.PyDLL(None).usleep(500_000)
    during = one.arrivals.received - before
    one.wait(60)
    pipeline.stop()
    one.stop()
    assert during >= 20
    assert len(one.row) == 60
    assert one.row == sorted(set(one.row))


def test_it_is_let_go_of_at_once() -> None:
    """What C refers to must not keep it in a circle that nobody can see."""
    frames, element = Frames(), Taker()
    pad = element.get_static_pad("sink")
    arrivals = Arrivals(pad, lambda *_: True)
    pad.set_active(True)
    pad.send_event(Gst.Event.new_stream_start("s"))
    pad.send_event(Gst.Event.new_caps(frames.caps))
    pad.send_event(Gst.Event.new_segment(_segment()))
    arrivals.start()
    for interval_s in (0.0, 5.0):
        arrivals.batch(interval_s, 8)
        assert pad.chain(frames.make(0, 0)) == OK
    arrivals.stop()
    pad.set_active(False)
    seen = weakref.ref(arrivals)
    del arrivals
    gc.collect()
    assert seen() is None
    assert frames.all_free
