"""The whole way with --render direct: what is shown is read back, frame by frame."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from footage import read_frames
from runs import Coded, in_plain_memory, refused, run, run_in_time, times_are_kept, touchline, touchline_here
from touchline.capture import DrawnFeed
from touchline.config import FurtherProgramme, load_config
from touchline.engine import scene
from touchline.engine.books import report_of
from touchline.engine.production import Production
from touchline.gst.library import SECOND
from touchline.synth import SyntheticMatch

pytestmark = in_plain_memory

FPS = Fraction(30)
SIZE = (640, 360)


def fixed(footage: Coded, side: int) -> str:
    view = footage.over_code(side)
    return f"fixed:{view.yaw_deg},{view.pitch_deg},{view.fov_deg}"


@pytest.fixture(scope="module")
def footage(coded) -> Coded:
    return coded(FPS)


@pytest.mark.parametrize(
    ("hold", "pace"),
    [
        ("reference", "live"),
        ("encoded", "fast"),
        pytest.param("reference", "fast", marks=pytest.mark.slow),
        pytest.param("encoded", "live", marks=pytest.mark.slow),
    ],
)
def test_every_frame_of_both_cameras_is_shown_once_in_order_at_its_time(
    footage, tmp_path: Path, pace: str, hold: str
) -> None:
    """Two programmes of one window, one over each camera's number."""
    files = tmp_path / "left.mkv", tmp_path / "right.mkv"
    right = FurtherProgramme(
        name="right", view=fixed(footage, 1), size="640x360", delay=0.5, preset="ultrafast", record=[files[1]]
    )
    production = run_in_time(
        **footage.inputs,
        render="direct",
        hold=hold,
        view=fixed(footage, 0),
        size="640x360",
        delay=1.0,
        pace=pace,
        preset="ultrafast",
        record=[files[0]],
        programme=[right],
    )
    for side, file in enumerate(files):
        found = read_frames(file, footage.reader_of_view(side, SIZE))
        assert [number for number, _ in found] == list(range(footage.frames))
        assert times_are_kept(found, FPS)
    told = json.loads(report_of(production).to_json())
    assert told["memory"]["holds"] == "2 x 640x360"
    assert told["memory"]["pixel_copies"] == told["frames"]["stitched"] == footage.frames
    assert told["frames"]["dropped"] == {}
    if hold == "reference":
        assert told["memory"]["format"] == "NV12"
        assert told["memory"]["frame_bytes"] == 640 * 720 * 3 // 2
        assert told["memory"]["held_bytes_peak"] <= production.plan.frames * told["memory"]["frame_bytes"]


def test_a_lost_camera_stands_still_then_dark_and_the_other_one_goes_on(tmp_path: Path, monkeypatch) -> None:
    """By the numbers in both pictures, through the whole of a production."""
    fps, frames, lost = Fraction(10), 40, range(8, 30)

    class LosingFeed(DrawnFeed):
        """Films a match whose right camera is gone for a while."""

        def __init__(self, infos, draw, **settings) -> None:
            super().__init__(infos, lambda n: (draw(n)[0], None) if n in lost else draw(n), **settings)

    monkeypatch.setattr(scene, "DrawnFeed", LosingFeed)
    match = SyntheticMatch(3, SIZE, fps, codes=True)
    seen = Coded(tmp_path, match, frames)
    match.rig.save(tmp_path / "rig.json")
    files = tmp_path / "left.mkv", tmp_path / "right.mkv"
    right = FurtherProgramme(
        name="right", view=fixed(seen, 1), size="640x360", record=[files[1]], bitrate=8000
    )
    production = run(
        synthetic=3,
        synthetic_size="640x360",
        synthetic_fps="10",
        codes=True,
        duration=4.0,
        render="direct",
        pace="fast",
        view=fixed(seen, 0),
        size="640x360",
        bitrate=8000,
        record=[files[0]],
        programme=[right],
    )
    assert production.error is None
    assert [number for number, _ in read_frames(files[0], seen.reader_of_view(0, SIZE))] == list(
        range(frames)
    )
    read = seen.reader_of_view(1, SIZE)
    shown = [picture for picture, _ in read_frames(files[1], lambda y: (read(y), float(y.mean()) - 16))]
    live = [*range(8), *range(30, frames)]
    assert [number for number, _ in shown] == [n if n in live else 7 for n in range(frames)]
    light = [level for _, level in shown]
    assert all(level > 0.8 * light[7] for level in light[8:17]), "as it was, for a second"
    assert all(level < 0.4 * light[7] for level in light[18:30]), "then a quarter of its light"
    assert all(level > 0.8 * light[7] for level in light[30:])


