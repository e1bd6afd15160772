"""Delays that are shorter than the way of a frame to us: late, but every frame, and as soon as it is there."""

from __future__ import annotations

import threading

import pytest
from stage import STEP, ScriptClock, Stage

from touchline.delay import Cue, FrameStore, LiveTimeline, Player, Rules, Shown
from touchline.gst.library import MILLISECOND, SECOND, Gst

FILL = Rules(fill=True)


@pytest.fixture
def stage():
    made = Stage()
    yield made
    made.close()


def new_ones(shown: list) -> list[int]:
    return [number for _, number, flagged in shown if not isinstance(number, str) and not flagged]


def test_frames_are_shown_again_behind_a_gap_although_each_is_late(stage) -> None:
    """After a gap what filled it was on the clock; every frame from then on came behind that, and none was shown."""
    late = 120 * MILLISECOND
    stage.film(range(50), late)
    stage.film(range(70, 120), late)
    stage.clock.at(120 * STEP + late, stage.store.end)
    player, shown = stage.player(0.0, FILL, lead_s=0.0)
    stage.clock.run_until(late + MILLISECOND)
    player.start()
    assert player.wait(20)
    numbers = new_ones(shown)
    assert numbers == [*range(50), *range(70, 120)]
    assert 10 <= player.held <= 20


def test_a_way_that_is_longer_than_any_patience_freezes_nothing(stage) -> None:
    """The first frame was shown, then the last one was held for ever: all others were late by 0.4 s."""
    late = 400 * MILLISECOND
    stage.film(range(100), late)
    stage.clock.at(100 * STEP + late, stage.store.end)
    player, shown = stage.player(0.0, FILL, lead_s=0.0)
    stage.clock.run_until(late + MILLISECOND)
    player.start()
    assert player.wait(20)
    assert new_ones(shown) == list(range(100))


def test_a_delay_that_becomes_shorter_than_the_lead(stage) -> None:
    """Gaps were looked for half a lead ahead, before any frame could be there: all was held from then on."""
    stage.film(range(100), 40 * MILLISECOND)
    stage.clock.at(101 * STEP, stage.store.end)
    player, shown = stage.player(1.0, FILL, lead_s=0.5)
    stage.clock.at(40 * STEP + 2 * MILLISECOND, lambda: player.change_delay(0, "jump"))
    stage.clock.run_until(50 * MILLISECOND)
    player.start()
    assert player.wait(20)
    numbers = new_ones(shown)
    jump = next(place for place, number in enumerate(numbers) if number != place)
    assert numbers[jump:] == list(range(numbers[jump], 100))
    assert 52 <= numbers[jump] <= 54, "what had been prepared by then was shown at that time"
    assert player.held <= 3


@pytest.mark.parametrize(("delay_s", "lead_s", "late_ms"), [(0.0, 0.0, 20), (0.3, 0.15, 200)])
def test_a_frame_that_comes_while_a_gap_is_waited_for_is_not_kept(
    delay_s: float, lead_s: float, late_ms: int
) -> None:
    """Until it was known to be a gap nobody looked: frames left in bursts of a quarter of a second."""
    clock, store = ScriptClock(), FrameStore(100)
    late = late_ms * MILLISECOND
    for number in range(60):
        at = number * STEP
        clock.at(at + late, lambda at=at: store.append(Gst.Buffer.new(), at, STEP))
    clock.at(60 * STEP + late, store.end)
    asked: list[int] = []

    def show(cue: Cue) -> None:
        if cue.kind is Shown.FRAME:
            asked.append(clock.now - cue.pts)

    timeline = LiveTimeline(clock, 0, round(lead_s * SECOND))
    player = Player(
        store, timeline, show, delay_ns=round(delay_s * SECOND), frame_ns=STEP, rules=FILL, origin_ns=0
    )
    clock.run_until(late)
    player.start()
    assert player.wait(20)
    player.stop()
    assert len(asked) == 60
    assert max(asked) <= max(late, round((delay_s - lead_s) * SECOND)) + 10 * MILLISECOND


def test_what_was_skipped_before_it_came_is_counted_at_the_end_too(stage) -> None:
    """Late frames were counted with the next picture, and there was none any more."""
    stage.film(range(30))
    player, _ = stage.player(1.0, FILL)
    player._reader.skip_to(30 * STEP)
    stage.clock.run_until(2 * SECOND)
    stage.store.end()
    player.start()
    assert player.wait(20)
    player.stop()
    assert player.dropped["skipped"] == 30


def test_an_alarm_is_for_the_next_frame_alone() -> None:
    store, alarm = FrameStore(10), threading.Event()
    reader = store.reader("reader")
    assert reader.peek(alarm) is None
    reader.skip_to(5 * STEP)
    store.append(Gst.Buffer.new(), 4 * STEP)
    assert not alarm.is_set()
    store.append(Gst.Buffer.new(), 5 * STEP)
    assert alarm.is_set()
    alarm.clear()
    assert reader.peek(alarm) == 5 * STEP
    store.append(Gst.Buffer.new(), 6 * STEP)
    assert not alarm.is_set(), "there was one"
    assert (reader.take_missed(), reader.take_missed()) == (1, 0)


def test_a_dump_reaches_what_is_still_on_its_way(stage) -> None:
    """Frames that had been captured and were being stitched or encoded then were shown one delay later."""
    late = 200 * MILLISECOND
    stage.film(range(100), late)
    stage.clock.at(100 * STEP + late, stage.store.end)
    player, shown = stage.player(1.0, FILL)
    stage.clock.at(50 * STEP + MILLISECOND, player.dump)
    stage.clock.run_until(late + MILLISECOND)
    player.start()
    assert player.wait(20)
    numbers = new_ones(shown)
    gone = sorted(set(range(100)) - set(numbers))
    assert numbers == sorted(set(numbers))
    assert gone == list(range(gone[0], 51)), "all that was captured by then"
    assert player.dropped.as_dict() == {"dumped": len(gone)}
