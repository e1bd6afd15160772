"""One camera's lens from views of a board: the exact way, before a rig is built.

Zhang 2000, "A flexible new technique for camera calibration", as OpenCV does it for both of its lens models. What this
adds is to refuse: a set of views that leaves something open gives numbers all the same, and they are wrong.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import cv2
import numpy as np

from touchline.errors import CalibrationError
from touchline.geometry import Camera, Distortion
from touchline.geometry.camera import DistortionModel
from touchline.panorama.board_views import Floats, View, choose_views

Model = Literal["auto", "brown", "fisheye"]

LEAST_VIEWS = 8
_CELLS = 5  # the picture is divided into so many by so many
_LEAST_COVERED = 0.5  # of those, to be reached by a corner of the board in some view
_LEAST_REACH = 0.6  # of the way from the middle to the corners
_MOST_ERROR = 0.0008  # of the longer side; a pixel at least
_LEAST_TILT_DEG = 10.0  # that the usual view differs from the mean
_MOST_FOCAL_SIGMA = 0.01  # of the focal length
_HELPS = 0.95  # one term more must make the error so much smaller
_CLEARLY = 0.8  # a fisheye's error must be below this share of the other model's
_OUTLIER, _OUTLIER_PX = 3.0, 0.5  # times the usual error of a view, and at least so many pixels
_NAMES: dict[DistortionModel, tuple[str, ...]] = {
    "brown": ("fx", "fy", "cx", "cy", "k1", "k2", "p1", "p2", "k3"),
    "fisheye": ("fx", "fy", "cx", "cy", "k1", "k2", "k3", "k4"),
}


@dataclass(frozen=True)
class LensResult:
    """A lens and how well it is known.

    Attributes:
        camera: it, looking straight ahead.
        error_px: root mean square of the reprojection error, pixels.
        found, used: in how many pictures the board was found, and how many of these views count.
        reach: how far towards the corners of the picture the board came, 0 .. 1.
        deviations: standard deviation of each number of the lens by its name; lengths in pixels.
    """

    camera: Camera
    error_px: float
    found: int
    used: int
    reach: float
    deviations: dict[str, float]

    def facts(self) -> list[tuple[str, str]]:
        """Names and values for a person to read."""
        lens, off = self.camera, self.deviations
        terms = zip(_NAMES[lens.distortion.model][4:], lens.distortion.coefficients, strict=True)
        return [
            ("views of the board", f"{self.used} used of {self.found}"),
            ("reprojection error", f"{self.error_px:.3f} px"),
            ("board came within", f"{100 * self.reach:.0f} % of the way to the corners"),
            ("lens model", lens.distortion.model),
            ("focal lengths", f"{lens.fx:.2f} ±{off['fx']:.2f}, {lens.fy:.2f} ±{off['fy']:.2f} px"),
            ("centre", f"{lens.cx:.2f} ±{off['cx']:.2f}, {lens.cy:.2f} ±{off['cy']:.2f} px"),
            ("distortion", ", ".join(f"{name} {value:.5f} ±{off[name]:.5f}" for name, value in terms)),
            ("sees", f"{lens.horizontal_fov_deg:.1f} degrees across"),
        ]

    def notes(self) -> dict[str, Any]:
        """The same for a file."""
        return {
            "source": "touchline board",
            "error_px": round(self.error_px, 4),
            "views": self.used,
            "deviations": {name: round(value, 6) for name, value in self.deviations.items()},
        }


def calibrate_lens(
    views: Sequence[View], size: tuple[int, int], *, model: Model = "auto", looked_at: int = 0
) -> LensResult:
    """Finds a lens.

    Args:
        views: from :meth:`~touchline.panorama.board_views.Board.find`, all of pictures of one size.
        size: width and height of those pictures.
        model: ``auto`` takes the fisheye only if it fits clearly better.
        looked_at: in how many pictures the board was looked for; for messages.

    Raises:
        CalibrationError: if the views are too few, leave something open or do not fit, with what to do about it.
    """
    if not views:
        raise CalibrationError(
            f"the board was not found in any of {looked_at} pictures: are its squares (not its corners) counted right, "
            "is it a chessboard or a ChArUco board of that dictionary, flat, sharp and, if it is a plain chessboard, "
            "wholly in the picture?"
        )
    chosen = choose_views(views, size)
    reach = _check_spread(chosen, size)
    names: tuple[DistortionModel, ...] = ("brown", "fisheye") if model == "auto" else (model,)
    fits = [fit for fit in (_fit(chosen, size, name) for name in names) if fit is not None]
    whole = [fit for fit in fits if _whole(fit.camera)]
    if not whole:
        _check_error(min((fit.error for fit in fits), default=0.0), size)
        raise CalibrationError(
            f"no lens of the {' or '.join(names)} model fits the {len(chosen)} views over the whole picture: film the "
            "board larger, at more angles, and at all edges"
        )
    best = whole[0] if len(whole) == 1 or whole[1].error > _CLEARLY * whole[0].error else whole[1]
    _check_fit(best, size)
    return LensResult(best.camera, best.error, len(views), best.used, reach, best.deviations)


def _check_spread(views: Sequence[View], size: tuple[int, int]) -> float:
    """How far towards the corners the board came. Raises CalibrationError for views that can't be enough."""
    if len(views) < LEAST_VIEWS:
        raise CalibrationError(
            f"only {len(views)} sharp views of the board were found, and {LEAST_VIEWS} are needed: film it for half a "
            "minute, slowly, near and far, at all edges of the picture and tilted to all sides"
        )
    pixels = np.concatenate([view.pixels for view in views])
    away = np.linalg.norm((pixels + 0.5) / size - 0.5, axis=1) / np.sqrt(0.5)
    reach = float(min(1.0, np.percentile(away, 98)))
    cells = {tuple(cell) for cell in ((pixels + 0.5) / size * _CELLS).astype(int).tolist()}
    covered = len(cells) / _CELLS**2
    if reach < _LEAST_REACH or covered < _LEAST_COVERED:
        raise CalibrationError(
            f"the board was filmed in too small a part of the picture ({100 * covered:.0f} % of it, and only "
            f"{100 * reach:.0f} % of the way to its corners), where a lens bends least: hold it into the corners and "
            "at all edges, too"
        )
    return reach


