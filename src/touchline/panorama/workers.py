"""A few threads that run kernels over bands of rows."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType

_BANDS_PER_THREAD = 4  # so that a thread that was held up does not hold up the rest


class Workers:
    """Threads that share the rows of a picture among them. The kernels must release the GIL.

    Several threads may call :meth:`run` at once: each makes bands of its own call itself and gets what help there is.

    Args:
        threads: how many threads work on one call, the calling one among them; default: one for each core.

    Raises:
        ValueError: for fewer than one thread.

    >>> with Workers() as workers:
    ...     workers.run(lambda first, last: None, rows=1080)
    """

    def __init__(self, threads: int | None = None) -> None:
        self.threads = os.cpu_count() or 1 if threads is None else threads
        if self.threads < 1:
            raise ValueError(f"at least one thread is needed, not {self.threads}")
        self._pool = ThreadPoolExecutor(max(1, self.threads - 1), thread_name_prefix="touchline-rows")

    def run(self, kernel: Callable[[int, int], None], rows: int, multiple: int = 1) -> None:
        """Calls ``kernel(first, last)`` on bands that together cover rows 0 .. ``rows`` once, and waits for all.

        Args:
            kernel: works on rows ``first`` .. ``last - 1``; bands run at the same time and in any order.
            rows: how many rows there are.
            multiple: every band starts at a multiple of this.

        Raises:
            Exception: whatever a kernel raised.
        """
        units = -(-rows // multiple)
        bands = min(units, 1 if self.threads == 1 else self.threads * _BANDS_PER_THREAD)
        edges = [units * band // bands * multiple for band in range(bands)] if bands else []
        edges.append(rows)
        numbers = (
            itertools.count()
        )  # next() of it is one step of the interpreter: no two threads get one number
        helpers: list[Future[None]] = [
            self._pool.submit(_work, kernel, edges, numbers) for _ in range(min(self.threads, bands) - 1)
        ]
        try:
            _work(kernel, edges, numbers)
        finally:
            # One that has not begun by now has nothing left to do.
            begun = [helper for helper in helpers if not helper.cancel()]
            failures = [failure for helper in begun if (failure := helper.exception()) is not None]
        if failures:
            raise failures[0]

    def close(self) -> None:
        """Ends the threads; calling it again does nothing."""
        self._pool.shutdown(wait=True)

    def __enter__(self) -> Workers:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _work(kernel: Callable[[int, int], None], edges: list[int], numbers: Iterator[int]) -> None:
    """Takes bands, one after the other, until none is left."""
    while (band := next(numbers)) < len(edges) - 1:
        kernel(edges[band], edges[band + 1])
