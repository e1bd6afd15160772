"""What hindsight is worth to the tracks: ``python -m benchmarks.tracking``.

Detections are made up from the truth of synthetic matches (:mod:`benchmarks.detecting`), so that what is measured are
the tracks alone. For each hindsight: the share of the moments in play whose ball is told within two degrees of the
truth, when asked that much later. The bound is what somebody would reach who knew which candidates are the ball and
went straight from one to the next. Identity switches are those of CLEAR MOT (Bernardin and Stiefelhagen 2008), with
two metres as the gate.
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table
from scipy.optimize import linear_sum_assignment

from benchmarks.detecting import MAST, Faults, MadeUpDetector, Truth, corners, panorama_of
from touchline.analysis.detections import Detections
from touchline.analysis.play import BallAt, Moment
from touchline.analysis.tracking import PlayLog
from touchline.analysis.tracking_settings import TrackSettings
from touchline.geometry import Panorama, rays_to_angles

Floats = NDArray[np.float64]
Run = Sequence[tuple[Truth, Detections]]
HINDSIGHTS_S = (0.0, 1.0, 2.0, 5.0, 7.0)
RIGHT_DEG = 2.0
GATE_M = 2.0
SETTLING_S = 5.0  # of a match that does not count


class Measured(NamedTuple):
    """Of one match: shares by hindsight, the bound, switches a minute, persons covered, CPU ms of an append and a look,
    and (sureness, right) of the ball with the longest hindsight."""

    shares: list[float]
    bound: float
    switches: float
    covered: float
    append_ms: float
    look_ms: float
    sureness: list[tuple[float, bool]]


def measure(panorama: Panorama, run: Run, settings: TrackSettings | None = None, every: int = 2) -> Measured:
    """Runs a match's detections through a log and asks it what each moment, or every so many'th, was."""
    log = PlayLog(panorama, corners(), MAST, settings)
    begin = time.process_time()
    for _, detections in run:
        log.append(detections)
    append_ms = (time.process_time() - begin) / len(run) * 1e3
    end = run[-1][0].pts_ns - round(max(HINDSIGHTS_S) * 1e9)
    asked = [t for t, _ in run if t.in_play and SETTLING_S * 1e9 <= t.pts_ns <= end][::every]
    shares, sureness = [], []
    for hindsight in HINDSIGHTS_S:
        balls = [log.between(t.pts_ns, t.pts_ns + round(hindsight * 1e9))[0].ball for t in asked]
        right = [off_deg(t, ball) < RIGHT_DEG for t, ball in zip(asked, balls, strict=True)]
        shares.append(float(np.mean(right)))
        sureness = [(ball.sureness if ball else 0.0, ok) for ball, ok in zip(balls, right, strict=True)]
    begin = time.process_time()
    for k in range(20):
        log.between(end - (k + 100) * 10**8, end - k * 10**8)
    look_ms = (time.process_time() - begin) / 20 * 1e3
    switches, covered = identities(log.between(0, run[-1][0].pts_ns), [t for t, _ in run])
    return Measured(shares, bound(panorama, run, asked), switches, covered, append_ms, look_ms, sureness)


def off_deg(truth: Truth, ball: BallAt | None) -> float:
    """Degrees between the ball and where it is said to be; infinite where nobody knows."""
    if ball is None:
        return math.inf
    across = (ball.yaw_deg - truth.yaw_deg) * math.cos(math.radians(truth.pitch_deg))
    return math.hypot(across, ball.pitch_deg - truth.pitch_deg)


def bound(panorama: Panorama, run: Run, asked: Sequence[Truth]) -> float:
    """The share right of straight lines between those candidates that are the ball."""
    at = np.array([(t.yaw_deg, t.pitch_deg) for t, _ in run])
    times = np.array([t.pts_ns for t, _ in run])
    x, y = panorama.angles_to_pixels(*np.radians(at.T))
    seen = [
        any(
            f.kind == "ball"
            and math.hypot((f.left + f.right) / 2 - 0.5 - u, (f.top + f.bottom) / 2 - 0.5 - v) < 4
            for f in d.found
        )
        for u, v, (_, d) in zip(x, y, run, strict=True)
    ]
    when = [t.pts_ns for t in asked]
    yaw, pitch = (np.interp(when, times[seen], at[seen, axis]) for axis in (0, 1))
    straight = [BallAt(a, b, 1.0, False) for a, b in zip(yaw.tolist(), pitch.tolist(), strict=True)]
    return float(np.mean([off_deg(t, ball) < RIGHT_DEG for t, ball in zip(asked, straight, strict=True)]))


def identities(moments: Sequence[Moment], truths: Sequence[Truth]) -> tuple[float, float]:
    """Identity switches a minute, and the share of the persons that have a track."""
    before: dict[int, int] = {}
    last: dict[int, int] = {}
    switches, covered = 0, []
    for moment, truth in zip(moments, truths, strict=True):
        off = _off_m(moment, truth)
        tracks = [player.track for player in moment.players]
        now = {i: k for i, k in before.items() if k in tracks and off[i, tracks.index(k)] < GATE_M}
        rows = [i for i in range(len(off)) if i not in now]
        columns = [j for j, k in enumerate(tracks) if k not in now.values()]
        part = np.where(off[np.ix_(rows, columns)] < GATE_M, off[np.ix_(rows, columns)], 1e3)
        for a, b in zip(*linear_sum_assignment(part), strict=True):
            if part[a, b] < GATE_M:
                person, track = rows[a], tracks[columns[b]]
                switches += last.get(person, track) != track
                now[person] = track
        last |= now
        before = now
        covered.append(len(now) / len(off))
    minutes = (truths[-1].pts_ns - truths[0].pts_ns) / 60e9
    return switches / minutes, float(np.mean(covered))


def _off_m(moment: Moment, truth: Truth) -> Floats:
    """Metres between persons and tracks, across the line of sight."""
    yaw, pitch = (np.degrees(a)[:, None] for a in rays_to_angles(MAST.rays(truth.persons, 0.9)))
    told = np.array([(p.yaw_deg, p.pitch_deg) for p in moment.players]).reshape(-1, 2)
    off = np.hypot((told[:, 0] - yaw) * np.cos(np.radians(pitch)), told[:, 1] - pitch)
    return np.asarray(np.radians(off) * np.hypot(*(truth.persons - MAST.eye[:2]).T)[:, None])


def main(
    seeds: Sequence[int] = range(1100, 1106), seconds: float = 120.0, rates: Sequence[float] = (10.0, 5.0)
) -> None:
    console = Console()
    table = Table(
        title=f"Ball within {RIGHT_DEG:g} degrees, by hindsight: {len(seeds)} matches of {seconds:g} s"
    )
    for name in (
        "frames/s", "detector", *(f"{h:g} s" for h in HINDSIGHTS_S), "bound", "switches/min", "covered", "append",
        "10 s look",
    ):  # fmt: skip
        table.add_column(name, justify="right")
    told: list[tuple[float, bool]] = []
    for rate in rates:
        for name, faults in (("good", Faults(0.85, 0.6, 0.15, telling=2.0)), ("poor", Faults())):
            found = [
                measure(
                    panorama_of(s), list(MadeUpDetector(s, panorama_of(s), faults).run(seconds, rate, 0.3))
                )
                for s in seeds
            ]
            told += [one for m in found for one in m.sureness]
            table.add_row(
                f"{rate:g}", name, *(f"{share:.1%}" for share in np.mean([m.shares for m in found], axis=0)),
                f"{np.mean([m.bound for m in found]):.1%}", f"{np.mean([m.switches for m in found]):.1f}",
                f"{np.mean([m.covered for m in found]):.1%}", f"{np.median([m.append_ms for m in found]):.1f} ms",
                f"{np.median([m.look_ms for m in found]):.1f} ms",
            )  # fmt: skip
    console.print(table)
    sure = Table(title="Sureness with 7 s of hindsight")
    for name in ("said", "moments", "right"):
        sure.add_column(name, justify="right")
    for low in np.arange(0, 1, 0.2):
        part = [ok for s, ok in told if low <= s < low + 0.2 or (s == 1 and low > 0.7)]
        if part:
            sure.add_row(f"{low:.1f} .. {low + 0.2:.1f}", str(len(part)), f"{np.mean(part):.0%}")
    console.print(sure)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=list(range(1100, 1106)))
    parser.add_argument("--seconds", type=float, default=120.0)
    parser.add_argument("--rates", type=float, nargs="+", default=[10.0, 5.0])
    given = parser.parse_args()
    main(given.seeds, given.seconds, given.rates)
