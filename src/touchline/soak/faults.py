"""Which fault comes when: a schedule that depends on nothing but its seed."""

from __future__ import annotations

import random
from dataclasses import dataclass
from enum import Enum


class Kind(Enum):
    """What goes wrong."""

    CAMERA_LOSS = "camera loss"  # no frames are made
    JITTER = "jitter"  # frames come late and out of order, with PTS that tremble
    CLOCK_JUMP = "clock jump"  # the PTS of the source jump, and jump back
    CAPS_CHANGE = "caps change"  # the frames have another size
    STARVED_POOL = "starved pool"  # somebody keeps every frame that becomes free
    MEMORY_PRESSURE = "memory pressure"  # a big allocation, and the pool's reserve is gone
    SLOW_OUTPUT = "slow output"  # nothing gets through downstream
    DEAD_OUTPUT = "dead output"  # a pipeline fails, and is opened again
    STALL = "stall"  # no thread of Python runs


@dataclass(frozen=True)
class Effect:
    """What a kind of fault is allowed to do to the programme. Everything else is a violation.

    Args:
        shortest_s, longest_s: of the fault.
        at_capture: it is seen one delay later.
        losses: reasons for which frames may be lost.
        fills: held frames and slates may be shown.
        late: frames may leave late.
    """

    shortest_s: float
    longest_s: float
    at_capture: bool
    losses: frozenset[str] = frozenset()
    fills: bool = False
    late: bool = False


EFFECTS = {
    # After a gap the first frame may come a quarter of a frame late, behind the held one that took its place.
    Kind.CAMERA_LOSS: Effect(0.5, 6, True, frozenset({"camera_loss"}), fills=True, late=True),
    Kind.JITTER: Effect(2, 8, True),
    Kind.CLOCK_JUMP: Effect(2, 8, True),
    Kind.CAPS_CHANGE: Effect(0.5, 2, True),
    Kind.STARVED_POOL: Effect(0.5, 3, True, frozenset({"pool_empty"}), fills=True, late=True),
    Kind.MEMORY_PRESSURE: Effect(1, 4, False),
    Kind.SLOW_OUTPUT: Effect(0.2, 2, False, frozenset({"behind"}), late=True),
    Kind.DEAD_OUTPUT: Effect(0.2, 2, False, frozenset({"output_failed", "output_closed"})),
    Kind.STALL: Effect(0.1, 0.1, False),
}
STEPPED = tuple(
    kind for kind in Kind if kind is not Kind.STALL
)  # on a clock that stands still nothing stalls
GRACE_S = 2.0  # after its end a fault is looked at for so long
_QUIET_S = 1.0  # then nothing may be wrong for so long
_MOST = 240  # faults in a run, about


@dataclass(frozen=True)
class Fault:
    """One fault. ``start_s`` and ``length_s`` on the capture's running time; ``seed`` for what it does by chance."""

    kind: Kind
    start_s: float
    length_s: float
    seed: int

    @property
    def end_s(self) -> float:
        return self.start_s + self.length_s

    @property
    def effect(self) -> Effect:
        return EFFECTS[self.kind]

    @property
    def one_output(self) -> bool:
        """Whether it strikes one programme only."""
        return self.kind in (Kind.SLOW_OUTPUT, Kind.DEAD_OUTPUT)

    def seen(self, delay_s: float) -> tuple[float, float]:
        """From when to when a programme with this delay shows it, in seconds of running time of the capture."""
        later = delay_s if self.effect.at_capture else 0.0
        return self.start_s + later, self.end_s + later


def schedule(
    seed: int, duration_s: float, delay_s: float, kinds: tuple[Kind, ...] = tuple(Kind)
) -> tuple[Fault, ...]:
    """Faults for a run, none before the other is over and done with.

    Every kind comes once before any comes again. The first begins when the window is full; the last is over, seen
    and recovered from before the capture ends.

    Args:
        seed: the same seed gives the same faults.
        duration_s: of the capture.
        delay_s: the longest of all programmes.
        kinds: to choose from.

    Returns:
        In the order of their time; none if the run is too short.
    """
    chance = random.Random(seed)
    rest_s = delay_s + GRACE_S + _QUIET_S
    usual_s = max(_QUIET_S, duration_s / _MOST - rest_s)
    faults: list[Fault] = []
    left: list[Kind] = []
    time_s = delay_s + _QUIET_S
    while kinds:
        left = left or chance.sample(kinds, len(kinds))
        kind = left.pop()
        effect = EFFECTS[kind]
        time_s += chance.uniform(0, 2 * usual_s)
        length_s = chance.uniform(effect.shortest_s, effect.longest_s)
        fault = Fault(kind, round(time_s, 3), round(length_s, 3), chance.getrandbits(32))
        if fault.end_s + rest_s > duration_s:
            break
        faults.append(fault)
        time_s = fault.end_s + rest_s
    return tuple(faults)
