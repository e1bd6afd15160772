"""The whole way of a frame into the store, from producers good and bad; proven by the numbers in the pictures."""

from __future__ import annotations

import ctypes
import gc
import threading
import time
import weakref
from collections.abc import Callable
from typing import Any

import pytest

from footage import number_of, paint, pts_of
from producers import SMALL, HostileProducer, PooledProducer, Producer, feeding
from touchline.delay.audit import Audit, Fault, Verdict
from touchline.delay.intake import Intake
from touchline.delay.keepers import CarefulKeeper, CopyKeeper, ReferenceKeeper, same_picture
from touchline.delay.store import FrameStore
from touchline.delay.timeguard import TimeGuard
from touchline.errors import InputError, PlanError
from touchline.gst.caps import PlaneLayout
from touchline.gst.domains import NvmmDomain, SystemDomain
from touchline.gst.elements import make
from touchline.gst.library import NONE, Gst
from touchline.gst.mapping import read_nv12, write_nv12
from touchline.gst.pipelines import Pipeline
from touchline.gst.pools import FramePool, PoolStats

LAYOUT = PlaneLayout.from_caps(SMALL.to_gst())
FRAME = SMALL.frame_ns


def number_in(buffer: Any) -> int:
    with read_nv12(buffer, LAYOUT) as picture:
        return number_of(picture.y)


class Delay:
    """An intake, its store, and a viewer that sees each frame a window later, as a player would."""

    def __init__(
        self, hold: str, window: int, *, fit: bool = True, patience_s: float = 2.0, **options: Any
    ) -> None:
        room = 8
        self.window = window
        self.fit = fit
        self.store = FrameStore(window + room)
        self.pool = FramePool(SMALL, window + room + 4)
        self.seen: list[int] = []
        self.troubles: list[Exception] = []
        self.notices: list[Fault] = []
        self.made = 0
        keepers: dict[str, Callable[[], Any]] = {
            "reference": ReferenceKeeper,
            "copy": lambda: CopyKeeper(self.make_pool()),
            "auto": lambda: CarefulKeeper(self.make_pool, same=same_picture(LAYOUT)),
        }
        self.keeper = keepers[hold]()
        self.audit = Audit(self.store, window, "panorama", frame_ns=FRAME, patience_s=patience_s)
        self.trouble = threading.Event()
        self.intake = Intake(
            self.store,
            self.keeper,
            TimeGuard(),
            SystemDomain(),
            audit=self.audit,
            on_trouble=self._fail,
            on_notice=lambda verdict: self.notices.append(verdict.fault),
            window_frames=window,
            wait=True,
            **options,
        )
        self.reader = self.store.reader("viewer")
        self.thread = threading.Thread(target=self._view, daemon=True)

    def make_pool(self) -> FramePool:
        if not self.fit:
            raise PlanError("the copies do not fit: 9 GB, and 1 GB are free")
        self.made += 1
        self.pool.start()
        return self.pool

    def take(self, buffer: Any, caps: Any) -> None:
        self.intake.take(buffer, buffer.pts, buffer.duration, None, caps)

    def run(self, producer: Producer, until: Callable[[], bool] | None = None) -> Delay:
        """Runs a producer to its end, or to trouble."""
        pipeline = feeding(producer, self.take, self.intake.end)
        self.intake.start()
        self.thread.start()
        pipeline.play()
        self.thread.join(20)
        alive = self.thread.is_alive()
        self.intake.stop()
        self.pool.flush()
        pipeline.stop()
        self.store.close()
        self.thread.join(5)
        assert not alive, f"stuck after {len(self.seen)} frames"
        return self

    def _fail(self, error: Exception) -> None:
        self.troubles.append(error)
        self.trouble.set()

    def _view(self) -> None:
        while not self.reader.at_end and not self.trouble.is_set():
            pts = self.reader.wait(0.05)
            if pts is None:
                continue
            while not self.store.wait_beyond(pts + self.window * FRAME, 0.05):
                if self.trouble.is_set():
                    return
            frame = self.reader.take()
            if frame is not None:
                try:
                    self.seen.append(number_in(frame.buffer))
                except AssertionError:  # half of one frame, half of another
                    self.seen.append(-1)


