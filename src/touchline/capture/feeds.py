"""Feeds: the moments that a production is made of, from two cameras, one panorama or the synthetic match."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from typing import Any, Protocol

from touchline.capture.frames import CapturedFrame, Moment, Picture, SourceInfo
from touchline.capture.pairing import Pairer
from touchline.capture.sources import Source
from touchline.capture.uris import SourceUri
from touchline.counters import Tally
from touchline.errors import ConfigurationError, InputError
from touchline.gst.library import MILLISECOND, SECOND

_DEPTH = 8  # pictures that may wait of each camera, at least
_PATIENCE_S = 0.4  # a machine that is held up for so long loses nothing
_SILENT_S = 10.0  # after so long without a picture a live camera is taken for dead
_WAITING_BYTES = 128_000_000  # but no camera's waiting pictures take more than this
_START_IN = 50 * MILLISECOND  # files begin this long after the start, when every thread is up


class Feed(Protocol):
    """Where moments come from."""

    @property
    def captured(self) -> list[int]:
        """Frames that each camera delivered, from left to right."""

    @property
    def dropped(self) -> Tally:
        """Frames that were lost on the way to here, by reason."""

    def open(self, clock: Any) -> list[SourceInfo]:
        """Connects; returns what each camera delivers, from left to right. Raises InputError."""

    def start(self, clock: Any) -> int:
        """Lets frames come; returns the capture's base time, ns on the clock."""

    def next(self, timeout_s: float) -> Moment | None:
        """The next moment; None if none came in time or none will come (see ``finished``)."""

    @property
    def finished(self) -> bool:
        """True once no more moments will come."""

    @property
    def failure(self) -> str | None:
        """One line about the first camera that failed, if one did."""

    def end(self) -> None:
        """Takes no more frames from the cameras; those that are here will still be delivered."""

    def stop(self) -> None:
        """Lets go of everything at once."""


def waiting_pictures(info: SourceInfo) -> int:
    """How many decoded pictures of a camera may wait to be paired and stitched."""
    affordable = _WAITING_BYTES // (info.width * info.height * 3 // 2)
    return max(_DEPTH, min(affordable, math.ceil(_PATIENCE_S * (info.fps or 30))))


class CameraFeed:
    """Two cameras, paired; or one source, if only one is given.

    Args:
        uris: left and right, or a single one.
        paced: files come at their own speed.
        limit_ns: frames from this running time on are left out; None: all.
    """

    def __init__(self, uris: tuple[SourceUri, ...], *, paced: bool, limit_ns: int | None = None) -> None:
        if len({uri.live for uri in uris}) > 1:
            raise ConfigurationError(
                "one camera is a file and the other a live stream; their times have nothing in common"
            )
        names = ("left", "right") if len(uris) == 2 else ("panorama",)
        self.captured = [0] * len(uris)
        self._paced = paced
        self._limit_ns = limit_ns
        self._live = uris[0].live
        self._origin: int | None = None  # running time of the first frame that counts, for live sources
        self._failure: str | None = None
        self._base_time = 0
        self._clock: Any = None
        self._heard: list[int] = []  # the clock's time at each camera's last frame
        self._over = [False] * len(uris)
        self._pairer: Pairer[CapturedFrame] = Pairer((0, 0), (_DEPTH, _DEPTH), waits=not paced)
        self._sources = [
            Source(uri, name, paced=paced, on_frame=self._taker(side), on_end=self._ender(side))
            for side, (uri, name) in enumerate(zip(uris, names, strict=True))
        ]

    @property
    def dropped(self) -> Tally:
        return self._pairer.dropped

    @property
    def failure(self) -> str | None:
        return self._failure

    @property
    def finished(self) -> bool:
        return self._pairer.finished

    def open(self, clock: Any) -> list[SourceInfo]:
        self._base_time = clock.get_time()
        infos = [source.open(self._base_time) for source in self._sources]
        frame_ns = [round(SECOND / info.fps) if info.fps else 0 for info in infos]
        waits = not (self._paced or self._live)
        depths = [waiting_pictures(info) for info in infos]
        self._pairer = Pairer((frame_ns[0], frame_ns[-1]), (depths[0], depths[-1]), waits=waits)
        # A live camera may have gone while the other one was being opened.
        if self._failure:
            raise InputError(self._failure)
        for side, over in enumerate(self._over):
            if over:
                self._finish(side)
        return infos

    def start(self, clock: Any) -> int:
        if not self._live:
            self._base_time = clock.get_time() + _START_IN
        self._clock = clock
        self._heard = [clock.get_time()] * len(self._sources)
        for source in self._sources:
            source.start(self._base_time)
        return self._base_time

    def next(self, timeout_s: float) -> Moment | None:
        pair = self._pairer.next(timeout_s)
        if self._live:
            self._watch()
        if pair is None:
            return None
        frames = [timed.item for timed in pair][: len(self._sources)]
        return Moment(frames[0].pts, frames[0].duration, tuple(frame.picture for frame in frames))

    def end(self) -> None:
        for side in range(len(self._sources)):
            self._finish(side)

    def stop(self) -> None:
        self._pairer.close()
        for source in self._sources:
            source.stop()

    def _watch(self) -> None:
        """A live camera that falls silent ends, with a word about it; a file says by itself when it is over."""
        now = self._clock.get_time()
        for side, source in enumerate(self._sources):
            silent_s = (now - self._heard[side]) / SECOND
            if silent_s > _SILENT_S and not self._over[side]:
                self._ender(side)(f"{source.where}: no picture for {_SILENT_S:g} s; is the camera on?")

    def _taker(self, side: int) -> Callable[[CapturedFrame], None]:
        def take(frame: CapturedFrame) -> None:
            if self._over[side]:
                return
            if self._origin is None:
                self._origin = frame.pts if self._live else 0
            if self._limit_ns is not None and frame.pts - self._origin >= self._limit_ns:
                self._finish(side)
                return
            self.captured[side] += 1
            self._heard[side] = self._clock.get_time()
            self._pairer.put(side, frame.pts, frame)
            if len(self._sources) == 1:  # a panorama is its own partner
                self._pairer.put(1, frame.pts, frame)

        return take

    def _ender(self, side: int) -> Callable[[str | None], None]:
        def end(error: str | None) -> None:
            if error and self._failure is None and not self._over[side]:
                self._failure = error
            self._finish(side)

        return end

    def _finish(self, side: int) -> None:
        self._over[side] = True
        self._pairer.end(side)
        if len(self._sources) == 1:
            self._pairer.end(1)


