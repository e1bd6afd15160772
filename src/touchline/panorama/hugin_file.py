"""The image lines of a Hugin project (``.pto``): sizes, lenses and angles, as numbers.

A project is a PanoTools script: lines that begin with a letter, parameters written as a name and a number without a
space between them (``v50``, ``TrX0``, ``n"left.jpg"``), and ``v=0`` for "as image 0 has it".
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from touchline.errors import RigError

RECTILINEAR, CIRCULAR, FULL_FRAME = 0, 2, 3
ORTHOGRAPHIC, STEREOGRAPHIC, EQUISOLID, THOBY = 8, 10, 20, 21
LENSES = {
    RECTILINEAR: "rectilinear",
    CIRCULAR: "circular fisheye",
    FULL_FRAME: "full-frame fisheye",
    ORTHOGRAPHIC: "orthographic fisheye",
    STEREOGRAPHIC: "stereographic fisheye",
    EQUISOLID: "equisolid fisheye",
    THOBY: "Thoby fisheye",
}

_PARAMETER = re.compile(r'\s+([A-Za-z]+)(=?)("[^"]*"|[^\s"]*)')
_LARGEST = 65536  # pixels along a side
_MOST_LINES = 100_000


@dataclass(frozen=True)
class HuginImage:
    """One image line.

    Attributes:
        name: of the picture's file; for messages.
        width, height: pixels.
        lens: a key of :data:`LENSES`.
        fov_deg: horizontal field of view of the lens without distortion.
        yaw_deg, pitch_deg, roll_deg: where it looks; right, up and clockwise are positive, as in Touchline.
        a, b, c: of the radial polynomial: a radius r becomes ``r * (a r^3 + b r^2 + c r + 1 - a - b - c)``, where half
            of the shorter side is 1.
        d, e: how far right of and below the picture's middle the lens is, pixels.
    """

    name: str
    width: int
    height: int
    lens: int
    fov_deg: float
    yaw_deg: float
    pitch_deg: float
    roll_deg: float
    a: float
    b: float
    c: float
    d: float
    e: float


def parse_pto(text: str, where: str = "the project") -> list[HuginImage]:
    """Reads the images of a project, in their order.

    Raises:
        RigError: naming ``where``, for text without images, and for images that no camera of a rig can be: of a lens
            that is none, sheared, cropped, or taken from different places.
    """
    lines = text.splitlines()
    if len(lines) > _MOST_LINES:
        raise RigError(f"{where} has {len(lines)} lines; that is no project of two cameras")
    found = [_parameters(line) for line in lines if line[:1] == "i" and line[1:2].isspace()]
    if not found:
        raise RigError(
            f"{where} is not a Hugin project: there is no image line (one that begins with i) in it"
        )
    return [_image(number, found, where) for number in range(len(found))]


def _parameters(line: str) -> dict[str, tuple[bool, str]]:
    """Name to (is it a reference, what is written). The first one of a name counts."""
    made: dict[str, tuple[bool, str]] = {}
    for name, refers, value in _PARAMETER.findall(line[1:]):
        made.setdefault(name, (bool(refers), value.strip('"')))
    return made


def _image(number: int, images: Sequence[dict[str, tuple[bool, str]]], where: str) -> HuginImage:
    place = f"{where}, image {number}"

    def get(name: str, default: float | None = None) -> float:
        value = _number(name, number, images, place)
        if value is None:
            if default is None:
                raise RigError(f"{place} has no {name}; save the project with Hugin once more")
            return default
        return value

    width, height = get("w"), get("h")
    if not all(side == int(side) and 2 <= side <= _LARGEST for side in (width, height)):
        raise RigError(f"{place} has a size of {width:g}x{height:g}; that is no picture")
    lens = get("f", RECTILINEAR)
    if lens not in LENSES:
        known = ", ".join(f"{key} {value}" for key, value in LENSES.items())
        raise RigError(f"{place} has lens type {lens:g}, which is no camera's; known are {known}")
    fov, most = get("v"), 179.0 if lens == RECTILINEAR else 180.0 if lens == ORTHOGRAPHIC else 360.0
    if not 1 <= fov <= most:
        raise RigError(f"{place} has a field of view of {fov:g} degrees; 1 to {most:g} can be used")
    for name, meaning in (
        ("g", "shear"),
        ("t", "shear"),
        ("TrX", "moves"),
        ("TrY", "moves"),
        ("TrZ", "moves"),
    ):
        if get(name, 0.0) != 0:
            advice = (
                "scanned pictures are sheared, cameras' are not"
                if meaning == "shear"
                else "a rig's cameras share one viewpoint"
            )
            raise RigError(f"{place} has {name} {get(name, 0.0):g}: {advice}; optimise without it")
    if "C" in images[number]:
        raise RigError(f"{place} is cropped (C{images[number]['C'][1]}); remove the crop in Hugin")
    lengths = [get(name, 0.0) for name in "abcde"]
    return HuginImage(
        images[number].get("n", (False, f"image {number}"))[1],
        int(width),
        int(height),
        int(lens),
        fov,
        *(get(name, 0.0) for name in "ypr"),
        *lengths,
    )


def _number(
    name: str, number: int, images: Sequence[dict[str, tuple[bool, str]]], place: str
) -> float | None:
    """A parameter's value, looked up where it refers to another image's; None if it is not there."""
    for _ in range(len(images) + 1):
        if name not in images[number]:
            return None
        refers, text = images[number][name]
        try:
            if not refers:
                value = float(text)
                break
            number = int(text)
            if not 0 <= number < len(images):
                raise ValueError
        except (ValueError, OverflowError) as error:
            raise RigError(
                f"{place} has {name}{'=' * refers}{text[:40]}, which is no number to use"
            ) from error
    else:
        raise RigError(f"{place} takes {name} from images that take it from one another")
    if not math.isfinite(value) or abs(value) > 1e9:
        raise RigError(f"{place} has {name}{text[:40]}, which is no number to use")
    return value
