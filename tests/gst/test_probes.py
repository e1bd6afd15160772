"""The compiled probe: what it notes is what passed, and Python's lock does not hold it up."""

from __future__ import annotations

import ctypes

from touchline.gst.elements import make
from touchline.gst.library import SECOND
from touchline.gst.pipelines import Pipeline, system_clock
from touchline.gst.probes import PassageProbe


def _run(frames: int, capacity: int, live: bool = False):
    pipeline = Pipeline("probe test")
    source = make("videotestsrc", num_buffers=frames, is_live=live)
    sync = make("clocksync")
    pipeline.add(source, sync, make("fakesink", sync=False))
    probe = PassageProbe(sync.get_static_pad("src"), system_clock(), capacity)
    base = system_clock().get_time()
    pipeline.play(base)
    return pipeline, probe, base


def test_every_passage_is_noted_with_its_timestamp() -> None:
    pipeline, probe, base = _run(20, 64)
    try:
        assert pipeline.wait_eos(10)
        rows = probe.read()
        assert [int(pts) for pts in rows[:, 0]] == [i * SECOND // 30 for i in range(20)]
        # clocksync lets nothing through before its time
        assert (rows[:, 1] - base - rows[:, 0] >= 0).all()
        assert probe.missed == 0
        assert len(probe.read()) == 0
    finally:
        pipeline.stop()


def test_a_full_ring_says_what_it_missed() -> None:
    pipeline, probe, _ = _run(30, 8)
    try:
        assert pipeline.wait_eos(10)
        rows = probe.read()
        assert [int(pts) for pts in rows[:, 0]] == [i * SECOND // 30 for i in range(23, 30)]
        assert probe.missed == 23
        assert probe.count == 30
    finally:
        pipeline.stop()


def test_it_runs_while_python_is_locked() -> None:
    """A probe in Python would stop the pipeline for as long as another thread keeps the interpreter's lock."""
    pipeline, probe, _ = _run(600, 1024, live=True)
    try:
        while probe.count < 2:
            pass
        before = probe.count
        # A C call that keeps the interpreter's lock (PyDLL does) for half a second.
        ctypes.PyDLL(None).usleep(500_000)
        assert probe.count - before >= 10
    finally:
        pipeline.stop()
