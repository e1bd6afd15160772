"""The field's outline as the mast sees it: a polygon of directions whose edges are straight on the ground.

A straight line on the ground and the viewpoint lie in one plane, so the line is seen along a great circle, wherever the
ground is and however the rig is levelled: no height is needed. Insides are told in the gnomonic projection about the
outline's middle, in which great circles are straight lines.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from touchline.geometry.angles import Floats, angles_to_rays, rays_to_angles
from touchline.geometry.projection import Panorama

Points = tuple[tuple[float, float], ...]
_MOST = 500
_WIDEST = math.radians(89.5)  # from the outline's middle to a corner
_SAME = 1e-6  # radians: corners nearer than that are one
_NOTHING = 1e-8  # steradians, about: of an outline without an inside
_AT_ONCE = 2_000_000  # numbers of a mask that are computed together


@dataclass(frozen=True)
class FieldOutline:
    """Where the field is seen.

    Args:
        points: corners as (yaw, pitch) in degrees, in order, either way round; any number of them along a bent edge.

    Raises:
        ValueError: for fewer than three corners or more than 500, numbers that are not finite or out of range (yaw
            -180 .. 180, pitch -90 .. 90), the same corner twice in a row, an outline that spans half a turn or more,
            one without an inside, or
            one that crosses itself.
    """

    points: Points

    def __post_init__(self) -> None:
        points = tuple((float(yaw), float(pitch)) for yaw, pitch in self.points)
        object.__setattr__(self, "points", points)
        if not 3 <= len(points) <= _MOST:
            raise ValueError(f"a field's outline has 3 to {_MOST} corners, not {len(points)}")
        for number, (yaw, pitch) in enumerate(points, 1):
            if not (math.isfinite(yaw) and math.isfinite(pitch) and abs(yaw) <= 180 and abs(pitch) <= 90):
                raise ValueError(
                    f"corner {number} of the field, {yaw:g},{pitch:g}, is no direction: yaw is -180 to 180 degrees, "
                    "pitch -90 to 90"
                )
        apart = np.linalg.norm(self.rays - self._next, axis=1)
        if apart.min() < _SAME:
            raise ValueError(f"corner {int(np.argmin(apart)) + 1} of the field is the next one too")
        if (self.rays @ self._frame[2]).min() < math.cos(_WIDEST):
            raise ValueError(
                "the field's outline spans half a turn or more: the mast must stand outside the field"
            )
        x, y = self._flat.T
        if abs(float(x @ np.roll(y, -1) - y @ np.roll(x, -1))) < _NOTHING:
            raise ValueError("the field's outline encloses nothing: all its corners lie on one line")
        crossing = _crossing(self._flat)
        if crossing:
            raise ValueError(
                "the field's outline crosses itself: the edges after corners {} and {}; give the corners in order, "
                "one way round".format(*crossing)
            )

    @cached_property
    def rays(self) -> Floats:
        """Unit vectors of the corners in the rig's frame, shape (n, 3)."""
        yaw, pitch = np.radians(np.array(self.points)).T
        return angles_to_rays(yaw, pitch)

    @cached_property
    def normal_deg(self) -> float:
        """Yaw, -45 .. 45 degrees, at which the field's longest edges that run across are met at right angles.

        The longest edge on the ground says so: a touchline, mostly. 0 if all corners lie above the horizon.
        """
        low = (self.rays[:, 1] > 1e-3) & (self._next[:, 1] > 1e-3)  # Y is down
        if not low.any():
            return 0.0
        begin, end = (rays[low][:, [0, 2]] / rays[low][:, 1:2] for rays in (self.rays, self._next))
        along = (end - begin)[int(np.argmax(np.linalg.norm(end - begin, axis=1)))]
        # The ground's axes are X and Z: an edge along X is met at yaw 0.
        yaw = -math.degrees(math.atan2(along[1], along[0]))
        return (yaw + 45) % 90 - 45

    def contains(self, rays: ArrayLike) -> NDArray[np.bool_]:
        """Which directions, shape (..., 3), lie inside; shape (...,)."""
        seen = np.asarray(rays, dtype=np.float64) @ self._frame.T
        ahead = seen[..., 2] > 1e-6
        depth = np.where(ahead, seen[..., 2], 1.0)
        x, y = seen[..., 0] / depth, seen[..., 1] / depth
        inside = np.zeros(x.shape, dtype=np.bool_)
        for (x0, y0), (x1, y1) in zip(self._flat, np.roll(self._flat, -1, axis=0), strict=True):
            crosses = (y0 > y) != (y1 > y)
            if y0 != y1:
                inside ^= crosses & (x < x0 + (y - y0) * ((x1 - x0) / (y1 - y0)))
        return np.asarray(inside & ahead)

    def distance(self, rays: ArrayLike) -> Floats:
        """How far outside the field unit vectors, shape (..., 3), point, in radians; 0 inside. Shape (...,)."""
        rays = np.asarray(rays, dtype=np.float64)
        away = np.arccos(np.clip((rays @ self.rays.T).max(axis=-1), -1.0, 1.0))
        for pole, (after, before) in zip(self._poles, self._sides, strict=True):
            beside = (rays @ after > 0) & (rays @ before > 0)
            across = np.abs(np.arcsin(np.clip(rays @ pole, -1.0, 1.0)))
            away = np.where(beside, np.minimum(away, across), away)
        return np.asarray(np.where(self.contains(rays), 0.0, away))

    def mask(self, panorama: Panorama, margin_deg: float = 0.0) -> NDArray[np.bool_]:
        """Which pixels of a panorama of any size and projection show the field, shape (height, width).

        Args:
            panorama: what the picture shows.
            margin_deg: what lies no further outside than that counts too.
        """
        made = np.empty((panorama.height, panorama.width), dtype=np.bool_)
        rows = max(1, _AT_ONCE // (max(3, len(self.points)) * panorama.width))
        columns = np.arange(panorama.width)[None, :]
        for first in range(0, panorama.height, rows):
            y = np.arange(first, min(first + rows, panorama.height))[:, None]
            rays = panorama.rays(columns, y)
            made[first : first + rows] = (
                self.distance(rays) <= math.radians(margin_deg) if margin_deg > 0 else self.contains(rays)
            )
        return made

    def keep(self, yaw_deg: float, pitch_deg: float, margin_deg: float = 0.0) -> tuple[float, float]:
        """The direction nearest to a given one that lies at most ``margin_deg`` outside; itself if it does. Degrees."""
        ray = angles_to_rays(math.radians(yaw_deg), math.radians(pitch_deg))
        off, margin = float(self.distance(ray)), math.radians(margin_deg)
        if off <= margin:
            return yaw_deg, pitch_deg
        nearest = self._nearest(ray)
        # Along the great circle from there towards the direction, as far as the margin goes.
        mixed = math.sin(off - margin) * nearest + math.sin(margin) * ray
        yaw, pitch = rays_to_angles(mixed)
        return math.degrees(float(yaw)), math.degrees(float(pitch))

    def path(self, step_deg: float = 0.5) -> Floats:
        """Unit vectors all around, from corner to corner, at most ``step_deg`` apart, shape (n, 3)."""
        lines = []
        for start, end in zip(self.rays, self._next, strict=True):
            angle = math.acos(float(np.clip(start @ end, -1, 1)))
            share = np.linspace(0, 1, max(2, math.ceil(math.degrees(angle) / step_deg) + 1))[:-1, None]
            lines.append(
                (np.sin((1 - share) * angle) * start + np.sin(share * angle) * end) / math.sin(angle)
            )
        return np.concatenate(lines)

    @cached_property
    def _next(self) -> Floats:
        """Where the edge that begins at each corner ends."""
        return np.roll(self.rays, -1, axis=0)

    @cached_property
    def _poles(self) -> Floats:
        """At right angles to the plane of each edge."""
        poles = np.cross(self.rays, self._next)
        return np.asarray(poles / np.linalg.norm(poles, axis=1, keepdims=True))

    @cached_property
    def _frame(self) -> Floats:
        """Rows: axes whose last one points into the outline's middle, that of the smallest cap around it.

        Badoiu and Clarkson (2003): steps towards whatever is furthest away, each smaller than the one before.
        """
        middle = self.rays.mean(axis=0)
        for k in range(2, 300):
            middle = middle / max(float(np.linalg.norm(middle)), 1e-12)
            middle = middle + (self.rays[int(np.argmin(self.rays @ middle))] - middle) / k
        ahead = middle / max(float(np.linalg.norm(middle)), 1e-12)
        aside = np.cross(ahead, np.eye(3)[int(np.argmin(np.abs(ahead)))])
        aside /= np.linalg.norm(aside)
        return np.stack([aside, np.cross(ahead, aside), ahead])

    @cached_property
    def _sides(self) -> Floats:
        """For each edge the poles of the great circles that cross it at its start and its end, shape (n, 2, 3)."""
        return np.stack([np.cross(self._poles, self.rays), np.cross(self._next, self._poles)], axis=1)

    @cached_property
    def _flat(self) -> Floats:
        """The corners in the gnomonic projection about the middle, shape (n, 2)."""
        seen = self.rays @ self._frame.T
        return np.asarray(seen[:, :2] / seen[:, 2:])

    def _nearest(self, ray: Floats) -> Floats:
        """The direction of the outline that is nearest to one outside."""
        found = [(float(ray @ corner), corner) for corner in self.rays]
        for start, end, pole in zip(self.rays, self._next, self._poles, strict=True):
            if ray @ np.cross(pole, start) > 0 and ray @ np.cross(end, pole) > 0:
                foot = ray - (ray @ pole) * pole
                foot = foot / np.linalg.norm(foot)
                found.append((float(ray @ foot), foot))
        return np.asarray(max(found, key=lambda one: one[0])[1])


def _crossing(flat: Floats) -> tuple[int, int] | None:
    """Two edges of a closed polygon, shape (n, 2), that cross or touch and are no neighbours, counted from 1."""
    ends = np.roll(flat, -1, axis=0)
    count = len(flat)

    def side(of: Floats, start: Floats, end: Floats) -> Floats:
        """Positive, negative or zero: on which side of each edge (axis 1) each point (axis 0) lies."""
        across, to = end - start, of[:, None] - start[None]
        return np.asarray(np.sign(across[None, :, 0] * to[..., 1] - across[None, :, 1] * to[..., 0]))

    apart = side(flat, flat, ends) * side(ends, flat, ends) <= 0
    both = apart & apart.T
    first, second = np.nonzero(np.triu(both, 2))
    for one, other in zip(first.tolist(), second.tolist(), strict=True):
        if (other + 1) % count != one and _boxes_meet(flat, ends, one, other):
            return one + 1, other + 1
    return None


def _boxes_meet(flat: Floats, ends: Floats, one: int, other: int) -> bool:
    """Edges on one line lie on both sides of each other without meeting: their boxes tell."""
    low = np.minimum(flat, ends)[[one, other]]
    high = np.maximum(flat, ends)[[one, other]]
    return bool((low.max(axis=0) <= high.min(axis=0)).all())
