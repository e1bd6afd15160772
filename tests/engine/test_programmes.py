"""Several programmes of one production: each has every frame at its own time, each frame is held once."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from footage import read_frames
from runs import run, times_are_kept
from touchline.analysis.detections import Detections
from touchline.config import FurtherProgramme, load_config
from touchline.engine.books import stats_of
from touchline.engine.production import Production
from touchline.errors import ConfigurationError

FPS = Fraction(30)


def further(**settings) -> FurtherProgramme:
    return FurtherProgramme(view="panorama", **settings)


def test_three_programmes_with_delays_of_their_own_show_the_same_frames(coded, tmp_path: Path) -> None:
    footage = coded(FPS)
    names = {"main": 0.6, "coach": 0.2, "tape": 0.0}
    files = {name: tmp_path / f"{name}.mkv" for name in names}
    production = run(
        **footage.inputs,
        view="panorama",
        delay=0.6,
        pace="fast",
        record=[files["main"]],
        programme=[further(name=n, delay=names[n], record=[files[n]]) for n in ("coach", "tape")],
    )
    wanted = [(n, n) for n in range(footage.frames)]
    for file in files.values():
        found = read_frames(file, footage.reader_of_panorama())
        assert [codes for codes, _ in found] == wanted
        assert times_are_kept(found, FPS)
    assert production.store.peak_frames <= production.plan.frames
    assert [p.name for p in stats_of(production).programmes] == list(names)
    assert stats_of(production).dropped == {}
    # One window for all: that of the longest delay.
    assert production.plan.delay_s == 0.6


def test_a_replay_is_taken_from_what_was_shown(coded, tmp_path: Path) -> None:
    """The programme goes on meanwhile; the replay programme shows its slate before and after."""
    footage = coded(FPS)
    main, again = tmp_path / "main.mkv", tmp_path / "again.mkv"
    config = load_config(
        {
            **footage.inputs,
            "view": "panorama",
            "delay": 0.4,
            "history": 2.0,
            "record": [main],
            "programme": [further(name="again", replay=True, record=[again])],
        }
    )
    production = Production(config)
    try:
        production.start()
        while production.player is None or (production.player.shown_pts or 0) < 20 * 10**9 // 30:
            assert not production.wait(0.02)
        production.replay(0.3, 0.5)
        while not production.wait(0.1):
            pass
        production.close()
    finally:
        production.close()
        production.release()
    codes = footage.reader_of_panorama()
    assert [number for number, _ in read_frames(main, codes)] == [(n, n) for n in range(footage.frames)]
    shown = [number for number, _ in read_frames(again, codes) if number[0] is not None]
    assert len(shown) == 2 * len(set(shown)), "each twice: half the speed"
    assert shown == sorted(shown)
    assert 9 <= len(set(shown)) <= 11
    assert shown[-1][0] < footage.frames - 5


def test_replays_without_a_history_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="--history"):
        load_config({"synthetic": 1, "programme": [further(name="again", replay=True)]})


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"name": "Main!"}, r"\[\[programme\]\] number 1, name"),
        ({"name": "coach", "delay": -1}, r"\[\[programme\]\] number 1, delay"),
        ({"name": "coach", "dely": 1}, r"unknown setting 'dely' in \[\[programme\]\] number 1"),
        ({"name": "main"}, "two programmes have the same name"),
    ],
)
def test_a_mistake_in_a_programme_is_named(settings: dict, says: str) -> None:
    with pytest.raises(ConfigurationError, match=says):
        load_config({"synthetic": 1, "programme": [settings]})


def test_two_programmes_do_not_write_to_the_same_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="given twice"):
        run(
            synthetic=1,
            record=[tmp_path / "a.mp4"],
            programme=[further(name="coach", record=[tmp_path / "a.mp4"])],
        )


def test_replays_are_for_live_runs() -> None:
    """At fast pace nothing told the replay programme how fast time goes: it was filled with slates without end."""
    with pytest.raises(ConfigurationError, match="leave --pace fast away"):
        load_config(
            {
                "synthetic": 1,
                "history": 1.0,
                "pace": "fast",
                "programme": [further(name="again", replay=True)],
            }
        )


def test_nothing_is_replayed_before_it_was_shown() -> None:
    """Asked for while the window was filling, the first frame was shown at once, before its time."""
    config = load_config(
        {
            "synthetic": 1,
            "synthetic_size": "320x180",
            "history": 1.0,
            "delay": 30.0,
            "view": "panorama",
            "audio": "none",
            "programme": [further(name="again", replay=True, size="320x180")],
        }
    )
    production = Production(config)
    try:
        production.start()
        while not len(production.store):
            assert not production.wait(0.02)
        with pytest.raises(ConfigurationError, match="nothing has been shown yet"):
            production.replay(5.0)
        production.abort()
    finally:
        production.close()
        production.release()
    assert production.channels[1].player.played == 0


def test_a_replay_programme_that_nobody_uses_keeps_nothing(coded) -> None:
    """What the analysis had seen was kept for it from the beginning of the match on."""
    config = load_config(
        {
            **coded(FPS).inputs,
            "delay": 0.4,
            "history": 0.5,
            "audio": "none",
            "size": "320x180",
            "programme": [FurtherProgramme(name="again", replay=True, size="320x180")],
        }
    )
    production = Production(config)
    try:
        watch = production.watch
        assert watch is not None
        for number in range(1000):
            watch.log.append(Detections(number * 10**8))
            watch.forget("main", number * 10**8)
        assert len(watch.log) == 26, "half a second of history, shown at a quarter of the speed"
    finally:
        production.close()
        production.release()
