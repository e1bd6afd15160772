"""Pairing when one of two live cameras goes and comes: the other one's frames leave once each, in order."""

from __future__ import annotations

import itertools
from collections.abc import Iterable

from hypothesis import given, settings
from hypothesis import strategies as st

from touchline.capture.pairing import Pairer

FRAME = 40
PATIENCE = 6 * FRAME
DEPTH = 12
Out = tuple[int | None, int | None]


class Live:
    """A pairer of two live cameras in one thread: whatever can come out comes out at once."""

    def __init__(self, frame_ns: tuple[int, int] = (FRAME, FRAME), patience_ns: int = PATIENCE) -> None:
        self.pairer: Pairer[int] = Pairer(frame_ns, (DEPTH, DEPTH), waits=False, patience_ns=patience_ns)
        self.out: list[Out] = []

    def put(self, side: int, pts: int) -> None:
        self.pairer.put(side, pts, pts)
        self.take()

    def take(self) -> None:
        while (pair := self.pairer.next(0)) is not None:
            left, right = pair
            self.out.append((left.pts if left else None, right.pts if right else None))

    def play(self, left: Iterable[int], right: Iterable[int], lag: int = 1) -> None:
        """Frames arrive at their PTS; those of the right camera ``lag`` later."""
        arrivals = sorted([(pts, 0, pts) for pts in left] + [(pts + lag, 1, pts) for pts in right])
        for _, side, pts in arrivals:
            self.put(side, pts)

    @property
    def dropped(self) -> dict[str, int]:
        return self.pairer.dropped.as_dict()


def times(*numbers: Iterable[int]) -> list[int]:
    return [number * FRAME for some in numbers for number in some]


def both(*numbers: Iterable[int]) -> list[Out]:
    return [(pts, pts) for pts in times(*numbers)]


def alone(*numbers: Iterable[int]) -> list[Out]:
    return [(pts, None) for pts in times(*numbers)]


def test_the_other_one_goes_on_when_one_is_lost_and_they_are_paired_when_it_is_back() -> None:
    live = Live()
    live.play(times(range(60)), times(range(20), range(40, 60)))
    # The first frame of the camera that came back finds its partner gone: nobody had waited for it.
    assert live.out == both(range(20)) + alone(range(20, 41)) + both(range(41, 60))
    assert live.dropped == {"right_missing": 21, "right_unpaired": 1}


def test_nobody_waits_longer_than_the_patience() -> None:
    live = Live()
    live.play(times(range(20)), times(range(20)))
    for number in range(20, 26):
        live.put(0, number * FRAME)
    assert live.out == both(range(20)), "it may still come"
    live.put(0, 26 * FRAME)
    assert live.out == both(range(20)) + alone(range(20, 27))
    live.put(0, 27 * FRAME)
    assert live.out[-1] == (27 * FRAME, None), "now it is missing, and nobody waits any more"


def test_the_patience_is_never_longer_than_the_queue() -> None:
    live = Live(patience_ns=1000 * FRAME)
    live.play(times(range(100)), times(range(20)))
    assert live.out == both(range(20)) + alone(range(20, 100))
    assert live.dropped == {"right_missing": 80}, "nothing overflows"


def test_frames_of_a_short_gap_go_alone_and_are_not_lost() -> None:
    live = Live()
    live.play(times(range(30)), times(range(10), range(13, 20), range(21, 30)))
    assert live.out == sorted(
        both(range(10), range(13, 20), range(21, 30)) + alone(range(10, 13), (20,)),
        key=lambda pair: pair[0] or 0,
    )
    assert live.dropped == {"right_missing": 4}


def test_what_comes_late_but_within_the_patience_is_still_paired() -> None:
    live = Live()
    live.play(times(range(50)), times(range(50)), lag=4 * FRAME + 1)
    live.take()
    assert live.out == both(range(50))
    assert live.dropped == {}


def test_a_camera_that_is_always_too_late_does_not_hold_the_other_one_up() -> None:
    """Each of its frames would have made the other camera wait once more."""
    live = Live()
    live.play(times(range(100)), times(range(100)), lag=10 * FRAME + 1)
    assert [left for left, _ in live.out] == times(range(100))
    assert all(right is None for _, right in live.out)


def test_before_the_first_frame_of_a_camera_the_other_one_waits_for_it() -> None:
    live = Live()
    live.play(times(range(20)), times(range(3, 20)))
    assert live.out == both(range(3, 20))
    never = Live()
    never.play(times(range(20)), [])
    assert never.out == alone(range(20))


