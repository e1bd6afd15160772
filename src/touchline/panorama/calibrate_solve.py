"""Two lenses and the rotation between them from matched points.

Both cameras share a viewpoint: with the right lenses, one rotation takes the directions of all points in one picture to
those in the other. First a grid of lenses is tried, each with RANSAC over rotations (two matches give one); then the
best few are refined by bundle adjustment over rotation, focal lengths, distortion and lens centres, held together
by what is likely of lenses where the overlap alone leaves them open.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares

from touchline.geometry.camera import DistortionModel
from touchline.panorama.calibrate_lens import Floats, Lens, Size
from touchline.panorama.calibrate_matches import Matches, spread_over
from touchline.panorama.lenses import LensPreset

_FOCALS = tuple(np.geomspace(0.35, 2.6, 13))  # focal length / longer side: lenses of 110 to 22 degrees
_BENDS = (0.06, 0.0, -0.06, -0.12, -0.18, -0.25)  # k1, for lenses of the brown model
_DRAWS = 400  # pairs of matches tried for each lens
_SEEDS, _FINALISTS = 6, 2  # lenses that are refined roughly, and to the end
_FEW, _MANY = 250, 800  # matches used for that
_WORTH = 100.0  # more matches than this do not outvote what is likely: their errors are not independent
_LOOSE = 0.012  # a match fits a lens of the grid within this share of the longer side
_TIGHT = 0.0022  # and a refined one within this
_ROUGHLY, _FINELY = (2 * _LOOSE, 0.5 * _LOOSE), (0.5 * _LOOSE, _TIGHT, _TIGHT)  # limits, one after the other
_SOFT = 0.0006  # residuals above this share count less and less

_UNLIKE_FOCAL, _UNLIKE_BEND = 0.015, 0.02  # two cameras of a rig are mostly of one make
_CENTRE_MOST = 0.04  # of the longer side: how far a lens sits from the picture's middle


Parts = tuple[Lens, Lens, Floats]
KnownLenses = tuple[Lens | None, Lens | None]


@dataclass(frozen=True)
class Solution:
    """What fits the matches.

    Attributes:
        left, right: the lenses.
        rotation: from the left camera's frame to the right camera's, shape (3, 3).
        errors: for each match the reprojection error in pixels (the mean of both directions), shape (n,).
        inliers: mask of the matches that fit.
        cost: for choosing between solutions; smaller is better.
    """

    left: Lens
    right: Lens
    rotation: Floats
    errors: Floats
    inliers: NDArray[np.bool_]
    cost: float

    @property
    def parts(self) -> Parts:
        """Both lenses and the rotation."""
        return self.left, self.right, self.rotation


def solve(
    matches: Matches,
    sizes: tuple[Size, Size],
    model: DistortionModel,
    preset: LensPreset,
    known: KnownLenses = (None, None),
) -> Solution:
    """The lenses of a model and the rotation that fit most matches best.

    Args:
        matches: at least two.
        sizes: width and height of the left and of the right pictures.
        model: the lens model.
        preset: what is likely of the lenses.
        known: the left and the right lens, where they are known; the model and the preset are for the others.
    """
    cell = max(*sizes[0], *sizes[1]) / 60
    few, many = (matches.where(spread_over(matches.left, count, cell)) for count in (_FEW, _MANY))
    rough = [
        _refine(few, matches, sizes, preset, seed, _ROUGHLY)
        for seed in _seeds(few, sizes, model, preset, known)
    ]
    rough.sort(key=lambda solution: solution.cost)
    fine = (_refine(many, matches, sizes, preset, seed.parts, _FINELY) for seed in rough[:_FINALISTS])
    return min(fine, key=lambda solution: solution.cost)


def _seeds(
    matches: Matches,
    sizes: tuple[Size, Size],
    model: DistortionModel,
    preset: LensPreset,
    known: KnownLenses,
) -> list[Parts]:
    """The lenses of the grid under which one rotation fits best, with that rotation; known ones stay as they are."""
    rng = np.random.default_rng(2004)
    draws = rng.integers(0, len(matches), (_DRAWS, 2))
    draws = draws[draws[:, 0] != draws[:, 1]]
    fixed = [
        lens.rays(at) if lens else None for lens, at in zip(known, (matches.left, matches.right), strict=True)
    ]
    grid = [(focal, bend) for focal in _focals(preset) for bend in (_BENDS if model == "brown" else (0.0,))]
    if known[0] and known[1]:
        grid = [(known[0].focal / max(sizes[0]), 0.0)]
    found = []
    for focal, bend in grid:
        tried = (Lens(model, focal * max(w, h), (w - 1) / 2, (h - 1) / 2, bend) for w, h in sizes)
        left, right = (lens or guess for lens, guess in zip(known, tried, strict=True))
        one, two = (
            lens.rays(at) if rays is None else rays
            for rays, lens, at in zip(fixed, (left, right), (matches.left, matches.right), strict=True)
        )
        score, rotation = _best_rotation(one, two, draws, _LOOSE / focal)
        found.append((score, left, right, rotation))
    found.sort(key=lambda f: f[0])
    return [seed[1:] for seed in found[:_SEEDS]]


def _best_rotation(
    left: Floats, right: Floats, draws: NDArray[np.int64], limit: float
) -> tuple[float, Floats]:
    """The rotation, among those that two drawn matches each define, with the smallest sum of errors cut at ``limit``.

    Args:
        left, right: directions, shape (n, 3).
        draws: pairs of match numbers, shape (m, 2).
        limit: radians.

    Returns:
        The mean of error / limit, each at most 1, and the rotation from left to right.
    """
    frames = []
    for rays in (left, right):
        one, two = rays[draws[:, 0]], rays[draws[:, 1]]
        normal = np.cross(one, two)
        normal /= np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-12)
        frames.append(np.stack([one, normal, np.cross(one, normal)], axis=2))
    rotations = frames[1] @ frames[0].transpose(0, 2, 1)
    apart = np.linalg.norm(np.einsum("mij,nj->mni", rotations, left) - right[None], axis=2)
    scores = np.minimum(apart / limit, 1.0).mean(axis=1)
    best = int(np.argmin(scores))
    return float(scores[best]), rotations[best]


def _focals(preset: LensPreset) -> tuple[float, ...]:
    """Those of the grid, as shares of the longer side, that are within three deviations of what is likely."""
    means, sigmas = preset.likely(preset.models[0])
    if not np.isfinite(sigmas[0]):
        return _FOCALS
    middle, reach = float(np.exp(means[0])), float(np.exp(3 * sigmas[0]))
    return (middle, *(f for f in _FOCALS if middle / reach < f < middle * reach))


def _refine(
    used: Matches,
    judged: Matches,
    sizes: tuple[Size, Size],
    preset: LensPreset,
    seed: Parts,
    limits: tuple[float, ...],
) -> Solution:
    """Bundle adjustment on those of ``used`` that fit, by one limit after the other; errors of ``judged``."""
    longer = max(*sizes[0], *sizes[1])
    parts = seed
    for limit in limits:
        kept = _errors(used, *parts) < limit * longer
        if np.count_nonzero(kept) < 6:
            break
        parts = _adjust(used.where(kept), sizes, preset, *parts)
    errors = _errors(judged, *parts)
    cost = float(np.minimum(errors / (_TIGHT * longer), 1.0).mean())
    return Solution(*parts, errors, errors < _TIGHT * longer, cost)


def _errors(matches: Matches, left: Lens, right: Lens, rotation: Floats) -> Floats:
    there, back = _differences(matches, left, right, rotation)
    return np.asarray((np.linalg.norm(there, axis=1) + np.linalg.norm(back, axis=1)) / 2)


def _differences(matches: Matches, left: Lens, right: Lens, rotation: Floats) -> tuple[Floats, Floats]:
    """Reprojection errors in the right and in the left picture, pixels, shape (n, 2) each."""
    return _missed(matches, left, right, rotation, left.rays(matches.left), right.rays(matches.right))


def _missed(
    matches: Matches, left: Lens, right: Lens, rotation: Floats, seen_left: Floats, seen_right: Floats
) -> tuple[Floats, Floats]:
    there = right.pixels(seen_left @ rotation.T) - matches.right
    back = left.pixels(seen_right @ rotation) - matches.left
    return there, back


def _adjust(
    matches: Matches, sizes: tuple[Size, Size], preset: LensPreset, left: Lens, right: Lens, rotation: Floats
) -> Parts:
    """One bundle adjustment.

    Unknowns: a rotation vector, then for each lens log focal, centre (as shares of the longer side), k1 and k2.
    """
    longer = max(*sizes[0], *sizes[1])
    soft = _SOFT * longer
    outvote = max(1.0, np.sqrt(len(matches) / _WORTH))
    priors = [tuple(n[:5] for n in preset.likely(lens.model)) for lens in (left, right)]
    free = np.repeat([True, not left.fixed, not right.fixed], [3, 5, 5])
    mutual = np.array([_UNLIKE_FOCAL, np.inf, np.inf, _UNLIKE_BEND, _UNLIKE_BEND])

    # Most steps of the numerical derivative leave a lens as it is.
    rays_left = lru_cache(maxsize=2)(lambda lens: lens.rays(matches.left))
    rays_right = lru_cache(maxsize=2)(lambda lens: lens.rays(matches.right))

    def lens_of(lens: Lens, p: Floats, size: Size) -> Lens:
        return lens if lens.fixed else Lens.of_numbers(lens.model, (*p, 0.0, 0.0, 0.0), size)

    begin = np.concatenate([np.zeros(3), left.numbers(sizes[0])[:5], right.numbers(sizes[1])[:5]])

    def whole(p: Floats) -> Floats:
        numbers: Floats = begin.copy()
        numbers[free] = p
        return numbers

    def unpack(p: Floats) -> Parts:
        turned = cv2.Rodrigues(p[:3])[0] @ rotation
        return lens_of(left, p[3:8], sizes[0]), lens_of(right, p[8:13], sizes[1]), np.asarray(turned)

    def unlikely(p: Floats) -> Floats:
        sides = zip((left, right), (p[3:8], p[8:13]), priors, strict=True)
        missed: list[Floats] = [
            (mine - means) / sigmas for lens, mine, (means, sigmas) in sides if not lens.fixed
        ]
        if len(missed) == 2:
            missed.append((p[3:8] - p[8:13]) / mutual)
        return np.asarray(np.concatenate([np.empty(0), *missed]))

    def residuals(some: Floats) -> Floats:
        p = whole(some)
        parts = unpack(p)
        there, back = _missed(matches, *parts, rays_left(parts[0]), rays_right(parts[1]))
        seen = np.concatenate([there.ravel(), back.ravel()]) / (np.sqrt(2.0) * soft)
        return np.concatenate([seen, unlikely(p) * outvote])

    low = np.array([-np.inf] * 3 + [np.log(0.25), -_CENTRE_MOST, -_CENTRE_MOST, -0.6, -0.3] * 2)
    high = np.array([np.inf] * 3 + [np.log(4.0), _CENTRE_MOST, _CENTRE_MOST, 0.4, 0.3] * 2)
    begin[free] = np.clip(begin, low + 1e-6, high - 1e-6)[free]
    scale = np.array([0.01] * 3 + [0.05, 0.01, 0.01, 0.05, 0.02] * 2)
    found = least_squares(
        residuals,
        begin[free],
        bounds=(low[free], high[free]),
        loss="soft_l1",
        x_scale=scale[free],
        max_nfev=20,
        ftol=1e-4,
        xtol=1e-5,
        tr_solver="exact",
    )
    return unpack(whole(found.x))
