"""A play that is known from beginning to end."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence

from touchline.analysis.play import BallAt, Moment, Place, Play, PlayerAt

_GAP_NS = 600_000_000  # between two moments, over which nobody says what was


class KnownPlay:
    """Moments that are all there from the start: see :class:`~touchline.analysis.play.Play`. Nothing is forgotten.

    Args:
        moments: in the order of their pts.

    Raises:
        ValueError: if they are not.
    """

    def __init__(self, moments: Iterable[Moment]) -> None:
        self._moments = tuple(moments)
        self._pts = [moment.pts_ns for moment in self._moments]
        if any(first >= second for first, second in zip(self._pts[:-1], self._pts[1:], strict=True)):
            raise ValueError("the moments of a play ascend")

    def between(self, first_ns: int, last_ns: int) -> Sequence[Moment]:
        """Those with ``first_ns <= pts <= last_ns``."""
        return self._moments[bisect_left(self._pts, first_ns) : bisect_right(self._pts, last_ns)]

    def wait_for(self, pts_ns: int, timeout_s: float | None = None) -> bool:
        """Everything is known already."""
        return True

    def forget_before(self, pts_ns: int) -> None:
        """Others may still ask."""


def moment_at(play: Play, pts_ns: int) -> Moment | None:
    """Where everybody is between two moments, for pictures that are shown more often than they are looked at.

    Who is in one of the two alone is where he is in that one. None where the play has a hole.
    """
    near = play.between(pts_ns - _GAP_NS, pts_ns + _GAP_NS)
    before = next((moment for moment in reversed(near) if moment.pts_ns <= pts_ns), None)
    after = next((moment for moment in near if moment.pts_ns >= pts_ns), None)
    if before is None or after is None or after.pts_ns - before.pts_ns > _GAP_NS:
        return None
    if before.pts_ns == after.pts_ns:
        return before
    share = (pts_ns - before.pts_ns) / (after.pts_ns - before.pts_ns)
    later = {player.track: player for player in after.players}
    players = [_player(player, later.pop(player.track, player), share) for player in before.players]
    ball = before.ball or after.ball
    if before.ball is not None and after.ball is not None:
        ball = _ball(before.ball, after.ball, share)
    return Moment(pts_ns, ball, (*players, *later.values()))


def _ball(one: BallAt, other: BallAt, share: float) -> BallAt:
    return BallAt(
        _mixed(one.yaw_deg, other.yaw_deg, share),
        _mixed(one.pitch_deg, other.pitch_deg, share),
        _mixed(one.sureness, other.sureness, share),
        one.seen or other.seen,
        _place(one.place, other.place, share),
    )


def _player(one: PlayerAt, other: PlayerAt, share: float) -> PlayerAt:
    return PlayerAt(
        one.track,
        _mixed(one.yaw_deg, other.yaw_deg, share),
        _mixed(one.pitch_deg, other.pitch_deg, share),
        one.seen or other.seen,
        _place(one.place, other.place, share),
    )


def _place(one: Place | None, other: Place | None, share: float) -> Place | None:
    if one is None or other is None:
        return one or other
    return _mixed(one[0], other[0], share), _mixed(one[1], other[1], share)


def _mixed(one: float, other: float, share: float) -> float:
    return one + share * (other - one)