def test_an_honest_producer_passes_untouched_and_uncopied() -> None:
    delay = Delay("auto", 30).run(Producer(100))
    assert delay.seen == list(range(100))
    assert delay.troubles == delay.notices == []
    assert (delay.intake.taken, delay.keeper.copies, delay.made) == (100, 0, 0)
    assert delay.intake.dropped.as_dict() == {}


def test_without_the_audit_the_hostile_producer_shows_wrong_pictures() -> None:
    """The fault that all this is for: references to eight surfaces, and no delay at all."""
    delay = Delay("reference", 20)
    delay.intake._audit = None
    delay.run(HostileProducer(60))
    assert delay.seen != list(range(60))


def test_held_strictly_a_hostile_producer_is_one_clear_error() -> None:
    delay = Delay("reference", 20)
    delay.run(HostileProducer(60))
    assert [type(error) for error in delay.troubles] == [InputError]
    line = str(delay.troubles[0])
    assert line.startswith("panorama: its memory came round after 8 frames while 20 are to be held")
    assert "--hold copy" in line
    assert "output-buffers=24" in line
    assert delay.intake.taken == 8, "found when the first memory came again"
    assert delay.seen == [], "what had been written over is not shown"
    assert delay.intake.dropped.as_dict() == {"refused": 52, "reused": 8}


def test_a_hostile_producer_costs_the_one_frame_that_was_overwritten() -> None:
    delay = Delay("auto", 20).run(HostileProducer(80))
    assert delay.seen == list(range(1, 80)), "every other frame once, in order"
    assert delay.troubles == []
    assert delay.notices == [Fault.REUSED]
    assert delay.intake.dropped.as_dict() == {"reused": 1}
    assert delay.keeper.copies == 79
    assert delay.made == 1


@pytest.mark.parametrize("ahead", [1, 3])
def test_a_hostile_producer_that_runs_ahead_shows_no_wrong_picture_either(ahead: int) -> None:
    """Behind a queue it had written over more frames than the one whose memory came round first."""
    delay = Delay("auto", 20).run(HostileProducer(80, ahead=ahead))
    assert delay.seen == list(range(1 + ahead, 80))
    assert delay.intake.dropped.as_dict() == {"reused": 1 + ahead}


def test_copies_from_the_start_survive_the_hostile_producer() -> None:
    delay = Delay("copy", 20).run(HostileProducer(80))
    assert delay.seen == list(range(80))
    assert delay.keeper.copies == 80
    assert delay.intake.dropped.as_dict() == {}
    assert delay.notices == delay.troubles == []


@pytest.mark.parametrize("hidden", [False, True])
def test_a_pool_of_forty_is_named_or_copied_out_of_without_a_loss(hidden: bool) -> None:
    delay = Delay("auto", 60, patience_s=0.2).run(PooledProducer(150, hidden=hidden))
    assert delay.seen == list(range(150))
    assert delay.notices == [Fault.SUSPECTED if hidden else Fault.STARVED]
    assert delay.intake.dropped.as_dict() == {}
    assert delay.troubles == []
    assert delay.keeper.copies == 150


def test_held_strictly_an_empty_pool_is_named_with_its_depth() -> None:
    delay = Delay("reference", 60).run(PooledProducer(150))
    assert [type(error) for error in delay.troubles] == [InputError]
    line = str(delay.troubles[0])
    assert "its pool of 40 buffers is empty: 40 of them are held, and 60 are to be" in line
    assert "a delay of at most 1.4 s" in line
    assert "output-buffers=64" in line


def test_copies_from_the_start_survive_the_pool_of_forty() -> None:
    delay = Delay("copy", 60).run(PooledProducer(150))
    assert delay.seen == list(range(150))
    assert delay.notices == delay.troubles == []


def test_a_pool_that_is_deep_enough_is_let_be() -> None:
    delay = Delay("auto", 20).run(PooledProducer(100, depth=40))
    assert delay.seen == list(range(100))
    assert delay.notices == []
    assert delay.keeper.copies == 0


def test_copies_that_do_not_fit_end_the_run_with_the_plan() -> None:
    delay = Delay("auto", 20, fit=False).run(HostileProducer(60))
    assert [str(error) for error in delay.troubles] == ["the copies do not fit: 9 GB, and 1 GB are free"]


