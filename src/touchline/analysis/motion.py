"""Where in the panorama the movement is, from its luma alone."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from touchline.analysis.background import Background
from touchline.analysis.centre import densest, quantiles
from touchline.geometry import FieldOutline, Panorama

_HABIT_S = 60.0  # how long a pixel is remembered to have moved
_HABIT = 0.15  # share of that time at which a pixel counts half: crowds, flags, trees, a clock
_LEAST_FRESH = 0.1  # below it a blob stands still
_MOST_BLOBS = 200
_MOST_REDUCED = (
    16  # along each axis, as far as reductions go that are made elsewhere (touchline.panorama.reduce)
)
_BANDWIDTH_DEG = 7.0  # how far apart players of one scene are
_CENTRAL = (0.15, 0.85)  # the share of the movement whose width is the spread
FIELD_MARGIN_DEG = 1.0  # beside the field: heads beyond the far touchline, a throw-in


@dataclass(frozen=True)
class Motion:
    """The movement in one frame.

    Attributes:
        pts_ns: of the frame.
        yaw_deg, pitch_deg: where most of it is; where it last was, or the middle of the panorama, if none is.
        spread_deg: how wide in yaw its central 70 percent is.
        amount: moving share of the panorama's pixels, 0 .. 1.
    """

    pts_ns: int
    yaw_deg: float
    pitch_deg: float
    spread_deg: float
    amount: float


class MotionDetector:
    """Finds the movement in the panoramas of fixed cameras; the result depends on the frames seen, and on nothing else.

    The picture is reduced, compared with a model of the background (:class:`Background`), and what differs is
    gathered into blobs. A blob weighs by the root of its area, for near players look larger but matter no more,
    and by how fast it moves. The place of the movement is the densest place of these weights.

    Args:
        panorama: what is observed.
        width: about how many pixels wide the reduced picture is; no less than a sixteenth of the panorama.
        field: where the field is: what moves further outside than ``margin_deg`` is not seen. None: all is looked at.
        margin_deg: degrees.
    """

    def __init__(
        self,
        panorama: Panorama,
        width: int = 400,
        *,
        field: FieldOutline | None = None,
        margin_deg: float = FIELD_MARGIN_DEG,
    ) -> None:
        self._panorama = panorama
        self._factor = min(_MOST_REDUCED, max(1, round(panorama.width / width)))
        rows, columns = panorama.height // self._factor, panorama.width // self._factor
        self._small: NDArray[np.uint8] = np.empty((rows, columns), np.uint8)
        self._background = Background(rows, columns)
        self._outside = self._beside(field, margin_deg) if field else None
        self._habit: NDArray[np.float32] = np.zeros((rows, columns), np.float32)
        yaw, pitch = panorama.pixels_to_angles(panorama.width / 2 - 0.5, panorama.height / 2 - 0.5)
        self._last = Motion(0, math.degrees(float(yaw)), math.degrees(float(pitch)), 0.0, 0.0)
        self._seen = False

    @property
    def factor(self) -> int:
        """How many pixels of the panorama, along each axis, make one of the reduced picture."""
        return self._factor

    def observe(self, luma: NDArray[np.uint8], pts_ns: int) -> Motion:
        """Takes in the next frame.

        Args:
            luma: shape (height, width) of the panorama; rows may be padded.
            pts_ns: later than the one before.

        Raises:
            ValueError: for another shape, or a pts that is not later.
        """
        if luma.shape != (self._panorama.height, self._panorama.width):
            raise ValueError(
                f"a luma plane of {luma.shape[1]}x{luma.shape[0]} does not belong to a panorama of "
                f"{self._panorama.width}x{self._panorama.height}"
            )
        return self.observe_reduced(self._reduce(luma), pts_ns)

    def observe_reduced(self, small: NDArray[np.uint8], pts_ns: int) -> Motion:
        """Takes in the next frame, which was reduced elsewhere.

        Args:
            small: means of ``factor`` x ``factor`` samples of luma, shape (height // factor, width // factor).
            pts_ns: later than the one before.

        Raises:
            ValueError: for another shape, or a pts that is not later.
        """
        if small.shape != self._small.shape:
            raise ValueError(f"the reduced luma must have shape {self._small.shape}, not {small.shape}")
        if self._seen and pts_ns <= self._last.pts_ns:
            raise ValueError(f"a frame of {pts_ns} ns can't follow one of {self._last.pts_ns} ns")
        # After a gap of seconds the model is as good as it was: it must not be overrun by one picture.
        elapsed_s = min((pts_ns - self._last.pts_ns) / 1e9, 1.0) if self._seen else 0.0
        fresh = self._background.observe(small.astype(np.float32), elapsed_s)
        if self._outside is not None:
            fresh[self._outside] = 0
        self._last = self._locate(fresh, pts_ns, elapsed_s)
        self._seen = True
        return self._last

    def _reduce(self, luma: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Box means of factor x factor pixels; what is left over at the right and at the bottom is left out."""
        rows, columns = self._small.shape
        whole = luma[: rows * self._factor, : columns * self._factor]
        cv2.resize(whole, (columns, rows), dst=self._small, interpolation=cv2.INTER_AREA)
        return self._small

    def _beside(self, field: FieldOutline, margin_deg: float) -> NDArray[np.bool_]:
        """The pixels of the reduced picture that show nothing of the field."""
        rows, columns = self._small.shape
        full = (np.arange(n) * self._factor + (self._factor - 1) / 2 for n in (columns, rows))
        x, y = full
        rays = self._panorama.rays(x[None, :], y[:, None])
        return np.asarray(field.distance(rays) > math.radians(margin_deg))

    def _locate(self, fresh: NDArray[np.float32], pts_ns: int, elapsed_s: float) -> Motion:
        moving = fresh > 0
        weights = fresh / (1 + (self._habit / _HABIT) ** 2)
        self._habit += np.float32(1 - math.exp(-elapsed_s / _HABIT_S)) * (
            (fresh > _LEAST_FRESH) - self._habit
        )
        blobs = self._blobs(moving, weights)
        if blobs is None:
            last = self._last
            return Motion(pts_ns, last.yaw_deg, last.pitch_deg, last.spread_deg, 0.0)
        points, heavy, area = blobs
        centre = densest(points, heavy, _BANDWIDTH_DEG)
        low, high = quantiles(points[:, 0], heavy, _CENTRAL)
        return Motion(pts_ns, float(centre[0]), float(centre[1]), float(high - low), area / fresh.size)

    def _blobs(
        self, moving: NDArray[np.bool_], weights: NDArray[np.float32]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], float] | None:
        """Yaw and pitch (degrees, shape (n, 2)) and weights (n,) of the blobs that move, and their area."""
        # A player is a few pixels that the threshold may have torn apart; noise is a pixel alone.
        joined = cv2.morphologyEx(moving.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))
        count, labels, stats, centres = cv2.connectedComponentsWithStats(joined, connectivity=8)
        area = stats[:, cv2.CC_STAT_AREA].astype(np.float64)
        speed = np.bincount(labels.ravel(), weights=weights.ravel(), minlength=count) / area
        kept = (area >= 2) & (speed > _LEAST_FRESH)
        kept[0] = False  # the background
        chosen = np.nonzero(kept)[0]
        if not chosen.size:
            return None
        heavy = speed * np.sqrt(area)
        if chosen.size > _MOST_BLOBS:
            chosen = np.sort(chosen[np.argsort(-heavy[chosen], kind="stable")[:_MOST_BLOBS]])
        return self._angles(centres[chosen]), heavy[chosen], float(area[chosen].sum())

    def _angles(self, centres: NDArray[Any]) -> NDArray[np.float64]:
        full = centres * self._factor + (self._factor - 1) / 2
        return np.degrees(np.stack(self._panorama.pixels_to_angles(full[:, 0], full[:, 1]), axis=-1))
