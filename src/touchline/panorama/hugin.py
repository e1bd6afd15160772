"""A rig from a Hugin project.

Hugin's angles are Touchline's (yaw right, pitch up, roll clockwise, applied in the same order); its lenses are not.
It stretches the ideal picture of a lens by a polynomial of the radius with odd and even powers (Dersch's, of Panorama
Tools), ours have even powers of the tangent or of the angle. The nearest one is found by linear least squares over
the whole picture, and refused if it is too far.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from touchline.errors import RigError
from touchline.geometry import Camera, Distortion, Rig, rotation_from_angles
from touchline.geometry.camera import DistortionModel
from touchline.panorama.hugin_file import (
    EQUISOLID,
    ORTHOGRAPHIC,
    RECTILINEAR,
    STEREOGRAPHIC,
    THOBY,
    HuginImage,
    parse_pto,
)
from touchline.panorama.imported import Imported, Residual, check_panorama, check_residuals

Floats = NDArray[np.float64]

_LARGEST_FILE = 16_000_000
_THOBY = (1.47, 0.713)
_SAMPLES = 20_000
_FITTED = 600
_STEEPEST = math.radians(86)  # a lens that sees further is no lens of tangents
_GOOD_ENOUGH = 0.02  # px: the model that is the lens's own is taken then

# From the angle to the axis to the radius, for a focal length of one, and how far it goes.
_RADII: dict[int, tuple[Callable[[Any], Any], float]] = {
    RECTILINEAR: (np.tan, math.radians(89.5)),
    ORTHOGRAPHIC: (np.sin, math.pi / 2),
    STEREOGRAPHIC: (lambda angle: 2 * np.tan(angle / 2), math.radians(179)),
    EQUISOLID: (lambda angle: 2 * np.sin(angle / 2), math.pi),
    THOBY: (lambda angle: _THOBY[0] * np.sin(_THOBY[1] * angle), math.pi / 2 / _THOBY[1]),
}
_EQUIDISTANT: tuple[Callable[[Any], Any], float] = (lambda angle: angle, math.pi)


def rig_from_hugin(path: str | Path) -> Imported:
    """Reads a project of two pictures. The one that looks further to the left is the left camera's.

    Raises:
        RigError: if it can't be read, is no project of two cameras, or no lens of ours is near enough to one of its.
    """
    try:
        size = Path(path).stat().st_size
        if size > _LARGEST_FILE:
            raise RigError(f"{path} has {size} bytes; that is no Hugin project")
        text = Path(path).read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise RigError(f"the project {path} can't be read: {error.strerror}") from error
    return rig_from_images(parse_pto(text, str(path)), str(path))


def rig_from_images(images: list[HuginImage], where: str = "the project") -> Imported:
    """The same from image lines that have been read."""
    if len(images) != 2:
        raise RigError(
            f"{where} has {len(images)} images, and a rig has two cameras: one picture of each, taken at one moment"
        )
    fits = [camera_from_image(image) for image in images]
    check_residuals(
        [residual for _, residual in fits],
        [f"{where}, {image.name}" for image in images],
        "in Hugin, optimise the lens with b alone, or v and b, and not with a and c",
    )
    apart = math.remainder(images[1].yaw_deg - images[0].yaw_deg, 360.0)
    if abs(apart) < 1e-6 or abs(apart) > 179.999:
        raise RigError(
            f"{where}: nobody can say which of two cameras {abs(apart):g} degrees apart is the left one"
        )
    middle = images[0].yaw_deg + apart / 2
    cameras = []
    for image, (camera, _) in zip(images, fits, strict=True):
        turned = math.remainder(image.yaw_deg - middle, 360.0)
        angles = (math.radians(a) for a in (turned, image.pitch_deg, image.roll_deg))
        cameras.append(camera.rotated(rotation_from_angles(*angles)))
    order = (0, 1) if apart > 0 else (1, 0)
    notes = {"source": "Hugin", "pictures": [images[n].name for n in order]}
    rig = Rig(tuple(cameras[n] for n in order), notes=notes)
    check_panorama(rig, where)
    return Imported(rig, tuple(fits[n][1] for n in order))


def camera_from_image(image: HuginImage) -> tuple[Camera, Residual]:
    """The nearest lens of ours, looking straight ahead, and how far it is off. Both models are tried."""
    own: DistortionModel = "brown" if image.lens == RECTILINEAR else "fisheye"
    other: DistortionModel = "fisheye" if own == "brown" else "brown"
    angles, radii = _profile(image)
    best: tuple[Camera, Residual] | None = None
    for model in (own, other):
        camera = _fitted(image, model, angles, radii)
        if camera is None:
            continue
        found = camera, _residual(image, camera, angles, radii)
        if best is None or found[1].p95 < best[1].p95:
            best = found
        if best[1].p95 < _GOOD_ENOUGH:
            break
    if best is None:
        raise RigError(f"{image.name}: its field of view and its polynomial make no lens")
    return best


def _profile(image: HuginImage) -> tuple[Floats, Floats]:
    """Angles to the axis, and the radii in pixels at which Hugin shows them, both growing, out to the corners.

    Shorter where the polynomial turns back before: beyond, Hugin shows nothing either.
    """
    project, limit = _RADII.get(image.lens, _EQUIDISTANT)
    focal = image.width / 2 / float(project(math.radians(image.fov_deg) / 2))
    # Tangents grow without bound: even steps of the ideal radius, not of the angle, would spoil the middle.
    angles = np.linspace(0.0, limit, _SAMPLES)
    ideal = focal * project(angles)
    r = ideal / (min(image.width, image.height) / 2)
    a, b, c = image.a, image.b, image.c
    radii = ideal * (a * r**3 + b * r**2 + c * r + (1 - a - b - c))
    turning = np.nonzero(np.diff(radii) <= 0)[0]
    end = int(turning[0]) if turning.size else len(radii) - 1
    beyond = np.nonzero(radii > _corner(image))[0]
    if beyond.size:
        end = min(end, int(beyond[0]))
    return angles[: end + 1], radii[: end + 1]


def _corner(image: HuginImage) -> float:
    """How far the furthest corner is from the lens's centre, pixels."""
    return math.hypot(image.width / 2 + abs(image.d), image.height / 2 + abs(image.e))


