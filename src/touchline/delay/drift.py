"""The clock of a sound card against the pipeline's: how far counted samples and their stamps are apart.

Stamps jitter by milliseconds, and the two clocks run apart by some parts in a million. The offset and its rate of
change are tracked by a straight line of least squares over the past, of growing memory at first and of a fixed one
later: the alpha-beta filter of E. Brookner, "Tracking and Kalman Filtering Made Easy", 1998, section 1.2.10. So
it does not lag behind a steady drift. The memory is as long as the jitter asks for: seconds where stamps are exact,
minutes where they are not.
"""

from __future__ import annotations

import math

from touchline.gst.library import MILLISECOND, SECOND

_MEMORY_NS = 600 * SECOND
_SHORTEST = 50  # chunks of memory
_WANTED = 30_000  # ns: how well the offset should be known
_SPREAD = 3 * MILLISECOND  # of the stamps, until they have shown their own
_SPREAD_MEMORY = 100  # chunks
_TOLERATED = MILLISECOND // 4
_SURE = 3.0  # standard deviations
_JUMP = 40 * MILLISECOND  # a stamp so far off is no jitter
_PERSISTENT = 5  # chunks that all are off by the same: no jitter either
_CUT = 5 * MILLISECOND  # what is off by more, for certain, is put right at once


class DriftTracker:
    """Follows the difference between stamped and counted time.

    Attributes:
        offset_ns: stamped minus counted, smoothed.
        rate: its growth, ns per ns: 1e-4 for a card that is 100 ppm slow.
        outliers: stamps that were left out.
    """

    def __init__(self) -> None:
        self.outliers = 0
        self._variance = float(_SPREAD) ** 2
        self.reset()

    def reset(self) -> None:
        """Forgets everything but how much the stamps jitter."""
        self.offset_ns = 0.0
        self.rate = 0.0
        self._count = 0
        self._last = 0.0  # difference
        self._strange: list[float] = []

    def note(self, difference_ns: int, passed_ns: int) -> float | None:
        """Takes in a chunk's stamp.

        Args:
            difference_ns: its stamp minus where counting puts it.
            passed_ns: counted time since the last chunk began, above zero.

        Returns:
            None as a rule; if time itself has jumped, by how much, ns: once that is put right, :meth:`reset`.
        """
        self.offset_ns += self.rate * passed_ns
        surprise = difference_ns - self.offset_ns
        if abs(surprise) > _JUMP:
            return float(difference_ns)
        if self._count and abs(surprise) > max(_CUT, 4 * math.sqrt(self._variance)):
            return self._doubt(surprise, difference_ns)
        self._strange.clear()
        if self._count:
            # From one stamp to the next there is jitter only, whatever the line does.
            self._variance += ((difference_ns - self._last) ** 2 / 2 - self._variance) / _SPREAD_MEMORY
        self._last = difference_ns
        enough = min(_MEMORY_NS // passed_ns, int(4 * self._variance / _WANTED**2))
        self._count = min(self._count + 1, max(_SHORTEST, enough))
        scale = self._count * (self._count + 1)
        self.offset_ns += 2 * (2 * self._count - 1) / scale * surprise
        if self._count > 1:
            self.rate += 6 / scale * surprise / passed_ns
        return self.offset_ns if abs(self.excess_ns()) > _CUT else None

    def excess_ns(self) -> float:
        """How much of the offset is neither tolerated (a quarter of a millisecond) nor perhaps mere jitter; signed."""
        unsure = 2 * math.sqrt(self._variance / self._count) if self._count else math.inf
        excess = abs(self.offset_ns) - _TOLERATED - _SURE * unsure
        return math.copysign(excess, self.offset_ns) if excess > 0 else 0.0

    def corrected(self, by_ns: float) -> None:
        """The counted position has been moved on by so much."""
        self.offset_ns -= by_ns
        self._last -= by_ns

    def _doubt(self, surprise: float, difference_ns: int) -> float | None:
        """One strange stamp is left out. Several that agree are right: then something is missing, or too much."""
        if self._strange and (self._strange[0] > 0) != (surprise > 0):
            self._strange.clear()
        self._strange.append(surprise)
        self.outliers += 1
        if len(self._strange) < _PERSISTENT:
            return None
        return self.offset_ns + sorted(self._strange)[_PERSISTENT // 2]
