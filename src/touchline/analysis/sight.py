"""What detections mean: pixels of a panorama to directions and places, with their uncertainty."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from touchline.analysis.detections import Detection, Detections
from touchline.analysis.tracking_settings import TrackSettings
from touchline.geometry import FieldOutline, Ground, Panorama, angles_to_rays

Floats = NDArray[np.float64]

_NEAREST_M, _FURTHEST_M = 5.0, 140.0  # ranges outside are taken for these
_FEET_NOISE = 0.06  # of a person's height: how far the lower edge of a box is off the feet, beside a pixel
_SIDE_NOISE = 0.15  # of a person's width, the same for its middle
_MOST_BESIDE_M = 12.0  # who is further beside the field does not play


class PlayersSeen(NamedTuple):
    """Players, one row each.

    Attributes:
        places: metres, shape (n, 2): the feet.
        noise: covariance of these, square metres, shape (n, 2, 2).
        middles: yaw and pitch of the body's middle, degrees, shape (n, 2).
        halves: half its width and height, degrees, shape (n, 2).
        confidence: shape (n,).
    """

    places: Floats
    noise: Floats
    middles: Floats
    halves: Floats
    confidence: Floats


class BallsSeen(NamedTuple):
    """Candidates for the ball, the likeliest first, one row each.

    Attributes:
        at: yaw and pitch, degrees, shape (n, 2).
        noise: standard deviation of these, degrees, shape (n,).
        logit: log of the odds that the detector gives, shape (n,).
        beside_m: how far beside the field, about, shape (n,).
    """

    at: Floats
    noise: Floats
    logit: Floats
    beside_m: Floats


class Sight:
    """Reads detections in one panorama.

    Args:
        panorama: in whose pixels they are.
        field: where the field is; None: nothing lies beside it.
        ground: where places are; None: the level ground below a mast of the assumed height.
        settings: see :class:`TrackSettings`.
    """

    def __init__(
        self, panorama: Panorama, field: FieldOutline | None, ground: Ground | None, settings: TrackSettings
    ) -> None:
        self._panorama, self._field, self._settings = panorama, field, settings
        self.ground = ground or Ground.below_mast(settings.assumed_height_m)
        corners = None if field is None else self.ground.places(field.rays)
        # An outline that reaches the horizon encloses the ground without end.
        self._corners = corners if corners is not None and np.isfinite(corners).all() else None

    def players(self, detections: Detections) -> PlayersSeen:
        """The players among the detections; without those who stand nowhere or far beside the field."""
        boxes, confidence = _table(detections.found, "player", self._settings.player_least)
        middle_x, feet = (boxes[:, 0] + boxes[:, 2]) / 2 - 0.5, boxes[:, 3] - 0.5
        wide, tall = boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]
        # The place, and how it changes with a pixel to the right and one down.
        x, y = middle_x + np.array([[0.0], [1.0], [0.0]]), feet + np.array([[0.0], [0.0], [1.0]])
        rays = self._panorama.rays(x, y)
        places = self.ground.places(rays)
        change = (places[1:] - places[0]).transpose(1, 2, 0)  # (n, place, pixel)
        spread = np.stack([0.7 + _SIDE_NOISE * wide, 1.0 + _FEET_NOISE * tall], axis=-1)
        half = change * spread[:, None, :]
        noise = half @ half.transpose(0, 2, 1)
        middles, halves = self._extents(boxes, middle_x)
        kept = np.asarray(np.isfinite(places).all(axis=(0, 2)))
        kept[kept] = self._off_field_m(places[0][kept], rays[0][kept]) <= _MOST_BESIDE_M
        return PlayersSeen(places[0][kept], noise[kept], middles[kept], halves[kept], confidence[kept])

    def balls(self, detections: Detections) -> BallsSeen:
        """The likeliest candidates among the detections."""
        boxes, confidence = _table(detections.found, "ball", 0.0)
        best = np.argsort(-confidence, kind="stable")[: self._settings.most_candidates]
        boxes, confidence = boxes[best], np.clip(confidence[best], 0.005, 0.995)
        x, y = (boxes[:, 0] + boxes[:, 2]) / 2 - 0.5, (boxes[:, 1] + boxes[:, 3]) / 2 - 0.5
        at = np.stack(np.broadcast_arrays(*self._panorama.pixels_to_angles(x, y)), axis=-1)
        beyond = np.stack(np.broadcast_arrays(*self._panorama.pixels_to_angles(x + 1, y)), axis=-1)
        pixel = np.degrees(np.hypot((beyond - at)[:, 0] * np.cos(at[:, 1]), (beyond - at)[:, 1]))
        size = np.maximum(boxes[:, 2:] - boxes[:, :2], 1.0).max(axis=1, initial=1.0)
        at = np.degrees(at)
        noise = pixel * np.hypot(self._settings.ball_noise_px, 0.2 * size)
        return BallsSeen(at, noise, np.log(confidence / (1 - confidence)), self.beside_m(*at.T))

    def ranges(self, yaw_deg: Floats, pitch_deg: Floats) -> Floats:
        """Metres from the cameras to the ground in a direction; what flies before it is nearer."""
        places = self.ground.places(angles_to_rays(np.radians(yaw_deg), np.radians(pitch_deg)))
        gap = places - self.ground.eye[:2]
        away = np.hypot(np.hypot(gap[..., 0], gap[..., 1]), self.ground.eye[2])
        # fmin and not minimum: nan, above the horizon, is furthest away.
        return np.asarray(np.maximum(np.fmin(away, _FURTHEST_M), _NEAREST_M))

    def beside_m(self, yaw_deg: Floats, pitch_deg: Floats) -> Floats:
        """About how many metres directions pass beside the field, as seen from the mast; 0 on it."""
        if self._field is None:
            return np.zeros(np.shape(yaw_deg))
        off = self._field.distance(angles_to_rays(np.radians(yaw_deg), np.radians(pitch_deg)))
        return np.asarray(off * self.ranges(yaw_deg, pitch_deg))

    def area(self) -> float:
        """Square degrees in which the ball may be: the field's, or the lower half of the panorama."""
        p = self._panorama
        if self._field is None:
            low = min(0.0, math.degrees(p.pitch_max)) - math.degrees(p.pitch_min)
            return max(100.0, math.degrees(p.yaw_max - p.yaw_min) * low)
        small = p.scaled(256, 2 * max(8, round(128 * p.height / p.width)))
        share = float(self._field.mask(small).mean())
        across = math.degrees(p.yaw_max - p.yaw_min)
        return max(100.0, share * across * math.degrees(p.pitch_max - p.pitch_min))

    def _extents(self, boxes: Floats, middle_x: Floats) -> tuple[Floats, Floats]:
        middle_y = (boxes[:, 1] + boxes[:, 3]) / 2 - 0.5
        x = np.stack([middle_x, boxes[:, 2] - 0.5, middle_x])
        y = np.stack([middle_y, middle_y, boxes[:, 3] - 0.5])
        yaw, pitch = (np.degrees(a) for a in np.broadcast_arrays(*self._panorama.pixels_to_angles(x, y)))
        middles = np.stack([yaw[0], pitch[0]], axis=-1)
        return middles, np.stack([np.abs(yaw[1] - yaw[0]), np.abs(pitch[2] - pitch[0])], axis=-1)

    def _off_field_m(self, places: Floats, rays: Floats) -> Floats:
        """How far beside the field's outline on the ground places, seen along these rays, are; shape (n,)."""
        if self._field is None or self._corners is None:
            return np.zeros(len(places))
        along = np.roll(self._corners, -1, axis=0) - self._corners
        gap = places[:, None] - self._corners[None]
        share = np.clip((gap * along).sum(axis=-1) / np.maximum((along**2).sum(axis=-1), 1e-9), 0.0, 1.0)
        off = gap - share[..., None] * along
        return np.where(self._field.contains(rays), 0.0, np.hypot(off[..., 0], off[..., 1]).min(axis=1))


def _table(found: tuple[Detection, ...], kind: str, least: float) -> tuple[Floats, Floats]:
    """Boxes, shape (n, 4), and confidences, shape (n,), of one kind."""
    rows = [
        (f.left, f.top, f.right, f.bottom, f.confidence)
        for f in found
        if f.kind == kind and f.confidence >= least
    ]
    table = np.array(rows, dtype=np.float64).reshape(-1, 5)
    return table[:, :4], table[:, 4]
