"""The player: takes each frame out of the store when its time comes and hands it to the programme.

C paces, Python decides: the player prepares a frame ``lead`` ahead of its due time and pushes it into a pipeline
whose clocksync lets it out on time. Its position follows the clock, never a counter or a request.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import Literal

from touchline.counters import Tally
from touchline.delay.cues import Cue, Rules, Schedule, Shown
from touchline.delay.frame import Frame
from touchline.delay.states import State, StateMachine
from touchline.delay.store import FrameStore
from touchline.delay.timeline import Timeline
from touchline.errors import PlanError
from touchline.gst.library import SECOND, Gst
from touchline.gst.shares import share

_WAIT_S = 0.1  # how long to wait for a frame before looking whether we are stopped
By = Literal["slate", "hold", "jump"]


class Player:
    """Plays a store, delayed.

    Args:
        store: what is played.
        timeline: when.
        show: called in the player's thread with each cue, in order, ahead of its due time; renders and pushes.
        delay_ns: how late frames are shown.
        frame_ns: duration of a frame; 0 if unknown.
        rules: what is shown where no frame is due.
        longest_ns: the longest delay that the window has room for; by default what it has now.
        origin_ns: running time of the capture at which the programme's own time begins; by default the delay, so that
            a frame's programme time is its PTS.
        name: of the thread, and for people.
        patience_s: a frame that is later than this when its turn comes is left out and counted, so that a machine
            that is too slow loses frames instead of delay.
        on_failed: called with the exception if ``show`` raises; the player has stopped then.
        on_change: called with each change of state.
        look: called in the player's thread before it looks for the next frame; may put frames into the store.

    Attributes:
        played, held, slates: cues given so far, by kind.
        breaks: how often new frames were missing, whatever was shown instead.
        longest_break_s: the longest time between two new frames in such a break.
        shown_pts: PTS of the last new frame, ns; None before the first.
        asked_ns, asked_to_pause: the delay and the pause that were asked for last, which may still be on their way.
        dropped: frames that were not shown, by reason: ``late``, ``stopped``, ``dumped``, ``skipped``, ``paused``.
    """

    def __init__(
        self,
        store: FrameStore,
        timeline: Timeline,
        show: Callable[[Cue], None],
        *,
        delay_ns: int,
        frame_ns: int = 0,
        rules: Rules = Rules(),  # noqa: B008 - frozen
        longest_ns: int | None = None,
        origin_ns: int | None = None,
        name: str = "player",
        patience_s: float = 0.5,
        on_failed: Callable[[Exception], None] | None = None,
        on_change: Callable[[State, State], None] | None = None,
        look: Callable[[], None] | None = None,
    ) -> None:
        self.name = name
        self.states = StateMachine(on_change)
        self.played = self.held = self.slates = 0
        self.breaks = 0
        self.longest_break_s = 0.0
        self.shown_pts: int | None = None
        self.asked_ns = delay_ns
        self.asked_to_pause = False
        self.dropped = Tally()
        self.origin_ns = delay_ns if origin_ns is None else origin_ns
        self.longest_ns = delay_ns if longest_ns is None else longest_ns
        self._store = store
        self._timeline = timeline
        self._show = show
        self._patience_s = patience_s
        self._on_failed = on_failed
        self._look = look
        self._schedule = Schedule(delay_ns, frame_ns, rules, timeline.lead_ns)
        self._reader = store.reader(name)
        self._last: Frame | None = None
        self._keeps_place = False
        self._missed_as = "skipped"  # why frames are behind the reader when they come
        self._commands: deque[Callable[[], bool]] = deque()
        self._stop = threading.Event()
        self._nudge = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    @property
    def state(self) -> State:
        return self.states.state

    @property
    def delay_ns(self) -> int:
        """The delay now."""
        return self._schedule.delay_ns

    @property
    def hurried(self) -> bool:
        """Frames are there and on their way with less than half of the lead left: the work on them takes too long."""
        shown = self.shown_pts
        if shown is None or self.state is not State.PLAYING:
            return False
        next_due = shown + self._schedule.frame_ns + self._schedule.delay_ns
        return self._timeline.overdue_s(next_due) > -self._timeline.lead_ns / SECOND / 2

    def start(self) -> None:
        """Begins to fill. The first frame leaves exactly one delay after its capture."""
        self._schedule.begin(self.origin_ns)
        self.states.go(State.FILLING)
        self._thread.start()

    def stop(self) -> None:
        """Stops at once; frames that wait are not shown, and are counted. May be called again, from any thread."""
        self._stop.set()
        self._nudge.set()
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join()
        waiting = 0 if self.state is State.DONE else self._reader.waiting
        self.states.go_if_possible(State.STOPPED)
        self._reader.close()
        if waiting and not self.dropped["stopped"]:
            self.dropped.add("stopped", waiting)

    def wait(self, timeout_s: float | None = None) -> bool:
        """Waits until the last frame has left, or the player has stopped or failed. False when time is over."""
        return self.states.wait_final(timeout_s)

    def change_delay(self, delay_ns: int, by: By = "slate", at_pts: int | None = None) -> None:
        """Shows frames later or earlier from now on; returns at once.

        Args:
            delay_ns: the new delay.
            by: ``slate`` covers the change with a card; ``hold`` shows the last frame until the new delay is
                reached, if it is longer; ``jump`` goes at once to the frame that is due by the new delay, back into
                the history if that is longer and still there.
            at_pts: the frame from which on the new delay holds; None: the next one.

        Raises:
            PlanError: if the window has no room for it.
        """
        if not 0 <= delay_ns <= self.longest_ns:
            raise PlanError(
                f"a delay of {delay_ns / SECOND:g} s has no room in a window planned for "
                f"{self.longest_ns / SECOND:g} s; start with a longer --max-delay"
            )

        def change() -> bool:
            pts = self._reader.wait(0)
            if at_pts is not None and (pts is None or pts < at_pts):
                return False
            self._change_delay(delay_ns, by)
            return True

        self.asked_ns = delay_ns
        self._command(change)

    def dump(self) -> None:
        """Throws the unseen window away: nothing that has been captured until now is shown any more.

        A slate is shown until frames that were captured after this are due.
        """

        now = self._timeline.now or 0

        def throw_away() -> bool:
            self._count_missed()
            self._count("dumped", self._reader.skip_all())
            # What has been captured and is still on its way to the store is thrown away when it comes.
            self._reader.skip_to(max(now, self._reader.position))
            self._missed_as = "dumped"
            # Nor in a replay: it has become history without having been shown.
            self._store.forget()
            self._schedule.blank = True
            self._last = None
            return True

        self._command(throw_away)

    def pause(self, *, keep: bool = False) -> None:
        """Shows the last frame until :meth:`resume`.

        Args:
            keep: go on with the frame after it; the delay grows by the pause, as far as the window has room. Without
                it the programme is on time again afterwards, and what was due meanwhile is not shown.
        """

        def pause() -> bool:
            self._schedule.paused, self._keeps_place = True, keep
            return True

        self.asked_to_pause = True
        self._command(pause)

    def resume(self) -> None:
        """Goes on after :meth:`pause`."""

        def resume() -> bool:
            schedule, pts = self._schedule, self._reader.wait(0)
            if schedule.paused and pts is not None and schedule.tick is not None:
                if self._keeps_place:
                    schedule.delay_ns = min(self.longest_ns, max(schedule.delay_ns, schedule.tick - pts))
                self._pass_by(pts)
            schedule.paused = False
            return True

        self.asked_to_pause = False
        self._command(resume)

    def _command(self, command: Callable[[], bool]) -> None:
        self._commands.append(command)
        self._nudge.set()

    def _obey(self) -> None:
        """Carries out what can be done now; the rest waits for its frame."""
        for _ in range(len(self._commands)):
            command = self._commands.popleft()
            if not command():
                self._commands.append(command)

    def _run(self) -> None:
        try:
            while not self._stop.is_set():
                self._nudge.clear()
                if self._look is not None:
                    self._look()
                self._obey()
                if self._at_end():
                    self.states.go(State.DONE)
                    return
                # Whatever is filled in next, a frame that comes before it may be due earlier.
                pts = self._reader.peek(self._nudge)
                target = self._target(pts)
                if target is None:
                    self._reader.wait(_WAIT_S)
                elif not self._stop.is_set() and self._timeline.wait_to_prepare(
                    target, self._nudge, pts or 0
                ):
                    self._step()
        except Exception as error:  # noqa: BLE001 - whatever it is, it ends this thread: the owner must know
            self.states.go_if_possible(State.FAILED)
            if self._on_failed:
                self._on_failed(error)
        finally:
            self._last = None
            self._count_missed()
            self._reader.close()

    def _target(self, pts: int | None) -> int | None:
        """When to look what is due, ns; None: when the next frame has come."""
        target = self._schedule.target(pts)
        if pts is not None or target is None:
            return target
        # A frame that is not there may only be late, as after a slow decoder. At fast pace it will come, or the end.
        return (
            None
            if self._timeline.now is None
            else target + self._timeline.lead_ns - self._schedule.lead_ns // 2
        )

    def _at_end(self) -> bool:
        # Asked first: the end may come between the two questions.
        at_end = self._reader.at_end
        if self._store.ended:
            self._go(State.DRAINING)
        return at_end

    def _step(self) -> None:
        """What is due now, by what is known now."""
        self._count_missed()
        pts = self._reader.wait(0)
        if self._schedule.paused:
            pts = self._pass_by(pts)
        if pts is None and self._store.ended:
            return
        picked = self._schedule.pick(pts)
        if picked is None:
            return
        kind, running = picked
        if kind is Shown.FRAME:
            self._play(running)
        else:
            self._fill(kind, running, pts)

    def _play(self, running: int) -> None:
        frame = self._reader.take()
        if frame is None:  # closed between the wait and now
            return
        overdue = self._timeline.overdue_s(running) > self._patience_s or self._schedule.too_late(frame.pts)
        # The newest one is shown all the same: where frames take longer to come than the delay, every one is late.
        if overdue and self._reader.wait(0) is not None:
            self._count("late", 1)
            return
        self._note_break(running)
        self._schedule.note(Shown.FRAME, running)
        self._go(State.PLAYING)
        self._last = frame
        self.shown_pts = frame.pts
        self.played += 1
        self._give(Shown.FRAME, frame, running, heard=True)

    def _fill(self, kind: Shown, running: int, next_pts: int | None) -> None:
        schedule = self._schedule
        paused, blank = schedule.paused, schedule.blank
        schedule.note(kind, running)
        self._go(State.PAUSED if paused else State.FILLING if blank else _STATE_OF[kind])
        if self._timeline.overdue_s(running) > self._patience_s:
            return  # it would be shown for nothing: there is no frame to lose
        if kind is Shown.HELD and self._last is not None:
            again = share(self._last.buffer)
            again.set_flags(Gst.BufferFlags.DROPPABLE)
            frame = Frame(again, self._last.pts, self._last.duration, self._last.sequence, self._last.caps)
            self.held += 1
            self._give(kind, frame, running, heard=not (paused or blank))
        else:
            self.slates += 1
            left = None if next_pts is None else (schedule.due(next_pts) - running) / SECOND
            self._give(Shown.SLATE, None, running, left, heard=not (paused or blank))

    def _give(
        self, kind: Shown, frame: Frame | None, running: int, left_s: float | None = None, *, heard: bool
    ) -> None:
        at = running - self.origin_ns
        if frame is not None and at != frame.buffer.pts:
            frame.buffer.pts = at
        self._show(Cue(kind, frame, at, left_s, running - self._schedule.delay_ns if heard else None))

    def _note_break(self, running: int) -> None:
        schedule = self._schedule
        if schedule.filling and schedule.last_new is not None:
            self.breaks += 1
            self.longest_break_s = max(self.longest_break_s, (running - schedule.last_new) / SECOND)

    def _pass_by(self, pts: int | None) -> int | None:
        """While paused, frames that there is no room for go by. Returns the PTS of the next one that stays."""
        schedule = self._schedule
        if pts is None or schedule.tick is None:
            return pts
        kept_ns = self.longest_ns if self._keeps_place else schedule.delay_ns
        # Its place is the next one at least: up to half a frame before it, it is shown there all the same.
        first = schedule.tick - kept_ns - schedule.frame_ns // 2
        if pts < first:
            self._count("paused", self._reader.skip_to(first))
        return self._reader.wait(0)

    def _change_delay(self, delay_ns: int, by: By) -> None:
        schedule = self._schedule
        longer = delay_ns > schedule.delay_ns
        last = self.origin_ns - 1 if schedule.last is None else schedule.last
        schedule.delay_ns = delay_ns
        if by == "slate" and delay_ns:
            schedule.blank = True
            last = last if longer else last + schedule.rules.cover_ns
        first = last + 1 - delay_ns
        position = self._reader.position
        if first > position or (longer and by == "jump"):
            self._count_missed()
            self._missed_as = "skipped"
            self._count("skipped", max(0, self._reader.skip_to(max(0, first))))

    def _count_missed(self) -> None:
        """What has come since the last time, after it had been skipped."""
        self._count(self._missed_as, self._reader.take_missed())

    def _count(self, reason: str, frames: int) -> None:
        if frames:
            self.dropped.add(reason, frames)

    def _go(self, state: State) -> None:
        if self.state not in (state, State.DRAINING):
            self.states.go_if_possible(state)


_STATE_OF = {Shown.HELD: State.HOLDING, Shown.SLATE: State.SLATE}