def _fitted(image: HuginImage, model: DistortionModel, angles: Floats, radii: Floats) -> Camera | None:
    """Focal length and radial terms by linear least squares; None where the model can't be it."""
    if len(angles) < 10 or radii[-1] <= 0 or (model == "brown" and angles[-1] > _STEEPEST):
        return None
    at = np.linspace(0.0, radii[-1], _FITTED)[1:]
    angle = np.interp(at, radii, angles)
    base = np.tan(angle) if model == "brown" else angle
    terms = 4 if model == "brown" else 5
    powers = np.stack([base ** (2 * k + 1) for k in range(terms)], axis=1)
    scale = np.abs(powers).max(axis=0)
    weight = np.sqrt(at)  # rings of equal width hold more pixels further out
    solved = np.linalg.lstsq(powers / scale * weight[:, None], at * weight, rcond=None)[0] / scale
    focal, rest = float(solved[0]), solved[1:]
    if not focal > 0:
        return None
    k = [float(term) / focal for term in rest]
    coefficients = (k[0], k[1], 0.0, 0.0, k[2]) if model == "brown" else tuple(k)
    centre = (image.width - 1) / 2 + image.d, (image.height - 1) / 2 + image.e
    return Camera(image.width, image.height, focal, focal, *centre, Distortion(model, coefficients))


def _residual(image: HuginImage, camera: Camera, angles: Floats, radii: Floats) -> Residual:
    """Over the whole picture, as far as Hugin shows anything there."""
    x, y = np.meshgrid(np.linspace(0, image.width - 1, 81), np.linspace(0, image.height - 1, 61))
    dx, dy = x - camera.cx, y - camera.cy
    radius = np.hypot(dx, dy)
    shown = radius <= radii[-1]
    angle, around = np.interp(radius, radii, angles), np.arctan2(dy, dx)
    rays = np.stack([np.sin(angle) * np.cos(around), np.sin(angle) * np.sin(around), np.cos(angle)], axis=-1)
    # Pixels at the very edge may fall outside by the residual itself.
    wide = replace(
        camera, width=camera.width + 40, height=camera.height + 40, cx=camera.cx + 20, cy=camera.cy + 20
    )
    pixels, seen = wide.project(rays)
    off = np.linalg.norm(pixels - 20 - np.stack([x, y], axis=-1), axis=-1)
    off = np.where(seen, off, np.inf)[shown]
    return Residual(float(np.percentile(off, 95, method="higher")), float(off.max()))
