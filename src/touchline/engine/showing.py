"""What the player does with a frame: looks where the director wants to look, renders, hands it to the programme."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

from touchline.counters import Durations
from touchline.delay import Frame
from touchline.errors import OutputError
from touchline.geometry import View
from touchline.gst.mapping import read_nv12, write_nv12
from touchline.gst.nv12 import Nv12
from touchline.gst.pools import FramePool

PATH_LENGTH = 200_000  # views that are remembered: at 30 fps nearly two hours
# Writes the programme's picture of a held panorama (panorama, its PTS, picture); says which view it shows.
Render = Callable[[Nv12, int, Nv12], View | None]


class Showing:
    """Renders each frame into the programme's own pool and pushes it.

    Args:
        render: writes the programme's picture; None: the panorama itself is the programme, and the very share that
            the store gave out is pushed.
        layout_of: the pool of the held frames.
        pool: of programme frames; not needed without ``render``.
        push: takes a buffer with its PTS set.
    """

    def __init__(
        self,
        render: Render | None,
        panorama_pool: FramePool,
        pool: FramePool | None,
        push: Callable[[Any], None],
    ) -> None:
        self.durations = Durations()
        self.path: deque[tuple[int, View | None]] = deque(maxlen=PATH_LENGTH)
        self._render = render
        self._panorama_pool = panorama_pool
        self._pool = pool
        self._push = push

    def show(self, frame: Frame) -> None:
        """Called by the player, in order, ahead of each frame's due time."""
        if self._render is None or self._pool is None:
            self.path.append((frame.pts, None))
            self._push(frame.buffer)
            return
        buffer = self._pool.acquire(wait=True)
        if buffer is None:
            raise OutputError("the programme was stopped")
        with (
            self.durations.measure(),
            read_nv12(frame.buffer, self._panorama_pool.layout) as panorama,
            write_nv12(buffer, self._pool.layout) as out,
        ):
            view = self._render(panorama, frame.pts, out)
        buffer.pts = frame.pts
        buffer.duration = frame.duration
        self.path.append((frame.pts, view))
        self._push(buffer)