@dataclass(frozen=True)
class _Fit:
    camera: Camera
    error: float
    used: int
    deviations: dict[str, float]
    tilt_deg: float


def _check_error(error: float, size: tuple[int, int]) -> None:
    most = max(1.0, _MOST_ERROR * max(size))
    if error > most:
        raise CalibrationError(
            f"the corners of the board fit to {error:.2f} px only, and {most:.2f} are allowed: is the board flat, "
            "does the camera hold its focus and zoom, was it moved slowly, are its squares counted right?"
        )


def _check_fit(fit: _Fit, size: tuple[int, int]) -> None:
    _check_error(fit.error, size)
    if fit.tilt_deg < _LEAST_TILT_DEG:
        raise CalibrationError(
            f"the board was always held alike (its tilt varies by {fit.tilt_deg:.0f} degrees), which says nothing of "
            "the focal length: tilt it to all sides, by 30 degrees and more"
        )
    for name, focal in (("fx", fit.camera.fx), ("fy", fit.camera.fy)):
        if not fit.deviations[name] < _MOST_FOCAL_SIGMA * focal:
            raise CalibrationError(
                f"the focal length is not settled by these views ({focal:.0f} ±{fit.deviations[name]:.0f} px): film "
                "the board larger, and tilted to all sides by 30 degrees and more"
            )


def _fit(views: Sequence[View], size: tuple[int, int], model: DistortionModel) -> _Fit | None:
    """One model, without views that do not fit; None if there is none."""
    kept = list(views)
    solve = _brown if model == "brown" else _fisheye
    try:
        found = solve(kept, size)
        good = found.each < max(_OUTLIER * float(np.median(found.each)), _OUTLIER_PX)
        if not good.all() and np.count_nonzero(good) >= LEAST_VIEWS:
            kept = [view for view, fits in zip(kept, good, strict=True) if fits]
            found = solve(kept, size)
    except cv2.error:
        return None  # its start is a linear guess, which may be no camera at all
    m = found.matrix
    try:
        lengths = (float(m[0, 0]), float(m[1, 1]), float(m[0, 2]), float(m[1, 2]))
        camera = Camera(*size, *lengths, Distortion(model, tuple(found.terms)))
    except ValueError:
        return None
    normals = np.array([cv2.Rodrigues(turn)[0][:, 2] for turn in found.turns])
    mean = normals.mean(axis=0) / np.linalg.norm(normals.mean(axis=0))
    tilt = float(np.degrees(np.percentile(np.arccos(np.clip(normals @ mean, -1, 1)), 70)))
    deviations = dict(zip(_NAMES[model], found.sigmas, strict=True))
    return _Fit(camera, found.error, len(kept), deviations, tilt)


