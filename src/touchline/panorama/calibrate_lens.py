"""A lens as the search for a rig knows it: one focal length, a centre, and the terms that bend its rays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from touchline.geometry import Camera, Distortion
from touchline.geometry.camera import DistortionModel

Floats = NDArray[np.float64]
Size = tuple[int, int]

NUMBERS = 8  # unknowns of a lens
_STEEPEST = 1.45  # radians from the axis; tangents mean nothing beyond
_LEAST_GROWTH = 0.2  # slopes of the polynomials are cut here, where they would fold back


@dataclass(frozen=True)
class Lens:
    """A lens with square pixels.

    Args:
        model: ``brown`` or ``fisheye``; see :mod:`touchline.geometry.camera`.
        focal: focal length in pixels.
        cx, cy: centre in pixels.
        k1, k2, k3: radial terms of the model.
        p1, p2: tangential terms, of ``brown`` only.
    """

    model: DistortionModel
    focal: float
    cx: float
    cy: float
    k1: float
    k2: float = 0.0
    k3: float = 0.0
    p1: float = 0.0
    p2: float = 0.0

    def rays(self, pixels: Floats) -> Floats:
        """Unit vectors, shape (n, 3), of pixels, shape (n, 2), in the camera's frame."""
        u = (pixels - (self.cx, self.cy)) / self.focal
        if self.model == "fisheye":
            bent = np.hypot(u[:, 0], u[:, 1])
            angle = self._straight(bent)
            made = np.column_stack([u * (np.sin(angle) / np.maximum(bent, 1e-12))[:, None], np.cos(angle)])
            return np.asarray(made)
        flat = self._flat(u)
        if self.p1 or self.p2:
            # The tangential terms are small: they are taken off as they are at the place found so far.
            for _ in range(3):
                flat = self._flat(u - self._sideways(flat))
        made = np.column_stack([flat, np.ones(len(flat))])
        return np.asarray(made / np.linalg.norm(made, axis=1, keepdims=True))

    def pixels(self, rays: Floats) -> Floats:
        """Pixels, shape (n, 2), of vectors, shape (n, 3), in the camera's frame."""
        across = np.hypot(rays[:, 0], rays[:, 1])
        angle = np.arctan2(across, rays[:, 2])
        # Far from the axis the polynomials mean nothing: let positions grow on, for the solver's sake.
        r = np.tan(np.minimum(angle, _STEEPEST)) if self.model == "brown" else angle
        r2 = r * r
        bent = r * np.maximum(1 + r2 * (self.k1 + r2 * (self.k2 + r2 * self.k3)), _LEAST_GROWTH)
        aside = rays[:, :2] / np.maximum(across, 1e-12)[:, None]
        u = aside * bent[:, None]
        if self.model == "brown" and (self.p1 or self.p2):
            u = u + self._sideways(aside * r[:, None])
        return np.asarray(u * self.focal + (self.cx, self.cy))

    def _sideways(self, flat: Floats) -> Floats:
        x, y = flat[:, 0], flat[:, 1]
        r2 = x * x + y * y
        u = 2 * self.p1 * x * y + self.p2 * (r2 + 2 * x * x)
        v = self.p1 * (r2 + 2 * y * y) + 2 * self.p2 * x * y
        return np.column_stack([u, v])

    def _flat(self, u: Floats) -> Floats:
        bent = np.hypot(u[:, 0], u[:, 1])
        return np.asarray(u * (self._straight(bent) / np.maximum(bent, 1e-12))[:, None])

    def _straight(self, bent: Floats) -> Floats:
        """The radius (or angle) before distortion, by Newton's method."""
        r: Floats = bent.copy()
        for _ in range(8):
            r2 = r * r
            slope = 1 + r2 * (3 * self.k1 + r2 * (5 * self.k2 + r2 * 7 * self.k3))
            value = r * (1 + r2 * (self.k1 + r2 * (self.k2 + r2 * self.k3)))
            step = (value - bent) / np.maximum(slope, _LEAST_GROWTH)
            r = np.asarray(np.clip(r - step, 0.0, 8.0))
            if not len(r) or float(np.abs(step).max()) < 1e-9:
                break
        return r

    def numbers(self, size: Size) -> Floats:
        """Log focal length and offset of the centre from the middle (as shares of the picture's longer side), k1, k2,
        k3, p1, p2: shape (:data:`NUMBERS`,)."""
        longer = max(size)
        x, y = (self.cx - (size[0] - 1) / 2) / longer, (self.cy - (size[1] - 1) / 2) / longer
        return np.array([np.log(self.focal / longer), x, y, self.k1, self.k2, self.k3, self.p1, self.p2])

    @classmethod
    def of_numbers(cls, model: DistortionModel, numbers: Sequence[float] | Floats, size: Size) -> Lens:
        """The inverse of :meth:`numbers`."""
        log_focal, x, y, *bends = (float(n) for n in numbers)
        longer = max(size)
        cx, cy = (size[0] - 1) / 2 + x * longer, (size[1] - 1) / 2 + y * longer
        return cls(model, float(np.exp(log_focal)) * longer, cx, cy, *bends)

    def camera(self, size: Size, rotation: Floats | None = None) -> Camera:
        """The same lens as a camera of the rig; ``rotation``, shape (3, 3), takes the rig's frame to its own."""
        if self.model == "brown":
            terms: tuple[float, ...] = (self.k1, self.k2, self.p1, self.p2, self.k3)
        else:
            terms = (self.k1, self.k2, self.k3)
        camera = Camera(*size, self.focal, self.focal, self.cx, self.cy, Distortion(self.model, terms))
        return camera if rotation is None else camera.rotated(rotation)

    def shrunk(self, times: int) -> Lens:
        """The same lens for pictures in which one pixel stands for ``times`` x ``times`` of before."""
        cx, cy = ((c + 0.5) / times - 0.5 for c in (self.cx, self.cy))
        return replace(self, focal=self.focal / times, cx=cx, cy=cy)
