"""The schedule of cues: what holds for any stream of frames, whatever is missing."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from touchline.delay.cues import Rules, Schedule, Shown
from touchline.gst.library import MILLISECOND, SECOND

FRAME = 40 * MILLISECOND
gaps = st.lists(st.sampled_from([1, 1, 1, 1, 2, 5, 8, 30, 100]), min_size=1, max_size=40)
rules = st.builds(
    Rules,
    fill=st.booleans(),
    slate_first=st.booleans(),
    hold_after_ns=st.sampled_from([0, 250 * MILLISECOND]),
    slate_after_ns=st.sampled_from([200 * MILLISECOND, 2 * SECOND]),
)


def play(schedule: Schedule, frames: list[int]) -> list[tuple[Shown, int]]:
    """Every cue until the frames are over, each decided with the next frame known, as with a long delay."""
    cues: list[tuple[Shown, int]] = []
    waiting = list(frames)
    while waiting:
        picked = schedule.pick(waiting[0])
        assert picked is not None
        assert picked[1] == schedule.target(waiting[0])
        cues.append(picked)
        if picked[0] is Shown.FRAME:
            assert not schedule.too_late(waiting.pop(0))
        schedule.note(*picked)
    return cues


@given(gaps, rules, st.integers(0, 10 * SECOND))
def test_every_frame_is_shown_on_time_and_what_fills_keeps_the_rate(gaps, rules, delay_ns) -> None:
    frames = [FRAME * n for n in itertools.accumulate(gaps)]
    schedule = Schedule(delay_ns, FRAME, rules)
    schedule.begin(0)
    cues = play(schedule, frames)
    assert [at for kind, at in cues if kind is Shown.FRAME] == [pts + delay_ns for pts in frames]
    times = [at for _, at in cues]
    assert all(later > earlier for earlier, later in itertools.pairwise(times))
    if not rules.fill:
        assert len(cues) == len(frames)
        return
    for (_, earlier), (_, later) in itertools.pairwise(cues):
        # Half a frame, since what fills does not know when the next frame comes.
        assert later - earlier <= max(rules.hold_after_ns, FRAME * 3 // 2)
    if not rules.slate_first:
        assert cues[0][0] is Shown.FRAME


@given(gaps, st.sampled_from([200 * MILLISECOND, 2 * SECOND]))
def test_the_last_frame_is_held_until_the_slate_and_never_after_it(gaps, slate_after_ns) -> None:
    schedule = Schedule(SECOND, FRAME, Rules(fill=True, slate_after_ns=slate_after_ns))
    last_new = None
    before = Shown.FRAME
    for kind, at in play(schedule, [FRAME * n for n in itertools.accumulate(gaps)]):
        if kind is Shown.FRAME:
            last_new = at
        elif kind is Shown.HELD:
            assert last_new is not None
            assert at - last_new <= slate_after_ns
            assert before is not Shown.SLATE
        else:
            assert last_new is None or at - last_new > slate_after_ns
        before = kind


@given(st.lists(st.sampled_from(["frame", "pause", "resume", "blank", "nothing"]), max_size=60))
def test_time_never_stands_still_nor_runs_back_whatever_is_asked(wishes: list[str]) -> None:
    schedule = Schedule(SECOND, FRAME, Rules(fill=True))
    pts, last = 0, -1
    for wish in wishes:
        if wish == "pause":
            schedule.paused = True
        elif wish == "resume":
            schedule.paused = False
        elif wish == "blank":
            schedule.blank = True
        next_pts = pts if wish == "frame" else None
        begun = schedule.tick is not None
        picked = schedule.pick(next_pts)
        if picked is None:
            continue
        kind, running = picked
        assert running > last
        # Something has to be shown before it can stand still.
        assert kind is not Shown.FRAME or not (schedule.paused and begun)
        assert kind is not Shown.HELD or not schedule.blank
        schedule.note(kind, running)
        last = running
        pts += FRAME if kind is Shown.FRAME else 0
        while pts + SECOND < last:
            pts += FRAME
