"""Where players were, frame by frame, as it was known at any time since."""

from __future__ import annotations

from bisect import bisect_right
from collections import deque

from touchline.analysis.play import PlayerAt

_Version = tuple[int, "PlayerAt | None"]  # from which pts on that is known; None: he was not there


class Lineup:
    """The players of one frame. What is learnt about it later is kept with the time at which it was learnt."""

    def __init__(self, pts_ns: int) -> None:
        self.pts_ns = pts_ns
        self._versions: dict[int, list[_Version]] = {}
        self._learnt: list[int] = []
        self._told: tuple[int, tuple[PlayerAt, ...]] = (0, ())

    def learn(self, number: int, at: PlayerAt | None, known_ns: int) -> None:
        """A track's place here, or None for nobody there; ``known_ns`` never falls."""
        self._versions.setdefault(number, []).append((known_ns, at))
        self._learnt.append(known_ns)

    def known_by(self, pts_ns: int) -> tuple[PlayerAt, ...]:
        """Everybody, in the order of the tracks' numbers, as far as it was known at ``pts_ns``."""
        count = bisect_right(self._learnt, pts_ns)
        if count != self._told[0]:
            found = []
            for _, versions in sorted(self._versions.items()):
                known = [at for known_ns, at in versions if known_ns <= pts_ns]
                if known and known[-1] is not None:
                    found.append(known[-1])
            self._told = (count, tuple(found))
        return self._told[1]


class TrackDiary:
    """What one track writes into the lineups: nothing until it is believed, then everything since its birth.

    Frames in which it is unseen hold its expected place until it is found again; then, what lies between. If it is
    not found again it was there no longer than ``linger_ns``.
    """

    def __init__(self, number: int, linger_ns: int) -> None:
        self._number, self._linger_ns = number, linger_ns
        self._believed = False
        self._waiting: list[tuple[Lineup, PlayerAt]] = []  # before it was believed
        self._unseen: deque[tuple[Lineup, PlayerAt]] = deque()
        self._last: tuple[int, PlayerAt] | None = None

    def write(self, lineup: Lineup, at: PlayerAt, believed: bool) -> None:
        """The next frame."""
        now = lineup.pts_ns
        if at.seen and self._unseen and self._last is not None:
            self._bridge(now, at)
        if at.seen:
            self._last = (now, at)
            self._unseen.clear()
        else:
            self._unseen.append((lineup, at))
        if believed and not self._believed:
            self._believed = True
            for earlier, place in self._waiting:
                earlier.learn(self._number, place, now)
            self._waiting.clear()
        if self._believed:
            lineup.learn(self._number, at, now)
        else:
            self._waiting.append((lineup, at))

    def end(self, now_ns: int) -> None:
        """It has died, which is known since ``now_ns``."""
        if self._believed and self._last is not None:
            for lineup, _ in self._unseen:
                if lineup.pts_ns - self._last[0] > self._linger_ns:
                    lineup.learn(self._number, None, now_ns)

    def _bridge(self, now_ns: int, at: PlayerAt) -> None:
        assert self._last is not None
        begin_ns, begin = self._last
        filled: dict[int, PlayerAt] = {}
        for lineup, _ in self._unseen:
            share = (lineup.pts_ns - begin_ns) / (now_ns - begin_ns)
            filled[lineup.pts_ns] = _between(begin, at, share)
            if self._believed:
                lineup.learn(self._number, filled[lineup.pts_ns], now_ns)
        self._waiting = [(lineup, filled.get(lineup.pts_ns, place)) for lineup, place in self._waiting]


def _between(one: PlayerAt, other: PlayerAt, share: float) -> PlayerAt:
    place = None
    if one.place is not None and other.place is not None:
        place = (
            one.place[0] + share * (other.place[0] - one.place[0]),
            one.place[1] + share * (other.place[1] - one.place[1]),
        )
    return PlayerAt(
        one.track,
        one.yaw_deg + share * (other.yaw_deg - one.yaw_deg),
        one.pitch_deg + share * (other.pitch_deg - one.pitch_deg),
        False,
        place,
    )
