"""What an appsink has got, handed to Python in batches: one waking of a thread for several samples.

A signal for each sample costs the thread that frames come in the interpreter's lock and, where it sleeps between two
frames, cold caches: many times what it does. Without signals the appsink keeps the samples, in C, until somebody asks.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

_SERVED_S = 1.0  # how often our thread looks while others catch up


class Samples:
    """Takes the samples of an appsink every now and then.

    The appsink should have ``emit-signals`` off, and ``max-buffers`` with ``drop`` off: more than come in one interval,
    so that memory is bounded and a source that runs ahead has to wait; every eighth of the interval is looked then.

    A player's ``look`` may be :meth:`catch_up`, so that one waking of its thread does for both ways.

    Args:
        sink: an appsink.
        take: called with each sample, in order, by one thread at a time.
        interval_s: how long a sample waits at most, in seconds: less than the delay leaves beside the player's lead.
        on_end: called once, after the last sample, when the stream has ended.
        on_failed: called with the exception if one of these raises; nothing is taken after that.
        name: of the thread.

    Raises:
        ValueError: for an interval that is not above zero.
    """

    def __init__(
        self,
        sink: Any,
        take: Callable[[Any], object],
        *,
        interval_s: float = 0.1,
        on_end: Callable[[], object] | None = None,
        on_failed: Callable[[Exception], object] | None = None,
        name: str = "samples",
    ) -> None:
        if not interval_s > 0:
            raise ValueError(f"samples are looked for every so many seconds, not every {interval_s}")
        self.taken = 0
        self.ended = False
        self._sink = sink
        self._take = take
        self._interval_s = interval_s
        self._on_end = on_end
        self._on_failed = on_failed
        self._taking = threading.Lock()
        self._stopped = threading.Event()
        self._served = False
        self._most = int(sink.get_property("max-buffers"))
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begins to look."""
        self._thread.start()

    def stop(self) -> None:
        """Stops looking; what has not been taken stays with the appsink. May be called again, from any thread."""
        self._stopped.set()
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join()

    def catch_up(self) -> int:
        """Takes what is there now, unless another thread is at it. Returns how many samples that were."""
        self._served = True
        return self._look()

    def _look(self) -> int:
        if not self._taking.acquire(blocking=False):
            return 0
        try:
            return self._take_all()
        except Exception as error:
            self._stopped.set()
            if self._on_failed is None:
                raise
            self._on_failed(error)
            return 0
        finally:
            self._taking.release()

    def _take_all(self) -> int:
        count = 0
        while not self._stopped.is_set() and (sample := self._sink.emit("try-pull-sample", 0)) is not None:
            count += 1
            self.taken += 1
            self._take(sample)
        if not count and not self.ended and not self._stopped.is_set() and self._sink.get_property("eos"):
            self.ended = True
            if self._on_end is not None:
                self._on_end()
        return count

    def _run(self) -> None:
        wait_s = self._interval_s
        while not self._stopped.wait(wait_s):
            served, self._served = self._served, False
            count = 0 if served else self._look()
            # An appsink that is full keeps its source waiting.
            full = self._most and count >= self._most
            wait_s = self._interval_s / 8 if full else _SERVED_S if served else self._interval_s
