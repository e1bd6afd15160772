"""What speaks for a ball that has not moved since it was first seen: next to nothing, however often it is seen.

False candidates last: somebody's shoe, a line crossing that comes into view, a keeper who stands. Each sighting of one
is about as likely as the one before, so that counting all of them as evidence makes anything that stays for two seconds
surer than the ball, which flies off and is hidden. What moves away from the place, and from the body, at which it was
first seen is something else.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from touchline.analysis.ball_layers import Layer
from touchline.analysis.clutter import Candidates

Floats = NDArray[np.float64]

_MOVED_M: Final = 2.0
_MOVED_DEG: Final = 1.0


def credited(last: Layer, seen: Candidates, metre: Floats, way: Floats, most: float) -> tuple[Floats, Floats]:
    """What speaks for each step of a path to a candidate, and the path's credit after it, shape (paths, candidates).

    Args:
        last: the paths before the step.
        seen: the candidates.
        metre: degrees that a metre spans at each path's ball, shape (paths,).
        way: log of the odds of each step, taken for itself, shape (paths, candidates).
        most: credit that a path has at most until it has moved.
    """
    gap = seen.at[None] - last.born[:, None]
    gap[..., 0] *= np.cos(np.radians(seen.at[:, 1]))
    far = np.maximum(_MOVED_DEG, _MOVED_M * metre)[:, None]
    worn = (seen.body[None] == last.owner[:, None]) & (last.owner[:, None] >= 0)
    moved = (np.hypot(gap[..., 0], gap[..., 1]) > far) & ~worn
    before = np.where(moved, np.inf, last.credit[:, None])
    before[0] = 0.0  # lost: here it is seen for the first time
    bound = np.isfinite(before)
    way = np.where(bound, np.minimum(way, most - before), way)
    return way, np.where(bound, np.clip(before + way, 0.0, most), np.inf)
