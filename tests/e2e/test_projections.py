"""Every projection from the cameras to the film: frame numbers are read where the projection puts them."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from footage import read_frames
from runs import refused, run, touchline_here
from touchline.geometry import Rig, ViewLimits, fit_panorama
from touchline.synth import read_code

FPS = Fraction(30)


@pytest.mark.parametrize(("projection", "yaw"), [("cylindrical", None), ("pitch", None), ("pitch", 3.0)])
def test_every_frame_is_in_the_panorama(coded, tmp_path, projection, yaw) -> None:
    footage, film = coded(FPS), tmp_path / "film.mkv"
    run(
        **footage.inputs,
        view="panorama",
        pace="fast",
        projection=projection,
        projection_yaw=yaw,
        record=[film],
    )
    panorama = fit_panorama(Rig.load(footage.folder / "rig.json"), projection, normal_deg=yaw or 0.0)
    cells = [
        np.stack(panorama.angles_to_pixels(*patch.cell_angles()), axis=-1)
        for patch in footage.match.code_patches
    ]
    found = read_frames(film, lambda y: tuple(read_code(y, at) for at in cells))
    assert [codes for codes, _ in found] == [(i, i) for i in range(footage.frames)]


@pytest.mark.parametrize("side", [0, 1])
def test_every_frame_is_in_a_view_of_it(coded, tmp_path, side: int) -> None:
    footage, film, size = coded(FPS), tmp_path / "film.mkv", (640, 360)
    view = replace(footage.over_code(side), fov_deg=25.0)
    run(
        **footage.inputs,
        view=f"fixed:{view.yaw_deg},{view.pitch_deg},{view.fov_deg}",
        size="640x360",
        pace="fast",
        projection="pitch",
        record=[film],
    )
    limits = ViewLimits(fit_panorama(Rig.load(footage.folder / "rig.json"), "pitch"), 16 / 9)
    cells = limits.clamp(view).pixels_of(*footage.match.code_patches[side].cell_angles(), *size)
    found = read_frames(film, lambda y: read_code(y, cells))
    assert [number for number, _ in found] == list(range(footage.frames))


def test_the_rig_says_where_the_touchlines_are_crossed(coded, tmp_path) -> None:
    """A field that is turned by nine degrees turns the projection; what is asked for goes before it."""
    footage = coded(FPS)
    rig = Rig.load(footage.folder / "rig.json")
    field = tuple((yaw + 9.0, pitch) for yaw, pitch in ((-60, -10), (-32, -6.8), (32, -6.8), (60, -10)))
    kept = tmp_path / "rig.json"
    replace(rig, field=field).save(kept)
    production = run(
        **(footage.inputs | {"rig": kept}), view="panorama", pace="fast", projection="pitch", duration=0.2
    )
    assert np.degrees(production.scene.panorama.normal) == pytest.approx(9.0, abs=0.1)
    production = run(
        **(footage.inputs | {"rig": kept}),
        view="panorama",
        pace="fast",
        projection="pitch",
        projection_yaw=-4.0,
        duration=0.2,
    )
    assert np.degrees(production.scene.panorama.normal) == pytest.approx(-4.0)


def test_one_line_for_what_cannot_be(coded) -> None:
    film = coded(FPS).folder / "left.mp4"
    said = refused(touchline_here("run", "--panorama", film, "--projection", "pitch"), 4)
    assert "at most 160 degrees, not 180" in said
    assert "--panorama-fov" in said
    said = refused(touchline_here("run", "--synthetic", "1", "--projection-yaw", "5"), 2)
    assert "needs --projection pitch" in said
