"""The difference in exposure and white balance between the cameras as factors of the signal, for the GPU.

The processor's way is :mod:`touchline.panorama.lighting`, which does it in light.

Model, the same for every pixel of a picture: luma above black is multiplied by a gain; a colour difference is
multiplied by the same gain and a share of the luma above black is added, because a camera that is too blue is so
in proportion to the light. The correction is shared between the cameras, half of it each: neither is the reference.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from touchline.geometry import Panorama, Rig
from touchline.gst.nv12 import Nv12
from touchline.panorama.pace import SLOW_S, Pace
from touchline.panorama.plane_kernels import sample_points
from touchline.panorama.tone_kernels import LEVELS, UNITY, Tones
from touchline.panorama.warp import edge_distance, picture_of, source_positions

_POINTS = 1500
ENOUGH = 100  # usable points without which a frame says nothing
DARK, BRIGHT = 24.0, 210.0  # luma above black outside which noise or clipping decides
NEAR, NEAR_TINT = 0.15, 0.05  # how far from the median a point may be that the mean is made of
_LIMIT = math.log(1.9)  # the kernel's gains stay below two
_TINT_LIMIT = 0.3


@dataclass(frozen=True)
class Difference:
    """What the right camera shows, in terms of the left one.

    Attributes:
        log_gain: natural logarithm of right / left luma above black.
        tint_u, tint_v: what the right camera adds to U and V for each level of luma above black.
    """

    log_gain: float = 0.0
    tint_u: float = 0.0
    tint_v: float = 0.0

    def towards(self, other: Difference, share: float) -> Difference:
        """The point that lies ``share`` (0 .. 1) of the way to ``other``."""
        return Difference(
            self.log_gain + share * (other.log_gain - self.log_gain),
            self.tint_u + share * (other.tint_u - self.tint_u),
            self.tint_v + share * (other.tint_v - self.tint_v),
        )

    def tones(self) -> NDArray[np.int32]:
        """The correction of both cameras for the kernel, shape (2, 3)."""
        half = math.exp(max(-_LIMIT, min(_LIMIT, self.log_gain)) / 2)
        u, v = (max(-_TINT_LIMIT, min(_TINT_LIMIT, tint)) / 2 for tint in (self.tint_u, self.tint_v))
        # The kernel adds the tint to the corrected luma, which lies half-way between the cameras' own.
        rows = [[half, u, v], [1 / half, -u, -v]]
        made: NDArray[np.int32] = np.rint(np.array(rows) * UNITY).astype(np.int32)
        return made

    def curves(self) -> Tones:
        """The same for the processor's kernel."""
        rows = self.tones()
        levels = np.arange(LEVELS) / 4.0
        luma = [np.clip(16 + (levels - 16) * gain / UNITY, 0, 255) * 256 for gain in rows[:, 0]]
        tints = np.concatenate([rows[:, 1:], np.ones((2, 1), np.int32)], axis=1)
        chroma = np.repeat(rows[:, :1], 256, axis=1)
        gain, zero, one = rows[:, 0], np.zeros(2, np.int32), np.ones(2, np.int32)
        black = (UNITY - gain) * (16 * 256) // UNITY
        short = [black, gain, zero, black, gain, gain, one, one]
        none = np.zeros((2, 0, 0, 3), np.int32)
        return Tones(np.rint(luma).astype(np.uint16), chroma, tints, none, np.stack(short, axis=-1))


class Gain:
    """Follows the difference between two cameras.

    Args:
        rig: the cameras.
        panorama: only what it shows is compared.
        time_constant_s: the time after which a small change has been followed to 63 %; see
            :mod:`touchline.panorama.pace` for large ones.
    """

    def __init__(self, rig: Rig, panorama: Panorama, time_constant_s: float = SLOW_S) -> None:
        self._pace = Pace(time_constant_s)
        self._points = overlap_points(rig, panorama, _POINTS)
        self._samples = np.zeros((len(self._points[0]), 6), np.int32)
        self._difference = Difference()

    @property
    def difference(self) -> Difference:
        """The difference as it is corrected now."""
        return self._difference

    @property
    def tones(self) -> Tones:
        """Its correction, for the processor's kernel."""
        return self._difference.curves()

    @property
    def points(self) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """Where the left and the right picture are compared: chroma coordinates x, y, shape (n, 2) each."""
        return self._points

    def follow(self, left: Nv12, right: Nv12, pts_s: float) -> Difference:
        """Looks at a pair of frames of time ``pts_s`` (seconds) and returns the difference to be corrected.

        The first pair that says anything sets it at once. Time that stands still or runs backwards changes nothing.
        """
        sample_points(picture_of(left), picture_of(right), *self._points, self._samples)
        return self.learn(difference_of(self._samples), pts_s)

    def learn(self, seen: Difference | None, pts_s: float) -> Difference:
        """As :meth:`follow`, for a pair that was compared at :attr:`points` elsewhere.

        Args:
            seen: what :func:`difference_of` says of it.
            pts_s: time of the pair in seconds.
        """
        if seen is not None:
            share = self._pace.share(seen.log_gain - self._difference.log_gain, pts_s)
            self._difference = self._difference.towards(seen, share)
        return self._difference


def overlap_points(rig: Rig, panorama: Panorama, count: int) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """About ``count`` pairs of chroma coordinates x, y, shape (n, 2) each, that show the same (n may be 0)."""
    cells = np.sqrt(panorama.width * panorama.height / 200_000)
    x, y = np.arange(0, panorama.width, cells)[None, :], np.arange(0, panorama.height, cells)[:, None]
    rays = panorama.rays(x, y).reshape(-1, 3)
    both = np.minimum(edge_distance(rig.left, rays), edge_distance(rig.right, rays)) >= 4
    rays = rays[both]
    rays = rays[np.linspace(0, len(rays) - 1, min(count, len(rays))).astype(int)]
    places = [
        np.rint((source_positions(camera, rays) - 0.5) / 2).astype(np.int32)
        for camera in (rig.left, rig.right)
    ]
    return places[0], places[1]


def difference_of(samples: NDArray[np.int32]) -> Difference | None:
    """The difference that most of the sampled points agree on.

    Medians find it and the mean of those near the median makes it precise: a player who stands in one picture
    only, or in another place, is left out.

    Args:
        samples: as :func:`touchline.panorama.plane_kernels.sample_points` writes them.

    Returns:
        None if too few points are bright enough, and not too bright, to tell.
    """
    left, right = samples[:, 0] / 4 - 16, samples[:, 3] / 4 - 16
    good = (np.minimum(left, right) > DARK) & (np.maximum(left, right) < BRIGHT)
    if np.count_nonzero(good) < ENOUGH:
        return None
    left, right, chroma = left[good], right[good], samples[good] / 2
    ratio = np.log(right / left)
    near = np.abs(ratio - np.median(ratio)) < NEAR
    gain = math.log(float(right[near].sum() / left[near].sum()))
    middle = np.sqrt(left * right)
    half = math.exp(gain / 2)
    tints = []
    for plane in (1, 2):
        apart = (chroma[:, plane + 3] - 128) / half - (chroma[:, plane] - 128) * half
        tint = apart / middle
        kept = near & (np.abs(tint - np.median(tint)) < NEAR_TINT)
        tints.append(float(apart[kept].sum() / middle[kept].sum()) if kept.any() else 0.0)
    return Difference(gain, *tints)
