"""Beside a recording: who played where and where the camera looked, as the run itself knew it."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from footage import read_frames
from runs import Coded, run
from touchline.analysis.track_file import TrackFile
from touchline.director.path_file import read_path

FPS = Fraction(30)


@pytest.fixture(scope="module")
def footage(coded) -> Coded:
    return coded(FPS)


def test_a_recorded_follower_has_its_tracks_and_its_path(footage: Coded, tmp_path) -> None:
    video = tmp_path / "match.mp4"
    (tmp_path / "match.path.jsonl").write_text("an earlier one\n")
    production = run(**footage.inputs, view="follow", size="320x180", pace="fast", record=[video])
    path = read_path(tmp_path / "match.path.jsonl")
    shown = [view for _, view in production.showing.path]
    assert len(path.path.times_s) == footage.frames == len(shown)
    assert set(path.modes) == {"follow"}
    assert path.path.angles_deg == pytest.approx(
        np.array([(view.yaw_deg, view.pitch_deg, view.fov_deg) for view in shown]), abs=1e-5
    )
    assert (path.info.width, path.info.height, path.info.fps) == (320, 180, FPS)
    assert (tmp_path / "match.path.1.jsonl").read_text() == "an earlier one\n"
    assert any("match.path.jsonl" in note for note in production.notes)
    tracks = TrackFile(tmp_path / "match.tracks.jsonl")
    moments = tracks.between(0, 10**12)
    assert [moment.pts_ns for moment in moments] == [round(n * 1e9 / 10) for n in range(10)]
    assert tracks.scene.panorama == production.scene.panorama
    assert tracks.scene.field is not None


def test_a_panorama_has_tracks_if_they_are_asked_for(footage: Coded, tmp_path) -> None:
    plain, asked = tmp_path / "plain.mkv", tmp_path / "asked.mkv"
    run(**footage.inputs, view="panorama", pace="fast", record=[plain])
    run(**footage.inputs, view="panorama", pace="fast", record=[asked], tracks=True)
    assert sorted(file.name for file in tmp_path.iterdir()) == [
        "asked.mkv",
        "asked.tracks.jsonl",
        "plain.mkv",
    ]
    assert len(TrackFile(tmp_path / "asked.tracks.jsonl").between(0, 10**12)) == 10
    codes = [code for code, _ in read_frames(asked, footage.reader_of_panorama())]
    assert codes == [(n, n) for n in range(footage.frames)]


def test_notes_that_can_not_be_written_cost_the_recording_nothing(footage: Coded, tmp_path) -> None:
    video = tmp_path / "match.mkv"
    (tmp_path / "match.tracks.jsonl").mkdir()
    production = run(
        **footage.inputs, view="panorama", pace="fast", record=[video], tracks=True, overwrite=True
    )
    codes = [code for code, _ in read_frames(video, footage.reader_of_panorama())]
    assert codes == [(n, n) for n in range(footage.frames)]
    assert sum("No more is written beside the recording" in note for note in production.notes) == 1
