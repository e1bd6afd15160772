"""A run whose right camera is knocked: noticed, told, reported, and put right in the film."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from footage import read_frames
from runs import in_plain_memory, run
from touchline.engine.books import report_of, stats_of
from touchline.geometry import Rig, fit_panorama
from touchline.gst.nv12 import Nv12
from touchline.synth import SyntheticMatch
from touchline.synth.files import write_match
from turning import seen_by, turned

FPS = Fraction(10)
SIZE = (640, 360)
KNOCK_S, SECONDS = 6.0, 13.0


class Knocked(SyntheticMatch):
    """The right camera is turned by some pixels at :data:`KNOCK_S`."""

    def draw(self, index: int, left: Nv12, right: Nv12) -> None:
        super().draw(index, left, right)
        if self.time_of(index) >= KNOCK_S:
            now = turned(self.rig.right, 9.0, -6.0, 0.2)
            right.copy_from(seen_by(right, self.rig.right, now))


@pytest.fixture(scope="module")
def footage(tmp_path_factory: pytest.TempPathFactory) -> tuple[Knocked, Path]:
    folder = tmp_path_factory.mktemp("knocked")
    match = Knocked(5, SIZE, FPS)
    write_match(folder, match, SECONDS)
    return match, folder


def likeness_db(match: SyntheticMatch, rig: Rig, film: Path, seconds: float) -> float:
    """PSNR of the film's right half against the scene itself, after the best gain and offset."""
    panorama = fit_panorama(rig)
    index = round(seconds * FPS)
    frames = read_frames(film, lambda y: y.copy())
    shown = frames[index][0].astype(float)
    truth = match.panorama(index, panorama).y.astype(float)
    part = np.s_[20:-20, round(panorama.width * 0.6) : -40]
    one, two = shown[part].ravel(), truth[part].ravel()
    gain, offset = np.polyfit(one, two, 1)
    return float(10 * np.log10(255**2 / np.mean((gain * one + offset - two) ** 2)))


@in_plain_memory
def test_a_knock_is_put_right_in_the_film(footage: tuple[Knocked, Path], tmp_path: Path) -> None:
    match, folder = footage
    likeness, said = {}, {}
    for mode in ("report", "correct"):
        film = tmp_path / f"{mode}.mkv"
        production = run(
            left=str(folder / "left.mp4"),
            right=str(folder / "right.mp4"),
            rig=folder / "rig.json",
            view="panorama",
            pace="fast",
            drift=mode,
            record=[film],
        )
        likeness[mode] = [likeness_db(match, Rig.load(folder / "rig.json"), film, at) for at in (5.0, 12.5)]
        said[mode] = [note for note in production.notes if "camera was knocked" in note]
        drift = report_of(production).drift
        assert drift is not None
        assert (drift.mode, drift.looks, drift.knocks) == (mode, 6, 1)
        assert drift.corrections == (mode == "correct")
        assert drift.right_px == pytest.approx(np.hypot(9, 6), abs=1.0)
        assert drift.left_px < 0.5
        assert stats_of(production).stages["drift"].count == 6
    assert len(said["report"]) == len(said["correct"]) == 1
    assert "--drift correct" in said["report"][0]
    before, after = likeness["correct"]
    assert abs(before - likeness["report"][0]) < 0.1
    assert after > before - 1.0, "as good as before the knock"
    assert after > likeness["report"][1] + 3.0


def test_off_looks_at_nothing(tmp_path: Path) -> None:
    production = run(
        synthetic=1,
        synthetic_size="320x180",
        duration=0.5,
        pace="fast",
        drift="off",
        record=[tmp_path / "a.mkv"],
    )
    assert report_of(production).drift is None
    assert "drift" not in stats_of(production).stages
