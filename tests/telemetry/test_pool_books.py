"""Who has the frames: real frames of a real pool, in a store with readers, and out."""

from __future__ import annotations

import json
from fractions import Fraction

import pytest

from touchline.delay.store import FrameStore
from touchline.gst.caps import VideoCaps
from touchline.gst.library import SECOND
from touchline.gst.pools import FramePool
from touchline.telemetry import PoolUse, get_buffer_pool_stats

FRAMES = 20


@pytest.fixture
def pool():
    pool = FramePool(VideoCaps(64, 32, Fraction(10)), FRAMES, "panorama pool")
    pool.start()
    yield pool
    pool.stop()


def _fill(store: FrameStore, pool: FramePool, count: int) -> None:
    for number in range(count):
        store.append(pool.acquire(), number * SECOND // 10)


def test_an_unused_pool_is_free(pool: FramePool) -> None:
    (use,) = get_buffer_pool_stats([pool])
    assert use == PoolUse("panorama pool", FRAMES, FRAMES, 64 * 32 * 3 // 2)
    assert (use.held, use.held_bytes, use.allocated_bytes) == (0, 0, FRAMES * 3072)


def test_the_reader_that_is_behind_keeps_them(pool: FramePool) -> None:
    store = FrameStore(FRAMES)
    slow, fast, loose = store.reader("main"), store.reader("coach"), store.reader("analysis", holds=False)
    _fill(store, pool, 10)
    writing = pool.acquire()
    shown = [fast.take() for _ in range(6)]
    assert loose.take() is not None
    (use,) = get_buffer_pool_stats([pool], {"panorama pool": store})
    assert use.holders == {"main": 10, "in flight": 1}
    for _ in range(8):
        slow.take()
    (use,) = get_buffer_pool_stats([pool], {"panorama pool": store})
    # The coach is at frame 6 now, and the shares of the six that it took are still out.
    assert use.holders == {"coach": 4, "in flight": 7}
    assert use.free == FRAMES - 11
    del shown, writing
    (use,) = get_buffer_pool_stats([pool], {"panorama pool": store})
    assert use.holders == {"coach": 4}
    assert sum(use.holders.values()) == use.held
    store.close()
    (use,) = get_buffer_pool_stats([pool], {"panorama pool": store})
    assert (use.free, dict(use.holders)) == (FRAMES, {})


def test_what_everybody_has_passed_is_history(pool: FramePool) -> None:
    store = FrameStore(FRAMES, history_ns=SECOND)
    reader = store.reader("main")
    _fill(store, pool, 15)
    for _ in range(13):
        reader.take()
    (use,) = get_buffer_pool_stats([pool], {"panorama pool": store})
    assert use.holders == {"main": 2, "history": len(store) - 2}
    assert len(store) > 10
    store.close()


def test_it_goes_into_json(pool: FramePool) -> None:
    store = FrameStore(FRAMES)
    store.reader("main")
    _fill(store, pool, 3)
    told = [use.as_dict() for use in get_buffer_pool_stats([pool], {"panorama pool": store})]
    assert json.loads(json.dumps(told)) == [
        {
            "name": "panorama pool",
            "frames": FRAMES,
            "free": FRAMES - 3,
            "held": 3,
            "allocated_bytes": FRAMES * 3072,
            "held_bytes": 3 * 3072,
            "holders": {"main": 3},
        }
    ]
    store.close()


def test_a_store_without_its_pool_is_refused(pool: FramePool) -> None:
    with pytest.raises(ValueError, match="no pool for the store of 'other'"):
        get_buffer_pool_stats([pool], {"other": FrameStore(3)})


def test_pools_of_one_name_are_told_apart(pool: FramePool) -> None:
    """Two programmes each had a pool of slates: two series of one name, of which Prometheus threw one away."""
    names = [use.name for use in get_buffer_pool_stats([pool, pool, pool])]
    assert names == ["panorama pool", "panorama pool 2", "panorama pool 3"]
