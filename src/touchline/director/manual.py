"""The manual hand: a person takes the camera over from a director, and gives it back."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Literal

from touchline.director.protocol import Director
from touchline.director.steering import Axis, Feel
from touchline.director.style import Style
from touchline.geometry import View, ViewLimits

Mode = Literal["director", "hand", "returning"]

_CUT_S = 1.0  # after a longer gap in what is shown the camera does not travel: it is there
_RESPONSE_S = 0.35
_JERK_S = 0.2  # to full acceleration
_STILL_DEG = 0.002
_MET_DEG, _MET_DEG_S = 0.1, 0.6  # as near as that to the director's place and speed, the rest fades away
_PATIENCE = 5.0  # each second of the way back makes that so many times as much: he may never pan evenly
_FADE_S = 2.0


@dataclass(frozen=True)
class HandState:
    """Who holds the camera.

    Attributes:
        mode: the ``director``, the ``hand``, or nobody while it is ``returning`` to the director.
        shown: the view of the last frame; None before any.
        wanted: where the hand wants it; None if it wants nothing.
    """

    mode: Mode
    shown: View | None
    wanted: View | None


class ManualHand:
    """A director whose camera a person may hold. Until somebody does, and after he has given it back, the views are
    those of the director to the last bit.

    The person sees the programme, and so acts on what is shown now, ``delay`` after it happened: what is wanted holds
    from the next frame that is asked for. The head turns there, and back to the director's path wherever that is by
    then, with limited speed and acceleration. Take, nudge and release from any thread.

    Args:
        director: who has the camera otherwise; it is asked for every frame, so that it knows where the play is.
        limits: of the panorama and the programme's shape.
        style: whose speeds and accelerations the head has.
    """

    def __init__(self, director: Director, limits: ViewLimits, style: Style | None = None) -> None:
        style = style or Style()
        self._director = director
        self._limits = limits
        self._feels = [
            Feel(_RESPONSE_S, _STILL_DEG, speed, push, push / _JERK_S)
            for speed, push in zip(style.speeds, style.pushes, strict=True)
        ]
        self._lock = threading.Lock()
        self._mode: Mode = "director"
        self._wanted: View | None = None
        self._shown: View | None = None
        self._axes: list[Axis] = []
        self._pts: int | None = None
        self._speeds = [0.0, 0.0, 0.0]  # of what is shown
        self._path: View | None = None  # the director's last view
        self._fade = _Fade()
        self._returning_s = 0.0

    @property
    def state(self) -> HandState:
        """Who holds the camera now."""
        with self._lock:
            return HandState(self._mode, self._shown, self._wanted)

    def take(
        self, yaw_deg: float | None = None, pitch_deg: float | None = None, fov_deg: float | None = None
    ) -> View:
        """Turns the camera to a view and keeps it there; what is not given stays as it is wanted, or shown.

        Returns:
            The view that is wanted now: the nearest that the panorama allows.

        Raises:
            ValueError: for numbers that no view can have.
        """
        with self._lock:
            base = self._base()
            return self._want(
                View(
                    base.yaw_deg if yaw_deg is None else yaw_deg,
                    base.pitch_deg if pitch_deg is None else pitch_deg,
                    base.fov_deg if fov_deg is None else fov_deg,
                )
            )

    def nudge(self, yaw_deg: float = 0.0, pitch_deg: float = 0.0, fov_deg: float = 0.0) -> View:
        """Turns the camera by so much from where it is wanted, or shown; takes it if need be. See :meth:`take`."""
        with self._lock:
            base = self._base()
            return self._want(
                View(
                    base.yaw_deg + yaw_deg,
                    max(-85.0, min(85.0, base.pitch_deg + pitch_deg)),
                    max(1.0, min(150.0, base.fov_deg + fov_deg)),
                )
            )

    def release(self) -> None:
        """Gives the camera back; it returns to the director's path. Nothing, if the hand does not hold it."""
        with self._lock:
            if self._mode == "hand":
                self._mode, self._wanted, self._returning_s = "returning", None, 0.0

    def view(self, pts_ns: int) -> View:
        """The view at ``pts_ns``; asked again for the same time, it is the same."""
        path = self._director.view(pts_ns)
        with self._lock:
            if pts_ns == self._pts and self._shown is not None:
                return self._shown
            elapsed_s = -1.0 if self._pts is None else (pts_ns - self._pts) / 1e9
            if not 0 < elapsed_s <= _CUT_S:
                shown = self._cut(path)
            else:
                shown = self._moved(path, elapsed_s)
                self._speeds = _speeds(self._shown, shown, elapsed_s)
            self._pts, self._path, self._shown = pts_ns, path, shown
            return shown

    def _base(self) -> View:
        return self._wanted or self._shown or self._limits.widest()

    def _want(self, view: View) -> View:
        """The lock is held."""
        self._wanted = self._limits.clamp(view)
        if self._mode == "director" and self._shown is not None:
            self._axes = [
                Axis(angle, feel) for angle, feel in zip(_angles(self._shown), self._feels, strict=True)
            ]
            for axis, speed in zip(self._axes, self._speeds, strict=True):
                axis.speed = speed
        self._mode = "hand"
        return self._wanted

    def _cut(self, path: View) -> View:
        """Where the camera is after a gap."""
        self._speeds = [0.0, 0.0, 0.0]
        if self._mode == "hand" and self._wanted is not None:
            self._axes = [
                Axis(angle, feel) for angle, feel in zip(_angles(self._wanted), self._feels, strict=True)
            ]
            return self._wanted
        self._mode, self._fade = "director", _Fade()
        return path

    def _moved(self, path: View, elapsed_s: float) -> View:
        if self._mode == "hand" and self._wanted is not None:
            self._turn(self._wanted, [0.0, 0.0, 0.0], elapsed_s)
            return self._looked()
        if self._mode == "returning":
            speeds = _speeds(self._path, path, elapsed_s)
            self._turn(path, speeds, elapsed_s)
            self._returning_s += elapsed_s
            if self._met(path, speeds):
                self._mode = "director"
                self._fade = _Fade(
                    [axis.position - angle for axis, angle in zip(self._axes, _angles(path), strict=True)],
                    [axis.speed - speed for axis, speed in zip(self._axes, speeds, strict=True)],
                )
            return self._looked()
        return self._fade.over(path, elapsed_s, self._limits)

    def _turn(self, to: View, speeds: list[float], elapsed_s: float) -> None:
        for axis, angle, speed, feel in zip(self._axes, _angles(to), speeds, self._feels, strict=True):
            axis.follow(angle, speed, elapsed_s, feel.speed)

    def _looked(self) -> View:
        yaw, pitch, fov = (axis.position for axis in self._axes)
        return self._limits.clamp(View(yaw, max(-85.0, min(85.0, pitch)), max(1.0, min(150.0, fov))))

    def _met(self, path: View, speeds: list[float]) -> bool:
        near = 1 + _PATIENCE * self._returning_s
        return all(
            abs(axis.position - angle) < near * _MET_DEG and abs(axis.speed - speed) < near * _MET_DEG_S
            for axis, angle, speed in zip(self._axes, _angles(path), speeds, strict=True)
        )


