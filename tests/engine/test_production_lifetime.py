"""What a run has held is given back when it is over: to the garbage collector, and to the system."""

from __future__ import annotations

import gc
import weakref
from fractions import Fraction

import psutil
import pytest

from runs import MEMORY, run, with_an_encoder_there
from sounding import write_claps
from touchline.config import load_config
from touchline.engine.books import stats_of
from touchline.engine.production import Production


@pytest.mark.parametrize(
    "settings",
    [
        {"view": "panorama"},
        {"view": "follow", "size": "320x180"},
        pytest.param(
            {"view": "fixed:0,-10,45", "size": "320x180", "hold": "encoded"}, marks=with_an_encoder_there
        ),
        {"view": "fixed:0,-10,45", "size": "320x180", "render": "direct"},
    ],
    ids=["panorama", "follow", "encoded", "direct"],
)
def test_nothing_of_a_run_outlives_it(coded, tmp_path, settings: dict[str, str]) -> None:
    """The handlers of its elements' signals kept all of it for ever: a hundred megabytes of a GPU for each run."""
    if MEMORY == "cuda" and "render" in settings:
        pytest.skip("panoramas alone are rendered on a GPU")
    footage = coded(Fraction(30))
    files, process = [], psutil.Process()
    for number in range(3):
        production = run(
            **footage.inputs, pace="fast", record=[tmp_path / f"{number}.mkv"], preset="ultrafast", **settings
        )
        kept = [production, production.scene, production.window, production.programme, *production.pools]
        kept = [weakref.ref(one) for one in kept]
        del production
        gc.collect()
        assert [one() for one in kept] == [None] * len(kept)
        files.append(process.num_fds())
    assert files[2] == files[1], "open files remain"


def test_no_search_for_garbage_holds_up_a_live_run(coded) -> None:
    """A full one took 50 ms, with PyTorch 200, in which no thread went on: a look came late, and a render."""
    footage = coded(Fraction(30))
    settings = {"pace": "live", "delay": 0.3, "view": "panorama", "preset": "ultrafast"}
    production = Production(load_config({**footage.inputs, **settings}))
    before = len(gc.get_objects())
    try:
        production.start()
        searched = len(gc.get_objects())
        lost = _Knot()
        gone = weakref.ref(lost)
        del lost
        gc.collect()
        assert gone() is None, "what is made and lost on the way is found all the same"
        assert searched < before / 10
        while not production.wait(0.2):
            pass
    finally:
        production.close()
        production.release()
    assert production.error is None
    assert stats_of(production).frames.played == footage.frames
    assert gc.get_freeze_count() == 0
    kept = weakref.ref(production)
    del production
    gc.collect()
    assert kept() is None


class _Knot:
    """Refers to itself: nothing but the collector frees it."""

    def __init__(self) -> None:
        self.itself = self


def test_a_run_at_fast_pace_spares_nothing_of_others(coded) -> None:
    """Closing it let what a live run beside it had spared be looked through again."""
    inputs = coded(Fraction(30)).inputs
    live, fast = (
        Production(
            load_config({**inputs, "pace": pace, "delay": 0.3, "view": "panorama", "preset": "ultrafast"})
        )
        for pace in ("live", "fast")
    )
    try:
        live.start()
        spared = gc.get_freeze_count()
        fast.close()
        assert gc.get_freeze_count() > 0.9 * spared > 0  # some of it goes in the usual way
    finally:
        for production in (live, fast):
            production.close()
            production.release()
    assert gc.get_freeze_count() == 0


def test_sound_does_not_keep_it_either(tmp_path) -> None:
    film = write_claps(tmp_path / "film.mkv", [12], 25)
    production = run(
        panorama=str(film), view="panorama", pace="fast", record=[tmp_path / "out.mkv"], preset="ultrafast"
    )
    assert production.programme.sound is not None
    kept = weakref.ref(production)
    del production
    gc.collect()
    assert kept() is None
