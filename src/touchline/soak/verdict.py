"""Go or no-go: each promise, its limit and the figure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from touchline.soak.books import Sample
from touchline.soak.limits import SoakLimits
from touchline.soak.results import SoakResult

_MB = 1_000_000
_MS = 1000.0
# What a promise of its own speaks of; whatever else was violated is counted together.
_NAMED = frozenset({"freeze", "lost", "repeated", "out of order"})


@dataclass(frozen=True)
class Promise:
    """One line of the table. ``go`` is None for what could not be measured, which decides nothing."""

    name: str
    limit: str
    figure: str
    go: bool | None


def promises(result: SoakResult, limits: SoakLimits) -> list[Promise]:
    """Every promise, decided."""
    return [*_memory(result, limits), *_programme(result, limits), *_end(result, limits)]


def is_go(decided: list[Promise]) -> bool:
    """Whether nothing speaks against it."""
    return all(promise.go is not False for promise in decided)


def rss_growth(samples: tuple[Sample, ...]) -> int | None:
    """By how much resident memory has grown since the first tenth at most, in bytes, faults' own memory left out.

    None if there are too few points to tell.
    """
    own = [sample for sample in samples if not sample.ballast]
    if not own:
        return None
    start_s = samples[-1].at_s / 10
    later = [sample.rss_bytes for sample in own if sample.at_s >= start_s]
    return max(later) - later[0] if len(later) > 1 else None


def _memory(result: SoakResult, limits: SoakLimits) -> Iterator[Promise]:
    yield _ratio(
        "memory held against the window", limits.held_ratio, result.held_peak_bytes / result.window_bytes
    )
    growth = rss_growth(result.samples)
    name, limit = "growth of resident memory after the first tenth", f"<= {limits.rss_growth_mb:g} MB"
    if growth is None:
        yield Promise(name, limit, "not measured", None)
    else:
        yield Promise(name, limit, f"{growth / _MB:.2f} MB", growth <= limits.rss_growth_mb * _MB)
    if result.gpu_load is None:
        yield Promise("GPU load", f"<= {limits.gpu_load:.0%}", "no GPU", None)
    else:
        yield Promise(
            "GPU load",
            f"<= {limits.gpu_load:.0%}",
            f"{result.gpu_load:.0%}",
            result.gpu_load <= limits.gpu_load,
        )


def _programme(result: SoakResult, limits: SoakLimits) -> Iterator[Promise]:
    yield _count("freezes", limits.freezes, result.violations.get("freeze", 0))
    books = result.programmes
    yield _ms("delay error p50", limits.delay_error_p50_ms, max(each.error_p50_s for each in books))
    yield _ms("delay error p99", limits.delay_error_p99_ms, max(each.error_p99_s for each in books))
    yield _ms("delay error max", limits.delay_error_max_ms, max(each.error_max_s for each in books))
    yield _count("frames lost that no fault explains", limits.lost, result.violations.get("lost", 0))
    yield _count("frames repeated", limits.repeated, result.violations.get("repeated", 0))
    yield _count("frames out of order", limits.out_of_order, result.violations.get("out of order", 0))
    if result.recoveries:
        times = [recovery.recovery_s for recovery in result.recoveries]
        done = [seconds for seconds in times if seconds is not None]
        never = len(times) - len(done)
        figure = f"{max(done, default=0.0):.3f} s" + (f", {never} never" if never else "")
        good = not never and max(done) <= limits.recovery_s
        yield Promise("longest recovery from a fault", f"<= {limits.recovery_s:g} s", figure, good)


def _end(result: SoakResult, limits: SoakLimits) -> Iterator[Promise]:
    others = sum(count for rule, count in result.violations.items() if rule not in _NAMED)
    yield _count("violations of other invariants", limits.other, others)
    yield _count("frames missing from the pools at the end", limits.pool_missing, result.pool_missing)
    if result.buffers_left is None:
        yield Promise("buffers left at the end", f"<= {limits.buffers_left}", "not measured", None)
    else:
        yield _count("buffers left at the end", limits.buffers_left, result.buffers_left)


def _count(name: str, limit: int, figure: int) -> Promise:
    return Promise(name, f"<= {limit}", str(figure), figure <= limit)


def _ms(name: str, limit_ms: float, seconds: float) -> Promise:
    return Promise(name, f"<= {limit_ms:g} ms", f"{seconds * _MS:.3f} ms", seconds * _MS <= limit_ms)


def _ratio(name: str, limit: float, figure: float) -> Promise:
    # Rounded as it is shown, so that nobody has to wonder.
    return Promise(name, f"<= {limit:g} x", f"{figure:.3f} x", round(figure, 3) <= limit)
