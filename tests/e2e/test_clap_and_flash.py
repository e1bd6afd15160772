"""Sound through whole runs: what was seen and heard at one time leaves at one time, whatever the delay does."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from runs import run, run_in_time, with_an_encoder_there
from sounding import check_sync, played, write_claps
from touchline.config import load_config
from touchline.engine.production import Production
from touchline.gst.library import MILLISECOND, SECOND

CLAPS = [12, 38, 61]
FRAMES = 75


@pytest.fixture(scope="module")
def film(tmp_path_factory) -> Path:
    return write_claps(tmp_path_factory.mktemp("claps") / "film.mkv", CLAPS, FRAMES)


@pytest.mark.parametrize(
    ("pace", "hold"),
    [
        ("fast", "reference"),
        ("live", "reference"),
        pytest.param("fast", "encoded", marks=with_an_encoder_there),
    ],
)
def test_clap_and_flash_leave_together(film, tmp_path: Path, pace: str, hold: str) -> None:
    out = tmp_path / "out.mp4"
    run_in_time(panorama=str(film), view="panorama", delay=0.8, pace=pace, hold=hold, record=[out])
    check_sync(out, len(CLAPS))
    flashes, *_ = played(out)
    # The film's own times, kept.
    assert np.allclose(flashes, [number * SECOND / 25 for number in CLAPS], atol=MILLISECOND)


def test_sound_of_another_source(film, tmp_path: Path) -> None:
    """Pictures of one file, sound of another one: each on the timeline by its own times."""
    silent = write_claps(tmp_path / "late.mkv", [n + 5 for n in CLAPS], FRAMES)
    out = tmp_path / "out.mkv"
    run(panorama=str(film), audio=str(silent), view="panorama", delay=0.5, pace="fast", record=[out])
    flashes, heard, *_ = played(out)
    assert np.allclose(np.array(heard) - np.array(flashes), 5 * SECOND / 25, atol=1.5 * MILLISECOND)


def test_a_run_without_sound_has_none(film, tmp_path: Path) -> None:
    out = tmp_path / "out.mkv"
    production = run(panorama=str(film), audio="none", view="panorama", delay=0.5, pace="fast", record=[out])
    assert production.programme.sound is None


def test_sound_follows_a_delay_that_is_made_longer(film, tmp_path: Path) -> None:
    out = tmp_path / "out.mkv"
    config = load_config(
        {"panorama": str(film), "view": "panorama", "delay": 0.6, "max_delay": 2.0, "record": [out]}
    )
    production = Production(config)
    try:
        production.start()
        assert production.player is not None
        production.player.change_delay(SECOND, "hold", at_pts=25 * SECOND // 25)
        while not production.wait(0.1):
            pass
        production.close()
    finally:
        production.close()
        production.release()
    flashes, heard, *_ = played(out)
    assert len(flashes) == len(CLAPS)
    assert np.abs(np.array(heard) - np.array(flashes)).max() < 1.0 * MILLISECOND
    moved = [number * SECOND / 25 + (0.4 * SECOND if number > 25 else 0) for number in CLAPS]
    assert np.allclose(flashes, moved, atol=2 * MILLISECOND)


def test_a_sound_that_is_not_there_is_said_and_done_without(film, tmp_path: Path) -> None:
    empty = tmp_path / "mute.mkv"
    production = run(
        panorama=str(film), view="panorama", delay=0.5, pace="fast", record=[empty], audio="none"
    )
    assert production.notes == []
    again = run(panorama=str(empty), audio=str(empty), view="panorama", delay=0.5, pace="fast")
    assert any("no sound in it" in note for note in again.notes)
