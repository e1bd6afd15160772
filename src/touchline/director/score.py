"""A score of camera work: what was in the picture, and how the camera moved. NumPy only.

A film is judged against the truth, by what a viewer would notice. Shares are of the time that the ball is in play;
how the camera moves is judged all the time, for a viewer watches the breaks too.

==========================  ======================================================================================
ball in frame               share of the time in play in which the ball's middle is in the picture; also while
                            somebody stands before it
ball in the middle          the same for the middle two thirds of the picture's width and height
near players in frame       of all players (no referee) within 15 m of the ball, the share whose body's middle is in
                            the picture
framing error               degrees that the camera would have to turn until the ball is in the middle two thirds;
                            0 while it is; the mean over the time in play
ball off the axis           degrees between the picture's middle and the ball, mean over the time in play
longest loss                seconds in play that the ball was out of the picture at a stretch
jerk                        of pan, tilt and zoom: the mean amount of the third derivative, degrees per second cubed;
                            the whole is the sum of the three
reversals                   how often a minute the pan turns round: a degree or more one way, then the other
at rest                     share of the time in which neither pan, tilt nor zoom is faster than 0.5 degrees a second
zoom changes                how often a minute the field of view goes one way by a degree or more, without a rest
mean field of view          degrees, horizontal
==========================  ======================================================================================

Derivatives are divided differences over steps of a tenth of a second, taken at every frame: they equal the derivative
smoothed over 0.3 s (a quadratic B-spline), so that films of 25, 30 and 60 frames a second can be compared, and a
shake of a hundredth of a degree still shows.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from touchline.geometry import View
from touchline.geometry.angles import Floats
from touchline.synth.course import Course

NEAR_M = 15.0
MIDDLE = 2 / 3  # of the picture's width and height
REST_DEG_S = 0.5
TURN_DEG = 1.0
_STEP_S = 0.1
_GAP = 1.5  # times the usual interval: there the film has a hole, and nothing is said of the camera's motion
_LEAST_S = 1.0


@dataclass(frozen=True, eq=False)
class CameraPath:
    """Where a virtual camera looked: n views over time.

    Args:
        times_s: ascending, shape (n,).
        angles_deg: yaw, pitch and horizontal field of view, shape (n, 3).

    Raises:
        ValueError: for arrays that do not fit together, times that don't ascend, or what is no view.
    """

    times_s: Floats
    angles_deg: Floats

    def __post_init__(self) -> None:
        if self.angles_deg.shape != (len(self.times_s), 3):
            raise ValueError(f"a path has three angles at each of {len(self.times_s)} times")
        if not (np.isfinite(self.times_s).all() and np.isfinite(self.angles_deg).all()):
            raise ValueError("a path is told in finite numbers")
        if (np.diff(self.times_s) <= 0).any():
            raise ValueError("the times of a path ascend")
        fov, pitch = self.angles_deg[:, 2], self.angles_deg[:, 1]
        if ((fov < 1) | (fov > 150) | (np.abs(pitch) > 85)).any():
            raise ValueError("a path is made of views: 1 to 150 degrees wide, at a pitch of -85 to 85")

    @classmethod
    def of(cls, views: Sequence[View], times_s: Floats | Sequence[float]) -> CameraPath:
        """The path of these views at these times."""
        angles = np.array([(view.yaw_deg, view.pitch_deg, view.fov_deg) for view in views]).reshape(-1, 3)
        return cls(np.asarray(times_s, dtype=np.float64), angles)

    def __len__(self) -> int:
        return len(self.times_s)

    def within(self, first_s: float, last_s: float) -> CameraPath:
        """The part of it between two times, both included."""
        part = (self.times_s >= first_s) & (self.times_s <= last_s)
        return CameraPath(self.times_s[part], self.angles_deg[part])

    def views(self) -> list[View]:
        """As views."""
        return [View(*angles) for angles in self.angles_deg.tolist()]


@dataclass(frozen=True)
class CameraScore:
    """What :func:`score` found; each is defined at the head of this module.

    Attributes:
        seconds, in_play_s: how much was judged, and how much of it the ball was in play.
        ball_in_frame, ball_in_middle, near_in_frame: shares, 0 .. 1; nan if there was nothing to see.
        framing_error_deg, ball_off_deg: mean degrees; nan without play.
        longest_loss_s: seconds.
        pan_jerk, tilt_jerk, zoom_jerk: degrees per second cubed.
        reversals_per_min, zooms_per_min: a minute.
        at_rest: share, 0 .. 1.
        mean_fov_deg: degrees.
    """

    seconds: float
    in_play_s: float
    ball_in_frame: float
    ball_in_middle: float
    near_in_frame: float
    framing_error_deg: float
    ball_off_deg: float
    longest_loss_s: float
    pan_jerk: float
    tilt_jerk: float
    zoom_jerk: float
    reversals_per_min: float
    at_rest: float
    zooms_per_min: float
    mean_fov_deg: float

    @property
    def jerk(self) -> float:
        """Degrees per second cubed, of pan, tilt and zoom together."""
        return self.pan_jerk + self.tilt_jerk + self.zoom_jerk


def score(path: CameraPath, course: Course, aspect: float, *, near_m: float = NEAR_M) -> CameraScore:
    """Judges a film against the truth, over the time that both cover.

    Args:
        path: of the camera; its times are those of the course.
        course: what there was to see.
        aspect: width / height of the programme.
        near_m: players no further from the ball than that should be seen with it.

    Raises:
        ValueError: if they have less than a second in common, or for an aspect or a distance that is not positive.
    """
    if not (math.isfinite(aspect) and aspect > 0 and near_m > 0):
        raise ValueError(f"no picture has the aspect {aspect:g}, and nobody is within {near_m:g} m")
    path = path.within(float(course.times_s[0]), float(course.times_s[-1]))
    if len(path) < 4 or path.times_s[-1] - path.times_s[0] < _LEAST_S:
        raise ValueError("the path and the match have less than a second in common")
    seen = course.at(path.times_s)
    ball = in_picture(path, seen.ball_deg, aspect)
    near, inside = _near_players(path, seen, aspect, near_m)
    rows = np.flatnonzero(seen.in_play)
    lasting = _lasting(path.times_s)
    within = _inside(ball, 1.0)
    error, off = _framing_error(path, seen.ball_deg, ball, aspect)
    pan, tilt, zoom = (_jerk(path.times_s, angle) for angle in path.angles_deg.T)
    minutes = float(lasting.sum()) / 60
    return CameraScore(
        seconds=float(lasting.sum()),
        in_play_s=float(lasting[rows].sum()),
        ball_in_frame=_mean(within[rows], lasting[rows]),
        ball_in_middle=_mean(_inside(ball[rows], MIDDLE), lasting[rows]),
        near_in_frame=_mean(inside[rows][near[rows]], np.repeat(lasting[rows], near[rows].sum(axis=1))),
        framing_error_deg=_mean(error[rows], lasting[rows]),
        ball_off_deg=_mean(off[rows], lasting[rows]),
        longest_loss_s=_longest(seen.in_play & ~within, lasting),
        pan_jerk=pan,
        tilt_jerk=tilt,
        zoom_jerk=zoom,
        reversals_per_min=reversals(path.angles_deg[:, 0]) / minutes,
        at_rest=_at_rest(path),
        zooms_per_min=_zooms(path) / minutes,
        mean_fov_deg=_mean(path.angles_deg[:, 2], lasting),
    )


def in_picture(path: CameraPath, seen_deg: Floats, aspect: float) -> Floats:
    """Where directions lie in the picture at each time.

    Args:
        path: n views.
        seen_deg: yaw and pitch, degrees, shape (n, ..., 2).
        aspect: width / height of the picture.

    Returns:
        Across and upwards, shape (n, ..., 2): -1 and 1 are its edges; infinite behind the camera.
    """
    right, up, ahead = _in_view(path, seen_deg)
    half = _to(np.tan(np.radians(path.angles_deg[:, 2]) / 2), right.ndim)
    behind = ahead <= 1e-9
    depth = np.where(behind, 1.0, ahead) * half
    place = np.stack([right / depth, up * aspect / depth], axis=-1)
    place[behind] = np.inf
    return place


def reversals(values: Floats, least: float = TURN_DEG) -> int:
    """How often a course of values turns round: goes ``least`` or more one way, then as much the other way."""
    turns, way, extreme, low, high = 0, 0, 0.0, math.inf, -math.inf
    for value in values.tolist():
        if not way:
            low, high = min(low, value), max(high, value)
            if high - low >= least:
                way, extreme = (1, value) if value == high else (-1, value)
        elif way * (value - extreme) >= 0:
            extreme = value
        elif way * (extreme - value) >= least:
            turns, way, extreme = turns + 1, -way, value
    return turns


def speeds(path: CameraPath) -> tuple[Floats, Floats]:
    """Times, shape (m,), and speeds of pan, tilt and zoom, degrees per second, shape (m, 3)."""
    return _difference(path.times_s, path.angles_deg, 1)


def _in_view(path: CameraPath, seen_deg: Floats) -> tuple[Floats, Floats, Floats]:
    """Directions as the camera has them: to the right, upwards and ahead, parts of a unit vector, shape (n, ...)."""
    yaw, pitch = np.radians(seen_deg[..., 0]), np.radians(seen_deg[..., 1])
    turned = yaw - _to(np.radians(path.angles_deg[:, 0]), yaw.ndim)
    tilt = _to(np.radians(path.angles_deg[:, 1]), yaw.ndim)
    level, rise = np.cos(pitch) * np.cos(turned), np.sin(pitch)
    ahead = level * np.cos(tilt) + rise * np.sin(tilt)
    up = rise * np.cos(tilt) - level * np.sin(tilt)
    return np.cos(pitch) * np.sin(turned), up, ahead


def _to(values: Floats, dimensions: int) -> Floats:
    """One value for each time, to be broadcast over what follows."""
    return values.reshape(-1, *[1] * (dimensions - 1))


def _near_players(
    path: CameraPath, seen: Course, aspect: float, near_m: float
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Who is near the ball, and who is in the picture, shape (n, players)."""
    away = np.linalg.norm(seen.persons_m[:, seen.players] - seen.ball_m[:, None], axis=-1)
    place = in_picture(path, seen.persons_deg[:, seen.players], aspect)
    return away <= near_m, _inside(place, 1.0)


