"""The judge finds every kind of wrong passage, and lets a fault explain what it explains and no more."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from touchline.gst.library import SECOND, Gst
from touchline.soak.faults import Fault, Kind
from touchline.soak.judge import Judge, Violations
from touchline.soak.ledger import Ledger
from touchline.soak.witness import FLAGS, NUMBER, PTS, SIZE, SLATE, TAIL, TIME

FPS = 30
BASE = 1000 * SECOND
DELAY = 2 * SECOND
BYTES = 4608
HELD = int(Gst.BufferFlags.DROPPABLE)


class Court:
    """A judge, and passages as they should be."""

    def __init__(self, faults: list[Fault] | None = None, frames: int = 300, tolerance: int = 0) -> None:
        self.ledger = Ledger(Fraction(FPS), frames)
        for number in range(frames):
            self.ledger.stored(number, self.ledger.filmed(number), BYTES)
        self.lost: dict[int, str] = {}
        self.violations = Violations()
        self.judge = Judge(
            "programme",
            DELAY,
            BASE,
            self.ledger,
            faults or [],
            self.violations,
            self.lost.get,
            tolerance,
            SECOND // FPS,
        )

    def row(self, number: int, **changes: int) -> list[int]:
        pts = 0 if number == SLATE else self.ledger.filmed(number)
        row = {NUMBER: number, TAIL: number, PTS: pts, TIME: BASE + DELAY + pts, SIZE: BYTES, FLAGS: 0}
        columns = {"tail": TAIL, "pts": PTS, "time": TIME, "size": SIZE, "flags": FLAGS}
        row |= {columns[name]: value for name, value in changes.items()}
        return [row[column] for column in range(6)]

    def time(self, number: float) -> int:
        return BASE + DELAY + round(number * SECOND / FPS)

    def feed(self, rows: list[list[int]]) -> dict[str, int]:
        self.judge.feed(np.array(rows, dtype=np.int64).reshape(-1, 6))
        return self.violations.counts.as_dict()


def test_good_frames_are_counted_and_nothing_is_said() -> None:
    court = Court()
    assert court.feed([court.row(n) for n in range(100)]) == {}
    assert court.feed([]) == {}
    assert court.feed([court.row(n) for n in range(100, 150)]) == {}
    court.judge.finish(150)
    assert court.violations.counts.total == 0
    assert court.judge.shown == 150
    assert court.judge.errors.count == 150


@pytest.mark.parametrize("chunk", [1, 7, 100])
@pytest.mark.parametrize(
    ("spoil", "expected"),
    [
        (lambda c, rows: rows.pop(50), {"lost": 1, "freeze": 1}),
        (lambda c, rows: rows.insert(51, c.row(50, time=c.time(50.5))), {"repeated": 1}),
        (
            lambda c, rows: rows.__setitem__(
                slice(50, 52), [c.row(51, time=c.time(50)), c.row(50, time=c.time(51))]
            ),
            {"late": 1, "lost": 1, "out of order": 1, "freeze": 1},
        ),
        (lambda c, rows: rows.__setitem__(50, c.row(50, time=c.time(50.3))), {"late": 1}),
        (lambda c, rows: rows.__setitem__(50, c.row(50, time=c.time(49.7))), {"late": 1}),
        (lambda c, rows: rows.__setitem__(50, c.row(50, pts=1)), {"wrong PTS": 1}),
        (lambda c, rows: rows.__setitem__(50, c.row(50, tail=49)), {"torn": 1}),
        (lambda c, rows: rows.__setitem__(50, c.row(50, size=BYTES - 1)), {"torn": 1}),
        (lambda c, rows: rows.insert(50, c.row(49, time=c.time(49.5), flags=HELD)), {"freeze": 1}),
        (lambda c, rows: rows.insert(50, c.row(SLATE, time=c.time(49.5))), {"freeze": 1}),
    ],
    ids=["lost", "repeated", "swapped", "late", "early", "pts", "torn", "size", "held", "slate"],
)
def test_each_wrong_passage_is_found(spoil, expected, chunk) -> None:
    """However the passages are cut into pieces, and though most of them are looked at many at a time."""
    court = Court()
    rows = [court.row(n) for n in range(100)]
    spoil(court, rows)
    for place in range(0, len(rows), chunk):
        court.feed(rows[place : place + chunk])
    court.judge.finish(100)
    assert court.violations.counts.as_dict() == expected
    assert all(1.5 < violation.at_s - 2 < 1.75 for violation in court.violations.first)


def test_frames_that_never_come_at_the_end_are_lost_too() -> None:
    court = Court()
    court.feed([court.row(n) for n in range(90)])
    court.judge.finish(100)
    assert court.violations.counts.as_dict() == {"lost": 10}


def loss(start_s: float = 1.0, length_s: float = 1.0) -> Fault:
    return Fault(Kind.CAMERA_LOSS, start_s, length_s, 1)


def lost_camera(court: Court, reason: str = "camera_loss", back: int = 60) -> list[list[int]]:
    """Frames 30 to 59 are missing; what fills their place is the last one, flagged."""
    court.lost |= dict.fromkeys(range(30, 60), reason)
    fill = [court.row(29, time=court.time(n), flags=HELD) for n in range(30, back)]
    return [*(court.row(n) for n in range(30)), *fill, *(court.row(n) for n in range(back, 200))]


def test_a_fault_explains_what_it_is_expected_to_do() -> None:
    court = Court([loss()])
    assert court.feed(lost_camera(court)) == {}
    court.judge.look(10 * SECOND)
    (recovery,) = court.judge.recoveries
    assert recovery.lost == {"camera_loss": 30}
    assert recovery.held == 30
    assert recovery.recovery_s == 0


def test_a_fault_does_not_explain_another_reason() -> None:
    court = Court([loss()])
    assert court.feed(lost_camera(court, "pool_empty")) == {"lost": 30}


def test_a_fault_does_not_explain_another_time() -> None:
    court = Court([loss(start_s=5)])
    counts = court.feed(lost_camera(court))
    assert counts["lost"] == 30
    assert counts["freeze"] == 31, "each picture that fills, and the gap between new frames"


def test_the_recovery_is_measured_from_the_end_of_the_fault() -> None:
    court = Court([loss()])
    court.lost[60] = court.lost[61] = court.lost[62] = "camera_loss"
    assert court.feed(lost_camera(court, back=63)) == {}
    court.judge.look(10 * SECOND)
    assert court.judge.recoveries[0].recovery_s == pytest.approx(0.1)


def test_what_does_not_recover_is_a_violation() -> None:
    court = Court([loss()])
    court.feed(lost_camera(court)[:60])
    court.judge.look(10 * SECOND)
    assert court.judge.recoveries[0].recovery_s is None
    assert court.violations.counts.as_dict() == {"not recovered": 1}


def test_live_a_frame_may_be_a_little_late() -> None:
    court = Court(tolerance=SECOND // 100)
    rows = [court.row(n, time=court.time(n) + n % 5 * SECOND // 1000) for n in range(100)]
    assert court.feed(rows) == {}
    assert court.judge.errors.max_s == pytest.approx(0.004)
    assert court.judge.take_worst() == pytest.approx(0.004)
    assert court.judge.take_worst() == 0
    assert court.feed([court.row(100, time=court.time(100) + SECOND // 90)]) == {"late": 1}
