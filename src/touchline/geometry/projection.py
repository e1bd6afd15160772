"""Panorama projections: which direction each pixel of the panorama shows.

Columns depend on yaw alone, so that upright things stay upright. With yaw counted from ``normal``:

===============  =================  ===================  ====================================================
projection       column             row                  what is straight
===============  =================  ===================  ====================================================
equirectangular  yaw                pitch                upright lines, the horizon
cylindrical      yaw                tan(pitch)           the same; things keep their shape at any height
pitch            2 tan(yaw / 2)     tan(pitch)/cos(yaw)  the same, and every line along the touchlines: level
===============  =================  ===================  ====================================================

A line on the ground, h below the lens, at distance d, along the touchlines is seen at (s, -h, d) for all s: there
tan(pitch) = -h / hypot(s, d) and cos(yaw) = d / hypot(s, d), so that its row is -h / d, the same for all s. So it is
for lines at any height along the touchlines: the rows of ``pitch`` are those of a flat picture. The columns are those
of the Pannini projection (Sharpless, Postle and German 2010; its rows "squeezed" to the full), which keep what a flat
picture would stretch without end. About the horizon things are magnified by 1 / cos(yaw) upwards and by
1 / cos(yaw / 2)^2 across: at 45 degrees by 1.41 and 1.17, at 60 by 2 and 1.33, at 75 by 3.9 and 1.59. A player who
runs along a touchline keeps his height in the picture. A quarter of a turn away rows grow without end, so the
panorama ends at 80 degrees from its normal.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike

from touchline.geometry.angles import Floats, angles_to_rays

Projection = Literal["equirectangular", "cylindrical", "pitch"]
PITCH_REACH_DEG = 80.0  # from its normal, as far as a panorama of the pitch projection goes
_STEEPEST = math.radians(80)  # no panorama of a pitch reaches further up or down
_REACH = math.radians(PITCH_REACH_DEG)
_ROUNDING = 1e-9


@dataclass(frozen=True)
class Panorama:
    """A panorama picture: a projection, a size, and the part of the sphere that it covers.

    Angles in radians. The edges of the picture, not the centres of its outer pixels, lie at the limits. In the pitch
    projection the upper and lower edges are level lines, not lines of one pitch: ``pitch_min`` and ``pitch_max`` are
    theirs at the normal, where they are furthest from the horizon.

    Args:
        normal: yaw of the direction that crosses the touchlines at right angles; of the pitch projection alone.

    Raises:
        ValueError: for an unknown projection, a size that NV12 can't have (odd or not positive), limits that
            are not in order, a cylindrical or a pitch panorama that reaches a pole, or a pitch panorama that reaches
            more than 80 degrees to a side of its normal.
    """

    projection: Projection
    width: int
    height: int
    yaw_min: float
    yaw_max: float
    pitch_min: float
    pitch_max: float
    normal: float = 0.0

    def __post_init__(self) -> None:
        if self.projection not in get_args(Projection):
            raise ValueError(f"unknown projection {self.projection!r}")
        if self.width <= 0 or self.height <= 0 or self.width % 2 or self.height % 2:
            raise ValueError(f"a panorama needs an even size above zero, not {self.width}x{self.height}")
        if not (self.yaw_min < self.yaw_max <= self.yaw_min + 2 * math.pi):
            raise ValueError("a panorama's yaw limits must be in order and span at most a full turn")
        pole = math.pi / 2 if self.projection == "equirectangular" else math.radians(85)
        if not (-pole <= self.pitch_min < self.pitch_max <= pole):
            raise ValueError("a panorama's pitch limits must be in order and short of the poles")
        if self.projection != "pitch":
            if self.normal:
                raise ValueError("only a panorama of the pitch projection has a normal")
            return
        low, high = self.yaw_min - self.normal, self.yaw_max - self.normal
        if not (low >= -_REACH - _ROUNDING and high <= _REACH + _ROUNDING):
            raise ValueError(
                f"a panorama in the pitch projection reaches at most {PITCH_REACH_DEG:g} degrees to either side of its "
                f"normal, not {math.degrees(low):.1f} to {math.degrees(high):.1f}"
            )

    def columns_of(self, yaw: ArrayLike) -> Floats:
        """The horizontal coordinate before scaling; nan where ``pitch`` has none."""
        yaw = np.asarray(yaw, dtype=np.float64)
        if self.projection != "pitch":
            return yaw
        off = self._off(yaw)
        return np.where(np.abs(off) < math.pi / 2, 2 * np.tan(off / 2), np.nan)

    def rows_of(self, pitch: ArrayLike, yaw: ArrayLike | None = None) -> Floats:
        """The vertical coordinate before scaling: pitch, its tangent, or that over the cosine of yaw.

        Args:
            pitch: radians.
            yaw: radians, broadcast; of the pitch projection alone, by default its normal. A quarter of a turn from
                there and beyond there are no rows: nan.
        """
        pitch = np.asarray(pitch, dtype=np.float64)
        if self.projection == "equirectangular":
            return pitch
        rows = np.asarray(np.tan(pitch))
        if self.projection == "cylindrical" or yaw is None:
            return rows
        level = np.cos(np.asarray(yaw, dtype=np.float64) - self.normal)
        return np.asarray(rows / np.where(level > 1e-9, level, np.nan))

    def pitch_along(self, yaw: ArrayLike, pitch: ArrayLike) -> Floats:
        """The pitch at ``yaw`` of the picture's level line that has ``pitch`` at the normal (broadcast)."""
        yaw, pitch = np.asarray(yaw, dtype=np.float64), np.asarray(pitch, dtype=np.float64)
        if self.projection != "pitch":
            return np.broadcast_to(pitch, np.broadcast_shapes(yaw.shape, pitch.shape))
        return np.asarray(np.arctan(np.tan(pitch) * np.cos(yaw - self.normal)))

    def pixels_to_angles(self, x: ArrayLike, y: ArrayLike) -> tuple[Floats, Floats]:
        """Yaw and pitch of pixel coordinates; outside the picture the same formula goes on.

        Yaw has the shape of ``x``. Pitch has that of ``y``; in the pitch projection, that of both together.
        """
        x, y = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
        first, last = (float(self.columns_of(yaw)) for yaw in (self.yaw_min, self.yaw_max))
        yaw = first + (x + 0.5) * ((last - first) / self.width)
        top, bottom = self.rows_of(self.pitch_max), self.rows_of(self.pitch_min)
        row = top + (y + 0.5) * ((bottom - top) / self.height)
        if self.projection == "equirectangular":
            return yaw, np.asarray(row)
        if self.projection == "cylindrical":
            return yaw, np.asarray(np.arctan(row))
        off = 2 * np.arctan(yaw / 2)
        return np.asarray(off + self.normal), np.asarray(np.arctan(row * np.cos(off)))

    def angles_to_pixels(self, yaw: ArrayLike, pitch: ArrayLike) -> tuple[Floats, Floats]:
        """Pixel coordinates of directions; they may lie outside the picture.

        In the pitch projection both are nan a quarter of a turn from the normal and beyond.
        """
        first, last = (float(self.columns_of(limit)) for limit in (self.yaw_min, self.yaw_max))
        x = (self.columns_of(yaw) - first) * (self.width / (last - first))
        top, bottom = self.rows_of(self.pitch_max), self.rows_of(self.pitch_min)
        y = (self.rows_of(pitch, yaw) - top) * (self.height / (bottom - top))
        return x - 0.5, y - 0.5

    def rays(self, x: ArrayLike, y: ArrayLike) -> Floats:
        """Unit vectors in the rig's frame, shape (..., 3), of pixel coordinates (broadcast together)."""
        yaw, pitch = self.pixels_to_angles(x, y)
        return angles_to_rays(yaw, pitch)

    def scaled(self, width: int, height: int) -> Panorama:
        """The same part of the sphere as a picture of another size."""
        return replace(self, width=width, height=height)

    def cropped(self, width: int, height: int) -> Panorama:
        """Its left upper part, as large as that.

        Raises:
            ValueError: for more than there is, or an odd size.
        """
        if width > self.width or height > self.height:
            raise ValueError(f"{width}x{height} is no part of a panorama of {self.width}x{self.height}")
        centre = float(self.angles_to_pixels(self.normal, 0.0)[0])
        yaw_max = float(self.pixels_to_angles(width - 0.5, 0.0)[0]) if width < self.width else self.yaw_max
        pitch_min = self.pitch_min
        if height < self.height:
            pitch_min = float(self.pixels_to_angles(centre, height - 0.5)[1])
        return replace(self, width=width, height=height, yaw_max=yaw_max, pitch_min=pitch_min)

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON, angles in degrees."""
        told = {
            "projection": self.projection,
            "width": self.width,
            "height": self.height,
            "yaw_deg": [math.degrees(self.yaw_min), math.degrees(self.yaw_max)],
            "pitch_deg": [math.degrees(self.pitch_min), math.degrees(self.pitch_max)],
        }
        return told | {"normal_deg": math.degrees(self.normal)} if self.projection == "pitch" else told

    @classmethod
    def from_dict(cls, data: Any) -> Panorama:
        """The inverse of :meth:`to_dict`. Raises ValueError, KeyError or TypeError for anything else."""
        low, high = (math.radians(float(angle)) for angle in data["yaw_deg"])
        lowest, highest = (math.radians(float(angle)) for angle in data["pitch_deg"])
        normal = math.radians(float(data.get("normal_deg", 0.0)))
        size = data["width"], data["height"]
        if any(isinstance(side, bool) or not isinstance(side, int) for side in size):
            raise ValueError(f"no panorama measures {size[0]}x{size[1]}")
        return cls(data["projection"], *size, low, high, lowest, highest, normal)

    @classmethod
    def centred(cls, projection: Projection, size: tuple[int, int], fov_deg: float) -> Panorama:
        """A panorama of that size around yaw 0 and the horizon, ``fov_deg`` wide, its pixels square in its middle.

        Raises:
            ValueError: if it would reach further up than 80 degrees, or, in the pitch projection, to the sides.
        """
        half = math.radians(fov_deg) / 2
        if projection == "pitch" and half > _REACH:
            raise ValueError(
                f"in the pitch projection a panorama spans at most {2 * PITCH_REACH_DEG:g} degrees, not {fov_deg:g}"
            )
        across = 2 * math.tan(half / 2) if projection == "pitch" else half
        up = across * size[1] / size[0]
        tall = math.atan(up) if projection == "pitch" else up
        if tall > _STEEPEST:
            raise ValueError(f"a panorama of {size[0]}x{size[1]} can't span {fov_deg:g} degrees")
        return cls(projection, *size, -half, half, -tall, tall)

    def _off(self, yaw: Floats) -> Floats:
        """Yaw from the normal, -pi .. pi."""
        return np.asarray((yaw - self.normal + math.pi) % (2 * math.pi) - math.pi)
