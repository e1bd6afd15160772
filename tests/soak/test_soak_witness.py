"""The witness reads what is in the memory that passes, not what somebody says is in it."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from touchline.errors import TouchlineError
from touchline.gst.caps import VideoCaps
from touchline.gst.elements import make
from touchline.gst.library import SECOND, Gst
from touchline.gst.pipelines import Pipeline, system_clock
from touchline.gst.pools import FramePool
from touchline.gst.shares import share
from touchline.soak.ledger import Ledger
from touchline.soak.witness import FLAGS, NUMBER, PTS, SIZE, TAIL, TIME, Witness, burn

CAPS = VideoCaps(64, 48, Fraction(30))


@pytest.fixture
def way():
    """A source, a witness behind it, and a pool."""
    pipeline = Pipeline("witness test")
    source = make("appsrc", caps=CAPS.to_gst(), format="time")
    sink = make("fakesink", sync=False)
    pipeline.add(source, sink)
    pool = FramePool(CAPS, 4)
    pool.start()
    made: list[Pipeline] = [pipeline]

    def go(numbers: list[int], capacity: int = 64, flags: int = 0) -> Witness:
        witness = Witness(sink.get_static_pad("sink"), system_clock(), capacity)
        pipeline.play(system_clock().get_time())
        for place, number in enumerate(numbers):
            buffer = pool.acquire(wait=True)
            burn(buffer, number)
            other = share(buffer)
            other.pts = place * SECOND
            other.set_flags(Gst.BufferFlags(flags))
            source.emit("push-buffer", other)
            del buffer, other
            assert witness.wait_one(5)
        return witness

    yield go
    for each in made:
        each.stop()
    pool.stop()


def test_each_row_tells_what_passed(way) -> None:
    numbers = [0, 1, 2**40 + 7, 5, 5]
    rows = way(numbers, flags=int(Gst.BufferFlags.DROPPABLE)).read()
    assert rows[:, NUMBER].tolist() == numbers
    assert rows[:, TAIL].tolist() == numbers
    assert rows[:, PTS].tolist() == [place * SECOND for place in range(5)]
    assert (rows[:, SIZE] == 64 * 48 * 3 // 2).all()
    assert (rows[:, FLAGS] & int(Gst.BufferFlags.DROPPABLE)).all()
    assert (np.diff(rows[:, TIME]) >= 0).all()


def test_nothing_is_told_twice(way) -> None:
    witness = way([1, 2, 3])
    assert len(witness.read()) == 3
    assert len(witness.read()) == 0
    assert not witness.wait_one(0.01)


def test_what_was_not_read_in_time_is_no_secret(way) -> None:
    with pytest.raises(TouchlineError, match="unread"):
        way(list(range(10)), capacity=8).read()


def test_the_ledger_knows_when_a_frame_is_filmed_to_the_nanosecond() -> None:
    for fps in (Fraction(30), Fraction(30000, 1001), Fraction(50)):
        ledger = Ledger(fps, 10)
        for number in (0, 1, 2, 29, 30, 10**7 + 1):
            assert ledger.filmed(number) == round(number * SECOND / fps)


def test_the_ledger_forgets_what_is_long_gone() -> None:
    ledger = Ledger(Fraction(30), 10)
    for number in range(5000):
        ledger.stored(number, ledger.filmed(number), 100)
    assert ledger.number_of(ledger.filmed(4990)) == 4990
    assert len(ledger._numbers) < 1100
