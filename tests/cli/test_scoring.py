"""``touchline score`` on the command line: what it says, what it writes, and how it refuses."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import cv2
import pytest

from touchline.cli.score import score
from touchline.director.path_file import PathInfo, PathWriter
from touchline.errors import ConfigurationError, InputError, OutputError, TouchlineError
from touchline.geometry import View
from touchline.synth import SyntheticMatch
from touchline.synth.files import write_match


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The truth of a second and a half of match, and a path of a camera that holds its ball in the middle."""
    made = tmp_path_factory.mktemp("scored")
    match = SyntheticMatch(4, (160, 90))
    write_match(made, match, 1.5)
    with PathWriter(made / "a.path.jsonl", PathInfo(1280, 720, Fraction(30))) as writer:
        for k in range(45):
            ball = match.truth(k).ball
            writer.append(round(k * 1e9 / 30), View(ball.yaw_deg, ball.pitch_deg, 40.0), "follow")
    return made


def test_a_path_is_scored_by_the_truth(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plot, report = tmp_path / "pan.png", tmp_path / "score.json"
    score(folder / "a.path.jsonl", truth=folder / "truth.json", plot=plot, report=report)
    said = capsys.readouterr()
    assert "ball in frame" in said.out
    assert "100.0 %" in said.out
    assert "a.path.jsonl: 1.5 s" in said.out
    (told,) = json.loads(report.read_text())
    assert told["camera"] == "a.path.jsonl"
    assert told["ball_off_deg"] < 0.01
    assert told["mean_fov_deg"] == pytest.approx(40)
    assert cv2.imread(str(plot)).shape == (1000, 1600, 3)


def test_an_offset_moves_the_path(folder: Path, tmp_path: Path) -> None:
    """Three tenths of a second early the ball is no longer on the axis: it is kicked off meanwhile."""
    report = tmp_path / "score.json"
    score(folder / "a.path.jsonl", truth=folder / "truth.json", offset=-0.3, report=report)
    assert json.loads(report.read_text())[0]["ball_off_deg"] > 0.1


def test_the_built_in_comparison(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    report = tmp_path / "score.json"
    score(synthetic=6, duration=4.0, delay=[3.0, 1.0, 3.0], report=report)
    said = capsys.readouterr().out
    told = {row["camera"]: row for row in json.loads(report.read_text())}
    assert [name for name in told if name.startswith("planner")] == ["planner, 1 s", "planner, 3 s"]
    assert {"fixed, wide", "exponential", "Kalman", "convex, 0.5 s", "optimum"} < set(told)
    assert all(name in said for name in told)
    assert told["optimum"]["cost"] <= 1.01 * min(row["cost"] for row in told.values())


@pytest.mark.parametrize(
    ("asked", "kind", "why"),
    [
        ({}, ConfigurationError, "give a path and --truth FILE"),
        ({"path": "a.path.jsonl"}, ConfigurationError, "give a path and --truth FILE"),
        ({"path": "a.path.jsonl", "truth": "rig.json"}, InputError, "no truth"),
        ({"path": "truth.json", "truth": "truth.json"}, InputError, "these are no path"),
        ({"path": "none.jsonl", "truth": "truth.json"}, InputError, "can't be read"),
        ({"path": "a.path.jsonl", "truth": "truth.json", "offset": 50.0}, InputError, "less than a second in common"),
        ({"path": "a.path.jsonl", "truth": "truth.json", "near": 0.0}, ConfigurationError, "--near"),
        ({"path": "a.path.jsonl", "truth": "truth.json", "offset": float("nan")}, ConfigurationError, "--offset"),
        ({"path": "a.path.jsonl", "truth": "truth.json", "plot": "no/a.png"}, OutputError, "can't be written"),
        ({"path": "a.path.jsonl", "truth": "truth.json", "report": "no/a.json"}, OutputError, "can't be written"),
        ({"synthetic": 1, "path": "a.path.jsonl"}, ConfigurationError, "brings its own truth"),
        ({"synthetic": 1, "duration": 1.0}, ConfigurationError, "--duration is 2 to 3600 s"),
        ({"synthetic": 1, "delay": [99.0]}, ConfigurationError, "--delay is 0 to 60 s"),
        ({"synthetic": 1, "sport": "curling"}, ConfigurationError, "known are football"),
        ({"synthetic": 1, "style": "wild"}, ConfigurationError, "known are calm"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused(
    folder: Path, asked: dict[str, object], kind: type[TouchlineError], why: str
) -> None:
    files = ("path", "truth", "plot", "report")
    with pytest.raises(kind, match=why):
        score(**{name: folder / str(value) if name in files else value for name, value in asked.items()})  # type: ignore[arg-type]
