"""Views inside a panorama of the pitch projection, all of whose edges are great circles.

Such a panorama is a pyramid: what lies on the inner side of four planes through the viewpoint. A view is one too, so
it shows nothing outside exactly when its four corners lie on the inner side of the four planes.
"""

from __future__ import annotations

import math
from functools import cached_property

import numpy as np

from touchline.geometry.angles import Floats
from touchline.geometry.projection import Panorama

_TINY = 1e-6  # radians
_STEEPEST = math.radians(85.0)  # the pitch that a view may have
_NARROWEST = math.radians(1.0)
_WIDEST = math.radians(150.0)
_GRID, _FINE, _ROUNDS = 161, 33, 5


class Pyramid:
    """Keeps views inside. All angles in radians.

    With a view's yaw ``o`` from the panorama's normal, m = (mx, my, mz) the inner normal of a plane turned by -o, and
    a corner (±t, y, 1) of the view, t = tan(fov / 2), y = ±t / aspect: tilted by the pitch p it is inside if
    (my y + mz) cos p + (mz y - my) sin p >= t |mx|, which is an interval of p.

    Args:
        panorama: of the pitch projection.
        aspect: width / height of the views.
    """

    def __init__(self, panorama: Panorama, aspect: float) -> None:
        self._aspect = aspect
        self._normal = panorama.normal
        left, right = panorama.yaw_min - panorama.normal, panorama.yaw_max - panorama.normal
        self._sides = (left, right)
        low, high = math.tan(panorama.pitch_min), math.tan(panorama.pitch_max)
        planes = np.array(
            [
                (math.cos(left), 0.0, -math.sin(left)),
                (-math.cos(right), 0.0, math.sin(right)),
                (0.0, -1.0, -low),
                (0.0, 1.0, high),
            ]
        )
        self._planes: Floats = planes / np.linalg.norm(planes, axis=1, keepdims=True)

    def contains(self, yaw: float, pitch: float, fov: float) -> bool:
        """True if the whole picture lies inside (to a millionth of a radian)."""
        sideways, level, tilt, reach = self._corners(np.array([self._off(yaw)]), fov)
        inside = level * math.cos(pitch) + tilt * math.sin(pitch) - sideways
        return bool((inside >= -_TINY * reach).all())

    def clamp(self, yaw: float, pitch: float, fov: float) -> tuple[float, float, float]:
        """The nearest view that shows nothing outside.

        It is narrowed only if its field of view fits nowhere; then it is panned to where that fits at some pitch, then
        tilted, each no further than it must be: towards the sides the panorama is lower, and a tilt costs least.

        Raises:
            ValueError: if not even a view of one degree fits.
        """
        widest, best = self._widest
        fov = min(fov, widest)
        off = self._nearest(self._off(yaw), fov, best)
        low, high = (float(limit[0]) for limit in self._room(np.array([off]), fov))
        middle = (low + high) / 2  # rounding can turn the two round where the view fills the panorama
        return off + self._normal, min(max(pitch, min(low, middle)), max(high, middle)), fov

    def _nearest(self, off: float, fov: float, best: float) -> float:
        """The yaw from the normal nearest to ``off`` where the field of view fits; it does at ``best``."""
        grid = np.append(np.linspace(*self._sides, _GRID), (best, off))
        fits = self._gap(grid, fov) >= 0
        if fits[-1] and self._sides[0] <= off <= self._sides[1]:
            return off
        fits[-1] = False
        inner = float(grid[fits][np.argmin(np.abs(grid[fits] - off))]) if fits.any() else best
        outer = min(max(off, self._sides[0]), self._sides[1])
        for _ in range(_ROUNDS):
            line = np.linspace(inner, outer, _FINE)
            ends = np.nonzero(self._gap(line, fov) < 0)[0]
            first = int(ends[0]) if len(ends) else len(line)
            if first == 0:
                break
            inner, outer = float(line[first - 1]), float(line[min(first, len(line) - 1)])
        return inner

    @cached_property
    def _widest(self) -> tuple[float, float]:
        """The widest field of view that fits somewhere, and where: a narrower one fits wherever a wider one does."""
        low, high = _NARROWEST, _WIDEST
        gap, best = self._roomiest(low)
        if gap < 0:
            raise ValueError("the panorama is smaller than any view")
        gap, at = self._roomiest(high)
        if gap >= 0:
            return high, at
        while high - low > 1e-11:
            middle = (low + high) / 2
            gap, at = self._roomiest(middle)
            if gap < 0:
                high = middle
            else:
                low, best = middle, at
        return low, best

    def _roomiest(self, fov: float) -> tuple[float, float]:
        """The largest room (radians of pitch; negative: none) for a field of view, and the yaw where that is."""
        left, right = self._sides
        size = _GRID
        for _ in range(_ROUNDS):
            line = np.linspace(left, right, size)
            gap = self._gap(line, fov)
            at = int(np.argmax(gap))
            left, right = float(line[max(at - 1, 0)]), float(line[min(at + 1, size - 1)])
            size = _FINE
        return float(gap[at]), float(line[at])

    def _gap(self, off: Floats, fov: float) -> Floats:
        low, high = self._room(off, fov)
        return high - low

    def _room(self, off: Floats, fov: float) -> tuple[Floats, Floats]:
        """The lowest and the highest pitch at which the field of view fits, shape of ``off``; crossed if at none."""
        sideways, level, tilt, _ = self._corners(off, fov)
        length = np.maximum(np.hypot(level, tilt), 1e-12)
        ratio = sideways / length
        middle = np.arctan2(tilt, level)
        # Where even the best pitch is outside, the limits cross by the more the further it is.
        half = np.where(ratio <= 1, np.arccos(np.minimum(ratio, 1.0)), 1.0 - ratio)
        low = np.maximum((middle - half).max(axis=(1, 2)), -_STEEPEST)
        high = np.minimum((middle + half).min(axis=(1, 2)), _STEEPEST)
        return low, high

    def _corners(self, off: Floats, fov: float) -> tuple[Floats, Floats, Floats, float]:
        """For each plane (axis 1), and the upper and lower corners (axis 2), the terms of the condition above; and
        how long the corners' rays are."""
        across = math.tan(fov / 2)
        up = across / self._aspect
        sine, cosine = np.sin(off)[:, None], np.cos(off)[:, None]
        x, y, z = self._planes.T
        turned = cosine * z + sine * x
        rows = np.array([-up, up])
        sideways = across * np.abs(cosine * x - sine * z)[..., None]
        level = y[None, :, None] * rows + turned[..., None]
        tilt = turned[..., None] * rows - y[None, :, None]
        return sideways, level, tilt, math.sqrt(1 + across * across + up * up)

    def _off(self, yaw: float) -> float:
        """Yaw from the normal, at most half a turn from the panorama's middle."""
        middle = sum(self._sides) / 2
        return (yaw - self._normal - middle + math.pi) % (2 * math.pi) - math.pi + middle