def _framing_error(path: CameraPath, ball_deg: Floats, place: Floats, aspect: float) -> tuple[Floats, Floats]:
    """Degrees until the ball is in the middle two thirds, and from the picture's middle to the ball, shape (n,)."""
    off = np.degrees(np.arccos(np.clip(_in_view(path, ball_deg)[2], -1, 1)))
    half = np.tan(np.radians(path.angles_deg[:, 2]) / 2)[:, None] * np.array([1, 1 / aspect])
    seen = np.asarray(np.isfinite(place).all(axis=-1))
    across = np.arctan(np.where(seen[:, None], np.abs(place), 0) * half) - np.arctan(MIDDLE * half)
    short = np.degrees(np.hypot(*np.clip(across, 0, None).T))
    return np.where(seen, short, off), off


def _inside(place: Floats, edge: float) -> NDArray[np.bool_]:
    return np.asarray((np.abs(place) <= edge).all(axis=-1))


def _lasting(times: Floats) -> Floats:
    """How long each frame stands: until the next, or as long as usual if that is long to come. Shape (n,)."""
    steps = np.diff(times)
    usual = float(np.median(steps))
    return np.append(np.minimum(steps, _GAP * usual), usual)


def _difference(times: Floats, values: Floats, order: int) -> tuple[Floats, Floats]:
    """The derivative of that order over steps of about a tenth of a second, where the film has no hole.

    Returns:
        When, shape (m,), and per second to that power, shape (m, ...).
    """
    usual = float(np.median(np.diff(times)))
    every = max(1, math.floor(_STEP_S / usual + 0.5))
    reach = every * order
    if len(times) <= reach:
        return np.empty(0), np.empty((0, *values.shape[1:]))
    moments, divided = times, values
    for grade in range(1, order + 1):
        apart = times[grade * every :] - times[: -grade * every]
        divided = grade * (divided[every:] - divided[:-every]) / _to(apart, divided.ndim)
        moments = (moments[every:] + moments[:-every]) / 2
    holes = np.concatenate([[0], np.cumsum(np.diff(times) > _GAP * usual)])
    whole = holes[reach:] == holes[:-reach]
    return moments[whole], divided[whole]


