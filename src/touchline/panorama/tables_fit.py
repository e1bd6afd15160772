"""The panorama and the two cameras behind a pair of warp tables, by nonlinear least squares.

Where a start is right the rest is a bundle adjustment without unknown points. A start needs two guesses only, how wide
the panorama is and how high its middle looks: then the tables themselves say where a camera looks (at what they show
of its picture's middle) and how long and how rolled it is (from how fast they move there). A grid of guesses is tried
on few points, the best few are refined on many.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares
from scipy.spatial import cKDTree

from touchline.errors import RigError
from touchline.geometry import Camera, Distortion, Panorama, rotation_from_angles
from touchline.geometry.camera import DistortionModel
from touchline.geometry.projection import Projection

Floats = NDArray[np.float64]

_SPANS_DEG = (70.0, 100.0, 130.0, 160.0, 200.0, 250.0)
_PITCHES_DEG = (-30.0, -12.0, 0.0, 12.0)
_FEW, _MANY = 100, 1000  # points of each camera
_FINALISTS = 3
_HOPELESS = 0.03  # of the longer side: where no start comes nearer, nothing will
_PAN = 3  # numbers of the panorama: its span, its top and its bottom
_CAM = 12  # of each camera: log focal, log aspect, centre, five terms, a rotation vector
_FREE_FIRST = (0, 4, 9, 10, 11)  # of those: focal length, first term and rotation
_STEEPEST = 1.5  # radians from the axis; beyond, a tangent goes on straight
_SETTLED = 0.02  # px: the first model is taken where it fits so well


@dataclass(frozen=True)
class Points:
    """What a table says.

    Attributes:
        panorama, picture: pixels of the same directions in both, shape (n, 2).
        size: width and height of the picture.
    """

    panorama: Floats
    picture: Floats
    size: tuple[int, int]

    def some(self, count: int) -> Points:
        """At most so many, spread over all."""
        if len(self.picture) <= count:
            return self
        picks = np.random.default_rng(5).choice(len(self.picture), count, replace=False)
        return Points(self.panorama[picks], self.picture[picks], self.size)


@dataclass(frozen=True)
class Fit:
    """What makes the tables: the panorama, the cameras from left to right, and the error, px (root mean square)."""

    panorama: Panorama
    cameras: tuple[Camera, ...]
    error_px: float


@dataclass(frozen=True)
class _Setup:
    """What is held fixed during one optimisation."""

    points: tuple[Points, Points]
    size: tuple[int, int]
    projection: Projection
    model: DistortionModel
    rotations: tuple[Floats, Floats]  # from which the rotation vectors turn on

    def residuals(self, p: Floats) -> Floats:
        """Differences in pixels, x and y of each point of both cameras."""
        parts = [self._differences(side, p) for side in (0, 1)]
        return np.concatenate([part.ravel() for part in parts])

    def _differences(self, side: int, p: Floats) -> Floats:
        points, own = self.points[side], p[_PAN + side * _CAM : _PAN + (side + 1) * _CAM]
        rays = self.rays(points.panorama, p) @ self.rotations[side].T
        turned = rays @ _rotation(own[9:]).T
        return _pixels(turned, own, points.size, self.model) - points.picture

    def rays(self, pixels: Floats, p: Floats) -> Floats:
        """Directions of panorama pixels, shape (n, 3)."""
        yaw = ((pixels[:, 0] + 0.5) / self.size[0] - 0.5) * p[0]
        row = p[1] + (pixels[:, 1] + 0.5) / self.size[1] * (p[2] - p[1])
        # Upwards is negative y. In a cylindrical one rows are even in the tangent: no need to go by the angle.
        if self.projection == "cylindrical":
            return np.stack([np.sin(yaw), -row, np.cos(yaw)], axis=-1)
        return np.stack([np.cos(row) * np.sin(yaw), -np.sin(row), np.cos(row) * np.cos(yaw)], axis=-1)


def _rotation(vector: Floats) -> Floats:
    """A rotation matrix from a rotation vector (Rodrigues)."""
    angle = float(np.linalg.norm(vector))
    x, y, z = vector / max(angle, 1e-12)
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.asarray(np.eye(3) + math.sin(angle) * cross + (1 - math.cos(angle)) * cross @ cross)


def _pixels(rays: Floats, own: Floats, size: tuple[int, int], model: DistortionModel) -> Floats:
    """Where a camera's numbers put directions in its frame; smooth everywhere, for the solver's sake."""
    across = np.maximum(np.hypot(rays[:, 0], rays[:, 1]), 1e-12)
    angle = np.arctan2(across, rays[:, 2])
    k = own[4:9]
    if model == "brown":
        r = np.where(
            angle < _STEEPEST,
            np.tan(np.minimum(angle, _STEEPEST)),
            math.tan(_STEEPEST) + 50 * (angle - _STEEPEST),
        )
        r2 = r * r
        u, v = rays[:, 0] / across * r, rays[:, 1] / across * r
        radial = 1 + r2 * (k[0] + r2 * (k[1] + r2 * k[4]))
        x = u * radial + 2 * k[2] * u * v + k[3] * (r2 + 2 * u * u)
        y = v * radial + k[2] * (r2 + 2 * v * v) + 2 * k[3] * u * v
    else:
        r2 = angle * angle
        bent = angle * (1 + r2 * (k[0] + r2 * (k[1] + r2 * (k[2] + r2 * k[3]))))
        x, y = rays[:, 0] / across * bent, rays[:, 1] / across * bent
    longer = max(size)
    focal = math.exp(own[0]) * longer
    centre = (size[0] - 1) / 2 + own[2] * longer, (size[1] - 1) / 2 + own[3] * longer
    return np.stack([focal * x + centre[0], focal * math.exp(own[1]) * y + centre[1]], axis=-1)


def fit_tables(left: Points, right: Points, size: tuple[int, int]) -> Fit:
    """Finds what makes the tables.

    Args:
        left, right: what they say, all of it.
        size: width and height of the panorama.

    Raises:
        RigError: if nothing fits at all.
    """
    few = left.some(_FEW), right.some(_FEW)
    many = left.some(_MANY), right.some(_MANY)
    models: tuple[DistortionModel, ...] = ("brown", "fisheye")
    best: Fit | None = None
    for model in models:
        found = _fit_model((left, right), few, many, size, model)
        if found is not None and (best is None or found.error_px < best.error_px):
            best = found
        if best is not None and best.error_px < _SETTLED:
            break
    if best is None:
        raise RigError(
            "no equirectangular or cylindrical panorama of two cameras at one place makes these tables; are the "
            "sizes right?"
        )
    return best


def _fit_model(
    points: tuple[Points, Points],
    few: tuple[Points, Points],
    many: tuple[Points, Points],
    size: tuple[int, int],
    model: DistortionModel,
) -> Fit | None:
    starts = []
    projections: tuple[Projection, ...] = ("equirectangular", "cylindrical")
    looks = [_Look.of(one) for one in points]
    for projection, span, pitch in itertools.product(projections, _SPANS_DEG, _PITCHES_DEG):
        per_pixel = math.radians(span) / size[0]
        middle = math.radians(pitch) if projection == "equirectangular" else math.tan(math.radians(pitch))
        half = per_pixel * size[1] / 2
        if projection == "equirectangular" and abs(middle) + half > 1.5:
            continue
        pan = np.array([math.radians(span), middle + half, middle - half])
        setup, start = _start(few, size, projection, model, pan, looks)
        free = np.array([0, 1, 2, *(_PAN + side * _CAM + n for side in (0, 1) for n in _FREE_FIRST)])
        cost, p = _optimised(setup, start, free, 10)
        starts.append((cost, setup, p))
    starts.sort(key=lambda one: one[0])
    if not starts or starts[0][0] > _HOPELESS * max(points[0].size):
        return None
    fits = [_refined(setup, p, many) for _, setup, p in starts[:_FINALISTS]]
    return min((fit for fit in fits if fit is not None), key=lambda fit: fit.error_px, default=None)


@dataclass(frozen=True)
class _Look:
    """Where a picture's middle is in the panorama, and how its pixels change with those of the panorama there."""

    panorama: Floats
    picture: Floats
    slope: Floats  # of picture x and y for a step to the right in the panorama

    @classmethod
    def of(cls, points: Points) -> _Look:
        nearest = int(np.argmin(np.linalg.norm(points.picture - (np.array(points.size) - 1) / 2, axis=1)))
        around = cKDTree(points.panorama).query(points.panorama[nearest], k=min(25, len(points.panorama)))[1]
        steps = points.panorama[around] - points.panorama[nearest]
        moved = points.picture[around] - points.picture[nearest]
        slope = np.linalg.lstsq(steps, moved, rcond=None)[0][0]
        return cls(points.panorama[nearest], points.picture[nearest], slope)


