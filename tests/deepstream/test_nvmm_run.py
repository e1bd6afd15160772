"""``touchline run --memory nvmm`` from files and sensors to recordings, with elements that stand in for NVIDIA's."""

from __future__ import annotations

import gc
import json
import sys
from itertools import pairwise
from pathlib import Path

import pytest
import standins

from footage import number_of, read_frames, write_numbered
from touchline.cli.session import run_session
from touchline.config import load_config
from touchline.errors import ConfigurationError, MissingElementError, PlanError
from touchline.gst.library import SECOND

FRAMES = 36
PANORAMA = "1200x400"


@pytest.fixture(scope="module")
def footage(tmp_path_factory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("footage")
    return tuple(write_numbered(folder / f"{side}.mp4", FRAMES) for side in ("left", "right"))


@pytest.fixture
def elements():
    standins.Camera.shown.clear()
    with standins.installed():
        yield
    gc.collect()


def run(footage, folder: Path, file: str = "", **flags):
    """A run; returns the production and what its report says."""
    config = folder / "touchline.toml"
    config.write_text(f'[deepstream]\npanorama_size = "{PANORAMA}"\n{file}')
    given = {
        "left": str(footage[0]),
        "right": str(footage[1]),
        "memory": "nvmm",
        "delay": 0.6,
        "size": "640x360",
        "pace": "fast",
        "report": folder / "report.json",
        **flags,
    }
    production = run_session(load_config(given, config))
    return production, json.loads((folder / "report.json").read_text())


def numbers_in(path: Path) -> list[tuple[int, int]]:
    return read_frames(path, number_of)


def test_every_frame_once_in_order_with_its_time_and_its_view(elements, footage, tmp_path) -> None:
    film = tmp_path / "film.mp4"
    _, report = run(footage, tmp_path, view="fixed:10,-5,60", record=[film])
    found = numbers_in(film)
    assert [number for number, _ in found] == list(range(FRAMES))
    first = found[0][1]
    assert all(abs(pts - first - number * SECOND / 30) < 2_000_000 for number, pts in found)
    # Each panorama was rendered with the view that the director had for it, and nothing else.
    assert [(number, round(pts * 30 / SECOND)) for pts, number, *_ in standins.Camera.shown] == [
        (number, number) for number in range(FRAMES)
    ]
    assert {
        (round(yaw, 3), round(pitch, 3), round(fov, 3)) for *_, yaw, pitch, fov in standins.Camera.shown
    } == {(10.0, -5.0, 60.0)}
    memory, frames = report["memory"], report["frames"]
    assert memory["domain"] == "nvmm"
    assert memory["format"] == "NV12"
    assert memory["frame_bytes"] == 1200 * 400 * 3 // 2
    assert memory["pixel_copies"] == 0
    assert frames["captured"] == [FRAMES, FRAMES]
    assert frames["played"] == FRAMES
    assert frames["dropped"] == {}
    assert frames["held_peak"] <= memory["planned_frames"]


def test_the_pool_is_as_deep_as_the_plan_says(elements, footage, tmp_path) -> None:
    standins.Converter.all.clear()
    production, _ = run(footage, tmp_path, view="panorama")
    depths = [one.value("output-buffers") for one in standins.Converter.all if one.get_name() == "pool"]
    assert depths == [production.plan.frames]
    assert f"Depth: pool: output-buffers raised from 4 to {production.plan.frames}" in production.notes
    assert production.plan.frames >= 0.6 * 30


def test_live_each_frame_leaves_one_delay_after_its_capture(elements, tmp_path) -> None:
    film = tmp_path / "film.mkv"
    production, report = run(
        ("csi://0", "csi://1"),
        tmp_path,
        "[deepstream.sensor]\nwidth = 640\nheight = 360\n",
        pace="live",
        duration=2.0,
        view="fixed:0,0,60",
        record=[film],
    )
    numbers = [number for number, _ in numbers_in(film)]
    assert 50 <= len(numbers) <= 62
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    # By the sensor's own clock: frame n was captured at n / 30 s.
    assert [pts * 30 / SECOND for pts, *_ in standins.Camera.shown] == pytest.approx(
        [number for _, number, *_ in standins.Camera.shown], abs=0.01
    )
    assert report["delay_s"] == 0.6
    assert report["delay_error_ms"]["p50"] < 60
    assert production.meter.shown == len(numbers)
    assert report["frames"]["dropped"] == {}


def test_where_a_card_would_be_shown_the_last_picture_stays(elements, tmp_path, monkeypatch) -> None:
    """Nothing can be painted in NVMM memory; a gap is filled with what is held, each time with its view."""
    monkeypatch.setattr(standins.ArgusSource, "silent", range(25, 45))
    film = tmp_path / "film.mkv"
    sensor = "[deepstream.sensor]\nwidth = 640\nheight = 360\n"
    _, report = run(
        ("csi://0", "csi://1"),
        tmp_path,
        sensor,
        pace="live",
        duration=2.0,
        view="fixed:0,0,60",
        slate_after=0.1,
        record=[film],
    )
    numbers = [number for number, _ in numbers_in(film)]
    first, last = numbers[0], numbers[-1]
    assert sorted(set(numbers)) == [
        number for number in range(first, last + 1) if number not in range(25, 45)
    ]
    assert numbers == sorted(numbers)
    assert 12 <= numbers.count(24) <= 22
    times = [pts for pts, *_ in standins.Camera.shown]
    assert max(later - earlier for earlier, later in pairwise(times)) < 0.3 * SECOND
    assert {fov for *_, fov in standins.Camera.shown} == {60.0}
    assert report["frames"]["repeated"] == numbers.count(24) - 1


def test_the_camera_follows_what_moves_in_a_small_picture(elements, footage, tmp_path) -> None:
    """Only that leaves NVMM memory; the painted fields that change are what moves."""
    production, report = run(footage, tmp_path, view="follow")
    assert production.watch.worker.observed == 12  # one in 0.1 s
    assert report["stages"]["analysis"]["p50_ms"] > 0
    assert report["memory"]["bus"] == {"up": {}, "down": {"analysis": 12 * 1200 * 400 * 3 // 2}}
    motions = production.watch.log.newest_pts
    assert motions is not None
    shown = standins.Camera.shown
    assert [number for _, number, *_ in shown] == list(range(FRAMES))
    views = {view.yaw_deg for _, view in production.showing.path}
    assert {round(yaw, 3) for _, _, yaw, _, _ in shown} == {round(yaw, 3) for yaw in views}


def test_the_camera_follows_what_the_detector_finds(elements, footage, tmp_path, monkeypatch) -> None:
    module = standins.make_pyds()
    module.__spec__ = type(sys.__spec__)("pyds", None)
    monkeypatch.setitem(sys.modules, "pyds", module)
    file = '[deepstream.detector]\nenabled = true\nevery = 2\nproperties = { config_file_path = "net.txt" }\n'
    production, _ = run(footage, tmp_path, file, panorama_size="6528x1632", view="follow")
    assert production.watch.worker.observed == FRAMES // 2
    # The object stands at 2340 + number of 6528 pixels that span 180 degrees.
    yaw = [view.yaw_deg for _, view in production.showing.path]
    assert yaw[-1] == pytest.approx((2340 + FRAMES) / 6528 * 180 - 90, abs=3)


def test_another_camera_with_other_names_and_units(elements, footage, tmp_path) -> None:
    file = """
[deepstream.camera]
element = "somebodyscamera"
width = ""
height = ""
panorama_width = ""
panorama_height = ""
pan = "pan"
tilt = { property = "tilt", scale = -1 }
zoom = { property = "zoom", scale = 10 }
properties = { preset = "sport" }
"""
    production, _ = run(footage, tmp_path, file, view="fixed:12,-6,40")
    assert {(pan, tilt, zoom) for *_, pan, tilt, zoom in standins.Camera.shown} == {(12.0, 6.0, 400)}
    # It takes NV12, so nothing is converted before it, and nothing is said about it.
    assert not any("takes no NV12" in note for note in production.notes)


def test_a_view_beyond_what_the_camera_can_show_is_held_within_it_and_told(
    elements, footage, tmp_path
) -> None:
    production, _ = run(footage, tmp_path, view="fixed:0,0,40")
    assert {fov for *_, fov in standins.Camera.shown} == {55.0}
    assert "nvdsvirtualcam shows 55 to 68 degrees" in production.notes
    assert any("nvdsvirtualcam takes no NV12" in note for note in production.notes)


@pytest.mark.parametrize("codec", ["h264", "h265"])
def test_both_encoders_and_an_overlay(elements, footage, tmp_path, codec) -> None:
    film = tmp_path / "film.mkv"
    standins.Overlay.seen = 0
    file = f'[deepstream.encoder]\nelement = "nvv4l2{codec}enc"\nproperties = {{ preset_level = 2 }}\n'
    file += '[deepstream.overlay]\nelement = "nvdsosd"\nproperties = { process_mode = 0 }\n'
    run(footage, tmp_path, file, view="fixed:0,0,60", record=[film], bitrate=3000)
    assert [number for number, _ in numbers_in(film)] == list(range(FRAMES))
    assert standins.Overlay.seen >= FRAMES
    encoder = standins.Encoder.last
    wanted = {
        "bitrate": 3_000_000,
        "iframeinterval": 30,
        "idrinterval": 30,
        "preset-level": 2,
        "num-B-Frames": 0,
    }
    assert {name: encoder.get_property(name) for name in wanted} == wanted
    assert encoder.get_property("insert-sps-pps")
    assert encoder.get_property("profile") == {"h264": "High", "h265": "Main"}[codec]


def test_a_panorama_that_others_stitched(elements, footage, tmp_path) -> None:
    _, report = run(
        footage,
        tmp_path,
        left=None,
        right=None,
        panorama=str(footage[0]),
        panorama_fov=120.0,
        view="fixed:0,0,60",
    )
    assert report["frames"]["captured"] == [FRAMES]
    assert report["memory"]["frame_bytes"] == 320 * 180 * 3 // 2
    assert [number for _, number, *_ in standins.Camera.shown] == list(range(FRAMES))


def test_two_programmes_share_the_window(elements, footage, tmp_path) -> None:
    film, other = tmp_path / "film.mp4", tmp_path / "other.mp4"
    file = f'[[programme]]\nname = "wide"\nview = "panorama"\nsize = "960x320"\ndelay = 0.3\nrecord = ["{other}"]\n'
    _, report = run(footage, tmp_path, file, view="fixed:0,0,60", record=[film])
    for path in (film, other):
        assert [number for number, _ in numbers_in(path)] == list(range(FRAMES))
    assert report["frames"]["dropped"] == {}


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        ({"left": None, "right": None, "synthetic": 1}, "films cameras and files"),
        ({"hold": "copy"}, "converter's own pool"),
        ({"hold": "encoded"}, "converter's own pool"),
    ],
)
def test_what_can_not_be_had_is_refused_before_anything_starts(footage, tmp_path, flags, said) -> None:
    with pytest.raises(ConfigurationError, match=said):
        run(footage, tmp_path, **flags)


def test_without_the_elements_the_first_that_is_missing_is_named(footage, tmp_path) -> None:
    with pytest.raises(MissingElementError, match="'nvstreammux': NVIDIA's come with DeepStream"):
        run(footage, tmp_path)


def test_a_plan_that_does_not_fit_is_refused_with_its_sum(elements, footage, tmp_path) -> None:
    with pytest.raises(PlanError, match=r"30 fps = 27 frames.*programme frames.*stitching.*allowed"):
        run(footage, tmp_path, memory_limit="9MB")


def test_a_table_with_a_mistake_is_named(footage, tmp_path) -> None:
    with pytest.raises(ConfigurationError, match=r"\[deepstream.sensor\] width"):
        run(footage, tmp_path, "[deepstream.sensor]\nwidth = 5\n")