def _whole(camera: Camera) -> bool:
    """True if the lens has a direction for every pixel, and brings it back: a polynomial may fold short of a corner."""
    x, y = np.meshgrid(np.linspace(0, camera.width - 1, 16), np.linspace(0, camera.height - 1, 10))
    pixels = np.stack([x, y], axis=-1)
    back, seen = camera.project(camera.unproject(pixels))
    return bool(seen.all() and np.abs(back - pixels).max() < 0.5)


@dataclass(frozen=True)
class _Solved:
    """What OpenCV found: its matrix and terms, how the board was turned in each view, and how well that fits."""

    error: float
    matrix: Floats
    terms: list[float]
    turns: Sequence[Floats]
    sigmas: list[float]
    each: Floats


def _brown(views: Sequence[View], size: tuple[int, int]) -> _Solved:
    """With the sixth power of the radius only where it helps: it is what bends most where there are no corners."""
    objects = [view.points.astype(np.float32) for view in views]
    pictures = [view.pixels.astype(np.float32) for view in views]

    def solve(flags: int) -> _Solved:
        error, matrix, terms, turns, _, sigmas, _, each = cv2.calibrateCameraExtended(
            objects, pictures, size, np.zeros((3, 3)), np.zeros(5), flags=flags
        )
        return _Solved(
            float(error), matrix, terms.ravel()[:5].tolist(), turns, sigmas.ravel()[:9].tolist(), each.ravel()
        )

    plain, bent = solve(cv2.CALIB_FIX_K3), solve(0)
    return bent if bent.error < _HELPS * plain.error else plain


def _fisheye(views: Sequence[View], size: tuple[int, int]) -> _Solved:
    objects = [view.points.reshape(1, -1, 3) for view in views]
    pictures = [view.pixels.reshape(1, -1, 2) for view in views]
    # In OpenCV 4 the names were the module's own.
    flags = sum(
        getattr(cv2.fisheye if hasattr(cv2.fisheye, name) else cv2, name)
        for name in ("CALIB_RECOMPUTE_EXTRINSIC", "CALIB_FIX_SKEW")
    )
    ends = (cv2.TERM_CRITERIA_EPS + cv2.TERM_CRITERIA_COUNT, 200, 1e-9)
    error, matrix, terms, turns, moves = cv2.fisheye.calibrate(
        objects, pictures, size, np.zeros((3, 3)), np.zeros((4, 1)), flags=flags, criteria=ends
    )
    sigmas, each = _fisheye_deviations(views, matrix, terms, turns, moves)
    return _Solved(float(error), matrix, terms.ravel().tolist(), turns, sigmas, each)


def _fisheye_deviations(
    views: Sequence[View], matrix: Floats, terms: Floats, turns: Sequence[Floats], moves: Sequence[Floats]
) -> tuple[list[float], Floats]:
    """Standard deviations of the eight numbers of the lens, and the error of each view, pixels.

    From the normal equations at the solution: what each view says of the lens once its own pose has been fitted to it
    (the Schur complement), times the variance of the residuals. OpenCV gives them for the other model only.
    """
    normal, squares, count, each = np.zeros((8, 8)), 0.0, 0, []
    for view, turn, move in zip(views, turns, moves, strict=True):
        shown, slopes = cv2.fisheye.projectPoints(view.points.reshape(-1, 1, 3), turn, move, matrix, terms)
        residual = shown.reshape(-1, 2) - view.pixels
        lens, pose = slopes[:, :8], slopes[:, 8:14]
        shared = lens.T @ pose
        normal += lens.T @ lens - shared @ np.linalg.pinv(pose.T @ pose) @ shared.T
        squares += float(np.square(residual).sum())
        count += residual.size
        each.append(float(np.sqrt(np.square(residual).sum(axis=1).mean())))
    variance = squares / max(1, count - 8 - 6 * len(views))
    return np.sqrt(np.abs(np.diag(np.linalg.pinv(normal))) * variance).tolist(), np.array(each)
