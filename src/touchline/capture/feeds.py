"""Feeds: the moments that a production is made of. Here: two cameras or one panorama, from files or live."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any, Protocol

from touchline.capture.frames import CapturedFrame, Moment, SourceInfo
from touchline.capture.landing import Landing
from touchline.capture.pairing import Pair, Pairer
from touchline.capture.revival import LiveCamera
from touchline.capture.sources import OnEnd, OnFrame, Source
from touchline.capture.uris import SourceUri
from touchline.counters import Tally
from touchline.errors import ConfigurationError, InputError
from touchline.gst.library import MILLISECOND, SECOND
from touchline.gst.sound import Samples

_DEPTH = 8  # pictures that may wait of each camera, at least
_PATIENCE_S = 1.0  # a machine that is held up for so long loses nothing; the delay has room for it
_ALONE_S, _ALONE_FRAMES = 1 / 3, 6  # the longer of them is what a live camera waits for the other one at most
_WAITING_BYTES = 128_000_000  # but no camera's waiting pictures take more than this
_START_IN = 50 * MILLISECOND  # files begin this long after the start, when every thread is up
_NOTED_S = 1.0  # people are told of a camera that is lost for longer than this
_RUN_UP = 250 * MILLISECOND  # files are opened so long before the first moment that both of them have
MOST_LIVE_S = 1.0  # further apart no two live cameras are by what their networks do


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

    A live camera that is lost is opened again and again (:class:`LiveCamera`). Of two, the other one goes on alone
    meanwhile: its moments have None in place of the lost one's picture. Files are paired to the end of the shorter.

    Args:
        uris: left and right, or a single one.
        paced: files come at their own speed.
        limit_ns: frames from this running time on are left out; None: all.
        patience_s: how long a live camera's frames wait for the other camera's. It has to be well below the time
            that is left to make a moment after its capture.
        silent_s: when all live cameras have been lost for so long, the feed ends with a failure.
        on_note: told, one line at a time, when a live camera is lost and when it is back.
        on_sound, on_sound_end: as of a :class:`Source`, with the camera's place, from the left, before the rest.
        landing: where the pictures come to lie; by default in plain memory.
        offset_ns: how much later the right camera's recording was started than the left one's: it is added to the
            times of its pictures and its sound before they are paired, so that a moment has the left one's time.
            What only one of two files has at its beginning is passed over, and counted nowhere: the first moment is
            the first that both have, and at live pace it comes at once.

    Raises:
        ConfigurationError: for a file and a stream, or live cameras that are more than a second apart.
    """

    def __init__(
        self,
        uris: tuple[SourceUri, ...],
        *,
        paced: bool,
        limit_ns: int | None = None,
        patience_s: float = 1.0,
        silent_s: float = 60.0,
        on_note: Callable[[str], None] = lambda _: None,
        on_sound: Callable[[int, int, Samples], None] | None = None,
        on_sound_end: Callable[[int, str | None], None] = lambda _side, _error: None,
        landing: Landing | None = None,
        offset_ns: int = 0,
    ) -> None:
        if len({uri.live for uri in uris}) > 1:
            raise ConfigurationError(
                "one camera is a file and the other a live stream; their times have nothing in common"
            )
        if uris[0].live and abs(offset_ns) > MOST_LIVE_S * SECOND:
            raise ConfigurationError(
                f"the rig's time offset of {offset_ns / SECOND:.3f} s is that of two recordings; live cameras share "
                f"a clock and are at most {MOST_LIVE_S:g} s apart: set time_offset_s to 0 in the rig"
            )
        names = ("left", "right") if len(uris) == 2 else ("panorama",)
        self._later = (0, offset_ns if len(uris) == 2 else 0)  # added to the times of each camera
        self._begin_ns = 0 if uris[0].live else max(self._later)  # when both of two files run
        self.captured = [0] * len(uris)
        self._paced = paced
        self._limit_ns = limit_ns
        self._patience_ns = round(patience_s * SECOND)
        self._silent_s = silent_s
        self._on_note = on_note
        self._on_sound = on_sound
        self._on_sound_end = on_sound_end
        self._landing = landing
        self._origin: int | None = None  # running time of the first frame that counts, for live sources
        self._earliest = 0  # what is earlier can't have a partner
        self._failure: str | None = None
        self._base_time = 0
        self._clock: Any = None
        self._used = [0] * len(uris)  # the clock's time at each live camera's last picture in a moment
        self._lost = [False] * len(uris)
        self._over = [False] * len(uris)
        self._pairer: Pairer[CapturedFrame] = Pairer((0, 0), (_DEPTH, _DEPTH), waits=not paced)
        self._sources: list[Source | LiveCamera] = [
            self._source(side, uri, name) for side, (uri, name) in enumerate(zip(uris, names, strict=True))
        ]
        self._cameras = [source for source in self._sources if isinstance(source, LiveCamera)]

    def _source(self, side: int, uri: SourceUri, name: str) -> Source | LiveCamera:
        def build(on_frame: OnFrame, on_end: OnEnd) -> Source:
            return Source(
                uri,
                name,
                paced=self._paced,
                on_frame=on_frame,
                on_end=on_end,
                on_sound=partial(self._hear, side) if self._on_sound else None,
                # The sound of a live camera comes back with it.
                on_sound_end=(lambda _: None) if uri.live else partial(self._on_sound_end, side),
                landing=self._landing,
                skip_ns=max(0, self._begin_ns - self._later[side] - _RUN_UP),
                later_ns=self._later[side],
            )

        if not uri.live:
            return build(self._taker(side), self._ender(side))
        return LiveCamera(build, on_frame=self._taker(side), on_note=self._on_note)

    def ask_depth(self, frames: int) -> list[str]:
        """Asks each source for so many frames at a time; between open and start. What was asked, in words."""
        return [line for source in self._sources for line in source.ask_depth(frames)]

    @property
    def has_sound(self) -> list[bool]:
        """Which of the cameras have sound, from left to right; known after :meth:`open`."""
        return [source.has_sound for source in self._sources]

    def _hear(self, side: int, pts: int, samples: Samples) -> None:
        """Sound goes where the pictures go: also that of a live camera whose clock has jumped."""
        source = self._sources[side]
        shift = source.shift if isinstance(source, LiveCamera) else 0
        at = pts + shift + self._later[side]
        if self._on_sound and at >= self._begin_ns:
            self._on_sound(side, at, samples)

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
        # One of two live cameras always waits for the other one if they are apart.
        apart = abs(max(self._later, key=abs)) if self._cameras else 0
        depths = [waiting_pictures(info) + math.ceil(apart / SECOND * (info.fps or 30)) for info in infos]
        patience = min(self._patience_ns, max(round(_ALONE_S * SECOND), _ALONE_FRAMES * max(frame_ns)))
        if not self._cameras and any(self._later):
            self._earliest = self._begin_ns - max(ns or 40 * MILLISECOND for ns in frame_ns) // 2
        self._pairer = Pairer(
            (frame_ns[0], frame_ns[-1]),
            (depths[0], depths[-1]),
            waits=not (self._paced or self._cameras),
            holds_back=not self._cameras,
            patience_ns=patience + apart if len(self._cameras) == 2 else None,
        )
        # One may have gone while the other one was being opened.
        for camera in self._cameras:
            camera.check()
        if self._failure:
            raise InputError(self._failure)
        for side, over in enumerate(self._over):
            if over:
                self._finish(side)
        return infos

    def start(self, clock: Any) -> int:
        if not self._cameras:
            self._base_time = clock.get_time() + _START_IN - (self._begin_ns if self._paced else 0)
        self._clock = clock
        self._used = [clock.get_time()] * len(self._sources)
        for source in self._sources:
            source.start(self._base_time)
        return self._base_time

    def next(self, timeout_s: float) -> Moment | None:
        pair = self._pairer.next(timeout_s)
        if self._cameras:
            self._watch(pair)
        if pair is None:
            return None
        frames = [timed.item if timed else None for timed in pair][: len(self._sources)]
        first = next(frame for frame in frames if frame)
        return Moment(first.pts, first.duration, tuple(frame.picture if frame else None for frame in frames))

    def end(self) -> None:
        for side in range(len(self._sources)):
            self._finish(side)

    def stop(self) -> None:
        self._pairer.close()
        for source in self._sources:
            source.stop()

    def _watch(self, pair: Pair[CapturedFrame] | None) -> None:
        """Tells of live cameras that go and come; when all have been silent for too long the feed ends."""
        now = self._clock.get_time()
        for side, camera in enumerate(self._cameras):
            lost_s = (now - self._used[side]) / SECOND
            if pair is not None and pair[side] is not None:
                self._used[side] = now
                if self._lost[side]:
                    self._lost[side] = False
                    self._on_note(f"{camera.where}: back after {lost_s:.1f} s")
            elif not self._lost[side] and lost_s > _NOTED_S and not self._over[side]:
                self._lost[side] = True
                reason = camera.trouble or f"{camera.where}: no picture for {_NOTED_S:g} s"
                self._on_note(f"{reason}; it is tried again and again")
        silent_s = min((now - camera.heard) / SECOND for camera in self._cameras)
        if silent_s > self._silent_s and not any(self._over):
            silent = f"no picture for {self._silent_s:g} s"
            self._failure = "; ".join(
                c.trouble or f"{c.where}: {silent}; is the camera on?" for c in self._cameras
            )
            self.end()

    def _taker(self, side: int) -> Callable[[CapturedFrame], None]:
        def take(frame: CapturedFrame) -> None:
            if self._over[side]:
                return
            pts = frame.pts + self._later[side]
            if pts < self._earliest:
                return
            if self._origin is None:
                self._origin = pts if self._cameras else self._begin_ns
            if self._limit_ns is not None and pts - self._origin >= self._limit_ns:
                self._finish(side)
                return
            self.captured[side] += 1
            self._pairer.put(side, pts, replace(frame, pts=pts) if self._later[side] else frame)
            if len(self._sources) == 1:  # a panorama is its own partner
                self._pairer.put(1, pts, frame)

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
