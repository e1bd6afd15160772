"""What speaks for a ball that does not move: little, however often it is seen.

False candidates last: somebody's shoe, a line crossing that comes into view, a keeper who stands. Each sighting of one
is about as likely as the one before, so that counting all of them as evidence makes anything that stays for two seconds
surer than the ball, which flies off and is hidden. What moves away from the place, and from the body, at which it was
first seen is something else. To be seen far away at once, as after a kick, is no movement yet: anything that comes up
anywhere would be a ball that was kicked there. And where the ball has been, a shoe may go on in its place: what has
moved counts in full again only as long as it moves.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from touchline.analysis.ball_layers import Layer
from touchline.analysis.clutter import Candidates
from touchline.analysis.tracking_settings import TrackSettings

Floats = NDArray[np.float64]

_MOVED_M: Final = 2.0
_MOVED_DEG: Final = 1.0
_LEAP_M: Final = 4.0  # what is seen further from where it was going begins a way there
_LEGS: Final = 2  # from so many on a way is one


class Credit(NamedTuple):
    """Steps of paths to candidates, each of shape (paths, candidates).

    Attributes:
        way: log of the odds of each step, as far as they count.
        credit: what has spoken for the path after it, see :class:`~touchline.analysis.ball_layers.Layer`.
        moved: whether the ball has moved by it to a place where it begins anew.
        legs: how often it has moved on since it began or leapt, see :class:`~touchline.analysis.ball_layers.Layer`.
    """

    way: Floats
    credit: Floats
    moved: NDArray[np.bool_]
    legs: NDArray[np.int64]


def credited(
    last: Layer, seen: Candidates, metre: Floats, off: Floats, way: Floats, rules: TrackSettings
) -> Credit:
    """What speaks for each step of a path to a candidate, and the path's credit after it.

    Args:
        last: the paths before the step.
        seen: the candidates.
        metre: degrees that a metre spans at each path's ball, shape (paths,).
        off: square of how far, degrees, each candidate is from where each path's ball was going; this and the next are
            of shape (paths, candidates).
        way: log of the odds of each step, taken for itself.
        rules: ``unmoved``, ``rested`` and ``rested_share`` of them.
    """
    gap = seen.at[None] - last.born[:, None]
    gap[..., 0] *= np.cos(np.radians(seen.at[:, 1]))
    far = np.maximum(_MOVED_DEG, _MOVED_M * metre)[:, None]
    worn = (seen.body[None] == last.owner[:, None]) & (last.owner[:, None] >= 0)
    moved = (np.hypot(gap[..., 0], gap[..., 1]) > far) & ~worn
    moved[0] = False  # lost: here it is seen for the first time
    leapt = off > ((_LEAP_M * metre) ** 2)[:, None]
    legs = np.minimum(np.where(moved, np.where(leapt, 1, last.legs[:, None] + 1), last.legs[:, None]), _LEGS)
    roamed = legs >= _LEGS
    before = np.where(moved, 0.0, last.credit[:, None])
    before[0] = 0.0
    most = np.where(roamed, rules.rested, rules.unmoved)
    room = most - before
    beyond = np.where(roamed, rules.rested_share, 0.0) * np.maximum(way - room, 0.0)
    way = np.minimum(way, room) + beyond
    return Credit(way, np.clip(before + way, 0.0, most), moved, legs)
