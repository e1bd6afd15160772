"""Cameras that are knocked, or sag, during a match: noticed, and put right or reported.

Each camera is compared with its own start, so that two that sag together are noticed too; where they see the same, the
two are compared with each other, which gives the error that a viewer sees, and a second opinion: nothing is corrected
on the word of one camera that the overlap contradicts.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from touchline.geometry import Camera, Rig
from touchline.panorama.drift_stats import DriftStats, Mode
from touchline.panorama.landmarks import Landmarks, Turn, angle_of, between
from touchline.panorama.overlap import Fit, Overlap

Floats = NDArray[np.float64]
Luma = NDArray[np.uint8]

SIDES = ("left", "right")
PERIOD_S = 2.0  # between two looks
_LOOKS = 3  # of which the most typical one counts
_BEGIN_PX, _END_PX = 0.8, 0.2  # a correction begins above the one and ends below the other
_TELL_PX = 2.0  # what a person should know of
_KNOCK_PX = 6.0  # within a few looks: no sagging
_MOST_PX_S = 0.25  # how fast a sagging camera is followed, so that nobody sees it
_FEW = 0.5  # share of the landmarks that agreed first: below it new ones are taken
_CONTRADICTION_PX = 1.5
_UNSEEN = 5  # looks in a row that found nothing again, after which a person should know

Say = Callable[[str], None]


@dataclass
class _Watched:
    """One camera: what was seen of its turning, and what has been done about it. Rotations as in :class:`Turn`."""

    camera: Camera
    side: str
    landmarks: Landmarks
    looks: deque[Floats] = field(default_factory=lambda: deque(maxlen=_LOOKS))
    turned: Floats = field(default_factory=lambda: np.eye(3))  # by the last looks
    applied: Floats = field(default_factory=lambda: np.eye(3))  # in the rig that is shown
    agreed: int = 0  # landmarks, at first
    told_px: float = _TELL_PX
    following: bool = False
    unseen: int = 0  # looks in a row

    def px(self, rotation: Floats) -> float:
        return angle_of(rotation) * self.camera.fx

    @property
    def left_over(self) -> Floats:
        """The turn that has not been corrected."""
        return np.asarray(self.applied.T @ self.turned)

    def look(self, luma: Luma) -> None:
        if not len(self.landmarks):
            self.landmarks.learn(luma)
            return
        turn = self.landmarks.look(luma)
        if turn is None:
            self.unseen += 1
            return
        self.unseen = 0
        self.agreed = max(self.agreed, turn.agree)
        self.looks.append(turn.rotation)
        self.turned = _typical(self.looks)
        if self._faded(turn):
            self.landmarks.learn(luma)
            self.agreed = 0

    def _faded(self, turn: Turn) -> bool:
        """Light and shadow have changed so much that the first patches are of little use."""
        return (
            turn.agree < _FEW * self.agreed and angle_of(turn.rotation @ self.turned.T) * self.camera.fx < 1
        )

    def rig_camera(self) -> Camera:
        """The camera as it is taken to stand now."""
        if np.array_equal(self.applied, np.eye(3)):
            return self.camera
        return self.camera.rotated(self.camera.rotation @ self.applied)


class DriftMonitor:
    """Looks at a pair of pictures every few seconds. What it finds depends on the pairs and their times alone.

    Args:
        rig: the cameras as they stood at the start.
        mode: ``correct`` turns the rig's cameras after the real ones, slowly for one that sags, at once for one that
            was knocked; ``report`` only tells.
        say: told of a knock, of two pixels of sagging, each time that these have doubled, and of a camera in
            whose picture nothing is found again; one line each.
    """

    def __init__(self, rig: Rig, mode: Mode = "report", say: Say = lambda _: None) -> None:
        self.mode: Mode = mode
        self.rig = rig
        self.stats = DriftStats(mode)
        self._say = say
        self._sides = [
            _Watched(camera, side, Landmarks(camera))
            for camera, side in zip((rig.left, rig.right), SIDES, strict=True)
        ]
        self._overlap = Overlap(rig)
        self._fits: list[Floats] = []  # the overlap's first rotations: what calibration and parallax leave
        self._last_s: float | None = None

    def look(self, left: Luma, right: Luma, pts_s: float) -> Rig | None:
        """Takes in a pair.

        Args:
            left, right: luma, shape (height, width) of the rig's cameras.
            pts_s: its time in seconds.

        Returns:
            The rig to be shown from now on; None if it stays as it is.
        """
        elapsed_s = 0.0 if self._last_s is None else max(0.0, pts_s - self._last_s)
        self._last_s = pts_s
        for watched, luma in zip(self._sides, (left, right), strict=True):
            watched.look(luma)
            if watched.unseen == _UNSEEN:
                self._say(
                    f"The {watched.side} camera shows nothing of what stood still, {pts_s:.0f} s into the match: it "
                    "was turned far away, something stands before it, or it is dark"
                )
        fit = self._overlap.compare(left, right, self._told)
        self._note(fit)
        believed = not self._contradicted(fit)
        changed = False
        for watched in self._sides:
            changed |= self._follow(watched, elapsed_s, pts_s, believed)
        if not changed:
            return None
        self.rig = replace(self.rig, cameras=tuple(watched.rig_camera() for watched in self._sides))
        self._overlap = Overlap(self.rig)
        self.stats = replace(self.stats, corrections=self.stats.corrections + 1)
        return self.rig

    def _follow(self, watched: _Watched, elapsed_s: float, pts_s: float, believed: bool) -> bool:
        """Tells of one camera's turn and, where that is wanted, corrects it; True if it did."""
        off_px = watched.px(watched.left_over)
        if off_px > _KNOCK_PX and len(watched.looks) == _LOOKS:
            return believed and self._knocked(watched, off_px, pts_s)
        turned_px = watched.px(watched.turned)
        if believed and turned_px > watched.told_px:
            watched.told_px = 2 * turned_px
            self._say(
                f"The {watched.side} camera has turned by {turned_px:.1f} px since the start, {pts_s:.0f} s into the "
                f"match{self._done()}"
            )
        watched.following = off_px > (_END_PX if watched.following else _BEGIN_PX)
        if self.mode != "correct" or not watched.following or not believed:
            return False
        share = min(1.0, _MOST_PX_S * elapsed_s / off_px)
        watched.applied = between(watched.applied, watched.turned, share)
        return share > 0

    def _knocked(self, watched: _Watched, off_px: float, pts_s: float) -> bool:
        turned_px = watched.px(watched.turned)
        corrects = self.mode == "correct"
        if corrects or turned_px > watched.told_px:
            watched.told_px = max(watched.told_px, 2 * turned_px)
            self.stats = replace(self.stats, knocks=self.stats.knocks + 1)
            self._say(
                f"The {watched.side} camera was knocked, {pts_s:.0f} s into the match: its picture has moved by "
                f"{off_px:.1f} px{self._done()}"
            )
        if corrects:
            watched.applied = watched.turned
        return corrects

    def _done(self) -> str:
        if self.mode == "correct":
            return "; the panorama follows"
        return "; the seam will not fit: fasten it and calibrate again, or run with --drift correct"

    def _note(self, fit: Fit | None) -> None:
        left, right = (watched.px(watched.turned) for watched in self._sides)
        stats = replace(
            self.stats,
            looks=self.stats.looks + 1,
            left_px=left,
            right_px=right,
            reprojection_error_px=None,
        )
        if fit is not None:
            if len(self._fits) < _LOOKS and max(left, right) < _BEGIN_PX:
                self._fits.append(fit.rotation)
            stats = replace(
                stats,
                reprojection_error_px=fit.error_px,
                first_error_px=fit.error_px if stats.first_error_px is None else stats.first_error_px,
                worst_error_px=max(fit.error_px, stats.worst_error_px or 0.0),
            )
        self.stats = stats

    @property
    def _told(self) -> Floats:
        """How the pictures are turned against each other by what the cameras say of themselves, as a :class:`Fit`."""
        left, right = (watched.left_over for watched in self._sides)
        return np.asarray(right @ left.T)

    def _contradicted(self, fit: Fit | None) -> bool:
        """True if what the cameras say of themselves does not show where both see the same."""
        rays = self._overlap.rays
        if fit is None or not self._fits or not len(rays):
            return False
        told = self._told
        seen = fit.rotation @ _typical(self._fits).T
        per_radian = self.rig.left.fx
        apart = float(np.median(np.linalg.norm(rays @ (told - seen).T, axis=1))) * per_radian
        moved = float(np.median(np.linalg.norm(rays @ (told - np.eye(3)).T, axis=1))) * per_radian
        return apart > max(_CONTRADICTION_PX, moved / 2)


def _typical(rotations: deque[Floats] | list[Floats]) -> Floats:
    """Of some rotations that one from which the others are the least away: a single wrong one is never taken."""
    away = [sum(angle_of(one @ other.T) for other in rotations) for one in rotations]
    return rotations[int(np.argmin(away))]
