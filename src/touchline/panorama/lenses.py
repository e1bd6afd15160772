"""What is likely of a lens before a picture has been looked at: presets, and their spreads as priors.

The numbers are typical, not exact. Fields of view are across the longer side of a 16:9 picture. Action cameras: 114
degrees and an equidistant projection were measured on a GoPro Hero 3 (R. Cunniff, 2012); later ones are given as 118 to
122 degrees by their maker, and about 86 in their linear mode, which has been straightened in the camera. Security
cameras: charts of dealers for sensors of 1/2.8 inch say 111, 79 and 54 degrees for lenses of 2.8, 4 and 6 mm, others
up to 20 degrees less. Phones: main cameras of 24 to 28 mm (35 mm equivalent), of which stabilised video crops up to a
fifth. A search takes them for what they are worth: what the pictures say wins.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from touchline.errors import ConfigurationError
from touchline.geometry.camera import DistortionModel

Floats = NDArray[np.float64]

# Spreads of lenses of which nothing is known: centre (share of the longer side), k1, k2, k3, tangential terms.
_CENTRE: Final = 0.01
_BENDS: Final[dict[DistortionModel, tuple[float, float, float]]] = {
    "brown": (0.2, 0.06, 0.015),
    "fisheye": (0.05, 0.02, 0.005),
}
_ASIDE: Final = 0.0007


@dataclass(frozen=True)
class LensPreset:
    """A kind of lens.

    Args:
        name: what it is called on the command line.
        words: what it is, for a person.
        model: the lens model that suits it; None: it must be found out.
        fov_deg, fov_sigma_deg: typical field of view across the longer side, and its spread; None: not known.
        k1, k1_sigma: typical first radial term and its spread.
    """

    name: str
    words: str
    model: DistortionModel | None = None
    fov_deg: float | None = None
    fov_sigma_deg: float = 0.0
    k1: float = 0.0
    k1_sigma: float | None = None

    @property
    def models(self) -> tuple[DistortionModel, ...]:
        """The lens models to try."""
        return (self.model,) if self.model else ("brown", "fisheye")

    @property
    def focal(self) -> float | None:
        """The focal length at which a picture's longer side spans the typical field, as a share of it, or None."""
        if self.fov_deg is None:
            return None
        reach = self._reach(self.fov_deg)
        return 0.5 / (reach * (1 + self.k1 * reach * reach))

    def _reach(self, fov_deg: float) -> float:
        half = math.radians(fov_deg) / 2
        return half if self.model == "fisheye" else math.tan(half)

    def likely(self, model: DistortionModel) -> tuple[Floats, Floats]:
        """Means and standard deviations of a lens's numbers, shape (8,) each, in the order of ``Lens.numbers``.

        An infinite deviation: nothing is known.
        """
        means, sigmas = np.zeros(8), np.full(8, np.inf)
        sigmas[1:] = (_CENTRE, _CENTRE, *_BENDS[model], _ASIDE, _ASIDE)
        focal = self.focal
        if focal is not None and self.fov_deg is not None:
            wider = self._reach(self.fov_deg + self.fov_sigma_deg) / self._reach(self.fov_deg)
            means[0], sigmas[0] = math.log(focal), math.log(wider)
        if self.k1_sigma is not None:
            means[3], sigmas[3] = self.k1, self.k1_sigma
        return means, sigmas


PRESETS: Final = (
    LensPreset("auto", "any lens; found out from the pictures"),
    LensPreset("action-wide", "action camera, wide", "fisheye", 118.0, 5.0, 0.0, 0.05),
    LensPreset("action-linear", "action camera, linear mode", "brown", 86.0, 5.0, 0.0, 0.05),
    LensPreset("phone", "phone, main camera", "brown", 64.0, 7.0, 0.0, 0.06),
    LensPreset("security-2.8mm", "security camera, 2.8 mm", "brown", 104.0, 8.0, -0.16, 0.1),
    LensPreset("security-4mm", "security camera, 4 mm", "brown", 80.0, 6.0, -0.22, 0.12),
    LensPreset("security-6mm", "security camera, 6 mm", "brown", 53.0, 4.0, -0.2, 0.15),
)
AUTO: Final = PRESETS[0]


def lens_preset(name: str) -> LensPreset:
    """The preset of that name. Raises ConfigurationError, which lists them, for another."""
    for preset in PRESETS:
        if preset.name == name:
            return preset
    known = ", ".join(preset.name for preset in PRESETS)
    raise ConfigurationError(f"--lens {name}: there is no such preset; known are {known}")
