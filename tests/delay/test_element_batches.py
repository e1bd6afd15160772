"""The element takes frames in batches: nobody who looks at it, and nothing that goes wrong, may notice."""

from __future__ import annotations

import ctypes
import threading
import time

import numpy as np
import pytest
from test_element import Rig, rig, stamps  # noqa: F401 - a fixture

from counted import wait_until
from touchline.delay.element import register
from touchline.gst.library import MILLISECOND, SECOND, Gst

LONG = {"delay": SECOND}


@pytest.fixture(autouse=True, scope="module")
def _registered() -> None:
    register()


def test_figures_know_of_every_frame_that_has_come(rig) -> None:
    one = rig(**LONG)
    _, pad = one.open()
    for number in range(1, 10):
        assert pad.chain(one.frames.make(number, number * SECOND // 30)) == Gst.FlowReturn.OK
        stats = one.stats()
        assert stats["frames-received"] == number + 1
        assert stats["frames-held"] == number + 1


def test_a_batch_and_an_event_keep_their_order(rig) -> None:
    one = rig(**LONG)
    _, pad = one.open()
    for number in range(1, 7):
        pad.chain(one.frames.make(number, number * SECOND // 30))
        name = f"after-{number}"
        pad.send_event(Gst.Event.new_custom(Gst.EventType.CUSTOM_DOWNSTREAM, Gst.Structure(name)))
    one.wait(7)
    threading.Event().wait(0.1)
    order = [item if isinstance(item, str) else item[0] for item in one.row]
    order = [item for item in order if not isinstance(item, str) or item.startswith("after")]
    assert order == [0, *(item for number in range(1, 7) for item in (number, f"after-{number}"))]


def test_python_may_stand_still_while_frames_come_and_go(rig) -> None:
    """Half a second without Python loses nothing; a tenth can't be seen."""
    one = rig(**LONG)
    one.sink.set_property("emit-signals", False)  # a signal would make what leaves wait for Python
    base = one.start()
    producer = threading.Thread(target=one.run, args=(range(60),), daemon=True)
    producer.start()
    wait_until(base, SECOND // 2)
    library = ctypes.PyDLL(None)
    library.usleep(500_000)
    for _ in range(6):
        time.sleep(0.15)
        library.usleep(100_000)
    producer.join(10)
    threading.Event().wait(1.2)
    while (sample := one.sink.emit("try-pull-sample", 0)) is not None:
        one.row.append((one.frames.number(sample.get_buffer()), sample.get_buffer().pts))
        del sample
    assert one.seen == stamps(range(60))
    gaps = np.diff(one.probe.read()[:, 1]) / MILLISECOND
    assert gaps.max() < 90


def test_an_error_downstream_reaches_upstream(rig) -> None:
    one = rig(**LONG)
    one.sink.disconnect_by_func(one._read)
    one.sink.connect("new-sample", lambda sink: sink.emit("pull-sample") and Gst.FlowReturn.ERROR)
    base, pad = one.open()
    flows = []
    for number in range(1, 90):
        wait_until(base, number * SECOND // 30)
        flows.append(pad.chain(one.frames.make(number, number * SECOND // 30)))
        if flows[-1] != Gst.FlowReturn.OK:
            break
    assert flows[-1] == Gst.FlowReturn.ERROR
    assert 30 <= len(flows) < 80


def test_a_small_pool_is_noticed_although_its_frames_wait_in_the_ring(rig) -> None:
    one = rig(**LONG)
    base = one.start()
    pool = Gst.BufferPool.new()
    config = pool.get_config()
    Gst.BufferPool.config_set_params(config, one.frames.caps, one.frames.layout.size, 8, 8)
    assert pool.set_config(config)
    assert pool.set_active(True)

    def produce() -> None:
        for number in range(20):
            wait_until(base, number * SECOND // 30)
            flow, buffer = pool.acquire_buffer(None)
            if flow != Gst.FlowReturn.OK:
                return
            buffer.pts = number * SECOND // 30
            one.source.emit("push-buffer", buffer)
            del buffer

    threading.Thread(target=produce, daemon=True).start()
    one.pipeline.wait_eos(5)
    pool.set_active(False)
    assert "pool of 8 buffers is empty" in (one.pipeline.failed or "")


def test_a_delay_that_becomes_short_takes_the_ring_along(rig) -> None:
    one = rig(max_delay=SECOND, **LONG)
    one.start()
    one.run(range(15))
    one.delay.set_property("delay", 50 * MILLISECOND)
    one.run(range(15, 30))
    one.wait(15, 3)
    threading.Event().wait(0.5)
    assert one.numbers == sorted(set(one.numbers))
    assert one.numbers[-1] == 29
    assert one.stats()["frames-received"] == 30
    assert one.stats()["frames-held"] == 0


@pytest.mark.parametrize("flush", [False, True])
def test_nothing_is_left_in_the_ring(rig, flush) -> None:
    one = rig(**LONG)
    _, pad = one.open()
    for number in range(1, 10):
        pad.chain(one.frames.make(number, number * SECOND // 30))
    if flush:
        pad.send_event(Gst.Event.new_flush_start())
        assert pad.chain(one.frames.make(10, SECOND)) == Gst.FlowReturn.FLUSHING
        pad.send_event(Gst.Event.new_flush_stop(False))
    else:
        one.pipeline.stop()
    assert one.frames.all_free
