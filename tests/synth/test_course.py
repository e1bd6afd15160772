"""The course of a match: out of the play, and out of a file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from touchline.errors import InputError
from touchline.geometry import Ground, angles_to_rays
from touchline.synth import SyntheticMatch
from touchline.synth.course import Course, read_course
from touchline.synth.files import write_match
from touchline.synth.pitch import EYE, HALF_LENGTH, HALF_WIDTH, field_outline


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("match")
    write_match(folder, SyntheticMatch(3, (160, 90)), 1.0)
    return folder / "truth.json"


def test_the_file_says_what_the_play_says(written: Path) -> None:
    course, rig = read_course(written)
    same = Course.of_match(3, 1.0)
    assert len(course) == 30
    for name in ("times_s", "ball_deg", "ball_m", "persons_deg", "persons_m"):
        assert np.abs(getattr(course, name) - getattr(same, name)).max() < 1e-3, name
    assert (course.in_play == same.in_play).all()
    assert (course.players == same.players).all()
    assert course.players.sum() == 22
    assert course.hidden is not None
    assert same.hidden is None
    assert rig.to_dict() == SyntheticMatch(3, (160, 90)).rig.to_dict()


def test_in_between_places_are_in_between(written: Path) -> None:
    course = read_course(written).course
    between = course.at(np.array([0.0, 0.05, course.times_s[-1]]))
    assert between.ball_deg[1] == pytest.approx((course.ball_deg[1] + course.ball_deg[2]) / 2, abs=1e-3)
    assert between.persons_m[2] == pytest.approx(course.persons_m[-1])
    with pytest.raises(ValueError, match="between its first and its last"):
        course.at(np.array([2.0]))


def test_a_single_moment_is_a_course() -> None:
    one = Course.of_match(3, 0.01)
    assert len(one) == 1
    assert one.at(one.times_s).ball_deg == pytest.approx(one.ball_deg)


def spoil(written: Path, folder: Path, old: str, new: str) -> Path:
    text = written.read_text()
    assert old in text
    path = folder / "truth.json"
    path.write_text(text.replace(old, new, 1))
    return path


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ('"touchline-truth"', '"something"', "reads touchline-truth"),
        ('"version": 1', '"version": 9', "touchline-truth 9"),
        ('"frames": [', '"films": [', "no list of frames"),
        ('"yaw_deg":', '"yam_deg":', "line [0-9]+: this is no frame"),
        ("\n ]\n}", "", "not whole"),
    ],
)
def test_other_files_are_refused(written: Path, tmp_path: Path, old: str, new: str, why: str) -> None:
    frames = written.read_text().index('"frames"')
    if old == '"yaw_deg":':  # of a frame, not of the rig
        text = written.read_text()
        path = tmp_path / "truth.json"
        path.write_text(text[:frames] + text[frames:].replace(old, new, 1))
    else:
        path = spoil(written, tmp_path, old, new)
    with pytest.raises(InputError, match=why):
        read_course(path)


@pytest.mark.parametrize("content", [b"", b"[1, 2]\n", b"\xff\xfe\x00", b"{\n"])
def test_what_is_no_truth_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "some.json"
    path.write_bytes(content)
    with pytest.raises(InputError, match="no truth"):
        read_course(path)
    with pytest.raises(InputError, match="can't be read"):
        read_course(tmp_path / "none.json")


def test_the_fields_outline_lies_on_the_ground() -> None:
    ground = Ground.below_mast(EYE[2], (EYE[0], EYE[1]))
    corners = ground.places(angles_to_rays(*np.radians(np.array(field_outline().points)).T))
    assert np.abs(corners) == pytest.approx(np.tile([HALF_LENGTH, HALF_WIDTH], (4, 1)))
