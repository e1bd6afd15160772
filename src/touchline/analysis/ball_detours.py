"""Stretches on which the ball is told to be elsewhere for a moment, and then back where it was: somebody else's shoe.

Whoever knows what came next sees what could not be known while it happened: the ball does not jump across the field and
back within a few seconds. Of two places that take turns it is the one where it is told to be for longer.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from touchline.analysis.ball_layers import LOST

Floats = NDArray[np.float64]

_LONGEST_S: Final = 3.0
_JUMP_DEG: Final = 6.0  # shorter ones a ball may make unseen
_BACK: Final = 0.5  # of the jump: it is back if it comes to no further than that from where it left


def detours(times_s: Floats, at: Floats, kind: NDArray[np.int64]) -> list[tuple[int, int]]:
    """The layers, from the first one on and without the last, of each detour.

    Args:
        times_s: of the layers, shape (n,).
        at: yaw and pitch of the ball, degrees, shape (n, 2); nan where it is lost.
        kind: as of a :class:`~touchline.analysis.ball_layers.Layer`, shape (n,).
    """
    known = np.concatenate([[0], (kind != LOST).astype(np.int64), [0]])
    runs = [(int(first), int(end)) for first, end in np.flatnonzero(np.diff(known)).reshape(-1, 2)]
    found: list[tuple[int, int]] = []
    k = 1
    while k + 1 < len(runs):
        first, end = runs[k]
        left, back = runs[k - 1][1] - 1, runs[k + 1][0]
        jump = min(_apart(at[left], at[first]), _apart(at[end - 1], at[back]))
        around = sum(runs[j][1] - runs[j][0] for j in (k - 1, k + 1))
        brief = times_s[end - 1] - times_s[first] <= _LONGEST_S and end - first <= around
        if brief and jump > _JUMP_DEG and _apart(at[left], at[back]) < _BACK * jump:
            found.append(runs.pop(k))
            k = max(1, k - 1)  # what was one detour may have been the end of a longer one
        else:
            k += 1
    return sorted(found)  # a longer one is found after what lies behind its beginning


def _apart(one: Floats, other: Floats) -> float:
    """Degrees between two directions that are not far from the horizon."""
    across = (other[0] - one[0]) * np.cos(np.radians(one[1]))
    return float(np.hypot(across, other[1] - one[1]))
