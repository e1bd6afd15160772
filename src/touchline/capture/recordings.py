"""The first seconds of one or more cameras, each for itself: what was made of every picture, and the sound.

Nothing is paired here: each recording keeps its own times. It is for finding out how recordings belong together.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from touchline.capture.frames import CapturedFrame, Picture, SourceInfo
from touchline.capture.sources import Source
from touchline.capture.uris import SourceUri
from touchline.errors import InputError
from touchline.gst.library import SECOND
from touchline.gst.pipelines import system_clock
from touchline.gst.sound import Samples, SoundFormat

RATE = 48000
_SOUND = SoundFormat(RATE, 1)
_PATIENCE_S = 10.0  # without anything new
_LOOK_S = 0.1

T = TypeVar("T")


class Recording(Generic[T]):
    """What one camera gave.

    Args:
        name: ``left``, ``right`` or the like; for messages.
        uri: where it comes from.
        seconds: how much of it is taken, from its first picture on.
        make: what to keep of a picture, given it and the seconds since the first one; called in GStreamer's thread,
            which waits for it.
        sound: take the sound, too.

    Attributes:
        times: when each picture was taken, seconds; PTS of that recording.
        made: what ``make`` returned for each.
    """

    def __init__(
        self,
        name: str,
        uri: SourceUri,
        seconds: float,
        make: Callable[[Picture, float], T],
        *,
        sound: bool = False,
    ) -> None:
        self.times: list[float] = []
        self.made: list[T] = []
        self.failure: str | None = None
        self.over = threading.Event()  # every picture is here, or none will come any more
        self.silent = threading.Event()  # the same of the sound
        self._make = make
        self._chunks: list[tuple[int, Samples]] = []
        self._length_ns = round(seconds * SECOND)
        self._first: int | None = None
        self._source = Source(
            uri,
            name,
            paced=False,
            on_frame=self._take,
            on_end=self._end,
            on_sound=self._hear if sound else None,
            on_sound_end=lambda _: self.silent.set(),
            sound=_SOUND,
        )
        if not sound:
            self.silent.set()

    def open(self, base_time: int) -> SourceInfo:
        """Connects, and says what comes. Raises InputError if it can't be opened."""
        return self._source.open(base_time)

    def start(self, base_time: int) -> None:
        """Takes what comes from now on."""
        self._source.start(base_time)

    def stop(self) -> None:
        """Lets go of it."""
        self._source.stop()

    @property
    def come(self) -> int:
        """How much has come: it grows as long as anything does."""
        return len(self.times) + len(self._chunks)

    @property
    def share(self) -> float:
        """How much of it is here, 0 .. 1."""
        if self.over.is_set():
            return 1.0
        return (self.times[-1] - self.times[0]) * SECOND / self._length_ns if self.times else 0.0

    def sound(self) -> tuple[float, NDArray[np.float64]] | None:
        """Time of the first sample, seconds, and the samples, -1 .. 1, RATE of them a second; None without sound."""
        if not self._chunks:
            return None
        first = min(_SOUND.sample_at(pts) for pts, _ in self._chunks)
        end = max(_SOUND.sample_at(pts) + len(samples) for pts, samples in self._chunks)
        line = np.zeros(end - first)
        for pts, samples in self._chunks:
            begin = _SOUND.sample_at(pts) - first
            line[begin : begin + len(samples)] = samples[:, 0] / 32768.0
        return first / RATE, line

    def _take(self, frame: CapturedFrame) -> None:
        if self.over.is_set():
            return
        if self._first is None:
            self._first = frame.pts
        if frame.pts - self._first >= self._length_ns:
            self.over.set()
            if not self._source.has_sound:  # nobody says so of a live camera
                self.silent.set()
            return
        self.made.append(self._make(frame.picture, (frame.pts - self._first) / SECOND))
        self.times.append(frame.pts / SECOND)

    def _hear(self, pts: int, samples: Samples) -> None:
        if self.silent.is_set():
            return
        if self._first is not None and pts - self._first >= self._length_ns:
            self.silent.set()
        else:
            self._chunks.append((pts, samples))

    def _end(self, error: str | None) -> None:
        self.failure = error
        self.over.set()
        if error:
            self.silent.set()


def record(
    recordings: Sequence[Recording[T]],
    progress: Callable[[float], None] | None = None,
    opened: Callable[[list[SourceInfo]], None] = lambda _: None,
) -> None:
    """Takes several recordings at once and stops them.

    Args:
        recordings: files as fast as they can be read, live cameras as they come, all on one clock.
        progress: told now and then how much is here, 0 .. 1.
        opened: told what each of them delivers before the first picture is taken; what it raises is raised.

    Raises:
        InputError: if one can't be opened, fails, or gives no picture.
    """
    clock = system_clock()
    base_time = clock.get_time()
    try:
        infos = [recording.open(base_time) for recording in recordings]
        opened(infos)
        for recording in recordings:
            recording.start(base_time)
        _wait(recordings, progress)
    finally:
        for recording in recordings:
            recording.stop()
    for recording in recordings:
        if recording.failure or not recording.times:
            raise InputError(recording.failure or "no picture came from a camera")


def _wait(recordings: Sequence[Recording[T]], progress: Callable[[float], None] | None) -> None:
    """Until all of it is here, or nothing has come for long."""
    come, quiet_s = -1, 0.0
    for recording in recordings:
        for event in (recording.over, recording.silent):
            while not event.wait(_LOOK_S) and quiet_s < _PATIENCE_S:
                now = sum(one.come for one in recordings)
                quiet_s = 0.0 if now > come else quiet_s + _LOOK_S
                come = now
                if progress:
                    progress(min(one.share for one in recordings))
