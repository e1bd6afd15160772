"""Bundle adjustment of both cameras over points that both see, straight lines, and what is likely of lenses and masts.

Points say how the cameras stand to one another (Brown and Lowe 2007). Lines say the rest: what is straight in the world
must lie in a plane through the viewpoint (the plumb line of Brown 1971; Devernay and Faugeras 2001), and that plane
must hold the direction along which the line runs, one of three at right angles (Caprile and Torre 1990). Each
line's own plane is eliminated: for given cameras the best one has a closed form (variable projection, Golub and
Pereyra 1973). What is likely counts only where pictures say nothing.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares

from touchline.geometry import Rig, rotation_to_angles
from touchline.panorama.calibrate_lens import NUMBERS, Floats, Lens, Size
from touchline.panorama.calibrate_matches import Matches
from touchline.panorama.lenses import LensPreset

UNKNOWNS = 8 + 2 * NUMBERS  # both rotations, heading, skew; both lenses

# What is likely of a mast, in degrees: cameras sit level to within a little, both tilted alike, by an unknown angle.
ROLL_SIGMA, TILT_APART_SIGMA, TILT_SIGMA = 2.0, 2.0, 20.0
_TILT = -12.0
_SKEW_SIGMA = math.radians(0.1)  # fields are staked out by tape: 5 cm in 30 m
# Two cameras of a rig are mostly of one make: how far their lenses' numbers differ.
_MUTUAL = np.array([0.015, np.inf, np.inf, 0.02, 0.02, 0.01, np.inf, np.inf])
_POINT_FLOOR, _LINE_FLOOR = 0.12, 0.015  # pixels in a picture of 1280: nothing is known better
_TYPICAL = 6  # points of others that a line's own deviation is held to
# Errors along a line, and of neighbouring points, are alike: over synthetic matches, whose truth is known, the true
# errors were up to so many times what independent noise would make (docs/performance.md).
_ALIKE = 1.4
_SOFT = 2.0  # deviations beyond which a residual counts less and less
_LOW = np.array([math.log(0.2), -0.7, -0.7, -0.8, -0.8, -0.3, -0.05, -0.05])
_HIGH = np.array([math.log(6.0), 0.7, 0.7, 0.6, 0.8, 0.3, 0.05, 0.05])
_SCALE = np.array([0.05, 0.01, 0.01, 0.05, 0.02, 0.01, 0.001, 0.001])


@dataclass(frozen=True)
class Stand:
    """Two cameras and the directions in which the field's lines run; the rig's frame is level.

    Attributes:
        lenses: left and right.
        turns: rotations from the rig's frame to each camera's, shape (3, 3) each.
        heading: yaw, radians, of the lines that run away from the cameras.
        skew: by how much the two horizontal directions miss the right angle, radians.
    """

    lenses: tuple[Lens, Lens]
    turns: tuple[Floats, Floats]
    heading: float = 0.0
    skew: float = 0.0

    @property
    def between(self) -> Floats:
        """The rotation from the left camera's frame to the right camera's, shape (3, 3)."""
        return np.asarray(self.turns[1] @ self.turns[0].T)

    @property
    def axes(self) -> Floats:
        """Unit vectors ALONG, ACROSS and UPRIGHT (down) in the rig's frame, as rows, shape (3, 3)."""
        away, aside = self.heading, self.heading + math.pi / 2 + self.skew
        return np.array(
            [
                [math.sin(aside), 0.0, math.cos(aside)],
                [math.sin(away), 0.0, math.cos(away)],
                [0.0, 1.0, 0.0],
            ]
        )

    def rig(self, sizes: tuple[Size, Size]) -> Rig:
        """The two cameras as a rig."""
        left, right = (
            lens.camera(size, turn) for lens, size, turn in zip(self.lenses, sizes, self.turns, strict=True)
        )
        return Rig((left, right))

    def differences(self, matches: Matches) -> tuple[Floats, Floats]:
        """Reprojection errors in the right and in the left picture, pixels, shape (n, 2) each."""
        left, right = self.lenses
        there = right.pixels(left.rays(matches.left) @ self.between.T) - matches.right
        back = left.pixels(right.rays(matches.right) @ self.between) - matches.left
        return there, back

    def errors(self, matches: Matches) -> Floats:
        """Mean length of both reprojection errors of each match, pixels, shape (n,)."""
        there, back = self.differences(matches)
        return np.asarray((np.linalg.norm(there, axis=1) + np.linalg.norm(back, axis=1)) / 2)


