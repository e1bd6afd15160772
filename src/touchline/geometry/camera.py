"""One camera: a lens with distortion and a rotation in the rig.

Models as in OpenCV: ``brown`` is the Brown-Conrady model of ``cv2.projectPoints`` (k1, k2, p1, p2, k3),
``fisheye`` the equidistant model of ``cv2.fisheye`` (k1 .. k4; Kannala and Brandt 2006).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from touchline.geometry.angles import Floats, rotation_from_angles, rotation_to_angles

DistortionModel = Literal["brown", "fisheye"]
_COEFFICIENTS = {"brown": 5, "fisheye": 4}


@dataclass(frozen=True)
class Distortion:
    """A lens distortion.

    Args:
        model: ``brown`` (k1, k2, p1, p2, k3) or ``fisheye`` (k1, k2, k3, k4).
        coefficients: up to five or four numbers; missing ones are zero.

    Raises:
        ValueError: for an unknown model or too many or non-finite coefficients.
    """

    model: DistortionModel = "brown"
    coefficients: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        if self.model not in _COEFFICIENTS:
            raise ValueError(f"unknown lens model {self.model!r}; known are {', '.join(_COEFFICIENTS)}")
        count = _COEFFICIENTS[self.model]
        if len(self.coefficients) > count:
            raise ValueError(f"the {self.model} model has {count} coefficients, not {len(self.coefficients)}")
        padded = tuple(float(c) for c in self.coefficients) + (0.0,) * (count - len(self.coefficients))
        if not all(math.isfinite(c) for c in padded):
            raise ValueError(f"lens coefficients must be finite numbers, not {self.coefficients}")
        object.__setattr__(self, "coefficients", padded)

    def radial(self, r: ArrayLike) -> Floats:
        """The distorted radius (normalised image plane) of undistorted ``r``: tan(angle) for ``brown``, the
        angle itself for ``fisheye``. Tangential terms are left out."""
        r = np.asarray(r, dtype=np.float64)
        r2 = r * r
        if self.model == "brown":
            k1, k2, _, _, k3 = self.coefficients
            return np.asarray(r * (1 + r2 * (k1 + r2 * (k2 + r2 * k3))))
        k1, k2, k3, k4 = self.coefficients
        return np.asarray(r * (1 + r2 * (k1 + r2 * (k2 + r2 * (k3 + r2 * k4)))))

    @cached_property
    def limit(self) -> float:
        """The largest angle from the axis, radians, up to which a growing angle moves away from the centre.

        Beyond it a polynomial folds back and would show a direction twice; there a camera sees nothing.
        """
        angles = np.linspace(0.0, math.pi if self.model == "fisheye" else math.radians(89.0), 2000)
        radii = self.radial(angles if self.model == "fisheye" else np.tan(angles))
        falling = np.nonzero(np.diff(radii) <= 0)[0]
        # The peak lies within a step on either side of the first sample that is followed by a lower one.
        return float(angles[max(int(falling[0]) - 1, 0)] if falling.size else angles[-1])


@dataclass(frozen=True)
class Camera:
    """A fixed camera of a rig.

    Args:
        width, height: size of the picture in pixels.
        fx, fy: focal lengths in pixels.
        cx, cy: principal point in pixels (pixel centres are at whole numbers).
        distortion: the lens.
        yaw_deg, pitch_deg, roll_deg: where it looks, in degrees; see :mod:`touchline.geometry`.

    Raises:
        ValueError: for sizes or focal lengths that are not positive, or numbers that are not finite.
    """

    width: int
    height: int
    fx: float
    fy: float
    cx: float
    cy: float
    distortion: Distortion = field(default_factory=Distortion)
    yaw_deg: float = 0.0
    pitch_deg: float = 0.0
    roll_deg: float = 0.0

    def __post_init__(self) -> None:
        numbers = (self.fx, self.fy, self.cx, self.cy, self.yaw_deg, self.pitch_deg, self.roll_deg)
        if not all(math.isfinite(n) for n in numbers):
            raise ValueError("a camera's numbers must be finite")
        if self.width <= 0 or self.height <= 0 or self.fx <= 0 or self.fy <= 0:
            raise ValueError(
                f"a camera needs a size and focal lengths above zero, not {self.width}x{self.height}, "
                f"fx {self.fx}, fy {self.fy}"
            )

    @cached_property
    def rotation(self) -> Floats:
        """Matrix (3, 3) from the rig's frame to the camera's frame."""
        return rotation_from_angles(*(math.radians(a) for a in (self.yaw_deg, self.pitch_deg, self.roll_deg)))

    @property
    def matrix(self) -> Floats:
        """The intrinsic matrix K, shape (3, 3)."""
        return np.array([[self.fx, 0, self.cx], [0, self.fy, self.cy], [0, 0, 1]], dtype=np.float64)

    def project(self, rays: ArrayLike) -> tuple[Floats, np.ndarray[Any, np.dtype[np.bool_]]]:
        """Where directions land in the picture.

        Args:
            rays: vectors of any length in the rig's frame, shape (..., 3).

        Returns:
            Pixel coordinates x, y, shape (..., 2), and a mask, shape (...,), that is true where the direction
            is in front of the lens and inside the picture. Where it is false the coordinates mean nothing.
        """
        inside = np.asarray(rays, dtype=np.float64) @ self.rotation.T
        x, y, z = inside[..., 0], inside[..., 1], inside[..., 2]
        across = np.hypot(x, y)
        angle = np.arctan2(across, z)
        seen = angle < self.distortion.limit
        with np.errstate(divide="ignore", invalid="ignore"):
            if self.distortion.model == "fisheye":
                scale = np.where(across > 1e-12, self.distortion.radial(angle) / across, 1.0 / np.abs(z))
                u, v = x * scale, y * scale
            else:
                u, v = self._brown(np.where(seen, x / z, 0.0), np.where(seen, y / z, 0.0))
        pixels = np.stack([self.fx * u + self.cx, self.fy * v + self.cy], axis=-1)
        pixels = np.where(seen[..., None], pixels, -1e6)
        px, py = pixels[..., 0], pixels[..., 1]
        seen = seen & (px >= -0.5) & (py >= -0.5) & (px <= self.width - 0.5) & (py <= self.height - 0.5)
        return pixels, seen

    def unproject(self, pixels: ArrayLike) -> Floats:
        """Unit vectors in the rig's frame, shape (..., 3), of pixel coordinates x, y, shape (..., 2)."""
        pixels = np.asarray(pixels, dtype=np.float64)
        u = (pixels[..., 0] - self.cx) / self.fx
        v = (pixels[..., 1] - self.cy) / self.fy
        if self.distortion.model == "fisheye":
            distorted = np.hypot(u, v)
            angle = self._invert_radial(distorted)
            scale = np.where(distorted > 1e-12, np.sin(angle) / np.maximum(distorted, 1e-12), 1.0)
            inside = np.stack([u * scale, v * scale, np.cos(angle)], axis=-1)
        else:
            x, y = self._invert_brown(u, v)
            inside = np.stack([x, y, np.ones_like(x)], axis=-1)
        rays = inside @ self.rotation
        return np.asarray(rays / np.linalg.norm(rays, axis=-1, keepdims=True))

    def _brown(self, x: Floats, y: Floats) -> tuple[Floats, Floats]:
        k1, k2, p1, p2, k3 = self.distortion.coefficients
        r2 = x * x + y * y
        radial = 1 + r2 * (k1 + r2 * (k2 + r2 * k3))
        u = x * radial + 2 * p1 * x * y + p2 * (r2 + 2 * x * x)
        v = y * radial + p1 * (r2 + 2 * y * y) + 2 * p2 * x * y
        return u, v

    def _invert_brown(self, u: Floats, v: Floats) -> tuple[Floats, Floats]:
        """Radial part through a table and Newton, then the small tangential part by fixed-point steps."""
        _, _, p1, p2, _ = self.distortion.coefficients
        x, y = self._undistort_radius(u, v)
        if p1 or p2:
            for _ in range(12):
                r2 = x * x + y * y
                du = 2 * p1 * x * y + p2 * (r2 + 2 * x * x)
                dv = p1 * (r2 + 2 * y * y) + 2 * p2 * x * y
                x, y = self._undistort_radius(u - du, v - dv)
        return x, y

    def _undistort_radius(self, u: Floats, v: Floats) -> tuple[Floats, Floats]:
        distorted = np.hypot(u, v)
        r = self._invert_radial(distorted)
        scale = np.where(distorted > 1e-12, r / np.maximum(distorted, 1e-12), 1.0)
        return u * scale, v * scale

    def _invert_radial(self, distorted: Floats) -> Floats:
        """The r with radial(r) = distorted: a table for the start, Newton for the digits."""
        limit = self.distortion.limit
        top = limit if self.distortion.model == "fisheye" else math.tan(limit)
        # Tangents grow without bound: spread the table in the angle, not in its tangent.
        spread = np.linspace(0.0, limit, 4000)
        table = spread if self.distortion.model == "fisheye" else np.tan(spread)
        r = np.interp(distorted, self.distortion.radial(table), table)
        for _ in range(4):
            step = 1e-6 * np.maximum(r, 1e-3)
            slope = (self.distortion.radial(r + step) - self.distortion.radial(r - step)) / (2 * step)
            r = np.clip(r - (self.distortion.radial(r) - distorted) / np.maximum(slope, 1e-3), 0.0, top)
        return np.asarray(r)

    @property
    def horizontal_fov_deg(self) -> float:
        """The angle from the middle of the left edge to the middle of the right edge, degrees; up to 360."""
        edges = self.unproject([[-0.5, self.cy], [self.width - 0.5, self.cy]]) @ self.rotation.T
        left, right = np.arctan2(edges[:, 0], edges[:, 2])
        return math.degrees(float(right - left))

    def rotated(self, rotation: ArrayLike) -> Camera:
        """The same camera with another rotation matrix (rig to camera)."""
        yaw, pitch, roll = (math.degrees(a) for a in rotation_to_angles(rotation))
        return Camera(
            self.width, self.height, self.fx, self.fy, self.cx, self.cy, self.distortion, yaw, pitch, roll
        )

    @classmethod
    def from_fov(
        cls, width: int, height: int, fov_deg: float, distortion: Distortion | None = None, **angles: float
    ) -> Camera:
        """A camera with square pixels and a centred lens that sees ``fov_deg`` degrees across its middle row.

        Raises:
            ValueError: if the lens can't reach that field of view.
        """
        lens = distortion or Distortion()
        half = math.radians(fov_deg) / 2
        if not 0 < half < lens.limit:
            raise ValueError(
                f"this lens can't see {fov_deg} degrees; it folds at {math.degrees(lens.limit):.1f}"
            )
        reach = float(lens.radial(half if lens.model == "fisheye" else math.tan(half)))
        focal = width / 2 / reach
        return cls(width, height, focal, focal, (width - 1) / 2, (height - 1) / 2, lens, **angles)

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {
            "width": self.width,
            "height": self.height,
            "fx": self.fx,
            "fy": self.fy,
            "cx": self.cx,
            "cy": self.cy,
            "distortion": {
                "model": self.distortion.model,
                "coefficients": list(self.distortion.coefficients),
            },
            "yaw_deg": self.yaw_deg,
            "pitch_deg": self.pitch_deg,
            "roll_deg": self.roll_deg,
        }

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Camera:
        """The inverse of :meth:`to_dict`. Raises KeyError, TypeError or ValueError for anything else."""
        lens = data.get("distortion", {})
        return cls(
            width=int(data["width"]),
            height=int(data["height"]),
            fx=float(data["fx"]),
            fy=float(data["fy"]),
            cx=float(data["cx"]),
            cy=float(data["cy"]),
            distortion=Distortion(
                lens.get("model", "brown"), tuple(float(c) for c in lens.get("coefficients", ()))
            ),
            yaw_deg=float(data["yaw_deg"]),
            pitch_deg=float(data["pitch_deg"]),
            roll_deg=float(data["roll_deg"]),
        )
