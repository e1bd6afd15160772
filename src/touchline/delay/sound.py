"""Sound in the store: every sample at the place of its time, so that what is read for a time was captured then.

Samples are numbered on the capture's timeline: number n begins n / rate seconds after PTS 0. What comes is appended
as it is; gaps become silence, and the drift of the sound card's clock against the pipeline's is taken out by single
samples, so that it cannot add up.
"""

from __future__ import annotations

import math
import threading
import time

import numpy as np
from numpy.typing import NDArray

from touchline.counters import Tally
from touchline.delay.drift import DriftTracker
from touchline.gst.library import SECOND
from touchline.gst.sound import Samples, SoundFormat

FADE_S = 0.005
_CORRECTION_S = 0.01  # at most one sample is put in or taken out in so much sound
_PATIENCE_S = 5.0  # a writer that waits for readers does so only as long as they get on


def fade(samples: Samples, *, out: bool, length: int) -> Samples:
    """A copy that rises from nothing over its first ``length`` samples, or sinks to nothing over its last."""
    length = min(length, len(samples))
    if not length:
        return samples
    slope = (np.arange(length) + 0.5) / length
    faded = samples.astype(np.float64)
    if out:
        faded[-length:] *= slope[::-1, None]
    else:
        faded[:length] *= slope[:, None]
    return np.asarray(np.rint(faded)).astype(np.int16)


