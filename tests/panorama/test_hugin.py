"""Hugin projects: read as they are written, and as a rig that shows the same within a small part of a pixel."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from touchline.errors import RigError
from touchline.panorama.hugin import camera_from_image, rig_from_hugin, rig_from_images
from touchline.panorama.hugin_file import HuginImage, parse_pto

PROJECT = """# hugin project file
#hugin_ptoversion 2
p f2 w5700 h1900 v180  k0 E12.5 R0 n"TIFF_m c:LZW r:CROP"
m i0

# image lines
#-hugin  cropFactor=1
i w3840 h2160 f0 v98.5 Ra0 Rb0 Rc0 Rd0 Re0 Eev12.5 Er1 Eb1 r1.25 p-12.5 y-41.75 TrX0 TrY0 TrZ0 Tpy0 Tpp0 j0 a0 b-0.012 \
c0 d12.25 e-7.5 g0 t0 Va1 Vb0 Vc0 Vd0 Vx0 Vy0  Vm5 n"left half i w1 f7.jpg"
#-hugin  cropFactor=1
i w3840 h2160 f0 v=0 Ra=0 Rb=0 Rc=0 Rd=0 Re=0 Eev12.5 Er1 Eb1 r-0.5 p-13 y42.5 TrX0 TrY0 TrZ0 Tpy0 Tpp0 j0 a=0 b=0 c=0 \
d=0 e=0 g=0 t=0 Va=0 Vb=0 Vc=0 Vd=0 Vx=0 Vy=0  Vm5 n"/home/somebody/right.jpg"

# specify variables that should be optimized
v y1
v

