"""A stage for players: a clock that goes only when the player waits, a script of what happens when, and a programme
whose pictures are read back behind a real pipeline."""

from __future__ import annotations

import heapq
import itertools
import threading
from collections.abc import Callable
from fractions import Fraction

from footage import number_of, paint
from touchline.delay import Cue, FrameStore, LiveTimeline, Player, Rules, Shown
from touchline.gst.caps import VideoCaps
from touchline.gst.elements import make
from touchline.gst.library import MILLISECOND, SECOND, Gst
from touchline.gst.mapping import read_nv12, write_nv12
from touchline.gst.pipelines import Pipeline
from touchline.gst.pools import FramePool

CAPS = VideoCaps(64, 48, Fraction(25))
STEP = SECOND // 25
SLATE = "slate"


class ScriptClock:
    """Time passes only in :meth:`wait_until`, in the player's own thread; what the script has for it happens then."""

    def __init__(self) -> None:
        self.now = 0
        self._script: list[tuple[int, int, Callable[[], object]]] = []
        self._order = itertools.count()

    def get_time(self) -> int:
        return self.now

    def at(self, time: int, action: Callable[[], object]) -> None:
        heapq.heappush(self._script, (time, next(self._order), action))

    def wait_until(self, time: int, nudge: threading.Event) -> bool:
        while self._script and self._script[0][0] <= time:
            if nudge.is_set():
                return False
            due, _, action = heapq.heappop(self._script)
            self.now = max(self.now, due)
            action()
        if nudge.is_set():
            return False
        self.now = max(self.now, time)
        return True

    def run_until(self, time: int) -> None:
        """Before a player runs."""
        self.wait_until(time, threading.Event())


class Stage:
    """A pool, a store, one or more players, and what each has shown: (at in frames, number or "slate", flagged)."""

    def __init__(self, frames: int = 400, history_s: float = 0.0) -> None:
        self.clock = ScriptClock()
        self.pool = FramePool(CAPS, frames)
        self.pool.start()
        self.store = FrameStore(frames, self.pool.frame_bytes, round(history_s * SECOND))
        self._programmes: list[tuple[Pipeline, object, Player]] = []

    def film(self, numbers: range, late: int = MILLISECOND) -> None:
        """Frame n is captured at n / 25 s and is in the store a little later."""
        for number in numbers:
            self.clock.at(number * STEP + late, lambda n=number: self.capture(n))

    def capture(self, number: int) -> None:
        buffer = self.pool.acquire()
        assert buffer is not None, "the pool is empty"
        with write_nv12(buffer, self.pool.layout) as picture:
            paint(picture, number)
        buffer.pts = number * STEP
        self.store.append(buffer, number * STEP, STEP)
        del buffer

    def end_after(self, number: int) -> None:
        self.clock.at((number + 1) * STEP, self.store.end)

    def player(self, delay_s: float, rules: Rules = Rules(fill=True), lead_s: float = 0.2, **more):  # noqa: B008
        """A player; returns it and the list that its programme's pictures are noted in."""
        shown: list[tuple[float, int | str, bool]] = []
        pipeline = Pipeline("programme")
        source = make("appsrc", caps=CAPS.to_gst(), format="time", block=True, max_buffers=4, max_bytes=0)
        sink = make("appsink", sync=False)
        pipeline.add(source, make("clocksync", sync=False), sink)
        pipeline.play()

        def show(cue: Cue) -> None:
            if cue.kind is Shown.SLATE:
                shown.append(
                    (cue.at / STEP, SLATE if cue.left_s is None else f"slate {cue.left_s:.2f}", False)
                )
                return
            source.emit("push-buffer", cue.frame.buffer)
            sample = sink.emit("try-pull-sample", 5 * SECOND)
            buffer = sample.get_buffer()
            with read_nv12(buffer, self.pool.layout) as picture:
                number = number_of(picture.y)
            assert number == cue.pts // STEP
            assert buffer.pts == cue.at
            flagged = buffer.has_flags(Gst.BufferFlags.DROPPABLE)
            assert flagged == (cue.kind is Shown.HELD)
            shown.append((buffer.pts / STEP, number, flagged))

        player = Player(
            self.store,
            LiveTimeline(self.clock, 0, round(lead_s * SECOND)),
            show,
            delay_ns=round(delay_s * SECOND),
            frame_ns=STEP,
            rules=rules,
            **more,
        )
        self._programmes.append((pipeline, source, player))
        return player, shown

    def start(self, player: Player) -> None:
        """Starts a player when the first frame is there."""
        self.clock.run_until(30 * MILLISECOND)
        player.start()

    def close(self) -> None:
        for pipeline, _, player in self._programmes:
            player.stop()
            pipeline.stop()
        self._programmes = []
        self.store.close()
