"""The path as a linear programme: framing errors and the L1 norms of its derivatives, under hard limits.

After Grundmann, Kwatra and Essa (Auto-directed video stabilization with robust L1 optimal camera paths, CVPR 2011),
whose L1 norms of the first three derivatives make paths of rests, even pans and parabolas; here with soft framing
(a ball inside its margin and a play in the middle cost nothing), zoom as a third axis that can give the ball room,
and a spline instead of frames, so that limits hold between the knots too (:mod:`touchline.director.splines`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from touchline.director.framing import Wishes
from touchline.director.splines import AT_KNOT, DEGREE
from touchline.director.style import Style

Floats = NDArray[np.float64]

KNOT_S = 0.2
AXES = 3  # yaw, pitch, field of view
AXIS_COST = np.array([1.0, 1.5, 1.5])  # tilting and zooming are noticed more than panning
SQUEEZE = 0.975  # directions beside each other are nearer than their yaws: the cosine of a usual pitch
_SAFE = 0.995  # a solver keeps limits to its tolerance


@dataclass(frozen=True)
class Shape:
    """What the picture is like.

    Attributes:
        upright: half its height, over half its width, both in degrees.
        planes: A (n, 3) and b (n,) of what the panorama leaves, see :func:`~touchline.director.room.room_planes`.
        fov_deg: the narrowest and the widest field of view.
    """

    upright: float
    planes: tuple[Floats, Floats]
    fov_deg: tuple[float, float]


class PathProblem:
    """Minimise ``cost @ x``, ``equations @ x == given``, ``low <= rows @ x <= high``, ``least <= x <= most``.

    The unknowns x are the control points, in the order of time, and one for each term of the cost. Only ``cost``,
    ``given`` and ``high`` change from solve to solve.

    Where a term is ``weight * abs(d)``, its unknown is the part q of d below 0: with ``q >= 0`` and ``d + q >= 0`` it
    costs ``weight * (d + 2 * q)``, which takes one row where a bound of d from both sides takes two; and where d is
    limited, ``q <= most`` and ``d + q <= most`` limit it without any more rows.

    Args:
        knots: pieces of the path, each of ``KNOT_S``.
        style, shape: of the camera work and of the picture.
        goes_on: the path goes on from a place, a speed and an acceleration that are given, and ends at rest, so that
            the next one can go on from any knot of it; otherwise it begins and ends as it likes.
        close: so many knots are looked at one by one, of the others every second one.

    Attributes:
        equations, rows: matrices.
        low, least, most: vectors.
        wished: the rows whose bounds come from wishes.
        framed: the knots at which something is wished, counted from 0; the first is not one of them.
    """

    def __init__(self, knots: int, style: Style, shape: Shape, *, goes_on: bool, close: int) -> None:
        if knots < 1:
            raise ValueError(f"a path has at least one piece, not {knots}")
        self._points = knots + DEGREE
        self._style = style
        self._differences = [_differences(self._points, order) for order in (1, 2, 3)]
        self.framed = np.array([k for k in range(1, knots + 1) if k <= close or (k - close) % 2 == 0])
        self._lasting = np.full(len(self.framed), KNOT_S) * np.where(self.framed > close, 2.0, 1.0)
        moving = sparse.vstack([d * (1 / KNOT_S**i) for i, d in enumerate(self._differences)], format="csr")
        self._moved = moving.T.tocsr()
        self._moved_most = self._most_moved(goes_on)
        framing, missed = self._framing(shape.upright)
        held_in = self._room(shape, goes_on)
        self._room_high = np.tile(shape.planes[1], held_in.shape[0] // max(1, len(shape.planes[1])))
        terms = sparse.block_diag([sparse.eye_array(moving.shape[0]), missed], format="csr")
        movement = sparse.vstack([moving, framing], format="csr")
        self.rows = sparse.csc_matrix(sparse.block_array([[movement, terms], [held_in, None]], format="csc"))
        self.low = np.full(self.rows.shape[0], -np.inf)
        self.low[: moving.shape[0]] = 0.0
        self.wished = slice(moving.shape[0], movement.shape[0])
        self.least, self.most = self._bounds(shape, goes_on)
        held = self._held() if goes_on else sparse.csr_array((0, AXES * self._points))
        nothing = sparse.csr_array((held.shape[0], terms.shape[1]))
        self.equations = sparse.csc_matrix(sparse.hstack([held, nothing], format="csc"))

    def path(self, x: Floats) -> Floats:
        """The control points of a solution, shape (knots + 3, 3)."""
        return np.array(x[: AXES * self._points]).reshape(self._points, AXES)

    def given(self, begin: Floats) -> Floats:
        """What the equations equal for the first three control points, shape (3, 3)."""
        return np.concatenate([begin.ravel(), np.zeros(AXES)])

    def high(self, wishes: Wishes) -> Floats:
        """What the rows are bounded by, for wishes at the framed knots."""
        level = [
            SQUEEZE * wishes.ball[:, 0],
            wishes.ball[:, 1],
            SQUEEZE * wishes.play[:, 0],
            wishes.play[:, 1],
        ]
        sides = [side * one for one in level for side in (1, -1)]
        return np.concatenate([self._moved_most, *sides, -wishes.size_deg, self._room_high])

    def cost(self, wishes: Wishes) -> Floats:
        """What the unknowns cost, for wishes at the framed knots; less what the wishes alone make of it."""
        style = self._style
        way = np.interp(np.arange(self._points - 1) - 1.5, self.framed, wishes.settle)
        play = self._lasting * (style.keep_play * wishes.keep_play)
        ball = self._lasting * (style.keep_ball * wishes.keep_ball)
        size = self._lasting * style.keep_size
        moving = np.concatenate(
            [
                np.outer(style.way_cost * way, AXIS_COST).ravel(),
                np.tile(style.evenness * AXIS_COST, self._points - 2),
                np.tile(style.softness * AXIS_COST, self._points - 3),
            ]
        )
        points = self._moved @ moving + self._sized @ size
        return np.concatenate([points, 2 * moving, ball, ball, play, play, 2 * size])

    def _held(self) -> Any:
        """The first three control points are given, and the last two are the same."""
        given = sparse.eye_array(AXES * DEGREE, AXES * self._points)
        return sparse.vstack([given, self._differences[0][-AXES:]], format="csr")

    def _framing(self, upright: float) -> tuple[Any, Any]:
        """Rows that bound what is missed of the wishes: what control points, and what the unknowns, weigh in them."""
        at_knots = sparse.diags_array(
            list(AT_KNOT), offsets=[0, 1, 2], shape=(self._points - 2, self._points), format="csr"
        )[self.framed]
        style, nearer, rows = self._style, [], []
        for share in (1 - style.margin, style.middle):
            nearer += [(SQUEEZE, 0.0, 0.5 * share), (0.0, 1.0, 0.5 * share * upright)]
        for across, upwards, half in nearer:
            for side in (1, -1):
                weights = np.array([[side * across, side * upwards, -half]])
                rows.append(sparse.kron(at_knots, weights, format="csr"))
        sizes = sparse.kron(at_knots, np.array([[0.0, 0.0, 1.0]]), format="csr")
        self._sized = sizes.T.tocsr()
        one = -sparse.eye_array(len(self.framed))
        missed = sparse.block_diag([*[sparse.vstack([one, one])] * len(nearer), one], format="csr")
        return sparse.vstack([*rows, -sizes], format="csr"), missed

    def _most_moved(self, goes_on: bool) -> Floats:
        """What differences can be at most, scaled as the rows are, each to a knot; any where they are given."""
        mosts = []
        for order, most in ((1, self._style.speeds), (2, self._style.pushes)):
            bound = np.tile(_SAFE * KNOT_S * np.array(most), self._points - order)
            bound[: AXES * (DEGREE - order if goes_on else 0)] = np.inf
            mosts.append(bound)
        return np.concatenate([*mosts, np.full(AXES * (self._points - DEGREE), np.inf)])

    def _room(self, shape: Shape, goes_on: bool) -> Any:
        """Rows that keep the control points that are not given inside the panorama."""
        each = sparse.eye_array(self._points, format="csr")[DEGREE if goes_on else 0 :]
        return sparse.kron(each, shape.planes[0], format="csr")

    def _bounds(self, shape: Shape, goes_on: bool) -> tuple[Floats, Floats]:
        """The least and the most that the unknowns can be."""
        least, most = (np.full((self._points, AXES), end) for end in (-np.inf, np.inf))
        free = slice(DEGREE if goes_on else 0, None)
        least[free, AXES - 1], most[free, AXES - 1] = shape.fov_deg
        missed = np.zeros(5 * len(self.framed))
        return (
            np.concatenate([least.ravel(), np.zeros(len(self._moved_most)), missed]),
            np.concatenate([most.ravel(), self._moved_most, missed + np.inf]),
        )


def _differences(points: int, order: int) -> Any:
    """Differences of that order of points of three axes, shape (3 * (points - order), 3 * points)."""
    steps = np.diff(np.eye(points), n=order, axis=0)
    return sparse.kron(sparse.csr_array(steps), sparse.eye_array(AXES), format="csr")
