"""A director who plans: who knows what comes, and moves the camera as little and as evenly as the play allows."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from touchline.analysis.play import Play
from touchline.director.framing import Framing
from touchline.director.ground import Ground
from touchline.director.planner import Planner, middle_of, shape_of
from touchline.director.problem import KNOT_S
from touchline.director.splines import along
from touchline.director.style import Style
from touchline.geometry import FieldOutline, View, ViewLimits

Floats = NDArray[np.float64]

_KNOT_NS = round(KNOT_S * 1e9)
_BACK_NS = (
    1_200_000_000  # behind a knot, what tells the ball's speed there and bridges a moment without a ball
)
_CUT_NS = 1_000_000_000  # after a longer gap the camera does not travel: it is there
_TAIL_S = 0.8  # planned beyond what is known, where the path has to come to rest
_LEAST_S = 5.0  # planned at least, whatever is known


class PlannedDirector:
    """Plans pan, tilt and zoom over all that is known of the play to come, five times a second of the programme.

    At each knot of a fixed grid of PTS the rest of the path is found anew from where the camera then is, with its speed
    and acceleration: what has been shown is never contradicted. Between knots the path is a spline, so that the speed
    and the acceleration allowed hold at any frame rate.

    A view depends on the moments up to ``horizon_ns`` after the last knot, as known with hindsight up to there, and on
    the PTS of the first frame and of frames after gaps of over a second: a run at fast pace and a live one give the
    same film. Who wants that waits with ``play.wait_for(pts + director.horizon_ns)`` before he asks.

    Args:
        play: what is going on; it must go back ``past_ns`` before the time shown.
        limits: of the panorama and the programme's shape.
        horizon_s: how far ahead of the time shown moments are known; 0 for a programme without delay.
        style: of the camera work.
        field: where people play, as the mast sees it; None if nobody knows.

    Raises:
        ValueError: for a horizon below 0 or over 60 s, or if the panorama is smaller than any view of the style.
    """

    def __init__(
        self,
        play: Play,
        limits: ViewLimits,
        *,
        horizon_s: float,
        style: Style | None = None,
        field: FieldOutline | None = None,
    ) -> None:
        if not 0 <= horizon_s <= 60:
            raise ValueError(f"a camera looks 0 to 60 s ahead, not {horizon_s:g}")
        style = style or Style()
        self._play = play
        self._limits = limits
        self.horizon_ns = round(horizon_s * 1e9)
        self.past_ns = _BACK_NS + _CUT_NS + _KNOT_NS
        self._framing = framing_of(limits, style, field)
        knots = math.ceil(max(horizon_s + _TAIL_S, _LEAST_S) / KNOT_S)
        self._planner = Planner(knots, style, shape_of(limits, style))
        self._path: Floats | None = None
        self._knot = 0
        self._shown = -1

    @property
    def unsolved(self) -> int:
        """How often no path was found and the one before was gone on with."""
        return self._planner.unsolved

    def view(self, pts_ns: int) -> View:
        """The view at ``pts_ns``; asked again for the same time, it is the same."""
        knot = pts_ns // _KNOT_NS
        if self._path is None or not 0 <= pts_ns - self._shown <= _CUT_NS:
            self._path = self._planned(knot, None)
            self._knot = knot
        while self._knot < knot:
            self._knot += 1
            self._path = self._planned(self._knot, self._path)
        self._shown = pts_ns
        place = along(self._path, np.array([pts_ns / _KNOT_NS - self._knot]))[0]
        return clamped(place, self._limits)

    def _planned(self, knot: int, before: Floats | None) -> Floats:
        now = knot * _KNOT_NS
        moments = self._play.between(now - _BACK_NS, now + self.horizon_ns)
        wishes = self._framing.wishes(moments, KNOT_S * (knot + self._planner.framed.astype(np.float64)))
        self._framing.forget_before(now - _BACK_NS)
        return self._planner.begin(wishes) if before is None else self._planner.go_on(wishes, before)


def framing_of(limits: ViewLimits, style: Style, field: FieldOutline | None) -> Framing:
    """The framing of a programme, with the middle of the field for a home."""
    yaw, pitch = middle_of(limits)
    if field is not None:
        yaw, pitch = field.keep(yaw, pitch)
    home = limits.clamp(View(yaw, max(-85.0, min(85.0, pitch)), style.widest_deg))
    return Framing(style, Ground(field, style.field_m[0]), home)


def clamped(place: Floats, limits: ViewLimits) -> View:
    """The view at yaw, pitch and field of view, shape (3,), or the nearest that the panorama allows."""
    yaw, pitch, fov = (float(angle) for angle in place)
    return limits.clamp(View(yaw, max(-85.0, min(85.0, pitch)), max(1.0, min(150.0, fov))))
