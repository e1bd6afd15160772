"""Counters: what goes in comes out, to the width of a bin, from several threads too."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from touchline.counters import Durations, Tally


def test_a_tally_counts_by_name() -> None:
    tally = Tally()
    tally.add("late")
    tally.add("early", 3)
    tally.add("late")
    assert (tally["late"], tally["early"], tally["never"], tally.total) == (2, 3, 0, 5)
    assert list(tally.as_dict().items()) == [("early", 3), ("late", 2)]


def test_several_threads_lose_no_count() -> None:
    tally, durations = Tally(), Durations()

    def work() -> None:
        for _ in range(2000):
            tally.add("x")
            durations.add(0.001)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert tally["x"] == durations.count == 8000
    assert durations.sum_s == pytest.approx(8.0)


@pytest.mark.parametrize("spread", [0.1, 1.0, 3.0])
def test_percentiles_are_right_to_the_width_of_a_bin(spread: float) -> None:
    values = np.exp(np.random.default_rng(1).normal(np.log(0.01), spread, 5000)).clip(1e-6, 900)
    durations = Durations()
    durations.extend(values)
    for percent in (1, 50, 90, 99, 99.5):
        exact = np.percentile(values, percent, method="inverted_cdf")
        assert durations.percentile(percent) == pytest.approx(exact, rel=0.012)
    assert durations.max_s == values.max()
    assert durations.count == 5000


def test_no_percentile_is_beyond_the_longest() -> None:
    durations = Durations()
    durations.extend([0.001, 0.0020001])
    assert durations.percentile(100) <= 0.0020001


def test_nothing_and_less_than_nothing() -> None:
    durations = Durations()
    assert durations.percentile(50) == 0
    assert durations.cumulative([0.1, 1]) == [0, 0]
    durations.extend([])
    assert durations.count == 0
    durations.extend([-0.5, 0.0, 0.2])
    assert durations.count == 3
    assert durations.percentile(50) == 0
    assert durations.cumulative([0.1, 1.0]) == [2, 3]


def test_cumulative_counts_agree_with_the_values() -> None:
    values = np.random.default_rng(2).uniform(0.001, 0.2, 1000)
    durations = Durations()
    durations.extend(values)
    bounds = [0.001, 0.01, 0.05, 0.1, 0.5]
    for bound, count in zip(bounds, durations.cumulative(bounds), strict=True):
        assert (values < bound * 0.98).sum() <= count <= (values < bound * 1.02).sum()


def test_durations_beyond_the_scale_are_counted_too() -> None:
    durations = Durations()
    durations.add(50_000.0)
    assert durations.cumulative([100.0]) == [0]
    assert durations.count == 1
    assert durations.max_s == 50_000.0


def test_measure_counts_a_body_that_raises() -> None:
    durations = Durations()
    with pytest.raises(RuntimeError), durations.measure():
        raise RuntimeError
    assert durations.count == 1
    assert durations.sum_s > 0


def test_a_tally_counts_what_others_count_by_themselves() -> None:
    tally, told = Tally(), [0]
    tally.add_source("native", lambda: told[0])
    assert tally.as_dict() == {"native": 0}
    told[0] = 5
    tally.add("native", 2)
    tally.add("own")
    tally.add_source("native", lambda: 10)
    assert (tally["native"], tally["never"], tally.total) == (17, 0, 18)
    assert list(tally.as_dict().items()) == [("native", 17), ("own", 1)]


def test_one_by_one_or_all_at_once_is_the_same() -> None:
    values = [-0.5, 0.0, 1e-8, 1e-7, 0.001, 0.01, 0.5, 999.0, 50_000.0]
    values += np.random.default_rng(3).lognormal(-4.6, 2.0, 2000).tolist()
    single, together = Durations(), Durations()
    for value in values:
        single.add(value)
    together.extend(values)
    assert (single.count, single.max_s) == (together.count, together.max_s)
    assert single.sum_s == pytest.approx(together.sum_s)
    for percent in range(101):
        assert single.percentile(percent) == together.percentile(percent)