class SoundStore:
    """A ring of samples, allocated at the start.

    Args:
        format: of the samples.
        seconds: how much is kept: the longest delay, the lead and some more.
        waits: :meth:`write` waits for the readers (fast pace) instead of writing over what they have not read.

    Attributes:
        counts: samples by what happened to them: ``gap`` (silence put in), ``overlap`` (came twice, left out),
            ``inserted`` and ``removed`` (for the drift), ``overrun`` (came while no reader made room); and ``gaps``,
            the number of gaps.
        drift: of the source's clock.
    """

    def __init__(self, format: SoundFormat, seconds: float, *, waits: bool = False) -> None:
        self.format = format
        self.counts = Tally()
        self.drift = DriftTracker()
        self._ring = format.silence(math.ceil(seconds * format.rate))
        self._waits = waits
        self._fade = round(FADE_S * format.rate)
        self._begin: int | None = None  # the first sample that was ever written
        self._next = 0
        self._passed = 0
        self._overlapping = False
        self._given_up = False
        self._readers: dict[object, int] = {}
        self._changed = threading.Condition()
        self._ended = self._closed = False

    @property
    def held_bytes(self) -> int:
        """Memory of the ring."""
        return self._ring.nbytes

    @property
    def end_ns(self) -> int:
        """Up to when sound has been captured; 0 before the first."""
        return self.format.time_of(self._next)

    def write(self, pts_ns: int, samples: Samples) -> None:
        """Appends a chunk, which begins at ``pts_ns``. Waits only if asked to, and while readers get on."""
        if not len(samples):
            return
        with self._changed:
            if self._begin is None:
                self._begin = self._next = self.format.sample_at(pts_ns)
                self.drift.reset()
            else:
                samples = self._fit(pts_ns - self.format.time_of(self._next), samples)
            count = len(samples)
            if count and self._wait_for_room(count):
                self._append(samples)

    def read(self, first: int, count: int) -> tuple[Samples, int]:
        """Samples ``first`` to ``first + count``; what is not there is silence.

        Returns:
            the samples, a copy, and how many of them were not there: not captured yet, or not any more.
        """
        found = self.format.silence(count)
        with self._changed:
            oldest = self._next if self._begin is None else max(self._begin, self._next - len(self._ring))
            start, stop = max(first, oldest), min(first + count, self._next)
            if start < stop:
                found[start - first : stop - first] = self._ring[self._places(start, stop)]
        return found, count - max(0, stop - start)

    def wait_for(self, sample: int, timeout_s: float) -> bool:
        """Waits until everything before this sample has come. False if it has not in time, or never will."""
        with self._changed:
            self._changed.wait_for(lambda: self._next >= sample or self._ended or self._closed, timeout_s)
            return self._next >= sample

    def reading(self, reader: object, sample: int | None) -> None:
        """A reader needs nothing before this sample any more; None: it needs nothing at all."""
        with self._changed:
            if sample is None:
                self._readers.pop(reader, None)
            else:
                self._readers[reader] = sample
                self._given_up = False
            self._changed.notify_all()

    def restart(self) -> None:
        """Forgets all sound: the next chunk may begin at any time. For a capture that was flushed."""
        with self._changed:
            self._begin, self._next, self._ended = None, 0, False
            self._changed.notify_all()

    def end(self) -> None:
        """No more comes: nobody waits for it."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def close(self) -> None:
        """Nobody waits for anything any more; what is written is thrown away."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _fit(self, difference_ns: int, samples: Samples) -> Samples:
        """What of a chunk is to be appended, when its stamp differs by so much from where counting puts it."""
        if self._overlapping and difference_ns < 0:
            return self._overlap(difference_ns, samples)
        jumped = self.drift.note(difference_ns, self._passed)
        if jumped is None:
            return self._correct(samples)
        return self._overlap(jumped, samples) if jumped < 0 else self._gap(jumped, samples)

    def _correct(self, samples: Samples) -> Samples:
        """Makes the chunk longer or shorter by a sample or so if the drift asks for it."""
        wanted = self.drift.excess_ns() * self.format.rate / SECOND
        allowed = max(1, int(len(samples) / self.format.rate / _CORRECTION_S))
        change = int(np.clip(math.trunc(wanted), -allowed, allowed))
        length = len(samples) + change
        if not change or length < 1:
            return samples
        self.drift.corrected(change * SECOND / self.format.rate)
        self.counts.add("inserted" if change > 0 else "removed", abs(change))
        places = np.arange(length) * (len(samples) / length)
        channels = [np.interp(places, np.arange(len(samples)), channel) for channel in samples.T]
        return np.asarray(np.rint(np.stack(channels, axis=1))).astype(np.int16)

    def _overlap(self, by_ns: float, samples: Samples) -> Samples:
        """Leaves out what is there already; it may be more than this chunk."""
        by = min(round(-by_ns * self.format.rate / SECOND), len(samples))
        self.counts.add("overlap", by)
        self._overlapping = by == len(samples)
        if not self._overlapping:
            self.drift.reset()
        return samples[by:]

    def _gap(self, by_ns: float, samples: Samples) -> Samples:
        """Puts in silence up to the chunk's place."""
        self.drift.reset()
        by = round(by_ns * self.format.rate / SECOND)
        self.counts.add("gap", by)
        self.counts.add("gaps")
        tail = self._places(max(self._begin or 0, self._next - self._fade), self._next)
        self._ring[tail] = fade(self._ring[tail], out=True, length=self._fade)
        # No more silence than the ring is long.
        first = max(self._next, self._next + by - len(self._ring))
        self._next += by
        self._ring[self._places(first, self._next)] = 0
        return fade(samples, out=False, length=self._fade)

    def _wait_for_room(self, count: int) -> bool:
        """False if the chunk is not wanted any more."""
        until = time.monotonic() + _PATIENCE_S
        while self._waits and not self._closed and self._lacks_room(count):
            slowest = min(self._readers.values())
            if self._given_up or time.monotonic() > until:
                self._given_up = True
                self.counts.add("overrun", count)
                break
            self._changed.wait(until - time.monotonic())
            if min(self._readers.values(), default=slowest) != slowest:
                until = time.monotonic() + _PATIENCE_S
        return not self._closed

    def _lacks_room(self, count: int) -> bool:
        return bool(self._readers) and self._next + count - min(self._readers.values()) > len(self._ring)

    def _append(self, samples: Samples) -> None:
        kept = samples[-len(self._ring) :]
        end = self._next + len(samples)
        self._ring[self._places(end - len(kept), end)] = kept
        self._next = end
        self._overlapping = False
        self._passed = max(1, round(len(samples) * SECOND / self.format.rate))
        self._changed.notify_all()

    def _places(self, start: int, stop: int) -> NDArray[np.int64]:
        return np.arange(start, stop, dtype=np.int64) % len(self._ring)