@dataclass(frozen=True)
class Strokes:
    """Points along straight lines whose directions are known.

    Attributes:
        points: pixel positions in the left and in the right picture, shape (n, 2) and (m, 2).
        group: the line of each point, left ones first, shape (n + m,); a line may be seen by both cameras.
        axis: ALONG, ACROSS or UPRIGHT for each line.
        scale: pixels per unit of distance from the line's plane, shape (n + m,).
    """

    points: tuple[Floats, Floats]
    group: NDArray[np.intp]
    axis: NDArray[np.intp]
    scale: Floats

    def __len__(self) -> int:
        return len(self.axis)

    @classmethod
    def none(cls) -> Strokes:
        nowhere, nobody = np.empty((0, 2)), np.empty(0, np.intp)
        return cls((nowhere, nowhere), nobody, nobody, np.empty(0))

    def residuals(self, rays: Floats, axes: Floats) -> Floats:
        """Distances in pixels of the points' rays (rig's frame, shape (n + m, 3)) from their lines' best planes."""
        one, two = plane_basis(axes)
        mine = self.axis[self.group]
        a, b = np.sum(rays * one[mine], axis=1) * self.scale, np.sum(rays * two[mine], axis=1) * self.scale
        count = len(self.axis)
        aa, ab, bb = (np.bincount(self.group, p, minlength=count) for p in (a * a, a * b, b * b))
        lean = 0.5 * np.arctan2(2 * ab, aa - bb) + math.pi / 2
        return np.asarray(a * np.cos(lean)[self.group] + b * np.sin(lean)[self.group])


def plane_basis(axes: Floats) -> tuple[Floats, Floats]:
    """Two unit vectors at right angles to each of the three axes, shape (3, 3) each."""
    down = axes[2]
    one = np.stack([down, down, axes[0]])
    one[2] -= down * (one[2] @ down)
    two = np.cross(axes, one)
    return one, two / np.linalg.norm(two, axis=1, keepdims=True)


@dataclass(frozen=True)
class Adjusted:
    """What an adjustment found.

    Attributes:
        stand: the cameras.
        covariance: of its unknowns about ``stand``, in the order of :func:`moved`, shape (24, 24).
        point_sigma: deviation of one coordinate of a point, pixels.
        line_sigma: deviation of a point of a line across it, the median over the lines, pixels.
    """

    stand: Stand
    covariance: Floats
    point_sigma: float
    line_sigma: float


def moved(stand: Stand, step: Floats, sizes: tuple[Size, Size]) -> Stand:
    """The cameras after a step of the unknowns: rotation vectors of the left and the right camera, heading, skew,
    and the numbers of both lenses (see ``Lens.numbers``), shape (24,)."""
    turns = [
        np.asarray(cv2.Rodrigues(step[k : k + 3])[0] @ turn)
        for k, turn in zip((0, 3), stand.turns, strict=True)
    ]
    lenses = [
        lens.moved(step[k : k + NUMBERS], size)
        for k, lens, size in zip((8, 8 + NUMBERS), stand.lenses, sizes, strict=True)
    ]
    return Stand(
        (lenses[0], lenses[1]),
        (turns[0], turns[1]),
        stand.heading + float(step[6]),
        stand.skew + float(step[7]),
    )


def noise(residuals: Floats, floor: float) -> float:
    """The deviation of residuals of which some may be wild, by their median; at least ``floor``."""
    return max(floor, 1.4826 * float(np.median(np.abs(residuals)))) if len(residuals) else floor


def line_noise(strokes: Strokes, residuals: Floats, floor: float) -> Floats:
    """The deviation of each point of a line, pixels, shape (n,): a line's own, held to its direction's typical one.

    A touchline is known ten times better than the edge of a mown stripe.
    """
    typical = np.ones(3)
    for axis in range(3):
        typical[axis] = noise(residuals[strokes.axis[strokes.group] == axis], floor)
    count = len(strokes)
    squares = np.bincount(strokes.group, residuals**2, minlength=count)
    number = np.bincount(strokes.group, minlength=count)
    own = (squares + _TYPICAL * typical[strokes.axis] ** 2) / (np.maximum(number - 1, 0) + _TYPICAL)
    return np.asarray(np.maximum(np.sqrt(own), floor)[strokes.group])


