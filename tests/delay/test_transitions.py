"""Every transition of the table in docs/delay.md, by the numbers in the pictures that leave.

Times are in frames of 1/25 s: ``(7.0, 3, False)`` is picture number 3 at the programme's time 7 / 25 s, not held.
"""

from __future__ import annotations

import gc
import itertools

import pytest
from stage import SLATE, STEP, Stage

from touchline.delay import Rules, State
from touchline.errors import PlanError
from touchline.gst.library import MILLISECOND, SECOND

FILL = Rules(fill=True, hold_after_ns=3 * STEP, slate_after_ns=10 * STEP)


@pytest.fixture
def stage():
    made: list[Stage] = []

    def make_stage(**options) -> Stage:
        made.append(Stage(**options))
        return made[-1]

    yield make_stage
    for each in made:
        pool = each.pool
        each.close()
        gc.collect()
        assert pool.stats().free == pool.frames, "every frame is back, whatever has happened"


def fresh(first: int, last: int, shift: int = 0) -> list[tuple[float, int, bool]]:
    """New frames, each at its own time (moved by ``shift``)."""
    return [(float(n + shift), n, False) for n in range(first, last)]


def held(number: int, first: int, last: int) -> list[tuple[float, int, bool]]:
    return [(float(n), number, True) for n in range(first, last)]


def kinds(shown: list) -> list:
    """Slates without their countdown."""
    return [(at, SLATE if isinstance(what, str) else what, flagged) for at, what, flagged in shown]


def slates(first: int, last: int) -> list:
    return [(float(n), SLATE, False) for n in range(first, last)]


def test_filling_shows_nothing_and_the_first_frame_leaves_one_delay_after_its_capture(stage) -> None:
    s = stage()
    s.film(range(50))
    s.end_after(49)
    times = []
    player, shown = s.player(1.0, FILL, lead_s=0.0, on_change=lambda _, new: times.append((new, s.clock.now)))
    s.start(player)
    assert player.wait(20)
    assert shown == fresh(0, 50)
    assert (State.PLAYING, SECOND) in times


def test_filling_with_a_slate_counts_down_to_the_first_frame(stage) -> None:
    s = stage()
    s.film(range(30))
    s.end_after(29)
    rules = Rules(fill=True, slate_first=True)
    player, shown = s.player(1.0, rules, origin_ns=0)
    s.start(player)
    assert player.wait(20)
    # The programme begins at once; a frame's time is its capture and one second.
    assert kinds(shown) == slates(0, 25) + fresh(0, 30, shift=25)
    assert shown[5:25] == [(float(n), f"slate {(25 - n) / 25:.2f}", False) for n in range(5, 25)]
    assert player.slates == 25


def test_a_short_gap_is_left_alone_and_a_longer_one_holds_the_last_frame(stage) -> None:
    s = stage()
    s.film(range(10))
    s.film(range(12, 20))  # two frames are missing
    s.film(range(26, 40))  # six are
    s.end_after(39)
    player, shown = s.player(1.0, FILL)
    s.start(player)
    assert player.wait(20)
    assert shown == fresh(0, 10) + fresh(12, 20) + held(19, 20, 26) + fresh(26, 40)
    assert (player.held, player.slates, player.breaks) == (6, 0, 1)
    assert player.longest_break_s == pytest.approx(7 / 25)
    assert player.dropped.total == 0


def test_a_gap_that_lasts_gives_way_to_the_slate_and_the_timeline_is_kept(stage) -> None:
    s = stage()
    s.film(range(10))
    s.film(range(60, 100))  # two seconds are missing: longer than the delay
    s.end_after(99)
    states = []
    player, shown = s.player(1.0, FILL, on_change=lambda _, new: states.append(new))
    s.start(player)
    assert player.wait(20)
    assert kinds(shown) == fresh(0, 10) + held(9, 10, 20) + slates(20, 60) + fresh(60, 100)
    assert states == [
        State.FILLING,
        State.PLAYING,
        State.HOLDING,
        State.SLATE,
        State.PLAYING,
        State.DRAINING,
        State.DONE,
    ]


def test_without_filling_a_gap_shows_nothing_and_the_timeline_is_kept(stage) -> None:
    s = stage()
    s.film(range(10))
    s.film(range(30, 40))
    s.end_after(39)
    player, shown = s.player(2.0, Rules())
    s.clock.run_until(40 * STEP)  # the script goes on only while the player waits for a time
    s.start(player)
    assert player.wait(20)
    assert shown == fresh(0, 10) + fresh(30, 40)


