"""The ends of the ball's paths after a frame, and whom the ball may be at."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

SEEN, FREE, HIDDEN, LOST = range(4)


class Bodies(NamedTuple):
    """Whom the ball may be at, one row each.

    Attributes:
        number: of the track.
        at: yaw and pitch of the middle, degrees, shape (n, 2).
        speed: degrees a second, shape (n, 2).
        halves: half the width and height, degrees, shape (n, 2).
        metre: degrees that a metre there spans, shape (n,).
    """

    number: Ints
    at: Floats
    speed: Floats
    halves: Floats
    metre: Floats


class Layer(NamedTuple):
    """The ends of all paths after a frame, one row each; the first is that on which the ball is lost.

    Attributes:
        time_s: of the frame.
        kind: SEEN, FREE, HIDDEN or LOST.
        at: yaw and pitch, degrees, shape (n, 2); nan where it is lost.
        speed: degrees a second, shape (n, 2).
        spread: variances of place and of speed and their covariance, along each axis, shape (n, 3).
        seen_s: when it was last seen.
        anchor: where it last was seen or at a body, shape (n, 2); nan if never.
        anchor_s: when.
        body: number of the track that it is hidden at, or -1.
        born: where it was seen first, or has moved to since, shape (n, 2).
        owner: number of the track at whose body that was, or -1.
        credit: what has spoken for it since then.
        legs: how often it has moved on since it began, 0 to 2; 1 after a leap.
        proof_s: when something last spoke for it: a sighting that could not have been foretold anyhow.
        score: what speaks for the path; the best has 0.
        parent: the row, in the layer before, that it goes on from.
    """

    time_s: float
    kind: Ints
    at: Floats
    speed: Floats
    spread: Floats
    seen_s: Floats
    anchor: Floats
    anchor_s: Floats
    body: Ints
    born: Floats
    owner: Ints
    credit: Floats
    legs: Ints
    proof_s: Floats
    score: Floats
    parent: Ints


def nothing(time_s: float) -> Layer:
    """No path at all."""
    none, flat, whole = np.zeros(0), np.zeros((0, 2)), np.zeros(0, np.int64)
    return Layer(
        time_s,
        whole,
        flat,
        flat,
        np.zeros((0, 3)),
        none,
        flat,
        none,
        whole,
        flat,
        whole,
        none,
        whole,
        none,
        none,
        whole,
    )


def nowhere(time_s: float) -> Layer:
    """Before anything has been seen."""
    return Layer(
        time_s, np.array([LOST]), np.full((1, 2), np.nan), np.zeros((1, 2)), np.zeros((1, 3)),
        np.array([-np.inf]), np.full((1, 2), np.nan), np.array([-np.inf]), np.array([-1]),
        np.full((1, 2), np.nan), np.array([-1]), np.zeros(1), np.array([0]), np.array([-np.inf]), np.zeros(1),
        np.array([-1]),
    )  # fmt: skip