@pytest.mark.slow
def test_it_follows_the_play_as_it_does_through_the_panorama(tmp_path: Path) -> None:
    """The analysis sees the same angles, so the camera looks to the same places; a smaller pair is taken by itself."""
    paths, held = [], []
    for render, size in (("panorama", None), ("auto", "2400x660")):
        production = run(
            synthetic=5,
            synthetic_size="640x360",
            synthetic_fps="10",
            duration=8.0,
            delay=3.0,
            pace="fast",
            size="320x180",
            render=render,
            panorama_size=size,
            preset="ultrafast",
            detector="movement",  # a ball of these cameras is less than a pixel
            record=[tmp_path / f"{render}.mkv"],
        )
        assert production.watch is not None
        assert production.watch.worker.observed == 80
        held.append(production.scene.holds)
        paths.append({at: view for at, view in production.showing.path if view is not None})
    assert held[0].startswith("panorama ")
    assert held[1] == "2 x 640x360"
    assert paths[0].keys() == paths[1].keys()
    assert len(paths[0]) == 80
    yaws = np.array([[path[at].yaw_deg for at in sorted(path)] for path in paths])
    assert np.ptp(yaws[0]) > 3, "it moves"
    assert np.abs(yaws[0] - yaws[1]).mean() < 1.5
    fields = np.array([[path[at].fov_deg for at in sorted(path)] for path in paths])
    assert np.abs(fields[0] - fields[1]).mean() < 3


def test_a_replay_is_taken_from_what_was_shown(footage, tmp_path: Path) -> None:
    """Frames that are shown late, and again, have their own correction still."""
    main, again = tmp_path / "main.mkv", tmp_path / "again.mkv"
    view = fixed(footage, 0)
    replays = FurtherProgramme(name="again", replay=True, view=view, size="640x360", record=[again])
    production = Production(
        load_config(
            {
                **footage.inputs,
                "render": "direct",
                "view": view,
                "size": "640x360",
                "delay": 0.4,
                "history": 2.0,
                "record": [main],
                "programme": [replays],
            }
        )
    )
    try:
        production.start()
        while production.player is None or (production.player.shown_pts or 0) < 20 * SECOND // 30:
            assert not production.wait(0.02)
        production.replay(0.3, 0.5)
        while not production.wait(0.1):
            pass
        production.close()
    finally:
        production.close()
        production.release()
    assert production.error is None
    codes = footage.reader_of_view(0, SIZE)
    assert [number for number, _ in read_frames(main, codes)] == list(range(footage.frames))
    shown = [number for number, _ in read_frames(again, codes) if number is not None]
    assert len(shown) == 2 * len(set(shown)), "each twice: half the speed"
    assert shown == sorted(shown)
    assert 9 <= len(set(shown)) <= 11


def test_a_recording_of_the_panorama_refuses_direct_and_auto_goes_without(footage, tmp_path: Path) -> None:
    """In one line, before anything is opened; and with auto it is said what is done instead."""
    inputs = (
        "--left",
        footage.inputs["left"],
        "--right",
        footage.inputs["right"],
        "--rig",
        footage.inputs["rig"],
    )
    asked = ("run", *inputs, "--view", "panorama", "--pace", "fast", "--delay", 0.3)
    done = touchline_here(*asked, "--render", "direct", "--record", tmp_path / "a.mp4")
    assert refused(done, 2) == (
        "error: --render direct can't be had: the programme main shows the panorama; use --render panorama or auto"
    )
    assert not (tmp_path / "a.mp4").exists()
    done = touchline_here(*asked, "--record", tmp_path / "b.mp4", "--preset", "ultrafast")
    assert done.returncode == 0, done.stderr
    assert "Render: panorama (the programme main shows the panorama)" in done.stderr


def test_the_command_line_says_what_it_holds_and_why(footage, tmp_path: Path) -> None:
    inputs = (
        "--left",
        footage.inputs["left"],
        "--right",
        footage.inputs["right"],
        "--rig",
        footage.inputs["rig"],
    )
    report = tmp_path / "report.json"
    done = touchline(
        *("run", *inputs, "--view", fixed(footage, 1), "--size", "320x180", "--pace", "fast", "--delay", 0.3),
        *("--panorama-size", "2400x660", "--record", tmp_path / "a.mkv", "--report", report),
    )
    assert done.returncode == 0, done.stderr
    said = " ".join(done.stderr.split())
    assert "panorama 2400x660 at 30 fps" in said
    assert (
        "Render: direct (whichever holds less: 2 x 640x360 take 0.69 MB a frame; a panorama of 2400x660 takes 2.38 MB)"
    ) in said
    assert "frames of 0.69 MB (2 x 640x360 NV12)" in said
    assert json.loads(report.read_text())["memory"]["holds"] == "2 x 640x360"
