"""A detector that needs no weights: whatever differs from the background of fixed cameras, by its size."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from touchline.analysis.ball_candidates import BallCandidates
from touchline.analysis.components import Components
from touchline.analysis.detections import Detection, Detections
from touchline.analysis.foreground import Foreground, Region
from touchline.analysis.foreground_kernels import DIFFERENT
from touchline.analysis.ground import MAST_M, Ground, HeightEstimate, height_from
from touchline.analysis.peaks import bright_spots
from touchline.analysis.people import Crowd, find_people
from touchline.analysis.region import looked_at
from touchline.analysis.stillness import Stillness
from touchline.geometry import FieldOutline, Panorama
from touchline.gst.nv12 import Nv12

_LONGEST_GAP_S = 1.0
_GHOST = 1.4  # how much sharper a contour is in the background of who has left
_VOTES = 3  # frames in a row after which that is believed
_CELL = 8
_LIFELESS_S = 8.0  # nobody stands that still for so long
_LEAST_TALL = 12  # pixels; of who is smaller it can't be seen whether he moves


class BlobDetector:
    """``motion``: finds players and ball candidates by an adaptive model of the background. See :class:`Foreground`.

    What differs from it is sorted by the size that a person, or a ball, has at that place of the ground. The cameras'
    height decides these; without being told it, it is learnt from the people within seconds.

    A ball that comes to rest differs from the background for a minute and more. Whoever stood there when the model
    began, and leaves, leaves a hole that looks like somebody: its contour is sharp in the background and not in the
    picture, and it is filled; so is, after some seconds, what looks like somebody and does not move at all, such as a
    hole in a line that he stood before.

    Args:
        panorama: what is observed.
        field: where the field is; None: everything below the horizon is looked at.
        height_m: of the cameras above the ground; None: learnt.
        length_m: of the field's longest side; with ``field`` it says the height.
    """

    def __init__(
        self,
        panorama: Panorama,
        field: FieldOutline | None = None,
        *,
        height_m: float | None = None,
        length_m: float | None = None,
    ) -> None:
        if height_m is None and length_m is not None and field is not None:
            height_m = height_from(field, length_m)
        self._panorama = panorama
        self._learnt = HeightEstimate(MAST_M) if height_m is None else None
        self._ground = Ground(panorama, MAST_M if height_m is None else height_m)
        region = Region.of(looked_at(panorama, field))
        self._foreground = Foreground(region, panorama.width)
        self._still = Stillness(region.rows, panorama.width)
        self._parts, self._balls = Components(), BallCandidates()
        self._votes = np.zeros((region.rows // _CELL + 1, panorama.width // _CELL + 1), np.uint8)
        self._last_ns: int | None = None

    @property
    def height_m(self) -> float:
        """How high the cameras stand, as it is told or believed now."""
        return self._ground.height_m

    def detect(self, panorama: Nv12, pts_ns: int) -> Detections:
        """See :class:`~touchline.analysis.detections.Detector`.

        Raises:
            ValueError: for a panorama of another size, or a pts that is not later than the last one.
        """
        if (panorama.width, panorama.height) != (self._panorama.width, self._panorama.height):
            raise ValueError(
                f"a picture of {panorama.width}x{panorama.height} does not belong to a panorama of "
                f"{self._panorama.width}x{self._panorama.height}"
            )
        elapsed_s = 0.0
        if self._last_ns is not None:
            if pts_ns <= self._last_ns:
                raise ValueError(f"a frame of {pts_ns} ns can't follow one of {self._last_ns} ns")
            elapsed_s = min((pts_ns - self._last_ns) / 1e9, _LONGEST_GAP_S)
        self._last_ns = pts_ns
        kinds = self._foreground.observe(panorama, elapsed_s)
        rows = slice(self._foreground.region.top, self._foreground.region.top + len(kinds))
        chroma = panorama.uv[rows.start // 2 : rows.stop // 2]
        differs = kinds >= DIFFERENT
        compared = self._still.observe(panorama.y[rows], chroma, differs, elapsed_s)
        if not self._foreground.ready:
            return Detections(pts_ns)
        return Detections(pts_ns, tuple(self._found(panorama, kinds, differs, pts_ns / 1e9, compared)))

    def close(self) -> None:
        """Nothing to let go of."""

    def _found(
        self,
        panorama: Nv12,
        kinds: NDArray[np.uint8],
        differs: NDArray[np.bool_],
        now_s: float,
        compared: bool,
    ) -> list[Detection]:
        top = self._foreground.region.top
        luma = panorama.y[top : top + len(kinds)]
        mean = self._foreground.lit_mean()
        parts = self._parts.of(kinds, DIFFERENT, luma, mean, self._foreground.counts, self._foreground.edges)
        if not self._foreground.hear_of(len(parts)):
            return []
        parts = self._without_ghosts(parts, panorama)
        parts = self._trusted(parts, top)
        people = find_people(parts, differs, top, self._ground)
        if compared:
            people = self._living(people, panorama, top)
        if self._learnt is not None:
            self._learn_height(parts)
        spots = bright_spots(people.boxes, luma, mean, top, self._ground)
        balls = self._balls.find(parts, spots, people.boxes, self._ground, now_s)
        return people.detections() + balls

    def _without_ghosts(self, parts: NDArray[np.void], panorama: Nv12) -> NDArray[np.void]:
        """Leaves out the holes that those have left who stood in the background, and mends it.

        Somebody before something checkered may look like one for a moment: only what stays is one.
        """
        ghosts = (parts["model_edge"] > _GHOST * parts["edge"] + 10) & (parts["area"] > 2)
        rows, columns = (parts[axis].astype(np.int64) // _CELL for axis in ("y", "x"))
        votes = np.zeros_like(self._votes)
        votes[rows[ghosts], columns[ghosts]] = 1
        # A hole that shrinks moves its middle by a cell at most.
        padded = np.pad(self._votes, 1)
        before = np.max(
            [padded[i : i + votes.shape[0], j : j + votes.shape[1]] for i in range(3) for j in range(3)],
            axis=0,
        )
        self._votes = np.where(votes > 0, before + 1, 0).astype(np.uint8)
        sure = ghosts & (self._votes[rows, columns] >= _VOTES)
        for p in parts[sure]:
            self._foreground.forget(
                panorama,
                max(0, int(p["left"]) - 1),
                int(p["top"]) - 1,
                int(p["right"]) + 1,
                int(p["bottom"]) + 1,
            )
        return parts[~sure]

    def _living(self, people: Crowd, panorama: Nv12, top: int) -> Crowd:
        """Without those that don't move at all, which are background from now on."""
        lives = np.ones(len(people.sure), np.bool_)
        for one, (left, upper, right, lower) in enumerate(people.boxes.astype(np.int64).tolist()):
            box = left, upper - top, right, lower - top
            if lower - upper >= _LEAST_TALL and self._still.since_s(*box) >= _LIFELESS_S:
                lives[one] = False
                self._foreground.forget(panorama, *box)
        return Crowd(people.boxes[lives], people.sure[lives])

    def _trusted(self, parts: NDArray[np.void], top: int) -> NDArray[np.void]:
        """In the panorama's pixels; without those where the light has just jumped."""
        middle = np.clip(parts["x"].astype(np.int64), 0, self._panorama.width - 1)
        kept: NDArray[np.void] = parts[self._foreground.quiet[middle]]
        for axis in ("top", "bottom", "y"):
            kept[axis] += top
        return kept

    def _learn_height(self, parts: NDArray[np.void]) -> None:
        assert self._learnt is not None
        wide, tall = (
            (parts[b] - parts[a]).astype(np.float64) for a, b in (("left", "right"), ("top", "bottom"))
        )
        shape = tall / np.maximum(wide, 1)
        whole = (tall >= 8) & (shape > 1.3) & (shape < 4.5) & (parts["area"] > 0.25 * wide * tall)
        x, feet = parts["x"][whole].astype(np.float64), parts["bottom"][whole] - 0.5
        self._learnt.observe(tall[whole], self._ground.person(x, feet)[1], self._ground.height_m)
        if abs(math.log(self._learnt.height_m / self._ground.height_m)) > 0.02:
            self._ground = Ground(self._panorama, self._learnt.height_m)


def warm_up(*, read_only: bool) -> None:
    """Has the kernels compiled, on a small panorama in which something moves, so that no frame waits for that.

    Args:
        read_only: the panoramas to come can't be written, as mapped ones can't; kernels tell these apart.
    """
    panorama = Panorama("equirectangular", 320, 128, -1.0, 1.0, -0.6, 0.2)
    detector, random = BlobDetector(panorama), np.random.default_rng(1)
    for frame in range(12):
        picture = Nv12.empty(panorama.width, panorama.height)
        picture.fill(90, 120, 120)
        picture.y[:] += random.integers(0, 3, picture.y.shape, dtype=np.uint8)
        for person in range(4):
            x, y = 20 + 70 * person + 3 * frame, 60 + 8 * person
            picture.y[y : y + 14, x : x + 5] = 40 + 40 * person
            picture.y[y + 15 : y + 17, x + 8 : x + 10] = 230
        picture.y.flags.writeable = picture.uv.flags.writeable = not read_only
        detector.detect(picture, frame * 100_000_000)
    detector.close()
