"""Recordings for themselves: what was made of each picture, each at its own time, and the sound."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from footage import number_of, write_numbered
from sounding import write_claps
from touchline.capture.frames import Picture
from touchline.capture.recordings import RATE, Recording, record
from touchline.capture.uris import parse_source
from touchline.errors import InputError


def number(picture: Picture, _since: float = 0.0) -> int:
    with picture.read() as planes:
        return int(number_of(planes.y))


def test_each_keeps_its_own_pictures_and_times(tmp_path: Path) -> None:
    films = [
        write_numbered(tmp_path / "left.mp4", 40, Fraction(30)),
        write_numbered(tmp_path / "right.mkv", 30, Fraction(25), first=7),
    ]
    shares: list[float] = []
    recordings = [Recording(film.stem, parse_source(str(film)), 1.0, number) for film in films]
    record(recordings, shares.append)
    left, right = recordings
    assert left.made == list(range(30))
    assert left.times == pytest.approx([n / 30 for n in range(30)], abs=1e-3)
    assert right.made == list(range(7, 32))
    assert right.times == pytest.approx([n / 25 for n in range(25)], abs=1e-3)
    assert left.sound() is None
    assert all(0 <= share <= 1 for share in shares)


def test_a_film_that_is_shorter_is_taken_whole(tmp_path: Path) -> None:
    recording = Recording("left", parse_source(str(write_numbered(tmp_path / "left.mp4", 12))), 60.0, number)
    record([recording])
    assert recording.made == list(range(12))
    assert recording.share == 1.0


def test_sound_is_on_the_line_of_the_pictures(tmp_path: Path) -> None:
    film = write_claps(tmp_path / "left.mkv", [10, 30], 50)
    recording = Recording("left", parse_source(str(film)), 1.5, lambda _picture, since: since, sound=True)
    record([recording])
    heard = recording.sound()
    assert heard is not None
    start, samples = heard
    assert np.abs(samples).max() <= 1
    claps = start + np.flatnonzero(np.abs(samples) > 0.5) / RATE
    assert claps == pytest.approx([10 / 25, 30 / 25], abs=0.001)
    assert len(samples) == pytest.approx(1.5 * RATE, abs=0.05 * RATE)


def test_what_can_not_be_read_is_said_in_one_line(tmp_path: Path) -> None:
    broken = tmp_path / "left.mp4"
    broken.write_bytes(b"no film at all" * 100)
    with pytest.raises(InputError, match="left input"):
        record([Recording("left", parse_source(str(broken)), 1.0, number)])


def test_a_fault_in_what_is_made_ends_it_with_a_word(tmp_path: Path) -> None:
    def fail(_picture: Picture, _since: float) -> int:
        raise ValueError("no use for it")

    film = write_numbered(tmp_path / "left.mp4", 12)
    with pytest.raises(InputError, match="ValueError: no use for it"):
        record([Recording("left", parse_source(str(film)), 1.0, fail)])
