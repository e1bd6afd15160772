"""The schedule of faults: by its seed alone, every kind before any comes again, none into the aftermath of another."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from touchline.soak.faults import EFFECTS, GRACE_S, STEPPED, Kind, schedule

SEEDS = st.integers(0, 2**32)
LENGTHS = st.floats(1, 90_000)
DELAYS = st.floats(0.1, 60)
CHOICES = st.sampled_from([tuple(Kind), STEPPED, (Kind.JITTER,), (Kind.SLOW_OUTPUT, Kind.CAMERA_LOSS)])


@given(SEEDS, LENGTHS, DELAYS, CHOICES)
def test_faults_keep_apart_and_inside_the_run(seed, duration_s, delay_s, kinds) -> None:
    faults = schedule(seed, duration_s, delay_s, kinds)
    for fault in faults:
        effect = EFFECTS[fault.kind]
        assert fault.kind in kinds
        assert fault.start_s > delay_s
        assert effect.shortest_s - 0.001 <= fault.length_s <= effect.longest_s + 0.001
        assert fault.seen(delay_s)[1] + GRACE_S <= duration_s
    for one, other in itertools.pairwise(faults):
        assert one.end_s + delay_s + GRACE_S < other.start_s


@given(SEEDS, DELAYS, CHOICES)
def test_every_kind_comes_before_any_comes_again(seed, delay_s, kinds) -> None:
    found = [fault.kind for fault in schedule(seed, 20_000, delay_s, kinds)]
    rounds = [found[place : place + len(kinds)] for place in range(0, len(found), len(kinds))]
    assert len(rounds) > 1
    assert all(len(set(each)) == len(each) for each in rounds)


@given(SEEDS, DELAYS)
def test_the_same_seed_gives_the_same_faults(seed, delay_s) -> None:
    assert schedule(seed, 5000, delay_s) == schedule(seed, 5000, delay_s)


def test_other_seeds_give_other_faults() -> None:
    assert len({schedule(seed, 5000, 7) for seed in range(20)}) == 20


def test_a_day_has_some_hundred_faults_and_a_minute_a_few() -> None:
    assert 100 <= len(schedule(1, 86_400, 7)) <= 300
    assert 2 <= len(schedule(1, 60, 7)) <= 6
    assert schedule(1, 10, 7) == ()
    assert schedule(1, 1000, 7, ()) == ()


def test_what_happens_to_the_camera_is_seen_one_delay_later() -> None:
    faults = schedule(3, 1000, 7)
    lost = next(fault for fault in faults if fault.kind is Kind.CAMERA_LOSS)
    slow = next(fault for fault in faults if fault.kind is Kind.SLOW_OUTPUT)
    assert lost.seen(7) == (lost.start_s + 7, lost.end_s + 7)
    assert slow.seen(7) == (slow.start_s, slow.end_s)
