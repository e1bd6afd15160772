"""The hand on the delay while a whole run goes on: by the codes in the pictures that were recorded."""

from __future__ import annotations

import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import pytest

from footage import read_frames
from runs import SIZE
from touchline.cli.keys import press
from touchline.config import load_config
from touchline.engine.books import stats_of
from touchline.engine.production import Production
from touchline.errors import ConfigurationError
from touchline.gst.library import SECOND

FPS = Fraction(30)
SECONDS = 3


def film(out: Path, act: Callable[[Production], None], **settings) -> Production:
    """A live run of the coded match, with something done to it after one second and a half of footage."""
    config = load_config(
        {
            "synthetic": 3,
            "synthetic_size": f"{SIZE[0]}x{SIZE[1]}",
            "codes": True,
            "duration": float(SECONDS),
            "view": "panorama",
            "delay": 1.0,
            "audio": "none",
            "record": [out],
            **settings,
        }
    )
    production = Production(config)
    try:
        production.start()
        while production.stitching.stitched < 45:
            assert not production.wait(0.02)
        act(production)
        while not production.wait(0.1):
            pass
        production.close()
    finally:
        production.close()
        production.release()
    assert production.error is None
    return production


def codes(coded, out: Path) -> list[tuple[int | None, int]]:
    """What each recorded picture shows: the number of its frame, or None for a slate, and its place in frames."""
    found = read_frames(out, coded(FPS).reader_of_panorama())
    return [(left if left == right else None, round(pts * FPS / SECOND)) for (left, right), pts in found]


def test_the_panic_button(coded, tmp_path: Path) -> None:
    """The window is thrown away, a slate is shown, and what is filmed afterwards comes one delay later."""
    out = tmp_path / "out.mkv"
    filmed: list[int] = []

    def act(production: Production) -> None:
        filmed.append(production.stitching.stitched)
        press(production, "d")

    production = film(out, act)
    shown = codes(coded, out)
    numbers = [number for number, _ in shown if number is not None]
    missing = sorted(set(range(SECONDS * 30)) - set(numbers))
    assert numbers == sorted(set(numbers))
    assert len(missing) == stats_of(production).dropped["player", "dumped"] >= 10
    assert missing == list(range(missing[0], missing[-1] + 1)), "one piece"
    assert missing[-1] >= filmed[0] - 1, "all that had been filmed by then"
    assert sum(number is None for number, _ in shown) == pytest.approx(len(missing), abs=1)
    assert all(at == number for number, at in shown if number is not None), "the timeline is kept"
    assert production.player is not None
    assert production.player.slates == sum(number is None for number, _ in shown)


def test_the_delay_is_made_longer_and_shorter_by_keys(coded, tmp_path: Path) -> None:
    out = tmp_path / "out.mkv"
    production = film(out, lambda p: press(p, "+"), max_delay=2.0)
    shown = codes(coded, out)
    fresh = [(number, at) for number, at in dict(reversed(shown)).items()]
    assert sorted(number for number, _ in fresh) == list(range(SECONDS * 30)), "no frame is lost"
    assert {at - number for number, at in fresh} == {0, 30}
    assert production.player is not None
    assert production.player.delay_ns == 2 * SECOND
    assert stats_of(production).dropped == {}


def test_pause_and_resume_by_keys(coded, tmp_path: Path) -> None:
    out = tmp_path / "out.mkv"

    def act(production: Production) -> None:
        press(production, "p")
        time.sleep(0.5)
        press(production, "p")

    production = film(out, act)
    shown = codes(coded, out)
    still = [number for number, at in shown if number != at]
    assert len(set(still)) == 1, "one picture stands"
    assert len(still) == stats_of(production).dropped["player", "paused"] >= 5
    assert [at for _, at in shown] == list(range(SECONDS * 30))


def test_what_can_not_be_done_is_said(capsys) -> None:
    production = Production(load_config({"synthetic": 3, "synthetic_size": "320x180", "delay": 1.0}))
    try:
        with pytest.raises(ConfigurationError, match="replay = true"):
            production.replay(5.0)
        press(production, "r")
        assert "no programme shows replays" in capsys.readouterr().err
    finally:
        production.close()
        production.release()