def _start(
    points: tuple[Points, Points],
    size: tuple[int, int],
    projection: Projection,
    model: DistortionModel,
    pan: Floats,
    looks: list[_Look],
) -> tuple[_Setup, Floats]:
    """Both cameras as the tables say if the panorama is this one."""
    blank = _Setup(points, size, projection, model, (np.eye(3), np.eye(3)))
    numbers, rotations = [pan], []
    for one, look in zip(points, looks, strict=True):
        ray = blank.rays(look.panorama[None], pan)[0]
        yaw, pitch = math.atan2(ray[0], ray[2]), math.atan2(-ray[1], math.hypot(ray[0], ray[2]))
        step = pan[0] / size[0] * math.cos(pitch)
        focal = max(1e-3, float(np.linalg.norm(look.slope)) / step / max(one.size))
        rotations.append(rotation_from_angles(yaw, pitch, -math.atan2(look.slope[1], look.slope[0])))
        numbers.append(np.array([math.log(focal), *[0.0] * (_CAM - 1)]))
    setup = _Setup(points, size, projection, model, (rotations[0], rotations[1]))
    return setup, np.concatenate(numbers)


def _optimised(setup: _Setup, start: Floats, free: NDArray[np.int64], steps: int) -> tuple[float, Floats]:
    """The mean of the absolute residuals after some steps on the free numbers, and all numbers."""

    def spread(q: Floats) -> Floats:
        p: Floats = start.copy()
        p[free] = q
        return p

    def wanted(q: Floats) -> Floats:
        return np.asarray(np.nan_to_num(setup.residuals(spread(q)), nan=1e6, posinf=1e6, neginf=-1e6))

    soft = 0.002 * max(setup.points[0].size)
    with np.errstate(all="ignore"):
        found = least_squares(
            wanted, start[free], loss="soft_l1", f_scale=soft, x_scale="jac", max_nfev=steps
        )
    p = spread(found.x)
    return float(np.abs(np.clip(setup.residuals(p), -1e6, 1e6)).mean()), p


