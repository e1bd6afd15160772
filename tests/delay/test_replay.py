"""Instant replay: the numbers of a piece of the history, at every speed, while the programme goes on."""

from __future__ import annotations

import gc

import pytest
from stage import STEP, Stage

from footage import number_of
from touchline.delay import Cue, LiveTimeline, ReplayPlayer, Rules, Shown
from touchline.errors import ConfigurationError
from touchline.gst.library import SECOND, Gst
from touchline.gst.mapping import read_nv12


def run(speed: float, pieces=((25, 44),)) -> tuple[list, list, Stage]:
    """A programme one second late, and replays of pieces (in frames) that are asked for at frame 60."""
    s = Stage(history_s=2.0)
    s.film(range(150))
    s.end_after(149)
    player, shown = s.player(1.0, Rules(fill=True))
    seen: list[tuple[int, int, bool]] = []

    def show(cue: Cue) -> None:
        assert cue.frame is None or cue.frame.buffer.pts == cue.at
        if cue.kind is Shown.SLATE or cue.frame is None:
            seen.append((cue.at // STEP, -1, False))
            return
        with read_nv12(cue.frame.buffer, s.pool.layout) as picture:
            number = number_of(picture.y)
        flagged = cue.frame.buffer.has_flags(Gst.BufferFlags.DROPPABLE)
        assert flagged == (cue.kind is Shown.HELD)
        seen.append((cue.at // STEP, number, flagged))

    replays = ReplayPlayer(s.store, LiveTimeline(s.clock, 0, 0), show, frame_ns=STEP)
    running = iter(range(200))

    def tick() -> None:
        replays._step(next(running) * STEP)

    for number in range(150):
        s.clock.at(number * STEP + 2_000_000, tick)
    for first, last in pieces:
        s.clock.at(60 * STEP, lambda a=first, b=last: replays.replay(a * STEP, b * STEP, speed))
    s.start(player)
    assert player.wait(20)
    assert [number for _, number, _ in shown] == list(range(150)), "the programme goes on"
    return seen, replays, s


@pytest.mark.parametrize(
    ("speed", "numbers"),
    [
        (1.0, list(range(25, 45))),
        (0.5, [n for n in range(25, 45) for _ in range(2)]),
        (0.25, [n for n in range(25, 45) for _ in range(4)]),
        (2.0, list(range(25, 45, 2))),
    ],
)
def test_a_replay_shows_its_piece_at_its_speed(speed: float, numbers: list[int]) -> None:
    seen, replays, s = run(speed)
    piece = [(at, number) for at, number, _ in seen if number >= 0]
    assert [number for _, number in piece] == numbers
    assert [at for at, _ in piece] == list(range(60, 60 + len(numbers))), (
        "at the frame rate, from when it was asked for"
    )
    assert (replays.played, replays.held) == (len(set(numbers)), len(numbers) - len(set(numbers)))
    assert all(number == -1 for at, number, _ in seen if at < 60)
    replays.stop()
    s.close()
    del replays
    gc.collect()
    assert s.pool.stats().free == s.pool.frames


def test_replays_wait_for_each_other() -> None:
    seen, replays, s = run(1.0, pieces=((40, 49), (30, 34)))
    assert [number for _, number, _ in seen if number >= 0] == [*range(40, 50), *range(30, 35)]
    assert replays.replays == 2
    s.close()


def test_replays_that_wait_hold_no_more_than_was_planned_for() -> None:
    """Each kept its frames for as long as it waited, until the pool was empty and the programme lost frames."""
    s = Stage(history_s=2.0)
    for number in range(60):
        s.capture(number)
    seen: list[Cue] = []
    replays = ReplayPlayer(s.store, LiveTimeline(s.clock, 0, 0), seen.append, frame_ns=STEP)
    assert replays.replay(0, 19 * STEP) == 20
    assert replays.replay(20 * STEP, 39 * STEP) == 20
    with pytest.raises(ConfigurationError, match="as long as the history"):
        replays.replay(40 * STEP, 59 * STEP)
    for number in range(20):
        replays._step(number * STEP)
    assert replays.replay(40 * STEP, 59 * STEP) == 20, "one is over"
    with pytest.raises(ConfigurationError, match="as long as the history"):
        replays.replay(40 * STEP, 59 * STEP)
    replays.dump()
    replays._step(20 * STEP)
    assert seen[-1].kind is Shown.SLATE
    assert replays.replay(0, 39 * STEP) == 40
    replays.dump()
    seen.clear()
    s.close()


def test_what_is_not_held_any_more_can_not_be_replayed() -> None:
    s = Stage(history_s=1.0)
    for number in range(5, 10):
        s.capture(number)
    replays = ReplayPlayer(s.store, LiveTimeline(s.clock, 0, 0), lambda _: None, frame_ns=STEP)
    with pytest.raises(
        ConfigurationError, match=r"of 0.0 to 0.1 s: what is held begins at 0.2 s \(--history\)"
    ):
        replays.replay(0, 2 * STEP)
    for speed in (0.2, 2.1, float("nan")):
        with pytest.raises(ConfigurationError, match=r"0\.25 to 2 times"):
            replays.replay(0, SECOND, speed)
    s.close()


def test_on_a_clock_of_its_own_it_begins_and_ends_with_the_programmes() -> None:
    s = Stage()
    s.clock.at(10 * STEP, s.store.end)
    ats: list[int] = []
    replays = ReplayPlayer(
        s.store,
        LiveTimeline(s.clock, 0, 0),
        lambda cue: ats.append(cue.at),
        frame_ns=STEP,
        origin_ns=2 * STEP,
    )
    replays.start()
    assert replays.wait(10)
    assert ats == [n * STEP for n in range(8)]
    s.close()
