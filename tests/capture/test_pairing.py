"""Pairing by time, against what anybody would call the right pairs."""

from __future__ import annotations

import random
import threading

from hypothesis import given, settings
from hypothesis import strategies as st

from touchline.capture.pairing import Pairer


def run(left: list[int], right: list[int], frame_ns: tuple[int, int], order: str = "even", depth: int = 4):
    """Both sides through a pairer, from two threads (it waits), and what came out."""
    pairer: Pairer[int] = Pairer(frame_ns, (depth, depth), waits=True)

    def feed(side: int, times: list[int]) -> None:
        for pts in times:
            pairer.put(side, pts, pts)
        pairer.end(side)

    threads = [threading.Thread(target=feed, args=(side, t)) for side, t in enumerate((left, right))]
    if order == "right first":
        threads.reverse()
    for thread in threads:
        thread.start()
    pairs = []
    while not pairer.finished:
        pair = pairer.next(5)
        if pair is not None:
            pairs.append((pair[0].pts, pair[1].pts))
    for thread in threads:
        thread.join(5)
        assert not thread.is_alive()
    return pairs, pairer.dropped.as_dict()


def test_equal_cameras_pair_one_to_one() -> None:
    times = [i * 40 for i in range(50)]
    assert run(times, times, (40, 40)) == ([(t, t) for t in times], {})


def test_a_constant_offset_below_half_a_frame_does_not_matter() -> None:
    left = [i * 40 for i in range(50)]
    pairs, dropped = run(left, [t + 15 for t in left], (40, 40))
    assert pairs == [(t, t + 15) for t in left]
    assert dropped == {}


def test_twice_the_rate_takes_every_second_frame() -> None:
    left = [i * 33_333 for i in range(30)]
    right = [i * 16_667 for i in range(60)]
    pairs, dropped = run(left, right, (33_333, 16_667))
    assert [p[0] for p in pairs] == left
    assert max(abs(a - b) for a, b in pairs) < 100
    assert dropped == {"right_unpaired": 30}


def test_25_and_30_frames_a_second_pair_with_the_nearest() -> None:
    left = [i * 40_000 for i in range(100)]
    right = [round(i * 33_333.333) for i in range(120)]
    pairs, dropped = run(left, right, (40_000, 33_333))
    assert [p[0] for p in pairs] == left
    for a, b in pairs:
        assert abs(a - b) == min(abs(a - r) for r in right)
    assert dropped == {"right_unpaired": 20}


def test_a_missing_frame_costs_its_partner_only() -> None:
    times = [i * 40 for i in range(50)]
    pairs, dropped = run(times, times[:20] + times[23:], (40, 40))
    assert pairs == [(t, t) for t in times if t not in times[20:23]]
    assert dropped == {"left_unpaired": 3}


def test_a_camera_that_starts_later_or_ends_earlier() -> None:
    times = [i * 40 for i in range(50)]
    pairs, dropped = run(times[10:], times[:30], (40, 40))
    assert pairs == [(t, t) for t in times[10:30]]
    assert dropped == {"left_unpaired": 20, "right_unpaired": 10}


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(1, 60), min_size=1, max_size=40),
    st.lists(st.integers(1, 60), min_size=1, max_size=40),
    st.integers(2, 6),
)
def test_pairs_depend_on_the_times_alone(left_steps: list[int], right_steps: list[int], depth: int) -> None:
    left = [sum(left_steps[: i + 1]) for i in range(len(left_steps))]
    right = [sum(right_steps[: i + 1]) for i in range(len(right_steps))]
    one = run(left, right, (40, 40), depth=depth)
    other = run(left, right, (40, 40), order="right first", depth=9)
    assert one == other
    pairs, dropped = one
    assert all(abs(a - b) <= 20 for a, b in pairs)
    assert [a for a, _ in pairs] == sorted({a for a, _ in pairs})
    assert [b for _, b in pairs] == sorted({b for _, b in pairs})
    assert len(pairs) + dropped.get("left_unpaired", 0) == len(left)
    assert len(pairs) + dropped.get("right_unpaired", 0) == len(right)


def test_a_live_camera_is_not_held_back_but_counted() -> None:
    pairer: Pairer[int] = Pairer((40, 40), (4, 4), waits=False)
    for i in range(10):
        pairer.put(0, i * 40, i)
    assert pairer.dropped.as_dict() == {"left_overflow": 6}
    for i in range(10):
        pairer.put(1, i * 40, i)
    pair = pairer.next(0)
    assert pair is not None
    assert pair[0].pts == pair[1].pts == 240


def test_a_film_that_is_decoded_more_slowly_gets_its_partners() -> None:
    """What ran ahead was dropped, oldest first: just what the other film's next frames belonged to, for good."""
    pairer: Pairer[int] = Pairer((40, 40), (4, 4), waits=False, holds_back=True)
    times = [i * 40 for i in range(30)]
    right = threading.Thread(target=lambda: [pairer.put(1, t, t) for t in times], daemon=True)
    right.start()
    right.join(0.1)
    assert right.is_alive(), "it is held back"
    pairs = []
    for t in times:
        pairer.put(0, t, t)
        pair = pairer.next(5)
        pairs.append(pair and (pair[0].pts, pair[1].pts))
    right.join(5)
    assert pairs == [(t, t) for t in times]
    assert pairer.dropped.as_dict() == {}


def test_two_films_that_come_too_quickly_for_the_stitch_lose_frames_and_do_not_wait() -> None:
    pairer: Pairer[int] = Pairer((40, 40), (4, 4), waits=False, holds_back=True)
    for t in range(0, 30 * 40, 40):
        for side in (0, 1):
            pairer.put(side, t, t)
    pairs = [pairer.next(5) for _ in range(4)]
    assert [(left.pts, right.pts) for left, right in pairs] == [(t, t) for t in range(26 * 40, 30 * 40, 40)]
    assert pairer.dropped.as_dict() == {"left_overflow": 26, "right_overflow": 26}


def test_a_film_that_is_held_back_lets_go_when_the_run_stops() -> None:
    pairer: Pairer[int] = Pairer((40, 40), (4, 4), waits=False, holds_back=True)
    right = threading.Thread(target=lambda: [pairer.put(1, t, t) for t in range(9)], daemon=True)
    right.start()
    right.join(0.1)
    assert right.is_alive()
    pairer.close()
    right.join(5)
    assert not right.is_alive()
    assert pairer.dropped.as_dict() == {"right_stopped": 9}


def test_closing_wakes_a_camera_that_is_held_back() -> None:
    pairer: Pairer[int] = Pairer((40, 40), (2, 2), waits=True)

    def fill() -> None:
        for i in range(10):
            pairer.put(0, random.randrange(10) + i * 40, i)

    thread = threading.Thread(target=fill)
    thread.start()
    assert pairer.next(0.05) is None
    pairer.close()
    thread.join(5)
    assert not thread.is_alive()
    assert pairer.finished
