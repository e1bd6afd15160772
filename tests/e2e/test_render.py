"""``touchline render``: what comes out shows what was asked for, told by its pixels."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest

from runs import run
from touchline.analysis.track_file import TrackedScene, TrackWriter
from touchline.cli.render import render
from touchline.director.comparison import moments_of
from touchline.director.path_file import read_path
from touchline.director.score import in_picture, score
from touchline.errors import ConfigurationError, InputError
from touchline.geometry import Ground, View, fit_panorama
from touchline.render.minimap import GRASS
from touchline.render.overlay import BALL
from touchline.synth import SyntheticMatch
from touchline.synth.course import Course
from touchline.synth.pitch import EYE, field_outline

SEED, SECONDS, SMALL = 3, 4.0, (640, 360)


@dataclass(frozen=True)
class Recorded:
    panorama: Path
    match: SyntheticMatch
    course: Course


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    """A recorded panorama of the synthetic match, and tracks that tell the truth."""
    folder = tmp_path_factory.mktemp("recorded")
    match = SyntheticMatch(SEED, SMALL)
    film = folder / "match.mp4"
    run(
        synthetic=SEED,
        synthetic_size="640x360",
        duration=SECONDS,
        view="panorama",
        record=[film],
        pace="fast",
        drift="off",
    )
    course = Course.of_match(SEED, SECONDS)
    scene = TrackedScene(
        fit_panorama(match.rig), Fraction(30), 0, field_outline(), Ground.below_mast(EYE[2], (EYE[0], EYE[1]))
    )
    with TrackWriter(folder / "match.tracks.jsonl", scene) as writer:
        for moment in moments_of(course):
            writer.append(moment)
    return Recorded(film, match, course)


def frames_of(film: Path) -> list[np.ndarray]:
    """Its pictures, BGR."""
    reader = cv2.VideoCapture(str(film))
    found = []
    while True:
        there, picture = reader.read()
        if not there:
            return found
        found.append(picture)


def luma(picture: np.ndarray) -> np.ndarray:
    return cv2.GaussianBlur(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY), (0, 0), 2).astype(float)


@pytest.mark.parametrize("size", [(640, 360), (360, 640)])
def test_the_film_shows_the_ball_in_its_middle(
    recorded: Recorded, tmp_path: Path, size: tuple[int, int]
) -> None:
    """Across and upright. The path says where the ball is; that the film shows what the path says is told by a perfect
    camera's picture of the scene from there."""
    out = tmp_path / "out.mp4"
    render(recorded.panorama, record=out, size=f"{size[0]}x{size[1]}")
    frames, told = frames_of(out), read_path(tmp_path / "out.path.jsonl")
    assert len(frames) == len(told.path) == round(SECONDS * 30)
    assert all(frame.shape == (size[1], size[0], 3) for frame in frames)
    found = score(told.path, recorded.course, size[0] / size[1])
    assert found.ball_in_frame == 1
    assert found.ball_in_middle > 0.9
    for index in (10, 60, 110):
        view = told.path.views()[index]
        shown = luma(frames[index])
        perfect = recorded.match.view(index, view, *size)
        alike = np.corrcoef(shown.ravel(), cv2.GaussianBlur(perfect.y, (0, 0), 2).astype(float).ravel())[0, 1]
        elsewhere = recorded.match.view(index, View(view.yaw_deg + 4, view.pitch_deg, view.fov_deg), *size)
        other = np.corrcoef(shown.ravel(), cv2.GaussianBlur(elsewhere.y, (0, 0), 2).astype(float).ravel())[
            0, 1
        ]
        assert alike > 0.95
        assert other < alike - 0.05


