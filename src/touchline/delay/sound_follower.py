"""Sound that follows what the player shows, to the sample."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

from touchline.counters import Tally
from touchline.delay.sound import FADE_S, SoundStore, fade


class SoundFollower:
    """Plays a store's sound under a player's cues: without a gap, whatever the player does.

    Sample i of the programme is sample i - shift of the capture, and the shift stays the same for as long as the delay
    does, so that no rounding adds up.

    Args:
        store: what is played.
        push: takes each buffer: PTS (programme time, the number of the first sample / rate), duration and offsets are
            set, and each begins where the last one ended.
        patience_s: how long to wait for sound that is due and has not come: for fast pace. Live, it is silence.
        lag_ns: how far behind the cues sound is read: for a delay that is shorter than what sound takes to come. May be
            changed at any time.

    Attributes:
        played: samples that were pushed.
        counts: of these, ``silent`` ones on purpose and ``missing`` ones that the store did not have (yet).
    """

    def __init__(
        self, store: SoundStore, push: Callable[[Any], None], *, patience_s: float = 0.0, lag_ns: int = 0
    ) -> None:
        self.format = store.format
        self.played = 0
        self.counts = Tally()
        self._store = store
        self._push = push
        self._patience_s = patience_s
        self.lag_ns = lag_ns
        self._fade = round(FADE_S * self.format.rate)
        self._at: int | None = None  # the next sample to be pushed
        self._shift: int | None = None
        self._last_shift = 0  # of sound
        self._rising = False
        self._changes: deque[tuple[int, int | None]] = deque()  # from this sample on, this shift
        store.reading(self, 0)

    def follow(self, at_ns: int, pts_ns: int | None) -> None:
        """From programme time ``at_ns`` on the programme shows what was captured at ``pts_ns`` and after.

        Pushes what comes before. Cues come in order of their times.

        Args:
            at_ns: when the cue is shown.
            pts_ns: what is heard with it, capture time; None for silence. While only the picture is missing it goes on
                with time, so that the sound does.
        """
        at = self.format.sample_at(at_ns)
        shift = None if pts_ns is None else self.format.sample_at(at_ns - pts_ns)
        if self._at is None:
            self._at, self._shift = at, shift
        elif shift != (self._changes[-1][1] if self._changes else self._shift):
            self._changes.append((max(at, self._at), shift))
        self._play(at - self.format.sample_at(self.lag_ns))

    def finish(self, until_ns: int) -> None:
        """Pushes what is left before ``until_ns``, the end of the last picture, and lets go of the store."""
        if self._at is not None:
            self._play(self.format.sample_at(until_ns))
        self.close()

    def close(self) -> None:
        """The store's writer need not wait for this reader any more."""
        self._store.reading(self, None)

    def _play(self, until: int) -> None:
        assert self._at is not None
        while self._changes and self._changes[0][0] <= until:
            at, shift = self._changes.popleft()
            self._emit(at, sinking=True)
            self._shift, self._rising = shift, True
        self._emit(until, sinking=False)
        if self._shift is not None:
            self._last_shift = self._shift
        # Time goes on in the capture too while there is silence.
        self._store.reading(self, self._at - self._last_shift)

    def _emit(self, until: int, *, sinking: bool) -> None:
        assert self._at is not None
        first, count = self._at, until - self._at
        if count <= 0:
            return
        if self._shift is None:
            samples = self.format.silence(count)
            self.counts.add("silent", count)
        else:
            if self._patience_s:
                self._store.wait_for(until - self._shift, self._patience_s)
            samples, missing = self._store.read(first - self._shift, count)
            if missing:
                self.counts.add("missing", missing)
            if self._rising:
                samples = fade(samples, out=False, length=self._fade)
            if sinking:
                samples = fade(samples, out=True, length=self._fade)
        self._rising = False
        self._at = until
        self.played += count
        self._push(self.format.to_buffer(first, samples))
