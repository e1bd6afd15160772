"""The demo, as a person runs it first: what it leaves can be watched, read and looked at."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from footage import read_frames
from runs import touchline, touchline_here
from touchline.geometry import Rig, fit_panorama

YELLOW = (0, 220, 255)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A demo of two seconds; again if the machine was held up while it was shown, as by the tests beside this one."""
    for _ in range(3):
        place = tmp_path_factory.mktemp("demo") / "of" / "touchline"
        done = touchline("demo", place, "--seconds", 2, "--delay", 1)
        assert done.returncode == 0, done.stderr
        if json.loads((place / "report.json").read_text())["frames"]["repeated"] == 0:
            break
    for name in ("programme.mp4", "overview.png", "report.json", "match"):
        assert str(place / name) in done.stdout
    return place


def test_the_programme_has_every_frame_that_the_report_counts(folder: Path) -> None:
    """On a machine that keeps up these are all sixty; one that does not says how many it lost."""
    report = json.loads((folder / "report.json").read_text())
    frames = report["frames"]
    lost = sum(frames["dropped"].values())
    assert report["delay_s"] == 1.0
    assert frames["captured"] == [60, 60]
    assert frames["paired"] == frames["stitched"] + frames["dropped"].get("stitch pool_empty", 0)
    assert frames["repeated"] == 0
    assert 60 - lost <= frames["played"] <= 60
    (output,) = report["outputs"]
    assert (output["kind"], output["frames"]) == ("record", frames["played"])
    shown = read_frames(folder / "programme.mp4", lambda y: (y.shape, float(y.std())))
    assert len(shown) == frames["played"]
    assert {shape for (shape, _), _ in shown} == {(720, 1280)}
    assert min(contrast for (_, contrast), _ in shown) > 15, "a picture without anything in it"
    times = [pts * 30 / 1e9 for _, pts in shown]
    assert times == sorted(times)
    assert max(abs(time - round(time)) for time in times) < 0.03
    assert round(times[0]) + len(shown) + lost >= 60


def test_the_report_is_of_this_run(folder: Path) -> None:
    report = json.loads((folder / "report.json").read_text())
    rig = Rig.load(folder / "match" / "rig.json")
    panorama = fit_panorama(rig)
    memory = report["memory"]
    assert memory["frame_bytes"] == panorama.width * panorama.height * 3 // 2
    assert memory["held_bytes_peak"] == report["frames"]["held_peak"] * memory["frame_bytes"]
    assert memory["rss_peak_bytes"] <= memory["planned_bytes"] + 700_000_000
    assert 10 < report["frames"]["held_peak"] <= memory["planned_frames"]
    assert memory["pixel_copies"] == 0
    assert {"stitch", "render", "analysis"} <= set(report["stages"])


def test_the_match_is_left_to_run_again(folder: Path) -> None:
    match = folder / "match"
    assert {path.name for path in match.iterdir()} == {"left.mp4", "right.mp4", "rig.json", "truth.json"}
    assert len(json.loads((match / "truth.json").read_text())["frames"]) == 60


def test_the_overview_shows_panorama_view_and_programme(folder: Path) -> None:
    picture = cv2.imread(str(folder / "overview.png"))
    panorama = fit_panorama(Rig.load(folder / "match" / "rig.json"))
    height = round(1400 * panorama.height / panorama.width)
    narrow = round(height * 16 / 9)
    assert picture.shape == (40 + 5 * (height + 6), 1400 + 6 + narrow, 3)
    for index in range(5):
        part = picture[40 + index * (height + 6) :][:height]
        wide, programme = part[:, :1400], part[:, 1406:]
        assert wide.std() > 20
        assert programme.std() > 15
        outline = np.abs(wide.astype(int) - YELLOW).max(axis=-1) < 40
        rows, columns = outline.nonzero()
        assert len(rows) > 300, "the view is not drawn"
        assert np.ptp(columns) > 200
        # What lies inside the outline is what the programme shows, in its colours.
        inside = wide[rows.min() + 10 : rows.max() - 10, columns.min() + 10 : columns.max() - 10]
        assert np.abs(inside.mean(axis=(0, 1)) - programme.mean(axis=(0, 1))).max() < 20


def test_the_folder_can_not_be_made(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")
    done = touchline_here("demo", tmp_path / "taken", "--seconds", 2)
    assert done.returncode == 5
    assert "can't be made" in done.stderr
