"""The ground that is played on: from a direction seen from the mast to a place in metres, and back.

The ground is a plane and all cameras share one viewpoint, so a ray (X, Y, Z) of the rig's frame and the place (x, y)
that it meets are tied by a homography: (x, y, 1) is a matrix times the ray, up to a scale (Hartley and Zisserman,
"Multiple View Geometry", chapter 4). Its third component is zero on the horizon and negative above it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike

from touchline.geometry.angles import Floats, angles_to_rays, rays_to_angles
from touchline.geometry.outline import FieldOutline

_GRAZING = math.sin(
    math.radians(0.05)
)  # a direction nearer to the horizon than that meets the ground nowhere
_STEEP = math.sin(math.radians(0.3))  # corners of a field must lie so far below it
_HEIGHT_M = (0.5, 200.0)


@dataclass(frozen=True, eq=False)
class Ground:
    """Places in metres from the middle of the field: x along the touchlines, to the right if the mast stands beside
    one of them; y away from the nearer touchline.

    Args:
        matrix: shape (3, 3): takes rays to (x, y, 1) times something positive.

    Raises:
        ValueError: for a matrix that is not finite, can't be inverted, or has the mast below the ground or more than
            200 m above it.
    """

    matrix: Floats

    def __post_init__(self) -> None:
        matrix = np.array(self.matrix, dtype=np.float64)
        if matrix.shape != (3, 3) or not np.isfinite(matrix).all():
            raise ValueError("the ground's matrix has 3 x 3 finite numbers")
        if abs(np.linalg.det(matrix)) < 1e-12 * np.linalg.norm(matrix) ** 3:
            raise ValueError("this ground is seen edge-on: its matrix can't be inverted")
        object.__setattr__(self, "matrix", matrix / np.linalg.norm(matrix[2]))
        if not _HEIGHT_M[0] <= self.eye[2] <= _HEIGHT_M[1]:
            raise ValueError(
                f"cameras stand {_HEIGHT_M[0]:g} to {_HEIGHT_M[1]:g} m above the ground, not {self.eye[2]:.1f}"
            )

    @classmethod
    def below_mast(
        cls, height_m: float, foot: tuple[float, float] = (0.0, 0.0), ahead_deg: float = 0.0
    ) -> Ground:
        """The ground of a level rig.

        Args:
            height_m: of the cameras above it.
            foot: the place of the mast's foot; with (0, 0) places count from there.
            ahead_deg: the yaw at which one looks along y, across the touchlines.
        """
        along, across = math.cos(math.radians(ahead_deg)), math.sin(math.radians(ahead_deg))
        return cls(
            np.array(
                [
                    [height_m * along, foot[0], -height_m * across],
                    [height_m * across, foot[1], height_m * along],
                    [0.0, 1.0, 0.0],
                ]
            )
        )

    @classmethod
    def of_outline(
        cls,
        field: FieldOutline,
        *,
        length_m: float | None = None,
        width_m: float | None = None,
        height_m: float | None = None,
    ) -> Ground:
        """The ground of a field that is seen with this outline.

        With four corners, a length and a width the ground is known, however the rig is levelled. Otherwise the rig
        must be level (pitch 0 is the horizon), and the smallest rectangle around the outline is the field. Which sides
        are touchlines their lengths say; which is the nearer one says where y begins (seen from behind a goal that is
        a matter of chance: then all may be turned by half a turn).

        Args:
            field: its outline.
            length_m, width_m: of the touchlines and the goal lines; both or neither.
            height_m: of the cameras above the ground; needed without them.

        Raises:
            ValueError: for sizes that are missing or not above zero, or corners at the horizon or above it.
        """
        if (length_m is None) != (width_m is None):
            raise ValueError("a field has a length and a width: give both, or neither")
        if not all(size is None or size > 0 for size in (length_m, width_m, height_m)):
            raise ValueError("lengths must be above zero")
        if field.rays[:, 1].min() < _STEEP:
            raise ValueError("a corner of the field lies at the horizon or above it: no ground is there")
        flat = field.rays[:, [0, 2]] / field.rays[:, 1:2]  # on the ground of a level mast one metre high
        if length_m is not None and width_m is not None and len(flat) == 4:
            order = _from_near_left(flat)
            half = np.array([length_m / 2, width_m / 2])
            return cls(_homography(field.rays[order], half * [[-1, -1], [1, -1], [1, 1], [-1, 1]]))
        box = _smallest_rectangle(flat)
        box = box[_from_near_left(box)]
        along, across = box[1] - box[0], box[3] - box[0]
        if length_m is not None and width_m is not None:
            seen = float(np.linalg.norm(along) * np.linalg.norm(across))
            height_m = math.sqrt(length_m * width_m / seen)
        if height_m is None:
            raise ValueError("give the field's length and width, or the height of the cameras")
        ahead = math.atan2(-along[1], along[0])
        turn = np.array([[math.cos(ahead), -math.sin(ahead)], [math.sin(ahead), math.cos(ahead)]])
        foot = -height_m * (turn @ box.mean(axis=0))
        return cls.below_mast(height_m, (float(foot[0]), float(foot[1])), math.degrees(ahead))

    def places(self, rays: ArrayLike) -> Floats:
        """Where unit vectors, shape (..., 3), meet the ground, shape (..., 2); nan at the horizon and above it."""
        met = np.asarray(rays, dtype=np.float64) @ self.matrix.T
        depth = np.where(met[..., 2:] > _GRAZING, met[..., 2:], np.nan)
        return np.asarray(met[..., :2] / depth)

    def rays(self, places: ArrayLike, up_m: ArrayLike = 0.0) -> Floats:
        """Unit vectors, shape (..., 3), towards places, shape (..., 2), ``up_m`` metres above them (broadcast)."""
        places, up = np.asarray(places, dtype=np.float64), np.asarray(up_m, dtype=np.float64)[..., None]
        points = np.concatenate(np.broadcast_arrays(places[..., :1], places[..., 1:], up), axis=-1)
        seen = (points - self.eye) @ self._axes
        return np.asarray(seen / np.linalg.norm(seen, axis=-1, keepdims=True))

    def place_of(self, yaw_deg: float, pitch_deg: float) -> tuple[float, float] | None:
        """The place below a direction; None at the horizon and above it."""
        x, y = self.places(angles_to_rays(math.radians(yaw_deg), math.radians(pitch_deg))).tolist()
        return None if math.isnan(x) else (x, y)

    def direction_of(self, place: tuple[float, float], up_m: float = 0.0) -> tuple[float, float]:
        """Yaw and pitch, degrees, of what is ``up_m`` metres above a place."""
        yaw, pitch = rays_to_angles(self.rays(place, up_m))
        return math.degrees(float(yaw)), math.degrees(float(pitch))

    @cached_property
    def eye(self) -> Floats:
        """Where the cameras are: x, y and the height above the ground, shape (3,)."""
        back = np.linalg.inv(self.matrix)
        scale = math.sqrt(float(np.linalg.norm(back[:, 0]) * np.linalg.norm(back[:, 1])))
        return np.asarray(-self._axes @ (back[:, 2] / scale))

    @cached_property
    def _axes(self) -> Floats:
        """Rows: x, y and up in the rig's frame: the rotation nearest to what the matrix says."""
        back = np.linalg.inv(self.matrix)
        across = np.stack([column / np.linalg.norm(column) for column in back.T[:2]])
        left, _, right = np.linalg.svd(across, full_matrices=False)
        x, y = left @ right
        return np.stack([x, y, np.cross(x, y)])


