"""What came in from other programs: a rig, and how exactly it says what they said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from touchline.errors import RigError
from touchline.geometry import Panorama, Rig, fit_panorama
from touchline.panorama.calibrate import overlap_deg

_LEAST_OVERLAP_DEG = 0.5
MOST_PX = 0.5  # of the 95th percentile: more can be seen at the seam


@dataclass(frozen=True)
class Residual:
    """How far a camera of ours puts things from where the other program put them, in pixels of its picture.

    Attributes:
        p95, most: 95th percentile and maximum over the picture.
    """

    p95: float
    most: float


@dataclass(frozen=True)
class Imported:
    """A rig from another program's files.

    Attributes:
        rig: it.
        residuals: of each camera, from left to right.
        panorama: the other program's own panorama, where it is known.
    """

    rig: Rig
    residuals: tuple[Residual, ...]
    panorama: Panorama | None = None

    def facts(self) -> list[tuple[str, str]]:
        """Names and values for a person to read."""
        found = []
        for name, camera, residual in zip(("left", "right"), self.rig.cameras, self.residuals, strict=True):
            lens = camera.distortion.model
            found += [
                (
                    f"{name} camera",
                    f"{camera.width}x{camera.height}, {camera.horizontal_fov_deg:.1f} degrees across, {lens}; looks at "
                    f"{camera.yaw_deg:.2f}, {camera.pitch_deg:.2f}, rolled {camera.roll_deg:.2f}",
                ),
                (
                    f"{name} residual",
                    f"95 % of the picture within {residual.p95:.3f} px, all of it within {residual.most:.3f} px",
                ),
            ]
        if self.panorama is not None:
            p = self.panorama.to_dict()
            (west, east), (low, high) = p["yaw_deg"], p["pitch_deg"]
            found.append(
                (
                    "their panorama",
                    f"{p['projection']}, {p['width']}x{p['height']}, yaw {west:.2f} to {east:.2f}, "
                    f"pitch {low:.2f} to {high:.2f}",
                )
            )
        return found


def check_residuals(residuals: Sequence[Residual], names: Sequence[str], advice: str) -> None:
    """Raises :class:`RigError` if a camera of ours can't be what the other program meant."""
    for name, residual in zip(names, residuals, strict=True):
        if not residual.p95 <= MOST_PX:
            raise RigError(
                f"{name}: no lens of Touchline's models is this one: the nearest would put 5 % of the picture "
                f"{residual.p95:.2f} px and more from its place, and {MOST_PX:g} px are allowed; {advice}"
            )


def check_panorama(rig: Rig, where: str) -> None:
    """Raises :class:`RigError`, naming ``where``, if the two cameras make no panorama."""
    if overlap_deg(rig) < _LEAST_OVERLAP_DEG:
        raise RigError(f"{where}: the two cameras see nothing in common, so they can't be joined")
    try:
        fit_panorama(rig)
    except RigError as error:
        raise RigError(f"{where}: no panorama can be made of these two cameras: {error}") from error
