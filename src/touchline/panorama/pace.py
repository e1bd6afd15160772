"""How fast a measured value is followed: slowly while it only wavers, fast once it has certainly stepped.

A first-order low-pass with two time constants. With either of them it never overshoots, and there is no jump: a step is
followed to 99 % within 0.7 s after it was noticed, which takes three frames.
"""

from __future__ import annotations

import math
from collections import deque

SLOW_S, FAST_S = 2.0, 0.15
STEP = 0.015  # a natural logarithm: 1.5 levels at 100 above black
_SETTLED = 0.003
_AGREEING = 3  # frames
_SPREAD = 0.5  # of their mean, by which they may differ


class Pace:
    """Decides for each new measurement what share of the way to it is gone.

    Args:
        time_constant_s: the slow one, in seconds.
    """

    def __init__(self, time_constant_s: float = SLOW_S) -> None:
        self.time_constant_s = time_constant_s
        self._recent: deque[float] = deque(maxlen=_AGREEING)
        self._fast = False
        self._last: float | None = None

    @property
    def fast(self) -> bool:
        """Whether a step is being followed."""
        return self._fast

    def share(self, away: float, pts_s: float) -> float:
        """The share, 0 .. 1; 1 for the first measurement.

        Args:
            away: the measurement less the value that is followed, a natural logarithm.
            pts_s: its time in seconds. Time that stands still or runs backwards gives 0.
        """
        if self._last is None:
            self._last = pts_s
            return 1.0
        since = max(0.0, pts_s - self._last)
        self._last = pts_s
        if since > 0:
            self._notice(away)
        return -math.expm1(-since / (FAST_S if self._fast else self.time_constant_s))

    def _notice(self, away: float) -> None:
        self._recent.append(away)
        if self._fast:
            self._fast = abs(away) > _SETTLED
            return
        least, most = min(self._recent), max(self._recent)
        agree = len(self._recent) == _AGREEING and most - least < _SPREAD * abs(least + most) / 2
        self._fast = agree and min(abs(least), abs(most)) > STEP
