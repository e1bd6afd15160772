"""Plain counters that every part keeps of itself; telemetry reads them. Bounded memory, whatever the run's length."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
from numpy.typing import ArrayLike

_PER_DECADE = 200  # 1.2 % wide bins
_LOWEST = -7  # 100 ns, in powers of ten seconds
_DECADES = 10  # up to 1000 s


class Tally:
    """Counts by name; safe from several threads."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}
        self._sources: list[tuple[str, Callable[[], int]]] = []
        self._lock = threading.Lock()

    def add(self, name: str, count: int = 1) -> None:
        with self._lock:
            self._counts[name] = self._counts.get(name, 0) + count

    def add_source(self, name: str, read: Callable[[], int]) -> None:
        """Counts what others count by themselves, beside what is added here: asked for whenever somebody looks."""
        with self._lock:
            self._sources.append((name, read))

    def __getitem__(self, name: str) -> int:
        return self.as_dict().get(name, 0)

    @property
    def total(self) -> int:
        return sum(self.as_dict().values())

    def as_dict(self) -> dict[str, int]:
        """A copy, sorted by name."""
        with self._lock:
            counts = dict(self._counts)
            sources = list(self._sources)
        for name, read in sources:
            counts[name] = counts.get(name, 0) + read()
        return dict(sorted(counts.items()))


class BusBytes:
    """Bytes of pictures that crossed the bus between the processor's memory and a GPU's, by stage.

    Attributes:
        up: to the GPU.
        down: from it.
    """

    def __init__(self) -> None:
        self.up = Tally()
        self.down = Tally()

    def as_dict(self) -> dict[str, dict[str, int]]:
        """A copy: bytes by direction and stage."""
        return {"up": self.up.as_dict(), "down": self.down.as_dict()}


class Durations:
    """A distribution of durations in seconds: bins on a logarithmic scale, exact count, sum and extremes.

    Percentiles are right to 1.2 %. Values below 100 ns, zero and negative ones included, fall into the first bin.
    """

    def __init__(self) -> None:
        self._bins = np.zeros(_DECADES * _PER_DECADE + 1, dtype=np.int64)
        self._lock = threading.Lock()
        self.count = 0
        self.sum_s = 0.0
        self.max_s = 0.0

    def add(self, seconds: float) -> None:
        """Counts one duration. As :meth:`extend` does, in a tenth of its time: several threads do it every frame."""
        place = int((math.log10(max(seconds, 10.0**_LOWEST)) - _LOWEST) * _PER_DECADE)
        with self._lock:
            self._bins[min(max(place, 0), len(self._bins) - 1)] += 1
            self.count += 1
            self.sum_s += seconds
            self.max_s = max(self.max_s, seconds)

    def extend(self, seconds: ArrayLike) -> None:
        """Counts many durations."""
        values = np.asarray(seconds, dtype=np.float64)
        if not values.size:
            return
        places = (np.log10(np.maximum(values, 10.0**_LOWEST)) - _LOWEST) * _PER_DECADE
        places = np.clip(places.astype(np.int64), 0, len(self._bins) - 1)
        with self._lock:
            np.add.at(self._bins, places, 1)
            self.count += values.size
            self.sum_s += float(values.sum())
            self.max_s = max(self.max_s, float(values.max()))

    @contextmanager
    def measure(self) -> Iterator[None]:
        """Counts how long the body of a ``with`` takes."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self.add(time.perf_counter() - start)

    def percentile(self, percent: float) -> float:
        """The duration in seconds that ``percent`` of all do not exceed; 0 if there are none."""
        with self._lock:
            if not self.count:
                return 0.0
            place = int(np.searchsorted(np.cumsum(self._bins), math.ceil(self.count * percent / 100), "left"))
            if place == 0:
                return 0.0
            return float(min(10 ** (_LOWEST + (place + 0.5) / _PER_DECADE), self.max_s))

    def cumulative(self, bounds: list[float]) -> list[int]:
        """How many durations are at or below each bound in seconds (to the width of a bin)."""
        with self._lock:
            sums = np.cumsum(self._bins)
        places = (np.log10(np.maximum(np.asarray(bounds), 10.0**_LOWEST)) - _LOWEST) * _PER_DECADE
        return [int(sums[min(len(sums) - 1, max(0, int(place)))]) for place in places]
