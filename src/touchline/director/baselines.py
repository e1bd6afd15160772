"""Directors to compare with: what is done without hindsight, or with half a second of it.

They want what the planner wants (:mod:`touchline.director.framing`) and differ only in how the camera gets there, so
that a comparison tells about nothing else. What they show is the nearest view that the panorama allows.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from touchline.analysis.play import Play
from touchline.director.planned import clamped, framing_of
from touchline.director.style import Style
from touchline.geometry import FieldOutline, View, ViewLimits

Floats = NDArray[np.float64]
Three = tuple[float, float, float]
_BACK_NS = 1_200_000_000  # behind the time asked for, what the wishes of that time depend on
_CUT_NS = 1_000_000_000  # after a longer gap the camera does not travel: it is there
# As smooth as each can be that never loses the ball, tried on true plays of seeds 101 to 103.
_TAU_S = (1.2, 1.2, 6.0)  # pan, tilt, zoom
_PUSH_DEG = (1.0, 1.0, 0.02)  # per s^1.5
_DOUBT_DEG = 20.0
_WEIGHTS, _ZOOM_WEIGHTS = (0.25, 0.01, 0.001), (2.5, 0.1, 0.01)  # s^2, s^4, s^6
_MEMORY = 3  # views that tell the place, the speed and the acceleration


class Hand(Protocol):
    """How a camera gets to where it should look."""

    def begin(self, wanted: Floats) -> Floats:
        """Where it stands at first: ``wanted`` is what :meth:`go_on` is given."""
        ...

    def go_on(self, wanted: Floats, elapsed_s: float) -> Floats:
        """Where it stands ``elapsed_s`` later, shape (3,).

        Args:
            wanted: yaw, pitch and field of view, degrees, now and at each coming step of as much, shape (steps, 3).
        """
        ...


class SteadyDirector:
    """Follows what is wanted at the time shown, with the hand of a smoother.

    Args:
        hand: how.
        play: what is going on.
        limits: of the panorama and the programme's shape.
        ahead_s: what is wanted so far ahead of the time shown is known too; 0: a camera without any delay.
        style, field: as for :class:`~touchline.director.planned.PlannedDirector`.
    """

    def __init__(
        self,
        hand: Hand,
        play: Play,
        limits: ViewLimits,
        *,
        ahead_s: float = 0.0,
        style: Style | None = None,
        field: FieldOutline | None = None,
    ) -> None:
        self._hand = hand
        self._play = play
        self._limits = limits
        self.horizon_ns = round(ahead_s * 1e9)
        self._framing = framing_of(limits, style or Style(), field)
        self._shown: int | None = None
        self._place = np.zeros(3)

    def view(self, pts_ns: int) -> View:
        """The view at ``pts_ns``; asked again for the same time, it is the same."""
        if pts_ns != self._shown:
            elapsed = _CUT_NS + 1 if self._shown is None else pts_ns - self._shown
            if 0 < elapsed <= _CUT_NS:
                self._place = self._hand.go_on(self._wanted(pts_ns, elapsed / 1e9), elapsed / 1e9)
            else:
                self._place = self._hand.begin(self._wanted(pts_ns, math.inf))
            self._shown = pts_ns
        return clamped(self._place, self._limits)

    def _wanted(self, pts_ns: int, step_s: float) -> Floats:
        """Now, and as far ahead as is known."""
        moments = self._play.between(pts_ns - _BACK_NS, pts_ns + self.horizon_ns)
        self._framing.forget_before(pts_ns - _BACK_NS)
        steps = 1 + math.floor(self.horizon_ns / 1e9 / step_s + 1e-6)
        ahead = np.arange(steps) * step_s if steps > 1 else np.zeros(1)
        times: Floats = pts_ns / 1e9 + ahead.astype(np.float64)
        wishes = self._framing.wishes(moments, times)
        return np.column_stack([wishes.play, wishes.size_deg])


class Exponential:
    """Goes a share of the way that is left: an exponential filter of the first order.

    Args:
        tau_s: in which all but 37 % of a sudden change are gone after, by pan, tilt and zoom.
    """

    def __init__(self, tau_s: Three = _TAU_S) -> None:
        self._tau_s = np.array(tau_s)
        self._place = np.zeros(3)

    def begin(self, wanted: Floats) -> Floats:
        self._place = np.asarray(wanted[0])
        return self._place

    def go_on(self, wanted: Floats, elapsed_s: float) -> Floats:
        self._place = self._place + (1 - np.exp(-elapsed_s / self._tau_s)) * (wanted[0] - self._place)
        return self._place


class Kalman:
    """A Kalman filter on place and speed, which takes what is wanted for a noisy measurement.

    The model is that of a nearly constant speed (Bar-Shalom, Li and Kirubarajan: Estimation with Applications to
    Tracking and Navigation, 2001, section 6.2.2): white noise drives the acceleration.

    Args:
        push: the root of that noise's density by pan, tilt and zoom, degrees per second to the power of 1.5.
        doubt_deg: standard deviation of the measurement of one frame in 30 a second.
    """

    def __init__(self, push: Three = _PUSH_DEG, doubt_deg: float = _DOUBT_DEG) -> None:
        self._push, self._doubt = np.array(push) ** 2, doubt_deg**2 / 30
        self._state = np.zeros((3, 2, 1))
        self._spread = np.zeros((3, 2, 2))

    def begin(self, wanted: Floats) -> Floats:
        self._state = np.stack([wanted[0], np.zeros(3)], axis=1)[:, :, None]
        self._spread = np.tile(np.diag([1.0, 100.0]), (3, 1, 1))
        return np.asarray(wanted[0])

    def go_on(self, wanted: Floats, elapsed_s: float) -> Floats:
        t = elapsed_s
        move = np.array([[1.0, t], [0.0, 1.0]])
        noise = np.array([[t**3 / 3, t**2 / 2], [t**2 / 2, t]])
        state = move @ self._state
        spread = move @ self._spread @ move.T + self._push[:, None, None] * noise
        gain = spread[:, :, :1] / (spread[:, :1, :1] + self._doubt / t)
        self._state = state + gain * (wanted[0, :, None, None] - state[:, :1])
        self._spread = spread - gain @ spread[:, :1]
        return np.asarray(self._state[:, 0, 0])


class Preview:
    """The convex smoother of a short window: least squares of framing error and derivatives, solved at each frame.

    Whatever has been shown is fixed; the path over the window minimises the squared distance to what is wanted and the
    weighted squares of its first three derivatives. That is what a smoothing spline does (Whittaker 1923), cut to the
    window, or a controller with preview (Tomizuka 1975).

    Args:
        weights: of the squares of speed, acceleration and jerk, s^2, s^4 and s^6, beside that of a degree.
        zoom_weights: the same for the field of view.
    """

    def __init__(self, weights: Three = _WEIGHTS, zoom_weights: Three = _ZOOM_WEIGHTS) -> None:
        self._weights = (weights, weights, zoom_weights)
        self._past = np.zeros((_MEMORY, 3))

    def begin(self, wanted: Floats) -> Floats:
        self._past = np.tile(wanted[0], (_MEMORY, 1))
        return np.asarray(wanted[0])

    def go_on(self, wanted: Floats, elapsed_s: float) -> Floats:
        known = np.concatenate([self._past, wanted])
        step_s = round(elapsed_s, 6)
        gains = [_preview_gain(len(wanted), step_s, weights) for weights in self._weights]
        place = np.array([gain @ axis for gain, axis in zip(gains, known.T, strict=True)])
        self._past = np.concatenate([self._past[1:], place[None]])
        return place


@lru_cache(maxsize=64)
def _preview_gain(steps: int, step_s: float, weights: Three) -> Floats:
    """How much the past views and each coming wish weigh in the next view, shape (past + steps,)."""
    whole = np.eye(_MEMORY + steps)
    squares = np.zeros_like(whole)
    squares[_MEMORY:, _MEMORY:] = np.eye(steps)
    for order, weight in enumerate(weights, 1):
        rows = np.diff(whole, n=order, axis=0)[_MEMORY - order :] / step_s**order
        squares += weight * rows.T @ rows
    past, free = slice(0, _MEMORY), slice(_MEMORY, None)
    right = np.concatenate([-squares[free, past], np.eye(steps)], axis=1)
    return np.asarray(np.linalg.solve(squares[free, free], right)[0])