def test_a_camera_that_merely_stops_is_no_fault() -> None:
    """Its window was full before: then it is not its pool that it waits for."""
    again = threading.Event()
    delay = Delay("reference", 10, patience_s=0.2)
    waited: list[bool] = []

    def pause(number: int) -> None:
        if number == 40:
            time.sleep(1.2)
            waited.append(not delay.troubles and not delay.notices)
            again.set()

    delay.run(Producer(60, before=pause))
    assert waited == [True]
    assert delay.seen == list(range(60))


def test_a_suspicion_ends_nothing() -> None:
    """A camera that stops while the window fills looks like an empty pool that can't be seen; it may come back."""
    delay = Delay("reference", 30, patience_s=0.2)

    def pause(number: int) -> None:
        if number == 12:
            deadline = time.monotonic() + 10
            while not delay.notices and time.monotonic() < deadline:
                time.sleep(0.02)

    delay.run(Producer(60, before=pause))
    assert delay.notices == [Fault.SUSPECTED]
    assert delay.troubles == []
    assert delay.seen == list(range(60))


def test_frames_that_a_videorate_repeats_are_no_fault() -> None:
    """Their memory comes again by right, and says so by the GAP flag."""
    delay = Delay("reference", 40)
    pipeline = Pipeline("rate")
    sink = make("appsink", sync=False, emit_signals=True, async_=False)
    done = threading.Event()

    def on_sample(appsink: Any) -> Any:
        sample = appsink.emit("pull-sample")
        delay.take(sample.get_buffer(), sample.get_caps())
        return Gst.FlowReturn.OK

    sink.connect("new-sample", on_sample)
    sink.connect("eos", lambda _: done.set())
    caps = "video/x-raw,format=NV12,width=128,height=64,framerate={}/1"
    pipeline.add(
        make("videotestsrc", num_buffers=10),
        make("capsfilter", caps=Gst.Caps.from_string(caps.format(10))),
        make("videorate"),
        make("capsfilter", caps=Gst.Caps.from_string(caps.format(30))),
        sink,
    )
    pipeline.play()
    assert done.wait(10)
    pipeline.stop()
    assert delay.troubles == []
    assert delay.audit.repeated >= 15
    assert delay.intake.taken == len(delay.store) >= 25
    delay.store.close()


class ByHand:
    """An intake that a test feeds itself; nobody reads unless it asks for it."""

    def __init__(self, keeper: Any = None, capacity: int = 16, **options: Any) -> None:
        self.store = FrameStore(capacity)
        self.now = 0.0
        self.verdicts: list[Fault] = []
        self.pool = FramePool(SMALL, 16)
        self.pool.start()
        self.reader = self.store.reader("r")
        self.troubles: list[Exception] = []
        self.caps: list[str] = []
        self.intake = Intake(
            self.store,
            keeper or ReferenceKeeper(),
            TimeGuard(FRAME),
            SystemDomain(),
            audit=Audit(self.store, 10, clock=lambda: self.now),
            on_trouble=self.troubles.append,
            on_notice=lambda verdict: self.verdicts.append(verdict.fault),
            on_caps=lambda caps: self.caps.append(caps.to_string()),
            **options,
        )

    def put(self, number: int, pts: int | None = None, caps: Any = None) -> bool:
        buffer = self.pool.acquire()
        with write_nv12(buffer, LAYOUT) as picture:
            paint(picture, number)
        return self.intake.take(buffer, pts_of(number, SMALL.fps) if pts is None else pts, FRAME, None, caps)

    def held(self) -> list[int]:
        return [number_in(frame.buffer) for frame in self.store.held()]


def test_late_frames_are_put_where_they_belong_and_everything_else_is_counted() -> None:
    hand = ByHand(capacity=6)
    for number in (0, 1, 4, 2, 4, 3):
        hand.put(number)
    assert hand.held() == [0, 1, 2, 3, 4]
    for _ in range(4):
        hand.reader.take()
    assert not hand.put(9, pts=3 * FRAME - 1), "everybody has passed its place"
    for number in range(5, 12):
        hand.put(number)
    hand.intake.end()
    assert not hand.put(12)
    assert hand.intake.dropped.as_dict() == {
        "after_end": 1,
        "repeated": 1,
        "store_full": 2,
        "too_late": 1,
    }
    assert hand.held() == [4, 5, 6, 7, 8, 9]
    assert hand.intake.taken == 10
    assert hand.troubles == []


