"""A live camera that is opened again when it is lost, in a thread of its own, without disturbing anybody."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace

from touchline.capture.arrival import Arrival
from touchline.capture.frames import CapturedFrame, SourceInfo
from touchline.capture.sources import OnEnd, OnFrame, Source
from touchline.errors import InputError, TouchlineError
from touchline.gst.library import SECOND
from touchline.gst.pipelines import system_clock

WAITS_S = (1.0, 2.0, 4.0, 8.0, 15.0)  # before it is opened again; the last one from then on
_SILENT_S = 2.0  # after so long without a picture it is taken for gone
_REOPEN_S = 10.0  # a stream may have so long between two pictures that a decoder can begin with
_LOOK_S = 0.1
_STOP_S = 2.0


class LiveCamera:
    """A live source that comes back.

    It is lost when its pipeline fails, its stream ends, or no picture comes for two seconds. Until it is opened
    again it is listened to: many come back by themselves. A picture of another size is refused.

    Args:
        build: makes the source, anew each time, given where its frames go and who is told about its end.
        on_frame: called in GStreamer's thread with every frame after :meth:`start`, its time put right where the
            camera's clock has jumped (:class:`~touchline.capture.arrival.Arrival`).
        on_note: called with one line when it came back as what can't be used.

    Attributes:
        reopened: how often it was opened again.
        heard: the clock's time of its last frame, ns; of the start, before any.
        trouble: one line about why it is lost; None while frames come.
        shift: by how much its times are put right now, ns.
    """

    def __init__(
        self,
        build: Callable[[OnFrame, OnEnd], Source],
        *,
        on_frame: OnFrame,
        on_note: Callable[[str], None],
    ) -> None:
        self.reopened = 0
        self.heard = 0
        self.shift = 0
        self.trouble: str | None = None
        self._build = build
        self._on_frame = on_frame
        self._on_note = on_note
        self._clock = system_clock()
        self._arrival = Arrival()
        self._base_time = 0
        self._size = (0, 0)
        self._depth = 0
        self._turn = 0  # which of the sources counts
        self._tries = 0
        self._opened_at = 0
        self._failed = threading.Event()
        self._stopped = threading.Event()
        self._refused: tuple[int, int] | None = None
        self._source = self._next_source()
        self.where = self._source.where
        self._thread = threading.Thread(target=self._run, name=f"{self.where}-revival", daemon=True)

    def open(self, base_time: int) -> SourceInfo:
        """As :meth:`Source.open`. It is not tried again: what can't be had at the start is refused."""
        self._base_time = base_time
        info = self._source.open(base_time)
        self._size = info.width, info.height
        return info

    def ask_depth(self, frames: int) -> list[str]:
        """As :meth:`Source.ask_depth`; asked again of each source that it is opened as."""
        self._depth = frames
        return self._source.ask_depth(frames)

    @property
    def has_sound(self) -> bool:
        """As of the :class:`Source` that counts now."""
        return self._source.has_sound

    def check(self) -> None:
        """Raises InputError if it has gone since it was opened."""
        if self._failed.is_set():
            raise InputError(self.trouble or f"{self.where}: it has gone")

    def start(self, base_time: int) -> None:
        """Delivers frames from now on."""
        self.heard = self._opened_at = self._clock.get_time()
        self._source.start(base_time)
        self._thread.start()

    def stop(self) -> None:
        """Lets go of everything; nothing is delivered any more. May be called again."""
        self._stopped.set()
        self._source.stop()
        if self._thread.is_alive():
            # It may be in the middle of a connection that nobody answers; it cleans up behind itself.
            self._thread.join(_STOP_S)

    def _next_source(self) -> Source:
        turn = self._turn = self._turn + 1
        return self._build(lambda frame: self._take(turn, frame), lambda error: self._end(turn, error))

    def _take(self, turn: int, frame: CapturedFrame) -> None:
        if turn != self._turn or self._failed.is_set() or self._stopped.is_set():
            return
        if self._source.size != self._size:
            self._refuse(self._source.size)
            return
        now = self._clock.get_time()
        self.heard, self.trouble, self._refused, self._tries = now, None, None, 0
        pts = self._arrival.place(frame.pts, now - self._base_time)
        self.shift = pts - frame.pts
        self._on_frame(replace(frame, pts=pts))

    def _end(self, turn: int, error: str | None) -> None:
        if turn == self._turn:
            self.trouble = error or f"{self.where}: its stream ended"
            self._failed.set()

    def _refuse(self, size: tuple[int, int]) -> None:
        (width, height), (was_width, was_height) = size, self._size
        self.trouble = (
            f"{self.where}: it came back with {width}x{height} instead of {was_width}x{was_height} "
            "and can't be used"
        )
        self._failed.set()
        if self._refused != size:
            self._refused = size
            self._on_note(self.trouble)

    def _run(self) -> None:
        while not self._stopped.wait(_LOOK_S):
            if not self._gone():
                continue
            wait_s = WAITS_S[min(self._tries, len(WAITS_S) - 1)]
            self._tries += 1
            if not self._stopped.wait(wait_s) and self._gone():
                self._reopen()
        self._source.stop()

    def _gone(self) -> bool:
        silent = self._clock.get_time() - max(self.heard, self._opened_at)
        return self._failed.is_set() or silent > _SILENT_S * SECOND

    def _reopen(self) -> None:
        """Once more. What only stays silent is left open, to be listened to until the next time."""
        self._source.stop()
        self._failed.clear()
        self._arrival.restart()
        self.reopened += 1
        try:
            self._source = self._next_source()
            self._source.start(self._base_time)
            if not self._stopped.is_set():
                self._source.open(self._base_time, _REOPEN_S)
                if self._depth:
                    self._source.ask_depth(self._depth)
        except TouchlineError as error:
            self.trouble = str(error)
        self._opened_at = self._clock.get_time()
