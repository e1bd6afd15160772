"""The virtual camera's view: where it looks, how wide, and what keeps it inside the panorama."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from touchline.geometry.angles import Floats, angles_to_rays, rays_to_angles, rotation_from_angles
from touchline.geometry.projection import Panorama

_EDGE = 24  # points along each edge of the picture that stand for the edge


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
        """Directions, shape (..., 3), not of unit length, of pixels x, y (broadcast) of a picture of that size."""
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

    Args:
        panorama: what there is to see.
        aspect: width / height of the programme.
    """

    panorama: Panorama
    aspect: float

    def outline(self, view: View) -> tuple[Floats, Floats]:
        """Yaw (relative to the view's own yaw) and pitch, radians, along the picture's outer edge."""
        half = math.tan(math.radians(view.fov_deg) / 2)
        along = np.linspace(-1, 1, _EDGE)
        one = np.ones(_EDGE)
        x = np.concatenate([along, along, -one, one]) * half
        y = np.concatenate([-one, one, along, along]) * half / self.aspect
        level = rotation_from_angles(0.0, math.radians(view.pitch_deg), 0.0)
        rays = np.stack([x, y, np.ones_like(x)], axis=-1) @ level
        return rays_to_angles(rays)

    def contains(self, view: View) -> bool:
        """True if the whole picture lies inside the panorama (to a millionth of a radian)."""
        yaw, pitch = self.outline(view)
        yaw = yaw + math.radians(view.yaw_deg)
        p, tiny = self.panorama, 1e-6
        return bool(
            yaw.min() >= p.yaw_min - tiny
            and yaw.max() <= p.yaw_max + tiny
            and pitch.min() >= p.pitch_min - tiny
            and pitch.max() <= p.pitch_max + tiny
        )

    def clamp(self, view: View) -> View:
        """The view nearest to ``view`` that shows nothing outside: narrowed if it must be, then tilted and panned.

        Raises:
            ValueError: if not even a view of one degree fits.
        """
        fitted = self._place(view)
        if fitted is not None:
            return fitted
        low, high = 1.0, view.fov_deg
        narrow = self._place(View(view.yaw_deg, view.pitch_deg, low))
        if narrow is None:
            raise ValueError("the panorama is smaller than any view")
        while high - low > 0.01:
            middle = (low + high) / 2
            placed = self._place(View(view.yaw_deg, view.pitch_deg, middle))
            if placed is None:
                high = middle
            else:
                low, narrow = middle, placed
        return narrow

    def widest(self, yaw_deg: float = 0.0, pitch_deg: float = 0.0) -> View:
        """The widest view that fits, near the given direction."""
        return self.clamp(View(yaw_deg, pitch_deg, 150.0))

    def _place(self, view: View) -> View | None:
        """``view`` with its own field of view, tilted and panned into the panorama; None if it does not fit."""
        pitch_deg = self._tilt(view)
        if pitch_deg is None:
            return None
        tilted = View(view.yaw_deg, pitch_deg, view.fov_deg)
        yaw, _ = self.outline(tilted)
        lowest, highest = self.panorama.yaw_min - yaw.min(), self.panorama.yaw_max - yaw.max()
        if lowest > highest:
            return None
        pan = math.degrees(min(max(math.radians(view.yaw_deg), lowest), highest))
        return View(pan, pitch_deg, view.fov_deg)

    def _tilt(self, view: View) -> float | None:
        """The pitch nearest to the view's at which its top and bottom edges lie inside."""
        pitch_deg = view.pitch_deg
        for _ in range(30):
            _, pitch = self.outline(View(0.0, max(-85.0, min(85.0, pitch_deg)), view.fov_deg))
            over = math.degrees(pitch.max() - self.panorama.pitch_max)
            under = math.degrees(self.panorama.pitch_min - pitch.min())
            if over <= 1e-9 and under <= 1e-9:
                return pitch_deg
            if over > 0 and under > 0:
                return None
            pitch_deg += (under if under > 0 else -over) * 1.0
        # Top and bottom took turns at the limit: no pitch holds both, or only to within the last step.
        return None if max(over, under) > 1e-5 else pitch_deg