def test_a_flush_begins_anew_at_any_time() -> None:
    hand = ByHand()
    for number in range(5):
        hand.put(100 + number)
    hand.intake.flush()
    assert hand.pool.stats().free == 16
    assert hand.put(7)
    assert hand.held() == [7]
    assert hand.store.newest_pts == 7 * FRAME
    frame = hand.reader.take()
    assert frame is not None
    assert number_in(frame.buffer) == 7
    hand.put(8)
    hand.intake.flush()
    hand.now += 99
    hand.intake.check()
    assert hand.verdicts == [], "what comes after a seek may take its time"
    hand.intake.end()
    hand.intake.flush()
    assert hand.put(1), "a flush takes back an end, as a seek does"
    hand.now += 99
    hand.intake.check()
    assert hand.verdicts == [Fault.SUSPECTED], "and the audit looks again"


def test_frames_without_a_timestamp_lie_in_a_row() -> None:
    hand = ByHand()
    for number in range(4):
        hand.put(number, pts=NONE)
    assert [frame.pts for frame in hand.store.held()] == [n * FRAME for n in range(4)]
    assert hand.held() == [0, 1, 2, 3]


def caps_of(size: tuple[int, int], more: str = "") -> Any:
    return Gst.Caps.from_string(
        f"video/x-raw,format=NV12,width={size[0]},height={size[1]},framerate=25/1{more}"
    )