class DrawnFeed:
    """Moments that are drawn as they are needed: the synthetic match.

    Args:
        infos: what the cameras deliver.
        draw: draws frame i into new pictures and returns them, from left to right.
        frames: how many there are; None: without end.
        paced: a frame comes at its own time, and if we are too late for it it is lost, as with a camera.
    """

    def __init__(
        self,
        infos: list[SourceInfo],
        draw: Callable[[int], tuple[Picture, ...]],
        *,
        frames: int | None,
        paced: bool,
    ) -> None:
        self.captured = [0] * len(infos)
        self.dropped = Tally()
        self._infos = infos
        self._draw = draw
        self._frames = frames
        self._paced = paced
        self._rate = infos[0].fps
        self._clock: Any = None
        self._base_time = 0
        self._failure: str | None = None
        self._ended = threading.Event()
        self._queue: list[Moment] = []
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="synthetic match", daemon=True)

    @property
    def failure(self) -> str | None:
        return self._failure

    @property
    def finished(self) -> bool:
        with self._changed:
            return self._ended.is_set() and not self._queue

    def open(self, clock: Any) -> list[SourceInfo]:
        self._clock = clock
        return self._infos

    def start(self, clock: Any) -> int:
        self._base_time = clock.get_time() + _START_IN
        self._thread.start()
        return self._base_time

    def next(self, timeout_s: float) -> Moment | None:
        with self._changed:
            self._changed.wait_for(lambda: self._queue or self._ended.is_set(), timeout_s)
            if not self._queue:
                return None
            self._changed.notify_all()
            return self._queue.pop(0)

    def end(self) -> None:
        with self._changed:
            self._ended.set()
            self._changed.notify_all()

    def stop(self) -> None:
        self.end()
        with self._changed:
            if self._queue:
                self.dropped.add("synthetic_stopped", len(self._queue))
            self._queue.clear()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        index = 0
        try:
            while not self._ended.is_set() and (self._frames is None or index < self._frames):
                if self._too_late(index):
                    self.captured = [count + 1 for count in self.captured]
                    self.dropped.add("synthetic_late")
                else:
                    self._deliver(index)
                index += 1
        except Exception as error:  # noqa: BLE001 - it ends this thread, and the production must know why
            self._failure = f"the synthetic match: {type(error).__name__}: {error}"
        self.end()

    def _too_late(self, index: int) -> bool:
        """A camera does not wait for a machine that is too slow for it."""
        behind = self._clock.get_time() - self._base_time - round(SECOND * index / self._rate)
        return bool(self._paced and behind > _DEPTH // 2 * SECOND / self._rate)

    def _deliver(self, index: int) -> None:
        pts, after = (round(SECOND * i / self._rate) for i in (index, index + 1))
        pictures = self._draw(index)
        if self._paced:
            left = self._base_time + pts - self._clock.get_time()
            if left > 0:
                self._ended.wait(left / SECOND)
        with self._changed:
            if not self._paced:
                self._changed.wait_for(lambda: len(self._queue) < _DEPTH // 2 or self._ended.is_set())
            if self._ended.is_set():
                return
            self.captured = [count + 1 for count in self.captured]
            if len(self._queue) >= _DEPTH:
                self._queue.pop(0)
                self.dropped.add("synthetic_overflow")
            self._queue.append(Moment(pts, after - pts, pictures))
            self._changed.notify_all()
