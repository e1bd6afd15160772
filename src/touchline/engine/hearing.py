"""The sound of a production: a camera's, one of its own, or the synthetic match's; timed as the frames are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from touchline.capture.sound import DrawnSound, SoundSource, parse_sound
from touchline.delay.sound import SoundStore
from touchline.errors import InputError
from touchline.gst.library import SECOND
from touchline.gst.sound import Samples, SoundFormat

FORMAT = SoundFormat()
_SIDES = ("left", "right")

RenderSound = Callable[[int, int], NDArray[np.int16]]


class Hearing:
    """Where sound comes from and where it waits.

    A production that has no sound, or loses it, goes on silent, with a word about it.

    Args:
        wanted: ``auto`` (the first camera that has any), ``left``, ``right``, ``none``, or the URI of another source.
        seconds: how much is kept.
        fast: sound waits for its readers.
        on_note: told, one line at a time, what a person should know.

    Attributes:
        store: what was heard.
        heard: whether there is sound; known after :meth:`open`.

    Raises:
        ConfigurationError: for a source that can't be meant.
        InputError: for a file that is not there.
    """

    def __init__(self, wanted: str, seconds: float, *, fast: bool, on_note: Callable[[str], None]) -> None:
        self.store = SoundStore(FORMAT, seconds, waits=fast)
        self.heard = False
        self._wanted = wanted
        self._fast = fast
        self._on_note = on_note
        self._side: int | None = None
        self._drawn: DrawnSound | None = None
        self._own: SoundSource | None = None
        if wanted not in ("auto", "none", *_SIDES):
            self._own = SoundSource(
                parse_sound(wanted), FORMAT, paced=not fast, on_sound=self.store.write, on_end=self._ended
            )

    @property
    def from_cameras(self) -> bool:
        """True if the cameras' sound may be wanted."""
        return self._wanted in ("auto", *_SIDES)

    def take(self, side: int, pts: int, samples: Samples) -> None:
        """Sound of a camera; that of others than the chosen one is passed over."""
        if side == self._side:
            self.store.write(pts, samples)

    def end(self, side: int, error: str | None) -> None:
        """A camera has no more sound."""
        if side == self._side:
            self._ended(error)

    def open(
        self, clock: Any, cameras: Sequence[bool], render: RenderSound | None, samples: int | None
    ) -> None:
        """Chooses, when the cameras are open.

        Args:
            clock: of all pipelines.
            cameras: whether each has sound, from left to right.
            render: of the synthetic match, and how many ``samples`` it has; None: without end.
        """
        if self._own is not None:
            try:
                self._own.open(clock.get_time())
                self.heard = True
            except InputError as error:
                self._on_note(f"No sound: {error}")
                self._own = None
        elif self.from_cameras and render is not None:
            self._drawn = DrawnSound(
                render,
                FORMAT,
                samples=samples,
                paced=not self._fast,
                on_sound=self.store.write,
                on_end=self._ended,
            )
            self.heard = True
        elif self.from_cameras:
            self._choose(cameras)

    def start(self, clock: Any, base_time: int) -> None:
        """Sound comes from now on, on the timeline that begins at ``base_time`` (ns on the clock)."""
        if self._drawn:
            self._drawn.start(clock, base_time)
        if self._own:
            self._own.start(base_time)

    def stop(self) -> None:
        """Lets go of everything. May be called again; before the cameras are stopped, which may wait for room here."""
        self.store.close()
        if self._drawn:
            self._drawn.stop()
        if self._own:
            self._own.stop()

    def _choose(self, cameras: Sequence[bool]) -> None:
        places = range(len(cameras)) if self._wanted == "auto" else [_SIDES.index(self._wanted)]
        found = [side for side in places if side < len(cameras) and cameras[side]]
        self.heard = bool(found)
        if found:
            self._side = found[0]
        elif self._wanted != "auto":
            self._on_note(f"No sound: the {self._wanted} camera has none")

    def _ended(self, error: str | None) -> None:
        if error:
            self._on_note(f"The sound is lost: {error}; the programme goes on without")
        self.store.end()


def kept_s(longest_delay_s: float, lead_s: float) -> float:
    """How many seconds of sound have to be kept for a delay."""
    return longest_delay_s + lead_s + 2.0


def lag_ns(delay_ns: int) -> int:
    """How far behind the pictures sound is read, where the delay is shorter than what sound takes to come."""
    return max(0, round(0.3 * SECOND) - delay_ns)