def test_new_caps_travel_with_their_first_frame() -> None:
    """Of the same size they mean nothing to the memory; of another size they count in the books."""
    hand = ByHand(window_frames=10, limit_bytes=10 * 200 * 100 * 3 // 2)
    small, other, big = caps_of((128, 64)), caps_of((128, 64), ",colorimetry=bt601"), caps_of((200, 100))
    for number, caps in enumerate((small, small, other, other, big)):
        assert hand.put(number, caps=caps)
    found = [frame.caps for frame in hand.store.held()]
    assert [
        caps.is_equal(want) for caps, want in zip(found, (small, small, other, other, big), strict=True)
    ] == [True] * 5
    assert len(hand.caps) == 3
    assert hand.store.frame_bytes == 200 * 100 * 3 // 2
    assert not hand.put(5, caps=caps_of((400, 200)))
    assert [type(error) for error in hand.troubles] == [PlanError]
    assert "400x200 NV12: 10 frames of 0.12 MB" in str(hand.troubles[0])
    assert not hand.put(6), "nothing is taken after trouble"
    assert hand.intake.dropped.as_dict() == {"refused": 2}


def test_what_is_no_video_passes_too() -> None:
    """Sound and opaque streams have no bytes a frame; asking for them raised."""
    hand = ByHand(window_frames=10, limit_bytes=10)
    for text in ("audio/x-raw,format=S16LE,rate=48000,channels=2", "application/x-anything"):
        assert hand.put(len(hand.store), caps=Gst.Caps.from_string(text)), hand.troubles


def test_another_size_can_be_made_to_fit() -> None:
    made: list[Any] = []
    pool = FramePool(SMALL, 4)
    pool.start()

    def reformat(buffer: Any, caps: Any) -> Any:
        made.append(caps.to_string())
        return pool.acquire()

    hand = ByHand(reformat=reformat)
    hand.put(0, caps=caps_of((128, 64)))
    hand.put(1, caps=caps_of((200, 100)))
    hand.put(2, caps=caps_of((128, 64), ",colorimetry=bt601"))
    assert len(made) == 1
    assert "width=(int)200" in made[0]
    assert pool.stats().free == 3, "what it made is held"
    assert len(hand.caps) == 2, "the reformatted frame has the caps of the others"
    assert hand.store.held()[1].caps.is_equal(caps_of((128, 64)))


def test_copies_of_another_size_are_one_clear_error() -> None:
    pool = FramePool(SMALL, 4)
    pool.start()
    hand = ByHand(CopyKeeper(pool))
    assert hand.put(0, caps=caps_of((128, 64)))
    assert hand.put(1, caps=caps_of((128, 64), ",colorimetry=bt601"))
    assert not hand.put(2, caps=caps_of((200, 100)))
    assert [type(error) for error in hand.troubles] == [InputError]
    assert "from 128x64 NV12 to 200x100 NV12" in str(hand.troubles[0])


def test_an_empty_pool_is_counted_and_nothing_waits() -> None:
    pool = FramePool(SMALL, 3)
    pool.start()
    hand = ByHand(CopyKeeper(pool))
    for number in range(5):
        hand.put(number)
    assert hand.held() == [0, 1, 2]
    assert hand.intake.dropped.as_dict() == {"pool_empty": 2}
    assert hand.pool.stats() == PoolStats(16, 16), "the producer had everything back at once"


def test_whatever_goes_wrong_is_told_once_and_not_thrown() -> None:
    class Broken(ReferenceKeeper):
        def keep(self, buffer: Any, key: int) -> Any:
            raise RuntimeError("broken")

    hand = ByHand(Broken())
    assert not hand.put(0)
    assert not hand.put(1)
    assert [str(error) for error in hand.troubles] == ["broken"]
    assert hand.intake.dropped.as_dict() == {"refused": 2}


def test_copies_carry_time_and_flags_and_nothing_of_the_producer() -> None:
    pool, own = FramePool(SMALL, 2), FramePool(SMALL, 1)
    pool.start()
    own.start()
    keeper = CopyKeeper(pool)
    source = own.acquire()
    with write_nv12(source, LAYOUT) as picture:
        picture.fill(50, 60, 70)
    source.pts, source.duration = 5, 6
    source.set_flags(Gst.BufferFlags.DISCONT)
    copy = keeper.keep(source, 1)
    del source
    assert own.stats().free == 1
    assert (copy.pts, copy.duration) == (5, 6)
    assert copy.has_flags(Gst.BufferFlags.DISCONT)
    with read_nv12(copy, LAYOUT) as picture:
        assert (picture.y == 50).all()
        assert (picture.uv == [60, 70]).all()
    del copy
    assert pool.stats().free == 2


@pytest.mark.parametrize("hold", ["reference", "copy", "auto"])
def test_everything_is_let_go_of(hold: str) -> None:
    """Of a run that changed over half-way, too: neither the producer's memory nor ours stays behind."""
    delay = Delay(hold, 12)
    producer: Any = HostileProducer(40) if hold != "reference" else Producer(40)
    delay.run(producer)
    assert delay.seen[-1] == 39
    for memory in getattr(producer, "memories", []):
        assert ctypes.c_int.from_address(hash(memory) + 8).value == 1, "only the producer refers to it"
    assert delay.pool.stats() == (PoolStats(0, 0) if hold == "reference" else PoolStats(24, 24))
    intake, keeper, store = weakref.ref(delay.intake), weakref.ref(delay.keeper), weakref.ref(delay.store)
    del delay
    gc.collect()
    assert (intake(), keeper(), store()) == (None, None, None)


def test_a_frame_rescued_before_a_flush_is_not_looked_for_behind_it() -> None:
    """The same PTS may be held again then, of another frame, and be taken out for it."""
    pool = FramePool(SMALL, 16)
    pool.start()
    hand = ByHand(CarefulKeeper(lambda: pool, same=lambda *_: True))
    producer = HostileProducer(100, memories=4)
    for number in range(5):
        hand.intake.take(producer.make(number), pts_of(number, SMALL.fps), FRAME)
    assert hand.held() == [1, 2, 3, 4]
    hand.intake.flush()
    for number in range(5, 9):
        hand.intake.take(producer.make(number), pts_of(number - 3, SMALL.fps), FRAME)
    assert hand.held() == [5, 6, 7, 8]


class Noting:
    """A pool that notes what it copies, in order."""

    def __init__(self, most: int = 100) -> None:
        self.numbers: list[int] = []
        self.most = most

    def copy_of(self, buffer: Any) -> Any | None:
        if len(self.numbers) == self.most:
            return None
        self.numbers.append(number_in(buffer))
        return buffer.copy_deep()


def test_the_oldest_is_rescued_first() -> None:
    """It is the next to be written over, and the first that a waiting producer can have back."""
    pool = Noting()
    hand = ByHand(CarefulKeeper(lambda: pool))
    producer = HostileProducer(100, memories=6)
    for number in range(7):
        hand.intake.take(producer.make(number), pts_of(number, SMALL.fps), FRAME)
    assert pool.numbers == [1, 2, 3, 4, 5, 6]


def test_memory_that_nobody_can_copy_is_one_line_with_the_cause_and_the_fault() -> None:
    """NVIDIA's surfaces can be neither allocated nor copied from outside."""

    def make_pool() -> FramePool:
        pool = FramePool(caps_of((128, 64)), 20, "copies", NvmmDomain())
        pool.start()
        return pool

    hand = ByHand(CarefulKeeper(make_pool))
    producer = HostileProducer(100, memories=6)
    for number in range(8):
        hand.intake.take(producer.make(number), pts_of(number, SMALL.fps), FRAME)
    assert [type(error) for error in hand.troubles] == [InputError]
    line = str(hand.troubles[0])
    assert "source: its memory came round after 6 frames" in line
    assert "copies can't be made here: frames in NVMM memory can't be allocated" in line
    assert hand.held() == []
    assert hand.intake.dropped.as_dict() == {"refused": 2, "reused": 6}


def test_a_flush_in_the_middle_of_a_rescue_ends_it() -> None:
    """A late copy would be put under a frame of the new stream that has the same PTS."""
    hand: Any = None

    class Flushed(Noting):
        def copy_of(self, buffer: Any) -> Any:
            copy = super().copy_of(buffer)
            if len(self.numbers) == 2:
                hand.intake.flush()
                for number in range(5):
                    hand.put(100 + number)
            return copy

    keeper = CarefulKeeper(Flushed)
    hand = ByHand(keeper)
    for number in range(5):
        hand.put(number)
    verdict = Verdict(Fault.STARVED, "source", 5, 5, 10)
    assert keeper.change_over(hand.store, verdict, hand.intake.dropped) == 1
    assert hand.held() == [100, 101, 102, 103, 104]


def test_what_can_not_be_rescued_is_counted() -> None:
    """A pool without room for the window: what is in danger is not shown."""
    hand = ByHand(CarefulKeeper(lambda: Noting(3)))
    producer = HostileProducer(100, memories=6)
    for number in range(7):
        hand.intake.take(producer.make(number), pts_of(number, SMALL.fps), FRAME)
    assert hand.held() == [1, 2, 3]
    assert hand.intake.dropped.as_dict() == {"pool_empty": 3, "reused": 1}


def test_a_rescued_window_gives_the_producer_all_its_buffers_back() -> None:
    pool = FramePool(SMALL, 16)
    pool.start()
    keeper = CarefulKeeper(lambda: pool)
    hand = ByHand(keeper)
    for number in range(9):
        hand.put(number)
    assert hand.pool.stats().free == 7
    verdict = Verdict(Fault.SUSPECTED, "source", 9, 9, 10)
    assert keeper.change_over(hand.store, verdict, hand.intake.dropped) == 9
    assert keeper.change_over(hand.store, verdict, hand.intake.dropped) == 0
    assert hand.pool.stats().free == 16
    assert pool.stats().free == 7
    assert hand.held() == list(range(9))
    assert hand.put(9)
    assert hand.pool.stats().free == 16
    hand.store.close()
    assert pool.stats().free == 16


@pytest.mark.parametrize("hold", ["reference", "copy"])
def test_a_frame_that_waits_for_room_lets_go_when_a_flush_begins(hold: str) -> None:
    """A seek of the source flushes while its thread waits in here: it would never end."""
    pool = FramePool(SMALL, 6)
    pool.start()
    room = 6 if hold == "reference" else 16
    hand = ByHand(ReferenceKeeper() if hold == "reference" else CopyKeeper(pool), capacity=room, wait=True)
    for number in range(6):
        hand.put(number)
    waiting = threading.Thread(target=hand.put, args=(6,), daemon=True)
    waiting.start()
    waiting.join(0.05)
    assert waiting.is_alive(), "it waits for room"
    hand.intake.interrupt()
    waiting.join(10)
    assert not waiting.is_alive()
    assert hand.intake.dropped.total == 1
    hand.intake.flush()
    assert hand.put(7)
    assert hand.held() == [7]


def test_a_frame_that_waits_for_room_goes_on_when_there_is_some() -> None:
    hand = ByHand(capacity=3, wait=True)
    for number in range(3):
        hand.put(number)
    waiting = threading.Thread(target=hand.put, args=(3,), daemon=True)
    waiting.start()
    assert hand.reader.take() is not None
    waiting.join(10)
    assert hand.held() == [1, 2, 3]


def test_a_keeper_that_needs_the_audit_is_not_left_without() -> None:
    store = FrameStore(2)
    keeper = CarefulKeeper(lambda: FramePool(SMALL, 1))
    with pytest.raises(ValueError, match="needs an audit"):
        Intake(store, keeper, TimeGuard(), SystemDomain(), on_trouble=print)