class _Fade:
    """What is left between the hand's path and the director's goes away within two seconds, on a polynomial of the
    fifth degree: it begins with the place and the speed that it had, and ends without either, or acceleration.

    Args:
        off, speeds: of the three axes, degrees and degrees per second; None for nothing.
    """

    def __init__(self, off: list[float] | None = None, speeds: list[float] | None = None) -> None:
        self._off = off
        self._speeds = speeds or [0.0, 0.0, 0.0]
        self._since_s = 0.0

    def over(self, path: View, elapsed_s: float, limits: ViewLimits) -> View:
        if self._off is None:
            return path
        self._since_s += elapsed_s
        p = self._since_s / _FADE_S
        if p >= 1:
            self._off = None
            return path
        place = 1 - p**3 * (10 - 15 * p + 6 * p * p)
        way = _FADE_S * p * (1 - p * p * (6 - 8 * p + 3 * p * p))
        yaw, pitch, fov = (
            angle + place * off + way * speed
            for angle, off, speed in zip(_angles(path), self._off, self._speeds, strict=True)
        )
        return limits.clamp(View(yaw, max(-85.0, min(85.0, pitch)), max(1.0, min(150.0, fov))))


def _angles(view: View) -> tuple[float, float, float]:
    return view.yaw_deg, view.pitch_deg, view.fov_deg


def _speeds(before: View | None, after: View, elapsed_s: float) -> list[float]:
    """Degrees per second."""
    if before is None:
        return [0.0, 0.0, 0.0]
    return [(b - a) / elapsed_s for a, b in zip(_angles(before), _angles(after), strict=True)]