def test_overlay_and_map_are_where_they_should_be(recorded: Recorded, tmp_path: Path) -> None:
    plain, drawn = tmp_path / "plain.mp4", tmp_path / "drawn.mp4"
    render(recorded.panorama, record=plain, size="640x360", duration=2.0)
    render(
        recorded.panorama,
        record=drawn,
        size="640x360",
        duration=2.0,
        overlay=True,
        minimap="inside",
        bitrate=8000,
    )
    path = read_path(tmp_path / "drawn.path.jsonl").path
    assert (path.angles_deg == read_path(tmp_path / "plain.path.jsonl").path.angles_deg).all()
    place = in_picture(path, recorded.course.ball_deg[: len(path)], 16 / 9)
    for index in (20, 45):
        before, after = frames_of(plain)[index], frames_of(drawn)[index]
        x, y = (place[index] * (1, -1) + 1) / 2 * (640, 360)
        around = cv2.cvtColor(
            after[round(y) - 8 : round(y) + 9, round(x) - 8 : round(x) + 9], cv2.COLOR_BGR2YUV
        )
        assert (np.abs(around[..., 1].astype(int) - BALL.u) < 40).sum() > 15  # yellow, on grass of 110 or so
        assert luma(before)[round(y), round(x)] < 200
        # The map stands in the middle of the bottom; its corner is darker than any grass.
        box = after[360 - 9 - 100 : 360 - 12, 270:370]
        assert np.abs(cv2.cvtColor(box, cv2.COLOR_BGR2GRAY).astype(int) - 1.16 * (GRASS.y - 16)).mean() < 40
        changed = np.abs(luma(after) - luma(before)) > 12
        assert changed[250:350, 240:400].mean() > 0.5
        assert changed.mean() < 0.35


def test_beside_the_map_the_view_is_narrower(recorded: Recorded, tmp_path: Path) -> None:
    out = tmp_path / "out.mp4"
    render(recorded.panorama, record=out, size="640x360", duration=1.0, minimap="beside")
    picture = frames_of(out)[15]
    assert picture.shape == (360, 640, 3)
    column = cv2.cvtColor(picture[:, 470:], cv2.COLOR_BGR2GRAY)
    assert np.median(column[:80]) < 45  # nothing is there but dark
    assert np.median(cv2.cvtColor(picture[:80, :440], cv2.COLOR_BGR2GRAY)) > 60


def test_the_whole_panorama_can_be_made_smaller(recorded: Recorded, tmp_path: Path) -> None:
    out = tmp_path / "out.mp4"
    render(recorded.panorama, record=out, size="528x142", view="panorama", duration=1.0)
    assert frames_of(out)[0].shape == (142, 528, 3)
    assert not (tmp_path / "out.path.jsonl").exists()


def test_what_does_not_fit_is_refused(recorded: Recorded, tmp_path: Path) -> None:
    out = tmp_path / "out.mp4"
    with pytest.raises(InputError, match=r"none\.jsonl can't be read"):
        render(recorded.panorama, record=out, tracks=tmp_path / "none.jsonl")
    with pytest.raises(ConfigurationError, match="use inside or beside"):
        render(recorded.panorama, record=out, minimap="above")
    with pytest.raises(ConfigurationError, match="--look-ahead is 0 to 60"):
        render(recorded.panorama, record=out, look_ahead=-1.0)
    with pytest.raises(ConfigurationError, match="are for --view follow"):
        render(recorded.panorama, record=out, view="panorama", overlay=True)
    with pytest.raises(ConfigurationError, match="there is no folder"):
        render(recorded.panorama, record=tmp_path / "nowhere" / "out.mp4")
    out.touch()
    with pytest.raises(ConfigurationError, match="is there already; --overwrite"):
        render(recorded.panorama, record=out)


def test_tracks_of_another_panorama_are_refused(recorded: Recorded, tmp_path: Path) -> None:
    """A film of 16:9 is no panorama of three and a half times its height."""
    other = tmp_path / "other.mp4"
    run(
        synthetic=1,
        synthetic_size="320x180",
        duration=0.5,
        view="fixed:0,-10,50",
        size="320x180",
        record=[other],
        pace="fast",
    )
    with pytest.raises(InputError, match="do not belong together"):
        render(other, record=tmp_path / "out.mp4", tracks=recorded.panorama.with_suffix(".tracks.jsonl"))
