"""The path beside a recording: what is written is read, and nothing else passes for one."""

from __future__ import annotations

import math
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from touchline.director.path_file import PathInfo, PathWriter, read_path
from touchline.director.score import score
from touchline.errors import InputError
from touchline.geometry import Panorama, View
from touchline.synth.course import Course

PANORAMA = Panorama("equirectangular", 1800, 480, *(math.radians(a) for a in (-85, 85, -34, 14)))
INFO = PathInfo(1280, 720, Fraction(30), PANORAMA)


def write(path: Path, views: list[View], info: PathInfo = INFO) -> None:
    with PathWriter(path, info) as writer:
        for k, view in enumerate(views):
            writer.append(round(k * 1e9 / 30), view, "manual" if k % 10 == 5 else "follow")


def test_what_is_written_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.path.jsonl"
    views = [View(k / 7, -10 + k / 90, 40 - k / 30) for k in range(60)]
    write(path, views)
    found = read_path(path)
    assert found.path.angles_deg == pytest.approx(
        np.array([(v.yaw_deg, v.pitch_deg, v.fov_deg) for v in views])
    )
    assert found.path.times_s == pytest.approx(np.arange(60) / 30)
    assert found.modes.count("manual") == 6
    assert (found.info.width, found.info.height, found.info.fps) == (1280, 720, 30)
    assert found.info.panorama is not None
    told = found.info.panorama
    assert (told.projection, told.width, told.height) == (PANORAMA.projection, 1800, 480)
    assert (told.yaw_min, told.yaw_max, told.pitch_min, told.pitch_max) == pytest.approx(
        (PANORAMA.yaw_min, PANORAMA.yaw_max, PANORAMA.pitch_min, PANORAMA.pitch_max)
    )
    path.write_bytes(path.read_bytes()[:-20])
    assert len(read_path(path).path) == 59


def test_rounding_is_no_jerk(tmp_path: Path) -> None:
    """With four digits of a degree an even pan would come out of the file with a jerk of 0.2 degrees / s^3."""
    path = tmp_path / "a.path.jsonl"
    write(path, [View(k / 17, -10.0, 40.0) for k in range(90)], PathInfo(1280, 720, Fraction(30)))
    read = read_path(path)
    assert read.info.panorama is None
    assert score(read.path, Course.of_match(1, 3.0), read.info.aspect).jerk < 0.005


def test_an_empty_path_is_one(tmp_path: Path) -> None:
    write(tmp_path / "a.path.jsonl", [])
    assert len(read_path(tmp_path / "a.path.jsonl").path) == 0


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ('{"pts_ns":5,"yaw":1,"pitch":2,"fov":40}', "line 3: no 'mode'"),
        ('{"pts_ns":5,"yaw":1,"pitch":2,"fov":400,"mode":"follow"}', "line 3: a field of view"),
        ('{"pts_ns":0,"yaw":1,"pitch":2,"fov":40,"mode":"follow"}', "line 3: a frame of 0 ns can't follow"),
        ('{"pts_ns":5,"yaw":"1","pitch":2,"fov":40,"mode":"follow"}', "line 3: '1' is no number"),
        ('{"pts_ns":5,"yaw":1,"pitch":2,"fov":40,"mode":7}', "line 3: 7 is no mode"),
    ],
)
def test_a_corrupt_line_is_named(tmp_path: Path, line: str, why: str) -> None:
    path = tmp_path / "a.path.jsonl"
    write(path, [View(0, 0, 40)])
    path.write_text(path.read_text() + line + "\n")
    with pytest.raises(InputError, match=why):
        read_path(path)


@pytest.mark.parametrize("size", [(0, 720), (1280, 0)])
def test_a_picture_without_a_size_is_refused(tmp_path: Path, size: tuple[int, int]) -> None:
    path = tmp_path / "a.path.jsonl"
    write(path, [], PathInfo(*size, Fraction(30)))
    with pytest.raises(InputError, match="line 1: no picture measures"):
        read_path(path)