# control points
c n0 N1 x3225 y2138 X245.63237348499 Y2132.45666117389 t0
#hugin_optimizeReferenceImage 0
"""
LEFT = HuginImage(
    "left half i w1 f7.jpg", 3840, 2160, 0, 98.5, -41.75, -12.5, 1.25, 0.0, -0.012, 0.0, 12.25, -7.5
)
RIGHT = replace(LEFT, name="/home/somebody/right.jpg", yaw_deg=42.5, pitch_deg=-13.0, roll_deg=-0.5)


def test_a_project_is_read_as_it_is_written() -> None:
    assert parse_pto(PROJECT) == [LEFT, RIGHT]


def hugin_pixels(image: HuginImage, rays: np.ndarray) -> np.ndarray:
    """Where Panorama Tools puts directions of the panorama in a picture, one formula after the other.

    By the steps of libpano's pano-to-image stack: turn by the yaw, pitch and roll, project, polynomial, shift.
    """
    y, p, r = (math.radians(a) for a in (image.yaw_deg, image.pitch_deg, image.roll_deg))
    yaw, pitch = np.arctan2(rays[:, 0], rays[:, 2]) - y, np.arcsin(-rays[:, 1])
    v = np.stack([np.cos(pitch) * np.sin(yaw), -np.sin(pitch), np.cos(pitch) * np.cos(yaw)])
    mx = np.array([[1, 0, 0], [0, math.cos(-p), math.sin(-p)], [0, -math.sin(-p), math.cos(-p)]])
    mz = np.array([[math.cos(-r), math.sin(-r), 0], [-math.sin(-r), math.cos(-r), 0], [0, 0, 1]])
    v = (mx @ mz).T @ v
    angle, around = np.arccos(np.clip(v[2], -1, 1)), np.arctan2(v[1], v[0])
    half = math.radians(image.fov_deg) / 2
    w = image.width
    radius = {
        0: lambda t: w / 2 / math.tan(half) * np.tan(t),
        3: lambda t: w / 2 / half * t,
        10: lambda t: w / 2 / math.tan(half / 2) * np.tan(t / 2),
        20: lambda t: w / 2 / math.sin(half / 2) * np.sin(t / 2),
        21: lambda t: w / 2 / math.sin(0.713 * half) * np.sin(0.713 * t),
    }[image.lens](angle)
    n = radius / (min(image.width, image.height) / 2)
    a, b, c = image.a, image.b, image.c
    radius = radius * (a * n**3 + b * n**2 + c * n + 1 - a - b - c)
    return np.stack(
        [
            radius * np.cos(around) + image.d + (image.width - 1) / 2,
            radius * np.sin(around) + image.e + (image.height - 1) / 2,
        ],
        axis=-1,
    )


def off(images: list[HuginImage], limit: float = 0.5) -> None:
    """Checks both cameras of the rig against Panorama Tools, over all of both pictures."""
    found = rig_from_images(images)
    middle = sum(image.yaw_deg for image in images) / 2
    for camera, image in zip(found.rig.cameras, images, strict=True):
        x, y = np.meshgrid(np.linspace(4, image.width - 5, 30), np.linspace(4, image.height - 5, 20))
        pixels = np.stack([x, y], axis=-1).reshape(-1, 2)
        rays = camera.unproject(pixels)
        turn = math.radians(middle)
        back = np.array(
            [[math.cos(turn), 0, math.sin(turn)], [0, 1, 0], [-math.sin(turn), 0, math.cos(turn)]]
        )
        apart = np.linalg.norm(hugin_pixels(image, rays @ back.T) - pixels, axis=1)
        assert np.percentile(apart, 95) < limit
        assert np.percentile(apart, 95) < 2 * max(r.p95 for r in found.residuals) + 0.02, "as it says"


def test_a_rig_shows_what_hugin_shows() -> None:
    off([LEFT, RIGHT])


@pytest.mark.parametrize(
    ("lens", "fov", "terms"),
    [
        (0, 60.0, (0.0, 0.0, 0.0)),
        (0, 80.0, (0.0, -0.03, 0.0)),
        (0, 75.0, (0.004, -0.02, 0.005)),
        (3, 120.0, (0.0, 0.0, 0.0)),
        (3, 110.0, (0.0, -0.02, 0.0)),
        (10, 110.0, (0.0, 0.0, 0.0)),
        (20, 120.0, (0.0, -0.005, 0.0)),
        (21, 110.0, (0.0, 0.0, 0.0)),
    ],
)
def test_every_lens_that_maps(lens: int, fov: float, terms: tuple[float, float, float]) -> None:
    a, b, c = terms
    made = [
        replace(
            image,
            lens=lens,
            fov_deg=fov,
            a=a,
            b=b,
            c=c,
            yaw_deg=math.copysign(0.4 * fov, image.yaw_deg) + 100,
        )
        for image in (LEFT, RIGHT)
    ]
    off(made)


def test_ideal_lenses_are_exact() -> None:
    camera, residual = camera_from_image(replace(LEFT, b=0.0))
    assert residual.most < 1e-3
    assert camera.fx == pytest.approx(1920 / math.tan(math.radians(98.5 / 2)), rel=1e-6)
    assert camera.distortion.coefficients == pytest.approx((0,) * 5, abs=1e-6)
    assert (camera.cx, camera.cy) == (1919.5 + 12.25, 1079.5 - 7.5)
    camera, residual = camera_from_image(replace(LEFT, b=0.0, lens=3, fov_deg=150))
    assert camera.distortion.model == "fisheye"
    assert camera.fx == pytest.approx(1920 / math.radians(75), rel=1e-6)


def test_left_is_what_looks_left_and_ahead_is_between_them() -> None:
    turned = [replace(image, yaw_deg=image.yaw_deg + 175) for image in (RIGHT, LEFT)]
    found = rig_from_images(turned)
    yaws = [camera.yaw_deg for camera in found.rig.cameras]
    assert yaws == pytest.approx([-42.125, 42.125])
    assert found.rig.left.pitch_deg == pytest.approx(-12.5)
    assert found.rig.notes["pictures"] == [LEFT.name, RIGHT.name]


def test_a_polynomial_that_is_too_unlike_is_refused_with_advice() -> None:
    wild = replace(LEFT, a=0.05, b=-0.16, c=0.12)
    with pytest.raises(
        RigError, match=r"left half.*no lens of Touchline's models .*optimise the lens with b alone"
    ):
        rig_from_images([wild, RIGHT])


def test_a_project_file(tmp_path: Path) -> None:
    path = tmp_path / "pitch.pto"
    path.write_text(PROJECT)
    found = rig_from_hugin(path)
    found.rig.check_sizes((3840, 2160), (3840, 2160))
    assert max(residual.p95 for residual in found.residuals) < 0.5
    assert "left residual" in dict(found.facts())
    with pytest.raises(RigError, match="can't be read: No such file"):
        rig_from_hugin(tmp_path / "absent.pto")
    with pytest.raises(RigError, match="can't be read: Is a directory"):
        rig_from_hugin(tmp_path)
    (tmp_path / "noise.pto").write_bytes(bytes(range(256)) * 100)
    with pytest.raises(RigError, match="is not a Hugin project"):
        rig_from_hugin(tmp_path / "noise.pto")


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        (" w3840", "", "image 0 has no w"),
        ("w3840 h2160 f0 v98.5", "w3840.5 h2160 f0 v98.5", "size of 3840.5x2160"),
        ("f0 v98.5", "f4 v98.5", "lens type 4, which is no camera's; known are 0 rectilinear"),
        ("f0 v98.5", "f0 v181", "field of view of 181 degrees; 1 to 179"),
        ("f0 v98.5", "f0 v=1", "takes v from images that take it from one another"),
        ("f0 v98.5", "f0 v=7", "has v=7, which is no number"),
        ("f0 v98.5", "f0 v9wide", "has v9wide, which is no number"),
        ("f0 v98.5", "f0 vnan", "image 0 has no v"),
        ("f0 v98.5", "f0 v1e400", "which is no number"),
        ("f0 v98.5", "f0", "image 0 has no v"),
        ("TrX0", "TrX0.5", "has TrX 0.5: a rig's cameras share one viewpoint"),
        ("g0 t0", "g2 t0", "has g 2: scanned pictures are sheared"),
        ("g0 t0", "g0 t0 C10,20,30,40", "is cropped"),
        ("y42.5", "y-41.75", "nobody can say which"),
        ("y42.5", "y160", "see nothing in common"),
    ],
)
def test_what_no_camera_can_be_is_refused(before: str, after: str, message: str) -> None:
    assert before in PROJECT
    with pytest.raises(RigError, match=message) as caught:
        rig_from_images(parse_pto(PROJECT.replace(before, after, 1), "pitch.pto"), "pitch.pto")
    assert "\n" not in str(caught.value)


def test_other_than_two_images() -> None:
    lines = PROJECT.splitlines()
    last = max(n for n, line in enumerate(lines) if line.startswith("i "))
    with pytest.raises(RigError, match="has 1 images, and a rig has two cameras"):
        rig_from_images(parse_pto("\n".join(lines[:last] + lines[last + 1 :])))
    with pytest.raises(RigError, match="has 3 images"):
        rig_from_images(parse_pto("\n".join([*lines[:last], lines[last], *lines[last:]])))


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=400))
def test_any_text_is_read_or_refused_in_one_line(text: str) -> None:
    for given_text in (text, f"i {text}", PROJECT.replace("b-0.012", text), PROJECT + "\ni " + text):
        refused, images = read(given_text)
        assert "\n" not in refused
        assert bool(images) != bool(refused)
        assert all(math.isfinite(image.fov_deg) and image.width > 0 for image in images)


def read(text: str) -> tuple[str, list[HuginImage]]:
    """Why a text is refused, or its images."""
    try:
        return "", parse_pto(text)
    except RigError as error:
        return str(error), []


number = st.floats(-1e6, 1e6, allow_nan=False).map(lambda x: round(x, 6) + 0.0)
picture = st.builds(
    HuginImage,
    name=st.text(st.characters(blacklist_characters='"', blacklist_categories=("C", "Z")), max_size=20),
    width=st.integers(2, 65536),
    height=st.integers(2, 65536),
    lens=st.sampled_from([0, 2, 3, 8, 10, 20, 21]),
    fov_deg=st.floats(1, 179).map(lambda x: round(x, 6)),
    yaw_deg=number,
    pitch_deg=number,
    roll_deg=number,
    a=number,
    b=number,
    c=number,
    d=number,
    e=number,
)


@settings(max_examples=100, deadline=None)
@given(st.lists(picture, min_size=1, max_size=4), st.randoms(use_true_random=False))
def test_whatever_is_written_comes_back(images: list[HuginImage], random) -> None:
    """In any order of the parameters, with references where two images have the same, among other lines."""
    lines = ["# hugin project file", "p f2 w3000 h1500 v360"]
    for number_, image in enumerate(images):
        values = {
            "w": image.width, "h": image.height, "f": image.lens, "v": image.fov_deg, "y": image.yaw_deg,
            "p": image.pitch_deg, "r": image.roll_deg, "a": image.a, "b": image.b, "c": image.c, "d": image.d,
            "e": image.e,
        }  # fmt: skip
        first = images[0]
        same = {"v": first.fov_deg == image.fov_deg, "a": first.a == image.a, "e": first.e == image.e}
        words = [
            f"{name}=0" if number_ and same.get(name) else f"{name}{value!r}"
            for name, value in values.items()
        ]
        words += ["Eev12", "TrX0", f'n"{image.name}"', "Vm5", "S0,10,20,30"]
        random.shuffle(words)
        lines += ["#-hugin  cropFactor=1", "i " + "  ".join(words)]
    assert parse_pto("\n".join([*lines, "v y1", "c n0 N1 x1 y2 X3 Y4 t0"])) == images


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from([0, 2, 3, 8, 10, 20, 21]),
    st.floats(10, 175),
    st.floats(-0.5, 0.5),
    st.floats(-0.5, 0.5),
    st.floats(-0.5, 0.5),
)
def test_any_lens_is_fitted_or_refused(lens: int, fov: float, a: float, b: float, c: float) -> None:
    image = replace(LEFT, lens=lens, fov_deg=fov, a=a, b=b, c=c, width=1280, height=720)
    try:
        camera, residual = camera_from_image(image)
    except RigError as error:
        reason = str(error)
    else:
        assert residual.p95 >= 0
        assert math.isfinite(camera.fx)
        reason = ""
    assert reason == "" or "make no lens" in reason