def _from_near_left(flat: Floats) -> list[int]:
    """The order of four corners on the ground: near left, near right, far right, far left of the longer sides."""
    x, y = flat.T
    around = list(range(4))
    if x @ np.roll(y, -1) < y @ np.roll(x, -1):  # clockwise, as seen from above
        around.reverse()
    corners = flat[around]
    sides = np.roll(corners, -1, axis=0) - corners
    lengths = np.linalg.norm(sides, axis=1)
    first = 0 if lengths[0] + lengths[2] >= lengths[1] + lengths[3] else 1
    # Counter-clockwise the field lies to the left of a side: the mast lies to the right of the nearer one.
    left_of = [
        float(sides[k][1] * corners[k][0] - sides[k][0] * corners[k][1]) / float(lengths[k])
        for k in (first, first + 2)
    ]
    begin = first if left_of[0] < left_of[1] else first + 2
    return [around[(begin + k) % 4] for k in range(4)]


def _smallest_rectangle(flat: Floats) -> Floats:
    """Corners, shape (4, 2), of the rectangle of least area around points; one of its sides is along an edge."""
    best, found = math.inf, flat
    for edge in np.roll(flat, -1, axis=0) - flat:
        along = edge / np.linalg.norm(edge)
        frame = np.stack([along, [-along[1], along[0]]])
        low, high = (flat @ frame.T).min(axis=0), (flat @ frame.T).max(axis=0)
        area = float(np.prod(high - low))
        if area < best:
            best = area
            found = np.array([low, [high[0], low[1]], high, [low[0], high[1]]]) @ frame
    return found


def _homography(rays: Floats, places: Floats) -> Floats:
    """The matrix that takes four rays to four places (x, y): the direct linear transformation."""
    rows = []
    for ray, (x, y) in zip(rays, places, strict=True):
        rows += [np.concatenate([ray, np.zeros(3), -x * ray]), np.concatenate([np.zeros(3), ray, -y * ray])]
    matrix = np.linalg.svd(np.array(rows))[2][-1].reshape(3, 3)
    return np.asarray(matrix if float((rays @ matrix[2]).sum()) > 0 else -matrix)