def adjust(
    stand: Stand, matches: Matches, strokes: Strokes, sizes: tuple[Size, Size], preset: LensPreset
) -> Adjusted:
    """One bundle adjustment from a stand that is nearly right.

    Args:
        stand: where to begin; its frame's yaw 0 becomes the middle between the cameras.
        matches: points that fit.
        strokes: lines that fit.
        sizes: width and height of the left and the right pictures.
        preset: what is likely of the lenses.
    """
    unit = max(*sizes[0], *sizes[1]) / 1280
    point_sigma = noise(np.concatenate([d.ravel() for d in stand.differences(matches)]), _POINT_FLOOR * unit)
    line_sigma = line_noise(strokes, strokes.residuals(_rays(stand, strokes), stand.axes), _LINE_FLOOR * unit)
    seen = _seen(matches, strokes, point_sigma, line_sigma)
    begin = np.array([lens.numbers(size) for lens, size in zip(stand.lenses, sizes, strict=True)])

    free = np.repeat([True, *(not lens.fixed for lens in stand.lenses)], [8, NUMBERS, NUMBERS])

    def whole(some: Floats) -> Floats:
        step = np.zeros(UNKNOWNS)
        step[free] = some
        return step

    def residuals(some: Floats) -> Floats:
        now = moved(stand, whole(some), sizes)
        return np.concatenate([seen(now), unlikely(now, sizes, preset)])

    low = np.concatenate([np.full(8, -np.inf), *(np.minimum(_LOW - n, -1e-6) for n in begin)])
    high = np.concatenate([np.full(8, np.inf), *(np.maximum(_HIGH - n, 1e-6) for n in begin)])
    scale = np.concatenate([np.full(6, 0.01), [0.01, 0.001], _SCALE, _SCALE])
    found = least_squares(
        residuals,
        np.zeros(np.count_nonzero(free)),
        bounds=(low[free], high[free]),
        loss="soft_l1",
        f_scale=_SOFT,
        x_scale=scale[free],
        max_nfev=30,
        xtol=1e-7,
        ftol=1e-7,
    )
    covariance = np.zeros((UNKNOWNS, UNKNOWNS))  # of what is known already: none
    covariance[np.ix_(free, free)] = _covariance(np.asarray(found.jac))
    return Adjusted(
        moved(stand, whole(found.x), sizes),
        covariance,
        point_sigma,
        float(np.median(line_sigma)) if len(line_sigma) else 0.0,
    )


def _covariance(jacobian: Floats) -> Floats:
    """Inverse of the Gauss-Newton Hessian of the weighted cost; the solver scales the rows by their robust weights."""
    scale = 1 / np.maximum(np.linalg.norm(jacobian, axis=0), 1e-12)
    scaled = jacobian * scale
    inverse = np.linalg.pinv(scaled.T @ scaled, hermitian=True, rcond=1e-12)
    return np.asarray(_ALIKE**2 * inverse * scale[:, None] * scale[None, :])


def _rays(stand: Stand, strokes: Strokes) -> Floats:
    return np.vstack(
        [
            lens.rays(points) @ turn
            for lens, points, turn in zip(stand.lenses, strokes.points, stand.turns, strict=True)
        ]
    )


def _seen(
    matches: Matches, strokes: Strokes, point_sigma: float, line_sigma: Floats
) -> Callable[[Stand], Floats]:
    """Residuals of points and lines in deviations. Rays are kept while a lens stays as it is: most steps of a
    numerical derivative leave it."""

    def kept(points: Floats) -> Callable[[Lens], Floats]:
        return lru_cache(maxsize=3)(lambda lens: lens.rays(points))

    counts = len(matches), len(matches)
    rays = [
        kept(np.vstack([points, lines]))
        for points, lines in zip((matches.left, matches.right), strokes.points, strict=True)
    ]

    def residuals(stand: Stand) -> Floats:
        left, right = (ray(lens) for ray, lens in zip(rays, stand.lenses, strict=True))
        there = stand.lenses[1].pixels(left[: counts[0]] @ stand.between.T) - matches.right
        back = stand.lenses[0].pixels(right[: counts[1]] @ stand.between) - matches.left
        # Both say nearly the same: together they count as one.
        points = np.concatenate([there.ravel(), back.ravel()]) / (math.sqrt(2.0) * point_sigma)
        lines = np.vstack([left[counts[0] :] @ stand.turns[0], right[counts[1] :] @ stand.turns[1]])
        return np.concatenate([points, strokes.residuals(lines, stand.axes) / line_sigma])

    return residuals


def unlikely(stand: Stand, sizes: tuple[Size, Size], preset: LensPreset) -> Floats:
    """How far a stand is from what is likely of lenses and masts, in deviations; yaw 0 is held in the middle."""
    missed = []
    for lens, size in zip(stand.lenses, sizes, strict=True):
        if not lens.fixed:
            means, sigmas = preset.likely(lens.model)
            missed.append((lens.numbers(size) - means) / sigmas)
    if len(missed) == 2:
        left, right = (lens.numbers(size) for lens, size in zip(stand.lenses, sizes, strict=True))
        missed.append((left - right) / _MUTUAL)
    return np.concatenate(
        [*missed, unlikely_mast(stand.turns), [stand.skew / _SKEW_SIGMA, stand.heading / 3]]
    )


def unlikely_mast(turns: tuple[Floats, Floats]) -> Floats:
    """How far rotations are from what is likely of a mast, in deviations, shape (5,)."""
    one, two = (np.degrees(rotation_to_angles(turn)) for turn in turns)
    return np.array(
        [
            one[2] / ROLL_SIGMA,
            two[2] / ROLL_SIGMA,
            (one[1] - two[1]) / TILT_APART_SIGMA,
            ((one[1] + two[1]) / 2 - _TILT) / TILT_SIGMA,
            (one[0] + two[0]) * 10,
        ]
    )
