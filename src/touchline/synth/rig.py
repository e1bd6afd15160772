"""The two cameras that film the synthetic match."""

from __future__ import annotations

from dataclasses import replace
from typing import Final, Literal

import numpy as np

from touchline.geometry import Camera, Distortion, Rig
from touchline.geometry.camera import DistortionModel
from touchline.synth.pitch import field_outline

LensKind = Literal["brown", "fisheye", "decentred"]

FIELD_OF_VIEW_DEG: Final = 100.0
APART_DEG: Final = 85.0
TILT_DEG: Final = -13.0
_LENSES: Final[dict[str, tuple[DistortionModel, tuple[float, ...]]]] = {
    "brown": ("brown", (-0.18, 0.03)),
    "fisheye": ("fisheye", (-0.01, 0.002)),
    "decentred": ("brown", (-0.22, 0.05, 0.0006, -0.0004, -0.004)),
}


def default_rig(seed: int, size: tuple[int, int] = (1280, 720), lens: LensKind = "brown") -> Rig:
    """Two cameras of about 100 x 55 degrees, 85 degrees apart, so that about 15 degrees are seen by both.

    No two cameras are alike: angles, focal lengths, lens terms and principal points differ a little with the
    seed, as two of one make do.

    Args:
        seed: decides the differences.
        size: width and height of each camera's picture in pixels, even numbers.
        lens: ``brown`` (mild barrel distortion), ``fisheye`` (near equidistant) or ``decentred`` (barrel distortion of
            three radial terms, and tangential ones: a lens whose elements do not sit straight).

    Raises:
        ValueError: for an unknown lens or a size that a camera can't have.
    """
    if lens not in _LENSES:
        raise ValueError(f"unknown lens {lens!r}; known are {', '.join(_LENSES)}")
    model, terms = _LENSES[lens]
    cameras = []
    for side in (-1, 1):
        rng = np.random.default_rng([seed, 77, side + 1])
        varied = tuple(float(k * (1 + 0.02 * rng.standard_normal())) for k in terms)
        plain = Camera.from_fov(
            size[0],
            size[1],
            FIELD_OF_VIEW_DEG + float(rng.normal(0, 0.3)),
            Distortion(model, varied),
            yaw_deg=side * APART_DEG / 2 + float(rng.normal(0, 0.3)),
            pitch_deg=TILT_DEG + float(rng.normal(0, 0.4)),
            roll_deg=-side * 2.0 + float(rng.normal(0, 0.4)),
        )
        off_x, off_y = rng.uniform(-0.002, 0.002, 2) * size[0]
        cameras.append(replace(plain, cx=plain.cx + float(off_x), cy=plain.cy + float(off_y)))
    return Rig(
        tuple(cameras), notes={"source": f"synthetic match, seed {seed}"}, field=field_outline().points
    )
