"""What should be in the picture: the ball, the players around it, room in front of it, the goal that it nears."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from touchline.analysis.play import Moment
from touchline.director.ground import Ground
from touchline.director.style import Style
from touchline.geometry import View

Floats = NDArray[np.float64]

_DOUBTED, _SURE = 0.1, 0.6  # a ball less sure is not followed; from there on it is followed without reserve
_ANYWHERE_DEG = (
    180.0  # a direction beyond that, or none at all, is nonsense of a detector's and counts for nothing
)
_UNKNOWN_S = 1.2  # a ball that was not found is believed in for about so long, before and after it was
_GAP_S = 1.0  # and a play that was not looked at for about so long
_SPEED_S = 0.35  # sigma of the smoothing of its speed
_RIDGE = 0.02  # seconds squared: keeps the speed told by a few moments close together small
_AT_ONCE = 200  # moments whose speeds are told together
_GLIDE_S = 1.0  # a play goes on for about so long beyond what is known
_FORESEEN_S = 5.0  # and stays about there for so long
_LEAST_DEG = 8.0  # of picture beside what the players' spread asks for
_SIGMAS = 1.5  # the spread of players reaches so many standard deviations to either side
_LOST = 0.6  # share of the way to the widest picture, for a ball that is lost
_FAINT = 0.35  # what keeping the play in the middle still weighs then
_GOAL_NEAR = 0.3  # of the field's length: from there on a goal belongs to the play
_GOAL_PULL = 0.2
_OFF_FIELD_DEG = 1.5  # that the middle of the picture may lie beside the field
_STILL_DEG_S = 1.2  # a ball slower than that lies for a set piece, or is with somebody who stands
_SETTLED = 1.5  # by how much dearer moving is then


@dataclass(frozen=True)
class Wishes:
    """What is wanted at each of n times.

    Attributes:
        times_s: shape (n,).
        ball: yaw and pitch, degrees, shape (n, 2).
        keep_ball: 0 .. 1, how much it matters that the ball is in the picture, shape (n,).
        play: where the middle of the play is, degrees, shape (n, 2).
        keep_play: 0 .. 1, shape (n,).
        size_deg: field of view, shape (n,).
        settle: what moving costs, times what it costs else, shape (n,).
    """

    times_s: Floats
    ball: Floats
    keep_ball: Floats
    play: Floats
    keep_play: Floats
    size_deg: Floats
    settle: Floats


class Framing:
    """Turns moments of a play into wishes.

    Args:
        style: of the camera work.
        ground: where people play.
        home: what is shown while nothing is known.
    """

    def __init__(self, style: Style, ground: Ground, home: View) -> None:
        self._style = style
        self._ground = ground
        self._home = home
        self._rows: dict[int, tuple[Moment, Floats]] = {}

    def wishes(self, moments: Sequence[Moment], times_s: Floats) -> Wishes:
        """What is wanted at ``times_s``, ascending, shape (n,), if these moments are all that is known."""
        if not moments:
            return self._at_home(times_s)
        at = np.array([moment.pts_ns for moment in moments]) / 1e9
        table = self._seen(moments, at)
        return self._between(at, table, times_s)

    def forget_before(self, pts_ns: int) -> None:
        """No moments before that will be asked for."""
        self._rows = {pts: row for pts, row in self._rows.items() if pts >= pts_ns}

    def _at_home(self, times_s: Floats) -> Wishes:
        count = len(times_s)
        middle = np.tile([self._home.yaw_deg, self._home.pitch_deg], (count, 1))
        faint = np.full(count, _FAINT)
        size = np.full(count, self._home.fov_deg)
        return Wishes(times_s, middle, np.zeros(count), middle, faint, size, np.ones(count))

    def _players(self, moment: Moment) -> Floats:
        """Yaw and pitch of everybody, shape (players, 2); kept, for the same moments are asked for again and again."""
        known = self._rows.get(moment.pts_ns)
        if known is not None and known[0] is moment:
            return known[1]
        found = np.array([(p.yaw_deg, p.pitch_deg) for p in moment.players]).reshape(-1, 2)
        found = np.asarray(found[(np.abs(found) <= _ANYWHERE_DEG).all(axis=1)])
        self._rows[moment.pts_ns] = (moment, found)
        return found

    def _seen(self, moments: Sequence[Moment], at: Floats) -> Floats:
        """One row a moment: ball (2), sureness, middle of the play (2), size, speed of the ball (2)."""
        everybody = [self._players(moment) for moment in moments]
        most = max(1, max(len(found) for found in everybody))
        persons = np.zeros((len(moments), most, 2))
        there = np.zeros((len(moments), most))
        for row, found in enumerate(everybody):
            persons[row, : len(found)] = found
            there[row, : len(found)] = 1.0
        crowd = self._crowd(persons, there)
        ball, sure = self._ball(moments, at, crowd)
        speed = _speeds(at, ball, sure)
        goal, near = self._ground.goal_near(ball, _GOAL_NEAR)
        middle, spread = self._group(
            persons, there, sure[:, None] * ball + (1 - sure[:, None]) * crowd, goal, near
        )
        style = self._style
        ahead = ball + np.clip(style.lead_s * speed, -style.closest_deg / 4, style.closest_deg / 4)
        apart = 1 - sure * (1 - style.company)
        play = ahead + apart[:, None] * (middle - ahead)
        play += _GOAL_PULL * (sure * near)[:, None] * (goal - play)
        size = np.clip(
            _LEAST_DEG + style.roominess * 2 * _SIGMAS * spread, style.closest_deg, style.widest_deg
        )
        lost = np.where(there.any(axis=1), _LOST, 1.0) * (1 - sure)
        size += lost * (style.widest_deg - size)
        return np.column_stack([ball, sure, self._ground.keep(play, _OFF_FIELD_DEG), size, speed])

    def _crowd(self, persons: Floats, there: Floats) -> Floats:
        """Where most of the players are, whoever has the ball; home without any. Shape (moments, 2)."""
        count = there.sum(axis=1).astype(np.int64)
        ranked = np.sort(np.where(there[..., None] > 0, persons, np.inf), axis=1)
        rows = np.arange(len(persons))
        middle = (
            ranked[rows, np.maximum(count - 1, 0) // 2]
            + ranked[rows, np.minimum(count // 2, ranked.shape[1] - 1)]
        ) / 2
        return np.where(count[:, None] > 0, middle, [self._home.yaw_deg, self._home.pitch_deg])

    def _ball(self, moments: Sequence[Moment], at: Floats, crowd: Floats) -> tuple[Floats, Floats]:
        """Direction and sureness of the ball in each moment; where it was not found, from before and after."""
        rows = [
            (i, m.ball.yaw_deg, m.ball.pitch_deg, m.ball.sureness)
            for i, m in enumerate(moments)
            if m.ball is not None and max(abs(m.ball.yaw_deg), abs(m.ball.pitch_deg)) <= _ANYWHERE_DEG
        ]
        if not rows:
            return crowd, np.zeros(len(at))
        table = np.array(rows)
        when = at[table[:, 0].astype(np.int64)]
        ball = np.stack([np.interp(at, when, table[:, 1]), np.interp(at, when, table[:, 2])], axis=1)
        off = _gaps(at, when)
        sure = np.clip((table[:, 3] - _DOUBTED) / (_SURE - _DOUBTED), 0.0, 1.0)
        sure = np.interp(at, when, sure) * np.exp(-((off / _UNKNOWN_S) ** 2))
        return ball, np.where(self._ground.holds(ball), sure, 0.5 * sure)

    def _group(
        self, persons: Floats, there: Floats, anchor: Floats, goal: Floats, near: Floats
    ) -> tuple[Floats, Floats]:
        """Middle, degrees, shape (moments, 2), and spread in yaw, shape (moments,), of those near ``anchor``."""
        far = self._ground.apart(persons, anchor[:, None], there) / self._style.around_m
        weights = np.concatenate([there * np.exp(-0.5 * far**2), 0.5 * near[:, None]], axis=1)
        persons = np.concatenate([persons, goal[:, None]], axis=1)
        total = weights.sum(axis=1) + 0.1
        middle = ((weights[..., None] * persons).sum(axis=1) + 0.1 * anchor) / total[:, None]
        off = (persons[..., 0] - middle[:, None, 0]) ** 2
        return middle, np.sqrt((weights * off).sum(axis=1) / total) * np.cos(np.radians(middle[:, 1]))

    def _between(self, at: Floats, table: Floats, times_s: Floats) -> Wishes:
        """The rows at other times: in between, and for a while beyond."""
        rows = np.stack([np.interp(times_s, at, column) for column in table.T], axis=1)
        beyond = np.clip(times_s - at[-1], 0.0, None)
        glide = _GLIDE_S * (1 - np.exp(-beyond / _GLIDE_S))
        drift = glide[:, None] * table[-1, 6:8] * table[-1, 2]
        unseen = np.clip(_gaps(times_s, at) - 0.3, 0.0, None) / _GAP_S
        known = np.exp(-np.where(beyond > 0, beyond / _FORESEEN_S, unseen))
        sure = rows[:, 2] * known
        slow = np.clip(2 - np.hypot(rows[:, 6], rows[:, 7]) / _STILL_DEG_S, 0.0, 1.0)
        return Wishes(
            times_s,
            rows[:, :2] + drift,
            sure,
            rows[:, 3:5] + drift,
            _FAINT + (1 - _FAINT) * sure,
            rows[:, 5],
            1 + _SETTLED * slow * sure,
        )


def _gaps(times_s: Floats, at: Floats) -> Floats:
    """Seconds from each time to the nearest of ``at``, ascending."""
    right = np.clip(np.searchsorted(at, times_s), 0, len(at) - 1)
    left = np.clip(right - 1, 0, None)
    return np.asarray(np.minimum(np.abs(at[right] - times_s), np.abs(times_s - at[left])))


def _speeds(at: Floats, ball: Floats, sure: Floats) -> Floats:
    """Degrees per second, shape (n, 2): slope of a local line, weighted by nearness in time and sureness."""
    slopes = np.empty_like(ball)
    for first in range(0, len(at), _AT_ONCE):
        here = at[first : first + _AT_ONCE]
        near = slice(*np.searchsorted(at, [here[0] - 5 * _SPEED_S, here[-1] + 5 * _SPEED_S]))
        away = at[None, near] - here[:, None]
        weights = np.exp(-0.5 * (away / _SPEED_S) ** 2) * (sure[near] + 1e-6)
        weights /= weights.sum(axis=1, keepdims=True)
        off = away - (weights * away).sum(axis=1, keepdims=True)
        width = (weights * off**2).sum(axis=1) + _RIDGE
        slopes[first : first + _AT_ONCE] = (weights * off) @ ball[near] / width[:, None]
    return slopes
