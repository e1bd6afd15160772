"""The benchmark of camera work: what was detected is kept, and what is said of the takes is true."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from benchmarks.camera_work import Job, film, kept_at, seen_play, verdicts, write

from touchline.analysis.detection_file import DetectionWriter
from touchline.analysis.detections import Detections
from touchline.director.comparison import EXPONENTIAL, OPTIMUM
from touchline.director.style import Style
from touchline.geometry import fit_panorama
from touchline.synth.rig import default_rig


def job(folder: Path, detector: str | None, seconds: float = 1.0) -> Job:
    return Job(seconds, (0.0, 7.0), detector, 5, folder, fresh=False, style=Style())


def test_what_was_detected_is_kept_and_read_again(tmp_path: Path) -> None:
    panorama = fit_panorama(default_rig(31))
    first = seen_play(31, job(tmp_path, "motion"), panorama).between(0, 10**10)
    (kept,) = tmp_path.iterdir()
    written = kept.stat().st_mtime_ns
    again = seen_play(31, job(tmp_path, "motion"), panorama).between(0, 10**10)
    assert [m.pts_ns for m in first] == [k * 200_000_000 for k in range(5)]
    assert again == first
    assert [path.name for path in tmp_path.iterdir()] == [kept.name]
    assert kept.stat().st_mtime_ns == written


def test_takes_are_judged_and_written(tmp_path: Path) -> None:
    seed, _, takes = film(7, job(tmp_path, None, seconds=5.0))
    names = [take.name for take in takes]
    assert {"planner, 0 s", "planner, 7 s", EXPONENTIAL, OPTIMUM} < set(names)
    table = verdicts({take.name: [take] for take in takes})
    assert table.title == "planner, 7 s, 1 matches"
    found = dict(zip(list(table.columns[0].cells), list(table.columns[1].cells), strict=True))
    planner, best = (next(t for t in takes if t.name == name) for name in ("planner, 7 s", OPTIMUM))
    assert found["cost above the optimum's"] == f"{planner.cost / best.cost - 1:.1%}"
    write({seed: takes}, tmp_path / "scores.json")
    told = json.loads((tmp_path / "scores.json").read_text())
    assert [row["camera"] for row in told] == names
    assert told[-1]["cost"] == pytest.approx(best.cost)
    assert {row["seed"] for row in told} == {7}


def test_with_a_detector_the_planner_is_told_the_truth_once(tmp_path: Path) -> None:
    """One row tells what is lost to the eyes; it is no point of the curve over delays."""
    blind_job, panorama = job(tmp_path, "none", seconds=4.0), fit_panorama(default_rig(31))
    with DetectionWriter(kept_at(31, blind_job), (panorama.width, panorama.height)) as writer:
        for k in range(20):
            writer.append(Detections(k * 200_000_000))
    _, _, takes = film(31, blind_job)
    told = next(take for take in takes if take.name == "planner, 7 s, truth")
    blind = next(take for take in takes if take.name == "planner, 7 s")
    assert told.delay_s is None
    assert told.cost < blind.cost
    assert blind.score.mean_fov_deg > told.score.mean_fov_deg
