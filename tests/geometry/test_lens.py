"""A lens file keeps every digit, fits pictures of its shape in any size, and anything else is refused in one line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from touchline.errors import RigError
from touchline.geometry import Camera, Distortion
from touchline.geometry.lens import load_lens, save_lens

LENS = Camera(
    1920, 1080, 1500.25, 1501.5, 961.1, 538.7, Distortion("brown", (-0.25, 0.1, 0.001, -0.002, 0.01))
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    save_lens(tmp_path / "lens.json", LENS, {"views": 20})
    return tmp_path / "lens.json"


def test_a_lens_comes_back_without_angles(path: Path) -> None:
    assert load_lens(path) == LENS
    assert load_lens(path, (1920, 1080)) == LENS
    data = json.loads(path.read_text())
    assert data["format"] == "touchline-lens"
    assert data["notes"] == {"views": 20}
    assert "yaw_deg" not in data["camera"]


def test_the_same_lens_for_smaller_pictures(path: Path) -> None:
    small = load_lens(path, (640, 360))
    pixels = np.array([[0.0, 0.0], [1919.0, 1079.0], [400.0, 900.0]])
    assert small.unproject((pixels + 0.5) / 3 - 0.5) == pytest.approx(LENS.unproject(pixels), abs=1e-9)


def test_pictures_of_another_shape_are_refused(path: Path) -> None:
    with pytest.raises(RigError, match=r"made for 1920x1080, and these are 1440x1080, of another shape"):
        load_lens(path, (1440, 1080))


def changed(**changes: Any) -> str:
    plain = {"format": "touchline-lens", "version": 1, "camera": LENS.to_dict(), "notes": {}}
    return json.dumps(plain | changes)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is not JSON"),
        ("[" * 100_000, "is not JSON"),
        ("[]", "is not a lens file"),
        (changed(format="touchline-rig"), "is not a lens file"),
        (changed(version=2), "has version 2; this Touchline reads 1"),
        (changed(camera=None), "TypeError"),
        (changed(camera={}), "KeyError: 'width'"),
        (changed(camera=LENS.to_dict() | {"fx": -1}), "above zero"),
    ],
)
def test_what_is_no_lens_is_refused(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "lens.json"
    path.write_text(text)
    with pytest.raises(RigError, match=message) as caught:
        load_lens(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_files_that_can_not_be_read_or_written(tmp_path: Path) -> None:
    with pytest.raises(RigError, match="can't be read: No such file"):
        load_lens(tmp_path / "absent.json")
    with pytest.raises(RigError, match="can't be written"):
        save_lens(tmp_path / "absent" / "lens.json", LENS)
    (tmp_path / "binary.json").write_bytes(b"\xff\xfe\x00\x81")
    with pytest.raises(RigError, match="is not JSON"):
        load_lens(tmp_path / "binary.json")
