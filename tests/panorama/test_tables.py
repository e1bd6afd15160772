"""Warp tables: made from a known rig, given to the import, and the rig comes back; broken ones are refused."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from alignment import misalignment
from touchline.errors import RigError
from touchline.geometry import Camera, Distortion, Panorama, Rig, fit_panorama
from touchline.panorama.tables import NAMES, read_tables, rig_from_tables
from touchline.panorama.warp import right_share
from touchline.synth.rig import default_rig

PICTURE = (1280, 720)
SIZE = (960, 320)


def tables_of(rig: Rig, panorama: Panorama, nothing: float = math.nan) -> dict[str, np.ndarray]:
    """The six tables of a rig; ``nothing`` where a camera sees nothing."""
    x, y = np.meshgrid(np.arange(panorama.width), np.arange(panorama.height))
    rays = panorama.rays(x, y)
    made: dict[str, np.ndarray] = {}
    seen = []
    for name, camera in zip(("left", "right"), (rig.left, rig.right), strict=True):
        pixels, there = camera.project(rays)
        pixels = np.where(there[..., None], pixels, nothing)
        made[f"lut_{name}_x"], made[f"lut_{name}_y"] = pixels[..., 0], pixels[..., 1]
        seen.append(there)
    share = right_share(rig, rays, 6.0)
    made["weight_left"], made["weight_right"] = (1 - share) * seen[0], share * seen[1]
    return made


def write(folder: Path, tables: dict[str, np.ndarray], ending: str = ".bin") -> Path:
    folder.mkdir(exist_ok=True)
    for name, table in tables.items():
        table.astype("<f4").tofile(folder / f"{name}{ending}")
    return folder


@pytest.mark.parametrize(
    ("lens", "projection", "nothing"),
    [
        ("brown", "equirectangular", math.nan),
        pytest.param("fisheye", "cylindrical", -1.0, marks=pytest.mark.slow),
        pytest.param("brown", "cylindrical", 1e9, marks=pytest.mark.slow),
    ],
)
def test_a_rig_comes_back_from_its_tables(tmp_path: Path, lens, projection, nothing: float) -> None:
    true = default_rig(5, PICTURE, lens)
    panorama = fit_panorama(true, projection, SIZE)
    folder = write(tmp_path / "luts", tables_of(true, panorama, nothing))
    found = rig_from_tables(read_tables(folder, SIZE, PICTURE, PICTURE))
    assert misalignment(found.rig, true, least=300).max() < 0.1
    assert max(residual.p95 for residual in found.residuals) < 0.05
    assert found.panorama is not None
    assert found.panorama.projection == projection
    span = math.degrees(found.panorama.yaw_max - found.panorama.yaw_min)
    assert span == pytest.approx(math.degrees(panorama.yaw_max - panorama.yaw_min), abs=0.2)
    assert math.degrees(found.panorama.pitch_max) == pytest.approx(math.degrees(panorama.pitch_max), abs=0.2)
    # Ahead is the middle of their panorama.
    middle = math.degrees(panorama.yaw_max + panorama.yaw_min) / 2
    for camera, other in zip(found.rig.cameras, true.cameras, strict=True):
        assert camera.yaw_deg == pytest.approx(other.yaw_deg - middle, abs=0.2)
        assert camera.pitch_deg == pytest.approx(other.pitch_deg, abs=0.2)
        assert camera.fx == pytest.approx(other.fx, rel=0.005)


@pytest.mark.slow
def test_two_cameras_that_differ(tmp_path: Path) -> None:
    """Sizes, focal lengths, pixels that are not square, tangential terms: one model for both, all else its own."""
    left = Camera(
        1920,
        1080,
        1100,
        1080,
        940,
        560,
        Distortion("brown", (-0.2, 0.05, 0.001, -0.0005, -0.004)),
        -35,
        -9,
        2,
    )
    right = Camera(1280, 720, 640, 640, 650, 350, Distortion("brown", (-0.15, 0.02)), 30, -12, -3)
    true = Rig((left, right))
    folder = write(tmp_path / "luts", tables_of(true, fit_panorama(true, size=SIZE)), ending="")
    found = rig_from_tables(read_tables(folder, SIZE, (1920, 1080), (1280, 720)))
    assert misalignment(found.rig, true, least=300).max() < 0.1
    found.rig.check_sizes((1920, 1080), (1280, 720))


@pytest.fixture(scope="module")
def good() -> dict[str, np.ndarray]:
    rig = default_rig(5, PICTURE)
    return tables_of(rig, fit_panorama(rig, size=SIZE))


def test_files_of_another_length(tmp_path: Path, good) -> None:
    folder = write(tmp_path / "luts", good)
    with pytest.raises(
        RigError, match=r"lut_left_x\.bin has 1228800 bytes, and a table of 960x322 .* has 1236480"
    ):
        read_tables(folder, (960, 322), PICTURE, PICTURE)
    (folder / "weight_right.bin").write_bytes(b"\0" * 17)
    with pytest.raises(RigError, match=r"weight_right\.bin has 17 bytes"):
        read_tables(folder, SIZE, PICTURE, PICTURE)


@pytest.mark.parametrize("name", NAMES)
def test_files_that_are_missing_or_twice_there(tmp_path: Path, good, name: str) -> None:
    folder = write(tmp_path / "luts", good)
    (folder / f"{name}.bin").rename(folder / f"{name}.raw")
    assert read_tables(folder, SIZE, PICTURE, PICTURE).size == SIZE
    (folder / f"{name}.bin").touch()
    with pytest.raises(RigError, match=f"more than one file {name}"):
        read_tables(folder, SIZE, PICTURE, PICTURE)
    (folder / f"{name}.bin").unlink()
    (folder / f"{name}.raw").unlink()
    with pytest.raises(RigError, match=f"no file {name}"):
        read_tables(folder, SIZE, PICTURE, PICTURE)
    with pytest.raises(RigError, match="no file lut_left_x"):
        read_tables(tmp_path / "absent", SIZE, PICTURE, PICTURE)


def refused(
    tmp_path: Path, tables: dict[str, np.ndarray], message: str, picture: tuple[int, int] = PICTURE
) -> None:
    folder = write(tmp_path / "luts", tables)
    with pytest.raises(RigError, match=message) as caught:
        rig_from_tables(read_tables(folder, SIZE, picture, picture), str(folder))
    assert "\n" not in str(caught.value)


def test_tables_of_nothing(tmp_path: Path, good) -> None:
    refused(
        tmp_path,
        good | {"lut_left_x": np.full((320, 960), np.nan)},
        "show 0 of .* places in the left picture",
    )
    refused(tmp_path, good | {"lut_right_y": np.full((320, 960), np.inf)}, "places in the right picture")


def test_shares_of_a_picture_in_place_of_pixels(tmp_path: Path, good) -> None:
    shares = {
        name: good[name] / PICTURE["xy".index(name[-1])] if "lut" in name else good[name] for name in good
    }
    refused(tmp_path, shares, "shares of it; they must be its pixels")


@pytest.mark.parametrize("value", [math.nan, 0.0, 2.0, -1.0])
def test_weights_that_are_none(tmp_path: Path, good, value: float) -> None:
    refused(tmp_path, good | {"weight_left": np.full((320, 960), value)}, "weight_left holds no weights")


def test_noise_is_no_table(tmp_path: Path, good) -> None:
    rng = np.random.default_rng(1)
    noise = {name: rng.uniform(0, 700, (320, 960)) if "lut" in name else good[name] for name in good}
    refused(tmp_path, noise, "no lens of Touchline's models is this one|no equirectangular")


def test_tables_of_another_picture_size(tmp_path: Path, good) -> None:
    """Half of the right size is not noticed by the numbers alone, for a part of a picture is one, too; nonsense is."""
    with pytest.raises(RigError, match="a left picture of 0x720 can't be"):
        read_tables(write(tmp_path / "luts", good), SIZE, (0, 720), PICTURE)


@pytest.mark.slow
def test_left_and_right_exchanged(tmp_path: Path, good) -> None:
    swapped = {
        name.replace("left", "L").replace("right", "left").replace("L", "right"): good[name] for name in good
    }
    refused(tmp_path, swapped, "the left picture is right of the right one")


@pytest.mark.slow
def test_two_places_are_no_rig(tmp_path: Path, good) -> None:
    """A warp that no two lenses at one viewpoint make, as one along a ground plane."""
    bent = dict(good)
    x = np.linspace(-1, 1, 960)[None, :]
    bent["lut_left_x"] = good["lut_left_x"] + 25 * np.sin(9 * x)
    refused(
        tmp_path, bent, "left picture: no lens of Touchline's models .* were the tables made from a panorama"
    )
