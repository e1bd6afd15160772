"""A lens as the search for a rig knows it: one focal length, a centre, and the terms that bend its rays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from touchline.geometry import Camera, Distortion
from touchline.geometry.camera import DistortionModel
from touchline.panorama.lens_kernels import pixels_of, rays_of

Floats = NDArray[np.float64]
Size = tuple[int, int]

NUMBERS = 8  # unknowns of a lens
_NEARLY = 0.98  # of the angle up to which a measured lens sees anything


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
        return rays_of(self.model == "fisheye", self._terms, np.ascontiguousarray(pixels, dtype=np.float64))

    def pixels(self, rays: Floats) -> Floats:
        """Pixels, shape (n, 2), of vectors, shape (n, 3), in the camera's frame."""
        return pixels_of(self.model == "fisheye", self._terms, np.ascontiguousarray(rays, dtype=np.float64))

    @property
    def _terms(self) -> tuple[float, ...]:
        return (self.focal, self.cx, self.cy, self.k1, self.k2, self.k3, self.p1, self.p2)

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

    @property
    def fixed(self) -> bool:
        """Whether it is known already; a search then leaves its numbers alone."""
        return False

    def moved(self, step: Sequence[float] | Floats, size: Size) -> Lens:
        """The lens whose :meth:`numbers` are larger by ``step``."""
        return Lens.of_numbers(self.model, self.numbers(size) + np.asarray(step), size)

    def shrunk(self, times: int) -> Lens:
        """The same lens for pictures in which one pixel stands for ``times`` x ``times`` of before."""
        cx, cy = ((c + 0.5) / times - 0.5 for c in (self.cx, self.cy))
        return replace(self, focal=self.focal / times, cx=cx, cy=cy)


@dataclass(frozen=True)
class MeasuredLens(Lens):
    """A lens that was measured by itself: it is taken as it is, with all its terms and pixels of any shape.

    Args:
        measured: a camera with this lens that looks straight ahead; of the fields above only ``focal`` and the centre
            are asked for, as what it is about.
    """

    measured: Camera = field(kw_only=True)

    @classmethod
    def of_camera(cls, camera: Camera) -> MeasuredLens:
        """The lens of a camera, wherever that looks."""
        straight = replace(camera, yaw_deg=0.0, pitch_deg=0.0, roll_deg=0.0)
        terms = camera.distortion
        k1 = terms.coefficients[0] if terms.coefficients else 0.0
        return cls(terms.model, camera.fx, camera.cx, camera.cy, k1, measured=straight)

    @property
    def fixed(self) -> bool:
        return True

    def moved(self, step: Sequence[float] | Floats, size: Size) -> Lens:
        return self

    def rays(self, pixels: Floats) -> Floats:
        return self.measured.unproject(pixels)

    def pixels(self, rays: Floats) -> Floats:
        across = np.hypot(rays[:, 0], rays[:, 1])
        aside = rays[:, :2] / np.maximum(across, 1e-12)[:, None]
        angle = np.arctan2(across, rays[:, 2])
        # Where the lens sees nothing any more positions grow on, for the solver's sake.
        inside = np.minimum(angle, _NEARLY * self.measured.distortion.limit)
        seen = np.column_stack([aside * np.sin(inside)[:, None], np.cos(inside)])
        return np.asarray(self.measured.project(seen)[0] + aside * ((angle - inside) * self.focal)[:, None])

    def camera(self, size: Size, rotation: Floats | None = None) -> Camera:
        return self.measured if rotation is None else self.measured.rotated(rotation)

    def shrunk(self, times: int) -> Lens:
        one = self.measured
        cx, cy = ((c + 0.5) / times - 0.5 for c in (one.cx, one.cy))
        size = round(one.width / times), round(one.height / times)
        return MeasuredLens.of_camera(
            replace(one, width=size[0], height=size[1], fx=one.fx / times, fy=one.fy / times, cx=cx, cy=cy)
        )
