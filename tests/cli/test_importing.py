"""``touchline rig import``: projects and tables become rigs that a run takes; the rest is refused in one line."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from runs import refused, touchline, touchline_here
from touchline.geometry import Rig, fit_panorama
from touchline.synth.rig import default_rig

LINES = """# hugin project file
i w1280 h720 f0 v90 r0.5 p-12 y-35 a0 b-0.01 c0 d0 e0 n"left.jpg"
i w1280 h720 f0 v=0 r-0.5 p-12 y35 a=0 b=0 c=0 d0 e0 n"right.jpg"
"""


def test_a_project(tmp_path: Path) -> None:
    (tmp_path / "pitch.pto").write_text(LINES)
    done = touchline(
        "rig", "import", "--hugin", tmp_path / "pitch.pto", "-o", tmp_path / "rig.json", COLUMNS="160"
    )
    assert done.returncode == 0, done.stderr
    assert "95 % of the picture within 0." in done.stdout
    rig = Rig.load(tmp_path / "rig.json")
    assert [camera.yaw_deg for camera in rig.cameras] == pytest.approx([-35, 35])
    assert fit_panorama(rig).width > 1280


@pytest.mark.slow
def test_tables(tmp_path: Path) -> None:
    size, true = (480, 160), default_rig(3, (640, 360))
    panorama = fit_panorama(true, size=size)
    x, y = np.meshgrid(np.arange(size[0]), np.arange(size[1]))
    for name, camera in zip(("left", "right"), true.cameras, strict=True):
        pixels, seen = camera.project(panorama.rays(x, y))
        for axis in (0, 1):
            np.where(seen, pixels[..., axis], np.nan).astype("<f4").tofile(
                tmp_path / f"lut_{name}_{'xy'[axis]}.bin"
            )
        seen.astype("<f4").tofile(tmp_path / f"weight_{name}.bin")
    done = touchline(
        *("rig", "import", "--tables", tmp_path, "--size", "480x160", "--left-size", "640x360"),
        *("-o", tmp_path / "rig.json"),
        COLUMNS="160",
    )
    assert done.returncode == 0, done.stderr
    assert "equirectangular, 480x160" in done.stdout
    Rig.load(tmp_path / "rig.json").check_sizes((640, 360), (640, 360))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "give one of --hugin FILE and --tables FOLDER"),
        (["--hugin", "a.pto", "--tables", "luts"], "give one of"),
        (["--hugin", "absent.pto"], "can't be read: No such file"),
        (["--tables", "."], "needs the size of their panorama"),
        (["--tables", ".", "--size", "480x160"], "has no file lut_left_x"),
        (["--tables", ".", "--size", "big"], "a size is written as"),
    ],
)
def test_refusals_are_one_line(arguments: list[str], message: str, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert message in refused(touchline_here("rig", "import", *arguments), 2)
    assert not (tmp_path / "rig.json").exists()
