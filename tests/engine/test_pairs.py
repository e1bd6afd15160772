"""Pairs through the real pool and store: what is held, what the plan says of it, and a camera that is lost."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from touchline.capture import Moment, PlainPicture
from touchline.config import load_config
from touchline.delay import FrameStore
from touchline.engine.pairs import CpuPairs
from touchline.engine.planning import kept_frames
from touchline.engine.production import Production
from touchline.engine.stitching import StitchWorker
from touchline.errors import PlanError
from touchline.geometry import View, fit_panorama
from touchline.gst.caps import VideoCaps
from touchline.gst.library import SECOND
from touchline.gst.mapping import read_nv12
from touchline.gst.nv12 import Nv12
from touchline.gst.pools import FramePool
from touchline.panorama.tone import Light
from touchline.panorama.workers import Workers
from touchline.synth import SyntheticMatch

SIZE = (320, 180)
STEP = SECOND // 10
OVER_LEFT, OVER_RIGHT = View(-42.0, -9.0, 30.0), View(42.0, -9.0, 30.0)


class ListedFeed:
    """The moments of a list; as much of a feed as a worker sees."""

    def __init__(self, moments: Sequence[Moment]) -> None:
        self._moments = list(moments)
        self.finished = False

    def next(self, timeout_s: float) -> Moment | None:
        self.finished = len(self._moments) <= 1
        return self._moments.pop(0) if self._moments else None


@pytest.fixture
def workers() -> Iterator[Workers]:
    with Workers(2) as some:
        yield some


def test_a_lost_camera_s_picture_stands_and_is_dimmed(workers) -> None:
    """The other half goes on; nothing is learnt of what stands in."""
    match = SyntheticMatch(3, SIZE)
    pairs = CpuPairs(match.rig, fit_panorama(match.rig), workers)
    moments = []
    for number in range(24):
        left, right = Nv12.empty(*SIZE), Nv12.empty(*SIZE)
        match.draw(number, left, right)
        lost = 4 <= number < 20
        pictures = (PlainPicture(left), None if lost else PlainPicture(right))
        moments.append(Moment(number * STEP, STEP, pictures))
    pool = FramePool(VideoCaps(*pairs.layout.size, Fraction(10)), 30)
    pool.start()
    store = FrameStore(30, pool.frame_bytes)
    reader = store.reader("test")

    def compose(pictures: Sequence[Any], out: Any, pts_s: float) -> None:
        pairs.keep(*pictures, out, pts_s)

    worker = StitchWorker(ListedFeed(moments), compose, pool, store, waits=False, on_failed=pytest.fail)
    worker.start()
    show, _ = pairs.camera(160, 90)
    seen: dict[str, list[np.ndarray]] = {"left": [], "right": []}
    try:
        while not reader.at_end:
            assert reader.wait(20) is not None
            frame = reader.take()
            assert frame is not None
            with read_nv12(frame.buffer, pool.layout) as pair:
                for side, view in (("left", OVER_LEFT), ("right", OVER_RIGHT)):
                    out = Nv12.empty(160, 90)
                    show(pair, frame.pts, view, out)
                    seen[side].append(out.y.astype(float))
    finally:
        worker.stop()
        store.close()
        del frame
        assert pool.stats().free == pool.frames
        pool.stop()
    right = seen["right"]
    assert len(right) == 24
    assert all(np.array_equal(right[3], right[n]) for n in range(4, 13)), "as it was, for a second"
    light = [picture.mean() - 16 for picture in right]
    assert all(one < 0.4 * light[3] for one in light[14:20]), "then a quarter of its light"
    assert all(one > 0.8 * light[3] for one in light[20:]), "and live again"
    assert all(np.abs(a - b).max() > 5 for a, b in zip(seen["left"], seen["left"][1:], strict=False))
    lights = [pairs.lights.at(number * STEP) for number in range(24)]
    assert len(set(lights[3:20])) == 1


def test_a_picture_that_is_held_keeps_its_correction(workers) -> None:
    """While it stands for minutes, more frames come than are remembered; the next one has its own."""
    match = SyntheticMatch(3, SIZE)
    pairs = CpuPairs(match.rig, fit_panorama(match.rig), workers)
    left, right = Nv12.empty(*SIZE), Nv12.empty(*SIZE)
    match.draw(0, left, right)
    pair = Nv12.empty(*pairs.layout.size)
    pairs.lights.keep(2)
    pairs.keep(left, right, pair, 0.0)
    show, _ = pairs.camera(160, 90)

    def look(pts: int) -> bytes:
        out = Nv12.empty(160, 90)
        show(pair, pts, OVER_LEFT, out)
        return out.y.tobytes()

    first = look(0)
    for number in range(1, 5):
        pairs.lights.add(number * STEP, Light(0.1 * number))
        assert look(0) == first
    assert look(4 * STEP) != first


def production(**settings: Any) -> Production:
    made = {"synthetic": 1, "synthetic_size": "320x180", "memory": "system", "delay": 1.0, "duration": 1.0}
    return Production(load_config({**made, **settings}))


def test_the_plan_says_what_is_held() -> None:
    made = production(render="direct", history=2.0)
    try:
        assert "of 0.17 MB (2 x 320x180 NV12)" in made.plan.arithmetic()
        assert made.plan.frame_bytes == made.pool.frame_bytes == 320 * 360 * 3 // 2
        assert (made.pool.layout.width, made.pool.layout.height) == (320, 360)
        assert made.scene.holds == "2 x 320x180"
        assert str(made.scene.render).startswith("direct (as asked for; ")
        # Two seconds of history, as slowly as may be, while two more are kept.
        assert kept_frames(made.config, made.plan) >= made.plan.frames + 120
    finally:
        made.close()
        made.release()


def test_a_plan_of_pairs_that_does_not_fit_says_so() -> None:
    with pytest.raises(
        PlanError, match=r"\(2 x 320x180 NV12\).*no delay fits at this size; film smaller pictures"
    ):
        production(render="direct", memory_limit="1MB")
