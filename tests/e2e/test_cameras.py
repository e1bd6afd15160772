"""Cameras of all kinds through the whole way: unequal ones, drawn ones, real ones, and what is found out of them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest

from alignment import misalignment
from footage import hash_of, read_frames
from runs import SIZE, Coded, run, times_are_kept, touchline, touchline_here
from touchline.geometry import Rig, fit_panorama
from touchline.synth import SyntheticMatch, read_code
from touchline.synth.files import write_match

COURT = Path(__file__).parents[3] / "shared" / "data" / "court"
RIGHT_SIZE = (960, 540)


@pytest.fixture(scope="module")
def unequal(tmp_path_factory) -> Coded:
    """One match: the left camera makes 18 frames at 30 per second, the right one, larger, 35 at 60 per second.

    So the last two frames are of the same time, and every frame that has no partner comes before them.
    """
    folder = tmp_path_factory.mktemp("unequal")
    left = SyntheticMatch(3, SIZE, Fraction(30), codes=True)
    right = SyntheticMatch(3, RIGHT_SIZE, Fraction(60), codes=True)
    write_match(folder / "of_left", left, 18 / 30)
    write_match(folder / "of_right", right, 35 / 60)
    assert left.code_patches == right.code_patches
    for one, other in zip(left.rig.cameras, right.rig.cameras, strict=True):
        assert np.allclose(one.rotation, other.rotation), "the same match is filmed from the same mast"
    shutil.move(folder / "of_left" / "left.mp4", folder / "left.mp4")
    shutil.move(folder / "of_right" / "right.mp4", folder / "right.mp4")
    Rig((left.rig.left, right.rig.right)).save(folder / "rig.json")
    return Coded(folder, left, 18)


def test_unequal_cameras_are_joined_by_time(unequal: Coded, tmp_path: Path) -> None:
    """Of the right camera every second frame is shown, beside the left frame of the same time."""
    video = tmp_path / "programme.mp4"
    production = run(**unequal.inputs, view="panorama", pace="fast", record=[video])
    found = read_frames(video, unequal.reader_of_panorama())
    assert [codes for codes, _ in found] == [(i, 2 * i) for i in range(18)]
    assert times_are_kept(found, Fraction(30))
    assert [(info.width, info.height) for info in production.scene.infos] == [SIZE, RIGHT_SIZE]
    assert production.scene.feed.captured == [18, 35]
    assert production.scene.feed.dropped.as_dict() == {"right_unpaired": 17}
    assert production.stitching.paired == production.stitching.stitched == 18


def reader_of_synthetic(seed: int) -> Callable[[np.ndarray], tuple[int | None, int | None]]:
    match = SyntheticMatch(seed, SIZE, Fraction(30), codes=True)
    panorama = fit_panorama(match.rig)
    cells = [
        np.stack(panorama.angles_to_pixels(*patch.cell_angles()), axis=-1) for patch in match.code_patches
    ]
    return lambda y: (read_code(y, cells[0]), read_code(y, cells[1]))


def test_a_synthetic_match_is_shown_frame_by_frame(tmp_path: Path) -> None:
    video = tmp_path / "programme.mp4"
    production = run(
        synthetic=5,
        synthetic_size="640x360",
        codes=True,
        duration=1,
        pace="fast",
        view="panorama",
        record=[video],
    )
    found = read_frames(video, reader_of_synthetic(5))
    assert [codes for codes, _ in found] == [(i, i) for i in range(30)]
    assert times_are_kept(found, Fraction(30))
    assert production.scene.feed.dropped.total == production.stitching.dropped.total == 0


def test_a_live_synthetic_match_counts_what_it_loses(tmp_path: Path) -> None:
    """Once, in order, at its time: a machine that keeps up loses nothing, and one that does not says how much."""
    video, report = tmp_path / "programme.mp4", tmp_path / "report.json"
    done = touchline(
        *("run", "--synthetic", 5, "--synthetic-size", "640x360", "--codes", "--duration", 1),
        *("--delay", 0.5, "--view", "panorama", "--record", video, "--report", report),
    )
    assert done.returncode == 0, done.stderr
    found = read_frames(video, reader_of_synthetic(5))
    numbers = [left for (left, _), _ in found]
    assert [right for (_, right), _ in found] == numbers
    assert None not in numbers
    assert numbers == sorted(set(numbers) & set(range(30)))
    due = [number * 10**9 / 30 for number in numbers]
    assert max(abs(pts - at) for at, (_, pts) in zip(due, found, strict=True)) <= 1_000_000
    frames = json.loads(report.read_text())["frames"]
    assert frames["captured"] == [30, 30]
    assert len(numbers) + sum(frames["dropped"].values()) == 30


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.skipif(not COURT.exists(), reason="the court footage is not here")
def test_real_cameras_without_a_rig(tmp_path: Path) -> None:
    """Nothing is known of them: the rig is found, kept beside the left film, and used again."""
    for side in ("left", "right"):
        shutil.copy(COURT / f"{side}.mp4", tmp_path)
    video, report, kept = tmp_path / "out.mp4", tmp_path / "report.json", tmp_path / "left.rig.json"
    cameras = ("run", "--left", tmp_path / "left.mp4", "--right", tmp_path / "right.mp4", "--pace", "fast")
    done = touchline(
        *(*cameras, "--delay", 2, "--view", "panorama", "--preset", "ultrafast"),
        *("--record", video, "--report", report),
        timeout_s=170,
    )
    assert done.returncode == 0, done.stderr
    assert f"kept in {kept}" in done.stderr.replace("\n", "")
    frames = json.loads(report.read_text())["frames"]
    assert (frames["captured"], frames["played"], frames["dropped"]) == ([129, 129], 129, {})
    panorama = fit_panorama(Rig.load(kept))
    shown = read_frames(video, lambda y: (y.shape, float(y.std())))
    assert len(shown) == 129
    assert {shape for (shape, _), _ in shown} == {(panorama.height, panorama.width)}
    assert min(contrast for (_, contrast), _ in shown) > 20
    assert times_are_kept(shown, Fraction(25))

    before = kept.read_bytes()
    short = tmp_path / "short.mkv"
    done = touchline(*cameras, "--delay", 0.2, "--duration", 0.4, "--size", "640x360", "--record", short)
    assert done.returncode == 0, done.stderr
    assert f"{kept}, found earlier" in done.stderr.replace("\n", "")
    assert kept.read_bytes() == before
    assert len(read_frames(short, lambda y: 0)) == 10


def test_calibrate_finds_the_rig_of_small_pictures(tmp_path: Path) -> None:
    match = SyntheticMatch(4, SIZE, Fraction(15), codes=True)
    write_match(tmp_path, match, 2.2)
    rig, picture = tmp_path / "found.json", tmp_path / "preview.png"
    films = tmp_path / "left.mp4", tmp_path / "right.mp4"
    done = touchline("calibrate", *films, "-o", rig, "--preview", picture)
    assert done.returncode == 0, done.stderr
    found = Rig.load(rig)
    found.check_sizes(SIZE, SIZE)
    error = misalignment(found, match.rig)
    assert np.median(error) < 0.75
    assert np.percentile(error, 95) < 1.5
    drawn = cv2.imread(str(picture))
    assert drawn.shape[1] == 1920
    assert drawn[60:400].std() > 30, "the panorama is missing"


def test_a_preview_of_another_kind_is_refused_before_the_work(tmp_path: Path) -> None:
    done = touchline_here("calibrate", "a.mp4", "b.mp4", "--preview", tmp_path / "preview.gif")
    assert done.returncode == 2
    assert "must end in .png or .jpg" in done.stderr


@pytest.fixture(scope="module")
def filmed_twice(tmp_path_factory) -> tuple[Path, Path]:
    """The same match, by two processes."""
    folders = tmp_path_factory.mktemp("one"), tmp_path_factory.mktemp("again")
    for folder in folders:
        done = touchline(
            *("synth", folder, "--seconds", 0.4, "--size", "640x360", "--fps", 25, "--codes", "--seed", 11)
        )
        assert done.returncode == 0, done.stderr
        written = [Path(line).name for line in done.stdout.split()]
        assert written == ["left.mp4", "right.mp4", "rig.json", "truth.json"]
    return folders


def test_the_same_seed_makes_the_same_match(filmed_twice: tuple[Path, Path]) -> None:
    one, again = filmed_twice
    for name in ("truth.json", "rig.json"):
        assert (one / name).read_bytes() == (again / name).read_bytes()
    assert len(json.loads((one / "truth.json").read_text())["frames"]) == 10
    assert Rig.load(one / "rig.json") == SyntheticMatch(11, SIZE).rig


@pytest.mark.parametrize("name", ["left.mp4", "right.mp4"])
def test_the_same_seed_makes_the_same_films(filmed_twice: tuple[Path, Path], name: str) -> None:
    """To the pixel, as the help says."""
    one, again = (read_frames(folder / name, hash_of) for folder in filmed_twice)
    assert len(one) == 10
    assert one == again
