"""The virtual camera's view: where it looks, how wide, and what keeps it inside the panorama."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from touchline.geometry.angles import Floats, angles_to_rays, rotation_from_angles
from touchline.geometry.projection import Panorama
from touchline.geometry.pyramid import Pyramid

_TINY = 1e-6  # radians
_STEEPEST = math.radians(85.0)  # the pitch that a view may have


@dataclass(frozen=True)
class View:
    """A rectilinear view. Angles in degrees; ``fov_deg`` is the horizontal field of view, 1 .. 150.

    Raises:
        ValueError: for numbers that are not finite, or a field of view out of range.
    """

    yaw_deg: float
    pitch_deg: float
    fov_deg: float

    def __post_init__(self) -> None:
        if not all(math.isfinite(a) for a in (self.yaw_deg, self.pitch_deg, self.fov_deg)):
            raise ValueError("a view's angles must be finite numbers")
        if not 1 <= self.fov_deg <= 150:
            raise ValueError(f"a field of view must be 1 to 150 degrees, not {self.fov_deg:g}")
        if not -85 <= self.pitch_deg <= 85:
            raise ValueError(f"a view's pitch must be -85 to 85 degrees, not {self.pitch_deg:g}")

    def rays(self, x: Floats, y: Floats, width: int, height: int) -> Floats:
        """Directions, shape (..., 3), of any length, of pixels x, y (broadcast) of a picture of that size."""
        focal = width / 2 / math.tan(math.radians(self.fov_deg) / 2)
        x, y = np.broadcast_arrays((x - (width - 1) / 2) / focal, (y - (height - 1) / 2) / focal)
        to_view = rotation_from_angles(math.radians(self.yaw_deg), math.radians(self.pitch_deg), 0.0)
        return np.asarray(np.stack([x, y, np.ones_like(x)], axis=-1) @ to_view)

    def pixels_of(self, yaw: Floats, pitch: Floats, width: int, height: int) -> Floats:
        """Pixel coordinates, shape (..., 2), of directions in radians; nan behind the camera."""
        focal = width / 2 / math.tan(math.radians(self.fov_deg) / 2)
        to_view = rotation_from_angles(math.radians(self.yaw_deg), math.radians(self.pitch_deg), 0.0)
        seen = angles_to_rays(yaw, pitch) @ to_view.T
        depth = np.where(seen[..., 2] > 1e-9, seen[..., 2], np.nan)
        return np.stack(
            [
                seen[..., 0] / depth * focal + (width - 1) / 2,
                seen[..., 1] / depth * focal + (height - 1) / 2,
            ],
            axis=-1,
        )


@dataclass(frozen=True)
class ViewLimits:
    """Keeps views inside a panorama: nothing outside it is ever shown.

    Everything is exact and in closed form; for the pitch projection see :mod:`touchline.geometry.pyramid`. For the
    others, with half angles a (vertical) and b (horizontal) and the view's pitch p, the top edge is highest in its
    middle, at p + a, when that is above the horizon, and else in its corners,
    whose pitch is asin(k sin(p + a)), k = 1 / sqrt(1 + (cos a tan b)^2); the bottom edge mirrors it.
    The corners nearest to a pole reach furthest to the sides: their yaw is atan(tan b cos a / cos(|p| + a)).

    Args:
        panorama: what there is to see.
        aspect: width / height of the programme.
    """

    panorama: Panorama
    aspect: float

    def __post_init__(self) -> None:
        if not (math.isfinite(self.aspect) and self.aspect > 0):
            raise ValueError(f"an aspect must be a number above zero, not {self.aspect}")

    def contains(self, view: View) -> bool:
        """True if the whole picture lies inside the panorama (to a millionth of a radian)."""
        if self._pyramid:
            return self._pyramid.contains(*_radians(view))
        room = self._room(view.fov_deg)
        if room is None:
            return False
        pitch, yaw = math.radians(view.pitch_deg), math.radians(view.yaw_deg)
        if not room[0] - _TINY <= pitch <= room[1] + _TINY:
            return False
        side = self._half_width(view.fov_deg, pitch)
        return self.panorama.yaw_min + side - _TINY <= yaw <= self.panorama.yaw_max - side + _TINY

    def clamp(self, view: View) -> View:
        """The nearest view that shows nothing outside; ``view`` itself if it shows nothing outside.

        It is narrowed only if its field of view fits nowhere in the panorama; then it is tilted, then panned,
        each no further than it must be; in the pitch projection, which is lower at its sides, panned, then tilted.

        Raises:
            ValueError: if not even a view of one degree fits.
        """
        if self.contains(view):
            return view
        if self._pyramid:
            yaw, pitch, fov = (math.degrees(angle) for angle in self._pyramid.clamp(*_radians(view)))
            return View(yaw, pitch, max(1.0, min(fov, view.fov_deg)))
        fov = self._widest_up_to(view.fov_deg)
        room = self._room(fov)
        assert room is not None
        pitch = min(max(math.radians(view.pitch_deg), room[0]), room[1])
        side = self._half_width(fov, pitch)
        lowest, highest = self.panorama.yaw_min + side, self.panorama.yaw_max - side
        # Rounding can turn the two round where the view fills the panorama: its middle is right then.
        yaw = (
            min(max(math.radians(view.yaw_deg), lowest), highest)
            if lowest < highest
            else (lowest + highest) / 2
        )
        return View(math.degrees(yaw), math.degrees(pitch), fov)

    def widest(self, yaw_deg: float = 0.0, pitch_deg: float = 0.0) -> View:
        """The widest view that fits, as near to the given direction as it can be."""
        return self.clamp(View(yaw_deg, pitch_deg, 150.0))

    @cached_property
    def _pyramid(self) -> Pyramid | None:
        return Pyramid(self.panorama, self.aspect) if self.panorama.projection == "pitch" else None

    def _widest_up_to(self, fov_deg: float) -> float:
        """The largest field of view that fits somewhere: a narrower view fits wherever a wider one does."""
        if self._room(fov_deg) is not None:
            return fov_deg
        low, high = 1.0, fov_deg
        if self._room(low) is None:
            raise ValueError("the panorama is smaller than any view")
        while high - low > 1e-9:
            middle = (low + high) / 2
            low, high = (low, middle) if self._room(middle) is None else (middle, high)
        return low

    def _room(self, fov_deg: float) -> tuple[float, float] | None:
        """The lowest and the highest pitch, radians, at which the field of view fits; None without any."""
        p = self.panorama
        across = math.tan(math.radians(fov_deg) / 2)
        above = math.atan(across / self.aspect)
        lean = math.hypot(1.0, across * math.cos(above))  # 1 / k
        # A limit on the far side of the horizon is met by the corners, if they can meet it at all.
        corner_high, corner_low = (
            math.sin(min(p.pitch_max, 0.0)) * lean,
            math.sin(max(p.pitch_min, 0.0)) * lean,
        )
        if corner_high < -1 or corner_low > 1:
            return None
        highest = (p.pitch_max if p.pitch_max >= 0 else math.asin(corner_high)) - above
        lowest = (p.pitch_min if p.pitch_min <= 0 else math.asin(corner_low)) + above
        half = (p.yaw_max - p.yaw_min) / 2
        if half < math.pi / 2:
            # Away from the horizon a picture spans more yaw.
            level = across * math.cos(above) / math.tan(half)
            if level > 1:
                return None
            steepest = math.acos(level) - above
            lowest, highest = max(lowest, -steepest), min(highest, steepest)
        lowest, highest = max(lowest, -_STEEPEST), min(highest, _STEEPEST)
        return (lowest, highest) if lowest <= highest else None

    def _half_width(self, fov_deg: float, pitch: float) -> float:
        """How far in yaw the picture reaches to either side, radians: at most pi/2, for no pole is inside."""
        across = math.tan(math.radians(fov_deg) / 2)
        above = math.atan(across / self.aspect)
        return math.atan2(across * math.cos(above), max(0.0, math.cos(abs(pitch) + above)))


def _radians(view: View) -> tuple[float, float, float]:
    return math.radians(view.yaw_deg), math.radians(view.pitch_deg), math.radians(view.fov_deg)
