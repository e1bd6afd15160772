"""A background model for a fixed camera: what is there when nobody is, and how fast the rest moves.

A running Gaussian per pixel (Wren et al., "Pfinder", 1997), updated only where it fits, beside a second average
that follows within a fraction of a second. A pixel that differs from the first is foreground. If it differs as
much from the second, it was background a moment ago: something fast has just come; if it does not, whatever is
there stands still.

Light that changes is taken out first: each strip of the picture is compared with the model by the median of the
ratio of their brightness, so that neither a cloud nor the auto exposure of one of two cameras moves anything.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

_BLACK = 16.0  # video range: brightness scales about this level
_DARK = 24.0  # levels above black below which a ratio says little
_STRIPS = 8  # each with a light of its own; two cameras expose by themselves
_FLOOR = 5.0  # grey levels: no difference below it counts, whatever the noise
_SIGMAS = 5.0
_FAST_S = 0.15  # how soon the second average follows
_SLOW_S = 8.0  # how soon the model follows slow changes of the background
_ABSORB_S = 45.0  # how soon something that stands still becomes background
_WARM_UP_S = 2.0
_STEP = 0.06  # a change of light within one frame above which what does not fit is not movement
_FLOODED = 0.5  # share of a strip that can't be players


class Background:
    """The model of one small luma picture.

    Args:
        height, width: its size in pixels.
    """

    def __init__(self, height: int, width: int) -> None:
        self._edges = np.linspace(0, width, min(_STRIPS, width) + 1).round().astype(int)
        self._mean: Floats | None = None
        self._fast: Floats = np.zeros((height, width), np.float32)
        self._deviation: Floats = np.full((height, width), 1.5, np.float32)
        self._age_s = 0.0
        self._frames = 0

    def observe(self, picture: Floats, elapsed_s: float) -> Floats:
        """Takes in the next picture.

        Args:
            picture: luma, shape (height, width), 0 .. 255.
            elapsed_s: seconds since the one before; ignored for the first.

        Returns:
            Shape (height, width), 0 .. 1: near 1 where somebody has only just come, less where somebody passes
            slowly, 0 for the background and for who stands.
        """
        self._frames += 1
        if self._mean is None:
            self._mean, self._fast = picture.copy(), picture.copy()
            return np.zeros_like(picture)
        self._age_s += elapsed_s
        mean = self._mean
        stepped = self._follow_light(picture)
        # The strip at the seam belongs to both cameras: half of it may have jumped without moving its median.
        stepped[1:] |= stepped[:-1].copy()
        stepped[:-1] |= stepped[1:].copy()
        off = np.abs(picture - mean)
        level = np.maximum(_FLOOR, _SIGMAS * self._deviation)
        foreground = off > level
        unsettled = self._accept_sudden_changes(picture, foreground, stepped)
        lately = np.abs(picture - self._fast)
        # Where somebody has just left, it is the second average that is far from the model, not the picture.
        arrived = foreground & (lately > level) & (off > np.abs(self._fast - mean))
        fresh: Floats = np.where(arrived, np.minimum(lately / np.maximum(off, 1), 1), np.float32(0))
        fresh[:, np.repeat(unsettled, np.diff(self._edges))] = 0
        self._update(picture, off, foreground, elapsed_s)
        return fresh

    def _follow_light(self, picture: Floats) -> NDArray[np.bool_]:
        """Brings the model to the light of ``picture``, strip by strip; true where that was a sudden step."""
        assert self._mean is not None
        stepped = np.zeros(len(self._edges) - 1, dtype=np.bool_)
        for i, (left, right) in enumerate(zip(self._edges[:-1], self._edges[1:], strict=True)):
            mean, fast = self._mean[:, left:right], self._fast[:, left:right]
            above = mean[::2, ::2] - _BLACK
            ratio = (picture[::2, left:right:2] - _BLACK)[above > _DARK] / above[above > _DARK]
            if ratio.size < 16:
                continue
            gain = float(np.clip(np.median(ratio), 0.2, 5.0))
            for model in (mean, fast):
                model[:] = np.minimum((model - _BLACK) * gain + _BLACK, 255.0)
            stepped[i] = abs(gain - 1) > _STEP
        return stepped

    def _accept_sudden_changes(
        self, picture: Floats, foreground: NDArray[np.bool_], stepped: NDArray[np.bool_]
    ) -> NDArray[np.bool_]:
        """Strips whose light jumped, or that changed all over, hold no movement now and none because of it later.

        What does not fit a new light (clipped whites, the part of a strip on the other side of the seam) stands
        still, and becomes background in time; a strip that changed all over is background at once.
        """
        assert self._mean is not None
        shares = np.add.reduceat(foreground.mean(axis=0), self._edges[:-1]) / np.diff(self._edges)
        flooded = shares > _FLOODED
        for i in np.nonzero(flooded | stepped)[0]:
            columns = slice(self._edges[i], self._edges[i + 1])
            self._fast[:, columns] = picture[:, columns]
            if flooded[i]:
                self._mean[:, columns] = picture[:, columns]
                foreground[:, columns] = False
        return np.asarray(flooded | stepped)

    def _update(self, picture: Floats, off: Floats, foreground: NDArray[np.bool_], elapsed_s: float) -> None:
        assert self._mean is not None
        # A young model holds whoever stood about when it began, and has to be rid of them sooner.
        absorb_s = min(max(3 * _WARM_UP_S, self._age_s), _ABSORB_S)
        settle = max(_share(elapsed_s, _SLOW_S), 1 / self._frames if self._age_s < _WARM_UP_S else 0.0)
        rate = np.where(foreground, _share(elapsed_s, absorb_s), settle).astype(np.float32)
        self._mean += rate * (picture - self._mean)
        self._deviation += np.where(foreground, np.float32(0), rate) * (
            off * np.float32(1.25) - self._deviation
        )
        self._fast += np.float32(_share(elapsed_s, _FAST_S)) * (picture - self._fast)


def _share(elapsed_s: float, time_constant_s: float) -> float:
    """How much of the new a running average takes in."""
    return 1 - math.exp(-elapsed_s / time_constant_s)