def _refined(setup: _Setup, p: Floats, many: tuple[Points, Points]) -> Fit | None:
    """All numbers, on many points; None if that ends at no camera or no panorama."""
    full = _Setup(many, setup.size, setup.projection, setup.model, setup.rotations)
    unused = (8,) if setup.model == "fisheye" else ()  # it has four terms, not five
    free = np.array([0, 1, 2, *(_PAN + s * _CAM + n for s in (0, 1) for n in range(_CAM) if n not in unused)])
    _, p = _optimised(full, p, free, 40)
    error = float(np.sqrt(np.mean(np.square(full.residuals(p))) * 2))
    try:
        top, bottom = (float(n) if setup.projection == "equirectangular" else math.atan(n) for n in p[1:3])
        panorama = Panorama(setup.projection, *setup.size, -p[0] / 2, p[0] / 2, bottom, top)
        cameras = tuple(_camera(full, side, p) for side in (0, 1))
    except ValueError:
        return None
    return Fit(panorama, cameras, error) if math.isfinite(error) else None


def _camera(setup: _Setup, side: int, p: Floats) -> Camera:
    own, size = p[_PAN + side * _CAM :][:_CAM], setup.points[side].size
    longer = max(size)
    focal = math.exp(own[0]) * longer
    terms = tuple(float(k) for k in (own[4:9] if setup.model == "brown" else own[4:8]))
    camera = Camera(
        *size,
        focal,
        focal * math.exp(own[1]),
        (size[0] - 1) / 2 + float(own[2]) * longer,
        (size[1] - 1) / 2 + float(own[3]) * longer,
        Distortion(setup.model, terms),
    )
    return camera.rotated(_rotation(own[9:]) @ setup.rotations[side])
