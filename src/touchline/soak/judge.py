"""Judges what leaves one programme: every frame once, in order, on time, or a fault that explains why not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from touchline.counters import Durations, Tally
from touchline.gst.library import SECOND, Gst
from touchline.soak.faults import GRACE_S, Effect, Fault
from touchline.soak.ledger import Ledger
from touchline.soak.witness import FLAGS, NUMBER, PTS, SIZE, SLATE, TAIL, TIME

_DROPPABLE = int(Gst.BufferFlags.DROPPABLE)
_FREEZE_FRAMES = 1.5
_MOST_VIOLATIONS = 100


@dataclass(frozen=True)
class Violation:
    """A promise that was broken: which, when (seconds of running time of the capture), and how."""

    rule: str
    at_s: float
    detail: str


class Violations:
    """Every violation, counted by rule; the first hundred in full."""

    def __init__(self) -> None:
        self.counts = Tally()
        self.first: list[Violation] = []

    def add(self, rule: str, at_s: float, detail: str) -> None:
        self.counts.add(rule)
        if len(self.first) < _MOST_VIOLATIONS:
            self.first.append(Violation(rule, round(at_s, 3), detail))


@dataclass
class Recovery:
    """How one programme came through a fault.

    Attributes:
        recovery_s: from the end of the fault, where this programme shows it, until every frame was on time again;
            None if that did not come within the grace.
        lost: frames, by reason.
        held, slates, late: pictures of these kinds.
    """

    fault: Fault
    programme: str
    recovery_s: float | None = None
    lost: dict[str, int] = field(default_factory=dict)
    held: int = 0
    slates: int = 0
    late: int = 0


@dataclass
class _Span:
    """When a fault may be seen, ns of running time; ``end`` without the grace."""

    start: int
    end: int
    last: int
    effect: Effect
    recovery: Recovery


class Judge:
    """Looks at the passages of one programme.

    Args:
        name: of the programme.
        delay_ns: of it.
        base_time: of the capture, on the clock that the passages were timed with, ns.
        ledger: what the camera has made.
        faults: what may disturb this programme, in the order of their time.
        violations: where to write them down.
        lost: reasons of frames that were lost on the way, by number; looked at when one is missing.
        tolerance_ns: how far from its due time a frame may leave.
        frame_ns: duration of a frame.

    Attributes:
        errors: of the delay, outside faults.
        worst_s: the largest error since :meth:`take_worst`.
    """

    def __init__(
        self,
        name: str,
        delay_ns: int,
        base_time: int,
        ledger: Ledger,
        faults: Sequence[Fault],
        violations: Violations,
        lost: Callable[[int], str | None],
        tolerance_ns: int,
        frame_ns: int,
    ) -> None:
        self.name = name
        self.delay_ns = delay_ns
        self.errors = Durations()
        self.lost = Tally()
        self.shown = self.held = self.slates = self.late = 0
        self.unexplained = Tally()
        self.recoveries: list[Recovery] = []
        self._worst_s = 0.0
        self._base = base_time
        self._ledger = ledger
        self._violations = violations
        self._why_lost = lost
        self._tolerance = tolerance_ns
        self._freeze_ns = round(_FREEZE_FRAMES * frame_ns)
        self._next = 0  # number of the next frame
        self._last_time: int | None = None  # running time of the last new frame
        self._good_since = 0
        self._good = True
        self._spans = [self._span(fault, frame_ns) for fault in faults]

    def feed(self, rows: NDArray[np.int64]) -> None:
        """Judges passages, as :meth:`Witness.read` gives them, in the order in which they happened."""
        if len(rows) and not self._all_well(rows):
            for row in rows.tolist():
                self._judge(row)

    def look(self, now: int) -> None:
        """Closes what can no longer recover in time. ``now``: running time, ns."""
        while self._spans and self._spans[0].last < now:
            self._close(self._spans.pop(0))

    def finish(self, frames: int) -> None:
        """The last of ``frames`` frames has left."""
        self._miss(frames)
        for span in self._spans:
            if span.end <= (self._last_time or 0):
                self._close(span)
        self._spans = []

    def take_worst(self) -> float:
        """The largest error of the delay since the last call, in seconds, in faults and outside."""
        worst, self._worst_s = self._worst_s, 0.0
        return worst

    def _all_well(self, rows: NDArray[np.int64]) -> bool:
        """Whether these are the next frames, all of them as they should be; then they are counted."""
        numbers, times = rows[:, NUMBER], rows[:, TIME] - self._base
        if numbers[0] != self._next or (np.diff(numbers) != 1).any() or (rows[:, FLAGS] & _DROPPABLE).any():
            return False
        pts, sizes = self._ledger.look_up(numbers)
        if (rows[:, TAIL] != numbers).any() or (rows[:, SIZE] != sizes).any() or (rows[:, PTS] != pts).any():
            return False
        errors = times - pts - self.delay_ns
        before = times[0] if self._last_time is None else self._last_time
        if np.abs(errors).max() > self._tolerance or np.diff(times, prepend=before).max() > self._freeze_ns:
            return False
        self.errors.extend(errors / SECOND)
        self._worst_s = max(self._worst_s, float(errors.max()) / SECOND)
        self.shown += len(rows)
        self._next = int(numbers[-1]) + 1
        self._last_time = int(times[-1])
        self._mend(int(times[0]))
        return True

    def _judge(self, row: list[int]) -> None:
        number, now = row[NUMBER], row[TIME] - self._base
        span = self._now_in(now)
        if number == SLATE:
            self.slates += 1
            self._fill(span, now, "slate")
        elif number == self._next - 1 and row[FLAGS] & _DROPPABLE:
            self.held += 1
            self._fill(span, now, "held")
        elif number == self._next - 1:
            self._blame("repeated", now, f"frame {number} again")
        elif number < self._next:
            self._blame("out of order", now, f"frame {number} after {self._next - 1}")
        else:
            self._miss(number)
            self._judge_new(row, now, span)
        if row[TAIL] != number:
            self._blame("torn", now, f"frame {number} ends as {row[TAIL]}")

    def _judge_new(self, row: list[int], now: int, span: _Span | None) -> None:
        number = row[NUMBER]
        pts, size = (int(values[0]) for values in self._ledger.look_up(np.array([number])))
        error = now - pts - self.delay_ns
        on_time = abs(error) <= self._tolerance
        self.shown += 1
        self._next = number + 1
        if row[SIZE] != size:
            self._blame("torn", now, f"frame {number} has {row[SIZE]} bytes, not {size}")
        if span is None:
            self.errors.add(error / SECOND)
        self._worst_s = max(self._worst_s, error / SECOND)
        frozen = self._last_time is not None and now - self._last_time > self._freeze_ns
        self._last_time = now
        if not on_time:
            self.late += 1
            self._good = False
            if span is None or not span.effect.late:
                self._blame("late", now, f"frame {number}: {error / SECOND * 1000:+.3f} ms")
            else:
                span.recovery.late += 1
        elif row[PTS] != pts:
            self._blame("wrong PTS", now, f"frame {number}: {row[PTS]}, not {pts}")
        if frozen and (span is None or not (span.effect.fills or span.effect.late or span.effect.losses)):
            self._blame("freeze", now, f"before frame {number}")
        if on_time:
            self._mend(now)

    def _fill(self, span: _Span | None, now: int, kind: str) -> None:
        self._good = False
        if span is None or not span.effect.fills:
            self._blame("freeze", now, f"a {kind} picture where frame {self._next} is due")
        elif kind == "held":
            span.recovery.held += 1
        else:
            span.recovery.slates += 1

    def _miss(self, until: int) -> None:
        """The frames before this one have not come, and will not."""
        for number in range(self._next, until):
            due = self._ledger.filmed(number) + self.delay_ns
            reason = self._why_lost(number) or "unknown"
            span = self._now_in(due)
            self.lost.add(reason)
            self._good = False
            if span is not None and reason in span.effect.losses:
                span.recovery.lost[reason] = span.recovery.lost.get(reason, 0) + 1
            else:
                self.unexplained.add(reason)
                self._blame("lost", due, f"frame {number}: {reason}")
        self._next = max(self._next, until)

    def _mend(self, now: int) -> None:
        """A frame has left as it should."""
        if not self._good:
            self._good, self._good_since = True, now

    def _blame(self, rule: str, now: int, detail: str) -> None:
        self._good = False
        self._violations.add(rule, now / SECOND, f"{self.name}: {detail}")

    def _span(self, fault: Fault, frame_ns: int) -> _Span:
        start, end = (round(seconds * SECOND) for seconds in fault.seen(self.delay_ns / SECOND))
        last = end + round(GRACE_S * SECOND)
        return _Span(start - frame_ns, end, last, fault.effect, Recovery(fault, self.name))

    def _now_in(self, now: int) -> _Span | None:
        for span in self._spans[:2]:
            if span.start <= now <= span.last:
                return span
        return None

    def _close(self, span: _Span) -> None:
        if self._good:
            span.recovery.recovery_s = max(0, self._good_since - span.end) / SECOND
        else:
            self._violations.add(
                "not recovered", span.end / SECOND, f"{self.name}: {span.recovery.fault.kind.value}"
            )
        self.recoveries.append(span.recovery)
