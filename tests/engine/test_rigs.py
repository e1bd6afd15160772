"""Which rig a run gets: the given one, the one that was found earlier for these cameras, or a new one."""

from __future__ import annotations

import json
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from footage import write_numbered
from touchline.capture import SourceUri, parse_source
from touchline.engine.rigs import rig_for, rig_path_for
from touchline.errors import CalibrationError, RigError
from touchline.geometry import Rig
from touchline.synth.rig import default_rig

SIZE = (320, 180)


@pytest.fixture(scope="module")
def footage(tmp_path_factory) -> Path:
    """Two films in which no rig can be found: whoever looks for one says so."""
    folder = tmp_path_factory.mktemp("no_rig")
    write_numbered(folder / "left.mp4", 20)
    write_numbered(folder / "right.mp4", 20, first=500)
    return folder


@pytest.fixture
def cameras(footage: Path, tmp_path: Path) -> tuple[SourceUri, SourceUri]:
    """The same films in a folder where nothing has been kept yet."""
    for side in ("left", "right"):
        (tmp_path / f"{side}.mp4").symlink_to(footage / f"{side}.mp4")
    return source(tmp_path / "left.mp4"), source(tmp_path / "right.mp4")


def source(path: Path) -> SourceUri:
    """A file by its own name, also where it is a link."""
    return replace(parse_source(str(path)), target=str(path))


def keep(left: SourceUri, right: SourceUri, seed: int = 1) -> Rig:
    """Keeps a rig as a run does that has found one for these cameras."""
    found = default_rig(seed, SIZE)
    rig = Rig(found.cameras, 0.3, {"cameras": [left.shown, right.shown]})
    rig.save(rig_path_for(left))
    return rig


def test_a_rig_is_kept_beside_the_left_film(tmp_path: Path) -> None:
    for name in ("left.mp4", "first.half.mkv", "Kamera links", "ü [1].mp4"):
        (tmp_path / name).write_bytes(b"")
    places = {
        name: rig_path_for(parse_source(str(tmp_path / name)))
        for name in ("left.mp4", "first.half.mkv", "Kamera links", "ü [1].mp4")
    }
    assert places == {
        "left.mp4": tmp_path / "left.rig.json",
        "first.half.mkv": tmp_path / "first.half.rig.json",
        "Kamera links": tmp_path / "Kamera links.rig.json",
        "ü [1].mp4": tmp_path / "ü [1].rig.json",
    }
    assert rig_path_for(parse_source((tmp_path / "left.mp4").as_uri())) == tmp_path / "left.rig.json"


def test_the_rig_of_a_stream_is_kept_where_the_run_is(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    for uri in ("rtsp://10.0.0.11/main", "srt://host:9000", "csi://0", "test://ball"):
        assert rig_path_for(parse_source(uri)) == tmp_path / "touchline.rig.json"


def test_a_given_rig_wins(cameras, tmp_path: Path) -> None:
    """Over one that was kept for these very cameras; nothing is said, written or looked for."""
    kept = keep(*cameras)
    given = default_rig(2, SIZE)
    given.save(tmp_path / "given.json")
    said: list[str] = []
    assert rig_for(*cameras, tmp_path / "given.json", said.append) == given
    assert said == []
    assert Rig.load(rig_path_for(cameras[0])) == kept


def test_a_given_rig_that_is_none_is_not_replaced(cameras, tmp_path: Path) -> None:
    keep(*cameras)
    with pytest.raises(RigError, match="can't be read"):
        rig_for(*cameras, tmp_path / "nowhere.json", lambda _: None)


def test_a_kept_rig_is_used_again_and_that_is_said(cameras) -> None:
    kept = keep(*cameras)
    said: list[str] = []
    assert rig_for(*cameras, None, said.append) == kept
    assert said == [f"Rig: {rig_path_for(cameras[0])}, found earlier"]


def test_a_kept_rig_of_another_pair_is_not_used(cameras, footage: Path, tmp_path: Path) -> None:
    """The left film is the same; the right one is another: a new rig is looked for, and here none is found."""
    left, right = cameras
    (tmp_path / "other.mp4").symlink_to(footage / "right.mp4")
    keep(left, source(tmp_path / "other.mp4"))
    before = rig_path_for(left).read_bytes()
    said: list[str] = []
    with pytest.raises(CalibrationError, match="match"):
        rig_for(left, right, None, said.append)
    assert said == ["Rig: none given; looking for it in the footage ..."]
    assert rig_path_for(left).read_bytes() == before, "what was kept stays"


def test_a_kept_file_without_cameras_is_not_used(cameras) -> None:
    """A rig that somebody wrote there by hand, or for the same films in the other order."""
    left, right = cameras
    data = keep(left, right).to_dict()
    for notes in ({}, {"cameras": [right.shown, left.shown]}):
        rig_path_for(left).write_text(json.dumps({**data, "notes": notes}))
        said: list[str] = []
        with pytest.raises(CalibrationError):
            rig_for(left, right, None, said.append)
        assert len(said) == 1
        assert "looking for it" in said[0]


def test_a_kept_file_that_is_broken_is_named(cameras) -> None:
    rig_path_for(cameras[0]).write_text("{")
    with pytest.raises(RigError, match=r"left\.rig\.json is not JSON"):
        rig_for(*cameras, None, lambda _: None)


def test_a_rig_that_was_found_is_kept_and_found_again(coded, tmp_path: Path) -> None:
    """Whatever can't be written is said, and the run has its rig all the same."""
    films = coded(Fraction(30)).folder
    for side in ("left", "right"):
        (tmp_path / f"{side}.mp4").write_bytes((films / f"{side}.mp4").read_bytes())
    left, right = source(tmp_path / "left.mp4"), source(tmp_path / "right.mp4")
    said: list[str] = []
    found = rig_for(left, right, None, said.append)
    assert said[-1] == f"Rig: kept in {tmp_path / 'left.rig.json'}"
    assert found.notes["cameras"] == [str(tmp_path / "left.mp4"), str(tmp_path / "right.mp4")]
    assert found.error_px is not None
    assert found.error_px < 1.5
    said.clear()
    assert rig_for(left, right, None, said.append) == found
    assert said == [f"Rig: {tmp_path / 'left.rig.json'}, found earlier"]
