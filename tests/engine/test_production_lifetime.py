"""What a run has held is given back when it is over: to the garbage collector, and to the system."""

from __future__ import annotations

import gc
import weakref
from fractions import Fraction

import psutil
import pytest

from runs import MEMORY, run, with_an_encoder_there
from sounding import write_claps


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
