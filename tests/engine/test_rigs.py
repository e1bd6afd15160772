"""Which rig a run gets: the given one, the one that was found earlier in this footage, or a new one."""

from __future__ import annotations

import os
import shutil
from fractions import Fraction
from pathlib import Path

import pytest

from footage import write_numbered
from touchline.capture import SourceUri, parse_source
from touchline.engine import rigs
from touchline.engine.rigs import rig_for, rig_path_for
from touchline.errors import CalibrationError, RigError
from touchline.geometry import Rig
from touchline.synth.rig import default_rig


@pytest.fixture(scope="module")
def searched(coded, tmp_path_factory) -> tuple[Path, Rig, list[str]]:
    """A folder in which a rig was looked for and kept, that rig, and what was said."""
    folder = tmp_path_factory.mktemp("searched")
    for side in ("left", "right"):
        shutil.copy2(coded(Fraction(30)).folder / f"{side}.mp4", folder)
    said: list[str] = []
    return folder, rig_for(*cameras(folder), None, said.append), said


@pytest.fixture
def folder(searched: tuple[Path, Rig, list[str]], tmp_path: Path) -> Path:
    """The same films and the kept rig somewhere else."""
    shutil.copytree(searched[0], tmp_path / "match")
    return tmp_path / "match"


def cameras(folder: Path) -> tuple[SourceUri, SourceUri]:
    return parse_source(str(folder / "left.mp4")), parse_source(str(folder / "right.mp4"))


@pytest.fixture
def searches(monkeypatch) -> list[Path]:
    """Where a new rig would have been kept, for each search that was begun; no search is made."""
    begun: list[Path] = []

    def find_rig(left: SourceUri, right: SourceUri, kept: Path, say: rigs.Say) -> Rig:
        begun.append(kept)
        return default_rig(77)

    monkeypatch.setattr(rigs, "find_rig", find_rig)
    return begun


def test_a_rig_is_kept_beside_the_left_film(tmp_path: Path) -> None:
    places = {
        "left.mp4": "left.rig.json",
        "first.half.mkv": "first.half.rig.json",
        "Kamera links": "Kamera links.rig.json",
        "ü [1].mp4": "ü [1].rig.json",
    }
    for film, kept in places.items():
        (tmp_path / film).write_bytes(b"")
        assert rig_path_for(parse_source(str(tmp_path / film))) == tmp_path / kept
        assert rig_path_for(parse_source((tmp_path / film).as_uri())) == tmp_path / kept


def test_the_rig_of_a_stream_is_kept_where_the_run_is(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    for uri in ("rtsp://10.0.0.11/main", "srt://host:9000", "csi://0", "test://ball"):
        assert rig_path_for(parse_source(uri)) == tmp_path / "touchline.rig.json"


def test_a_rig_that_is_found_is_kept(searched: tuple[Path, Rig, list[str]]) -> None:
    folder, rig, said = searched
    assert Rig.load(folder / "left.rig.json") == rig
    assert said[-1] == f"Rig: kept in {folder / 'left.rig.json'}"
    rig.check_sizes((640, 360), (640, 360))
    assert rig.error_px is not None
    assert rig.error_px < 1.5
    assert abs(rig.time_offset_s) < 0.1 / 30, "both films were started together"


def test_a_kept_rig_is_used_again_and_that_is_said(
    folder: Path, searched: tuple[Path, Rig, list[str]], searches: list[Path]
) -> None:
    """Also where the folder has been moved to."""
    said: list[str] = []
    assert rig_for(*cameras(folder), None, said.append) == searched[1]
    assert said == [f"Rig: {folder / 'left.rig.json'}, found earlier"]
    assert searches == []


def test_a_given_rig_wins(folder: Path, searches: list[Path], tmp_path: Path) -> None:
    """Over one that was kept for these very cameras; nothing is said, written or looked for."""
    before = (folder / "left.rig.json").read_bytes()
    given = default_rig(2)
    given.save(tmp_path / "given.json")
    said: list[str] = []
    assert rig_for(*cameras(folder), tmp_path / "given.json", said.append) == given
    assert said == []
    assert searches == []
    assert (folder / "left.rig.json").read_bytes() == before


def test_a_given_rig_that_is_none_is_not_replaced(folder: Path, searches: list[Path], tmp_path: Path) -> None:
    with pytest.raises(RigError, match="can't be read"):
        rig_for(*cameras(folder), tmp_path / "nowhere.json", lambda _: None)
    assert searches == []


@pytest.mark.parametrize(
    "change", ["a longer right film", "another name", "a new film of the same name", "swapped"]
)
def test_other_footage_is_looked_at_anew(folder: Path, searches: list[Path], change: str) -> None:
    """A rig that was found for the match of last week, whose films had the same names, must not be used."""
    left, right = cameras(folder)
    if change == "a longer right film":
        state = Path(right.target).stat()
        Path(right.target).write_bytes(Path(right.target).read_bytes() + b"\0" * 8)
        os.utime(right.target, ns=(state.st_atime_ns, state.st_mtime_ns))
    elif change == "another name":
        right = parse_source(str(Path(right.target).rename(folder / "other.mp4")))
    elif change == "a new film of the same name":
        state = Path(left.target).stat()
        os.utime(left.target, ns=(state.st_atime_ns, state.st_mtime_ns + 10**9))
    else:
        shutil.copy(folder / "left.rig.json", folder / "right.rig.json")
        left, right = right, left
    kept = rig_path_for(left)
    assert kept.exists()
    said: list[str] = []
    assert rig_for(left, right, None, said.append) == default_rig(77)
    assert searches == [kept]
    assert str(kept) in said[0]
    assert "found earlier" not in said[0]


def test_a_rig_that_a_person_put_there_is_used(folder: Path, searches: list[Path]) -> None:
    """It says nothing of footage, so whoever made it answers for it."""
    default_rig(5).save(folder / "left.rig.json")
    assert rig_for(*cameras(folder), None, lambda _: None) == default_rig(5)
    assert searches == []


def test_a_kept_file_that_is_broken_is_named(folder: Path) -> None:
    (folder / "left.rig.json").write_text("{")
    with pytest.raises(RigError, match=r"left\.rig\.json is not JSON"):
        rig_for(*cameras(folder), None, lambda _: None)


def test_where_no_rig_can_be_found_nothing_is_kept(tmp_path: Path) -> None:
    write_numbered(tmp_path / "left.mp4", 10)
    write_numbered(tmp_path / "right.mp4", 10, first=500)
    said: list[str] = []
    with pytest.raises(CalibrationError, match="match"):
        rig_for(*cameras(tmp_path), None, said.append)
    assert said == ["Rig: none given; looking for it in the footage ..."]
    assert not (tmp_path / "left.rig.json").exists()
