"""The difference in light between the cameras, seen in the overlap and followed.

Pairs of points that show the same are compared in linear light. For such a pair, with the model of
:mod:`touchline.panorama.tone`,

    log(right / left) = log gain + offset / sqrt(right left) + k_left r_left^2 - k_right r_right^2

to first order in the offset, which is linear in all that is sought. Least squares with weights, since noise is even in
the signal and not in light; points far from what the others say are left out, again and again, for players stand in
one picture only or in another place. What the points can't tell stays near nothing, and near the same for both lenses,
by a prior (ridge regression, Hoerl and Kennard 1970).
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from touchline.geometry import Panorama, Rig
from touchline.gst.nv12 import Nv12
from touchline.panorama.fit_kernels import robust_fit
from touchline.panorama.gain import overlap_points
from touchline.panorama.pace import SLOW_S, Pace
from touchline.panorama.plane_kernels import sample_points
from touchline.panorama.shading import Shading, radius_squared
from touchline.panorama.tone import BLACK, MOST_FALLOFF, RANGE, Light, colour_gain, to_light, to_signal
from touchline.panorama.tone_kernels import LEVELS, Tones
from touchline.panorama.warp import picture_of

Floats = NDArray[np.float64]

FALLOFF_S = 10.0  # time constant of the lenses, which do not change
_POINTS = 1500
_ENOUGH = 100  # usable points without which a frame says nothing
_DARKEST, _BRIGHTEST = 0.11, 0.96  # signal outside which noise or clipping decides
_MIDDLE = 0.15  # light at which a change of exposure is judged: a lawn's
_OFFSET_PRIOR, _FALLOFF_PRIOR, _UNLIKE_PRIOR = 0.01, 0.3, 0.03  # standard deviations of what is expected
_NOISE = 0.03  # and of a point's weighted logarithm
_FAR = 0.35  # of a logarithm, from the median of all, beyond which a point is not even tried
_LENSES_EACH = 5  # pairs after which the lenses are sought again: they do not change
# Rows of a least-squares system whose right-hand side is nothing: what is expected before anything is seen, of the
# logarithm of the gain, the offset, and the falloffs.
_PRIORS = np.array(
    [
        [0.0, _NOISE / _OFFSET_PRIOR, 0.0, 0.0],
        [0.0, 0.0, _NOISE / _FALLOFF_PRIOR / 2, _NOISE / _FALLOFF_PRIOR / 2],
        [0.0, 0.0, _NOISE / _UNLIKE_PRIOR, -_NOISE / _UNLIKE_PRIOR],
    ]
)
_GREY = np.full((2 * _ENOUGH, 6), 4 * 128, np.int32)  # pairs of points that show the same
_LIGHTS = to_light((np.arange(LEVELS) / 4 - BLACK) / RANGE)  # of each sum of four levels


class Lighting:
    """Follows the difference between two cameras.

    Args:
        rig: the cameras.
        panorama: only what it shows is compared.
        time_constant_s: the time after which a small change has been followed to 63 %; see
            :mod:`touchline.panorama.pace` for large ones.
        lenses: give back what the lenses take towards their edges.
    """

    def __init__(
        self, rig: Rig, panorama: Panorama, time_constant_s: float = SLOW_S, *, lenses: bool = True
    ) -> None:
        self._points = overlap_points(rig, panorama, _POINTS)
        self._radii = np.stack(
            [
                radius_squared(camera, 2 * points.astype(np.float64) + 0.5)
                for camera, points in zip((rig.left, rig.right), self._points, strict=True)
            ],
            axis=-1,
        )
        self._samples = np.zeros((len(self._radii), 6), np.int32)
        self._shading = Shading(rig, panorama) if lenses else None
        self._pace = Pace(time_constant_s)
        self._light = Light()
        self._pairs = 0
        self._falloff_since: float | None = None
        self._tones = self._light.tones(self._shades())
        # The fit is compiled when it is first asked for; the first frame of a match must not wait for that.
        light_of(_GREY, np.zeros((len(_GREY), 2)))

    @property
    def light(self) -> Light:
        """The difference as it is corrected now."""
        return self._light

    @property
    def tones(self) -> Tones:
        """Its correction."""
        return self._tones

    def follow(self, left: Nv12, right: Nv12, pts_s: float) -> Light:
        """Looks at a pair of frames of time ``pts_s`` (seconds) and returns the difference to be corrected.

        The first pair that says anything sets it at once, but for the lenses, which it takes many to know. Time that
        stands still or runs backwards changes nothing.
        """
        sample_points(picture_of(left), picture_of(right), *self._points, self._samples)
        lenses = self._shading is not None and self._pairs % _LENSES_EACH == 0
        self._pairs += 1
        seen = light_of(self._samples, self._radii, self._light, lenses=lenses)
        if seen is not None:
            away = seen.log_ratio(_MIDDLE) - self._light.log_ratio(_MIDDLE)
            share = self._pace.share(away, pts_s)
            self._light = self._light.towards(seen, share, self._falloff_share(pts_s) if lenses else 0.0)
            self._tones = self._light.tones(self._shades())
        return self._light

    def _falloff_share(self, pts_s: float) -> float:
        since = 0.0 if self._falloff_since is None else max(0.0, pts_s - self._falloff_since)
        self._falloff_since = pts_s
        return -math.expm1(-since / FALLOFF_S)

    def _shades(self) -> NDArray[np.int32]:
        if self._shading is None:
            return np.zeros((2, 0, 0, 3), np.int32)
        return self._shading.shades(self._light.falloff_left, self._light.falloff_right)


def light_of(
    samples: NDArray[np.int32], radii: Floats, known: Light | None = None, *, lenses: bool = True
) -> Light | None:
    """The difference that most of the sampled points agree on.

    Args:
        samples: as :func:`touchline.panorama.plane_kernels.sample_points` writes them, shape (n, 6).
        radii: of the points in the left and in the right picture, squared, by
            :func:`touchline.panorama.shading.radius_squared`, shape (n, 2).
        known: whose falloffs are corrected now: gain, offset and tints are what is left beside them.
        lenses: seek falloffs too.

    Returns:
        None if too few points are bright enough, and not too bright, to tell.
    """
    known = known or Light()
    signal = (samples[:, (0, 3)] / 4 - BLACK) / RANGE
    good = (signal.min(1) > _DARKEST) & (signal.max(1) < _BRIGHTEST)
    if np.count_nonzero(good) < _ENOUGH:
        return None
    signal, radii, chroma = signal[good], radii[good], samples[good] / 2 - 128
    light = _LIGHTS[samples[good][:, (0, 3)]]
    falloffs = np.array([known.falloff_left, known.falloff_right])
    ratio = np.log(light[:, 1] / light[:, 0])
    offset_term = 1 / np.sqrt(light[:, 0] * light[:, 1])
    lens_terms = radii * [1.0, -1.0]
    weights = 0.099 + signal.mean(1)
    terms = np.column_stack([np.ones(len(ratio)), offset_term])
    wanted = ratio - lens_terms @ falloffs
    near = np.abs(wanted - np.median(wanted)) < _FAR
    log_gain, offset = robust_fit(terms, wanted, weights, _PRIORS[:1, :2].copy(), near, _ENOUGH // 2).tolist()
    made = Light(log_gain, offset, 0.0, 0.0, known.falloff_left, known.falloff_right)
    if lenses:
        every = np.column_stack([terms, lens_terms])
        ks = robust_fit(every, ratio, weights, _PRIORS, near.copy(), _ENOUGH // 2)[2:].tolist()
        made = replace(made, falloff_left=_lens(ks[0]), falloff_right=_lens(ks[1]))
    u, v = _tints(made, light, chroma, near)
    return replace(made, tint_u=u, tint_v=v)


def _lens(falloff: float) -> float:
    return max(0.0, min(MOST_FALLOFF, falloff))


def _tints(made: Light, light: Floats, chroma: Floats, near: NDArray[np.bool_]) -> tuple[float, float]:
    """What the right camera adds to U and V for each level above black, both half-way between the two."""
    halves = made.halves()
    gains = [colour_gain(light[:, side], *halves[side]) for side in (0, 1)]
    signals = [to_signal(factor * light[:, side] + summand) for side, (factor, summand) in enumerate(halves)]
    bright = np.maximum(1.0, (RANGE / 2) * (signals[0] + signals[1]))
    found = []
    for plane in (1, 2):
        apart = chroma[:, plane + 3] * gains[1] - chroma[:, plane] * gains[0]
        tint = apart / bright
        kept = near & (np.abs(tint - np.median(tint)) < 0.05)
        found.append(float(apart[kept].sum() / bright[kept].sum()) if kept.any() else 0.0)
    return found[0], found[1]