def test_a_fast_camera_alone_is_no_faster_than_both() -> None:
    """At 60 frames a second alone it would have filled a pool that was planned for 30."""
    live = Live((33, 16))
    slow, fast = [i * 33 for i in range(20)], [round(i * 16.5) for i in range(120)]
    live.play(slow, fast)
    assert [left for left, _ in live.out[:20]] == slow
    steps = [b[1] - a[1] for a, b in zip(live.out[20:], live.out[21:], strict=False) if a[1] and b[1]]
    assert len(steps) > 35
    assert min(steps) >= 32
    assert sum(steps) / len(steps) < 34


def test_25_goes_on_for_30_at_25() -> None:
    live = Live((40, 33))
    slow, fast = [i * 40 for i in range(20)], [i * 33 for i in range(200)]
    live.play(slow, fast)
    rest = [right for left, right in live.out if left is None and right is not None]
    assert (len(rest) - 1) * 40 <= rest[-1] - rest[0] + 40


def test_frames_out_of_order_are_put_in_order() -> None:
    live = Live()
    for number in (0, 1, 3, 2, 3, 4):
        live.put(0, number * FRAME)
    for number in range(5):
        live.put(1, number * FRAME)
    assert live.out == both(range(5))
    assert live.dropped == {"left_unpaired": 1}, "the one that came twice"


def test_the_end_takes_no_frame_alone_that_only_waits_for_its_partner() -> None:
    live = Live()
    live.play(times(range(10)), times(range(9)))
    live.pairer.end(0)
    live.pairer.end(1)
    live.take()
    assert live.out == both(range(9))
    assert live.pairer.finished


def test_the_end_lets_out_what_is_left_of_the_camera_that_was_alone() -> None:
    live = Live()
    live.play(times(range(30)), times(range(10)))
    live.pairer.put(0, 30 * FRAME, 0)
    live.pairer.end(1)
    live.pairer.end(0)
    assert not live.pairer.finished
    live.take()
    assert live.out == both(range(10)) + alone(range(10, 31))
    assert live.pairer.finished


def test_the_end_of_one_is_no_loss_of_it() -> None:
    """Of two cameras that stop at the same time one does so first, and the other one's frames may be here already."""
    live = Live()
    live.play(times(range(10)), times(range(10)))
    for number in range(10, 20):
        live.pairer.put(1, number * FRAME, 0)
    live.pairer.end(0)
    live.take()
    assert live.out == both(range(10))
    assert live.dropped == {"right_unpaired": 10}
    assert live.pairer.finished


def test_a_camera_that_is_faster_than_it_says_fills_no_queue() -> None:
    live = Live((2 * FRAME, 2 * FRAME), patience_ns=1000 * FRAME)
    live.play(times(range(100)), times(range(20)))
    assert live.out == both(range(20)) + alone(range(20, 100))
    assert "left_overflow" not in live.dropped


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 15), st.integers(1, 15)), max_size=5),
    st.integers(-FRAME // 2 + 5, FRAME // 2 - 5),
    st.integers(0, 4 * FRAME),
    st.lists(st.integers(-4, 4), min_size=200, max_size=200),
    st.booleans(),
)
def test_every_frame_of_the_camera_that_stays_leaves_once_whenever_the_other_one_goes_and_comes(
    spans: list[tuple[int, int]], offset: int, lag: int, jitter: list[int], left_stays: bool
) -> None:
    """Whenever it is lost and back, however long, with any offset below half a frame, delay and jitter."""
    there, number = [], 3
    there.extend(range(number))
    for lost, back in spans:
        number += lost
        there.extend(range(number, number + back))
        number += back
    stays = [1000 + i * FRAME + jitter[i] for i in range(number + 12)]
    comes = [1000 + i * FRAME + offset + jitter[-1 - i] // 4 for i in there]
    live = Live()
    arrivals = [(pts, not left_stays, pts) for pts in stays] + [(pts + lag, left_stays, pts) for pts in comes]
    for _, side, pts in sorted(arrivals):
        live.put(int(side), pts)
    side = 0 if left_stays else 1
    name = ("left", "right")[side]
    left = [pair[side] for pair in live.out if pair[side] is not None]
    early = [pts for pts in stays if pts < comes[0] - FRAME // 2]
    begun = stays.index(left[0])
    assert begun <= len(early) + 1, "only what came before the other camera's first frame has no partner"
    assert left == stays[begun : begun + len(left)], "each once, in order, and none left out"
    assert len(left) >= len(stays) - begun - DEPTH, "and none kept waiting"
    assert live.dropped.get(f"{name}_unpaired", 0) == begun
    moments = [pair[0] if pair[0] is not None else pair[1] for pair in live.out]
    assert all(a < b for a, b in itertools.pairwise(moments)), "strictly in order of time"
    assert all(abs(a - b) <= FRAME // 2 for a, b in live.out if a is not None and b is not None)
    alone_now = sum(pair[1 - side] is None for pair in live.out)
    assert live.dropped.get(f"{('left', 'right')[1 - side]}_missing", 0) == alone_now
