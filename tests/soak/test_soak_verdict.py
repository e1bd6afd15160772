"""Limits decide between go and no-go, and a file decides the limits."""

from __future__ import annotations

from dataclasses import replace

import pytest

from touchline.errors import ConfigurationError
from touchline.soak.books import Sample
from touchline.soak.faults import Fault, Kind
from touchline.soak.judge import Recovery
from touchline.soak.limits import SoakLimits, load_limits
from touchline.soak.results import ProgrammeBooks, SoakResult
from touchline.soak.settings import SoakSettings
from touchline.soak.verdict import is_go, promises, rss_growth

MB = 1_000_000


def samples(rss: list[float], ballast: tuple[int, ...] = ()) -> tuple[Sample, ...]:
    return tuple(Sample(float(at), round(size * MB), 0, 5, 0.0, at in ballast) for at, size in enumerate(rss))


BOOKS = ProgrammeBooks("programme 7 s", 7.0, 1000, 0, 0, 0, {}, 0, 0.0001, 0.001, 0.002, 1)
RECOVERY = Recovery(Fault(Kind.JITTER, 20, 2, 1), "programme 7 s", 0.1)
GOOD = SoakResult(
    settings=SoakSettings(100),
    reached_s=100,
    wall_s=1,
    cpu_s=1,
    filmed=3000,
    programmes=(BOOKS,),
    violations={},
    first_violations=(),
    recoveries=(RECOVERY,),
    samples=samples([100] * 101),
    checks=100,
    held_peak_bytes=211,
    window_bytes=210,
    pool_low=20,
    pool_missing=0,
    buffers_left=0,
    gpu_load=0.3,
    furthest_placed_s=0,
)


def failed(result: SoakResult, limits: SoakLimits | None = None) -> list[str]:
    decided = promises(result, limits or SoakLimits())
    names = [promise.name for promise in decided if promise.go is False]
    assert is_go(decided) == (not names)
    return names


def test_a_good_run_is_a_go() -> None:
    assert failed(GOOD) == []


@pytest.mark.parametrize(
    ("change", "promise"),
    [
        ({"held_peak_bytes": 215}, "memory held"),
        ({"samples": samples([100] * 50 + [106] * 51)}, "resident memory"),
        ({"gpu_load": 0.95}, "GPU load"),
        ({"violations": {"freeze": 1}}, "freezes"),
        ({"violations": {"lost": 1}}, "lost"),
        ({"violations": {"repeated": 1}}, "repeated"),
        ({"violations": {"out of order": 1}}, "out of order"),
        ({"violations": {"shares": 1}}, "other invariants"),
        ({"violations": {"not recovered": 1}}, "other invariants"),
        ({"programmes": (BOOKS, replace(BOOKS, error_p50_s=0.0011))}, "p50"),
        ({"programmes": (replace(BOOKS, error_p99_s=0.011), BOOKS)}, "p99"),
        ({"programmes": (replace(BOOKS, error_max_s=0.051),)}, "max"),
        ({"recoveries": (RECOVERY, replace(RECOVERY, recovery_s=1.1))}, "recovery"),
        ({"recoveries": (replace(RECOVERY, recovery_s=None),)}, "recovery"),
        ({"pool_missing": 1}, "pools"),
        ({"buffers_left": 1}, "buffers left"),
    ],
)
def test_each_promise_that_is_broken_is_a_no_go(change, promise) -> None:
    (name,) = failed(replace(GOOD, **change))
    assert promise in name


def test_what_was_not_measured_decides_nothing() -> None:
    assert failed(replace(GOOD, gpu_load=None, buffers_left=None, samples=())) == []


def test_memory_that_a_fault_has_taken_is_no_growth() -> None:
    sizes = [100.0] * 100
    sizes[40] = 164.0
    assert rss_growth(samples(sizes)) == 64 * MB
    assert rss_growth(samples(sizes, ballast=(40,))) == 0


def test_what_grows_in_the_first_tenth_is_no_growth() -> None:
    assert rss_growth(samples([50.0] * 7 + [100.0] * 72)) == 0
    assert rss_growth(samples([50.0] * 9 + [100.0] * 70)) == 50 * MB


def test_a_file_has_the_limits(tmp_path) -> None:
    file = tmp_path / "touchline.toml"
    file.write_text("delay = 5\n[soak]\nrss-growth-mb = 7\nlost = 3\n")
    limits = load_limits(file)
    assert (limits.rss_growth_mb, limits.lost, limits.repeated) == (7, 3, 0)
    assert failed(replace(GOOD, violations={"lost": 3}), limits) == []
    assert failed(replace(GOOD, violations={"lost": 4}), limits) != []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[soak]\nlosses = 1\n", "losses.*known are held_ratio"),
        ("[soak]\nlost = -1\n", "lost"),
        ("[soak]\nlost = 'many'\n", "lost"),
        ("soak = 1\n", "must be a table"),
        ("[soak\n", "not TOML"),
    ],
)
def test_a_limit_that_makes_no_sense_is_refused(tmp_path, text, said) -> None:
    file = tmp_path / "touchline.toml"
    file.write_text(text)
    with pytest.raises(ConfigurationError, match=said):
        load_limits(file)


def test_no_file_is_told_apart_from_no_limits(tmp_path) -> None:
    assert load_limits(None) == SoakLimits()
    file = tmp_path / "empty.toml"
    file.write_text("")
    assert load_limits(file) == SoakLimits()
    with pytest.raises(ConfigurationError, match="can't be read"):
        load_limits(tmp_path / "none.toml")
