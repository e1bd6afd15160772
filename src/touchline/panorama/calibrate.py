"""The rig from footage: what the two cameras see in common says how they stand and what lenses they have."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares

from touchline.errors import CalibrationError, RigError
from touchline.geometry import (
    Camera,
    Rig,
    angles_to_rays,
    fit_panorama,
    rotation_from_angles,
    rotation_to_angles,
)
from touchline.geometry.camera import DistortionModel
from touchline.panorama.calibrate_matches import Image, Matches, find_matches
from touchline.panorama.calibrate_solve import Solution, solve
from touchline.panorama.compare import likeness

LEAST_MATCHES = 25
_LEAST_SHARE = 0.12  # of all matches that must fit
_LEAST_APART_DEG = 3.0
_LEAST_LIKENESS = 0.25
# What is likely of a mast, in degrees: cameras sit level to within a little, both tilted alike, by an unknown angle.
_ROLL_SIGMA, _TILT_APART_SIGMA, _TILT_SIGMA = 1.5, 1.5, 20.0


@dataclass(frozen=True)
class CalibrationResult:
    """A rig and how well it fits.

    Attributes:
        rig: the two cameras, level as far as can be told, their yaw counted from the middle between them.
        matches: how many points were matched between the pictures.
        points: those of them that fit the rig, in pixels.
        median_px, p95_px: median and 95th percentile of the reprojection error of those, in pixels.
        overlap_deg: width of what both cameras see, half-way up their pictures.
        apart_deg: angle between the two directions of view.
        likeness: correlation of the two pictures where they overlap, -1 .. 1.
    """

    rig: Rig
    matches: int
    points: Matches
    median_px: float
    p95_px: float
    overlap_deg: float
    apart_deg: float
    likeness: float

    @property
    def inliers(self) -> int:
        """How many matches fit the rig."""
        return len(self.points)

    def facts(self) -> list[tuple[str, str]]:
        """Names and values for a person to read."""
        cameras = (("left", self.rig.left), ("right", self.rig.right))
        return [
            ("matching points", f"{self.inliers} of {self.matches} fit"),
            ("reprojection error", f"median {self.median_px:.2f} px, 95 % below {self.p95_px:.2f} px"),
            ("angle between cameras", f"{self.apart_deg:.1f} degrees"),
            ("seen by both", f"{self.overlap_deg:.1f} degrees"),
            *(
                (f"{name} camera sees", f"{camera.horizontal_fov_deg:.1f} degrees across")
                for name, camera in cameras
            ),
        ]


def calibrate(
    pairs: Sequence[tuple[Image, Image]],
    *,
    models: tuple[DistortionModel, ...] = ("brown", "fisheye"),
    least: int = LEAST_MATCHES,
) -> CalibrationResult:
    """Finds the rig of two cameras that share a viewpoint, from what they filmed.

    SIFT features (Lowe 2004) are matched in every pair; RANSAC over a grid of lenses and bundle adjustment find the
    lenses and the rotation between them (Brown and Lowe 2007, with distortion); the rig is levelled by what is likely
    of a mast, because nothing in two pictures says for certain where down is. The same pairs give the same rig.

    Args:
        pairs: pictures of the left and of the right camera at the same moments; grey (h, w) or BGR (h, w, 3), uint8. A
            few, spread over time, are better than one: what moves gives points where the ground has none.
        models: lens models to try; a later one must fit clearly better.
        least: how many points must fit.

    Raises:
        CalibrationError: if too few points match, or what fits best can't be; ``matches`` says how many were found.
    """
    left_size, right_size = _sizes(pairs)
    matches = find_matches(pairs)
    if len(matches) < least:
        raise _too_few(len(matches), least)
    solution = solve(matches, left_size, right_size, models)
    count = int(np.count_nonzero(solution.inliers))
    if count < least or count < _LEAST_SHARE * len(matches):
        raise _too_few(count, least)
    rig = _believable(solution, left_size, right_size, count)
    alike = float(np.median([likeness(rig, left, right) for left, right in pairs]))
    if alike < _LEAST_LIKENESS:
        raise CalibrationError(
            f"{count} points match, but the pictures do not look alike where they would overlap (correlation "
            f"{alike:.2f}): repeated patterns have been mistaken for one another; turn the cameras so that they "
            "overlap by 15 % or more",
            matches=count,
        )
    errors = solution.errors[solution.inliers]
    median = float(np.median(errors))
    return CalibrationResult(
        rig=Rig(rig.cameras, round(median, 4), {"matches": count, "source": "touchline calibrate"}),
        matches=len(matches),
        points=matches.where(solution.inliers),
        median_px=median,
        p95_px=float(np.percentile(errors, 95)),
        overlap_deg=overlap_deg(rig),
        apart_deg=_apart_deg(rig),
        likeness=alike,
    )


def _sizes(pairs: Sequence[tuple[Image, Image]]) -> tuple[tuple[int, int], tuple[int, int]]:
    """Width and height of the left and of the right pictures. Raises CalibrationError if they vary."""
    if not pairs:
        raise CalibrationError("no pictures to calibrate from: the footage is empty or could not be read")
    found = {(left.shape[1::-1], right.shape[1::-1]) for left, right in pairs}
    if len(found) > 1:
        raise CalibrationError(
            "the pictures of one camera must all have one size; calibrate from one recording"
        )
    (left, right) = found.pop()
    return (int(left[0]), int(left[1])), (int(right[0]), int(right[1]))


def _too_few(count: int, least: int) -> CalibrationError:
    return CalibrationError(
        f"only {count} matching points were found between the pictures, and {least} are needed: do they overlap (15 % "
        "of the width or more), are left and right from the same moment, and is there light and something to see?",
        matches=count,
    )


def _believable(
    solution: Solution, left_size: tuple[int, int], right_size: tuple[int, int], count: int
) -> Rig:
    """The levelled rig. Raises CalibrationError if it can't be the picture of two cameras side by side."""
    left = solution.left.camera(left_size)
    right = solution.right.camera(right_size).rotated(solution.rotation)
    if _apart_deg(Rig((left, right))) < _LEAST_APART_DEG:
        raise CalibrationError(
            f"both cameras look the same way ({count} points match): the same footage was given twice, or the cameras "
            "need turning apart",
            matches=count,
        )
    if right.yaw_deg < 0:
        raise CalibrationError(
            f"left and right are swapped ({count} points match, at the outer edges): give them the other way round",
            matches=count,
        )
    rig = level(Rig((left, right)))
    fields = [camera.horizontal_fov_deg for camera in rig.cameras]
    try:
        fit_panorama(rig)
        possible = all(10 < field < 175 for field in fields) and abs(right.pitch_deg) < 45
    except RigError:
        possible = False
    if not possible:
        raise CalibrationError(
            f"{count} points match, but no pair of cameras fits them (it would see {fields[0]:.0f} and {fields[1]:.0f} "
            "degrees): the cameras must stand together, not apart, and must not zoom; use other moments of the footage",
            matches=count,
        )
    return rig