def _jerk(times: Floats, values: Floats) -> float:
    found = np.abs(_difference(times, values, 3)[1])
    return float(found.mean()) if len(found) else math.nan


def _at_rest(path: CameraPath) -> float:
    _, rates = speeds(path)
    return float((np.abs(rates) <= REST_DEG_S).all(axis=1).mean()) if len(rates) else math.nan


def _zooms(path: CameraPath) -> int:
    """Stretches in which the field of view changes the one way, without a rest, by a degree or more."""
    when, rates = speeds(path)
    way = np.where(np.abs(rates[:, 2]) > REST_DEG_S, np.sign(rates[:, 2]), 0)
    edges = np.flatnonzero(np.diff(way, prepend=0, append=0))
    fov = np.interp(when, path.times_s, path.angles_deg[:, 2])
    runs = [(first, end - 1) for first, end in pairwise(edges.tolist()) if way[first]]
    return sum(abs(fov[last] - fov[first]) >= TURN_DEG for first, last in runs)


def _longest(lost: NDArray[np.bool_], lasting: Floats) -> float:
    """The longest stretch of what is lost, seconds."""
    longest = stretch = 0.0
    for gone, seconds in zip(lost.tolist(), lasting.tolist(), strict=True):
        stretch = stretch + seconds if gone else 0.0
        longest = max(longest, stretch)
    return longest


def _mean(values: NDArray[np.generic], weights: Floats) -> float:
    total = float(weights @ np.ones(len(weights)))  # summed as what is above it: a share of all is 1
    return float(weights @ values.astype(np.float64)) / total if total > 0 else math.nan