def test_with_hardly_any_delay_a_frame_that_is_a_little_late_is_no_gap(stage) -> None:
    """Held frames took the places of the new ones, for ever, since none is there before it is due."""
    s = stage()
    s.film(range(40), late=20 * MILLISECOND)
    s.end_after(40)
    player, shown = s.player(0.0, FILL, lead_s=0.0)
    s.start(player)
    assert player.wait(20)
    assert shown == fresh(0, 40)


def test_with_hardly_any_delay_the_timeline_is_found_again_after_a_gap(stage) -> None:
    s = stage()
    s.film(range(10), late=20 * MILLISECOND)
    s.film(range(20, 40), late=20 * MILLISECOND)
    s.end_after(40)
    player, shown = s.player(0.0, FILL, lead_s=0.0)
    s.start(player)
    assert player.wait(20)
    assert [row for row in shown if not row[2]][-19:] == fresh(21, 40)
    assert all(later > earlier for (earlier, *_), (later, *_) in itertools.pairwise(shown))
    assert player.held >= 5


@pytest.mark.parametrize("by", ["slate", "hold"])
def test_a_longer_delay_is_reached_behind_a_slate_or_the_last_frame(stage, by: str) -> None:
    s = stage()
    s.film(range(75))
    s.end_after(74)
    player, shown = s.player(1.0, FILL, longest_ns=2 * SECOND)
    s.clock.at(30 * STEP, lambda: player.change_delay(round(1.4 * SECOND), by))
    s.start(player)
    assert player.wait(20)
    cut = next(i for i, row in enumerate(shown) if row[1] != i)
    between = slates(cut, cut + 10) if by == "slate" else held(cut - 1, cut, cut + 10)
    assert kinds(shown) == fresh(0, cut) + between + fresh(cut, 75, shift=10)
    assert player.delay_ns == round(1.4 * SECOND)
    assert player.dropped.total == 0, "a longer delay costs no frame"


def test_a_longer_delay_by_a_jump_goes_back_into_the_history(stage) -> None:
    s = stage(history_s=1.0)
    s.film(range(75))
    s.end_after(74)
    player, shown = s.player(1.0, FILL, longest_ns=2 * SECOND)
    s.clock.at(40 * STEP, lambda: player.change_delay(round(1.4 * SECOND), "jump", at_pts=25 * STEP))
    s.start(player)
    assert player.wait(20)
    # What was shown in the last 0.4 s is shown again.
    assert shown == fresh(0, 25) + fresh(15, 75, shift=10)


def test_a_shorter_delay_by_a_jump_at_a_chosen_frame(stage) -> None:
    s = stage()
    s.film(range(75))
    s.end_after(74)
    player, shown = s.player(1.0, FILL)
    s.clock.at(10 * STEP, lambda: player.change_delay(round(0.6 * SECOND), "jump", at_pts=30 * STEP))
    s.start(player)
    assert player.wait(20)
    assert shown == fresh(0, 30) + fresh(40, 75, shift=-10)
    assert player.dropped.as_dict() == {"skipped": 10}


def test_a_shorter_delay_behind_a_slate(stage) -> None:
    s = stage()
    s.film(range(100))
    s.end_after(99)
    player, shown = s.player(1.0, Rules(fill=True, cover_ns=12 * STEP))
    s.clock.at(10 * STEP, lambda: player.change_delay(round(0.6 * SECOND), "slate", at_pts=30 * STEP))
    s.start(player)
    assert player.wait(20)
    assert kinds(shown) == fresh(0, 30) + slates(30, 42) + fresh(52, 100, shift=-10)
    assert player.dropped.as_dict() == {"skipped": 22}


def test_a_delay_that_the_window_has_no_room_for_is_refused(stage) -> None:
    s = stage()
    player, _ = s.player(1.0, FILL, longest_ns=2 * SECOND)
    with pytest.raises(PlanError, match=r"2.1 s has no room in a window planned for 2 s.*--max-delay"):
        player.change_delay(round(2.1 * SECOND))


def test_a_dump_shows_nothing_of_what_had_been_filmed(stage) -> None:
    """The panic button: the unseen second is thrown away, also for replays."""
    s = stage(history_s=5.0)
    s.film(range(100))
    s.end_after(99)
    seen: list[object] = []

    def dump() -> None:
        player.dump()
        s.clock.at(51 * STEP, lambda: seen.append(s.store.oldest_pts))

    player, shown = s.player(1.0, FILL)
    s.clock.at(50 * STEP - MILLISECOND, dump)  # 0 .. 49 have been filmed
    s.start(player)
    assert player.wait(20)
    cut = next(i for i, row in enumerate(shown) if isinstance(row[1], str))
    assert kinds(shown) == fresh(0, cut) + slates(cut, 50) + fresh(50, 100)
    assert 20 <= cut <= 30
    assert player.dropped.as_dict() == {"dumped": 50 - cut}
    assert seen == [50 * STEP], "no replay can show it either"


