"""Which of all paths was the ball's, as far as is known at some moment: decided backwards from the likeliest end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from touchline.analysis.ball_detours import detours
from touchline.analysis.ball_layers import FREE, HIDDEN, LOST, SEEN, Layer
from touchline.analysis.tracking_settings import TrackSettings

Floats = NDArray[np.float64]

_ENDS: Final = 24  # paths that have a say in how sure the best one is
_SAME_DEG: Final = 2.0  # paths that are no further apart mean the same
_PROVEN_S: Final = 1.0  # for so long what speaks for the ball is good for
_DOUBT_S: Final = 2.0  # from then on it is doubted, about that fast
_LEAST: Final = 0.2  # and no further than to that
_TEMPER: Final = 2.0  # log likelihoods count that much less: what they stand on is not independent
# Of a ball that is seen, free, hidden at a body, lost: how sure it is at most, and how much the paths that agree count.
_MOST: Final = (1.0, 0.7, 0.75, 0.0)
_AGREED: Final = (1.0, 0.9, 1.2, 0.0)


class Told(NamedTuple):
    """The ball at each layer, one row each.

    Attributes:
        at: yaw and pitch, degrees, shape (n, 2); nan while nobody knows.
        sureness: 0 .. 1.
        seen: whether a detection is behind it.
    """

    at: Floats
    sureness: Floats
    seen: NDArray[np.bool_]


class _Paths(NamedTuple):
    """Some paths through the layers: shapes (layers, paths, ...); the first is the best one."""

    kind: NDArray[np.int64]
    at: Floats
    weight: Floats


def tell(layers: Sequence[Layer], settings: TrackSettings) -> Told:
    """Where the ball was at each of these layers, one after the other, with the hindsight of the last one."""
    paths, rows = _backwards(layers)
    at, kind = paths.at[:, 0].copy(), paths.kind[:, 0].copy()
    times = np.array([layer.time_s for layer in layers])
    for first, end in detours(times, at, kind):
        kind[first:end], at[first:end] = LOST, np.nan
    gap = paths.at - paths.at[:, :1]
    gap[..., 0] *= np.cos(np.radians(paths.at[:, :1, 1]))
    agree = (np.hypot(gap[..., 0], gap[..., 1]) <= _SAME_DEG) @ paths.weight
    sure = np.minimum(np.choose(kind, _MOST), np.choose(kind, _AGREED) * agree)
    proof_s = np.array([layer.proof_s[row] for layer, row in zip(layers, rows, strict=True)])
    sure[kind == SEEN] *= _worth((times - proof_s)[kind == SEEN])
    _fill(at, sure, kind, layers, rows, settings)
    return Told(at, np.where(np.isnan(at[:, 0]), 0.0, np.clip(sure, 0.0, 1.0)), kind == SEEN)


def _worth(since_s: Floats) -> Floats:
    """What a ball that is seen to lie is worth, so long after something last spoke for it: it may be a spare one."""
    return np.asarray(np.maximum(_LEAST, np.exp(-np.maximum(since_s - _PROVEN_S, 0.0) / _DOUBT_S)))


def _backwards(layers: Sequence[Layer]) -> tuple[_Paths, list[int]]:
    """The paths to the best ends, and the rows of the best one."""
    end = layers[-1].score
    row = np.argsort(-end, kind="stable")[:_ENDS]
    weight = np.exp((end[row] - end[row[0]]) / _TEMPER)
    count = len(layers)
    kind, at = np.empty((count, len(row)), np.int64), np.empty((count, len(row), 2))
    best = [0] * count
    for k in range(count - 1, -1, -1):
        layer = layers[k]
        kind[k], at[k], best[k] = layer.kind[row], layer.at[row], int(row[0])
        row = layer.parent[row]
    return _Paths(kind, at, weight / weight.sum()), best


def _fill(
    at: Floats,
    sure: Floats,
    kind: NDArray[np.int64],
    layers: Sequence[Layer],
    rows: Sequence[int],
    rules: TrackSettings,
) -> None:
    """Fills the gaps between the places where the ball was seen or at a body, in place."""
    known = np.flatnonzero((kind == SEEN) | (kind == HIDDEN))
    k = 0
    while k < len(kind):
        if kind[k] in (SEEN, HIDDEN):
            k += 1
            continue
        later = known[np.searchsorted(known, k) :]
        end = int(later[0]) if len(later) else len(kind)
        _fill_gap(at, sure, kind, k, end, layers, rows, rules)
        k = end


def _fill_gap(
    at: Floats,
    sure: Floats,
    kind: NDArray[np.int64],
    first: int,
    end: int,
    layers: Sequence[Layer],
    rows: Sequence[int],
    rules: TrackSettings,
) -> None:
    """Fills layers ``first`` .. ``end - 1``; the place after them is known if there is a layer ``end``."""
    layer, row = layers[first], rows[first]
    before, before_s = layer.anchor[row], float(layer.anchor_s[row])
    times = np.array([one.time_s for one in layers[first:end]])
    gone = kind[first:end] == LOST
    after_s = layers[end].time_s if end < len(layers) else np.inf
    began = np.isfinite(before_s)
    if began and np.isfinite(after_s) and (not gone.any() or after_s - before_s <= rules.fill_s):
        share = ((times - before_s) / (after_s - before_s))[:, None]
        at[first:end] = before + share * (at[end] - before)
        if gone.any():
            sure[first:end] = 0.3 * min(1.0, float(sure[end]))
        return
    # Not to be bridged: it is still where it was, for a while, and already where it will be.
    back = after_s - times
    hold = gone & (times - before_s <= rules.hold_place_s) if began else np.zeros_like(gone)
    early = gone & ~hold & (back <= rules.hold_place_s)
    at[first:end][hold] = before
    sure[first:end][hold] = 0.25 * np.exp(-(times[hold] - before_s))
    if early.any():
        at[first:end][early] = at[end]
        sure[first:end][early] = 0.25 * np.exp(-back[early])
    free = kind[first:end] == FREE
    sure[first:end][free] *= np.exp(-(times[free] - before_s) / rules.free_gap_s)