def level(rig: Rig) -> Rig:
    """The same two cameras, turned together so that the rig is as level as can be told.

    Two pictures of one viewpoint say nothing of where down is. Cameras on a mast, however, are mounted level:
    the direction at right angles to both their horizontal axes is down (as in Brown and Lowe 2007, section 5). The
    closer together they look, the less that says about their common tilt; then it counts that steep tilts are
    rare.
    """
    left, right = rig.left, rig.right
    between = right.rotation @ left.rotation.T

    def cameras(p: NDArray[np.float64]) -> tuple[Camera, Camera]:
        turned = rotation_from_angles(*(float(a) for a in p))
        return left.rotated(turned), right.rotated(between @ turned)

    def unlikely(p: NDArray[np.float64]) -> NDArray[np.float64]:
        one, two = cameras(p)
        return np.array(
            [
                one.roll_deg / _ROLL_SIGMA,
                two.roll_deg / _ROLL_SIGMA,
                (one.pitch_deg - two.pitch_deg) / _TILT_APART_SIGMA,
                (one.pitch_deg + two.pitch_deg) / 2 / _TILT_SIGMA,
                (one.yaw_deg + two.yaw_deg) * 10,
            ]
        )

    start = np.array([-rotation_to_angles(between)[0] / 2, 0.0, 0.0])
    found = least_squares(unlikely, start, x_scale=0.1)
    return Rig(cameras(found.x), rig.error_px, rig.notes)


def overlap_deg(rig: Rig) -> float:
    """Degrees of yaw that both cameras see, at the mean of their pitches."""
    step = 0.05
    pitch = math.radians((rig.left.pitch_deg + rig.right.pitch_deg) / 2)
    rays = angles_to_rays(np.radians(np.arange(-180, 180, step)), pitch)
    both = rig.left.project(rays)[1] & rig.right.project(rays)[1]
    return float(np.count_nonzero(both)) * step


def _apart_deg(rig: Rig) -> float:
    return math.degrees(math.acos(float(np.clip(rig.left.rotation[2] @ rig.right.rotation[2], -1, 1))))
