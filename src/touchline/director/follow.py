"""A director who follows the movement, and knows where it is going."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from touchline.analysis.log import MotionLog
from touchline.director.smoothing import local_line
from touchline.director.steering import Axis, Feel, smoothstep
from touchline.geometry import FieldOutline, Panorama, View, ViewLimits

_REACH = 3.0  # the kernel ends at so many sigmas
_FAINT = 2e-4  # share of moving pixels that counts half
_NOISE = 0.1  # mean weight of the samples about a moment up to which nobody moves
_SURE = 0.4  # and from which on there is play to follow
_LEAD_S = 0.15  # looks so far ahead of the time shown: what the head's mass costs, and a little room in front
_CUT_S = 1.0  # after a longer gap the camera does not travel: it is there

_PAN = Feel(response_s=0.45, rest=2.0, speed=32.0, acceleration=40.0, jerk=200.0)
_TILT = Feel(response_s=0.8, rest=1.5, speed=12.0, acceleration=15.0, jerk=60.0)
_ZOOM = Feel(response_s=1.2, rest=2.0, speed=8.0, acceleration=10.0, jerk=40.0)
_DRIFT = 3.0  # degrees per second, on the way home
_FIELD_MARGIN_DEG = 1.0  # that the middle of the picture may lie beside the field


class _Target(NamedTuple):
    view: View
    pan_speed: float  # degrees per second
    sureness: float  # 0: nobody moves; 1: there is play to follow


class FollowDirector:
    """Looks where the movement is at the time shown, smoothed with the seconds before and after it.

    The smoothed course has no lag, since what comes next is known; the camera's head follows it with limited speed
    and acceleration, and rests while the play stays in its middle. The field of view grows with the width of the
    movement. Without any movement it widens and drifts home, to the middle of the panorama.

    A view depends on the motions with a pts up to ``pts + horizon``, whatever else is already known, and on the
    frames shown before: a run at fast pace and a live one give the same film. Who wants that waits with
    ``log.wait_for(pts + director.horizon_ns)`` before he asks.

    Args:
        log: the motions; it must go back ``past_ns`` before the time shown.
        limits: of the panorama and the programme's shape.
        horizon_s: how far ahead of the time shown motions are known; 0 for a programme without delay.
        smoothing_s: sigma of the smoothing.
        fov_deg: the narrowest and the widest field of view.
        field: the middle of the picture stays on it, as far as the panorama allows. None: anywhere.

    Raises:
        ValueError: for numbers that make no sense.
    """

    def __init__(
        self,
        log: MotionLog,
        limits: ViewLimits,
        *,
        horizon_s: float,
        smoothing_s: float = 1.0,
        fov_deg: tuple[float, float] = (30.0, 55.0),
        field: FieldOutline | None = None,
    ) -> None:
        if not (horizon_s >= 0 and smoothing_s > 0 and 1 <= fov_deg[0] <= fov_deg[1] <= 150):
            raise ValueError(
                f"no camera follows with horizon {horizon_s} s, sigma {smoothing_s} s, {fov_deg} degrees"
            )
        self._log = log
        self._limits = limits
        self._sigma = smoothing_s
        self._fov = fov_deg
        self._field = field
        self.past_ns = round(_REACH * smoothing_s * 1e9)
        self._lead_ns = round(min(_LEAD_S, horizon_s) * 1e9)
        # Beyond the kernel's end nothing counts: there is no need to wait for it.
        self.horizon_ns = min(round(horizon_s * 1e9), self.past_ns + self._lead_ns)
        self._home = limits.clamp(View(*self._kept(*_middle(limits.panorama)), fov_deg[1]))
        self._shown: int | None = None
        self._view = self._home
        self._cut_to(self._home)

    def view(self, pts_ns: int) -> View:
        """The view at ``pts_ns``; asked again for the same time, it is the same."""
        if pts_ns == self._shown:
            return self._view
        target = self._target(pts_ns)
        elapsed_s = math.inf if self._shown is None else (pts_ns - self._shown) / 1e9
        if 0 < elapsed_s <= _CUT_S:
            self._travel(target, elapsed_s)
        else:
            self._cut_to(target.view)
        self._shown = pts_ns
        low, high = self._fov
        fov = max(min(self._zoom.position, high), min(low, target.view.fov_deg))
        pitch = max(-85.0, min(85.0, self._tilt.position))
        self._view = self._limits.clamp(View(*self._kept(self._pan.position, pitch), fov))
        return self._view

    def _cut_to(self, view: View) -> None:
        self._pan = Axis(view.yaw_deg, _PAN)
        self._tilt = Axis(view.pitch_deg, _TILT)
        self._zoom = Axis(view.fov_deg, _ZOOM)

    def _travel(self, target: _Target, elapsed_s: float) -> None:
        top = _DRIFT + target.sureness * _PAN.speed
        self._pan.follow(target.view.yaw_deg, target.pan_speed, elapsed_s, top)
        self._tilt.follow(target.view.pitch_deg, 0.0, elapsed_s, top)
        self._zoom.follow(target.view.fov_deg, 0.0, elapsed_s, top)

    def _target(self, pts_ns: int) -> _Target:
        """Where the camera should look, if it had no mass."""
        motions = self._log.between(pts_ns - self.past_ns, pts_ns + self.horizon_ns)
        if not motions:
            return _Target(self._home, 0.0, 0.0)
        aim_ns = pts_ns + self._lead_ns
        table = np.array(
            [(m.pts_ns - aim_ns, m.yaw_deg, m.pitch_deg, m.spread_deg, m.amount) for m in motions]
        )
        away = table[:, 0] / 1e9
        kernel = np.exp(away * away / (-2 * self._sigma**2))
        weights = kernel * table[:, 4] / (table[:, 4] + _FAINT)
        sureness = smoothstep((float(weights.sum() / kernel.sum()) - _NOISE) / (_SURE - _NOISE))
        if not sureness:
            return _Target(self._home, 0.0, 0.0)
        yaw, speed = local_line(away, table[:, 1], weights, 2.0)
        pitch = float(weights @ table[:, 2] / weights.sum())
        spread = float(weights @ table[:, 3] / weights.sum())
        return self._blend(yaw, speed, pitch, self._fov_for(spread), sureness)

    def _kept(self, yaw_deg: float, pitch_deg: float) -> tuple[float, float]:
        """The nearest direction on the field."""
        if self._field is None:
            return yaw_deg, pitch_deg
        yaw_deg, pitch_deg = self._field.keep(yaw_deg, pitch_deg, _FIELD_MARGIN_DEG)
        return yaw_deg, max(-85.0, min(85.0, pitch_deg))

    def _fov_for(self, spread_deg: float) -> float:
        """Room for the movement's middle and for a little around it."""
        low, high = self._fov
        return max(low, min(high, 18.0 + 0.7 * spread_deg))

    def _blend(self, yaw: float, speed: float, pitch: float, fov: float, sureness: float) -> _Target:
        """Between the play and home; and inside the panorama, lest the camera run into its edge at full speed."""
        home, share = self._home, sureness

        def placed(yaw_deg: float) -> View:
            middle = self._kept(
                home.yaw_deg + share * (yaw_deg - home.yaw_deg),
                home.pitch_deg + share * (max(-85.0, min(85.0, pitch)) - home.pitch_deg),
            )
            return self._limits.clamp(View(*middle, home.fov_deg + share * (fov - home.fov_deg)))

        view = placed(yaw)
        step_s = 0.1
        after = placed(yaw + speed * step_s)
        return _Target(view, (after.yaw_deg - view.yaw_deg) / step_s, sureness)


def _middle(panorama: Panorama) -> tuple[float, float]:
    """Yaw and pitch, degrees, half-way between a panorama's limits."""
    yaw, pitch = (panorama.yaw_min + panorama.yaw_max) / 2, (panorama.pitch_min + panorama.pitch_max) / 2
    return math.degrees(yaw), math.degrees(float(panorama.pitch_along(yaw, pitch)))
