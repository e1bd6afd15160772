"""How certain a rig is: the covariance of its adjustment, carried over to what people ask for."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from touchline.panorama.calibrate_adjust import UNKNOWNS, Adjusted, Stand, moved
from touchline.panorama.calibrate_lens import Floats, Size

_GRID = 40  # places along the longer side at which the overlap is looked at


@dataclass(frozen=True)
class Certainty:
    """Standard deviations.

    Attributes:
        fov_deg: of both horizontal fields of view, degrees.
        apart_deg: of the angle between the directions of view, degrees.
        pitch_deg, roll_deg: of both cameras, degrees.
        overlap_px, overlap_p95_px: by how much the two pictures miss each other in the overlap, pixels of the
            right picture: median and 95th percentile over the overlap's places.
    """

    fov_deg: tuple[float, float]
    apart_deg: float
    pitch_deg: tuple[float, float]
    roll_deg: tuple[float, float]
    overlap_px: float
    overlap_p95_px: float

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON, rounded."""
        return {
            name: [round(v, 4) for v in value] if isinstance(value, tuple) else round(value, 4)
            for name, value in asdict(self).items()
        }


def certainty(adjusted: Adjusted, sizes: tuple[Size, Size]) -> Certainty:
    """Standard deviations of what an adjustment found, to first order."""
    places = overlap_places(adjusted.stand, sizes)

    def facts(stand: Stand) -> Floats:
        left, right = stand.rig(sizes).cameras
        angles = (left.pitch_deg, right.pitch_deg, left.roll_deg, right.roll_deg)
        return np.array([left.horizontal_fov_deg, right.horizontal_fov_deg, apart_deg(stand), *angles])

    def there(stand: Stand) -> Floats:
        return stand.lenses[1].pixels(stand.lenses[0].rays(places) @ stand.between.T).ravel()

    slopes = _slopes(adjusted, sizes, facts)
    sigmas = np.sqrt(np.maximum(np.einsum("ij,jk,ik->i", slopes, adjusted.covariance, slopes), 0.0))
    slopes = _slopes(adjusted, sizes, there)
    variances = np.maximum(np.einsum("ij,jk,ik->i", slopes, adjusted.covariance, slopes), 0.0)
    beside = variances.reshape(-1, 2).sum(axis=1)
    fov_left, fov_right, apart, pitch_left, pitch_right, roll_left, roll_right = (float(s) for s in sigmas)
    return Certainty(
        (fov_left, fov_right),
        apart,
        (pitch_left, pitch_right),
        (roll_left, roll_right),
        float(np.sqrt(np.median(beside))) if len(beside) else math.inf,
        float(np.sqrt(np.percentile(beside, 95))) if len(beside) else math.inf,
    )


def _slopes(adjusted: Adjusted, sizes: tuple[Size, Size], of: Callable[[Stand], Floats]) -> Floats:
    """Derivatives of what ``of`` makes of a stand by its unknowns, shape (k, 24), over a tenth of a deviation."""
    columns = []
    for k, variance in enumerate(np.diag(adjusted.covariance)):
        step = np.zeros(UNKNOWNS)
        step[k] = max(1e-9, 0.1 * math.sqrt(max(0.0, float(variance))))
        up, down = (of(moved(adjusted.stand, sign * step, sizes)) for sign in (1, -1))
        columns.append((up - down) / (2 * step[k]))
    return np.stack(columns, axis=1)


def overlap_places(stand: Stand, sizes: tuple[Size, Size]) -> Floats:
    """Places, on a grid of the left picture, that the right camera sees too; pixels, shape (n, 2)."""
    width, height = sizes[0]
    step = max(width, height) / _GRID
    x, y = np.meshgrid(np.arange(step / 2, width, step), np.arange(step / 2, height, step))
    places = np.column_stack([x.ravel(), y.ravel()])
    left, right = stand.rig(sizes).cameras
    return np.asarray(places[right.project(left.unproject(places))[1]])


def apart_deg(stand: Stand) -> float:
    """The angle between the cameras' directions of view, degrees."""
    return math.degrees(math.acos(float(np.clip(stand.turns[0][2] @ stand.turns[1][2], -1, 1))))
