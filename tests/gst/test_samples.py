"""Samples of an appsink in batches: every one, in order, and the end after the last."""

from __future__ import annotations

import threading

import pytest

from touchline.gst.elements import make
from touchline.gst.library import SECOND
from touchline.gst.pipelines import Pipeline
from touchline.gst.samples import Samples


def run(frames: int, take, live: bool = False, **options):
    """videotestsrc into an appsink that has room for eight; returns when the end was told."""
    sink = make("appsink", sync=False, enable_last_sample=False, max_buffers=8)
    pipeline, ended = Pipeline("samples"), threading.Event()
    pipeline.add(make("videotestsrc", num_buffers=frames, is_live=live), sink)
    samples = Samples(sink, take, on_end=ended.set, **options)
    samples.start()
    pipeline.play()
    ended.wait(5)
    samples.stop()
    pipeline.stop()
    return samples, ended.is_set()


@pytest.mark.parametrize("live", [False, True])
def test_every_sample_once_in_order_and_then_the_end(live) -> None:
    seen: list[int] = []
    frames = 20 if live else 300
    samples, ended = run(frames, lambda sample: seen.append(sample.get_buffer().pts), live, interval_s=0.05)
    assert ended
    assert samples.taken == frames
    assert len(seen) == frames
    assert seen == sorted(set(seen))
    assert live or seen == [number * SECOND // 30 for number in range(frames)]


def test_what_take_raises_ends_it_and_is_told() -> None:
    told: list[Exception] = []

    def take(_sample: object) -> None:
        raise ValueError("no")

    samples, ended = run(20, take, interval_s=0.02, on_failed=told.append)
    assert not ended
    assert samples.taken == 1
    assert [str(error) for error in told] == ["no"]


def test_an_interval_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="every so many seconds"):
        Samples(make("appsink"), print, interval_s=0)
