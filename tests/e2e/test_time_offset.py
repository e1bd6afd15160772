"""A match whose right film was started later, through the whole way: what stands side by side is one moment."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from footage import read_frames
from runs import SIZE, Coded, refused, run, run_in_time, touchline
from touchline.geometry import Rig
from touchline.synth import SyntheticMatch
from touchline.synth.files import write_match

FPS = Fraction(30)
LATER = 20


@pytest.fixture(scope="module")
def footage(tmp_path_factory) -> Coded:
    folder = tmp_path_factory.mktemp("later")
    match = SyntheticMatch(3, SIZE, FPS, codes=True)
    write_match(folder, match, 4.0, right_later=LATER)
    return Coded(folder, match, 120)


@pytest.mark.parametrize("pace", ["live", pytest.param("fast", marks=pytest.mark.slow)])
def test_both_halves_of_the_panorama_show_one_moment(footage: Coded, tmp_path: Path, pace: str) -> None:
    video = tmp_path / "programme.mp4"
    production = run_in_time(**footage.inputs, view="panorama", pace=pace, duration=2, record=[video])
    found = read_frames(video, footage.reader_of_panorama())
    assert [codes for codes, _ in found] == [(i, i) for i in range(LATER, LATER + 60)]
    assert production.stitching.dropped.total == 0


def test_without_it_they_would_not(footage: Coded, tmp_path: Path) -> None:
    """What the test above sees is seen: with a rig that says nothing of time the right half is 20 frames ahead."""
    rig = Rig.load(footage.folder / "rig.json")
    Rig(rig.cameras).save(tmp_path / "plain.json")
    video = tmp_path / "programme.mp4"
    inputs = footage.inputs | {"rig": tmp_path / "plain.json"}
    run(**inputs, view="panorama", pace="fast", duration=0.5, record=[video])
    found = read_frames(video, footage.reader_of_panorama())
    assert [codes for codes, _ in found] == [(i, i + LATER) for i in range(15)]


def test_the_command_finds_it_and_writes_it(footage: Coded, tmp_path: Path) -> None:
    rig = Rig.load(footage.folder / "rig.json")
    Rig(rig.cameras, notes={"kept": True}).save(tmp_path / "rig.json")
    films = [footage.folder / f"{side}.mp4" for side in ("left", "right")]
    done = touchline(
        "offset", *films, "--rig", tmp_path / "rig.json", "-o", tmp_path / "found.json", COLUMNS="200"
    )
    assert done.returncode == 0, done.stderr
    assert "the right recording was started 0.66" in done.stdout
    found = Rig.load(tmp_path / "found.json")
    assert abs(found.time_offset_s - LATER / 30) < 0.1 / 30
    assert found.cameras == rig.cameras
    assert found.notes == {"kept": True}
    assert Rig.load(tmp_path / "rig.json").time_offset_s == 0.0


def test_what_can_not_be_told_is_refused_and_nothing_is_written(footage: Coded, tmp_path: Path) -> None:
    films = [footage.folder / f"{side}.mp4" for side in ("left", "right")]
    done = touchline(
        "offset", *films, "--rig", footage.folder / "rig.json", "-o", tmp_path / "found.json", "--reach", 0.3
    )
    assert "was not found; nothing was written" in refused(done, 2)
    assert not (tmp_path / "found.json").exists()
