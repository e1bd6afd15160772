"""What ``touchline calibrate`` keeps of the rig that it writes over."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from touchline.cli.calibration import with_field
from touchline.geometry import Rig
from touchline.synth.rig import default_rig

FIELD = ((-60.0, -9.0), (-32.0, -5.5), (32.0, -5.5), (60.0, -9.0), (0.0, -40.0))


RIG = replace(default_rig(1), field=())  # as a search finds it


def turned(rig: Rig, degrees: float) -> Rig:
    left = replace(rig.left, yaw_deg=rig.left.yaw_deg + degrees)
    return Rig((left, rig.right))


def test_the_field_is_kept_while_the_cameras_stand(tmp_path: Path) -> None:
    """It used to be lost with every new search, without a word."""
    path = tmp_path / "rig.json"
    replace(RIG, field=FIELD).save(path)
    kept, told = with_field(turned(RIG, 0.1), path)
    assert kept.field == FIELD
    assert "taken over" in told


def test_the_field_of_cameras_that_were_turned_is_gone_and_that_is_said(tmp_path: Path) -> None:
    path = tmp_path / "rig.json"
    replace(RIG, field=FIELD).save(path)
    for other in (turned(RIG, 1.0), replace(default_rig(1, (1920, 1080)), field=())):
        left, told = with_field(other, path)
        assert left.field == ()
        assert "is gone" in told
        assert "touchline field" in told


def test_nothing_is_said_where_there_was_no_field(tmp_path: Path) -> None:
    path = tmp_path / "rig.json"
    rig = RIG
    assert with_field(rig, path) == (rig, "")
    rig.save(path)
    assert with_field(rig, path) == (rig, "")
    path.write_text("{", encoding="utf-8")
    assert with_field(rig, path) == (rig, "")
