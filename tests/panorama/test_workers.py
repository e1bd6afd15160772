"""Bands cover the rows once, whoever asks and whatever fails."""

from __future__ import annotations

import threading

import pytest

from touchline.panorama.workers import Workers


@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize(("rows", "multiple"), [(0, 1), (1, 1), (7, 1), (100, 16), (16, 16), (1080, 2)])
def test_every_row_once(threads, rows, multiple):
    bands, lock = [], threading.Lock()

    def kernel(first: int, last: int) -> None:
        with lock:
            bands.append((first, last))

    with Workers(threads) as workers:
        workers.run(kernel, rows, multiple)
    assert sorted(row for first, last in bands for row in range(first, last)) == list(range(rows))
    assert all(first % multiple == 0 for first, _ in bands)


def test_several_callers_at_once():
    """More callers than threads: each finishes, with its own rows."""
    done: dict[int, list[int]] = {}
    with Workers(2) as workers:

        def call(number: int) -> None:
            for _ in range(50):
                rows: list[int] = []
                workers.run(lambda first, last, rows=rows: rows.extend(range(first, last)), 40)
                done.setdefault(number, []).append(len(set(rows)))

        callers = [threading.Thread(target=call, args=(n,)) for n in range(6)]
        for caller in callers:
            caller.start()
        for caller in callers:
            caller.join(timeout=30)
    assert {n: set(counts) for n, counts in done.items()} == {n: {40} for n in range(6)}


def test_failures_reach_the_caller():
    def kernel(first: int, last: int) -> None:
        raise RuntimeError(f"rows {first}")

    with Workers(3) as workers:
        with pytest.raises(RuntimeError, match="rows"):
            workers.run(kernel, 30)
        workers.run(lambda first, last: None, 30)


def test_no_threads_are_left_behind():
    before = threading.active_count()
    workers = Workers(4)
    workers.run(lambda first, last: None, 100)
    workers.close()
    workers.close()
    assert threading.active_count() == before


def test_no_threads_at_all_are_refused():
    with pytest.raises(ValueError, match="at least one"):
        Workers(0)