def test_a_pause_goes_back_to_the_timeline(stage) -> None:
    s = stage()
    s.film(range(100))
    s.end_after(99)
    player, shown = s.player(1.0, FILL)
    s.clock.at(45 * STEP, player.pause)
    s.clock.at(75 * STEP, player.resume)
    states = []
    player.states._on_change = lambda _, new: states.append(new)
    s.start(player)
    assert player.wait(20)
    first = next(i for i, row in enumerate(shown) if row[2])
    last = max(i for i, row in enumerate(shown) if row[2]) + 1
    assert shown == fresh(0, first) + held(first - 1, first, last) + fresh(last, 100)
    assert 28 <= last - first <= 32
    assert player.dropped.as_dict() == {"paused": last - first}
    assert State.PAUSED in states


def test_a_pause_that_keeps_its_place_makes_the_delay_longer(stage) -> None:
    s = stage()
    s.film(range(100))
    s.end_after(99)
    player, shown = s.player(1.0, FILL, longest_ns=3 * SECOND)
    s.clock.at(45 * STEP, lambda: player.pause(keep=True))
    s.clock.at(75 * STEP, player.resume)
    s.start(player)
    assert player.wait(20)
    first = next(i for i, row in enumerate(shown) if row[2])
    count = sum(row[2] for row in shown)
    assert shown == fresh(0, first) + held(first - 1, first, first + count) + fresh(first, 100, shift=count)
    assert player.delay_ns == SECOND + count * STEP
    assert player.dropped.total == 0


def test_a_pause_longer_than_the_window_loses_only_what_has_no_room(stage) -> None:
    s = stage(frames=80)
    s.film(range(200))
    s.end_after(199)
    player, shown = s.player(1.0, FILL, longest_ns=2 * SECOND)
    s.clock.at(45 * STEP, lambda: player.pause(keep=True))
    s.clock.at(150 * STEP, player.resume)
    s.start(player)
    assert player.wait(20)
    assert player.delay_ns == 2 * SECOND
    numbers = [row[1] for row in shown if not row[2]]
    assert numbers == sorted(set(numbers))
    lost = set(range(200)) - set(numbers)
    assert len(lost) == player.dropped["paused"] > 0
    assert max(lost) - min(lost) == len(lost) - 1, "one cut"


def test_the_end_drains_over_a_gap(stage) -> None:
    s = stage()
    s.film(range(10))
    s.film(range(20, 25))
    s.end_after(24)
    player, shown = s.player(2.0, FILL)
    s.start(player)
    assert player.wait(20)
    assert shown == fresh(0, 10) + held(9, 10, 20) + fresh(20, 25)
    assert player.state is State.DONE


def test_a_late_frame_is_shown_where_it_belongs(stage) -> None:
    s = stage()
    s.film(range(20))
    s.film(range(21, 40))
    s.clock.at(35 * STEP, lambda: s.capture(20))
    s.end_after(39)
    player, shown = s.player(1.0, FILL)
    s.start(player)
    assert player.wait(20)
    assert shown == fresh(0, 40)


def test_several_programmes_share_each_frame(stage) -> None:
    """7 s, 2 s and nothing, here 1.4, 0.4 and 0: each has every frame at its own time, and each is held once."""
    s = stage(frames=60)
    s.film(range(100))
    s.end_after(99)
    most = []
    # One clock goes for all: the players run one after the other on the same script of captures.
    player, shown = s.player(1.4, FILL)
    near, near_shown = s.player(0.4, FILL)
    now, now_shown = s.player(0.0, FILL, lead_s=0.0)
    for other, frames in ((near, 10), (now, 0)):
        for number in range(100):
            s.clock.at((number + frames) * STEP + 2 * MILLISECOND, lambda p=other: step(p))
    s.clock.at(0, lambda: None)

    def step(other) -> None:
        other._step()
        most.append((len(s.store), s.pool.frames - s.pool.stats().free))

    s.start(player)
    assert player.wait(20)
    assert shown == near_shown == now_shown == fresh(0, 100)
    assert max(held for held, _ in most) <= 36 + 1
    assert max(out for _, out in most) <= 36 + 5, "three programmes, one copy"
    near.states.go(State.STOPPED)
    now.states.go(State.STOPPED)
