"""How far apart things are on the ground, told from directions, and where the goals stand."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from touchline.geometry import FieldOutline, angles_to_rays, rays_to_angles

Floats = NDArray[np.float64]
_MAST_M = 10.0  # height of the cameras, where nothing tells it
_FLATTEST = np.radians(2.0)  # nothing on the ground is seen flatter than that
_AROUND_DEG = 0.25  # between the points that stand for the outline
_INSIDE_DEG = 0.3  # below the furthest corner: a flying ball is taken to be there
_BESIDE_DEG = 2.0
_END = 0.04  # of the field's length: corners so near to an end belong to it


class Ground:
    """The ground below the mast, and the field on it.

    Args:
        field: where it is seen; None if nobody knows.
        length_m: of the field; with the outline it tells how high the mast is.
    """

    def __init__(self, field: FieldOutline | None, length_m: float) -> None:
        self._field = field
        self._mast = _MAST_M
        self._length = length_m
        self._goals = self._goal_directions = np.zeros((0, 2))
        self._high = 90.0
        if field is not None:
            self._measure(field)

    def holds(self, directions: Floats) -> NDArray[np.bool_]:
        """Which directions (yaw, pitch in degrees, shape (n, 2)) lie on the field, a little beside it, or above it."""
        if self._field is None:
            return np.ones(len(directions), dtype=np.bool_)
        low = np.minimum(directions, [np.inf, self._high - _INSIDE_DEG])
        off, _ = self._outside(angles_to_rays(*np.radians(low.T)))
        return np.asarray(off < np.radians(_BESIDE_DEG))

    def keep(self, directions: Floats, margin_deg: float) -> Floats:
        """The nearest directions that are at most ``margin_deg`` beside the field, shape (n, 2), degrees."""
        if self._field is None:
            return directions
        rays = angles_to_rays(*np.radians(directions.T))
        off, nearest = self._outside(rays)
        margin = np.radians(margin_deg)
        mixed = np.sin(np.clip(off - margin, 0, None))[:, None] * nearest + np.sin(margin) * rays
        kept = np.degrees(np.stack(rays_to_angles(mixed), axis=-1))
        return np.where((off > margin)[:, None], kept, directions)

    def _outside(self, rays: Floats) -> tuple[Floats, Floats]:
        """How far outside the field each ray points, radians, shape (n,), and where its outline is nearest, (n, 3)."""
        assert self._field is not None
        along = rays @ self._around.T
        which = along.argmax(axis=1)
        off = np.arccos(np.clip(along[np.arange(len(rays)), which], -1.0, 1.0))
        return np.where(self._field.contains(rays), 0.0, off), self._around[which]

    def apart(self, persons: Floats, anchor: Floats, there: Floats) -> Floats:
        """Metres on the ground from each person, shape (m, n, 2), to an anchor, shape (m, 1, 2), degrees; (m, n).

        The anchor may fly: it is taken to be no further away, and no nearer, than anybody who is there, shape (m, n).
        """
        yaw, far = np.radians(persons[..., 0]), self._distance(persons[..., 1])
        nearest = np.where(there > 0, far, np.inf).min(axis=1, keepdims=True)
        furthest = np.where(there > 0, far, 0.0).max(axis=1, keepdims=True)
        reach = np.maximum(
            np.minimum(self._distance(anchor[..., 1]), furthest), np.minimum(nearest, furthest)
        )
        turn = yaw - np.radians(anchor[..., 0])
        return np.asarray(np.sqrt(np.clip(far**2 + reach**2 - 2 * far * reach * np.cos(turn), 0.0, None)))

    def goal_near(self, ball: Floats, share: float) -> tuple[Floats, Floats]:
        """The goal nearest to each ball, degrees, shape (n, 2), and how near it is: 1 at it, 0 from ``share`` of the
        field's length on, shape (n,). Without a field, the balls themselves, and 0."""
        if not len(self._goals):
            return ball, np.zeros(len(ball))
        gap = self._places(np.minimum(ball, [np.inf, self._high]))[:, None] - self._goals[None]
        far = np.hypot(gap[..., 0], gap[..., 1])
        which = far.argmin(axis=1)
        near = np.clip(1 - far[np.arange(len(ball)), which] / (share * self._length), 0.0, 1.0)
        return self._goal_directions[which], near * near * (3 - 2 * near)

    def _distance(self, pitch_deg: Floats) -> Floats:
        return np.asarray(self._mast / np.tan(np.maximum(np.radians(-pitch_deg), _FLATTEST)))

    def _places(self, directions: Floats) -> Floats:
        """Metres to the right and ahead of the mast, shape (n, 2)."""
        yaw, far = np.radians(directions[:, 0]), self._distance(directions[:, 1])
        return np.stack([far * np.sin(yaw), far * np.cos(yaw)], axis=-1)

    def _measure(self, field: FieldOutline) -> None:
        """The mast's height from the field's length, and the middles of the field's ends."""
        corners = np.array(field.points)
        self._high = float(corners[:, 1].max())
        self._around = field.path(_AROUND_DEG)
        if self._high > -np.degrees(_FLATTEST) / 2:
            return  # this outline reaches the horizon: it is no field on level ground
        turn = np.radians(field.normal_deg)
        # Along the touchlines and across, in heights of the mast.
        frame = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
        along, across = (self._places(corners) / self._mast @ frame.T).T
        length = float(np.ptp(along))
        self._mast = self._length / length
        ends = []
        for end in (along.min(), along.max()):
            at = np.abs(along - end) < _END * length
            ends.append((end, (across[at].min() + across[at].max()) / 2))
        flat = np.array(ends) @ frame * self._mast
        self._goals = flat
        self._goal_directions = np.degrees(
            np.stack(
                [np.arctan2(flat[:, 0], flat[:, 1]), np.arctan2(-self._mast, np.hypot(*flat.T))], axis=-1
            )
        )
