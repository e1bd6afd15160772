"""A rig file keeps every digit, and anything else is refused with a line that says why."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from touchline.errors import RigError
from touchline.geometry import Camera, Distortion, Rig

LEFT = Camera(1920, 1080, 1500.25, 1501.5, 961.1, 538.7, Distortion("brown", (-0.25, 0.1)), -21.3, -9.1, 0.4)
RIGHT = Camera(1920, 1080, 900.0, 900.0, 959.5, 539.5, Distortion("fisheye", (0.01,)), 22.1, -8.7, -1 / 3)
RIG = Rig((LEFT, RIGHT), error_px=0.61, notes={"matches": 163}, time_offset_s=-1.2345)


def test_a_rig_comes_back_from_its_file(tmp_path: Path) -> None:
    path = tmp_path / "rig.json"
    RIG.save(path)
    assert Rig.load(path) == RIG
    assert Rig.load(str(path)).right == RIGHT
    assert Rig.load(path).left.rotation == pytest.approx(LEFT.rotation)


def changed(**changes: Any) -> str:
    return json.dumps(RIG.to_dict() | changes)


def camera(**changes: Any) -> str:
    return changed(cameras=[LEFT.to_dict() | changes])


def without(key: str) -> str:
    return changed(cameras=[{k: v for k, v in LEFT.to_dict().items() if k != key}])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("nonsense", "is not JSON: line 1"),
        ("", "is not JSON"),
        ('{"format": ' + "9" * 5000 + "}", "is not JSON"),
        ("[" * 100_000, "is not JSON"),
        ("[]", "is not a rig file"),
        ("{}", "is not a rig file"),
        (changed(format="panorama"), "is not a rig file"),
        (changed(version=2), "has version 2; this Touchline reads 1"),
        (changed(cameras=[]), "at least one camera"),
        (changed(cameras=None), "TypeError"),
        (changed(cameras={"left": 1}), "AttributeError"),
        (without("fx"), "KeyError: 'fx'"),
        (camera(fx="wide"), "ValueError"),
        (camera(fx=float("nan")), "must be finite"),
        (camera(yaw_deg=float("inf")), "must be finite"),
        (camera(width=float("inf")), "OverflowError"),
        (camera(height=0), "above zero"),
        (camera(distortion={"model": "brown", "coefficients": [float("nan")]}), "finite"),
        (camera(distortion={"model": "magic"}), "unknown lens model"),
        (camera(distortion=7), "AttributeError"),
        (changed(error_px=float("nan")), "error_px"),
        (changed(notes=7), "TypeError"),
        (changed(time_offset_s="soon"), "ValueError"),
        (changed(time_offset_s=None), "TypeError"),
        (changed(time_offset_s=float("nan")), "time_offset_s must be a number of seconds from -60 to 60"),
        (changed(time_offset_s=float("-inf")), "time_offset_s"),
        (changed(time_offset_s=60.1), "time_offset_s"),
    ],
)
def test_what_is_no_rig_is_refused(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "rig.json"
    path.write_text(text)
    with pytest.raises(RigError, match=message) as caught:
        Rig.load(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_files_that_cannot_be_read_or_written(tmp_path: Path) -> None:
    with pytest.raises(RigError, match="can't be read: No such file"):
        Rig.load(tmp_path / "absent.json")
    binary = tmp_path / "binary.json"
    binary.write_bytes(b"\xff\xfe\x00\x81")
    with pytest.raises(RigError, match="it is not text"):
        Rig.load(binary)
    with pytest.raises(RigError, match="can't be written"):
        RIG.save(tmp_path / "absent" / "rig.json")


def test_a_rig_of_other_cameras_is_refused() -> None:
    RIG.check_sizes((1920, 1080), (1920, 1080))
    with pytest.raises(RigError, match="made for pictures of 1920x1080 and 1920x1080, these are 1280x720"):
        RIG.check_sizes((1280, 720), (1920, 1080), where="rig.json")
    with pytest.raises(RigError):
        RIG.check_sizes((1920, 1080))


def test_an_empty_rig_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one camera"):
        Rig(())


def test_a_rig_that_says_nothing_of_time_has_no_offset() -> None:
    """Files of before the field was there."""
    plain = {name: value for name, value in RIG.to_dict().items() if name != "time_offset_s"}
    assert Rig.from_dict(plain).time_offset_s == 0.0
