"""What the player does with a cue: looks where the director wants to look, renders, hands it to the programme."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

from touchline.counters import Durations
from touchline.delay import Cue, Frame
from touchline.delay.cues import Shown
from touchline.engine.slates import Slates
from touchline.errors import OutputError
from touchline.geometry import View
from touchline.gst.caps import PlaneLayout
from touchline.gst.pools import FramePool

PATH_LENGTH = 200_000  # views that are remembered: at 30 fps nearly two hours
# Writes the programme's picture of a held panorama (panorama, its PTS, picture); says which view it shows. Both are
# Nv12, or what stands for it in other memory.
Render = Callable[[Any, int, Any], View | None]


class Showing:
    """Renders each cue into the programme's own pool and pushes it.

    Args:
        render: writes the programme's picture; None: the panorama itself is the programme, and the very share that
            the store gave out is pushed.
        layout: of the held frames.
        pool: of programme frames, in the held frames' memory; not needed without ``render``.
        slates: the cards for when there is no frame.
        frame_ns: duration of a slate.
        push: takes a buffer with its PTS set; False if there was no room for it.
        follow: told the programme time of each cue and the PTS that it shows (None: a slate), ns; for the sound.

    Attributes:
        path: programme time of what was shown, and the view.
        ends_at: programme time at which the last picture ends, ns.
        unseen: held pictures and slates for which there was no room.
        noted: told of each frame that is shown, its PTS and its view.
    """

    def __init__(
        self,
        render: Render | None,
        layout: PlaneLayout,
        pool: FramePool | None,
        slates: Slates | None,
        frame_ns: int,
        push: Callable[[Any], bool],
        follow: Callable[[int, int | None], None] | None = None,
    ) -> None:
        self.durations = Durations()
        self.path: deque[tuple[int, View | None]] = deque(maxlen=PATH_LENGTH)
        self.ends_at = 0
        self.unseen = 0
        self.noted: Callable[[int, View | None], None] = lambda _pts, _view: None
        self._render = render
        self._layout = layout
        self._pool = pool
        self._slates = slates
        self._frame_ns = frame_ns
        self._push = push
        self._follow = follow

    def show(self, cue: Cue) -> None:
        """Called by the player, in order, ahead of each cue's due time."""
        if self._follow is not None:
            self._follow(cue.at, cue.sound_pts)
        self.ends_at = cue.at + self._frame_ns
        taken = True
        if cue.frame is not None:
            taken = self._show_frame(cue.frame, cue.at)
        elif self._slates is not None:
            taken = self._push(self._slates.card(cue.left_s, cue.at, self._frame_ns))
        self.unseen += not taken and cue.kind is not Shown.FRAME

    def _show_frame(self, frame: Frame, at: int) -> bool:
        if self._render is None or self._pool is None:
            self.path.append((at, None))
            self.noted(frame.pts, None)
            return self._push(frame.buffer)
        buffer = self._pool.acquire(wait=True)
        if buffer is None:
            raise OutputError("the programme was stopped")
        with (
            self.durations.measure(),
            self._pool.domain.reading(frame.buffer, self._layout) as panorama,
            self._pool.domain.writing(buffer, self._pool.layout) as out,
        ):
            view = self._render(panorama, frame.pts, out)
        buffer.pts = at
        buffer.duration = frame.duration
        self.path.append((at, view))
        self.noted(frame.pts, view)
        return self._push(buffer)
